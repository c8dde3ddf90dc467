//! People's search (RULES R120): looks in the index and in the rows beyond it,
//! verifies on the values, and shows what the gate lets through. What was asked
//! for is written nowhere; whom it showed is audited before the answer leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::flows::live_numbers::SoughtNumber;
use crate::flows::made_up_people::found_made_up;
use crate::flows::seal_persons::seals_for;
use crate::flows::{Context, FlowError};
use crate::foundation::limits::{SEARCH_PERSONS_MAX, SEARCH_RECORDS_MAX, SEARCH_TAIL_RECORDS_MAX};
use crate::foundation::{PersonId, RecordNumber};
use crate::identity::{StandardRecord, SubmittedRecord};
use crate::matching::search::{
    MatchedField, SearchCriteria, SearchMatch, SearchRequest, SearchedRecord,
};
use crate::registry::{Gate, Member};
use crate::security::Access;
use crate::storage::{RecordValues, StoredPerson};

/// The answer to a search.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchAnswer {
    /// Why not everybody who may have been meant was looked at; empty when all
    /// were.
    pub incomplete_because: Vec<SearchGap>,
    /// More persons were found than may be shown; none is.
    pub too_many: bool,
    /// A system found more than one; none is shown to it.
    pub not_unique: bool,
    /// Best first, then by id.
    pub persons: Vec<FoundPerson>,
}

/// Why a search did not look at everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchGap {
    /// So many records share the names and dates that only those were looked at
    /// that hold the further criteria too.
    Narrowed,
    /// Even so there were more than one search looks at.
    TooBroad,
    /// The index is far behind, and only the latest changes were looked at.
    IndexBehind,
}

/// A person that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundPerson {
    /// Who.
    pub person: PersonId,
    /// 0 to 1.
    pub score: f64,
    /// How each criterion was met.
    pub matched: Vec<MatchedField>,
    /// Number of its active records.
    pub records: usize,
    /// Its location may not be shown.
    pub restricted: bool,
    /// What its best record says now, masked; absent after an erasure.
    pub record: Option<SubmittedRecord>,
}

/// Somebody who meets the criteria.
struct Hit {
    person: StoredPerson,
    found: SearchMatch,
    /// By a number that stands for the one that was asked for.
    by_chain: bool,
}

/// Searches, and answers with at most `limit` persons.
///
/// # Errors
/// Criteria that cannot be read or fall short of the minimum (R120), or a fault
/// of ours; never an empty list for a fault (R122).
pub async fn search_persons(
    context: &Context,
    access: &Access,
    request: &SearchRequest,
    limit: usize,
) -> Result<SearchAnswer, FlowError> {
    let criteria = SearchCriteria::read(request).map_err(|problem| FlowError::Unprocessable {
        member: problem.member,
        rule: "R120",
        detail: problem.detail,
    })?;
    let gate = Gate::of(access);
    let sought = SoughtNumber::of(context, criteria.nhs_number()).await?;
    let mut gaps = Vec::new();
    let hits = match find_records(context, &criteria, &sought, &mut gaps).await? {
        Some(records) => verify_persons(context, gate, (&criteria, &sought), &records).await?,
        None => Vec::new(),
    };
    let limit = limit.min(SEARCH_PERSONS_MAX);
    let made_up = found_made_up(context, access, &criteria).await?;
    let found = hits.len() + made_up.len();
    let too_many = found > limit || gaps.contains(&SearchGap::TooBroad);
    let not_unique = !access.sees_search_list() && (found > 1 || too_many);
    let persons = if too_many || not_unique {
        Vec::new()
    } else {
        let mut persons = display(context, gate, hits).await?;
        persons.extend(made_up);
        persons.sort_by(|a, b| {
            let by_score = b.score.total_cmp(&a.score);
            by_score.then(a.person.cmp(&b.person))
        });
        persons
    };
    let named = persons.iter().map(|found| found.person).collect();
    let audit = access.audit(context.clock.now(), named, None);
    context.store.append_audit(vec![audit]).await?;
    Ok(SearchAnswer {
        incomplete_because: gaps,
        too_many,
        not_unique,
        persons,
    })
}

