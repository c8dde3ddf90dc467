//! Any texts are a telephone number and a mailbox.
#![no_main]

use accord::identity::SubmittedRecord;

#[path = "../standardised.rs"]
mod standardised;

libfuzzer_sys::fuzz_target!(|texts: (String, String)| {
    let (phone, email) = texts;
    standardised::check(&SubmittedRecord {
        phones: vec![phone],
        emails: vec![email],
        ..SubmittedRecord::default()
    });
});
