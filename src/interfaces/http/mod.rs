//! What every HTTP door shares: the guard, problems, limits, health.

mod guard;
mod health;
mod problem;
mod server;

pub use guard::Caller;
pub use problem::{Problem, Refused};
pub use server::{Served, ServerOptions, serve};
