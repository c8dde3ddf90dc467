//! A permission is a value that must be held: a flow demands an [`Access`],
//! only the policy here makes one, and holding one is what writes the audit.

use crate::foundation::{Instant, PersonId};
use crate::security::permission::roles_for;
use crate::security::{Action, Actor, ActorKind, AuditEntry, Role, actions};

/// Why the policy says no. Safe to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No role of the account allows it (R131).
    #[error("no role of this account allows this; it takes the role {}", roles_for(*.0))]
    Role(Action),
    /// The account is bound to other sources.
    #[error("this account may not use this source")]
    Source,
    /// What only people decide.
    #[error("only a person may do this, or a system for one that it names")]
    Person,
    /// A person reads and gives no reason (R131).
    #[error("a person's read needs a reason: send the Accord-Reason header")]
    Reason,
}

/// Proof that the actor may do `action`.
#[derive(Debug, Clone)]
pub struct Access {
    actor: Actor,
    action: Action,
    role: Role,
}

impl Access {
    /// Asks the policy.
    ///
    /// # Errors
    /// [`Denied`] says why not.
    pub fn to(action: Action, actor: Actor) -> Result<Self, Denied> {
        let held: &[Role] = match &actor.on_behalf_of {
            // A system never gains by acting for somebody: both must be allowed.
            Some(person) => &[person.role],
            None => &actor.roles,
        };
        let allowed = |role: &&Role| actions(**role).contains(&action);
        let role = *held.iter().find(allowed).ok_or(Denied::Role(action))?;
        let reads_a_person = matches!(
            action,
            Action::ReadRecord
                | Action::ReadPerson
                | Action::MatchPerson
                | Action::SearchPerson
                | Action::ReadHistory
                | Action::ReadEvent
                | Action::ReadTask
                | Action::ReadMerge
                | Action::ReadChaseList
                | Action::DisputeValue
                | Action::AnswerDispute
                | Action::ManageSeal
                | Action::GiveSubjectAccess
        );
        let given = actor
            .reason
            .as_ref()
            .is_some_and(|reason| !reason.trim().is_empty());
        let always = action == Action::ReconstructPast;
        if (always || (reads_a_person && actor.is_person())) && !given {
            return Err(Denied::Reason);
        }
        let decides = matches!(
            action,
            Action::WorkTask | Action::DecideTask | Action::ApproveTask | Action::ActivateModel
        );
        if decides && !actor.is_person() {
            return Err(Denied::Person);
        }
        Ok(Self {
            actor,
            action,
            role,
        })
    }

    /// Whether the policy lets the same actor do another thing too.
    #[must_use]
    pub fn may_also(&self, action: Action) -> bool {
        Self::to(action, self.actor.clone()).is_ok()
    }

    /// The human being behind it: the person for whom a system acts, else the
    /// account.
    #[must_use]
    pub fn person(&self) -> &str {
        let person = self.actor.on_behalf_of.as_ref();
        person.map_or(&self.actor.name, |person| &person.user)
    }

    /// The same, for one source.
    ///
    /// # Errors
    /// [`Denied`] says why not.
    pub fn to_source(action: Action, actor: Actor, source: &str) -> Result<Self, Denied> {
        let access = Self::to(action, actor)?;
        if access.actor.may_use_source(source) {
            Ok(access)
        } else {
            Err(Denied::Source)
        }
    }

    /// Whether a human being answers questions here in their own name: by the pages or
    /// the API, not by a door of care systems and not through another system. Nobody
    /// else is ever shown somebody who is made up (R117).
    #[must_use]
    pub fn works_at_the_desk(&self) -> bool {
        let actor = &self.actor;
        actor.kind == ActorKind::Person
            && actor.on_behalf_of.is_none()
            && !actor.origin.is_of_care_systems()
            && self.may_also(Action::WorkTask)
    }

    /// Who acts.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The role that allows it.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Whether location of a restricted person may be shown (R109). No role of
    /// the daily work may; a privacy officer may.
    #[must_use]
    pub fn sees_restricted_location(&self) -> bool {
        self.role == Role::PrivacyOfficer
    }

    /// Whether both sides of a seal may be seen together (R22).
    #[must_use]
    pub fn sees_sealed(&self) -> bool {
        self.role == Role::PrivacyOfficer
    }

    /// Whether it looks at what was visible at a past instant, with the masking and
    /// the seals of then (R139).
    #[must_use]
    pub fn reconstructs(&self) -> bool {
        self.action == Action::ReconstructPast
    }

    /// Whether other persons that a record may belong to may be named.
    #[must_use]
    pub const fn sees_possible(&self) -> bool {
        matches!(
            self.role,
            Role::Integration
                | Role::Clinician
                | Role::Steward
                | Role::Approver
                | Role::Auditor
                | Role::PrivacyOfficer
        )
    }

    /// Whether a search may answer with a list. A system that acts for nobody,
    /// and an integration whoever uses it, learns who somebody is only when
    /// there is one, as the national service does.
    #[must_use]
    pub fn sees_search_list(&self) -> bool {
        self.actor.is_person() && self.role != Role::Integration
    }

