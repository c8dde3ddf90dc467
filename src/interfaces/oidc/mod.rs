//! OpenID Connect: people sign in at a provider (code with PKCE), and its claims say
//! which roles they have. Nothing is kept between leaving for the provider and coming
//! back but a cookie: state, nonce and verifier are made from it.
//!
//! ```text
//! start ──► provider ──► callback (from another site: no cookie comes along)
//!                            │ a page of ours goes on by itself
//!                            ▼
//!                         finish: state by the cookie, code for tokens, claims to roles
//! ```
//!
//! The provider may say later, from server to server, that somebody has signed out there
//! (`logout`): the sessions that came of it end.

mod assertion;
mod claims;
mod exchange;
mod keys;
mod logout;
mod settings;
mod ticket;

pub use assertion::{ClientKey, NoKey};
pub use exchange::{Proof, Provider};
pub use settings::{ProviderProblem, ProviderSettings};
pub use ticket::{Purpose, Ticket};

pub use crate::flows::{LoggedOut, Vouched};

/// Why nobody is vouched for. The texts are safe to show; none holds a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotVouched {
    /// No answer, or one that cannot be read.
    #[error("the sign-in service does not answer as it should")]
    Unreachable(&'static str),
    /// The answer is not for this browser, or not for us.
    #[error("this sign-in was not begun here, or too long ago; begin again")]
    NotOurs(&'static str),
    /// The provider says no.
    #[error("the sign-in service did not let you in")]
    Refused,
    /// Who it is has been shown less well than is asked for.
    #[error("the sign-in was not strong enough for this service")]
    TooWeak,
}

impl NotVouched {
    /// What went wrong, for the log.
    #[must_use]
    pub const fn cause(&self) -> &'static str {
        match self {
            Self::Unreachable(cause) | Self::NotOurs(cause) => cause,
            Self::Refused => "refused by the provider",
            Self::TooWeak => "acr",
        }
    }
}
