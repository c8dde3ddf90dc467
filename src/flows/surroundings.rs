//! What stands around a question: who lives with its persons, who is called like
//! them or was born on their day, how common their names are, and what people have
//! settled about them before. None of it is evidence; a careful reader asks it
//! before believing that two records agree because they are one person's.

use std::collections::BTreeMap;

use crate::flows::household::{Looked, at_homes, homes_of};
use crate::flows::known_pairs::known_pair;
use crate::flows::list_tasks::known_task;
use crate::flows::moments::seals_of;
use crate::flows::{Context, FlowError, ListedTask, TaskFilter, TaskStanding, list_tasks};
use crate::foundation::limits::HOUSEHOLD_PERSONS_MAX;
use crate::foundation::{PersonId, TaskId};
use crate::identity::{NameToken, Sex, StandardDate, StandardRecord};
use crate::index::RetrievalBounds;
use crate::matching::{Commonness, same_mother};
use crate::registry::Gate;
use crate::security::Access;
use crate::storage::{StoredPerson, StoredPersonView};

/// Neighbours that are shown of one person: those nearest to it.
const NEIGHBOURS_SHOWN_MAX: usize = 12;
/// Records of one name that are looked at: each brings its person with all records, and
/// of the thousands that share a common name none is nearer than another.
const NAMESAKES: RetrievalBounds = RetrievalBounds {
    records_per_key: 4 * NEIGHBOURS_SHOWN_MAX,
    records_total: 4 * NEIGHBOURS_SHOWN_MAX,
};
/// Earlier questions that are shown.
const SETTLED_SHOWN_MAX: u32 = 20;

/// What stands around a question.
#[derive(Debug, Clone)]
pub struct Surroundings {
    /// Around each of its persons.
    pub sides: Vec<Around>,
    /// Other questions about them that people have settled, the last one first.
    pub settled: Vec<ListedTask>,
}

/// What stands around one person.
#[derive(Debug, Clone)]
pub struct Around {
    /// Who it is now.
    pub person: PersonId,
    /// Others, the nearest first.
    pub neighbours: Vec<Neighbour>,
    /// Neighbours beyond those.
    pub more: usize,
    /// How far neighbours are known.
    pub known: NeighboursKnown,
    /// How common its name is; absent where no record says a name.
    pub commonness: Option<Commonness>,
}

/// How far neighbours are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NeighboursKnown {
    /// The location of a side is restricted: nobody is looked for by address (R112).
    pub hides_homes: bool,
    /// More people live at an address than a family has: they are left out.
    pub crowded: bool,
    /// More people share a name, a day or a postcode than were looked at.
    pub incomplete: bool,
}

/// Somebody who might be taken for a person of the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Neighbour {
    /// Who.
    pub person: PersonId,
    /// The usual name, as it is compared.
    pub name: String,
    /// The birth date.
    pub birth_date: Option<StandardDate>,
    /// Administrative gender.
    pub sex: Option<Sex>,
    /// Order in a multiple birth.
    pub birth_order: Option<u8>,
    /// Lives at an address of the person.
    pub lives_there: bool,
    /// Has the same mother.
    pub same_mother: bool,
    /// Was born on the same day.
    pub same_birth_date: bool,
    /// Has the same first given name.
    pub same_given_name: bool,
    /// Has the same family name, or a part of it.
    pub same_family_name: bool,
}

impl Neighbour {
    /// Whether it may be a twin of the person.
    #[must_use]
    pub const fn may_be_twin(&self) -> bool {
        self.same_birth_date && (self.lives_there || self.same_mother)
    }

    const fn is_near(&self) -> bool {
        self.lives_there
            || self.same_mother
            || (self.same_family_name && (self.same_birth_date || self.same_given_name))
    }

    /// The nearest first.
    fn distance(&self) -> (bool, bool, bool, PersonId) {
        let namesake = self.same_given_name && self.same_family_name;
        let home = self.lives_there || self.same_mother;
        (!self.may_be_twin(), !namesake, !home, self.person)
    }
}

