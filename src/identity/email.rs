//! E-mail addresses (R72): reading, role mailboxes, one slip. Whether a mailbox
//! exists is nobody's question here.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::one_edit::one_edit;
use crate::identity::sent_text::is_blank_equivalent;

/// Lower-cased address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Email(Box<str>);

impl fmt::Debug for Email {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[redacted]")
    }
}

/// Why a text is no e-mail address of the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailProblem {
    /// Nothing, or a word that means absence.
    Blank,
    /// Not one at sign, or no dot in the domain.
    Unreadable,
    /// A mailbox of an office, or a placeholder (R72).
    Role,
}

impl fmt::Display for EmailProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Blank => "there is no e-mail address",
            Self::Unreadable => "the text is no e-mail address",
            Self::Role => "the e-mail address belongs to no person",
        })
    }
}

impl std::error::Error for EmailProblem {}

/// RFC 5321 §4.5.3.1 bounds a path at 256 with its brackets.
const EMAIL_BYTES_MAX: usize = 254;

/// Local parts, without dots, hyphens and underscores, that are no person's;
/// sorted. The role names of RFC 2142 and those of surgeries and wards.
const ROLES: [&str; 50] = [
    "abuse",
    "accounts",
    "admin",
    "administrator",
    "appointments",
    "clinic",
    "contact",
    "customerservice",
    "customerservices",
    "declined",
    "donotreply",
    "email",
    "enquiries",
    "enquiry",
    "feedback",
    "hello",
    "help",
    "helpdesk",
    "hostmaster",
    "info",
    "information",
    "mail",
    "na",
    "nhs",
    "nil",
    "nobody",
    "noemail",
    "nomail",
    "none",
    "noreply",
    "notgiven",
    "notknown",
    "null",
    "office",
    "patient",
    "patients",
    "postmaster",
    "practice",
    "prescriptions",
    "reception",
    "refused",
    "registrations",
    "secretaries",
    "secretary",
    "support",
    "surgery",
    "test",
    "unknown",
    "ward",
    "webmaster",
];

impl Email {
    /// [`Self::read`] without the reason.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(text).ok()
    }

    /// Lower case; one at sign, something before it, a dot within the domain.
    ///
    /// # Errors
    /// See [`EmailProblem`].
    pub fn read(text: &str) -> Result<Self, EmailProblem> {
        let text = text.trim().trim_start_matches('<').trim_end_matches('>');
        let text = match text.get(..7) {
            Some(start) if start.eq_ignore_ascii_case("mailto:") => &text[7..],
            _ => text,
        };
        if is_blank_equivalent(text) {
            return Err(EmailProblem::Blank);
        }
        let lower = text.to_lowercase();
        let (local, domain) = lower.split_once('@').ok_or(EmailProblem::Unreadable)?;
        let is_separate = |character: char| {
            character.is_whitespace() || matches!(character, '@' | '<' | '>' | ',' | ';')
        };
        let domain_is_plain = domain.contains('.')
            && domain.split('.').all(|label| !label.is_empty())
            && domain
                .chars()
                .all(|character| character.is_alphanumeric() || matches!(character, '.' | '-'));
        if local.is_empty()
            || local.contains(is_separate)
            || !domain_is_plain
            || lower.len() > EMAIL_BYTES_MAX
        {
            return Err(EmailProblem::Unreadable);
        }
        if is_role(local) {
            return Err(EmailProblem::Role);
        }
        Ok(Self(lower.into()))
    }

    /// The address in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Another address with the same part before the at sign, or the whole
    /// within one edit; equal addresses are not near.
    #[must_use]
    pub fn is_near(&self, other: &Self) -> bool {
        let local = |email: &Self| email.0.split('@').next().map(str::len);
        let same_local = local(self) == local(other)
            && local(self).is_some_and(|length| self.0.get(..length) == other.0.get(..length));
        self != other && (same_local || one_edit(self.0.as_bytes(), other.0.as_bytes()))
    }
}

/// Whether the part before the at sign (without a `+tag`) is an office's.
fn is_role(local: &str) -> bool {
    let person = local.split('+').next().unwrap_or(local);
    let folded: String = person
        .chars()
        .filter(|character| !matches!(character, '.' | '-' | '_' | '/'))
        .collect();
    ROLES.binary_search(&folded.as_str()).is_ok() || is_blank_equivalent(person)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Email, EmailProblem, ROLES};

    #[test]
    fn r72_case_does_not_matter() {
        let read = |text| Email::read(text).ok();
        assert!(read(" Sarah.Jones@Example.ORG ").is_some());
        assert!(read("Sarah.Jones@Example.ORG") == read("mailto:sarah.jones@example.org"));
    }

    #[test]
    fn r72_role_mailboxes_are_absent() {
        for text in [
            "Reception@x.example.org",
            "info@example.org",
            "no-reply@example.org",
            "none@none.example",
            "test+1@example.org",
            "unknown@example.org",
            "N/A@example.org",
            "x@example.org",
        ] {
            assert_eq!(Email::read(text), Err(EmailProblem::Role), "{text}");
        }
        assert!(Email::read("testa@example.org").is_ok() && ROLES.is_sorted());
    }

    #[test]
    fn what_is_no_address_is_unreadable() {
        for text in [
            "sarah",
            "a@b",
            "@example.org",
            "a@@example.org",
            "a b@example.org",
            "a@.example",
            "a@example.org.",
        ] {
            assert_eq!(Email::read(text), Err(EmailProblem::Unreadable), "{text}");
        }
        assert_eq!(Email::read("none"), Err(EmailProblem::Blank));
    }

    #[test]
    fn an_email_is_near_by_its_local_part_or_one_edit() {
        let email = |text| Email::parse(text).expect("an address");
        let a = email("sarah.jones@example.org");
        assert!(a.is_near(&email("sarah.jones@example.com")));
        assert!(a.is_near(&email("sarah.jone@example.org")));
        assert!(!a.is_near(&a) && !a.is_near(&email("sara.jone@example.org")));
    }

    #[test]
    fn an_email_does_not_print() {
        assert_eq!(
            format!("{:?}", Email::parse("a@example.org")),
            "Some([redacted])"
        );
    }

    proptest! {
        #[test]
        fn an_email_survives_its_text(text in "\\PC{0,20}|[A-Za-z.+<>]{1,8}@[A-Z]{1,4}[.][a-z]{2,3}>?") {
            if let Ok(email) = Email::read(&text) {
                prop_assert_eq!(Email::read(email.as_str()), Ok(email));
            }
        }

        #[test]
        fn nearness_of_emails_is_symmetric(x in "[ab]{1,3}", y in "[ab]{1,3}") {
            let email = |text: &str| Email::parse(&format!("{text}@example.org"));
            if let (Some(a), Some(b)) = (email(&x), email(&y)) {
                prop_assert_eq!(a.is_near(&b), b.is_near(&a));
            }
        }
    }
}
