//! Files as they come: stray quotes, ragged rows, odd encodings, damage. What
//! cannot be a row is named by its line; every other row is there.

use std::io::{Cursor, Read};
use std::path::Path;

use proptest::prelude::*;

use super::{FileProblem, FileRow, RowProblem, read_csv, read_ndjson};
use crate::foundation::limits::{QUOTED_LINES_MAX, RECORD_BODY_BYTES_MAX, TEXT_CHARACTERS_MAX};

type Row = Result<FileRow, RowProblem>;

fn boxed(bytes: impl Into<Vec<u8>>) -> Box<dyn Read + Send> {
    Box::new(Cursor::new(bytes.into()))
}

fn csv(bytes: impl Into<Vec<u8>>) -> Vec<Row> {
    let rows = read_csv(Path::new("rows.csv"), boxed(bytes), &[]);
    rows.expect("a header").collect()
}

fn ndjson(bytes: impl Into<Vec<u8>>) -> Vec<Row> {
    let rows = read_ndjson(Path::new("rows.ndjson"), boxed(bytes), &[]);
    rows.expect("a file").collect()
}

/// Ids of the rows that are there, and lines with reasons of the others.
fn told(rows: &[Row]) -> (Vec<&str>, Vec<(u64, &str)>) {
    let good = rows.iter().flatten().map(|row| row.record_id.as_str());
    let bad = rows.iter().filter_map(|row| row.as_ref().err());
    let bad = bad.map(|problem| (problem.line, problem.reason.as_str()));
    (good.collect(), bad.collect())
}

#[test]
fn a_stray_quote_costs_its_own_row_only() {
    let files = [
        // Never closed.
        ("record_id,a,b\n1,\"x,y\n2,x,y\n3,x,y\n", 2),
        // Closed by a quote that belongs to a later row.
        ("record_id,a,b\n1,\"x,y\n2,\"x\",y\n3,x,y\n", 2),
        // Closed at the end of a later row: the row has too few columns.
        ("record_id,a,b\n0,x,y\n1,\"x,y\n2,x,y\n3,x,\"y\"\n", 3),
    ];
    for (file, line) in files {
        let rows = csv(file);
        let (good, bad) = told(&rows);
        assert!(good.ends_with(&["2", "3"]), "{file}: {good:?} {bad:?}");
        assert_eq!(bad.len(), 1, "{file}: {bad:?}");
        assert_eq!(bad[0].0, line, "{file}: {bad:?}");
        assert!(bad[0].1.contains("quote"), "{file}: {bad:?}");
        let kept = rows.iter().find_map(|row| row.as_ref().err());
        assert_eq!(kept.expect("a problem").row, ["1,\"x,y"]);
    }
}

#[test]
fn a_quote_that_runs_on_is_given_up_and_all_lines_after_it_are_read() {
    use std::fmt::Write as _;
    let mut file = "record_id,a\n1,\"open\n".to_owned();
    for row in 2..200 {
        writeln!(file, "{row},x").expect("a text takes any text");
    }
    let rows = csv(file);
    let (good, bad) = told(&rows);
    assert_eq!(good.len(), 198);
    let reason = format!("the quote of column 2 is not closed within {QUOTED_LINES_MAX} lines");
    assert_eq!(bad, [(2, reason.as_str())]);
}

#[test]
fn quoted_fields_keep_commas_quotes_and_line_ends() {
    let rows = csv("record_id,a,b\r\n1,\"x, \"\"y\"\"\r\n\r\nz\",\"\"\r\n2,p \"q\" r,5\"\r\n");
    let rows: Vec<FileRow> = rows.into_iter().map(|row| row.expect("a row")).collect();
    assert_eq!(rows[0].row, ["1", "x, \"y\"\r\n\r\nz", ""]);
    assert_eq!(rows[0].line, 2);
    assert_eq!(rows[1].row, ["2", "p \"q\" r", "5\""]);
    assert_eq!(rows[1].line, 5);
}

