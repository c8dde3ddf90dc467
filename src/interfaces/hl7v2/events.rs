//! ADT: what a source says of its patients, each event as one command of the flows.

use crate::flows::{self, Asked, FlowError, RegisterCommand, RestateCommand, merged_into};
use crate::identity::{Finding, FindingCode, Severity};
use crate::interfaces::hl7v2::answer::Answer;
use crate::interfaces::hl7v2::desk::{Desk, Letter};
use crate::interfaces::hl7v2::er7::Part;
use crate::interfaces::hl7v2::fault::{Code, Fault, Place};
use crate::interfaces::hl7v2::patient_in::{NamedPatient, PatientGroup, own_id, read_patient};
use crate::interfaces::hl7v2::settings::NamedAuthority;
use crate::registry::{
    AssertionKind, LocalId, MergeRefusal, MoveTarget, Outcome, RegistrationAnswer, SourceCode,
    SourceMergeCommand, SourceMergeOutcome,
};
use crate::security::{Access, Action, OnBehalf, Role};

/// Findings that are told to the sender at most.
const NOTES_MAX: usize = 10;

/// What was done, in words for the sender.
type Done = Result<Vec<String>, Fault>;

impl Desk {
    /// Does what an ADT message says.
    pub(super) async fn take_event(&self, letter: &Letter<'_>) -> Answer {
        let groups = PatientGroup::all(letter.message);
        let done = match letter.header.event.as_str() {
            "A01" | "A04" | "A05" | "A08" | "A28" | "A31" => self.register(letter, &groups).await,
            "A23" | "A29" => self.withdraw(letter, &groups).await,
            "A40" | "A47" => self.merge(letter, &groups).await,
            "A24" | "A37" => self.link(letter, &groups).await,
            _ => Err(Fault::reject(
                Code::Event,
                Place::field("MSH", 9).within(1, 2),
                "of ADT, the events A01, A04, A05, A08, A23, A24, A28, A29, A31, A37, A40 and A47 \
                 are understood",
            )),
        };
        match done {
            Ok(notes) => Answer {
                notes,
                ..Answer::default()
            },
            Err(fault) => Answer::from(fault),
        }
    }

