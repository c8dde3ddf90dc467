//! `accord import`: files go into the ledger by the path of a message, with
//! the headings that people use, in the encodings that they have, and can be
//! taken up again wherever they were interrupted.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use crate::world::{Actor, World, run, times};

/// Which records are together, whatever the persons are called.
type Partition = BTreeSet<BTreeSet<String>>;

fn exported(world: &World) -> Partition {
    world
        .accord(&["export", "--persons", "persons.csv", "--qualify"])
        .expect(0);
    partition(&world.file("persons.csv"))
}

pub(crate) fn partition(persons: &Path) -> Partition {
    let mut reader = csv::Reader::from_path(persons).expect("persons.csv");
    let mut together: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in reader.records() {
        let row = row.expect("a row of persons.csv");
        together
            .entry(row[1].to_owned())
            .or_default()
            .insert(row[0].to_owned());
    }
    together.into_values().collect()
}

/// A made-up region of about three records a person.
fn region(world: &World, persons: usize, seed: &str) -> String {
    let persons = persons.to_string();
    world.accord_alone(&[
        "generate",
        "--persons",
        &persons,
        "--seed",
        seed,
        "--out",
        "region",
    ]);
    world
        .file("region")
        .join("records.csv")
        .display()
        .to_string()
}

/// Files under the story's root whose name speaks of rejected rows.
fn reject_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the story's files") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            found.extend(reject_files(&path));
        } else if path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().contains("reject"))
        {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_columns_of_the_contract_are_read() {
    let world = World::at_rest();
    let file = world.writes(
        "records.csv",
        b"record_id,source,nhs_number,nhs_number_status,title,given_name,middle_name,family_name,\
          date_of_birth,gender,address_line,town,postcode,phone,email\n\
          17,pas,9990000018,01,Mrs,Rosalind,Ann,Applethwaite,1980-05-12,female,14 Orchard Rise,\
          Leeds,LS8 2QD,07700 900321,rosalind@example.org\n",
    );
    world.accord(&["import", &file]).expect(0);
    world.serves();

    let record = world.record("pas", "17")["record"].clone();

    assert_eq!(record["nhs_number"], "9990000018");
    assert_eq!(record["nhs_number_status"], "01");
    assert_eq!(record["title"], "Mrs");
    assert_eq!(
        record["given_names"],
        serde_json::json!(["Rosalind", "Ann"])
    );
    assert_eq!(record["family_name"], "Applethwaite");
    assert_eq!(record["birth_date"], "1980-05-12");
    assert_eq!(record["gender"], "female");
    assert_eq!(record["addresses"][0]["lines"][0], "14 Orchard Rise");
    assert_eq!(record["addresses"][0]["town"], "Leeds");
    assert_eq!(record["addresses"][0]["postcode"], "LS8 2QD");
    assert_eq!(record["phones"][0], "07700 900321");
    assert_eq!(record["emails"][0], "rosalind@example.org");
}

#[test]
fn common_headings_are_known_and_map_sets_any() {
    let world = World::at_rest();
    let file = world.writes(
        "records.csv",
        b"unique_id,Forename,SURNAME,dob,sex,Plz,Shoe Size\n\
          a1,Rosalind,Applethwaite,1980-05-12,F,LS8 2QD,7\n",
    );
    world
        .accord(&[
            "import",
            "--source",
            "community",
            "--map",
            "Plz=postcode",
            &file,
        ])
        .expect(0);
    world.serves();

    let held = world.record("community", "a1");

    assert_eq!(held["record"]["given_names"][0], "Rosalind");
    assert_eq!(held["record"]["family_name"], "Applethwaite");
    assert_eq!(held["record"]["birth_date"], "1980-05-12");
    assert_eq!(held["record"]["gender"], "F");
    assert_eq!(held["record"]["addresses"][0]["postcode"], "LS8 2QD");
    assert!(
        held.text.to_lowercase().contains("shoe"),
        "an unmapped column is kept: {}",
        held.text
    );
}

#[test]
fn windows_1252_and_utf_8_are_read_as_what_they_are() {
    let world = World::at_rest();
    let windows = world.writes(
        "windows.csv",
        b"record_id,given_name,family_name,date_of_birth\n1,Ren\xe9e,O\x92Brien,1980-05-12\n",
    );
    let unicode = world.writes(
        "unicode.csv",
        "\u{feff}record_id,given_name,family_name,date_of_birth\n2,Renée,Małgorzata,1981-05-12\n"
            .as_bytes(),
    );
    world
        .accord(&["import", "--source", "gp", &windows])
        .expect(0);
    world
        .accord(&["import", "--source", "gp", &unicode])
        .expect(0);
    world.serves();

    let windows = world.record("gp", "1");
    assert_eq!(windows["record"]["given_names"][0], "Renée");
    assert_eq!(windows["record"]["family_name"], "O\u{2019}Brien");
    let unicode = world.record("gp", "2");
    assert_eq!(unicode["record"]["given_names"][0], "Renée");
    assert_eq!(unicode["record"]["family_name"], "Małgorzata");
}

#[test]
fn a_row_that_fails_is_named_by_line_and_reason_and_the_rest_goes_in() {
    let world = World::at_rest();
    let file = world.writes(
        "records.csv",
        b"record_id,given_name,family_name,date_of_birth\n\
          one,Rosalind,Applethwaite,1980-05-12\n\
          two,,,\n\
          three,Barnaby,Thornwick,1951-07-23,too,many,fields\n\
          ,Imogen,Quillford,1962-09-14\n\
          five,Crispin,Langholm,1973-02-05\n",
    );

    let ended = world.accord(&["import", "--source", "gp", &file]);

    assert!(matches!(ended.code, Some(0 | 1)), "{ended:?}");
    let rejects = reject_files(world.file("records.csv").parent().expect("a folder"));
    assert_eq!(
        rejects.len(),
        1,
        "one reject file: {rejects:?} {}",
        ended.err
    );
    let rejected = fs::read_to_string(&rejects[0]).expect("the reject file");
    for line in ["3", "4", "5"] {
        let named = |row: &str| {
            row.split(|letter: char| !letter.is_ascii_alphanumeric())
                .any(|word| word == line)
        };
        assert!(rejected.lines().any(named), "line {line} in {rejected}");
    }
    world.serves();
    for local_id in ["one", "five"] {
        assert!(world.record("gp", local_id)["person_id"].is_string());
    }
    let path = crate::world::record_path("gp", "two");
    world.get(&path).by(Actor::Steward).send().expect(404);
}

#[test]
fn a_record_id_that_occurs_twice_is_an_error_that_names_the_lines() {
    let world = World::at_rest();
    let file = world.writes(
        "records.csv",
        b"record_id,given_name,family_name,date_of_birth\n\
          7,Rosalind,Applethwaite,1980-05-12\n\
          8,Barnaby,Thornwick,1951-07-23\n\
          7,Imogen,Quillford,1962-09-14\n",
    );
    let ended = world.accord(&["import", "--source", "gp", &file]).expect(1);
    assert!(
        ended.err.contains('2') && ended.err.contains('4'),
        "{}",
        ended.err
    );
}

#[test]
fn a_source_that_nobody_added_is_created_with_a_finding() {
    let world = World::at_rest();
    let file = world.writes(
        "records.csv",
        b"record_id,source,given_name,family_name,date_of_birth\n\
          1,optician,Rosalind,Applethwaite,1980-05-12\n",
    );
    world.accord(&["import", &file]).expect(0);
    world.serves();
    assert!(
        world
            .get("/sources")
            .send()
            .expect(200)
            .mentions("optician")
    );
    assert!(!world.record("optician", "1").list("findings").is_empty());
}

#[test]
fn ndjson_goes_in_like_csv() {
    let world = World::at_rest();
    let file = world.writes(
        "records.ndjson",
        b"{\"local_id\": \"1\", \"source\": \"gp\", \"given_names\": [\"Rosalind\"], \
           \"family_name\": \"Applethwaite\", \"birth_date\": \"1980-05-12\"}\n",
    );
    world.accord(&["import", &file]).expect(0);
    world.serves();
    assert_eq!(
        world.record("gp", "1")["record"]["family_name"],
        "Applethwaite"
    );
}

#[test]
fn importing_the_same_file_again_changes_nothing() {
    let world = World::at_rest();
    let file = region(&world, 40, "11");
    world.accord(&["import", &file]).expect(0);
    let first = exported(&world);
    let persons = fs::read_to_string(world.file("persons.csv")).expect("an export");

    world.accord(&["import", &file]).expect(0);

    assert_eq!(first, exported(&world));
    let again = fs::read_to_string(world.file("persons.csv")).expect("an export");
    assert_eq!(
        persons, again,
        "the same persons, not only the same partition"
    );
}

#[test]
fn an_import_killed_at_any_row_and_run_again_gives_the_same_partition() {
    let whole = World::at_rest();
    let file = region(&whole, 120, "7");
    let begun = Instant::now();
    whole.accord(&["import", &file]).expect(0);
    let took = begun.elapsed();
    let expected = exported(&whole);

    let kills = times("ACCORD_IMPORT_KILLS", 3);
    for kill in 1..=kills {
        let world = World::at_rest();
        let share = u32::try_from(kill).expect("few kills");
        let among = u32::try_from(kills + 1).expect("few kills");
        let mut child = world
            .command(&["import", "--quiet", &file])
            .spawn()
            .expect("accord can be started");
        thread::sleep(took * share / among);
        child.kill().expect("the import can be killed");
        child.wait().expect("the import ends");

        world.accord(&["import", &file]).expect(0);

        assert_eq!(
            exported(&world),
            expected,
            "killed after {share}/{among} of {took:?}"
        );
    }
}

#[test]
fn a_made_up_region_is_linked_as_its_truth_says() {
    let world = World::at_rest();
    let file = region(&world, 120, "5");
    world.accord(&["import", &file]).expect(0);
    world
        .accord(&["export", "--persons", "persons.csv"])
        .expect(0);

    let pairs = |partition: &Partition| -> BTreeSet<(String, String)> {
        let pairs_of = |group: &BTreeSet<String>| {
            let members: Vec<String> = group.iter().cloned().collect();
            let mut pairs = Vec::new();
            for (place, one) in members.iter().enumerate() {
                pairs.extend(
                    members[place + 1..]
                        .iter()
                        .map(|two| (one.clone(), two.clone())),
                );
            }
            pairs
        };
        partition.iter().flat_map(pairs_of).collect()
    };
    let truth = pairs(&partition(&world.file("region").join("truth.csv")));
    let linked = pairs(&partition(&world.file("persons.csv")));
    let right = truth.intersection(&linked).count();

    assert!(
        right * 100 >= linked.len() * 99,
        "{right} of {} links are right",
        linked.len()
    );
    assert!(
        right * 100 >= truth.len() * 70,
        "{right} of {} are found",
        truth.len()
    );
}

#[test]
fn import_refuses_a_directory_that_a_service_holds() {
    let world = World::start();
    let file = world.writes(
        "records.csv",
        b"record_id,family_name,date_of_birth\n1,Held,1980-05-12\n",
    );
    let refused = world.accord(&["import", "--source", "gp", &file]).expect(1);
    assert_eq!(
        refused.err.trim().lines().count(),
        1,
        "one sentence: {}",
        refused.err
    );
    assert!(
        refused.err.contains("--url"),
        "it names the way out: {}",
        refused.err
    );
}

#[test]
fn import_goes_through_a_running_service() {
    let world = World::start();
    let file = world.writes(
        "records.csv",
        b"record_id,given_name,family_name,date_of_birth\n\
          1,Rosalind,Applethwaite,1980-05-12\n\
          2,Barnaby,Thornwick,1951-07-23\n",
    );
    let url = world.url();
    let token = world.token(Actor::Integration).expect("a token").clone();
    let mut command = world.command(&["import", "--source", "gp", "--url", &url, &file]);

    run(command.env("ACCORD_TOKEN", token)).expect(0);

    assert_eq!(
        world.record("gp", "1")["record"]["family_name"],
        "Applethwaite"
    );
    assert_eq!(
        world.record("gp", "2")["record"]["family_name"],
        "Thornwick"
    );
}

#[test]
fn an_import_is_quiet_when_asked_and_plain_when_piped() {
    let world = World::at_rest();
    let file = world.writes(
        "records.csv",
        b"record_id,family_name,date_of_birth\n1,Quiet,1980-05-12\n",
    );
    let plain = world.accord(&["import", "--source", "gp", &file]).expect(0);
    for text in [&plain.out, &plain.err] {
        assert!(
            !text.contains('\u{1b}') && !text.contains('\r'),
            "no terminal codes: {text:?}"
        );
    }
    let quiet = world
        .accord(&["import", "--quiet", "--source", "gp", &file])
        .expect(0);
    assert!(quiet.err.is_empty(), "{}", quiet.err);
}