#[test]
fn text_after_a_closing_quote_is_named_with_its_column() {
    let rows = csv("record_id,a\n1,\"x\" y\n2,\"x\" \n");
    let (good, bad) = told(&rows);
    assert_eq!(good, ["2"]);
    assert!(bad[0].0 == 2 && bad[0].1.contains("column 2"), "{bad:?}");
}

#[test]
fn a_ragged_row_is_named_with_what_was_expected_and_found() {
    let rows = csv("record_id,a,b\n1,x\n2,x,y,z\n\n3,x,y");
    let (good, bad) = told(&rows);
    assert_eq!(good, ["3"]);
    let few = "2 columns, but the header has 3";
    let many = "4 columns, but the header has 3";
    assert_eq!(bad, [(2, few), (3, many)]);
}

#[test]
fn encodings_and_line_ends_are_read_as_what_they_are() {
    let mark =
        b"\xef\xbb\xbf\"record_id\",family_name\n1,Ma\xc5\x82gorzata\n2,O\x92Brien\n3,a\x00b";
    let rows: Vec<FileRow> = csv(mark)
        .into_iter()
        .map(|row| row.expect("a row"))
        .collect();
    let names = rows.iter().map(|row| row.record.family_name.as_deref());
    let expected = [Some("Małgorzata"), Some("O\u{2019}Brien"), Some("a\0b")];
    assert!(names.eq(expected));
    let old = csv("record_id,a\r1,x\r2,y\r");
    assert_eq!(told(&old), (vec!["1", "2"], vec![]));
    let inside = csv("record_id,a\n1,\u{feff}x\n");
    assert_eq!(inside[0].as_ref().expect("a row").row[1], "\u{feff}x");
    let wide = read_csv(Path::new("w.csv"), boxed(*b"\xff\xfer\x00e\x00"), &[]);
    assert!(matches!(wide.err(), Some(FileProblem::Utf16(_))));
    let empty = read_csv(Path::new("e.csv"), boxed(*b"\xef\xbb\xbf\n\n"), &[]);
    assert!(matches!(empty.err(), Some(FileProblem::Empty(_))));
    let open = read_csv(Path::new("h.csv"), boxed("record_id,\"a\n1,x\n"), &[]);
    assert!(matches!(
        open.err(),
        Some(FileProblem::HeaderRow { line: 1, .. })
    ));
}

#[test]
fn what_is_too_long_is_named_and_does_not_stop_the_rest() {
    let field = "x".repeat(TEXT_CHARACTERS_MAX + 1);
    let line = "y".repeat(RECORD_BODY_BYTES_MAX + 1);
    let quoted = format!("\"{}\"", "z\n".repeat(40).repeat(2_000));
    let rows = csv(format!(
        "record_id,a\n1,{field}\n2,{line}\n3,{quoted}\n4,x\n"
    ));
    let (good, bad) = told(&rows);
    assert_eq!(good, ["4"]);
    assert_eq!((bad[0].0, bad[1].0, bad[2].0), (2, 3, 4));
    assert!(bad[0].1.starts_with("column 2 is longer"), "{bad:?}");
    assert!(bad[1].1.starts_with("longer than"), "{bad:?}");
    let rows = ndjson(format!(
        "{{\"record_id\":\"{line}\"}}\n{{\"record_id\":\"2\"}}"
    ));
    assert_eq!(told(&rows).0, ["2"]);
}

/// Fails after its bytes, as a packed file does that was cut short.
struct CutShort(Cursor<Vec<u8>>);

impl Read for CutShort {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            count => Ok(count),
        }
    }
}

