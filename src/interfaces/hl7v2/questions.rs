//! QBP: questions by an id (Q23, PIX) and by demographics (Q22, PDQ).

use std::collections::BTreeSet;

use crate::flows::{self, FlowError, PersonAnswer, is_merged_away, merged_into};
use crate::foundation::PersonId;
use crate::identity::SubmittedRecord;
use crate::interfaces::hl7v2::answer::Answer;
use crate::interfaces::hl7v2::desk::{Desk, Letter};
use crate::interfaces::hl7v2::er7::{Line, Part, Segment};
use crate::interfaces::hl7v2::fault::{Code, Fault, Place};
use crate::interfaces::hl7v2::patient_out::{
    Domains, NHS_DOMAIN, domain_of, identifiers, name, pid,
};
use crate::interfaces::hl7v2::settings::{NamedAuthority, RetiredIds};
use crate::matching::search::SearchRequest;
use crate::registry::{GoldenField, LocalId, SourceCode};
use crate::security::{Access, Action};

/// What a question found: the segments of its answer, and notes.
pub(super) struct Found {
    /// Segments in order.
    pub(super) lines: Vec<Line>,
    /// Persons in all, before a page was cut.
    pub(super) total: usize,
    /// What its reader should know.
    pub(super) notes: Vec<String>,
}

impl Found {
    pub(super) const fn nothing() -> Self {
        Self {
            lines: Vec::new(),
            total: 0,
            notes: Vec::new(),
        }
    }
}

impl Desk {
    /// Answers a question; the question stands in its answer again.
    pub(super) async fn take_question(&self, letter: &Letter<'_>) -> Answer {
        let event = match letter.header.event.as_str() {
            "Q23" => "K23",
            "Q22" => "K22",
            _ => {
                let place = Place::field("MSH", 9).within(1, 2);
                let text = "of QBP, the events Q22 and Q23 are understood";
                return Answer::from(Fault::reject(Code::Event, place, text));
            }
        };
        let Some(qpd) = letter.message.first("QPD") else {
            let place = Place {
                segment: "QPD",
                ..Place::default()
            };
            return Answer::from(Fault::error(
                Code::SegmentSequence,
                place,
                "the question has no QPD segment",
            ));
        };
        let found = match event {
            "K23" => self.find_by_id(letter, qpd).await,
            _ => self.find_by_demographics(letter, qpd).await,
        };
        let (fault, found) = match found {
            Ok(found) => (None, found),
            Err(fault) => (Some(fault), Found::nothing()),
        };
        let status = match (&fault, found.total) {
            (Some(_), _) => "AE",
            (None, 0) => "NF",
            (None, _) => "OK",
        };
        let tag = qpd.field(2);
        let acknowledgement = Line::new("QAK")
            .er7(1, tag.in_usual_form())
            .er7(2, status)
            .er7(3, qpd.field(1).in_usual_form())
            .text(
                4,
                &if event == "K22" {
                    found.total.to_string()
                } else {
                    String::new()
                },
            );
        let mut lines = vec![acknowledgement, Line::of("QPD", &qpd)];
        lines.extend(found.lines);
        Answer {
            fault,
            notes: found.notes,
            response: Some((event, lines)),
        }
    }

    /// PIX: the ids of the person that has this one.
    async fn find_by_id(&self, letter: &Letter<'_>, qpd: Segment<'_>) -> Result<Found, Fault> {
        let place = Place::field("QPD", 3);
        let wanted = self.domains(qpd.field(4), Place::field("QPD", 4))?;
        let person = self.person_of(letter, qpd.field(3), place).await?;
        let person = person.ok_or_else(|| {
            let text = "this identifier is not known in its domain";
            Fault::error(Code::UnknownKey, place.within(1, 1), text)
        })?;
        let person = self.shown(letter, person, place).await?;
        let ids = identifiers(
            &self.settings,
            &person.records,
            person.nhs_number.as_deref(),
            &wanted,
        );
        if ids.is_empty() {
            return Ok(Found::nothing());
        }
        // Only the ids: who it is, is another question (IHE ITI-9).
        let line = Line::new("PID").er7(3, ids.join("~")).er7(5, "~^^^^^^S");
        Ok(Found {
            lines: vec![line],
            total: 1,
            notes: Vec::new(),
        })
    }

    /// The wanted domains of a question.
    pub(super) fn domains(&self, field: Part<'_>, place: Place) -> Result<Domains, Fault> {
        let mut wanted = BTreeSet::new();
        for (index, repetition) in field.repetitions().enumerate() {
            match self.settings.authority(repetition.component(4)) {
                NamedAuthority::Known(authority) => wanted.insert(domain_of(authority)),
                _ if is_nhs_domain(repetition.component(4)) => wanted.insert(NHS_DOMAIN.to_owned()),
                _ => {
                    let repetition = u16::try_from(index + 1).unwrap_or(u16::MAX);
                    let text = "no authority is configured with the name of this domain";
                    return Err(Fault::error(
                        Code::UnknownKey,
                        place.within(repetition, 0),
                        text,
                    ));
                }
            };
        }
        Ok((!wanted.is_empty()).then_some(wanted))
    }

