//! What a source may send and what it is answered: the registration doors of
//! DESIGN §6.3 (PUT, POST, batch). Which person a record belongs to is told in
//! `linking` and `updating`.

use serde_json::{Value, json};

use crate::people::{person, verified_person, with};
use crate::world::{World, record_path};

#[test]
fn a_new_record_is_201_and_an_update_200() {
    let world = World::shared();
    let rosalind = person("new and updated");

    let new = world.put("gp", "new-1", &rosalind).send().expect(201);
    let moved = with(&rosalind, json!({"phones": ["07700 900001"]}));
    let updated = world.put("gp", "new-1", &moved).send().expect(200);

    assert_eq!(new["outcome"], "new_person");
    assert_eq!(new.person(), updated.person());
    assert_ne!(new["version"], updated["version"]);
}

#[test]
fn the_answer_has_every_member_that_others_rely_on() {
    let world = World::shared();

    let answer = world.registers("gp", "members-1", &person("members"));

    assert_eq!(answer["source"], "gp");
    assert_eq!(answer["local_id"], "members-1");
    assert!(answer.person().starts_with("P-"));
    for list in ["possible", "tasks", "findings"] {
        assert!(answer[list].is_array(), "{list} in {}", answer.text);
    }
    for member in [
        "version",
        "outcome",
        "route",
        "weight_bits",
        "probability",
        "calibrated",
        "position",
    ] {
        let members = answer.body.as_object().expect("an object");
        assert!(members.contains_key(member), "{member} in {}", answer.text);
    }
    assert_eq!(
        answer["calibrated"], false,
        "nothing was calibrated here (R82)"
    );
}

#[test]
fn a_post_with_the_local_id_in_the_body_is_the_same_as_a_put() {
    let world = World::shared();
    let posted = with(&person("posted"), json!({"local_id": "posted-1"}));

    let first = world
        .post("/sources/gp/records")
        .json(&posted)
        .send()
        .expect(201);
    let again = world
        .put("gp", "posted-1", &person("posted"))
        .send()
        .expect(200);

    assert_eq!(first["local_id"], "posted-1");
    assert_eq!(first.body, again.body, "a replay answers the same");
}

#[test]
fn a_post_without_a_local_id_is_refused() {
    let world = World::shared();
    let answer = world
        .post("/sources/gp/records")
        .json(&person("nameless post"))
        .send();
    assert!(
        matches!(answer.status, 400 | 422),
        "answered {}",
        answer.status
    );
    let status = answer.status;
    answer.expect_problem(status, "local_id", &[]);
}

#[test]
fn r107_content_equal_to_the_current_version_is_a_replay() {
    let world = World::shared();
    let sent = verified_person("replayed");

    let first = world.put("gp", "replay-1", &sent).send().expect(201);
    let again = world.put("gp", "replay-1", &sent).send().expect(200);
    let and_again = world.put("gp", "replay-1", &sent).send().expect(200);

    assert_eq!(first.body, again.body);
    assert_eq!(first.body, and_again.body);
    assert_eq!(world.record("gp", "replay-1").list("versions").len(), 1);
}

#[test]
fn r107_the_same_key_and_content_gives_the_same_status_and_body() {
    let world = World::shared();
    let sent = person("keyed replay");
    let send = || {
        world
            .put("gp", "keyed-1", &sent)
            .header("idempotency-key", "keyed-1-a")
            .send()
    };

    let first = send().expect(201);
    let other = with(&sent, json!({"phones": ["07700 900002"]}));
    world
        .put("gp", "keyed-1", &other)
        .header("idempotency-key", "keyed-1-b")
        .send()
        .expect(200);
    let late = send().expect(201);

    assert_eq!(first.text, late.text);
    let phone = &world.record("gp", "keyed-1")["record"]["phones"][0];
    assert_eq!(phone, "07700 900002", "a late replay changes nothing");
}

#[test]
fn the_same_key_with_other_content_is_a_conflict() {
    let world = World::shared();
    let sent = person("key used twice");
    let other = with(&sent, json!({"family_name": "Vexenmere"}));

    world
        .put("gp", "conflict-1", &sent)
        .header("idempotency-key", "conflict")
        .send()
        .expect(201);
    world
        .put("gp", "conflict-1", &other)
        .header("idempotency-key", "conflict")
        .send()
        .expect_problem(409, "", &["Vexenmere"]);

    let held = world.record("gp", "conflict-1");
    assert_eq!(held["record"]["family_name"], sent["family_name"]);
}