#[test]
fn damage_ends_the_file_once_and_what_was_read_is_there() {
    for (text, line, good) in [
        ("record_id,a\n1,x\n2,", 3, 1),
        ("record_id,a\n1,x\n2,\"y\n", 3, 1),
    ] {
        let file = Box::new(CutShort(Cursor::new(text.into())));
        let rows = read_csv(Path::new("cut.csv"), file, &[]).expect("a header");
        let rows: Vec<Row> = rows.collect();
        let (ids, bad) = told(&rows);
        assert_eq!(ids.len(), good, "{text:?} {bad:?}");
        assert_eq!(bad[0].0, line, "{text:?} {bad:?}");
        let last = rows.last().and_then(|row| row.as_ref().err());
        assert!(last.is_some_and(|problem| problem.ends_file), "{text:?}");
    }
    let file = Box::new(CutShort(Cursor::new(b"{\"record_id\":\"1\"}\n{".to_vec())));
    let rows = read_ndjson(Path::new("cut.ndjson"), file, &[]).expect("a file");
    assert_eq!(rows.filter(Result::is_err).count(), 1);
}

#[test]
fn ndjson_takes_the_names_of_columns_and_of_the_api() {
    let rows = ndjson(concat!(
        "{\"record_id\": 17, \"given_name\": \"Rosalind\", \"Middle Name\": \"Ann\", \"surname\": \
         \"Applethwaite\", \"dob\": \"1980-05-12\", \"address_line\": \"14 Orchard Rise\", \
         \"postcode\": \"LS8 2QD\", \"phone\": \"07700 900321\", \"source\": \"pas\", \"town\": null}\n",
        "{\"local_id\": \"18\", \"given_names\": [\"Barnaby\"], \"family_name\": \"Thornwick\"}\n",
        "{\"record_id\": \"19\", \"given_names\": \"Imogen\"}\n",
    ));
    let rows: Vec<FileRow> = rows.into_iter().map(|row| row.expect("a row")).collect();
    let first = &rows[0].record;
    assert_eq!(rows[0].record_id, "17");
    assert_eq!(rows[0].source.as_deref(), Some("pas"));
    assert_eq!(first.given_names, ["Rosalind", "Ann"]);
    assert_eq!(first.birth_date.as_deref(), Some("1980-05-12"));
    assert_eq!(first.addresses[0].lines, ["14 Orchard Rise"]);
    assert_eq!(first.addresses[0].postcode.as_deref(), Some("LS8 2QD"));
    assert_eq!(rows[1].record.given_names, ["Barnaby"]);
    assert_eq!(rows[2].record.given_names, ["Imogen"]);
}

#[test]
fn what_is_wrong_in_ndjson_is_named_by_line_and_member() {
    let lines = [
        ("{\"record_id\": 1.5}", "record_id"),
        ("{\"record_id\": \"2\", \"shoe_size\": \"7\"}", "shoe_size"),
        ("{\"record_id\": \"3\", \"phone\": 7700900321}", "phone"),
        (
            "{\"record_id\": \"4\", \"title\": \"a\", \"title\": \"b\"}",
            "title",
        ),
        (
            "{\"record_id\": \"5\", \"nhs_number\": 9990000018}",
            "nhs_number",
        ),
        ("{\"family_name\": \"Hidden\"}", "record_id"),
        ("[1, 2]", "list"),
        ("{\"record_id\": \"8\"", "JSON"),
    ];
    let file: Vec<&str> = lines.iter().map(|(line, _)| *line).collect();
    let rows = ndjson(file.join("\n"));
    assert_eq!(rows.len(), lines.len());
    for (place, (line, named)) in lines.iter().enumerate() {
        let problem = rows[place].as_ref().expect_err(line);
        assert_eq!(problem.line, place as u64 + 1);
        assert!(problem.reason.contains(named), "{line}: {}", problem.reason);
        assert!(!problem.reason.contains("Hidden"));
    }
}

