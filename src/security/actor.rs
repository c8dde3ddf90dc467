//! Who acts: a person, a system, or a system for a person.

use crate::security::Role;

/// Whether an account is a human being.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// A human being: reads of persons need a reason.
    Person,
    /// A machine.
    System,
}

/// The person for whom a system acts, as its headers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnBehalf {
    /// `Accord-User`.
    pub user: String,
    /// `Accord-Role`, one of ours.
    pub role: Role,
    /// `Accord-Organisation`.
    pub organisation: Option<String>,
}

/// An authenticated account with what the request said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Name of the account.
    pub name: String,
    /// Person or system.
    pub kind: ActorKind,
    /// Its roles.
    pub roles: Vec<Role>,
    /// Sources that an integration account may write and read back; empty
    /// means all.
    pub sources: Vec<String>,
    /// The person for whom it acts.
    pub on_behalf_of: Option<OnBehalf>,
    /// `Accord-Reason`.
    pub reason: Option<String>,
    /// Id of the request.
    pub request_id: String,
}

impl Actor {
    /// Whether a human being reads the answer.
    #[must_use]
    pub fn is_person(&self) -> bool {
        self.kind == ActorKind::Person || self.on_behalf_of.is_some()
    }

    /// Whether the account may use the source.
    #[must_use]
    pub fn may_use_source(&self, source: &str) -> bool {
        self.sources.is_empty() || self.sources.iter().any(|allowed| allowed == source)
    }
}
