//! Any bytes give rows or problems by line, no more of them than lines.
#![no_main]

use std::io::Cursor;
use std::path::Path;

use accord::interfaces::files::read_csv;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut file = b"record_id,family_name\n".to_vec();
    file.extend_from_slice(bytes);
    let ends = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r'));
    let most = ends.count() + 1;
    let rows = read_csv(Path::new("rows.csv"), Box::new(Cursor::new(file)), &[]);
    assert!(rows.expect("the header is there").count() <= most);
});
