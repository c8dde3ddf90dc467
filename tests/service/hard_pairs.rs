//! The hard pairs of `test-corpora/hard-pairs`: text that a clerk can extend,
//! each case through the real reading, standardising, comparing and deciding.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use accord::foundation::{Instant, PersonId, SeededChance};
use accord::identity::{
    NumberStatus, Profile, StandardDate, StandardRecord, StandardiseOptions, standardise,
};
use accord::interfaces::files::read_ndjson;
use accord::matching::{Candidate, Decision, LinkageModel, decide};
use serde::Deserialize;
use serde_json::{Value, json};

/// What must follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expected {
    Link,
    Review,
    Apart,
    NotLink,
}

type Columns = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    rule: Option<String>,
    decision: Expected,
    why: String,
    record: Columns,
    known: Vec<Columns>,
    #[serde(default)]
    others: Vec<Columns>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("test-corpora/hard-pairs");
    let entries = fs::read_dir(folder).expect("the folder of hard pairs");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    files.sort();
    files
}

fn read(columns: &Columns) -> StandardRecord {
    let mut row: BTreeMap<&str, Value> = columns
        .iter()
        .map(|(name, text)| (name.as_str(), json!(text)))
        .collect();
    row.insert("record_id", json!("1"));
    let line = serde_json::to_string(&row).expect("JSON");
    let rows = read_ndjson(Path::new("case"), Box::new(Cursor::new(line)), &[]);
    let row = rows
        .expect("rows")
        .next()
        .expect("a row")
        .expect("a record");
    let unknown = row.record.other_columns.keys().next();
    assert_eq!(unknown, None, "no column of a records file");
    let options = StandardiseOptions {
        profile: Profile::UkCare,
        number_status_default: NumberStatus::NotTraced,
        today: StandardDate::from_parts(2026, Some(11), Some(27)).expect("a date"),
        test_numbers_are_real: true,
        first_of_january_is_default: false,
    };
    standardise(&row.record, &options).0
}

fn decided(case: &Case) -> Expected {
    let model = LinkageModel::uk_care();
    let record = read(&case.record);
    let persons: Vec<Vec<StandardRecord>> = [&case.known, &case.others]
        .into_iter()
        .filter(|records| !records.is_empty())
        .map(|records| records.iter().map(read).collect())
        .collect();
    let candidates: Vec<Candidate<'_>> = (1..)
        .zip(&persons)
        .map(|(number, records)| {
            let members: Vec<&StandardRecord> = records.iter().collect();
            Candidate {
                person: PersonId::new(
                    Instant::from_microseconds(number),
                    &SeededChance::new(number.unsigned_abs()),
                ),
                score: model.score(&record, &members),
                members,
                asserted_different: false,
                open_duplicate_of: Vec::new(),
                number_confused: false,
            }
        })
        .collect();
    match decide(&model, &record, &candidates).0 {
        Decision::Link { person, .. } if person == candidates[0].person => Expected::Link,
        Decision::Link { .. } => panic!("linked to the other person"),
        Decision::Review { .. } => Expected::Review,
        Decision::NewPerson => Expected::Apart,
    }
}

fn is_met(case: &Case, found: Expected) -> bool {
    match case.decision {
        Expected::NotLink => found != Expected::Link,
        exactly => found == exactly,
    }
}

#[test]
fn every_hard_pair_is_decided_as_a_clerk_would() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in files() {
        let text = fs::read_to_string(&path).expect("a file of cases");
        let cases: Cases =
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for case in &cases.case {
            count += 1;
            let found = decided(case);
            if !is_met(case, found) {
                let rule = case.rule.as_deref().unwrap_or("no rule");
                wrong.push(format!(
                    "{}: {} ({rule}): {found:?}, should be {:?}: {}",
                    path.file_name().unwrap_or_default().display(),
                    case.name,
                    case.decision,
                    case.why
                ));
            }
        }
    }
    assert!(count >= 65, "{count} cases");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
