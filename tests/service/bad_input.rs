//! Malformed messages through the real doors: each is answered by a problem that
//! names the member and the rule and shows no value; what came beside them is
//! in; and the service goes on.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use crate::people::{person, with};
use crate::request::Answer;
use crate::world::{Actor, World, record_path};

/// Stands in malformed messages, and must never come back.
const HIDDEN: &str = "Hiddenperson";

/// A name, a body, the status, the member and the rule of the answer.
type Case = (&'static str, Vec<u8>, u16, &'static str, &'static str);

/// The table of malformed bodies, and those that are too long for it.
fn cases() -> Vec<Case> {
    let lines = include_str!("bad_input/bodies.tsv").lines();
    let mut cases: Vec<Case> = lines
        .filter(|line| !line.starts_with('#'))
        .map(case)
        .collect();
    let long: [(&'static str, String, u16, &'static str, &'static str); 8] = [
        (
            "deep lists",
            format!("{{\"title\": {}", "[".repeat(100_000)),
            400,
            "title",
            "depth",
        ),
        (
            "deep objects",
            "{\"mother\":".repeat(20_000),
            400,
            "mother",
            "depth",
        ),
        (
            "400 digits",
            format!("{{\"nhs_number\": {}}}", "9".repeat(400)),
            400,
            "nhs_number",
            "number",
        ),
        (
            "a long text",
            format!("{{\"title\": \"{}\"}}", "é".repeat(70_000)),
            422,
            "title",
            "maxLength",
        ),
        (
            "a large body",
            format!("{{\"title\": \"{}\"}}", "x".repeat(300_000)),
            413,
            "body",
            "size",
        ),
        (
            "a long list",
            format!("{{\"phones\": [{}]}}", vec!["\"1\""; 1_001].join(",")),
            422,
            "phones",
            "maxItems",
        ),
        (
            "many columns",
            wide(),
            422,
            "other_columns",
            "maxProperties",
        ),
        (
            "many members",
            format!("{{{}", "\"a\":1,".repeat(30_000)),
            400,
            "a",
            "unique members",
        ),
    ];
    let long = long
        .map(|(name, body, status, member, rule)| (name, body.into_bytes(), status, member, rule));
    cases.extend(long);
    cases
}

fn wide() -> String {
    let columns: Vec<String> = (0..1_001)
        .map(|place| format!("\"c{place}\": \"x\""))
        .collect();
    format!("{{\"other_columns\": {{{}}}}}", columns.join(","))
}

/// A line of the table.
fn case(line: &'static str) -> Case {
    let fields: Vec<&str> = line.split('\t').collect();
    let [name, body, status, member, rule] = fields[..] else {
        panic!("not five fields: {line}");
    };
    let mut bytes = Vec::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend_from_slice(before.as_bytes());
        bytes.push(u8::from_str_radix(&after[..2], 16).expect("two digits"));
        rest = &after[2..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    (name, bytes, status.parse().expect("a status"), member, rule)
}

#[track_caller]
fn expect(name: &str, answer: Answer, status: u16, member: &str, rule: &str) {
    assert_eq!(answer.status, status, "{name} answered {}", answer.text);
    let answer = answer.expect_problem(status, "", &[HIDDEN]);
    assert_eq!(answer["member"], member, "{name} answered {}", answer.text);
    assert_eq!(answer["rule"], rule, "{name} answered {}", answer.text);
    assert_eq!(answer["status"], status, "{name}");
    assert!(answer["title"].is_string(), "{name}");
    let id = answer["request_id"].as_str().unwrap_or_default();
    assert_eq!(answer.headers["x-request-id"], id, "{name}");
}

#[test]
fn each_malformed_body_is_named_by_member_and_rule_at_every_door() {
    let world = World::start();
    let cases = cases();
    assert!(cases.len() >= 70, "{}", cases.len());
    let put = record_path("gp", "bad-1");
    for (name, body, status, member, rule) in &cases {
        let send = |method: Method, path: &str, body: Vec<u8>| {
            let request = world.ask(method, path).bytes("application/json", body);
            request.send()
        };
        expect(
            name,
            send(Method::PUT, &put, body.clone()),
            *status,
            member,
            rule,
        );
        // The same reader is behind the other doors; only what the ledger makes
        // of a record that can be read is not asked of a question.
        if *status == 422 && matches!(*rule, "RFC 3339" | "one identifying value") {
            continue;
        }
        expect(
            name,
            send(Method::POST, "/match", body.clone()),
            *status,
            member,
            rule,
        );
        if body.first() == Some(&b'{') && *status != 413 {
            let mut named = b"{\"local_id\": \"bad-2\"".to_vec();
            let rest = body[1..].trim_ascii_start();
            let empty = rest.first().is_none_or(|byte| *byte == b'}');
            named.extend_from_slice(if empty { b"" } else { b"," });
            named.extend_from_slice(rest);
            let answer = send(Method::POST, "/sources/gp/records", named);
            let known = [u64::from(*status), 400].contains(&u64::from(answer.status));
            assert!(known, "{name} answered {}", answer.text);
            answer.expect_problem(*status, "", &[HIDDEN]);
        }
    }
    world.get(&put).send().expect(404);
    world.registers("gp", "bad-1", &person("after the bad ones"));
}

#[test]
fn a_batch_answers_each_bad_line_and_takes_the_good_ones() {
    let world = World::start();
    let cases = cases();
    let mut body = Vec::new();
    let mut expected = Vec::new();
    for (place, (name, line, ..)) in cases.iter().enumerate() {
        let blank = line.iter().all(u8::is_ascii_whitespace);
        if blank || line.contains(&b'\n') {
            continue;
        }
        body.extend_from_slice(line);
        let good = json!({"local_id": format!("good-{place}")});
        let good = with(&person(&format!("good line {place}")), good);
        body.extend_from_slice(format!("\n{good}\n").as_bytes());
        expected.push((*name, place));
    }

    let answer = world
        .post("/sources/gp/records/batch")
        .bytes("application/x-ndjson", body)
        .send()
        .expect(200);

    assert!(!answer.text.contains(HIDDEN), "{}", answer.text);
    let lines: Vec<Value> = answer
        .text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(lines.len(), expected.len() * 2);
    for ((name, place), pair) in expected.iter().zip(lines.chunks(2)) {
        assert!(pair[0]["type"].is_string(), "{name}: {}", pair[0]);
        assert!(pair[0]["member"].is_string(), "{name}: {}", pair[0]);
        assert!(pair[0]["rule"].is_string(), "{name}: {}", pair[0]);
        assert_eq!(pair[1]["local_id"], format!("good-{place}"), "{name}");
        assert_eq!(pair[1]["status"], 201, "{name}: {}", pair[1]);
    }
}

/// A header, its value, the answer to a good record with it.
const HEADERS: [(&str, &str, u16, &str, &str); 21] = [
    (
        "content-type",
        "text/plain",
        415,
        "Content-Type",
        "media type",
    ),
    (
        "content-type",
        "application/xml",
        415,
        "Content-Type",
        "media type",
    ),
    (
        "content-type",
        "application/json-patch+json",
        415,
        "Content-Type",
        "media type",
    ),
    ("content-type", "", 415, "Content-Type", "media type"),
    (
        "content-type",
        "application/json; charset=utf-16",
        415,
        "Content-Type",
        "charset",
    ),
    (
        "content-type",
        "application/json; charset=\"latin1\"",
        415,
        "Content-Type",
        "charset",
    ),
    (
        "content-encoding",
        "gzip",
        415,
        "Content-Encoding",
        "not packed",
    ),
    ("if-match", "1", 400, "If-Match", "RFC 9110 8.8.3"),
    ("if-match", "\"1", 400, "If-Match", "RFC 9110 8.8.3"),
    ("if-match", "W/1", 400, "If-Match", "RFC 9110 8.8.3"),
    ("if-match", "\"1\" \"2\"", 400, "If-Match", "RFC 9110 8.8.3"),
    ("if-match", "\"1\",", 412, "If-Match", "RFC 9110 13.1.1"),
    ("if-match", "*", 412, "If-Match", "RFC 9110 13.1.1"),
    ("if-match", "W/\"1\"", 412, "If-Match", "RFC 9110 13.1.1"),
    (
        "if-match",
        "\"abc\", \"4294967296\"",
        412,
        "If-Match",
        "RFC 9110 13.1.1",
    ),
    (
        "idempotency-key",
        "",
        400,
        "Idempotency-Key",
        "idempotency key",
    ),
    (
        "idempotency-key",
        "ключ",
        400,
        "Idempotency-Key",
        "idempotency key",
    ),
    ("accord-role", "king", 201, "", ""),
    ("x-request-id", "not sound!", 201, "", ""),
    (
        "content-type",
        "Application/JSON ; charset=UTF-8",
        201,
        "",
        "",
    ),
    ("content-encoding", "identity", 201, "", ""),
];

#[test]
fn each_malformed_header_is_named() {
    let world = World::shared();
    for (place, (header, value, status, member, rule)) in HEADERS.into_iter().enumerate() {
        let local_id = format!("header-{place}");
        let body = person(&local_id);
        world.guards(&body);
        let mut request = world.ask(Method::PUT, &record_path("gp", &local_id));
        request = if header == "content-type" {
            request.bytes(value, body.to_string())
        } else {
            request.json(&body).header(header, value)
        };
        let name = format!("{header}: {value}");
        let answer = request.send();
        if status == 201 {
            assert_eq!(answer.status, 201, "{name} answered {}", answer.text);
        } else {
            expect(&name, answer, status, member, rule);
        }
    }
    let long = "k".repeat(257);
    let request = world.put("gp", "header-long", &person("a long key"));
    let answer = request.header("idempotency-key", &long).send();
    expect(
        "a long key",
        answer,
        400,
        "Idempotency-Key",
        "idempotency key",
    );
    for header in ["Idempotency-Key", "If-Match"] {
        let answer = world
            .post("/sources/gp/records/batch")
            .bytes("application/x-ndjson", "{}")
            .header(header, "\"1\"")
            .send();
        expect(header, answer, 400, header, "one record");
    }
}

#[test]
fn r107_if_match_with_a_star_wants_a_known_record_and_a_list_any_of_its_versions() {
    let world = World::shared();
    let sent = person("if match star");
    let put = |body: &Value, tag: &str| {
        let request = world.put("gp", "star-1", body).header("if-match", tag);
        request.send()
    };
    put(&sent, "*").expect_problem(412, "If-Match", &[]);
    world.put("gp", "star-1", &sent).send().expect(201);
    let phone = |last: &str| with(&sent, json!({"phones": [format!("07700 90000{last}")]}));
    put(&phone("1"), "*").expect(200);
    put(&phone("2"), "\"7\", W/\"2\"").expect(200);
    put(&phone("3"), "\"7\", W/\"2\"").expect(412);
    let path = record_path("gp", "star-1");
    let withdraw = |path: &str, tag: &str| {
        let request = world.ask(Method::DELETE, path).header("if-match", tag);
        request.send()
    };
    withdraw(&path, "\"1\"").expect_problem(412, "If-Match", &[]);
    withdraw(&path, "*").expect(204);
    withdraw(&record_path("gp", "star-unknown"), "*").expect_problem(404, "", &[]);
}

/// A path, and the status, member and rule of its answer. `LONG` is 257 letters.
const PATHS: [(&str, u16, &str, &str); 21] = [
    ("/sources/gp/records/%00", 422, "local_id", "local id"),
    ("/sources/gp/records/a%0Ab", 422, "local_id", "local id"),
    ("/sources/gp/records/%20", 422, "local_id", "local id"),
    ("/sources/gp/records/LONG", 422, "local_id", "local id"),
    ("/sources/gp/records/%FF", 400, "path", "percent-encoding"),
    (
        "/sources/gp/records/%ED%A0%80",
        400,
        "path",
        "percent-encoding",
    ),
    ("/sources/gp/records/a%zz", 400, "path", "percent-encoding"),
    ("/sources/gp/records/a%", 400, "path", "percent-encoding"),
    ("/sources/LONG/records/1", 422, "source", "source code"),
    ("/sources/%00/records/1", 422, "source", "source code"),
    (
        "/sources/nowhere/records/1",
        404,
        "path",
        "known and visible",
    ),
    ("/persons/P-1", 404, "person", "known and visible"),
    ("/persons/%FF", 400, "path", "percent-encoding"),
    ("/no/such/path", 404, "path", "known and visible"),
    ("/match?limit=5", 405, "method", "methods of this path"),
    ("/sources/gp/records/a?as_of=now", 422, "as_of", "RFC 3339"),
    (
        "/sources/gp/records/a?x=%FF",
        400,
        "query",
        "percent-encoding",
    ),
    (
        "/sources/gp/records/a/person?min_route=sure",
        400,
        "min_route",
        "enum",
    ),
    (
        "/sources/gp/records/a/person?target_source=%00",
        422,
        "target_source",
        "source code",
    ),
    ("/persons/P-1?follow=perhaps", 400, "follow", "type"),
    ("/persons/P-1?Follow=true", 400, "Follow", "unknown member"),
];

/// The same for parameters of the list of tasks.
const TASK_PARAMETERS: [(&str, u16, &str, &str); 14] = [
    ("limit=0", 422, "limit", "range"),
    ("limit=201", 422, "limit", "range"),
    ("limit=ten", 400, "limit", "type"),
    ("limit=5&limit=6", 400, "limit", "unique members"),
    ("state=lost", 400, "state", "enum"),
    ("kind=", 400, "kind", "enum"),
    ("after=T-1", 400, "after", "place in the queue"),
    (
        "after=1.9.0000000000000000.T-00000000000070008000000000000000",
        400,
        "after",
        "place in the queue",
    ),
    ("person=P-1", 400, "person", "person id"),
    ("older_than=yesterday", 400, "older_than", "duration"),
    ("source=%00", 422, "source", "source code"),
    ("assigned_to=a%C2%9B", 400, "assigned_to", "account"),
    ("assigned_to=", 400, "assigned_to", "account"),
    (
        "assigned_to=a&assigned_to=b",
        400,
        "assigned_to",
        "unique members",
    ),
];

#[test]
fn each_malformed_path_is_named() {
    let world = World::shared();
    for (path, status, member, rule) in PATHS {
        let path = path.replace("LONG", &"x".repeat(257));
        expect(&path, world.get(&path).send(), status, member, rule);
    }
    for (query, status, member, rule) in TASK_PARAMETERS {
        let path = format!("/review/tasks?{query}");
        let answer = world.get(&path).by(Actor::Steward).send();
        expect(&path, answer, status, member, rule);
    }
    let dots = json!({"local_id": "..", "family_name": "Hiddenperson"});
    let answer = world.post("/sources/gp/records").json(&dots).send();
    expect("two full stops", answer, 422, "local_id", "local id");
    let root = world.get_root("/nowhere").send();
    expect("/nowhere", root, 404, "path", "known and visible");
}

#[test]
fn each_malformed_source_is_named() {
    let world = World::shared();
    let good = json!({"code": "new", "name": "New", "trust": 10});
    for (change, status, member, rule) in [
        (json!({"code": ""}), 422, "code", "source code"),
        (json!({"code": "a\u{0}b"}), 422, "code", "source code"),
        (json!({"name": "a\u{0}b"}), 422, "name", "short plain text"),
        (
            json!({"authority": "x".repeat(300)}),
            422,
            "authority",
            "short plain text",
        ),
        (json!({"trust": 101}), 422, "trust", "range"),
        (json!({"trust": -1}), 422, "trust", "range"),
        (json!({"trust": 1e3}), 422, "trust", "range"),
        (json!({"trust": "high"}), 400, "trust", "type"),
        (
            json!({"nhs_status_default": "09"}),
            422,
            "nhs_status_default",
            "R12",
        ),
        (
            json!({"acts_for_people": "no"}),
            400,
            "acts_for_people",
            "type",
        ),
        (json!({"colour": "red"}), 400, "colour", "unknown member"),
    ] {
        let name = change.to_string();
        let request = world.post("/sources").by(Actor::Administrator);
        let answer = request.json(&with(&good, change)).send();
        expect(&name, answer, status, member, rule);
    }
}

#[test]
fn odd_values_become_findings_and_come_back_as_they_were_sent() {
    let world = World::shared();
    let long = "Long ".repeat(2_000);
    let many: Vec<String> = (0..200)
        .map(|place| format!("07700 900{place:03}"))
        .collect();
    for (name, member, value) in [
        ("NUL", "family_name", json!("Apple\u{0}thwaite")),
        ("an impossible date", "birth_date", json!("2023-02-30")),
        ("a month of 13", "birth_date", json!("1980-13-01")),
        ("a date of letters", "birth_date", json!("yesterday")),
        ("400 digits", "nhs_number", json!("9".repeat(400))),
        ("other digits", "nhs_number", json!("٩٩٩٠٠٠٠٠١٨")),
        ("a long name", "family_name", json!(long)),
        ("many phones", "phones", json!(many)),
        ("no phone", "phones", json!(["\u{0}", "x"])),
        ("no e-mail", "emails", json!(["@@example.org"])),
        ("no death", "death_date", json!("0000-00-00")),
        ("no sex", "gender", json!("\u{feff}☃")),
    ] {
        let local_id = format!("odd {name}");
        let sent = with(&person(&local_id), json!({member: value}));
        let answer = world.put("gp", &local_id, &sent).send().expect(201);
        let about = |finding: &Value| finding["field"].to_string().contains(member);
        assert!(
            answer.list("findings").iter().any(about),
            "{name}: {}",
            answer.text
        );
        assert_eq!(
            world.record("gp", &local_id)["record"][member],
            sent[member],
            "{name}"
        );
    }
}

#[test]
fn the_worst_bodies_are_answered_and_their_time_is_shown() {
    let world = World::start();
    let text = |length: usize| "é".repeat(length);
    let names = |count: usize| vec![format!("\"{}\"", text(100)); count].join(",");
    let address = format!(
        "{{\"lines\": [\"{}\"], \"postcode\": \"LS1 4AP\"}}",
        text(2_000)
    );
    let bodies = [
        (
            "given names",
            format!("{{\"given_names\": [{}]}}", names(1_000)),
        ),
        (
            "one long name",
            format!("{{\"family_name\": \"{}\"}}", text(60_000)),
        ),
        (
            "digits",
            format!("{{\"nhs_number\": \"{}\"}}", "9".repeat(60_000)),
        ),
        (
            "addresses",
            format!("{{\"addresses\": [{}]}}", vec![address; 60].join(",")),
        ),
        ("depth", format!("{{\"title\": {}", "[".repeat(250_000))),
        ("members", format!("{{{}}}", "\"a\":1,".repeat(40_000))),
        (
            "20 MiB",
            format!("{{\"title\": \"{}\"}}", "x".repeat(20 << 20)),
        ),
    ];
    for (name, body) in bodies {
        let begun = Instant::now();
        let answer = (0..20).find_map(|_| {
            let request = world.ask(Method::PUT, &record_path("gp", "worst-1"));
            let request = request.bytes("application/json", body.clone());
            request.try_send().ok()
        });
        let answer = answer.expect("an answer in twenty attempts");
        println!("{name}: {} in {:?}", answer.status, begun.elapsed());
        assert!(
            (200..500).contains(&answer.status),
            "{name} answered {}",
            answer.text
        );
    }
}
