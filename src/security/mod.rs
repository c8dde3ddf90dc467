//! Who may do what, and what is written down about it. Pure policy: tables and
//! values, no storage and no transport.

mod access;
mod actor;
mod audit;
mod origin;
mod outward;
mod permission;

pub use access::{Access, Denied};
pub use actor::{Actor, ActorKind, OnBehalf, is_same_human};
pub use audit::AuditEntry;
pub use origin::Origin;
pub use outward::{
    MessageForm, NoHost, OutwardPolicy, OutwardRefusal, WEBHOOK_URL_CHARACTERS_MAX, without_form,
};
pub use permission::{Action, Role, UnknownRole, actions};
