//! The native JSON API under `/api/v1` (DESIGN §6.3). Handlers are named
//! `verb_noun` and call one flow each.

mod batch;
mod bodies;
mod events;
mod matching;
mod persons;
mod records;
mod request;
mod review;
mod search;
mod sources;

pub use batch::register_batch;
pub use events::{follow_events, view_history};
pub use matching::match_person;
pub use persons::{view_person, view_person_records};
pub use records::{
    cross_reference, register_record, register_record_in_body, view_record, withdraw_record,
};
pub use review::{list_tasks, view_task};
pub use search::search_persons;
pub use sources::{add_source, list_sources, release_source};