/// What stands around a question.
///
/// # Errors
/// Unknown task, or a fault of ours.
pub async fn surroundings(
    context: &Context,
    access: &Access,
    task: TaskId,
) -> Result<Surroundings, FlowError> {
    let state = match known_task(context, access, task).await {
        Err(FlowError::NotFound(_)) => {
            let pair = known_pair(context, access, task).await?;
            let own = pair.persons().to_vec();
            return told(context, access, (task, own), pair.around(context)).await;
        }
        known => known?,
    };
    let mut people: Vec<StoredPersonView> = Vec::new();
    for person in &state.persons {
        let found = context.store.load_person(*person).await?;
        let known: Vec<PersonId> = people.iter().map(StoredPersonView::survivor).collect();
        people.extend(found.filter(|found| !known.contains(&found.survivor())));
    }
    let own: Vec<PersonId> = people.iter().map(StoredPersonView::survivor).collect();
    let hides_homes = people.iter().any(|person| person.restricted);
    let mut sides = Vec::new();
    let mut looked = Looked::default();
    for person in &people {
        sides.push(around(context, person, (&own, hides_homes), &mut looked).await?);
    }
    told(context, access, (task, own), sides).await
}

/// What stands around, as far as the asker may see it, with the audit of it.
async fn told(
    context: &Context,
    access: &Access,
    (task, own): (TaskId, Vec<PersonId>),
    mut sides: Vec<Around>,
) -> Result<Surroundings, FlowError> {
    let shown = sides.iter().flat_map(|side| &side.neighbours);
    let shown: Vec<PersonId> = own
        .iter()
        .copied()
        .chain(shown.map(|neighbour| neighbour.person))
        .collect();
    // Seals and objections hold here as in any list (R22, R134).
    let gate = Gate::of(access);
    let seals = seals_of(context, gate, &shown, &[]).await?;
    let told = gate.apart(&seals, shown, |person| *person);
    for side in &mut sides {
        let may_tell = |neighbour: &Neighbour| told.contains(&neighbour.person);
        side.neighbours.retain(may_tell);
    }
    let now = context.clock.now();
    let audit = access.audit(now, told, Some(task.to_string()));
    context.store.append_audit(vec![audit]).await?;
    Ok(Surroundings {
        settled: settled(context, access, &own, task).await?,
        sides,
    })
}

async fn settled(
    context: &Context,
    access: &Access,
    persons: &[PersonId],
    but: TaskId,
) -> Result<Vec<ListedTask>, FlowError> {
    let mut found: BTreeMap<TaskId, ListedTask> = BTreeMap::new();
    for person in persons {
        let filter = TaskFilter {
            standing: Some(TaskStanding::Decided),
            person: Some(*person),
            limit: SETTLED_SHOWN_MAX,
            ..TaskFilter::default()
        };
        let page = list_tasks(context, access, filter).await?;
        let others = page.tasks.into_iter().filter(|task| task.id != but);
        found.extend(others.map(|task| (task.id, task)));
    }
    Ok(found.into_values().rev().collect())
}

