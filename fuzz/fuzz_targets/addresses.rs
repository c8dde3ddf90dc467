//! Any texts are an address.
#![no_main]

use accord::identity::{SubmittedAddress, SubmittedRecord};

#[path = "../standardised.rs"]
mod standardised;

libfuzzer_sys::fuzz_target!(|texts: (String, String, String, String, String)| {
    let (first, second, town, postcode, uprn) = texts;
    standardised::check(&SubmittedRecord {
        addresses: vec![SubmittedAddress {
            lines: vec![first, second],
            town: Some(town),
            postcode: Some(postcode),
            uprn: Some(uprn),
            ..SubmittedAddress::default()
        }],
        ..SubmittedRecord::default()
    });
});
