//! The shape of the house: who may name whom, how long things are, and what
//! must not stand in the tree. Reads files only; no database, under a second.

use std::collections::BTreeMap;
use std::fs;

#[path = "architecture/reading.rs"]
mod reading;

use reading::{
    all_rust_files, blanked, function_lengths, has_valid_check_digit, mail_domains, named_after,
    names_crate, root, rust_files, telephone_numbers, ten_digit_numbers, text_files,
};

/// The floors of `src/`. A floor uses only floors below it; siblings on one
/// floor do not use each other.
const FLOORS: [(&str, u8); 14] = [
    ("foundation", 0),
    ("identity", 1),
    ("security", 1),
    ("matching", 2),
    ("registry", 3),
    ("bulk", 3),
    ("review", 4),
    ("storage", 5),
    ("index", 5),
    ("frames", 5),
    ("flows", 6),
    ("evaluation", 7),
    ("interfaces", 8),
    ("cli", 9),
];

/// Doors parse, call one flow and render; they do not reach past it.
const FORBIDDEN_PAIRS: [(&str, &str); 2] = [("interfaces", "storage"), ("interfaces", "index")];

/// Outside crates that only some floors may name.
const OUTSIDE_CRATES: [(&str, &[&str]); 29] = [
    ("askama", &["interfaces"]),
    ("argon2", &["flows"]),
    ("jsonwebtoken", &["interfaces"]),
    ("sqlx", &["storage"]),
    ("rusqlite", &["storage"]),
    ("tantivy", &["index"]),
    ("arrow", &["frames"]),
    ("datafusion", &["frames"]),
    ("ballista_core", &["frames"]),
    ("ballista_executor", &["frames"]),
    ("ballista_scheduler", &["frames"]),
    ("axum", &["interfaces"]),
    ("tower", &["interfaces"]),
    ("hyper", &["interfaces"]),
    ("hyper_util", &["interfaces"]),
    ("metrics", &["flows", "interfaces"]),
    ("metrics_exporter_prometheus", &["interfaces"]),
    ("quick_xml", &["interfaces"]),
    ("rapidfuzz", &["identity", "matching"]),
    ("rphonetic", &["identity", "matching"]),
    ("any_ascii", &["identity", "matching", "evaluation"]),
    ("unicode_normalization", &["identity", "matching"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("anyhow", &["cli"]),
    // The import client, and the one door outward: `interfaces::webhooks`.
    ("reqwest", &["cli", "interfaces"]),
    ("tracing_subscriber", &["cli"]),
    ("rustls", &["interfaces"]),
    ("tokio_rustls", &["interfaces"]),
];

/// Floors that decide and do not act: no I/O, clock, environment or logging.
const PURE_FLOORS: [&str; 5] = ["identity", "matching", "registry", "bulk", "review"];
const IMPURE: [&str; 12] = [
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "SystemTime",
    "SystemClock",
    "SystemChance",
    "tracing::",
    "tokio::",
    "async fn",
    "println!",
    "eprintln!",
];

const BANNED_NAMES: [&str; 13] = [
    "util", "utils", "common", "core", "app", "helper", "helpers", "misc", "types", "models",
    "manager", "service", "services",
];

/// What matches, and with what it is measured: tables that feed one must not feed
/// the other, else a matcher is measured by its own ideas of errors.
const MATCHERS: [&str; 5] = [
    "src/identity",
    "src/matching",
    "src/bulk",
    "src/index",
    "models",
];
const GENERATOR: &str = "src/evaluation/generator";

const FILE_LINES_MAX: usize = 500;
const FILE_LINES_WITH_TESTS_MAX: usize = 700;
const FUNCTION_LINES_MAX: usize = 70;

/// Documented numbers outside 9… with a valid check digit (RULES R3); those
/// whose digits are all equal are numbers of nobody.
const DOCUMENTED_NUMBERS: [&str; 1] = ["0123456789"];

/// Tables that the generator draws made-up contacts from, with their reasons in
/// their own headers.
const GENERATOR_TABLES: [&str; 2] = ["generator", "populations"];

/// Ends of domains that are kept for examples (RFC 2606) or stand in RULES.
const EXAMPLE_DOMAINS: [&str; 8] = [
    "example.org",
    "example.com",
    "example.net",
    "example.nhs.uk",
    "x.nhs.uk",
    ".example",
    ".invalid",
    ".test",
];

/// Starts of telephone numbers kept for drama by the regulator, and the default
/// numbers that people type (R70), of which one just outside the drama range.
const EXAMPLE_PHONES: [&str; 22] = [
    "07700900",
    "01632960",
    "07777777777",
    "01234567890",
    "07123456789",
    "07000000000",
    "07700901000",
    "01134960",
    "01144960",
    "01154960",
    "01164960",
    "01174960",
    "01184960",
    "01214960",
    "01314960",
    "01414960",
    "01514960",
    "01614960",
    "02079460",
    "01914980",
    "02920180",
    "08081570",
];

#[test]
fn a_floor_uses_only_floors_below_it() {
    let floors = BTreeMap::from(FLOORS);
    let mut wrong = Vec::new();
    for source in rust_files("src") {
        let Some(own) = source.floor() else { continue };
        let Some(own_height) = floors.get(own) else {
            wrong.push(format!("{}: {own} is no floor", source.path));
            continue;
        };
        for (line, used) in named_after(&blanked(&source.text), "crate::") {
            let allowed = used == own
                || floors.get(used.as_str()).is_some_and(|height| {
                    height < own_height && !FORBIDDEN_PAIRS.contains(&(own, used.as_str()))
                });
            if !allowed {
                wrong.push(format!("{}:{line}: {own} names crate::{used}", source.path));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn an_outside_crate_is_named_only_where_it_belongs() {
    let mut wrong = Vec::new();
    for source in rust_files("src") {
        let floor = source.floor().unwrap_or("the root");
        let code = blanked(&source.text);
        for (name, floors) in OUTSIDE_CRATES {
            if floors.contains(&floor) {
                continue;
            }
            let line = code.lines().position(|line| names_crate(line, name));
            if let Some(line) = line {
                wrong.push(format!(
                    "{}:{}: {floor} names {name}",
                    source.path,
                    line + 1
                ));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn pure_floors_do_no_io() {
    let mut wrong = Vec::new();
    for source in rust_files("src") {
        if !source
            .floor()
            .is_some_and(|floor| PURE_FLOORS.contains(&floor))
        {
            continue;
        }
        let code = blanked(source.without_tests());
        for (place, line) in code.lines().enumerate() {
            for word in IMPURE.iter().filter(|word| line.contains(**word)) {
                wrong.push(format!("{}:{}: {word}", source.path, place + 1));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn no_module_has_a_name_that_says_nothing() {
    let mut wrong = Vec::new();
    for source in rust_files("src") {
        let parts = source.path.trim_end_matches(".rs").split('/').skip(1);
        for part in parts.filter(|part| BANNED_NAMES.contains(part)) {
            wrong.push(format!("{}: {part}", source.path));
        }
    }
    assert_none(&wrong);
}

#[test]
fn a_file_fits_in_the_head() {
    let mut wrong = Vec::new();
    for source in all_rust_files() {
        let (code, all) = (
            source.without_tests().lines().count(),
            source.text.lines().count(),
        );
        let code_max = if source.path.starts_with("tests/") {
            FILE_LINES_WITH_TESTS_MAX
        } else {
            FILE_LINES_MAX
        };
        if code > code_max || all > FILE_LINES_WITH_TESTS_MAX {
            wrong.push(format!("{}: {code} lines, {all} with tests", source.path));
        }
    }
    assert_none(&wrong);
}

#[test]
fn a_function_fits_on_a_screen() {
    let mut wrong = Vec::new();
    for source in all_rust_files() {
        for (line, name, length) in function_lengths(&blanked(&source.text)) {
            if length > FUNCTION_LINES_MAX {
                wrong.push(format!("{}:{line}: {name} has {length} lines", source.path));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn each_file_says_what_it_is_for() {
    let silent: Vec<String> = all_rust_files()
        .into_iter()
        .filter(|source| !source.text.starts_with("//! "))
        .map(|source| source.path)
        .collect();
    assert_none(&silent);
}

#[test]
fn no_real_nhs_number_stands_in_the_tree() {
    let mut wrong = Vec::new();
    for source in text_files() {
        for (line, number) in ten_digit_numbers(&source.text) {
            let allowed = number.starts_with('9')
                || DOCUMENTED_NUMBERS.contains(&number.as_str())
                || is_repdigit(&number);
            if !allowed && has_valid_check_digit(&number) {
                wrong.push(format!(
                    "{}:{line}: a ten-digit number with a valid check",
                    source.path
                ));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn no_real_telephone_number_or_mailbox_stands_in_the_tree() {
    let mut wrong = Vec::new();
    for source in text_files() {
        if GENERATOR_TABLES
            .iter()
            .any(|table| source.path.contains(table))
        {
            continue;
        }
        for (place, line) in source.text.lines().enumerate() {
            if telephone_numbers(line)
                .iter()
                .any(|number| !is_example_phone(number))
            {
                wrong.push(format!("{}:{}: a telephone number", source.path, place + 1));
            }
            if mail_domains(line)
                .iter()
                .any(|domain| !is_example_domain(domain))
            {
                wrong.push(format!("{}:{}: a mailbox", source.path, place + 1));
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn each_file_of_the_service_tests_is_declared() {
    let main = fs::read_to_string(root().join("tests/service/main.rs")).expect("main.rs");
    let forgotten: Vec<String> = rust_files("tests/service")
        .into_iter()
        .filter_map(|source| {
            let rest = source
                .path
                .strip_prefix("tests/service/")?
                .trim_end_matches(".rs");
            let module = rest.split('/').next()?.to_owned();
            let declared = main
                .lines()
                .any(|line| line.trim() == format!("mod {module};"));
            (module != "main" && !declared).then_some(source.path)
        })
        .collect();
    assert_none(&forgotten);
}

#[test]
fn decisions_are_numbered_without_gaps_and_listed() {
    let folder = root().join("docs/adr");
    let Ok(entries) = fs::read_dir(&folder) else {
        return;
    };
    let mut names: Vec<String> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name != "README.md")
        .collect();
    names.sort();
    let list = fs::read_to_string(folder.join("README.md")).expect("docs/adr/README.md");
    let mut wrong = Vec::new();
    for (place, name) in names.iter().enumerate() {
        if !name.starts_with(&format!("{:04}-", place + 1)) {
            wrong.push(format!("{name} is not number {:04}", place + 1));
        }
        if !list.contains(name.as_str()) {
            wrong.push(format!("{name} is not listed"));
        }
    }
    assert_none(&wrong);
}

#[track_caller]
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn is_repdigit(number: &str) -> bool {
    number.chars().all(|digit| number.starts_with(digit))
}

fn is_example_phone(number: &str) -> bool {
    is_repdigit(&number[1..]) || EXAMPLE_PHONES.iter().any(|start| number.starts_with(start))
}

fn is_example_domain(domain: &str) -> bool {
    EXAMPLE_DOMAINS.iter().any(|end| {
        domain == end.trim_start_matches('.')
            || domain
                .strip_suffix(end)
                .is_some_and(|rest| end.starts_with('.') || rest.ends_with('.'))
    })
}

/// The guards must be able to fail.
mod guards {
    use super::{
        blanked, function_lengths, has_valid_check_digit, is_example_domain, is_example_phone,
        mail_domains, named_after, names_crate, telephone_numbers, ten_digit_numbers,
    };

    #[test]
    fn code_is_told_from_comments_and_strings() {
        let code =
            blanked("let a = \"crate::x \\\" fn\"; // crate::y\nuse crate::z; 'a' r#\"fn \"#");
        let names: Vec<String> = named_after(&code, "crate::")
            .into_iter()
            .map(|(_, it)| it)
            .collect();
        assert_eq!(names, ["z"]);
        assert_eq!(code.lines().count(), 2);
    }

    #[test]
    fn a_crate_is_told_from_a_word_like_it() {
        for line in [
            "use sqlx::Row;",
            "sqlx::query(q)",
            "use sqlx;",
            "#[sqlx::test]",
        ] {
            assert!(names_crate(line, "sqlx"), "{line}");
        }
        for line in [
            "use crate::sqlx::x;",
            "my_sqlx::y",
            "let sqlx = 1;",
            "sqlxx::y",
        ] {
            assert!(!names_crate(line, "sqlx"), "{line}");
        }
    }

    #[test]
    fn the_length_of_a_function_is_that_of_its_body() {
        let code = "fn short() -> [u8; 2] {\n  a\n\n  b\n}\nfn declared();\n";
        assert_eq!(function_lengths(code), [(1, "short".to_owned(), 2)]);
        let long = format!("fn long() {{\n{}}}\n", "  {}\n".repeat(71));
        assert_eq!(function_lengths(&long)[0].2, 71);
    }

    #[test]
    fn a_number_is_found_in_any_notation_and_not_inside_something_else() {
        let found = |text: &str| ten_digit_numbers(text).len();
        let number = ["401", "023", "2137"];
        assert_eq!(found(&number.concat()), 1);
        assert_eq!(found(&number.join(" ")), 1);
        assert_eq!(found(&format!("n={},", number.join("-"))), 1);
        assert!(has_valid_check_digit(&number.concat()));
        assert_eq!(found(&format!("a{}", number.concat())), 0);
        assert_eq!(found(&format!("0.{}", number.concat())), 0);
        assert_eq!(found(&format!("{}1", number.concat())), 0);
    }

    #[test]
    fn contacts_are_found_and_those_for_examples_let_through() {
        let real = ["0113", "243", "1000"].join(" ");
        assert_eq!(telephone_numbers(&real).len(), 1);
        assert!(!is_example_phone(&telephone_numbers(&real)[0]));
        for example in ["07700 900123", "+44 (0)7700 900123", "01632 960 001"] {
            let numbers = telephone_numbers(example);
            assert!(
                numbers.iter().all(|number| is_example_phone(number)),
                "{example}"
            );
        }
        let mailbox = ["someone", "hospital.nhs.uk"].join("@");
        assert!(!is_example_domain(&mail_domains(&mailbox)[0]));
        assert!(is_example_domain(&mail_domains("a@mail.example.org")[0]));
        assert!(mail_domains("name @ Some(_)").is_empty());
    }
}

/// Files that Rust files below a folder take in, by their place in the tree.
fn files_taken_in(under: &str) -> Vec<std::path::PathBuf> {
    let mut taken = Vec::new();
    for file in rust_files(under) {
        let folder = std::path::Path::new(&file.path).parent();
        for piece in file.text.split("include_").skip(1) {
            let kind = ["str!(", "bytes!("]
                .iter()
                .find_map(|kind| piece.strip_prefix(kind));
            let Some(name) = kind.and_then(|rest| rest.split('"').nth(1)) else {
                continue;
            };
            let mut place = folder.unwrap_or(std::path::Path::new("")).to_path_buf();
            for step in name.split('/') {
                if step == ".." {
                    place.pop();
                } else {
                    place.push(step);
                }
            }
            taken.push(place);
        }
    }
    taken
}

#[test]
fn no_file_feeds_both_the_made_up_errors_and_what_matches() {
    let made: Vec<_> = files_taken_in(GENERATOR);
    assert!(made.len() >= 7, "the generator has tables: {made:?}");
    let mut matched = Vec::new();
    for folder in MATCHERS {
        matched.extend(files_taken_in(folder));
    }
    assert!(matched.len() >= 10, "what matches has tables: {matched:?}");
    for file in &matched {
        assert!(
            !made.contains(file) && !file.starts_with(GENERATOR),
            "{} feeds both",
            file.display()
        );
    }
    for file in &made {
        let own = file.starts_with(GENERATOR) || file.starts_with("test-corpora/populations");
        assert!(own, "{} is not the generator's own", file.display());
    }
    // Nor by way of code, of a script that makes tables, or of a copy.
    for file in rust_files(GENERATOR) {
        for floor in ["crate::identity", "crate::matching", "crate::bulk"] {
            assert!(!file.text.contains(floor), "{} names {floor}", file.path);
        }
    }
    let mut seen = BTreeMap::new();
    for file in text_files() {
        let (path, text) = (file.path, file.text);
        let end = path.rsplit('.').next().unwrap_or_default();
        let of_generator = path.starts_with(GENERATOR) && end == "tsv";
        let of_matchers = MATCHERS.iter().any(|folder| path.starts_with(folder));
        if of_matchers && end == "py" {
            assert!(!text.contains("generator"), "{path} names the generator");
        }
        if of_generator || (of_matchers && end == "tsv") {
            let rows: String = text.lines().filter(|line| !line.starts_with('#')).collect();
            if let Some(twin) = seen.insert(rows, path.clone()) {
                panic!("{path} says the same as {twin}");
            }
        }
    }
}
