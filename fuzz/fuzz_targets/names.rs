//! Any texts are names.
#![no_main]

use accord::identity::{SubmittedName, SubmittedRecord};

#[path = "../standardised.rs"]
mod standardised;

libfuzzer_sys::fuzz_target!(|texts: (String, String, String, String)| {
    let (title, given, family, other) = texts;
    standardised::check(&SubmittedRecord {
        title: Some(title),
        given_names: vec![given, other.clone()],
        family_name: Some(family.clone()),
        aliases: vec![SubmittedName {
            given_names: vec![other],
            family_name: Some(family),
            name_use: Some("maiden".to_owned()),
        }],
        ..SubmittedRecord::default()
    });
});
