//! Stored events are read for ever: one file of each kind, as first written.

use std::collections::BTreeSet;
use std::path::Path;

use crate::registry::RegistryEvent;
use crate::storage::project::event_kind;

#[test]
fn r135_every_stored_event_is_read_and_written_back_equal() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("test-corpora/events/v1");
    let mut kinds = BTreeSet::new();
    for file in std::fs::read_dir(directory).expect("the goldens") {
        let path = file.expect("a golden").path();
        let text = std::fs::read_to_string(&path).expect("a golden");
        let event: RegistryEvent = serde_json::from_str(&text).expect("an event");
        let written = serde_json::to_string(&event).expect("JSON");
        assert_eq!(written, text.trim_end(), "{}", path.display());
        kinds.insert(event_kind(&event));
    }
    assert_eq!(kinds.len(), 39);
}
