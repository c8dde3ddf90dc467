//! Files for spreadsheets: quoted as RFC 4180 says, and no cell is a formula
//! (RELIABILITY T5).

use axum::http::header;
use axum::response::{IntoResponse as _, Response};

/// Letters at which a spreadsheet begins to compute; the last four are their
/// full-width forms.
const COMPUTES: [char; 11] = [
    '=', '+', '-', '@', '\t', '\r', '\0', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
];

/// A file of these rows, to be kept under this name.
pub(super) fn file(
    name: &'static str,
    head: &[&str],
    rows: impl Iterator<Item = Vec<String>>,
) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ),
    ];
    (headers, csv(head, rows)).into_response()
}

fn csv(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = line(head.iter().copied());
    for row in rows {
        text.push_str(&line(row.iter().map(String::as_str)));
    }
    text
}

fn line<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

fn cell(text: &str) -> String {
    let begins = text.trim_start_matches([' ', '\n']).chars().next();
    let guard = if begins.is_some_and(|letter| COMPUTES.contains(&letter)) {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{}\"", text.replace('"', "\"\"").replace('\0', ""))
}

#[cfg(test)]
mod tests {
    use super::{cell, csv};

    #[test]
    fn t5_no_cell_is_a_formula() {
        for text in [
            "=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\0=1", " =1", "＝1", "＋1", "－1", "＠1",
        ] {
            assert!(cell(text).starts_with("\"'"), "{text:?}");
        }
        assert_eq!(cell("O'Brien"), "\"O'Brien\"");
    }

    #[test]
    fn quotes_and_commas_stay_in_their_cells() {
        let file = csv(
            &["a", "b"],
            [vec!["x,\"y\"".to_owned(), "line\nline".to_owned()]].into_iter(),
        );
        let mut reader = ::csv::Reader::from_reader(file.as_bytes());
        let row = reader
            .records()
            .next()
            .expect("a row")
            .expect("a sound row");
        assert_eq!(&row[0], "x,\"y\"");
        assert_eq!(&row[1], "line\nline");
    }
}
