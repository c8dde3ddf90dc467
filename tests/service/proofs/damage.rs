//! F13: a file of the candidate index is damaged, cut short or gone. The service
//! notices it when it starts and makes the index again, or the damage changes
//! nothing: every answer is the same. `ACCORD_DAMAGES` sets how often on each
//! engine.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Chance, durable_cluster, report, within};
use crate::pathology::loads;
use crate::people::{person, with};
use crate::world::{Place, World, times};

const PROOF: &str = "index_damaged";
const PEOPLE: usize = 60;
const QUESTIONS: usize = 8;

fn one(place: usize) -> Value {
    person(&format!("indexed {place}"))
}

fn answers(world: &World) -> Vec<Value> {
    let asked = (0..QUESTIONS).map(|place| one(place * PEOPLE / QUESTIONS));
    let answers = asked.map(|asked| world.matches(&asked).body);
    answers.collect()
}

/// The files that hold something; locks do not.
fn files(index: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(index).expect("the index is a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| fs::metadata(path).is_ok_and(|about| about.len() > 0))
        .collect();
    files.sort();
    files
}

fn damage(index: &Path, round: usize, chance: &mut Chance) -> String {
    let files = files(index);
    let file = &files[chance.below(files.len())];
    let mut bytes = fs::read(file).expect("a file of the index");
    let place = chance.below(bytes.len());
    let what = ["a byte flipped", "cut short", "gone"][round % 3];
    let done = match round % 3 {
        0 => {
            bytes[place] ^= 1 << chance.below(8);
            fs::write(file, bytes)
        }
        1 => fs::write(file, &bytes[..place]),
        _ => fs::remove_file(file),
    };
    done.expect("the file can be damaged");
    format!("{}: {what} at {place}", file.display())
}

fn damages(place: Place<'_>) {
    let world = World::start_on(place);
    let numbered = |place: usize| with(&one(place), json!({"local_id": place.to_string()}));
    let people: Vec<Value> = (0..PEOPLE).map(numbered).collect();
    loads(&world, "gp", &people);
    let indexed = || {
        within(60, "the index follows", || {
            world.get_root("/readyz").send()["index_lag"] == 0
        })
    };
    indexed();
    let before = answers(&world);
    for answer in &before {
        assert_eq!(answer["complete"], true);
        assert!(!answer["candidates"].as_array().expect("a list").is_empty());
    }
    let (mut failures, mut chance) = (Vec::new(), Chance::new());
    let (rounds, index) = (times("ACCORD_DAMAGES", 9), world.file("data/index"));
    for round in 0..rounds {
        world.stops();
        let what = damage(&index, round, &mut chance);
        world.serves();
        if answers(&world) != before {
            failures.push(format!("answers changed: {what}"));
        }
        indexed();
        if answers(&world) != before {
            failures.push(format!("answers changed once it had followed: {what}"));
        }
    }
    let made_again = world.log().matches("is made again").count();
    assert!(made_again > 0, "no damage was noticed");
    let more = format!("made_again={made_again}");
    report(PROOF, place.name(), rounds, &failures, &more);
}

#[test]
fn f13_a_damaged_index_is_made_again_or_answers_the_same_on_sqlite() {
    damages(Place::Sqlite);
}

#[test]
fn f13_a_damaged_index_is_made_again_or_answers_the_same_on_postgres() {
    if let Some(cluster) = durable_cluster(PROOF) {
        damages(Place::Postgres(cluster));
    }
}
