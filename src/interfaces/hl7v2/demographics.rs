//! QBP^Q22: people by what is known of them (PDQ), a page at a time.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::flows::{self, FlowError, SearchAnswer};
use crate::foundation::limits::SEARCH_PERSONS_MAX;
use crate::foundation::{PersonId, hex};
use crate::interfaces::hl7v2::desk::{Desk, Letter};
use crate::interfaces::hl7v2::er7::{Line, Part, Segment, components, escape};
use crate::interfaces::hl7v2::fault::{Code, Fault, Place};
use crate::interfaces::hl7v2::patient_out::identifiers;
use crate::interfaces::hl7v2::questions::{Found, ShownPerson, may_read};
use crate::interfaces::hl7v2::settings::Minimum;
use crate::interfaces::hl7v2::time_stamp::TimeStamp;
use crate::matching::search::{MatchedField, MatchedHow, SearchMinimum, SearchMode, SearchRequest};
use crate::registry::{LocalId, SourceCode};
use crate::security::{Access, Action, OnBehalf, Role};

/// Mothers of one name whose children are looked for.
const MOTHERS_MAX: usize = 10;
/// Bytes of a digest that tie a continuation to its question.
const TIE_DIGITS: usize = 16;

/// What a question says, its parameters read.
#[derive(Default)]
struct Question {
    /// Value and designator of PID-3.
    id: Id,
    /// The same of PID-21.
    mother: Id,
    /// PID-6.
    mothers_family: Option<String>,
    mothers_given: Option<String>,
    /// The rest.
    search: SearchRequest,
    /// Whether the rest holds anything.
    searches: bool,
}

#[derive(Default)]
struct Id {
    value: Option<String>,
    designator: [String; 3],
}

impl Id {
    /// As a field that holds a CX.
    fn field(&self) -> Option<String> {
        let value = self.value.as_ref()?;
        let designator = self.designator.each_ref().map(|it| escape(it)).join("&");
        Some(format!("ZCX|{}^^^{designator}", escape(value)))
    }
}

impl Question {
    /// Reads the parameters of QPD-3, each `@PID.field[.component[.subcomponent]]^value`.
    fn read(field: Part<'_>) -> Result<Self, Fault> {
        let mut question = Self::default();
        for (index, parameter) in field.repetitions().enumerate() {
            let Some(value) = parameter.component(2).text() else {
                continue;
            };
            let name = parameter.text().unwrap_or_default();
            let name = name.trim_start_matches('@').trim_end_matches(".1.1");
            if !question.take(name, value) {
                let repetition = u16::try_from(index + 1).unwrap_or(u16::MAX);
                let place = Place::field("QPD", 3).within(repetition, 1);
                let text = "this parameter is not understood; of PID, the identifier (3), name (5), \
                            mother's name (6), birth date (7), sex (8), address (11), phone (13) and \
                            mother's identifier (21) can be asked for";
                return Err(Fault::error(Code::TableValue, place, text));
            }
        }
        let search = &question.search;
        question.searches = search.family_name.is_some()
            || !search.given_names.is_empty()
            || search.birth_date.is_some()
            || search.gender.is_some()
            || search.postcode.is_some()
            || search.address_line.is_some()
            || search.phone.is_some();
        Ok(question)
    }

