//! Any text is a number or a problem, and a number keeps its digits.
#![no_main]

use accord::identity::{NhsNumber, SubmittedRecord};

#[path = "../standardised.rs"]
mod standardised;

libfuzzer_sys::fuzz_target!(|text: String| {
    if let Ok(number) = NhsNumber::parse(&text) {
        assert!(NhsNumber::parse(&number.digits()) == Ok(number));
    }
    standardised::check(&SubmittedRecord {
        nhs_number: Some(text.clone()),
        replaces_nhs_number: Some(text),
        ..SubmittedRecord::default()
    });
});
