//! What every HTTP door shares: connections, bounds, the guard, problems,
//! health and metrics.
//!
//! ```text
//! listener ─ a connection ─► exchange ─ id, bounds, log ─► router ─► guard ─ who ─► rest, web
//! ```

pub mod conditions;
mod current;
mod door;
mod exchange;
mod guard;
mod health;
mod impatient_stream;
mod listener;
mod metrics;
mod origin;
mod problem;
mod process_figures;
pub mod reading;
mod server;
mod settings;
mod timed_body;

pub use current::Current;
pub use guard::{Caller, let_in, origin_in};
pub use problem::{Problem, Refused};
pub use server::{ServeFault, Served, ServerLimits, ServerOptions, serve};
pub use settings::{FhirReadings, HttpSettings, HttpSettingsProblem};
pub(in crate::interfaces) use settings::{Minimum, RetiredIds};