    /// Takes one parameter; whether it is understood.
    fn take(&mut self, name: &str, value: String) -> bool {
        let search = &mut self.search;
        match name {
            "PID.3" | "PID.3.1" => self.id.value = Some(value),
            "PID.3.4" | "PID.3.4.1" => self.id.designator[0] = value,
            "PID.3.4.2" => self.id.designator[1] = value,
            "PID.3.4.3" => self.id.designator[2] = value,
            "PID.21" | "PID.21.1" => self.mother.value = Some(value),
            "PID.21.4" | "PID.21.4.1" => self.mother.designator[0] = value,
            "PID.21.4.2" => self.mother.designator[1] = value,
            "PID.21.4.3" => self.mother.designator[2] = value,
            // What kind of identifier or name it is does not narrow a question.
            "PID.3.5" | "PID.5.7" => {}
            "PID.5" | "PID.5.1" => search.family_name = Some(value),
            "PID.5.2" | "PID.5.3" => search.given_names.push(value),
            "PID.6" | "PID.6.1" => self.mothers_family = Some(value),
            "PID.6.2" => self.mothers_given = Some(value),
            "PID.7" | "PID.7.1" => {
                let date = TimeStamp::parse(&value).map(TimeStamp::date);
                search.birth_date = Some(date.unwrap_or(value));
            }
            "PID.8" => {
                let unknown = matches!(value.as_str(), "U" | "A" | "N" | "O");
                search.gender = (!unknown).then_some(value);
            }
            "PID.11.1" => search.address_line = Some(value),
            "PID.11.5" => search.postcode = Some(value),
            "PID.13" | "PID.13.1" | "PID.13.7" | "PID.13.12" => search.phone = Some(value),
            _ => return false,
        }
        true
    }
}

/// How well a person meets a question by demographics; `None` for one by identifier.
type How = Option<(f64, Vec<MatchedField>)>;
/// Persons that were found, best first.
type Candidates = Vec<(PersonId, How)>;

impl Desk {
    /// PDQ.
    pub(super) async fn find_by_demographics(
        &self,
        letter: &Letter<'_>,
        qpd: Segment<'_>,
    ) -> Result<Found, Fault> {
        let place = Place::field("QPD", 3);
        let wanted = self.domains(qpd.field(8), Place::field("QPD", 8))?;
        let question = Question::read(qpd.field(3))?;
        let mut notes = Vec::new();
        let candidates = self.candidates(letter, question, place, &mut notes).await?;
        let mut shown: Vec<(ShownPerson, Vec<String>, How)> = Vec::new();
        for (person, how) in candidates {
            let person = self.shown(letter, person, place).await?;
            let ids = identifiers(
                &self.settings,
                &person.records,
                person.nhs_number.as_deref(),
                &wanted,
            );
            if wanted.is_none() || !ids.is_empty() {
                shown.push((person, ids, how));
            }
        }
        let page = Page::of(letter, qpd)?;
        let total = shown.len();
        let mut lines = Vec::new();
        let here = shown.iter().enumerate().skip(page.from).take(page.size);
        for (index, (person, ids, how)) in here {
            lines.push(self.person_lines(letter, person, ids, index + 1).await);
            lines.push(
                how.as_ref()
                    .map_or_else(by_identifier, |(score, how)| quality(*score, how)),
            );
        }
        let next = page.from.saturating_add(page.size);
        if next < total {
            let pointer = format!("{next}-{}", page.tie);
            lines.push(Line::new("DSC").er7(1, pointer).er7(2, "I"));
        }
        Ok(Found {
            lines,
            total,
            notes,
        })
    }

    async fn candidates(
        &self,
        letter: &Letter<'_>,
        question: Question,
        place: Place,
        notes: &mut Vec<String>,
    ) -> Result<Candidates, Fault> {
        // Each part of the question narrows what the others find.
        let mut allowed: Option<BTreeSet<PersonId>> = None;
        let mut narrow = |found: BTreeSet<PersonId>| {
            allowed = Some(match allowed.take() {
                Some(before) => before.intersection(&found).copied().collect(),
                None => found,
            });
        };
        if let Some(id) = question.id.field() {
            let id = Segment::usual(&id).field(1);
            let person = self.person_of(letter, id, place).await?;
            narrow(person.into_iter().collect());
        }
        if let Some(id) = question.mother.field() {
            let (source, local_id) = self.any_id(Segment::usual(&id).field(1))?;
            may_read(letter, &source)?;
            narrow(self.children(letter, &source, &local_id, place).await?);
        }
        if question.mothers_family.is_some() || question.mothers_given.is_some() {
            narrow(self.children_of_named(letter, &question, place).await?);
        }
        if !question.searches && allowed.is_some() {
            let found = allowed.unwrap_or_default().into_iter();
            return Ok(found.map(|person| (person, None)).collect());
        }
        let answer = self
            .search_both_ways(letter, question.search, place)
            .await?;
        if !answer.incomplete_because.is_empty() {
            notes.push(
                "not everybody who may be meant was looked at: say more of the person".to_owned(),
            );
        }
        let found = answer.persons.into_iter();
        let found = found.map(|it| (it.person, Some((it.score, it.matched))));
        Ok(found
            .filter(|(person, _)| allowed.as_ref().is_none_or(|it| it.contains(person)))
            .collect())
    }

