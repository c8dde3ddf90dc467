//! Under load: what is too much or too slow is refused in order, what was
//! acknowledged stays, and an operator can see it.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::people::{verified_person, with};
use crate::world::{Actor, World, record_path};

/// A bare connection to the service.
fn connect(world: &World) -> TcpStream {
    connect_to(world.url().trim_start_matches("http://"))
}

fn connect_to(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).expect("a connection");
    let patience = Some(Duration::from_secs(20));
    stream.set_read_timeout(patience).expect("a patience");
    stream
}

/// All that the service says until it closes.
fn read_to_end(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => said.extend_from_slice(&buffer[..count]),
            Err(fault) if fault.kind() == ErrorKind::ConnectionReset => break,
            Err(fault) => panic!("the service neither spoke nor closed: {fault}"),
        }
    }
    String::from_utf8_lossy(&said).into_owned()
}

/// The value of a metric that is named with its labels.
#[track_caller]
fn metric(world: &World, name: &str) -> f64 {
    let answer = world.get_root("/metrics").by(Actor::Nobody).send();
    let text = answer.expect(200).text;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = line.unwrap_or_else(|| panic!("no metric {name}:\n{text}"));
    value.trim().parse().expect("a number")
}

/// A request that holds its place: its header is whole, its body does not come.
fn begins_a_request(world: &World) -> TcpStream {
    let mut stream = connect(world);
    begin(&mut stream, world);
    stream
}

fn begin(stream: &mut TcpStream, world: &World) {
    let token = world.token(Actor::Integration).expect("a token");
    let head = format!(
        "POST /api/v1/match HTTP/1.1\r\nhost: accord\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 24\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("sent");
}

/// What an address answers to a question of its own connection.
fn ask(address: &str, path: &str) -> String {
    let mut stream = connect_to(address);
    let asked = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    stream.write_all(asked.as_bytes()).expect("sent");
    read_to_end(&mut stream)
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not come");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_header_that_comes_drop_by_drop_is_cut() {
    let world = World::start_with(&[("ACCORD_HEADER_SECONDS", "1"), ("ACCORD_METRICS", "on")]);
    let mut slow = connect(&world);
    let mut said = None;
    slow.set_read_timeout(Some(Duration::from_millis(100)))
        .expect("a patience");
    let mut buffer = [0; 64];
    wait_until("the end of a slow connection", || {
        // A drop now and then must not put the end off.
        let sent = slow.write_all(b"G");
        said = match slow.read(&mut buffer) {
            Ok(count) => Some(count),
            Err(fault) if fault.kind() == ErrorKind::WouldBlock => None,
            Err(_) => Some(0),
        };
        sent.is_err() || said.is_some()
    });
    assert_eq!(said.unwrap_or(0), 0, "it is closed and not answered");
    assert!(metric(&world, "accord_slow_headers_total") >= 1.0);
}

#[test]
fn a_silent_connection_outlives_the_time_for_a_header() {
    let world = World::start_with(&[("ACCORD_HEADER_SECONDS", "1")]);
    let mut kept = connect(&world);
    for _ in 0..2 {
        kept.write_all(b"GET /healthz HTTP/1.1\r\nhost: accord\r\n\r\n")
            .expect("sent");
        let mut buffer = [0; 1_024];
        let count = kept.read(&mut buffer).expect("answered");
        assert!(buffer[..count].starts_with(b"HTTP/1.1 200"));
        thread::sleep(Duration::from_millis(1_200));
    }
}

#[test]
fn too_long_a_path_is_414_and_too_large_a_header_is_431() {
    let world = World::shared();
    let long = format!("/persons/{}", "x".repeat(5_000));
    world
        .get(&long)
        .by(Actor::Steward)
        .send()
        .expect_problem(414, "4096", &["xxxx"]);
    let wide = world.get("/sources").header("x-wide", &"y".repeat(20_000));
    wide.send().expect_problem(431, "16384", &["yyyy"]);
    let many = (0..80).fold(world.get("/sources"), |request, number| {
        request.header(&format!("x-many-{number}"), "z")
    });
    many.send().expect_problem(431, "64", &[]);
}

#[test]
fn what_cannot_be_parsed_closes_the_connection_and_nothing_else() {
    let world = World::shared();
    for wrong in [
        "\u{1}\u{2}\u{3}\r\n\r\n",
        "GET / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "GET / HTTP/1.1\r\ntransfer-encoding: gzip\r\n\r\n",
    ] {
        let mut stream = connect(&world);
        stream.write_all(wrong.as_bytes()).expect("sent");
        let said = read_to_end(&mut stream);
        assert!(said.starts_with("HTTP/1.1 400"), "{wrong:?}: {said:?}");
    }
    // The connection may be reset before all of it is sent or the answer is read.
    let mut stream = connect(&world);
    let huge = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(500_000));
    let _ = stream.write_all(huge.as_bytes());
    let said = read_to_end(&mut stream);
    assert!(
        said.is_empty() || said.starts_with("HTTP/1.1 431"),
        "{said}"
    );
    world
        .get_root("/healthz")
        .by(Actor::Nobody)
        .send()
        .expect(200);
}

