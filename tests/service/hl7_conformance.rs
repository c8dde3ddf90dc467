//! OHIE-CR's cases of HL7 v2, step by step, as the suite's own harness asserts them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::conformance::{Suite, data_of};
use crate::mllp::{Engine, Hl7World, Reply};

/// The set-up steps of the suite, as settings: which authority is whose.
const SETTINGS: &str = r#"
[[listener]]
trusts_network = true
retired_ids = "unknown"
search_minimum = "any"
error_places = "ohie"

[[authority]]
namespace = "TEST"
oid = "2.16.840.1.113883.3.72.5.9.1"
source = "gp"

[[authority]]
namespace = "TEST_A"
oid = "2.16.840.1.113883.3.72.5.9.2"
source = "pas"

[[authority]]
namespace = "TEST_B"
oid = "2.16.840.1.113883.3.72.5.9.3"
source = "ed"

[[authority]]
namespace = "NID"
oid = "2.16.840.1.113883.3.72.5.9.9"
source = "social"
quoted = true

[[sender]]
application = "TEST_HARNESS"
facility = "TEST"
source = "gp"
asks_for_all = true
shows_to_people = true

[[sender]]
application = "TEST_HARNESS_A"
facility = "TEST"
source = "pas"
asks_for_all = true
shows_to_people = true

[[sender]]
application = "TEST_HARNESS_B"
facility = "TEST"
source = "ed"
asks_for_all = true
shows_to_people = true

[[sender]]
application = "NID_AUTH"
facility = "TEST"
source = "social"
asks_for_all = true
"#;

/// Assertions that we read otherwise: step, terser, and why (docs/conformance.md).
const READINGS: &[(&str, &str, &str)] = &[
    ("OHIE-CR-03-10", "ERR-1-4-2", OWN_WORDS),
    ("OHIE-CR-03-20", "ERR-1-4-2", OWN_WORDS),
    ("OHIE-CR-04-30", "ERR-1-4-2", OWN_WORDS),
    ("OHIE-CR-17-30", "ERR-1-4-2", OWN_WORDS),
    ("OHIE-CR-17-40", "ERR-1-4-2", OWN_WORDS),
    (
        "OHIE-CR-06-40",
        "PID-3",
        "an equal id of another authority is evidence: it asks, and links nobody",
    ),
    (
        "OHIE-CR-08-30",
        "PID-15",
        "what was sent comes back: EN, as the text has it",
    ),
    (
        "OHIE-CR-09-10",
        "MSA-1",
        "an unknown id is AE, as the text has it",
    ),
    (
        "OHIE-CR-16-40",
        "(1)/.PID-3-1",
        "one person is one PID with both ids, as the text has it",
    ),
    (
        "OHIE-CR-16-50",
        "MSA-1",
        "an unknown id is AE, as the text has it",
    ),
    ("OHIE-CR-16-50", "ERR-2-1", "DPD is a slip for QPD"),
    (
        "OHIE-CR-16-60",
        "(1)/.PID-3(1)-1",
        "two merged records are one person and one PID",
    ),
    (
        "OHIE-CR-18-40",
        "",
        "the question has no tag and asks for an id in a domain that is not its own",
    ),
];

/// The suite wants the words of another implementation.
const OWN_WORDS: &str = "the error is said in our own words";

/// One assertion of a step: the value at a place is one of these, or there is nothing.
struct Assertion {
    terser: String,
    values: Vec<String>,
    missing: bool,
}

/// A step of a case.
struct Step {
    name: String,
    message: Option<String>,
    assertions: Vec<Assertion>,
}

impl Step {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a step of the suite");
        let name = path.file_stem().expect("a name").to_string_lossy();
        let message = between(&text, "<message>", "</message>").map(unescaped);
        let mut assertions: Vec<Assertion> = Vec::new();
        for tag in text.split('<').skip(1) {
            if tag.starts_with("assert ") {
                assertions.push(Assertion {
                    terser: attribute(tag, "terser").unwrap_or_default(),
                    values: attribute(tag, "value").into_iter().collect(),
                    missing: attribute(tag, "missing").as_deref() == Some("true"),
                });
            } else if tag.starts_with("alternate ")
                && let Some(last) = assertions.last_mut()
            {
                last.values.extend(attribute(tag, "value"));
            }
        }
        Self {
            name: name.into_owned(),
            message,
            assertions,
        }
    }
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> Option<&'t str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end)?.0)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    between(tag, &format!("{name}=\""), "\"").map(unescaped)
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// A place: group (the how-manieth person), segment, field, and further numbers.
struct Place {
    group: Option<usize>,
    segment: String,
    numbers: Vec<usize>,
}

