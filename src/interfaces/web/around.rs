//! What stands around a question, as its page shows it: neighbours, how common
//! names are, and what people have said of these persons before.

use crate::flows::{
    self, Around, Context, FlowError, HistoryEntry, HistoryPart, ListedTask, Neighbour,
    NeighboursKnown, Side, Surroundings,
};
use crate::foundation::limits::HISTORY_ENTRIES_MAX;
use crate::foundation::{PersonId, TaskId};
use crate::interfaces::web::layout::NoPage;
use crate::interfaces::web::local_time::LocalTime;
use crate::interfaces::web::queue_page::REASON;
use crate::interfaces::web::visitor::Visitor;
use crate::interfaces::web::words;
use crate::matching::Commonness;
use crate::registry::{RegistryEvent, UnlinkReason};
use crate::security::Action;

/// Somebody who might be taken for a person of the question.
pub(super) struct Beside {
    pub(super) person: String,
    pub(super) name: String,
    pub(super) birth_date: String,
    pub(super) sex: &'static str,
    pub(super) why: Vec<&'static str>,
    pub(super) twin: bool,
    pub(super) birth_order: Option<u8>,
}

/// Another person that this one may be, by an open question.
pub(super) struct Other {
    pub(super) person: String,
    pub(super) grade: &'static str,
    pub(super) bits: String,
    /// How far it lies behind this question, in bits.
    pub(super) margin: Option<String>,
}

/// What stands around one person.
pub(super) struct Surrounded {
    pub(super) person: String,
    pub(super) beside: Vec<Beside>,
    pub(super) more: usize,
    pub(super) notes: Vec<&'static str>,
    pub(super) common: Vec<String>,
    pub(super) others: Vec<Other>,
}

/// Another question about these persons that people have settled.
pub(super) struct Settled {
    pub(super) task: String,
    pub(super) kind: &'static str,
    pub(super) outcome: &'static str,
    pub(super) by: String,
    pub(super) asked: LocalTime,
}

/// What a human has done with one of the persons.
pub(super) struct Deed {
    pub(super) at: LocalTime,
    pub(super) actor: Option<String>,
    pub(super) sentence: String,
}

/// All of it.
pub(super) struct Environs {
    pub(super) sides: Vec<Surrounded>,
    pub(super) settled: Vec<Settled>,
    pub(super) deeds: Vec<Deed>,
}

/// What stands around a question that the reader may see.
pub(super) async fn environs(
    context: &Context,
    visitor: &Visitor,
    task: TaskId,
    (sides, weight): (&[Side], Option<f64>),
) -> Result<Environs, NoPage> {
    let why = format!("{REASON}: {task}");
    let failed = |error: FlowError| visitor.no_page(&error);
    let access = visitor.may_because(Action::ReadTask, &why)?;
    let known = flows::surroundings(context, &access, task).await;
    let Surroundings {
        sides: around,
        settled,
    } = known.map_err(failed)?;
    let reading = visitor.may_because(Action::ReadHistory, &why)?;
    let mut deeds = Vec::new();
    for side in &around {
        let part = HistoryPart {
            after: None,
            limit: HISTORY_ENTRIES_MAX,
            as_of: None,
        };
        let entries = match flows::view_history(context, &reading, side.person, part).await {
            // Nobody knows the people of a known pair (R117).
            Err(FlowError::NotFound(_)) => Vec::new(),
            history => history.map_err(failed)?.entries,
        };
        deeds.extend(entries.into_iter().filter(|entry| is_deed(&entry.event)));
    }
    deeds.sort_by(|a, b| (a.at, &a.place).cmp(&(b.at, &b.place)));
    deeds.dedup_by(|a, b| a.place == b.place);
    let of_question: Vec<PersonId> = around.iter().map(|side| side.person).collect();
    let surrounded = around.into_iter().map(|side| {
        let own = sides.iter().find(|own| own.survivor == side.person);
        surrounded(side, own, (&of_question, weight))
    });
    Ok(Environs {
        sides: surrounded.collect(),
        settled: settled.into_iter().map(of_settled).collect(),
        deeds: deeds.into_iter().map(deed).collect(),
    })
}

/// Whether a human has joined, parted or told apart.
const fn is_deed(event: &RegistryEvent) -> bool {
    matches!(
        event,
        RegistryEvent::MergeMade { .. }
            | RegistryEvent::MergeUndone { .. }
            | RegistryEvent::MergeDropped { .. }
            | RegistryEvent::AssertionMade { .. }
            | RegistryEvent::AssertionWithdrawn { .. }
            | RegistryEvent::HeldSettled { .. }
            | RegistryEvent::RecordUnlinked {
                because: UnlinkReason::Moved,
                ..
            }
    )
}

fn deed(entry: HistoryEntry) -> Deed {
    Deed {
        at: LocalTime::of(entry.at),
        actor: entry.actor,
        sentence: entry.sentence,
    }
}

