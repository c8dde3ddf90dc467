//! Two sides of a question, field by field: who said what and when, in whose
//! words, how it is compared, and where the two differ.

use std::collections::BTreeSet;

use crate::flows::{Context, Side, SideRecord, TaskAnswer, VersionAnswer};
use crate::interfaces::web::differences::{Piece, folded, pieces};
use crate::interfaces::web::local_time::LocalTime;
use crate::interfaces::web::values::{ROWS, Row, Value, standard, values};
use crate::interfaces::web::words;
use crate::registry::{LocalId, SourceCode, VersionStanding};

/// Values in a cell; a side has some hundreds at most, and nobody reads them all.
const VALUES_PER_CELL: usize = 12;

/// Who said a value.
#[derive(Clone)]
pub(super) struct Said {
    pub(super) source: String,
    pub(super) local_id: String,
    pub(super) standing: &'static str,
    pub(super) when: LocalTime,
    pub(super) version: u32,
}

/// A value in a cell.
pub(super) struct Shown {
    pub(super) pieces: Vec<Piece>,
    pub(super) note: String,
    pub(super) standard: Option<String>,
    pub(super) findings: Vec<String>,
    pub(super) said: Vec<Said>,
    /// No current version says it any more.
    pub(super) past: bool,
}

/// What one side says in a row.
pub(super) struct Cell {
    pub(super) values: Vec<Shown>,
    pub(super) more: usize,
    /// Values are there and may not be shown.
    pub(super) masked: bool,
}

/// A row of the comparison.
pub(super) struct Compared {
    pub(super) label: &'static str,
    /// `agree`, `differ`, `one side only`.
    pub(super) verdict: &'static str,
    /// The same as a word of the stylesheet.
    pub(super) class: &'static str,
    pub(super) cells: Vec<Cell>,
}

/// A column: which records, of which versions.
struct Column<'a> {
    versions: Vec<(&'a SideRecord, &'a VersionAnswer)>,
    restricted: bool,
}

/// The head of a column.
pub(super) struct Head {
    pub(super) title: String,
    pub(super) person: String,
    pub(super) note: String,
    pub(super) restricted: bool,
    /// Its page can be opened: nobody stands for the people of a known pair once it is
    /// answered.
    pub(super) stands: bool,
}

/// All rows, under their heads.
pub(super) fn compare(context: &Context, answer: &TaskAnswer) -> (Vec<Head>, Vec<Compared>) {
    let (mut heads, columns) = columns(&answer.sides, answer.record.as_ref());
    for head in &mut heads {
        head.stands = answer.known_answer.is_none();
    }
    let rows = ROWS
        .iter()
        .filter_map(|row| compared(context, *row, &columns));
    (heads, rows.collect())
}

fn columns<'a>(
    sides: &'a [Side],
    raising: Option<&(SourceCode, LocalId)>,
) -> (Vec<Head>, Vec<Column<'a>>) {
    let head = |title: &str, side: &Side, note: String| Head {
        title: title.to_owned(),
        person: side.survivor.to_string(),
        note,
        restricted: side.restricted,
        stands: true,
    };
    if let [side] = sides {
        return within(side, raising, head);
    }
    let titles = ["First person", "Second person"];
    let heads = sides.iter().zip(titles).map(|(side, title)| {
        let records = side.record_count;
        let plural = if records == 1 { "" } else { "s" };
        head(title, side, format!("{records} record{plural}"))
    });
    let columns = sides.iter().map(|side| Column {
        versions: versions(&side.records, |_, _| true),
        restricted: side.restricted,
    });
    (heads.collect(), columns.collect())
}

/// A question about one person: what is held beside what is served, or the record
/// that raised it beside the others.
fn within<'a>(
    side: &'a Side,
    raising: Option<&(SourceCode, LocalId)>,
    head: impl Fn(&str, &Side, String) -> Head,
) -> (Vec<Head>, Vec<Column<'a>>) {
    let is_raising = |record: &SideRecord| {
        raising.is_some_and(|(source, local_id)| {
            record.source == *source && record.local_id == *local_id
        })
    };
    let is_held = |version: &VersionAnswer| version.standing == VersionStanding::Held;
    let held = side
        .records
        .iter()
        .any(|record| is_raising(record) && record.held.is_some());
    let (titles, first, second) = if held {
        (
            ["What is served", "What is held"],
            versions(&side.records, |_, version| !is_held(version)),
            versions(&side.records, |record, version| {
                is_raising(record) && is_held(version)
            }),
        )
    } else {
        (
            ["The record that raised it", "The person's other records"],
            versions(&side.records, |record, _| is_raising(record)),
            versions(&side.records, |record, _| !is_raising(record)),
        )
    };
    let heads = titles.map(|title| head(title, side, String::new()));
    let columns = [first, second].map(|versions| Column {
        versions,
        restricted: side.restricted,
    });
    (heads.into(), columns.into())
}

/// The versions that a column shows: current ones first, then the latest.
fn versions(
    records: &[SideRecord],
    wanted: impl Fn(&SideRecord, &VersionAnswer) -> bool,
) -> Vec<(&SideRecord, &VersionAnswer)> {
    let all = records
        .iter()
        .flat_map(|record| record.versions.iter().map(move |version| (record, version)));
    let mut found: Vec<_> = all
        .filter(|(record, version)| wanted(record, version))
        .collect();
    found.sort_by_key(|(record, version)| {
        let age = std::cmp::Reverse(version.received_at);
        (
            version.version != record.version && version.standing != VersionStanding::Held,
            age,
        )
    });
    found
}