impl Place {
    /// `QUERY_RESPONSE(1)/.PID-3(1)-4-1`. The number of a repetition is left out: the
    /// suite counts an id of its own implementation before the others.
    fn read(terser: &str) -> Self {
        let (group, rest) = match terser.split_once("/.") {
            Some((group, rest)) => (Some(number_in(group).unwrap_or(0)), rest),
            None => (None, terser),
        };
        let mut parts = rest.split('-');
        let segment = parts.next().unwrap_or_default();
        let plain = |part: &str| part.split('(').next().and_then(|it| it.parse().ok());
        Self {
            group,
            segment: segment.split('(').next().unwrap_or_default().to_owned(),
            numbers: parts.filter_map(plain).collect(),
        }
    }

    /// What stands there: one for each repetition.
    fn values(&self, reply: &Reply) -> Vec<String> {
        let Some(segment) = self.segment_of(reply) else {
            return Vec::new();
        };
        let offset = usize::from(self.segment == "MSH");
        let (field, below) = match self.numbers.split_first() {
            Some((field, below)) => (segment.split('|').nth(field - offset), below),
            None => return vec![segment.to_owned()],
        };
        let repetitions = field.unwrap_or_default().split('~');
        let leaf = |repetition: &str| {
            let component = below.first().copied().unwrap_or(1);
            let component = repetition.split('^').nth(component - 1).unwrap_or_default();
            let sub = below.get(1).copied().unwrap_or(1);
            component
                .split('&')
                .nth(sub - 1)
                .unwrap_or_default()
                .to_owned()
        };
        repetitions.map(leaf).collect()
    }

    fn segment_of<'r>(&self, reply: &'r Reply) -> Option<&'r str> {
        let Some(group) = self.group else {
            return reply.segments(&self.segment).next();
        };
        let mut people = 0;
        let lines = reply.text.split('\r').filter(|line| {
            people += usize::from(line.starts_with("PID"));
            people == group + 1
        });
        let mut lines = lines.collect::<Vec<_>>().into_iter();
        lines.find(|line| line.starts_with(self.segment.as_str()))
    }
}

fn number_in(group: &str) -> Option<usize> {
    between(group, "(", ")")?.parse().ok()
}

/// The assertions that do not hold, each with what stands there.
fn failures(step: &Step, reply: &Reply) -> Vec<(String, String)> {
    let mut failed = Vec::new();
    // Identifiers of one person: one repetition has to hold all that is asked of it.
    let mut together: BTreeMap<(Option<usize>, usize), Vec<Vec<bool>>> = BTreeMap::new();
    for assertion in &step.assertions {
        let place = Place::read(&assertion.terser);
        let found = place.values(reply);
        let fits = |value: &String| match assertion.values.as_slice() {
            // Something, whatever it is.
            [empty] if empty.is_empty() => !value.is_empty(),
            values => values.contains(value),
        };
        let holds = if assertion.missing {
            found.iter().all(String::is_empty)
        } else {
            found.iter().any(fits)
        };
        if !holds {
            failed.push((assertion.terser.clone(), format!("{found:?}")));
        }
        if place.segment == "PID" && !assertion.missing {
            let key = (place.group, place.numbers.first().copied().unwrap_or(0));
            let rows = together.entry(key).or_default();
            rows.push(found.iter().map(fits).collect());
        }
    }
    for ((group, field), rows) in together {
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        let whole = (0..width).any(|at| rows.iter().all(|row| row.get(at) == Some(&true)));
        if !whole && failed.is_empty() {
            failed.push((
                format!("PID-{field} of {group:?}"),
                "no repetition holds all".to_owned(),
            ));
        }
    }
    failed
}

#[test]
fn conformance_ohie_cr_hl7v2() {
    let Some(folder) = data_of("ohie-cr-hl7v2") else {
        return;
    };
    let files = fs::read_dir(folder.join("steps-xml")).expect("the steps of the suite");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    assert_eq!(
        files.len(),
        103,
        "the suite has other steps than those that were read"
    );
    let mut suite = Suite::new("OHIE-CR HL7 v2");
    let here = Hl7World::with(SETTINGS).serves();
    let mut engine = here.connects();
    for path in files {
        let step = Step::read(&path);
        judge(&mut suite, &step, &mut engine);
    }
    suite.finish();
    here.world.verify();
}

fn judge(suite: &mut Suite, step: &Step, engine: &mut Engine) {
    // A step without a message is a setting, and stands in SETTINGS.
    let Some(message) = &step.message else {
        return suite.passes();
    };
    let reply = engine.asks(message);
    let failed = failures(step, &reply);
    let reading = |terser: &str| {
        let read = READINGS
            .iter()
            .find(|(name, place, _)| *name == step.name && terser.contains(place));
        read.map(|(_, _, why)| *why)
    };
    let unread: Vec<String> = failed
        .iter()
        .filter(|(terser, _)| reading(terser).is_none())
        .map(|(terser, found)| format!("{terser} is {found}"))
        .collect();
    if !unread.is_empty() {
        let said = reply.text.replace('\r', "\n    ");
        suite.fails(&step.name, &format!("{}\n    {said}", unread.join("; ")));
    } else if let Some((terser, _)) = failed.first() {
        suite.reads(&step.name, reading(terser).unwrap_or_default());
    } else {
        suite.passes();
    }
}