    /// As it stands; where nobody is meant so, also by sound, variants and slips.
    async fn search_both_ways(
        &self,
        letter: &Letter<'_>,
        request: SearchRequest,
        place: Place,
    ) -> Result<SearchAnswer, Fault> {
        let patterns = request
            .family_name
            .iter()
            .chain(&request.given_names)
            .any(|it| it.contains('*'));
        let fuzzy = SearchRequest {
            mode: SearchMode::Fuzzy,
            ..request.clone()
        };
        let plainly = self.search(letter, &request).await;
        match plainly {
            Ok(answer) if answer.persons.is_empty() && !patterns => {
                match self.search(letter, &fuzzy).await {
                    // It says too little for that.
                    Err(FlowError::Unprocessable { .. }) => Ok(answer),
                    fuzzily => fuzzily.map_err(|error| Fault::of(&error, place)),
                }
            }
            plainly => plainly.map_err(|error| Fault::of(&error, place)),
        }
        .and_then(|answer| refuse_crowds(answer, place))
    }

    async fn search(
        &self,
        letter: &Letter<'_>,
        request: &SearchRequest,
    ) -> Result<SearchAnswer, FlowError> {
        let mut actor = letter.actor.clone();
        if letter.sender.shows_to_people {
            actor.on_behalf_of = Some(OnBehalf {
                user: format!("users of {}", letter.sender.application),
                role: Role::Clinician,
                organisation: letter.sender.facility.clone(),
            });
        }
        let access = Access::to(Action::SearchPerson, actor)?;
        let request = SearchRequest {
            minimum: match self.listener.search_minimum {
                Minimum::National => SearchMinimum::National,
                Minimum::Any => SearchMinimum::Any,
            },
            ..request.clone()
        };
        flows::search_persons(&self.context, &access, &request, SEARCH_PERSONS_MAX).await
    }

    async fn children(
        &self,
        letter: &Letter<'_>,
        source: &SourceCode,
        local_id: &LocalId,
        place: Place,
    ) -> Result<BTreeSet<PersonId>, Fault> {
        let request = SearchRequest {
            mother: Some((source.to_string(), local_id.to_string())),
            ..SearchRequest::default()
        };
        let found = self
            .search(letter, &request)
            .await
            .map_err(|error| Fault::of(&error, place))?;
        let found = refuse_crowds(found, place)?;
        Ok(found.persons.iter().map(|person| person.person).collect())
    }

    async fn children_of_named(
        &self,
        letter: &Letter<'_>,
        question: &Question,
        place: Place,
    ) -> Result<BTreeSet<PersonId>, Fault> {
        let request = SearchRequest {
            family_name: question.mothers_family.clone(),
            given_names: question.mothers_given.iter().cloned().collect(),
            ..SearchRequest::default()
        };
        let mothers = self
            .search(letter, &request)
            .await
            .map_err(|error| Fault::of(&error, place))?;
        let mothers = refuse_crowds(mothers, place)?.persons;
        if mothers.len() > MOTHERS_MAX {
            return Err(too_many(place));
        }
        let mut children = BTreeSet::new();
        for mother in mothers {
            let mother = self.shown(letter, mother.person, place).await?;
            for (source, local_id) in &mother.records {
                children.extend(self.children(letter, source, local_id, place).await?);
            }
        }
        Ok(children)
    }
}