#[test]
fn i17_more_requests_than_fit_are_refused_at_once_and_told_when_to_come_back() {
    let world = World::start_with(&[("ACCORD_REQUESTS_IN_WORK", "2"), ("ACCORD_METRICS", "on")]);
    let mut held = [begins_a_request(&world), begins_a_request(&world)];
    wait_until("two requests in work", || {
        metric(&world, "accord_requests_in_work") >= 2.0
    });

    let shed = world.get("/sources").send();
    assert_eq!(
        shed.headers.get("retry-after").map(String::as_str),
        Some("1")
    );
    shed.expect_problem(503, "too much is in work", &[]);
    for path in ["/healthz", "/readyz", "/metrics"] {
        world.get_root(path).by(Actor::Nobody).send().expect(200);
    }
    assert!(metric(&world, "accord_requests_shed_total") >= 1.0);

    for stream in &mut held {
        stream
            .write_all(b"{\"family_name\":\"Nobody\"}\n")
            .expect("sent");
        let mut buffer = [0; 512];
        let count = stream.read(&mut buffer).expect("answered");
        let said = String::from_utf8_lossy(&buffer[..count]).into_owned();
        assert!(said.starts_with("HTTP/1.1 "), "{said}");
        assert!(!said.starts_with("HTTP/1.1 5"), "{said}");
    }
    wait_until("room again", || {
        metric(&world, "accord_requests_in_work") < 1.0
    });
    world.get("/sources").send().expect(200);
}

#[test]
fn more_connections_than_fit_are_told_so_and_closed() {
    let world = World::start_with(&[("ACCORD_CONNECTIONS", "2")]);
    let held = [connect(&world), connect(&world)];
    let mut third = connect(&world);
    third
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: accord\r\n\r\n")
        .expect("sent");
    let said = read_to_end(&mut third);
    assert!(said.starts_with("HTTP/1.1 503"), "{said}");
    assert!(said.contains("retry-after: 1") && said.contains("application/problem+json"));
    let body = said.split("\r\n\r\n").nth(1).expect("a body");
    let problem: serde_json::Value = serde_json::from_str(body).expect("JSON");
    assert_eq!(problem["status"], 503);
    drop(held);
    wait_until("room for a connection", || {
        let answer = world.get_root("/healthz").by(Actor::Nobody).try_send();
        answer.is_ok_and(|answer| answer.status == 200)
    });
}

#[test]
fn an_account_that_asks_too_often_is_429_and_no_other_is() {
    let world = World::start_with(&[("ACCORD_RATE_LIMIT", "1"), ("ACCORD_METRICS", "on")]);
    let refused = (0..200)
        .map(|_| world.get("/sources").send())
        .find(|answer| answer.status == 429)
        .expect("a refusal among two hundred requests");
    assert_eq!(
        refused.headers.get("retry-after").map(String::as_str),
        Some("1")
    );
    refused.expect_problem(429, "too often", &[]);
    world.get("/sources").by(Actor::GpFeed).send().expect(200);
    assert!(metric(&world, "accord_requests_limited_total") >= 1.0);
    wait_until("the next second", || {
        world.get("/sources").send().status == 200
    });
}