    /// The person that has an id, by the authority of the id; `None` where nobody has.
    pub(super) async fn person_of(
        &self,
        letter: &Letter<'_>,
        id: Part<'_>,
        place: Place,
    ) -> Result<Option<PersonId>, Fault> {
        let value = id.text();
        let value = value
            .ok_or_else(|| Fault::error(Code::FieldMissing, place, "no identifier is asked for"))?;
        let authority = id.component(4);
        match self.settings.authority(authority) {
            NamedAuthority::Known(authority) => {
                let (Some(source), Ok(local_id)) = (&authority.source, LocalId::parse(&value))
                else {
                    return Ok(None);
                };
                self.person_of_record(letter, source, &local_id).await
            }
            _ if is_nhs_domain(authority) => {
                let request = SearchRequest {
                    nhs_number: Some(value),
                    ..SearchRequest::default()
                };
                let access = letter.may(Action::SearchPerson)?;
                let found = flows::search_persons(&self.context, &access, &request, 2).await;
                let found = found.map_err(|error| Fault::of(&error, place))?;
                Ok(found.persons.first().map(|person| person.person))
            }
            NamedAuthority::Unsaid => Err(Fault::error(
                Code::FieldMissing,
                place.within(1, 4),
                "the identifier has no assigning authority",
            )),
            NamedAuthority::Unknown => Err(Fault::error(
                Code::UnknownKey,
                place.within(1, 4),
                "no authority is configured with the name of this domain",
            )),
        }
    }

    async fn person_of_record(
        &self,
        letter: &Letter<'_>,
        source: &SourceCode,
        local_id: &LocalId,
    ) -> Result<Option<PersonId>, Fault> {
        let access = may_read(letter, source)?;
        if self.listener.retired_ids == RetiredIds::Unknown {
            let merged = merged_into(&self.context, &access, source, local_id).await;
            if matches!(merged, Ok(Some(_))) {
                return Ok(None);
            }
        }
        let wanted = flows::Wanted::default();
        match flows::cross_reference(&self.context, &access, source, local_id, wanted).await {
            Ok(reference) => Ok(Some(reference.person)),
            Err(FlowError::NotFound(_)) => Ok(None),
            Err(error) => Err(Fault::of(&error, Place::field("QPD", 3))),
        }
    }

    /// What may be shown of a person.
    pub(super) async fn shown(
        &self,
        letter: &Letter<'_>,
        person: PersonId,
        place: Place,
    ) -> Result<ShownPerson, Fault> {
        let access = letter.may(Action::ReadPerson)?;
        let context = &self.context;
        let golden = flows::view_golden(context, &access, person, None).await;
        let golden = golden.map_err(|error| Fault::of(&error, place))?;
        let number = golden.golden.values.into_iter();
        let mut number = number.filter(|value| value.field == GoldenField::NhsNumber);
        let number = number.find_map(|value| value.value.nhs_number);
        let person = flows::view_person(context, &access, person, None).await;
        let person = person.map_err(|error| Fault::of(&error, place))?;
        let records = person.records.iter();
        let records = records.map(|record| (record.source.clone(), record.local_id.clone()));
        Ok(ShownPerson {
            records: records.collect(),
            nhs_number: number,
            person,
        })
    }

    /// The name of a mother that a record names by her own record.
    pub(super) async fn mothers_name(
        &self,
        letter: &Letter<'_>,
        record: &SubmittedRecord,
    ) -> Option<String> {
        let mother = record.mother.as_ref()?;
        let source = SourceCode::parse(mother.source.as_deref()?).ok()?;
        let local_id = LocalId::parse(mother.local_id.as_deref()?).ok()?;
        let access = may_read(letter, &source).ok()?;
        let known = flows::view_record(&self.context, &access, &source, &local_id, None).await;
        let known = known.ok()?;
        Some(name(&known.record)).filter(|name| !name.is_empty())
    }

    /// One person in an answer: PID, and QRI where it was found by likeness.
    pub(super) async fn person_lines(
        &self,
        letter: &Letter<'_>,
        shown: &ShownPerson,
        ids: &[String],
        place: usize,
    ) -> Line {
        let stands = |record: &&SubmittedRecord| !is_merged_away(record);
        let own = shown
            .person
            .records
            .iter()
            .filter(|it| it.source == letter.sender.source);
        let records = own
            .chain(&shown.person.records)
            .filter_map(|it| it.record.as_ref());
        let record = records
            .clone()
            .find(stands)
            .or_else(|| records.clone().next());
        let record = record.cloned().unwrap_or_default();
        let mothers_name = self.mothers_name(letter, &record).await;
        pid(&record, ids, mothers_name.as_deref(), place)
    }
}

/// Leave to ask by an id of this source.
pub(super) fn may_read(letter: &Letter<'_>, source: &SourceCode) -> Result<Access, Fault> {
    let mut actor = letter.actor.clone();
    if letter.sender.asks_for_all {
        actor.sources.clear();
    }
    let access = Access::to_source(Action::ReadRecord, actor, source.as_str());
    access
        .map_err(|denied| Fault::forbidden(Place::field("QPD", 3).within(1, 4), denied.to_string()))
}

/// A person as it may be shown.
pub(super) struct ShownPerson {
    /// Its records.
    pub(super) records: Vec<(SourceCode, LocalId)>,
    /// The number that stands, unless it is in doubt.
    pub(super) nhs_number: Option<String>,
    /// Everything else.
    pub(super) person: PersonAnswer,
}

fn is_nhs_domain(designator: Part<'_>) -> bool {
    let namespace = designator.subcomponent(1).text().unwrap_or_default();
    let universal = designator.subcomponent(2).text().unwrap_or_default();
    matches!(namespace.to_uppercase().as_str(), "NHS" | "NHSNBR")
        || universal.trim_start_matches("urn:oid:") == "2.16.840.1.113883.2.1.4.1"
        || universal == NHS_DOMAIN
}
