//! Malformed files through `accord import`: each bad row is named by its line in
//! the reject file, and every good one is in.

use std::fs;
use std::io::Write as _;

use crate::world::World;

#[test]
fn a_file_of_every_fault_names_each_line_and_loses_no_good_row() {
    let world = World::at_rest();
    let file = world.writes(
        "rows.csv",
        b"record_id,given_name,family_name,date_of_birth\n\
          g1,Rosalind,Applethwaite,1980-05-12\n\
          b1,\"Open,Applethwaite,1980-05-12\n\
          g2,Barnaby,Thornwick,1951-07-23\n\
          b2,too,few\n\
          b3,too,many,1980-05-12,fields\n\
          ,Imogen,Quillford,1962-09-14\n\
          b4,\"Text\" behind,Quillford,1962-09-14\n\
          g3,\"Two\nlines\",Langholm,1973-02-05\n\
          b\x005,Nul,Langholm,1973-02-05\n\
          b6,,,\n\
          g1,Again,Applethwaite,1980-05-12\n\
          g4,Ren\xe9e,O\x92Brien,30/02/1980\n",
    );

    let ended = world.accord(&["import", "--source", "gp", &file]).expect(1);

    assert!(ended.out.contains("rows 4"), "{}", ended.out);
    let rejects = world.file("data").join("rejects/rows.rejects.csv");
    let rejects = fs::read_to_string(rejects).expect("the reject file");
    for (line, reason) in [
        (3, "quote"),
        (5, "3 columns, but the header has 4"),
        (6, "5 columns, but the header has 4"),
        (7, "record_id is empty"),
        (8, "column 2"),
        (11, "control character"),
        (12, "identifies"),
        (13, "line 2"),
    ] {
        let named = |row: &&str| row.starts_with(&format!("{line},")) && row.contains(reason);
        assert!(
            rejects.lines().any(|row| named(&row)),
            "line {line} in {rejects}"
        );
    }
    world.serves();
    let two_lines = world.record("gp", "g3");
    assert_eq!(two_lines["record"]["given_names"][0], "Two\nlines");
    for local_id in ["g1", "g2", "g4"] {
        assert!(world.record("gp", local_id)["person_id"].is_string());
    }
    assert_eq!(
        world.record("gp", "g4")["record"]["birth_date"],
        "30/02/1980"
    );
}

#[test]
fn a_packed_file_that_was_cut_short_fails_and_says_so() {
    let world = World::at_rest();
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    packer
        .write_all(b"record_id,family_name,date_of_birth\n1,Rosalind,1980-05-12\n")
        .and_then(|()| packer.write_all("2,Barnaby,1951-07-23\n".repeat(5_000).as_bytes()))
        .expect("a buffer takes all");
    let mut packed = packer.finish().expect("a buffer takes all");
    packed.truncate(packed.len() / 2);
    let file = world.writes("cut.csv.gz", &packed);

    let ended = world.accord(&["import", "--source", "gp", &file]).expect(1);

    assert!(ended.err.contains("cut short"), "{}", ended.err);
    world.serves();
    world.record("gp", "1");
}

#[test]
fn ndjson_takes_columns_and_names_what_it_does_not_take() {
    let world = World::at_rest();
    let file = world.writes(
        "rows.ndjson",
        b"{\"record_id\": 7, \"given_name\": \"Rosalind\", \"family_name\": \"Applethwaite\", \
           \"dob\": \"1980-05-12\"}\n\
          {\"record_id\": \"8\", \"shoe_size\": \"7\"}\n\
          {\"record_id\": \"9\", \"nhs_number\": 9990000018}\n\
          {broken\n",
    );
    world.accord(&["import", "--source", "gp", &file]).expect(0);
    let rejects = world.file("data").join("rejects/rows.rejects.csv");
    let rejects = fs::read_to_string(rejects).expect("the reject file");
    for named in ["shoe_size", "nhs_number", "not JSON"] {
        assert!(rejects.contains(named), "{named} in {rejects}");
    }
    world.serves();
    assert_eq!(
        world.record("gp", "7")["record"]["given_names"][0],
        "Rosalind"
    );
}
