//! Any bytes on a line of HL7 v2 are patients or nothing, however they arrive, and what
//! they say is standardised.
#![no_main]

use accord::interfaces::hl7v2::patients_of;

#[path = "../standardised.rs"]
mod standardised;

const HEAD: &[u8] = b"MSH|^~\\&|PAS|RVV|A|B|20261122||ADT^A28|1|P|2.4\rPID|1||7^^^RVV|";

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for head in [&b""[..], HEAD] {
        let stream = [b"\x0b", head, bytes, b"\x1c\r"].concat();
        let whole = patients_of([stream.as_slice()]);
        assert!(patients_of(stream.chunks(7)) == whole);
        for record in &whole {
            standardised::check(record);
        }
    }
});