    async fn register(&self, letter: &Letter<'_>, groups: &[PatientGroup<'_>]) -> Done {
        let access = letter.may(Action::WriteRecord)?;
        let group = first(groups)?;
        let at = letter.header.at.clone();
        let patient = read_patient(group, &self.settings, letter.sender, at)?;
        let key = format!("hl7 {}", letter.header.control_id);
        self.register_patient(letter, &access, patient, Some(key))
            .await
    }

    async fn register_patient(
        &self,
        letter: &Letter<'_>,
        access: &Access,
        patient: NamedPatient,
        key: Option<String>,
    ) -> Done {
        let command = RegisterCommand {
            source: letter.sender.source.clone(),
            local_id: patient.local_id,
            submitted: patient.record,
            idempotency_key: key,
            if_match: None,
            findings: Vec::new(),
        };
        let answer = match flows::register_record(&self.context, access, command.clone()).await {
            // Control ids restart: what is said under a used one is said all the same.
            Err(FlowError::OtherContent) => {
                let finding = Finding::new(FindingCode::MessageIdReused, "");
                let again = RegisterCommand {
                    idempotency_key: None,
                    findings: vec![finding],
                    ..command
                };
                flows::register_record(&self.context, access, again).await
            }
            answer => answer,
        };
        match answer {
            Ok(answer) => Ok(notes(&answer)),
            Err(error) => Err(Fault::of(&error, Place::field("PID", 3))),
        }
    }

    /// A23 and A29. One that is older than what the record says now comes too late to
    /// take it away.
    async fn withdraw(&self, letter: &Letter<'_>, groups: &[PatientGroup<'_>]) -> Done {
        let access = letter.may(Action::WriteRecord)?;
        let place = Place::field("PID", 3);
        let local_id = own_id(
            first(groups)?.pid.field(3),
            place,
            &self.settings,
            letter.sender,
        )?;
        let source = &letter.sender.source;
        let at = letter.header.at.as_deref();
        let withdrawn =
            flows::withdraw_record_as_of(&self.context, &access, source, &local_id, at).await;
        match withdrawn {
            Ok(true) => Ok(Vec::new()),
            Ok(false) => Ok(vec![
                "the record has been changed since this event, so that it is not withdrawn"
                    .to_owned(),
            ]),
            Err(error) => Err(Fault::of(&error, place)),
        }
    }

    /// A40 and A47: the source says that one of its ids stands for another (R104).
    async fn merge(&self, letter: &Letter<'_>, groups: &[PatientGroup<'_>]) -> Done {
        let access = letter.may(Action::WriteRecord)?;
        first(groups)?;
        let mut pairs = Vec::new();
        // All or nothing: no pair is merged before all are allowed.
        for group in groups {
            let survivor = Place::field("PID", 3);
            let survivor = own_id(group.pid.field(3), survivor, &self.settings, letter.sender)?;
            let place = Place::field("MRG", 1);
            let merged = group.merged.ok_or_else(|| {
                Fault::error(
                    Code::SegmentSequence,
                    place,
                    "a PID is not followed by its MRG",
                )
            })?;
            let retired = own_id(merged.field(1), place, &self.settings, letter.sender)?;
            pairs.push((group, survivor, retired));
        }
        let mut notes = Vec::new();
        for (group, survivor, retired) in pairs {
            notes.extend(
                self.merge_pair(letter, &access, group, (survivor, retired))
                    .await?,
            );
        }
        Ok(notes)
    }

    async fn merge_pair(
        &self,
        letter: &Letter<'_>,
        access: &Access,
        group: &PatientGroup<'_>,
        (survivor, retired): (LocalId, LocalId),
    ) -> Done {
        let source = &letter.sender.source;
        let (mrg, pid) = (Place::field("MRG", 1), Place::field("PID", 3));
        if !self.knows(access, source, &retired, mrg).await? {
            let text = "no record with this local id is known for this source";
            return Err(Fault::error(Code::UnknownKey, mrg, text));
        }
        if !self.knows(access, source, &survivor, pid).await? {
            // The id that goes on is new here. A47 changes the id of what is known; A40
            // names a patient, as the message describes it.
            if letter.header.event == "A47" {
                let restate = RestateCommand {
                    source: source.clone(),
                    from: retired.clone(),
                    to: survivor.clone(),
                    merged_into: None,
                    effective_at: letter.header.at.clone(),
                };
                let restated = flows::restate_record(&self.context, access, restate).await;
                restated.map_err(|error| Fault::of(&error, pid))?;
            } else {
                let at = letter.header.at.clone();
                let patient = read_patient(group, &self.settings, letter.sender, at)?;
                // One message may name many: its control id stands for none of them.
                self.register_patient(letter, access, patient, None).await?;
            }
        }
        let command = SourceMergeCommand {
            source: source.clone(),
            survivor: survivor.clone(),
            retired: retired.clone(),
        };
        let merged = flows::merge_source_records(&self.context, access, command).await;
        let merged = merged.map_err(|error| Fault::of(&error, mrg))?;
        let restate = RestateCommand {
            source: source.clone(),
            from: retired.clone(),
            to: retired,
            merged_into: Some(survivor),
            effective_at: letter.header.at.clone(),
        };
        let restated = flows::restate_record(&self.context, access, restate).await;
        restated.map_err(|error| Fault::of(&error, mrg))?;
        Ok(match merged.outcome {
            SourceMergeOutcome::UnderReview => vec![
                "the two identifiers stay two persons until a human has looked: other evidence \
                 stands against the merge"
                    .to_owned(),
            ],
            SourceMergeOutcome::Together | SourceMergeOutcome::Joined => Vec::new(),
        })
    }

    async fn knows(
        &self,
        access: &Access,
        source: &SourceCode,
        local_id: &LocalId,
        place: Place,
    ) -> Result<bool, Fault> {
        match merged_into(&self.context, access, source, local_id).await {
            Ok(_) => Ok(true),
            Err(FlowError::NotFound(_)) => Ok(false),
            Err(error) => Err(Fault::of(&error, place)),
        }
    }

    /// A24 and A37: two ids, also of different sources, are one patient's or not. Only
    /// a human may say so (EVN-5), through a source that may act for people.
    async fn link(&self, letter: &Letter<'_>, groups: &[PatientGroup<'_>]) -> Done {
        let access = self.for_operator(letter).await?;
        let [a, b] = groups else {
            let place = Place::field("PID", 3);
            return Err(Fault::error(
                Code::SegmentSequence,
                place,
                "this event needs two PID segments",
            ));
        };
        let sides = [self.any_id(a.pid.field(3))?, self.any_id(b.pid.field(3))?];
        if sides
            .iter()
            .all(|(source, _)| *source != letter.sender.source)
        {
            let text = "neither identifier is of the sender's own source";
            return Err(Fault::forbidden(Place::field("PID", 3), text));
        }
        let event = &letter.header.event;
        let [a, b] = sides;
        let asked = |key: Option<String>| Asked {
            reason: format!("HL7 ADT^{event}"),
            dry_run: false,
            idempotency_key: key,
        };
        let key = Some(format!("hl7 {event} {}", letter.header.control_id));
        let done = match self
            .join_or_part(&access, event, (&a, &b), &asked(key))
            .await
        {
            Err(FlowError::OtherContent) => {
                self.join_or_part(&access, event, (&a, &b), &asked(None))
                    .await
            }
            done => done,
        };
        done.map_err(|error| Fault::of(&error, Place::field("PID", 3)))
    }

    async fn join_or_part(
        &self,
        access: &Access,
        event: &str,
        (a, b): (&(SourceCode, LocalId), &(SourceCode, LocalId)),
        asked: &Asked,
    ) -> Result<Vec<String>, FlowError> {
        let context = &self.context;
        let person = |record: &(SourceCode, LocalId)| {
            let record = record.clone();
            async move {
                let wanted = flows::Wanted::default();
                let found =
                    flows::cross_reference(context, access, &record.0, &record.1, wanted).await;
                found.map(|reference| reference.person)
            }
        };
        let together = person(a).await? == person(b).await?;
        match (event, together) {
            ("A24", true) => Ok(Vec::new()),
            ("A24", false) => {
                let pair = (a.clone(), b.clone());
                let said = flows::assert_records(context, access, pair, AssertionKind::Same, asked)
                    .await?;
                let waits = said
                    .merge
                    .is_some_and(|merge| merge.status == flows::MergeStep::AwaitingApproval);
                Ok(waits
                    .then(|| "the link waits for a second person's approval".to_owned())
                    .into_iter()
                    .collect())
            }
            (_, true) => {
                flows::move_record(context, access, b.clone(), MoveTarget::New, (asked, None))
                    .await?;
                Ok(Vec::new())
            }
            (_, false) => self.keep_apart(access, (a, b), asked).await,
        }
    }

    /// Two that are apart, to stay so: what was said to the contrary is taken back.
    async fn keep_apart(
        &self,
        access: &Access,
        (a, b): (&(SourceCode, LocalId), &(SourceCode, LocalId)),
        asked: &Asked,
    ) -> Result<Vec<String>, FlowError> {
        let context = &self.context;
        let different = |asked: Asked| async move {
            let pair = (a.clone(), b.clone());
            let kind = AssertionKind::Different;
            flows::assert_records(context, access, pair, kind, &asked).await
        };
        match different(asked.clone()).await {
            Err(FlowError::Refused(MergeRefusal::AssertedSame(assertion))) => {
                let anew = Asked {
                    idempotency_key: None,
                    ..asked.clone()
                };
                flows::withdraw_assertion(context, access, assertion, &anew).await?;
                different(anew).await?;
            }
            said => drop(said?),
        }
        Ok(Vec::new())
    }

    /// The operator that EVN-5 names, as a steward.
    async fn for_operator(&self, letter: &Letter<'_>) -> Result<Access, Fault> {
        let place = Place::field("EVN", 5);
        let trusted = self.context.trusts_on_behalf(&letter.actor).await;
        if !trusted.map_err(|error| Fault::of(&error, place))? {
            let text = "only a source that may act for people can link and unlink \
                        (accord source add --acts-for-people)";
            return Err(Fault::forbidden(Place::field("MSH", 3), text));
        }
        let operator = letter.message.first("EVN").map(|evn| evn.field(5));
        let operator =
            operator.and_then(|field| field.text().or_else(|| field.component(2).text()));
        let operator = operator.ok_or_else(|| {
            Fault::error(
                Code::FieldMissing,
                place,
                "this event needs the operator who decided it",
            )
        })?;
        let mut actor = letter.actor.clone();
        actor.on_behalf_of = Some(OnBehalf {
            user: operator,
            role: Role::Steward,
            organisation: letter.sender.facility.clone(),
        });
        let access = Access::to(Action::MergePerson, actor);
        access.map_err(|denied| Fault::forbidden(place, denied.to_string()))
    }

    /// A record of any source, by its CX.
    pub(super) fn any_id(&self, field: Part<'_>) -> Result<(SourceCode, LocalId), Fault> {
        let place = Place::field("PID", 3);
        let mut why = Fault::error(Code::FieldMissing, place, "no patient identifier is sent");
        for identifier in field.repetitions() {
            let Some(id) = identifier.text() else {
                continue;
            };
            if let NamedAuthority::Known(authority) =
                self.settings.authority(identifier.component(4))
                && let Some(source) = &authority.source
            {
                let local_id = LocalId::parse(&id);
                return local_id
                    .map(|local_id| (source.clone(), local_id))
                    .map_err(|problem| Fault::error(Code::DataType, place, problem.to_string()));
            }
            why = Fault::forbidden(
                place.within(1, 4),
                "no authority is configured with the name in this place",
            );
        }
        Err(why)
    }
}

fn first<'g, 'm>(groups: &'g [PatientGroup<'m>]) -> Result<&'g PatientGroup<'m>, Fault> {
    groups.first().ok_or_else(|| {
        Fault::error(
            Code::SegmentSequence,
            Place {
                segment: "PID",
                ..Place::default()
            },
            "the message has no PID segment",
        )
    })
}

/// What the sender should know of a registration that was taken.
fn notes(answer: &RegistrationAnswer) -> Vec<String> {
    let held = answer.outcome == Outcome::UpdateHeld;
    let held = held.then(|| {
        "the update is held until a person has looked at it; the earlier version goes on being served".to_owned()
    });
    let told = answer
        .findings
        .iter()
        .filter(|it| it.severity != Severity::Information);
    let told = told.map(|it| format!("{}: {}", it.field, it.sentence));
    held.into_iter().chain(told).take(NOTES_MAX).collect()
}