#[test]
fn an_older_effective_at_becomes_history_and_changes_nothing_current() {
    let world = World::shared();
    let now = with(
        &person("late news"),
        json!({"effective_at": "2026-03-01T09:00:00Z"}),
    );
    let earlier = with(
        &now,
        json!({"effective_at": "2025-03-01T09:00:00Z", "phones": ["07700 900003"]}),
    );

    let first = world.registers("gp", "late-1", &now);
    let late = world.put("gp", "late-1", &earlier).send().expect(200);

    let held = world.record("gp", "late-1");
    assert_eq!(held["record"]["phones"], now["phones"]);
    assert_eq!(held.list("versions").len(), 2);
    assert_eq!(first.person(), late.person());
}

#[test]
fn an_unknown_member_is_refused_by_name() {
    let world = World::shared();
    let sent = with(
        &person("unknown member"),
        json!({"surname": "Secretperson"}),
    );
    world
        .put("gp", "unknown-1", &sent)
        .send()
        .expect_problem(400, "surname", &["Secretperson"]);

    let nested = with(
        &person("unknown member"),
        json!({"addresses": [{"street": "Hidden Road", "postcode": "LS1 4AP"}]}),
    );
    world
        .put("gp", "unknown-1", &nested)
        .send()
        .expect_problem(400, "street", &["Hidden Road"]);

    let never_stored = world.get(&record_path("gp", "unknown-1")).send();
    never_stored.expect_problem(404, "", &[]);
}

#[test]
fn r02_a_wrong_type_is_refused_by_name_and_a_number_is_never_an_integer() {
    let world = World::shared();
    let wrong = [
        ("given_names", json!({"given_names": "Rosalind"})),
        ("family_name", json!({"family_name": ["Hiddenname"]})),
        ("nhs_number", json!({"nhs_number": 999_000_001})),
        ("restricted", json!({"restricted": "yes"})),
        ("phones", json!({"phones": [7_700_900_000_u64]})),
        ("addresses", json!({"addresses": {"postcode": "LS1 4AP"}})),
    ];
    for (member, change) in wrong {
        let sent = with(&person("wrong types"), change);
        let answer = world.put("gp", "types-1", &sent).send();
        let status = answer.status;
        assert!(
            matches!(status, 400 | 422),
            "{member} answered {status} {}",
            answer.text
        );
        answer.expect_problem(status, member, &["Hiddenname", "Rosalind"]);
    }
}

#[test]
fn what_is_not_json_is_refused_without_a_fault() {
    let world = World::shared();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let bodies: [&[u8]; 10] = [
        b"",
        b"{",
        b"[]",
        b"[\"9990000018\"]",
        b"null",
        b"\"9990000018\"",
        b"\xff\xfe{}",
        b"{\"family_name\": \"\xc3\x28\"}",
        b"{\"family_name\": \"A\", \"family_name\": \"B\"}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let path = record_path("gp", "malformed-1");
        let answer = world
            .ask(reqwest::Method::PUT, &path)
            .bytes("application/json", body)
            .send();
        let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
        assert_eq!(answer.status, 400, "{shown} answered {}", answer.text);
        answer.expect_problem(400, "", &["9990000018"]);
    }
}

#[test]
fn another_content_type_is_415_and_too_much_is_413() {
    let world = World::shared();
    let path = record_path("gp", "content-1");
    let put = || world.ask(reqwest::Method::PUT, &path);

    put()
        .bytes("text/plain", "{}")
        .send()
        .expect_problem(415, "", &[]);
    let huge = format!("{{\"family_name\": \"{}\"}}", "A".repeat(8 << 20));
    // The service may answer and close before it has been told everything,
    // which a client sees as a broken connection: it asks again.
    let answer = (0..20).find_map(|_| {
        let request = put().bytes("application/json", huge.clone());
        request.try_send().ok()
    });
    answer
        .expect("an answer in twenty attempts")
        .expect_problem(413, "", &[]);
}

