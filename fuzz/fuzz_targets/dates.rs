//! Any text is a date or none, and a date keeps its day.
#![no_main]

use accord::identity::{StandardDate, SubmittedRecord};

#[path = "../standardised.rs"]
mod standardised;

libfuzzer_sys::fuzz_target!(|text: String| {
    if let Some(date) = StandardDate::parse(&text) {
        assert!(StandardDate::parse(&date.to_iso()) == Some(date));
    }
    standardised::check(&SubmittedRecord {
        birth_date: Some(text.clone()),
        death_date: Some(text.clone()),
        effective_at: Some(text),
        ..SubmittedRecord::default()
    });
});