    /// Whether the accounts behind changes may be named: to those who answer
    /// for the ledger, not to everybody who reads it.
    #[must_use]
    pub const fn sees_actors(&self) -> bool {
        matches!(
            self.role,
            Role::Steward | Role::Approver | Role::Auditor | Role::PrivacyOfficer
        )
    }

    /// The row that says so.
    #[must_use]
    pub fn audit(&self, at: Instant, persons: Vec<PersonId>, record: Option<String>) -> AuditEntry {
        let person = self.actor.on_behalf_of.as_ref();
        AuditEntry {
            at,
            actor: self.actor.name.clone(),
            on_behalf_of: person.map(|person| person.user.clone()),
            role: self.role.name().to_owned(),
            organisation: person.and_then(|person| person.organisation.clone()),
            purpose: self.actor.reason.clone(),
            action: self.action.name(),
            request_id: self.actor.request_id.clone(),
            persons,
            record,
            origin: self.actor.origin.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Denied};
    use crate::security::{Action, Actor, ActorKind, OnBehalf, Origin, Role};

    fn actor(kind: ActorKind, roles: &[Role], reason: Option<&str>) -> Actor {
        Actor {
            name: "somebody".into(),
            kind,
            roles: roles.to_vec(),
            sources: vec!["gp".into()],
            on_behalf_of: None,
            reason: reason.map(Into::into),
            request_id: "1".into(),
            origin: Origin::default(),
        }
    }

    #[test]
    fn r131_without_a_role_nothing_is_allowed() {
        let nobody = actor(ActorKind::Person, &[], Some("care"));
        assert_eq!(
            Access::to(Action::ReadSource, nobody).err(),
            Some(Denied::Role(Action::ReadSource))
        );
    }

    #[test]
    fn r131_a_person_reads_with_a_reason_and_a_system_without() {
        let clinician = actor(ActorKind::Person, &[Role::Clinician], None);
        assert_eq!(
            Access::to(Action::ReadPerson, clinician).err(),
            Some(Denied::Reason)
        );
        let blank = actor(ActorKind::Person, &[Role::Clinician], Some("  "));
        assert_eq!(
            Access::to(Action::ReadPerson, blank).err(),
            Some(Denied::Reason)
        );
        let system = actor(ActorKind::System, &[Role::Integration], None);
        assert!(Access::to(Action::ReadPerson, system).is_ok());
    }

    #[test]
    fn r139_nobody_looks_back_without_a_reason() {
        for kind in [ActorKind::Person, ActorKind::System] {
            let silent = actor(kind, &[Role::Auditor], None);
            let denied = Access::to(Action::ReconstructPast, silent).err();
            assert_eq!(denied, Some(Denied::Reason));
        }
        let auditor = actor(ActorKind::Person, &[Role::Auditor], Some("complaint 17"));
        let access = Access::to(Action::ReconstructPast, auditor).expect("an auditor may");
        assert!(access.reconstructs() && !access.sees_sealed());
    }

    #[test]
    fn a_system_that_acts_for_a_person_has_that_person_s_role_only() {
        let mut system = actor(ActorKind::System, &[Role::Integration], Some("care"));
        system.on_behalf_of = Some(OnBehalf {
            user: "u1".into(),
            role: Role::Clinician,
            organisation: None,
        });
        let read = Access::to(Action::ReadPerson, system.clone()).expect("a clinician may read");
        assert_eq!(
            read.audit(crate::foundation::Instant::default(), vec![], None)
                .role,
            "clinician"
        );
        assert_eq!(
            Access::to(Action::WriteRecord, system).err(),
            Some(Denied::Role(Action::WriteRecord))
        );
    }

    #[test]
    fn r117_only_a_human_at_the_desk_meets_somebody_made_up() {
        let steward = actor(ActorKind::Person, &[Role::Steward], Some("a question"));
        let asks = |actor: Actor| {
            let access = Access::to(Action::SearchPerson, actor);
            access.expect("it may search").works_at_the_desk()
        };
        assert!(asks(steward.clone()));
        let mut by_fhir = steward.clone();
        by_fhir.origin.door = Some("GET /fhir/R4/Patient".to_owned());
        assert!(!asks(by_fhir));
        let mut through = actor(ActorKind::System, &[Role::Integration], Some("care"));
        assert!(!asks(through.clone()));
        through.on_behalf_of = Some(OnBehalf {
            user: "somebody".into(),
            role: Role::Steward,
            organisation: None,
        });
        assert!(!asks(through));
        let clinician = actor(ActorKind::Person, &[Role::Clinician], Some("care"));
        assert!(!asks(clinician));
    }

    #[test]
    fn an_account_bound_to_a_source_may_not_use_another() {
        let system = actor(ActorKind::System, &[Role::Integration], None);
        let other = Access::to_source(Action::WriteRecord, system.clone(), "pas");
        assert_eq!(other.err(), Some(Denied::Source));
        assert!(Access::to_source(Action::WriteRecord, system, "gp").is_ok());
    }
}
