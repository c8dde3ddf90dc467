//! Who acts: a person, a system, or a system for a person.

use crate::security::{Origin, Role};

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
    /// Where it came from.
    pub origin: Origin,
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

/// Whether two names are one human's: accounts and the users of systems are one name
/// space, and a name in other letters, or with something unseen in it, is no second
/// pair of eyes (R114).
#[must_use]
pub fn is_same_human(one: &str, other: &str) -> bool {
    let plain = |name: &str| -> String {
        let seen = name.chars().filter(|letter| letter.is_alphanumeric());
        seen.flat_map(char::to_lowercase).collect()
    };
    let (one_plain, other_plain) = (plain(one), plain(other));
    one == other || (!one_plain.is_empty() && one_plain == other_plain)
}

#[cfg(test)]
mod tests {
    use super::is_same_human;

    #[test]
    fn r114_a_name_in_other_letters_is_no_second_human() {
        for other in ["sam", "SAM", " Sam ", "s\u{200b}am", "S.A.M."] {
            assert!(is_same_human("sam", other), "{other:?}");
        }
        assert!(!is_same_human("sam", "sam2") && !is_same_human("sam", "amy"));
        assert!(!is_same_human("--", ".."), "nothing to compare by");
    }
}
