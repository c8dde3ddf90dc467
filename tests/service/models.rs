//! The life of a model: brought, activated by somebody else, followed by the service,
//! taken back, and asked what it thinks of what is there. What was decided before stays
//! what it was.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::people::john_smith;
use crate::server::Ended;
use crate::visitor::{PASSWORD, Visitor, make_account};
use crate::world::{Actor, World};

/// Whom weight alone links: his name is not rare, and no number says who he is.
pub(crate) fn gareth() -> Value {
    json!({
        "given_names": ["Gareth"], "family_name": "Palmer", "birth_date": "1961-03-04",
        "gender": "male", "phones": ["07700900461"],
    })
}

/// Runs `accord model` with a password on its standard input.
pub(crate) fn model(world: &World, arguments: &[&str], password: &str) -> Ended {
    use std::io::Write as _;
    let mut command = world.command(&[&["model"], arguments].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
    let mut into = child.stdin.take().expect("a pipe");
    // Whoever refuses before it reads has closed the pipe.
    let _ = writeln!(into, "{password}");
    drop(into);
    let ended = child.wait_with_output().expect("it ends");
    Ended {
        code: ended.status.code(),
        out: String::from_utf8_lossy(&ended.stdout).into_owned(),
        err: String::from_utf8_lossy(&ended.stderr).into_owned(),
    }
}

/// The model that decides, as a file, and the same with a calibration by which a bit is
/// worth a tenth: nothing links by weight any more.
fn wary(world: &World) -> String {
    let shipped = world.accord(&["model", "show", "--file"]).expect(0).out;
    let calibration =
        "\n[calibration]\nslope = 0.1\nintercept = 0.0\npairs = 9000\nfalse_share_upper = 0.0001\n";
    world.writes("wary.toml", format!("{shipped}{calibration}").as_bytes())
}

/// Figures of a model as `accord evaluate` prints them, held against the active one.
pub(crate) fn figures(world: &World, model: &str) -> [String; 2] {
    let against = json!({ "model": active(world), "found_by_other": 900, "lost": 0,
        "lost_share": { "share": 0.0 } });
    let three = json!({ "p": 1.0, "r": 0.9, "r_of_retrieval": 0.99 });
    let of = |sex: &str| {
        json!({ "dimension": "sex", "group": sex, "true_pairs": 900,
            "missed": { "share": 0.1, "lower": 0.08 } })
    };
    let hidden = json!({
        "linked_by": model, "policy": "care",
        "hidden_numbers": { "pair": three, "cluster": three, "records_with_truth": 5000,
            "against": against },
        "errors_by_group": { "missed": { "share": 0.1 }, "groups": [of("female"), of("male")] },
        "largest_group_gaps": [],
    });
    let control = json!({
        "linked_by": model, "policy": "care",
        "negative_control": { "linked": 0, "absent_records": 10_000 },
    });
    [("hidden.json", hidden), ("control.json", control)]
        .map(|(name, value)| world.writes(name, value.to_string().as_bytes()))
}

fn active(world: &World) -> String {
    let listed = world.get("/models").by(Actor::Engineer).send().expect(200);
    let models = listed.list("models").iter();
    let mut active = models.filter(|model| model["active"] == true);
    let one = active.next().expect("one model decides");
    assert!(active.next().is_none(), "{}", listed.text);
    one["model"].as_str().expect("an id").to_owned()
}

/// Waits until the service weighs by another model; what a weight of `/match` means
/// then.
fn until_it_follows(world: &World, before: &Value) -> Value {
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        let found = world.matches(&gareth());
        let means = found["candidates"][0]["probability"].clone();
        if means != *before {
            return means;
        }
        assert!(Instant::now() < until, "the service goes on by {before}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Brings a model by which nothing links by weight any more, and gives its id.
pub(crate) fn brought(world: &World) -> String {
    make_account(world, "edith", &["engineer", "approver"]);
    make_account(world, "ann", &["approver"]);
    let file = wary(world);
    let added = model(world, &["add", &file, "--by", "edith"], PASSWORD);
    added.expect(0).out.trim().to_owned()
}

/// Asks for the activation of a model by an approver with a reason and a password.
pub(crate) fn activate(world: &World, id: &str, words: [&str; 3], files: &[String]) -> Ended {
    let [approver, reason, password] = words;
    let mut all = vec!["activate", id, "--approver", approver, "--reason", reason];
    for file in files {
        all.extend(["--figures", file]);
    }
    model(world, &all, password)
}

#[test]
fn r86_only_another_named_person_with_figures_and_a_reason_lets_a_model_decide() {
    let world = World::start();
    let first = active(&world);
    let id = &brought(&world);
    assert_ne!(*id, first);
    assert_eq!(active(&world), first, "what was brought decides nothing");
    let file = wary(&world);
    for (by, password, why) in [
        ("ann", PASSWORD, "role"),
        ("edith", "a guess of mine", "password"),
    ] {
        let refused = model(&world, &["add", &file, "--by", by], password).expect(1);
        assert!(refused.err.contains(why), "{why}: {}", refused.err);
    }

    let of_another = figures(&world, &first);
    let refused = activate(&world, id, ["ann", "wary", PASSWORD], &of_another);
    assert!(refused.expect(1).err.contains("are of the model"));
    let both = figures(&world, id);
    for (words, files, why) in [
        (["ann", "wary", PASSWORD], &both[..0], "R123"),
        (["ann", "wary", PASSWORD], &both[..1], "R124"),
        (["ann", " ", PASSWORD], &both[..], "reason"),
        (["ann", "wary", "a guess of mine"], &both[..], "password"),
        (["edith", "mine", PASSWORD], &both[..], "another person"),
    ] {
        let refused = activate(&world, id, words, files).expect(1);
        assert!(refused.err.contains(why), "{why}: {}", refused.err);
    }
    assert_eq!(active(&world), first);

    activate(&world, id, ["ann", "it is wary", PASSWORD], &both).expect(0);
    assert_eq!(active(&world), *id);
    let path = format!("/models/{id}");
    let shown = world.get(&path).by(Actor::Engineer).send().expect(200);
    assert_eq!(shown["brought_by"], "edith");
    let how = &shown["activations"][0];
    assert_eq!(how["activated_by"], "ann");
    assert_eq!(how["reason"], "it is wary");
    assert_eq!(how["gates"]["hidden_numbers"]["pair"]["p"], 1.0);
    let unknown = world.get("/models/0123456789abcdef").by(Actor::Engineer);
    unknown.send().expect(404);
}

#[test]
fn r86_an_activation_is_taken_back_with_a_reason_and_stands_in_the_audit() {
    let world = World::start();
    let first = active(&world);
    let id = brought(&world);
    let both = figures(&world, &id);
    activate(&world, &id, ["ann", "wary", PASSWORD], &both).expect(0);
    let back = ["rollback", "--approver", "ann", "--reason", "too wary"];
    model(&world, &back, PASSWORD).expect(0);
    assert_eq!(active(&world), first);
    let nothing = model(&world, &back, PASSWORD).expect(1);
    assert!(
        nothing.err.contains("none to go back to"),
        "{}",
        nothing.err
    );
    let shown = world.accord(&["model", "show"]).expect(0).out;
    assert!(shown.contains("3 rolled_back by ann"), "{shown}");
    for (name, action) in [("edith", "bring_model"), ("ann", "activate_model")] {
        let log = world.get_root(&format!("/fhir/R4/AuditEvent?agent-name={name}"));
        let log = log.by(Actor::Auditor).send().expect(200);
        assert!(log.text.contains(action), "{action}: {}", log.text);
    }
}

#[test]
fn r84_a_running_service_follows_and_old_decisions_keep_their_model() {
    let world = World::start();
    let first = active(&world);
    world.registers("gp", "1", &gareth());
    let linked = world.registers("pas", "1", &gareth());
    assert_eq!(linked["outcome"], "linked", "{}", linked.text);
    let before = world.record("pas", "1")["link"].clone();
    let meant = world.matches(&gareth())["candidates"][0]["probability"].clone();

    let id = brought(&world);
    let both = figures(&world, &id);
    activate(&world, &id, ["ann", "wary", PASSWORD], &both).expect(0);
    let means = until_it_follows(&world, &meant);
    assert!(
        means.as_f64() < meant.as_f64(),
        "a bit is worth less: {means}"
    );

    // What it decides now is decided by the new model, and says so.
    let third = world.registers("community", "1", &gareth());
    assert_eq!(third["outcome"], "new_person", "{}", third.text);
    assert!(!third.list("tasks").is_empty(), "a human has to look");
    let events = world.get("/events?limit=500").send().expect(200);
    for model in [&id, &first] {
        assert!(events.text.contains(model), "{model}: {}", events.text);
    }
    // What was decided is as it was, and nothing was linked anew.
    assert_eq!(world.record("pas", "1")["link"], before);

    // Held against each other, the models part what the first has joined.
    let compared = world.accord(&["model", "compare", &first, &id, "--quiet"]);
    let said = compared.expect(0).out;
    for line in [
        "persons 1 -> 3",
        "joined 0",
        "split 1",
        "moved 0",
        // A server leaves gaps between numbers.
        "split\tR1+R",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(
        said.contains("split\tgp\t") && !said.contains("Gareth"),
        "{said}"
    );

    // A service that starts again decides by the ledger's model.
    world.stops();
    world.serves();
    let found = world.matches(&gareth());
    assert_eq!(found["candidates"][0]["probability"], means);
}

#[test]
fn r86_a_rerun_asks_what_the_new_model_decides_otherwise_and_moves_nobody() {
    let world = World::start();
    world.registers("gp", "1", &gareth());
    assert_eq!(world.registers("pas", "1", &gareth())["outcome"], "linked");
    // A question of before.
    world.registers("gp", "2", &john_smith());
    world.registers("pas", "2", &john_smith());
    let old = world.tasks().tasks();
    assert_eq!(old.len(), 1, "{old:?}");
    let opened = |task: &str| {
        let path = format!("/review/tasks/{task}");
        world.get(&path).by(Actor::Steward).send().expect(200)
    };
    let explained = opened(&old[0])["explanation"].clone();
    assert!(explained.as_array().is_some_and(|rows| !rows.is_empty()));
    let (link, meant) = (
        world.record("pas", "1")["link"].clone(),
        world.matches(&gareth())["candidates"][0]["probability"].clone(),
    );

    let begins = ["rerun", "--approver", "ann", "--reason", "wary", "--quiet"];
    let id = brought(&world);
    let files = figures(&world, &id);
    activate(&world, &id, ["ann", "it is wary", PASSWORD], &files).expect(0);
    until_it_follows(&world, &meant);
    assert_eq!(
        world.tasks().tasks(),
        old,
        "an activation alone asks nothing"
    );

    let by_nobody = model(&world, &begins, "a guess of mine").expect(1);
    assert!(by_nobody.err.contains("password"), "{}", by_nobody.err);
    let ran = model(&world, &begins, PASSWORD).expect(0).out;
    for line in ["activation 2", "state done", "records 4 of 4", "tasks 1"] {
        assert!(ran.contains(line), "{line}: {ran}");
    }
    let told = world.accord(&["model", "rerun", "--status"]).expect(0).out;
    assert_eq!(told, ran);

    // The pair that the first model has joined is doubted; it stays joined.
    let now = world.tasks().tasks();
    let new: Vec<&String> = now.iter().filter(|task| !old.contains(task)).collect();
    assert_eq!(new.len(), 1, "{now:?}");
    assert_eq!(opened(new[0])["kind"], "link_doubtful");
    assert_eq!(world.record("pas", "1")["link"], link);
    // What was asked before is explained by the model that asked.
    assert_eq!(opened(&old[0])["explanation"], explained);

    let again = model(&world, &begins, PASSWORD).expect(1);
    assert!(again.err.contains("judged again"), "{}", again.err);
    let verified = world.accord(&["verify"]).expect(0).out;
    assert!(verified.contains("models 2\n"), "{verified}");
}

/// Waits until the shadow is so far, and gives its report.
fn shadow_until(world: &World, so_far: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + Duration::from_mins(1);
    loop {
        let report = world.get("/models/shadow").by(Actor::Engineer).send();
        let report = report.expect(200).text;
        let report: Value = serde_json::from_str(&report).expect("JSON");
        if so_far(&report) {
            return report;
        }
        assert!(Instant::now() < until, "the shadow stays behind: {report}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn r86_a_model_in_the_shadow_counts_what_it_would_decide_and_changes_nothing() {
    let world = World::start();
    let none = world.get("/models/shadow").by(Actor::Engineer).send();
    none.expect(404);
    let first = active(&world);
    let id = brought(&world);
    let begins = [
        "shadow",
        id.as_str(),
        "--reason",
        "before it decides",
        "--by",
    ];
    for (by, why) in [("ann", "role"), ("nobody", "password")] {
        let refused = model(&world, &[&begins[..], &[by]].concat(), PASSWORD).expect(1);
        assert!(refused.err.contains(why), "{why}: {}", refused.err);
    }
    let begins = [&begins[..], &["edith"]].concat();
    let begun = model(&world, &begins, PASSWORD).expect(0).out;
    assert_eq!(begun, format!("{id} runs in the shadow of {first}\n"));
    let twice = model(&world, &begins, PASSWORD).expect(1);
    assert!(twice.err.contains("stop it first"), "{}", twice.err);

    // Whoever has nobody beside him is alone for both; who is linked would be asked about.
    world.registers("gp", "1", &gareth());
    shadow_until(&world, |report| report["judged"] == 1);
    let linked = world.registers("pas", "1", &gareth());
    assert_eq!(linked["outcome"], "linked", "{}", linked.text);
    let report = shadow_until(&world, |report| report["judged"] == 2);
    let decided = |outcome: &str, source: &str| {
        let mut counts = report["counts"].as_array().expect("counts").iter();
        let count = counts.find(|it| it["outcome"] == outcome && it["source"] == source);
        count.map_or(0, |count| count["decisions"].as_u64().expect("a count"))
    };
    assert_eq!(decided("unchanged", "gp"), 1, "{report}");
    assert_eq!(decided("asked_instead_of_joined", "pas"), 1, "{report}");
    let sample = &report["samples"][0];
    assert!(
        sample["record"]
            .as_str()
            .is_some_and(|it| it.starts_with('R'))
    );
    assert!(sample["live_bits"].as_f64() > Some(10.0), "{report}");
    assert_eq!(
        (&report["model"], &report["against"]),
        (&json!(id), &json!(first))
    );
    let said = world.accord(&["model", "shadow", "--report"]).expect(0).out;
    for line in [
        "runs yes",
        "judged 2",
        "dropped 0",
        "asked_instead_of_joined\tpas\t",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    for told in [&said, &report.to_string()] {
        assert!(
            !told.contains("Gareth") && !told.contains("Palmer"),
            "{told}"
        );
    }
    // Nothing else has come of it.
    assert!(world.tasks().tasks().is_empty());
    let events = world.get("/events?limit=500").send().expect(200);
    assert!(!events.text.contains(&id), "{}", events.text);

    // What it has counted is of two models: it ends when another one decides.
    let files = figures(&world, &id);
    activate(&world, &id, ["ann", "it is wary", PASSWORD], &files).expect(0);
    shadow_until(&world, |report| !report["ended_at"].is_null());
    let active = model(&world, &begins, PASSWORD).expect(1);
    assert!(active.err.contains("the active one"), "{}", active.err);
    let stops = ["shadow", "--stop", "--by", "edith", "--reason", "seen"];
    let over = model(&world, &stops, PASSWORD).expect(1);
    assert!(over.err.contains("no model runs"), "{}", over.err);
}

#[test]
fn a_shadow_has_a_page_of_figures_that_names_nobody() {
    let world = World::start();
    let id = brought(&world);
    let mut eve = Visitor::signed_in(&world, "eve", &["engineer"]);
    eve.opens("/models").shows("href=\"/models/shadow\"");
    eve.opens("/models/shadow")
        .shows("No model has run in the shadow");
    let by = ["--by", "edith", "--reason", "before it decides"];
    model(
        &world,
        &[&["shadow", id.as_str()], &by[..]].concat(),
        PASSWORD,
    )
    .expect(0);
    eve.opens("/models/shadow")
        .shows("Nothing has been judged yet");
    world.registers("gp", "1", &gareth());
    shadow_until(&world, |report| report["judged"] == 1);
    world.registers("pas", "1", &gareth());
    let report = shadow_until(&world, |report| report["judged"] == 2);
    let record = report["samples"][0]["record"].as_str().expect("a number");
    let page = eve
        .opens("/models/shadow")
        .shows("and runs.")
        .shows(&id)
        .shows("before it decides")
        .shows("People asked, where it is linked")
        .shows("Of 2 records: questions that would be asked and are not: 1;")
        .shows("50.0 %")
        .shows(record)
        .hides("Gareth")
        .hides("Palmer")
        .hides("style=");
    let kinds = "Decisions by what differs";
    for caption in [kinds, "By source", "By how sure the shadow is"] {
        let caption = format!(">{caption}</caption>");
        assert!(page.text.contains(&caption), "{caption}");
    }
    let mut sue = Visitor::signed_in(&world, "sue", &["steward"]);
    sue.asks("/models/shadow").expect(403);
    model(&world, &[&["shadow", "--stop"], &by[..]].concat(), PASSWORD).expect(0);
    eve.opens("/models/shadow")
        .shows("It ran from")
        .hides("and runs.");
}

#[test]
fn pairs_near_a_threshold_are_proposed_until_somebody_has_read_them() {
    let world = World::start();
    world.registers("gp", "1", &john_smith());
    let asked = world.registers("pas", "1", &john_smith()).tasks();
    world.registers("gp", "2", &gareth());
    world.registers("pas", "2", &gareth());
    let proposed = || {
        let sampled = [
            "model",
            "sample",
            "--out",
            "pairs.csv",
            "--qualify",
            "--quiet",
        ];
        world.accord(&sampled).expect(0);
        std::fs::read_to_string(world.file("pairs.csv")).expect("pairs")
    };
    let pairs = proposed();
    for pair in ["gp:1,pas:1,,,", "gp:2,pas:2,,,"] {
        assert!(pairs.contains(pair), "{pair}: {pairs}");
    }
    let path = format!("/review/tasks/{}", asked[0]);
    let seen = world.get(&path).by(Actor::Steward).send().expect(200);
    let said = json!({ "outcome": "different", "reason": "as I see it",
        "evidence": seen.member("evidence") });
    let decide = world.post(&format!("{path}/decide")).by(Actor::Steward);
    decide.json(&said).send().expect(200);
    let pairs = proposed();
    assert!(!pairs.contains("gp:1,pas:1"), "{pairs}");
    assert!(pairs.contains("gp:2,pas:2,,,"), "{pairs}");
}
