//! Any bytes give rows or problems by line, no more of them than lines.
#![no_main]

use std::io::Cursor;
use std::path::Path;

use accord::interfaces::files::read_ndjson;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let most = bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
    let file = Box::new(Cursor::new(bytes.to_vec()));
    if let Ok(rows) = read_ndjson(Path::new("rows.ndjson"), file, &[]) {
        assert!(rows.count() <= most);
    }
});