struct Gathered {
    value: Value,
    said: Vec<Said>,
    past: bool,
}

fn gathered(row: Row, column: &Column<'_>) -> Vec<Gathered> {
    let mut found: Vec<Gathered> = Vec::new();
    for (record, version) in &column.versions {
        let Some(says) = &version.record else {
            continue;
        };
        let current = version.version == record.version;
        let held = version.standing == VersionStanding::Held;
        for value in values(row, says) {
            let said = Said {
                source: record.source.to_string(),
                local_id: record.local_id.to_string(),
                standing: if current {
                    "current"
                } else {
                    words::version(version.standing)
                },
                when: LocalTime::of(version.effective_at.unwrap_or(version.received_at)),
                version: version.version,
            };
            let same = |known: &&mut Gathered| {
                known.value.sent == value.sent && known.value.note == value.note
            };
            match found.iter_mut().find(same) {
                Some(known) => {
                    known.past &= !(current || held);
                    // The latest version of a record is enough to say it.
                    let repeats =
                        |by: &Said| by.source == said.source && by.local_id == said.local_id;
                    if !known.said.iter().any(repeats) {
                        known.said.push(said);
                    }
                }
                None => found.push(Gathered {
                    value,
                    said: vec![said],
                    past: !(current || held),
                }),
            }
        }
    }
    found
}

fn compared(context: &Context, row: Row, columns: &[Column<'_>]) -> Option<Compared> {
    let sides: Vec<Vec<Gathered>> = columns.iter().map(|column| gathered(row, column)).collect();
    let masked: Vec<bool> = columns
        .iter()
        .map(|column| column.restricted && row.is_location())
        .collect();
    if sides.iter().all(Vec::is_empty) && !masked.contains(&true) {
        return None;
    }
    let more: Vec<usize> = sides
        .iter()
        .map(|side| side.len().saturating_sub(VALUES_PER_CELL))
        .collect();
    let sides: Vec<Vec<Read>> = sides
        .into_iter()
        .map(|side| {
            let shown = side.into_iter().take(VALUES_PER_CELL);
            shown.map(|known| read(context, row, known)).collect()
        })
        .collect();
    let standards: Vec<BTreeSet<String>> = sides
        .iter()
        .map(|side| side.iter().map(|it| it.compared_as.clone()).collect())
        .collect();
    let cells = (0..sides.len()).map(|place| {
        let others = sides
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != place);
        let others: Vec<&Read> = others.flat_map(|(_, side)| side).collect();
        let values: Vec<Shown> = sides[place].iter().map(|it| shown(it, &others)).collect();
        Cell {
            masked: masked[place] && values.is_empty(),
            values,
            more: more[place],
        }
    });
    let cells: Vec<Cell> = cells.collect();
    let (verdict, class) = verdict(&standards, masked.contains(&true));
    Some(Compared {
        label: row.label(),
        verdict,
        class,
        cells,
    })
}

/// A value with what it means.
struct Read {
    known: Gathered,
    standard: Option<String>,
    findings: Vec<String>,
    compared_as: String,
}

fn read(context: &Context, row: Row, known: Gathered) -> Read {
    let (standard, findings) = standard(context, row, &known.value);
    let compared_as = folded(standard.as_deref().unwrap_or(&known.value.sent));
    Read {
        standard: standard.filter(|text| *text != known.value.sent),
        findings,
        compared_as,
        known,
    }
}

/// The value as it is shown: what the other side says in other letters is not marked,
/// where both mean the same.
fn shown(value: &Read, others: &[&Read]) -> Shown {
    let means_the_same = |other: &&Read| other.compared_as == value.compared_as;
    let sent: Vec<&str> = if others.iter().any(means_the_same) {
        Vec::new()
    } else {
        others
            .iter()
            .map(|it| it.known.value.sent.as_str())
            .collect()
    };
    Shown {
        pieces: pieces(&value.known.value.sent, &sent),
        standard: value.standard.clone(),
        note: value.known.value.note.clone(),
        findings: value.findings.clone(),
        said: value.known.said.clone(),
        past: value.known.past,
    }
}

fn verdict(standards: &[BTreeSet<String>], masked: bool) -> (&'static str, &'static str) {
    let [first, second] = standards else {
        return ("", "alone");
    };
    if masked {
        ("not shown", "alone")
    } else if first.is_empty() || second.is_empty() {
        ("one side only", "alone")
    } else if first == second {
        ("agree", "agree")
    } else if first.intersection(second).next().is_some() {
        ("agree in part", "part")
    } else {
        ("differ", "differ")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::verdict;

    #[test]
    fn a_verdict_is_about_what_is_compared() {
        let set = |texts: &[&str]| {
            texts
                .iter()
                .map(ToString::to_string)
                .collect::<BTreeSet<_>>()
        };
        let of = |a: &[&str], b: &[&str]| verdict(&[set(a), set(b)], false).0;
        assert_eq!(of(&["smith"], &["smith"]), "agree");
        assert_eq!(of(&["smith"], &["smyth"]), "differ");
        assert_eq!(of(&["smith", "jones"], &["smith"]), "agree in part");
        assert_eq!(of(&["smith"], &[]), "one side only");
        assert_eq!(verdict(&[set(&["a"]), set(&["a"])], true).0, "not shown");
    }
}