fn of_settled(listed: ListedTask) -> Settled {
    let state = listed.state;
    let mut by: Vec<String> = state.reads_of_round().map(|read| read.by.clone()).collect();
    by.dedup();
    Settled {
        task: listed.id.to_string(),
        kind: words::kind(state.kind),
        outcome: state.outcome.map_or("", words::outcome),
        by: by.join(", "),
        asked: LocalTime::of(listed.id.made_at()),
    }
}

/// Of the others that a person may be those whom this question does not ask of.
fn surrounded(
    around: Around,
    side: Option<&Side>,
    (of_question, weight): (&[PersonId], Option<f64>),
) -> Surrounded {
    let possible = side.map_or(&[][..], |side| &side.possible);
    let others = possible
        .iter()
        .filter(|other| !of_question.contains(&other.person_id));
    let others = others.map(|other| Other {
        person: other.person_id.to_string(),
        grade: words::grade(other.grade),
        bits: format!("{:.1}", other.weight_bits),
        margin: weight.map(|weight| format!("{:+.1}", other.weight_bits - weight)),
    });
    Surrounded {
        person: around.person.to_string(),
        more: around.more,
        notes: notes(around.known),
        common: around.commonness.map(common).unwrap_or_default(),
        others: others.collect(),
        beside: around.neighbours.into_iter().map(beside).collect(),
    }
}

fn notes(known: NeighboursKnown) -> Vec<&'static str> {
    let notes = [
        (
            known.hides_homes,
            "Who lives there is not shown: a location is restricted.",
        ),
        (
            known.crowded,
            "More people live at an address than a family has; they are not listed.",
        ),
        (
            known.incomplete,
            "More people share the name, the day or the postcode than were looked at.",
        ),
    ];
    let said = notes.into_iter().filter(|(holds, _)| *holds);
    said.map(|(_, sentence)| sentence).collect()
}

fn beside(neighbour: Neighbour) -> Beside {
    let why = [
        (neighbour.lives_there, "lives at the same address"),
        (neighbour.same_mother, "has the same mother"),
        (neighbour.same_birth_date, "born on the same day"),
        (neighbour.same_given_name, "same first name"),
        (neighbour.same_family_name, "same family name"),
    ];
    let why = why.into_iter().filter(|(holds, _)| *holds);
    Beside {
        person: neighbour.person.to_string(),
        twin: neighbour.may_be_twin(),
        birth_date: neighbour
            .birth_date
            .map(|date| date.to_iso())
            .unwrap_or_default(),
        sex: neighbour.sex.map_or("", words::sex),
        birth_order: neighbour.birth_order,
        name: neighbour.name,
        why: why.map(|(_, words)| words).collect(),
    }
}

/// How common a name is, in sentences.
fn common(known: Commonness) -> Vec<String> {
    let counts = [
        (known.given_name, "have this first name"),
        (known.family_name, "this family name"),
        (known.full_name, "both"),
    ];
    let counts = counts.into_iter();
    let counts = counts.filter_map(|(count, what)| Some(format!("{} {what}", people(count?))));
    let counts: Vec<String> = counts.collect();
    if counts.is_empty() {
        return Vec::new();
    }
    let mut sentences = vec![format!(
        "By the model’s tables, of {} people {}.",
        grouped(known.population),
        counts.join(", ")
    )];
    if let Some(count) = known.full_name_and_birth_date {
        sentences.push(if count >= 1.0 {
            format!("{} of them were born on the same day.", people(count))
        } else {
            format!(
                "That another of them was born on the same day, by chance: about 1 in {}.",
                grouped(1.0 / count)
            )
        });
    }
    sentences
}

fn people(count: f64) -> String {
    if count < 1.0 {
        "fewer than one".to_owned()
    } else {
        format!("about {}", grouped(count))
    }
}

/// Two digits that count, thousands grouped.
fn grouped(count: f64) -> String {
    let size = 10.0_f64.powf(count.max(1.0).log10().floor() - 1.0).max(1.0);
    let digits = format!("{:.0}", (count / size).round() * size);
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{common, grouped};
    use crate::matching::Commonness;

    #[test]
    fn counts_are_said_with_two_digits() {
        for (count, text) in [
            (1_500_000.0, "1,500,000"),
            (26_843.0, "27,000"),
            (243.0, "240"),
            (7.4, "7"),
            (0.2, "0"),
        ] {
            assert_eq!(grouped(count), text);
        }
    }

    #[test]
    fn what_the_tables_do_not_say_is_left_out() {
        let mut known = Commonness {
            population: 1_500_000.0,
            given_name: Some(27_000.0),
            family_name: None,
            full_name: None,
            full_name_and_birth_date: None,
        };
        let said = common(known);
        assert_eq!(
            said,
            ["By the model’s tables, of 1,500,000 people about 27,000 have this first name."]
        );
        known.given_name = None;
        assert!(common(known).is_empty());
        known.full_name = Some(0.4);
        known.full_name_and_birth_date = Some(0.000_01);
        assert!(common(known)[0].contains("fewer than one both"));
        assert!(common(known)[1].ends_with("about 1 in 100,000."));
    }
}