#[test]
fn a_request_that_takes_too_long_is_given_up() {
    let world = World::start_with(&[("ACCORD_REQUEST_SECONDS", "1")]);
    let mut stream = begins_a_request(&world);
    let mut buffer = [0; 1_024];
    let count = stream.read(&mut buffer).expect("answered");
    let said = String::from_utf8_lossy(&buffer[..count]).into_owned();
    assert!(said.starts_with("HTTP/1.1 503"), "{said}");
    assert!(
        said.contains("retry-after: 1") && said.contains("took too long"),
        "{said}"
    );
}

#[test]
fn i18_a_graceful_stop_loses_no_acknowledged_record() {
    let world = World::start();
    let known = verified_person("stopping");
    let (stop, next) = (AtomicBool::new(false), AtomicUsize::new(0));
    let acknowledged = thread::scope(|scope| {
        let callers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut acknowledged = Vec::new();
                    while !stop.load(Ordering::SeqCst) {
                        let id = format!("stop-{}", next.fetch_add(1, Ordering::SeqCst));
                        let person = with(&known, json!({"gp_practice": id}));
                        match world.put("gp", &id, &person).try_send() {
                            Ok(answer) if answer.status == 201 => acknowledged.push(id),
                            Ok(answer) => panic!("answered {} {}", answer.status, answer.text),
                            // The connection was closed, or none is taken any more.
                            Err(_) => break,
                        }
                    }
                    acknowledged
                })
            })
            .collect();
        wait_until("some records", || next.load(Ordering::SeqCst) > 40);
        let ended = world.stops();
        stop.store(true, Ordering::SeqCst);
        ended.expect(0);
        let answered = callers.into_iter().map(|caller| caller.join());
        answered
            .flat_map(|answered| answered.expect("no caller panics"))
            .collect::<Vec<_>>()
    });
    assert!(acknowledged.len() > 20);
    world.serves();
    for id in &acknowledged {
        world.record("gp", id);
    }
}

#[test]
fn who_watches_on_an_address_of_its_own_sees_the_service_stop() {
    let world = World::start_with(&[("ACCORD_METRICS_LISTEN", "127.0.0.1:0")]);
    world
        .get_root("/metrics")
        .by(Actor::Nobody)
        .send()
        .expect(404);
    let log = world.log();
    let address = log
        .lines()
        .find_map(|line| {
            line.strip_prefix("metrics on http://")?
                .strip_suffix("/metrics")
        })
        .expect("the address of the metrics")
        .to_owned();
    let ask = |path: &str| ask(&address, path);
    assert!(ask("/metrics").contains("accord_ledger_answers 1"));
    assert!(ask("/readyz").contains("\"ready\":true"));
    assert!(ask("/api/v1/sources").starts_with("HTTP/1.1 404"));

    let mut held = begins_a_request(&world);
    wait_until("a request in work", || {
        ask("/metrics").contains("accord_requests_in_work 1")
    });
    thread::scope(|scope| {
        let stopping = scope.spawn(|| world.stops());
        wait_until("the news that it stops", || {
            let said = ask("/readyz");
            said.starts_with("HTTP/1.1 503") && said.contains("stopping")
        });
        held.write_all(b"{\"family_name\":\"Nobody\"}\n")
            .expect("sent");
        let said = read_to_end(&mut held);
        assert!(
            said.starts_with("HTTP/1.1 "),
            "the request in work is answered: {said}"
        );
        stopping.join().expect("no panic").expect(0);
    });
}

#[test]
fn told_twice_the_service_ends_at_once() {
    let world = World::at_rest();
    let mut command = world.command(&["serve", "--listen", "127.0.0.1:0", "--metrics", "on"]);
    let mut service = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("accord can be started");
    let mut printed = BufReader::new(service.stdout.take().expect("its output"));
    let mut line = String::new();
    printed.read_line(&mut line).expect("a line");
    let address = line.trim().rsplit('/').next().expect("an address");
    let mut held = connect_to(address);
    begin(&mut held, &world);
    wait_until("a request in work", || {
        ask(address, "/metrics").contains("accord_requests_in_work 1")
    });
    let tell = || {
        let id = service.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()
    };
    assert!(tell().expect("told").success());
    wait_until("the closed door", || TcpStream::connect(address).is_err());
    assert!(tell().expect("told again").success());
    let mut code = None;
    wait_until("the end", || {
        code = service.try_wait().expect("the service can be watched");
        code.is_some()
    });
    assert_eq!(code.and_then(|code| code.code()), Some(1));
    drop(held);
}

