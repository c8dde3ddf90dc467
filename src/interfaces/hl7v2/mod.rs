//! The door of integration engines: HL7 v2 over MLLP. HL7's words stay in here.
//!
//! ```text
//! bytes ─► frame ─► character_set ─► er7 ─► header ─► events    ─► flows ─► answer ─► frame
//!                                                     questions
//!                              (settings: who may speak, whose ids are whose)
//! ```
//!
//! A connection's messages are answered one after the other, in order, each after its
//! commit. What cannot be read is answered too, as far as it can be said to whom.

mod answer;
mod character_set;
mod client;
mod demographics;
mod desk;
mod er7;
mod events;
mod fault;
mod frame;
mod header;
mod listener;
mod outward;
mod patient_in;
mod patient_out;
mod questions;
mod reading;
mod settings;
mod time_stamp;

pub use client::{Hl7Client, SendFault, messages_of};
pub use listener::{Hl7Listeners, ListenFault};
pub use outward::Hl7Notifier;
pub use reading::patients_of;
pub use settings::{Settings, SettingsProblem};