#[test]
fn a_registration_needs_one_identifying_value() {
    let world = World::shared();
    let nobody = [
        json!({}),
        json!({"gender": "female"}),
        json!({"title": "Mrs", "gp_practice": "B86001"}),
        json!({"nhs_number": "9999999999"}),
        json!({"nhs_number": "4444444444"}),
        json!({"family_name": "  ", "given_names": ["."]}),
        json!({"associated_persons": [{"name": "Nora Nextofkin", "phone": "07700 900004"}]}),
    ];
    for body in nobody {
        let answer = world.put("gp", "nobody-1", &body).send();
        assert_eq!(answer.status, 422, "{body} answered {}", answer.text);
        answer.expect_problem(422, "", &["Nextofkin"]);
    }
    let nameless = json!({"birth_date": "1950-02-03", "gender": "male"});
    world.put("ed", "nameless-1", &nameless).send().expect(201);
}

#[test]
fn a_path_segment_is_percent_decoded_and_case_sensitive() {
    let world = World::shared();
    for (local_id, story) in [
        ("a/1 b+é%", "segment with signs"),
        ("Case", "segment in title case"),
        ("case", "segment in lower case"),
    ] {
        let sent = person(story);
        let answer = world.put("gp", local_id, &sent).send().expect(201);
        assert_eq!(answer["local_id"], local_id);
        assert_eq!(
            world.record("gp", local_id)["record"]["family_name"],
            sent["family_name"]
        );
    }
    let wrong_case = world
        .put("GP", "Case", &person("segment in title case"))
        .send();
    wrong_case.expect_problem(404, "", &[]);
}

#[test]
fn doubtful_data_is_kept_as_sent_with_a_finding() {
    let world = World::shared();
    let doubtful = [
        ("check", "nhs_number", json!({"nhs_number": "9876544321"})),
        ("length", "nhs_number", json!({"nhs_number": "999000001"})),
        (
            "february",
            "birth_date",
            json!({"birth_date": "1980-02-30"}),
        ),
        ("future", "birth_date", json!({"birth_date": "2999-01-01"})),
        ("sex", "gender", json!({"gender": "purple"})),
    ];
    for (name, member, change) in doubtful {
        let story = format!("doubtful {name}");
        let sent = with(&person(&story), change);
        let answer = world.put("gp", &story, &sent).send().expect(201);
        let findings = answer.list("findings");
        assert!(
            findings
                .iter()
                .any(|finding| finding.to_string().contains(member)),
            "{name}: no finding about {member} in {}",
            answer.text
        );
        let held = world.record("gp", &story);
        assert_eq!(
            held["record"][member], sent[member],
            "{name} is kept as sent"
        );
        assert_eq!(held["findings"], answer["findings"]);
    }
}

#[test]
fn any_text_of_the_world_comes_back_as_it_was_sent() {
    let world = World::shared();
    let names = [
        "Małgorzata",
        "O\u{2019}Brien",
        "Siobhán",
        "محمد",
        "Ọláìyá",
        "陳小明",
        "NULL",
        "X",
        "a\u{301}\u{200d}\u{202e}b",
        "👩🏽‍⚕️",
        "'; drop table records; --",
        "<script>alert(1)</script>",
        "\u{0}nul",
        "line\nbreak",
    ];
    for (place, name) in names.into_iter().enumerate() {
        let local_id = format!("text-{place}");
        let sent = with(
            &person(&local_id),
            json!({"family_name": name, "given_names": [name, "Rosalind"]}),
        );
        let answer = world.put("gp", &local_id, &sent).send();
        assert!(
            matches!(answer.status, 201 | 422),
            "{name:?} answered {}",
            answer.text
        );
        if answer.status == 201 {
            let held = world.record("gp", &local_id);
            assert_eq!(held["record"]["family_name"], name);
            assert_eq!(held["record"]["given_names"][0], name);
        }
    }
}