#[test]
fn metrics_move_and_say_nothing_of_patients() {
    let world = World::start_with(&[("ACCORD_METRICS", "on")]);
    let known = verified_person("counted");
    let registered = world.registers("gp", "local-id-of-somebody", &known);
    world.matches(&known);
    let put = "accord_http_requests_total{route=\"/api/v1/sources/{source}/records/{local_id}\",\
               method=\"PUT\",status=\"2xx\"}";
    for name in [
        put,
        "accord_registrations_total{outcome=\"new\"}",
        "accord_match_total{outcome=\"linked\"}",
        "accord_commit_commands_count",
        "accord_commit_seconds_count",
        "accord_cpu_wait_seconds_count",
        "accord_ledger_answers",
        "accord_ledger_position",
        "process_resident_memory_bytes",
    ] {
        assert!(metric(&world, name) >= 1.0, "{name}");
    }
    wait_until("the index's commit", || {
        metric(&world, "accord_index_lag_records") < 1.0
    });
    assert!(metric(&world, "accord_index_commits_total") >= 1.0);
    let before = metric(&world, put);
    world.registers("gp", "another-local-id", &known);
    assert!(metric(&world, put) > before);

    let text = world.get_root("/metrics").by(Actor::Nobody).send().text;
    for hidden in [
        known["nhs_number"].as_str().expect("a number"),
        known["family_name"].as_str().expect("a name"),
        &registered.person(),
        "local-id-of-somebody",
        "engine",
    ] {
        assert!(!text.contains(hidden), "{hidden} stands in the metrics");
    }
}

#[test]
fn readiness_says_where_the_ledger_and_its_index_stand() {
    let world = World::start_without_indexer();
    let answer = world
        .get_root("/readyz")
        .by(Actor::Nobody)
        .send()
        .expect(200);
    assert_eq!(answer["ready"], true);
    assert_eq!(
        (&answer["position"], &answer["index_lag"]),
        (&json!(0), &json!(0))
    );

    world.registers("gp", "1", &verified_person("behind"));

    let answer = world
        .get_root("/readyz")
        .by(Actor::Nobody)
        .send()
        .expect(200);
    let position = answer["position"].as_i64().expect("a position");
    assert!(position > 0);
    assert_eq!(answer["index_lag"], 1);
    assert!(answer["index_lag_ms"].is_u64() && answer["queue"].is_u64());
    assert_eq!(answer["lagging"], false);
}

#[test]
fn each_request_leaves_one_line_with_its_route_and_not_its_path() {
    let world = World::start();
    world.guards_text("canarylocalid");
    world
        .get(&record_path("gp", "canarylocalid"))
        .by(Actor::Steward)
        .header("x-request-id", "seen-by-a-test")
        .header(
            "traceparent",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        )
        .send()
        .expect(404);
    let log = world.log();
    let lines: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("seen-by-a-test"))
        .collect();
    let [line] = lines.as_slice() else {
        panic!("not one line:\n{log}");
    };
    for said in [
        "/api/v1/sources/{source}/records/{local_id}",
        "GET",
        "404",
        "stewart",
        "0af7651916cd43dd8448eb211c80319c",
    ] {
        assert!(line.contains(said), "{said} is not in {line}");
    }
}

#[test]
fn an_id_of_digits_alone_is_not_taken_for_it_may_be_a_patients() {
    let world = World::start();
    world.guards_text("9990000018");
    let digits = world.get("/sources").header("x-request-id", "9990000018");
    let answer = digits.send().expect(200);
    assert_ne!(answer.headers["x-request-id"], "9990000018");
    let sound = world.get("/sources").header("x-request-id", "order-66");
    assert_eq!(sound.send().headers["x-request-id"], "order-66");
}