fn too_many(place: Place) -> Fault {
    let text = "more persons meet the question than are shown: say more of the person";
    Fault::error(Code::DataType, place, text)
}

/// An answer that shows nobody because there are too many is no "nobody found".
fn refuse_crowds(answer: SearchAnswer, place: Place) -> Result<SearchAnswer, Fault> {
    if answer.not_unique {
        let text = "more than one person meets the question, and this sender is shown one only: say \
                    more of the person";
        return Err(Fault::error(Code::DataType, place, text));
    }
    if answer.too_many {
        return Err(too_many(place));
    }
    Ok(answer)
}

/// A page of an answer.
struct Page {
    from: usize,
    size: usize,
    tie: String,
}

impl Page {
    /// RCP-2 says how many, DSC-1 where to go on. The question is answered anew for
    /// each page, in the same order.
    fn of(letter: &Letter<'_>, qpd: Segment<'_>) -> Result<Self, Fault> {
        let mut digest = Sha256::new();
        // The tag of a continuation may be another.
        for field in [1, 3, 8] {
            digest.update(qpd.field(field).as_sent());
            digest.update([0]);
        }
        let tie: String = hex(&digest.finalize()).chars().take(TIE_DIGITS).collect();
        let quantity = letter
            .message
            .first("RCP")
            .and_then(|rcp| rcp.field(2).text());
        let size = match quantity.as_deref().map(str::parse) {
            Some(Ok(size)) if size > 0 => size,
            Some(_) => {
                let text = "RCP-2 must say how many records are wanted at once";
                return Err(Fault::error(Code::DataType, Place::field("RCP", 2), text));
            }
            None => SEARCH_PERSONS_MAX,
        };
        let pointer = letter
            .message
            .first("DSC")
            .and_then(|dsc| dsc.field(1).text());
        let from = match &pointer {
            None => 0,
            Some(pointer) => {
                let read = pointer.split_once('-').filter(|(_, of)| *of == tie);
                let from = read.and_then(|(from, _)| from.parse().ok());
                from.ok_or_else(|| {
                    let text = "this continuation is not of this question";
                    Fault::error(Code::UnknownKey, Place::field("DSC", 1), text)
                })?
            }
        };
        Ok(Self { from, size, tie })
    }
}

/// QRI of somebody who was asked for by an identifier.
fn by_identifier() -> Line {
    Line::new("QRI")
        .er7(1, "1")
        .er7(3, components(&["ID", "identifier, strength 1"]))
}

/// QRI: how well, and by what likeness.
fn quality(score: f64, matched: &[MatchedField]) -> Line {
    let words = BTreeMap::from([
        (MatchedHow::Exact, ("EXACT", "exact match")),
        (
            MatchedHow::History,
            ("HISTORY", "match of an earlier value"),
        ),
        (MatchedHow::Prefix, ("PATTERN", "pattern match")),
        (MatchedHow::Partial, ("PARTIAL", "partial match")),
        (MatchedHow::Variant, ("VARIANT", "variant match")),
        (
            MatchedHow::Swapped,
            ("SWAPPED", "match in exchanged places"),
        ),
        (MatchedHow::SoundsLike, ("PHONETIC", "phonetic match")),
        (MatchedHow::Misspelt, ("APPROXIMATE", "approximate match")),
    ]);
    let how = matched
        .iter()
        .map(|field| field.how)
        .max()
        .unwrap_or(MatchedHow::Exact);
    let (code, text) = words.get(&how).copied().unwrap_or(("EXACT", "exact match"));
    Line::new("QRI").er7(1, format!("{score:.4}")).er7(
        3,
        components(&[code, &format!("{text}, strength {score:.4}")]),
    )
}
