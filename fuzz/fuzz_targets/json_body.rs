//! Any bytes are a record or a fault; what was read comes out as it went in.
#![no_main]

use accord::identity::SubmittedRecord;
use accord::interfaces::json;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(record) = json::read::<SubmittedRecord>(bytes) {
        let written = serde_json::to_vec(&record).expect("a record becomes JSON");
        assert!(json::read::<SubmittedRecord>(&written) == Ok(record));
    }
});
