//! What a browser takes along to the provider and brings back. All of it is made from
//! one random cookie, so that whoever has not the cookie can neither make nor use it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::foundation::{hex, hmac_sha256};

/// Why somebody goes to the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To sign in.
    SignIn,
    /// To show again who they are, before something grave.
    Confirm,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::SignIn => "in",
            Self::Confirm => "again",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::SignIn, Self::Confirm]
            .into_iter()
            .find(|purpose| purpose.word() == word)
    }
}

/// One way to the provider and back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The cookie's value.
    secret: String,
    /// Why.
    pub purpose: Purpose,
    /// The page to go on to.
    pub then: String,
}

impl Ticket {
    /// A ticket of a random secret.
    #[must_use]
    pub const fn new(secret: String, purpose: Purpose, then: String) -> Self {
        Self {
            secret,
            purpose,
            then,
        }
    }

    /// The ticket that a state says, when it was made with this secret.
    #[must_use]
    pub fn of_state(secret: &str, state: &str) -> Option<Self> {
        let mut parts = state.splitn(3, '.');
        let (word, _, then) = (parts.next()?, parts.next()?, parts.next()?);
        let then = URL_SAFE_NO_PAD.decode(then).ok()?;
        let ticket = Self {
            secret: secret.to_owned(),
            purpose: Purpose::of(word)?,
            then: String::from_utf8(then).ok()?,
        };
        (!secret.is_empty() && ticket.state() == state).then_some(ticket)
    }

    /// What comes back with the browser.
    #[must_use]
    pub fn state(&self) -> String {
        let word = self.purpose.word();
        let code = self.made_of(&format!("state\n{word}\n{}", self.then));
        format!(
            "{word}.{}.{}",
            hex(&code),
            URL_SAFE_NO_PAD.encode(&self.then)
        )
    }

    /// What comes back in the ID token.
    #[must_use]
    pub fn nonce(&self) -> String {
        hex(&self.made_of(&format!("nonce\n{}", self.purpose.word())))
    }

    /// What the code is exchanged with (RFC 7636).
    #[must_use]
    pub fn verifier(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.made_of("verifier"))
    }

    /// What the provider is told of the verifier beforehand.
    #[must_use]
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier()))
    }

    /// The id of our statement of who we are, which goes with this code alone.
    #[must_use]
    pub(super) fn statement(&self, code: &str) -> String {
        hex(&self.made_of(&format!("statement\n{code}")))
    }

    fn made_of(&self, text: &str) -> [u8; 32] {
        hmac_sha256(self.secret.as_bytes(), text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::{Purpose, Ticket};

    fn ticket() -> Ticket {
        let then = "/review?kind=overlay_held".to_owned();
        Ticket::new("a secret".to_owned(), Purpose::SignIn, then)
    }

    #[test]
    fn a_state_is_read_with_its_own_secret_alone() {
        let (ticket, state) = (ticket(), ticket().state());
        assert_eq!(Ticket::of_state("a secret", &state), Some(ticket));
        assert_eq!(Ticket::of_state("another", &state), None);
        assert_eq!(Ticket::of_state("", &state), None);
        for odd in [
            "",
            "in",
            "in..",
            &state.replacen("in", "again", 1),
            &state[1..],
        ] {
            assert_eq!(Ticket::of_state("a secret", odd), None, "{odd}");
        }
    }

    #[test]
    fn each_part_is_another_and_the_challenge_is_of_the_verifier() {
        let ticket = ticket();
        assert!((43..=128).contains(&ticket.verifier().len()));
        assert_ne!(ticket.verifier(), ticket.challenge());
        let again = Ticket {
            purpose: Purpose::Confirm,
            ..ticket.clone()
        };
        assert_ne!(ticket.nonce(), again.nonce());
        assert!(!ticket.state().contains(&ticket.nonce()));
    }
}