#[test]
fn nothing_is_lost_where_two_columns_mean_one_thing() {
    let rows =
        csv("record_id,first_name,forename,mobile,phone,,\n1,A,B,07700 900001,07700 900002,x,y\n");
    let row = rows[0].as_ref().expect("a row");
    assert_eq!(row.record.given_names, ["A"]);
    assert_eq!(row.record.phones, ["07700 900001", "07700 900002"]);
    let kept: Vec<&str> = row
        .record
        .other_columns
        .values()
        .map(String::as_str)
        .collect();
    assert_eq!(kept, ["x", "y", "B"]);
}

fn quoted(field: &str) -> String {
    format!("\"{}\"", field.replace('"', "\"\""))
}

proptest! {
    #[test]
    fn rows_of_any_bytes_are_read_or_named(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut file = b"record_id,family_name\n".to_vec();
        file.extend_from_slice(&bytes);
        let ends = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
        prop_assert!(csv(file).len() <= ends + 1);
        prop_assert!(ndjson(bytes).len() <= ends + 1);
    }

    #[test]
    fn rows_of_quotes_and_commas_are_read_or_named(text in "[\",\na1 ]{0,200}") {
        let rows = csv(format!("record_id,family_name\n{text}"));
        prop_assert!(rows.len() <= text.lines().count().max(1));
    }

    #[test]
    fn a_row_says_the_same_whether_its_texts_are_kept_or_not(
        text in prop_oneof!["[\",\na1é ]{0,200}", "([a1é]{0,3},[ a]{0,2},[a ]{0,3}(\r\n|\n)){1,9}"],
        latin in any::<bool>(),
    ) {
        let mut file = format!("record_id,family_name,shoe\n{text}").into_bytes();
        if latin {
            // In UTF-8 no letter has this byte alone.
            file.iter_mut().filter(|byte| **byte == b'1').for_each(|byte| *byte = 0xE9);
        }
        let rows = read_csv(Path::new("rows.csv"), boxed(file.clone()), &[]).expect("a header");
        let without: Vec<Row> = rows.without_texts().collect();
        let with = csv(file);
        prop_assert_eq!(with.len(), without.len());
        for (with, without) in with.iter().zip(&without) {
            match (with, without) {
                (Ok(with), Ok(without)) => {
                    let mut record = with.record.clone();
                    record.other_columns.clear();
                    prop_assert!(record == without.record && with.line == without.line);
                    prop_assert_eq!(&with.record_id, &without.record_id);
                }
                (Err(with), Err(without)) => {
                    prop_assert_eq!((with.line, &with.reason), (without.line, &without.reason));
                }
                _ => prop_assert!(false, "one is read and the other is not"),
            }
        }
    }

    #[test]
    fn a_well_written_field_comes_out_as_it_went_in(fields in prop::collection::vec("[^\r\n]{0,20}", 1..6)) {
        let rows: Vec<String> = fields.iter().map(|field| format!("1,{}", quoted(field))).collect();
        let read = csv(format!("record_id,a\n{}\n", rows.join("\n")));
        prop_assert_eq!(read.len(), fields.len());
        for (row, field) in read.iter().zip(&fields) {
            prop_assert_eq!(&row.as_ref().expect("a row").row[1], field);
        }
    }

    #[test]
    fn one_stray_quote_anywhere_loses_at_most_the_row_that_it_is_in(
        rows in 2_usize..30, row in 0_usize..30, place in 0_usize..8,
    ) {
        let mut lines: Vec<String> = (0..rows).map(|row| format!("{row},ab,cd")).collect();
        let row = row.min(rows - 1);
        let place = place.min(lines[row].len());
        lines[row].insert(place, '"');
        let read = csv(format!("record_id,a,b\n{}\n", lines.join("\n")));
        let good = read.iter().flatten().count();
        prop_assert!(good >= rows - 1, "{} of {}", good, rows);
        let bad = read.iter().filter_map(|row| row.as_ref().err());
        prop_assert!(bad.map(|bad| bad.line).all(|line| line == row as u64 + 2));
    }
}