#[test]
fn a_member_of_every_kind_is_kept() {
    let world = World::shared();
    let sent = with(
        &verified_person("every member"),
        json!({
            "nhs_number_traced_on": "2026-01-05",
            "other_identifiers": [{"system": "urn:example:pas", "value": "K123"}],
            "title": "Ms",
            "aliases": [{"given_names": ["Bea"], "family_name": "Maidenname", "use": "maiden"}],
            "birth_date_estimated": false,
            "birth_sex": "female",
            "gender_identity": "female",
            "emails": ["story@example.org"],
            "death_status": "U",
            "birth_order": "8",
            "mother": {"source": "maternity", "local_id": "mother-1"},
            "gp_practice": "B86001",
            "associated_persons": [
                {"relationship": "next of kin", "name": "Nora Nextofkin", "phone": "07700 900005"}
            ],
            "effective_at": "2026-02-01T08:00:00Z",
        }),
    );

    world.put("gp", "every-1", &sent).send().expect(201);

    let held = world.record("gp", "every-1");
    for (member, value) in sent.as_object().expect("an object") {
        assert_eq!(&held["record"][member], value, "{member}");
    }
}

#[test]
fn r107_a_stale_if_match_is_412_and_a_missing_one_is_not_asked_for() {
    let world = World::shared();
    let sent = person("if match");
    let changed = with(&sent, json!({"phones": ["07700 900006"]}));

    world.put("gp", "stale-1", &sent).send().expect(201);
    world
        .put("gp", "stale-1", &changed)
        .header("if-match", "\"999\"")
        .send()
        .expect_problem(412, "", &[]);

    assert_eq!(
        world.record("gp", "stale-1")["record"]["phones"],
        sent["phones"]
    );
    world.put("gp", "stale-1", &changed).send().expect(200);
}

#[test]
fn a_batch_is_answered_line_by_line_in_order() {
    let world = World::shared();
    let line = |name: &str| {
        with(
            &person(&format!("batch {name}")),
            json!({"local_id": format!("batch-{name}")}),
        )
    };
    let lines = [
        line("a").to_string(),
        "{\"local_id\": \"batch-b\", ".to_owned(),
        with(&line("c"), json!({"surname": "Hiddenname"})).to_string(),
        json!({"local_id": "batch-d"}).to_string(),
        line("e").to_string(),
        line("a").to_string(),
    ];

    let answer = world
        .post("/sources/gp/records/batch")
        .bytes("application/x-ndjson", lines.join("\n") + "\n")
        .send()
        .expect(200);

    let answers = answer_lines(&answer.text);
    assert_eq!(answers.len(), lines.len(), "{}", answer.text);
    for (place, local_id) in [(0, "batch-a"), (4, "batch-e"), (5, "batch-a")] {
        assert_eq!(answers[place]["local_id"], local_id);
        assert!(
            answers[place]["person_id"].is_string(),
            "{}",
            answers[place]
        );
    }
    assert_eq!(answers[0]["person_id"], answers[5]["person_id"]);
    for place in [1, 2, 3] {
        assert!(answers[place]["person_id"].is_null(), "{}", answers[place]);
        assert!(answers[place]["type"].is_string(), "{}", answers[place]);
        assert!(answers[place]["detail"].is_string(), "{}", answers[place]);
    }
    assert!(answers[2].to_string().contains("surname"));
    assert!(!answer.text.contains("Hiddenname"));
}

#[test]
fn a_batch_loses_nothing() {
    let world = World::shared();
    let count = 120;
    let lines: Vec<String> = (0..count)
        .map(|place| {
            let story = format!("whole batch {place}");
            with(
                &person(&story),
                json!({"local_id": format!("whole-{place}")}),
            )
            .to_string()
        })
        .collect();

    let answer = world
        .post("/sources/community/records/batch")
        .bytes("application/x-ndjson", lines.join("\n"))
        .send()
        .expect(200);

    for (place, answered) in answer_lines(&answer.text).iter().enumerate() {
        assert_eq!(answered["local_id"], format!("whole-{place}"));
        let read = world.cross_reference("community", &format!("whole-{place}"));
        assert_eq!(answered["person_id"], read["person_id"]);
    }
    assert_eq!(answer_lines(&answer.text).len(), count);
}

fn answer_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("each answer is one JSON object"))
        .collect()
}

#[test]
fn r120_a_nameless_record_is_registered_though_no_search_would_take_it() {
    let world = World::shared();
    let nameless = json!({
        "birth_date": "1962-09-14",
        "gender": "female",
        "addresses": [{"postcode": "LS27 8QT"}],
    });
    let answer = world.put("ed", "r120-nameless", &nameless).send();
    assert!(answer.expect(201)["person_id"].is_string());
}