async fn around(
    context: &Context,
    side: &StoredPersonView,
    (own, hides_homes): (&[PersonId], bool),
    looked: &mut Looked,
) -> Result<Around, FlowError> {
    let members = side.members.iter();
    let members: Vec<&StandardRecord> = members
        .filter_map(|member| member.standard.as_deref())
        .collect();
    let mut known = NeighboursKnown {
        hides_homes,
        ..NeighboursKnown::default()
    };
    let mut found: BTreeMap<PersonId, (StoredPerson, bool)> = BTreeMap::new();
    for probe in members.iter().flat_map(|member| probes_of(member)) {
        let Some((persons, complete)) = looked.sharing_keys(context, &probe, NAMESAKES).await?
        else {
            known.incomplete = true;
            break;
        };
        known.incomplete |= !complete;
        let persons = persons.iter();
        found.extend(persons.map(|person| (person.person, (person.clone(), false))));
    }
    if !hides_homes {
        let homes = members.iter().flat_map(|member| homes_of(member)).collect();
        let (mut residents, complete) = at_homes(context, looked, homes).await?;
        known.incomplete |= !complete;
        residents.retain(|person, _| !own.contains(person));
        // A care home is no family.
        known.crowded = residents.len() > HOUSEHOLD_PERSONS_MAX;
        if !known.crowded {
            let residents = residents.into_iter();
            found.extend(residents.map(|(id, person)| (id, (person, true))));
        }
    }
    let beside = found.into_values().filter_map(|(person, lives_there)| {
        let neighbour = neighbour(&members, &person, lives_there);
        let near = !own.contains(&person.person) && neighbour.is_near();
        near.then_some(neighbour)
    });
    let mut neighbours: Vec<Neighbour> = beside.collect();
    neighbours.sort_by_key(Neighbour::distance);
    let more = neighbours.len().saturating_sub(NEIGHBOURS_SHOWN_MAX);
    neighbours.truncate(NEIGHBOURS_SHOWN_MAX);
    let says_name = members.iter().find(|member| !member.names.is_empty());
    Ok(Around {
        person: side.survivor(),
        neighbours,
        more,
        known,
        commonness: says_name.map(|member| context.model.commonness(member)),
    })
}

/// Two questions of a record: its name with its birth date and its mother, and the
/// name alone.
fn probes_of(record: &StandardRecord) -> Vec<StandardRecord> {
    let Some(name) = record.usual_name() else {
        return Vec::new();
    };
    let named = StandardRecord {
        names: vec![name.clone()],
        ..StandardRecord::default()
    };
    let dated = record.birth_date.map(|birth_date| StandardRecord {
        birth_date: Some(birth_date),
        gender: record.gender,
        mother: record.mother.clone(),
        ..named.clone()
    });
    dated.into_iter().chain([named]).collect()
}

fn neighbour(members: &[&StandardRecord], person: &StoredPerson, lives_there: bool) -> Neighbour {
    let theirs: Vec<&StandardRecord> = person
        .members
        .iter()
        .map(|member| member.standard.as_ref())
        .collect();
    let any = |alike: &dyn Fn(&StandardRecord, &StandardRecord) -> bool| {
        let mut pairs = members
            .iter()
            .flat_map(|one| theirs.iter().map(move |other| (*one, *other)));
        pairs.any(|(one, other)| alike(one, other))
    };
    let name = theirs.iter().find_map(|record| record.usual_name());
    let name = name.map(|name| {
        let family = name.family.iter().flat_map(|family| &family.parts);
        let words: Vec<&str> = name
            .given
            .iter()
            .chain(family)
            .map(|it| it.as_str())
            .collect();
        words.join(" ")
    });
    Neighbour {
        person: person.person,
        name: name.unwrap_or_default(),
        birth_date: theirs
            .iter()
            .find_map(|record| record.birth_date.map(|birth| birth.date)),
        sex: theirs.iter().find_map(|record| record.gender),
        birth_order: theirs.iter().find_map(|record| record.birth_order),
        lives_there,
        same_mother: any(&same_mother),
        same_birth_date: any(&|one, other| {
            let dates = one.birth_date.zip(other.birth_date);
            dates.is_some_and(|(a, b)| a.date == b.date && a.date.is_full())
        }),
        same_given_name: any(&|one, other| share(one, other, given_names)),
        same_family_name: any(&|one, other| share(one, other, family_names)),
    }
}

fn share(
    one: &StandardRecord,
    other: &StandardRecord,
    names: fn(&StandardRecord) -> Vec<&NameToken>,
) -> bool {
    let theirs = names(other);
    names(one).iter().any(|token| theirs.contains(token))
}

fn given_names(record: &StandardRecord) -> Vec<&NameToken> {
    let names = record.names.iter();
    names.filter_map(|name| name.given.first()).collect()
}

fn family_names(record: &StandardRecord) -> Vec<&NameToken> {
    let families = record.names.iter().filter_map(|name| name.family.as_ref());
    families.flat_map(|family| &family.parts).collect()
}
