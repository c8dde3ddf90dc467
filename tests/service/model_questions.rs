//! What models ask of people: a re-run whose service is killed again and again asks
//! everything once; pairs near a threshold become questions that join nobody.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::models::{activate, brought, figures, gareth, model};
use crate::people::{john_smith, person, with};
use crate::visitor::{PASSWORD, make_account};
use crate::world::{Actor, World, times};

/// Persons of two records, each of which a wary model doubts.
const PAIRS: usize = 100;

/// What `accord model rerun --status` says: its state, and records looked at.
fn standing(world: &World) -> (String, usize) {
    let told = world.accord(&["model", "rerun", "--status"]).expect(0).out;
    let member = |name: &str| {
        let mut lines = told.lines();
        let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_default().to_owned()
    };
    let looked_at = member("records");
    let looked_at = looked_at.split(' ').next().unwrap_or_default();
    (member("state"), looked_at.parse().unwrap_or_default())
}

/// Lets a re-run begin; the command watches the service, and is left to itself.
fn begins_rerun(world: &World) -> Child {
    let begins = ["model", "rerun", "--approver", "ann", "--reason", "wary"];
    let mut command = world.command(&[&begins[..], &["--quiet"]].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.stderr(Stdio::null()).spawn().expect("it starts");
    let mut into = child.stdin.take().expect("a pipe");
    writeln!(into, "{PASSWORD}").expect("it reads");
    child
}

/// The service is killed with SIGKILL a while after so many records were looked at;
/// whether the re-run was in its middle then.
fn dies_in_the_middle(world: &World, after: usize, while_ms: u64) -> bool {
    let until = Instant::now() + Duration::from_mins(2);
    loop {
        let (state, looked_at) = standing(world);
        if looked_at > after || state == "done" {
            break;
        }
        assert!(Instant::now() < until, "the re-run stands still");
    }
    std::thread::sleep(Duration::from_millis(while_ms));
    world.dies();
    standing(world).0 == "running"
}

#[test]
fn r118_a_rerun_whose_service_is_killed_in_its_middle_asks_everything_once() {
    let world = World::start();
    for place in 0..PAIRS {
        let (id, known) = (place.to_string(), person(&format!("rerun {place}")));
        world.registers("gp", &id, &known);
        let linked = world.registers("pas", &id, &known);
        assert_eq!(linked["outcome"], "linked", "{}", linked.text);
    }
    let id = brought(&world);
    let files = figures(&world, &id);
    activate(&world, &id, ["ann", "it is wary", PASSWORD], &files).expect(0);
    let mut watches = begins_rerun(&world);
    let (mut killed, mut in_the_middle) = (0, 0);
    let mut looked_at = 0;
    for round in 0..times("ACCORD_KILLS", 3).min(20) {
        let was_running = dies_in_the_middle(&world, looked_at, 7 * (round as u64 % 11));
        killed += 1;
        in_the_middle += usize::from(was_running);
        looked_at = standing(&world).1;
        world.serves();
    }
    let until = Instant::now() + Duration::from_mins(3);
    while standing(&world).0 != "done" {
        assert!(Instant::now() < until, "{:?}", standing(&world));
        std::thread::sleep(Duration::from_millis(100));
    }
    watches.kill().ok();
    watches.wait().expect("it ends");
    println!("killed {killed} times, {in_the_middle} of them in the middle of a re-run");
    assert!(in_the_middle > 0, "no kill came in the middle");
    assert_eq!(standing(&world).1, 2 * PAIRS, "each record once");

    let listed = world.get("/review/tasks?kind=link_doubtful&limit=200");
    let listed = listed.by(Actor::Steward).send().expect(200);
    let mut of_person: BTreeMap<String, usize> = BTreeMap::new();
    for task in listed.list("tasks") {
        *of_person.entry(task["persons"].to_string()).or_default() += 1;
    }
    assert_eq!(of_person.len(), PAIRS, "none is lost: {}", listed.text);
    assert!(of_person.values().all(|tasks| *tasks == 1), "{of_person:?}");
    let (mut opened, mut after) = (0, String::new());
    loop {
        let page = world.get(&format!("/events?limit=500{after}")).send();
        let page = page.expect(200);
        let events = page.list("events").iter();
        opened += events.filter(|it| it["kind"] == "task_opened").count();
        if page["more"] == false {
            break;
        }
        after = format!("&after={}", page.member("next"));
    }
    assert_eq!(opened, PAIRS, "and none is asked twice");
    world.verify();
}

/// Two who may be one: less alike than what is asked about by itself.
fn less_alike() -> Value {
    with(
        &gareth(),
        json!({ "birth_date": "1961-03-14", "phones": [] }),
    )
}

#[test]
fn pairs_near_a_threshold_become_questions_that_join_nobody() {
    let world = World::start();
    make_account(&world, "edith", &["engineer"]);
    make_account(&world, "ann", &["approver"]);
    make_account(&world, "sue", &["steward"]);
    world.registers("gp", "1", &john_smith());
    let asked = world.registers("pas", "1", &john_smith()).tasks();
    assert_eq!(asked.len(), 1);
    let alone = world.registers("gp", "2", &gareth());
    let unasked = world.registers("pas", "2", &less_alike());
    assert_eq!(unasked.tasks(), Vec::<String>::new(), "{}", unasked.text);

    let asks = |by: &str, pairs: &str| {
        let sampled = ["sample", "--ask", "--pairs", pairs, "--quiet", "--by", by];
        model(
            &world,
            &[&sampled[..], &["--reason", "the next model"]].concat(),
            PASSWORD,
        )
    };
    assert!(asks("ann", "10").expect(1).err.contains("role"));
    assert!(asks("edith", "501").expect(1).err.contains("500 at most"));
    let said = asks("edith", "10").expect(0).out;
    assert!(
        said.contains("sample 1\n") && said.contains("tasks 1\n"),
        "{said}"
    );
    let told = world.accord(&["model", "sample", "--status"]).expect(0).out;
    assert_eq!(told, said);

    // It stands last, says why, and nobody has become anybody else.
    let tasks = world.tasks().tasks();
    assert_eq!(tasks.len(), 2, "{tasks:?}");
    assert_eq!(tasks[0], asked[0]);
    let path = format!("/review/tasks/{}", tasks[1]);
    let question = world.get(&path).by(Actor::Steward).send().expect(200);
    assert_eq!(question["kind"], "possible_duplicate");
    assert_eq!(question["priority"], "learning");
    assert!(
        question.text.contains("asked_to_learn"),
        "{}",
        question.text
    );
    for (source, before) in [("gp", &alone), ("pas", &unasked)] {
        let now = world.record(source, "2");
        assert_eq!(now["person_id"], before["person_id"], "{}", now.text);
    }

    // Who has been asked about is not asked about again, by a steward neither (R118).
    let again = asks("sue", "10").expect(0).out;
    assert!(
        again.contains("sample 2\n") && again.contains("tasks 0\n"),
        "{again}"
    );
    assert_eq!(world.tasks().tasks(), tasks);

    // What people answer is a label.
    let decide = json!({ "outcome": "different", "reason": "father and son",
        "evidence": question.member("evidence") });
    let decided = world.post(&format!("{path}/decide")).by(Actor::Steward);
    decided.json(&decide).send().expect(200);
    world
        .accord(&["export", "--labels", "labels.csv", "--qualify"])
        .expect(0);
    let labels = std::fs::read_to_string(world.file("labels.csv")).expect("labels");
    assert!(labels.contains("gp:2,pas:2,different"), "{labels}");
    world.verify();
}