/// Records that may be meant; `None` when there are too many to look at.
async fn find_records(
    context: &Context,
    criteria: &SearchCriteria,
    sought: &SoughtNumber,
    gaps: &mut Vec<SearchGap>,
) -> Result<Option<Vec<RecordNumber>>, FlowError> {
    let searched = context.index.search(&criteria.plan(), SEARCH_RECORDS_MAX)?;
    // After the index, so that no record can fall between the two.
    let beyond = context
        .store
        .records_beyond(searched.position, SEARCH_TAIL_RECORDS_MAX + 1)
        .await?;
    if beyond.len() > SEARCH_TAIL_RECORDS_MAX as usize {
        gaps.push(SearchGap::IndexBehind);
    }
    if searched.too_many {
        gaps.push(SearchGap::TooBroad);
        return Ok(None);
    }
    let (chained, complete) = sought.records(context).await?;
    if searched.narrowed || !complete {
        gaps.push(SearchGap::Narrowed);
    }
    let mut records: BTreeSet<RecordNumber> = searched.records.into_iter().collect();
    records.extend(chained);
    records.extend(beyond.into_iter().take(SEARCH_TAIL_RECORDS_MAX as usize));
    let records: Vec<RecordNumber> = records.into_iter().collect();
    let values = context.store.record_values(&records).await?;
    let core = criteria.core();
    let likely = values
        .into_iter()
        .filter(|values| core.verify(&[searched_record(values, sought)]).is_some())
        .map(|values| values.record);
    Ok(Some(likely.collect()))
}

/// A record as it is looked for: also by what is disputed of it (R133).
fn whole(standard: Arc<StandardRecord>) -> Arc<StandardRecord> {
    if standard.disputed.is_none() {
        return standard;
    }
    Arc::new(standard.with_disputed().into_owned())
}

fn searched_record(values: &RecordValues, sought: &SoughtNumber) -> SearchedRecord {
    let current = values.current.clone().unwrap_or_default();
    SearchedRecord {
        current: sought.resolve(&whole(current)),
        earlier: values.earlier.clone(),
    }
}

/// The persons of the records that meet the criteria and may be found, best
/// first, then by id.
async fn verify_persons(
    context: &Context,
    gate: Gate,
    (criteria, sought): (&SearchCriteria, &SoughtNumber),
    records: &[RecordNumber],
) -> Result<Vec<Hit>, FlowError> {
    let mut persons = context.store.candidate_persons(records).await?;
    persons.retain(|person| gate.may_find_by_search(criteria.has_location(), person.restricted));
    let members = persons.iter().flat_map(|person| &person.members);
    let members: Vec<RecordNumber> = members.map(|member| member.record).collect();
    let values = context.store.record_values(&members).await?;
    let mut earlier: BTreeMap<RecordNumber, Vec<Arc<StandardRecord>>> = values
        .into_iter()
        .map(|values| (values.record, values.earlier))
        .collect();
    let mut hits: Vec<Hit> = persons
        .into_iter()
        .filter_map(|person| {
            let searched: Vec<SearchedRecord> = person
                .members
                .iter()
                .map(|member| SearchedRecord {
                    current: sought.resolve(&whole(Arc::clone(&member.standard))),
                    earlier: earlier.remove(&member.record).unwrap_or_default(),
                })
                .collect();
            let found = criteria.verify(&searched)?;
            let carries = |member: &Member| {
                let claim = member.standard.nhs_number;
                claim.map(|claim| claim.number) == criteria.nhs_number()
            };
            let by_chain = criteria.nhs_number().is_some() && !person.members.iter().any(carries);
            Some(Hit {
                person,
                found,
                by_chain,
            })
        })
        .collect();
    hits.sort_by(|a, b| {
        let by_score = b.found.score.total_cmp(&a.found.score);
        by_score.then(a.person.person.cmp(&b.person.person))
    });
    let found: Vec<PersonId> = hits.iter().map(|hit| hit.person.person).collect();
    let seals = seals_for(context, gate, &found).await?;
    // One number leads to the other: not across a seal (R22).
    hits.retain(|hit| !(hit.by_chain && seals.name(hit.person.person)));
    Ok(gate.apart(&seals, hits, |hit| hit.person.person))
}

/// The record that stands for a person in a list: one with a verified number
/// before others, then the one that came last.
fn shown_record(members: &[Member]) -> Option<RecordNumber> {
    let rank = |member: &&Member| {
        let number = member.standard.nhs_number;
        let verified = number.is_some_and(|claim| claim.status.is_verified());
        (verified, member.record)
    };
    members.iter().max_by_key(rank).map(|member| member.record)
}

async fn display(
    context: &Context,
    gate: Gate,
    hits: Vec<Hit>,
) -> Result<Vec<FoundPerson>, FlowError> {
    let shown: Vec<RecordNumber> = hits
        .iter()
        .filter_map(|hit| shown_record(&hit.person.members))
        .collect();
    let mut submitted = context.store.current_submissions(&shown).await?;
    let persons = hits.into_iter().map(|hit| {
        let restricted = hit.person.restricted;
        let record = shown_record(&hit.person.members)
            .and_then(|record| submitted.remove(&record))
            .map(|record| gate.record(record, restricted));
        FoundPerson {
            person: hit.person.person,
            score: hit.found.score,
            matched: hit.found.matched,
            records: hit.person.members.len(),
            restricted,
            record,
        }
    });
    Ok(persons.collect())
}
