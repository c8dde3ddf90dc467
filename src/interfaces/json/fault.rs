//! What is wrong with a text, in words that are safe to show.

use std::fmt;

use serde::de::{Error, Expected, Unexpected};

/// Longest name of a member that is repeated in a problem.
const SHOWN_NAME_CHARACTERS_MAX: usize = 64;

/// How a text fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaks {
    /// It is no JSON, or not of the shape that is expected.
    Shape,
    /// It can be read, and a value goes beyond a bound.
    Bound,
}

/// A step from a value to one inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Member(String),
    Item(usize),
}

/// The first fault of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// How it fails.
    pub breaks: Breaks,
    /// The rule, in a word or two.
    pub rule: &'static str,
    /// What is wrong and what to do; never a value.
    detail: String,
    /// From the value at fault outwards.
    steps: Vec<Step>,
}

/// The name when it is a plain word. What is none could be a patient's name in
/// the wrong place.
pub(super) fn shown(name: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.len() <= SHOWN_NAME_CHARACTERS_MAX && !name.is_empty() && name.chars().all(plain) {
        name
    } else {
        "(not a word)"
    }
}

impl Fault {
    pub(super) fn new(rule: &'static str, detail: impl Into<String>) -> Self {
        Self {
            breaks: Breaks::Shape,
            rule,
            detail: detail.into(),
            steps: Vec::new(),
        }
    }

    pub(super) fn bound(rule: &'static str, detail: impl Into<String>) -> Self {
        Self {
            breaks: Breaks::Bound,
            ..Self::new(rule, detail)
        }
    }

    /// The fault as seen from one step further out.
    pub(super) fn within(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Places the fault; `path` leads from the whole text inwards.
    pub(super) fn at(mut self, path: Vec<Step>) -> Self {
        self.steps.extend(path.into_iter().rev());
        self
    }

    /// Where, such as `addresses[1].postcode`; `body` for the whole text.
    #[must_use]
    pub fn member(&self) -> String {
        let mut place = String::new();
        for step in self.steps.iter().rev() {
            match step {
                Step::Member(name) if place.is_empty() => shown(name).clone_into(&mut place),
                Step::Member(name) => {
                    place.push('.');
                    place.push_str(shown(name));
                }
                Step::Item(index) => {
                    place.push('[');
                    place.push_str(&index.to_string());
                    place.push(']');
                }
            }
        }
        if place.is_empty() {
            place.push_str("body");
        }
        place
    }

    /// What is wrong and what to do next; `noun` is what the faulty thing is called.
    #[must_use]
    pub fn sentence(&self, noun: &str) -> String {
        if self.steps.is_empty() {
            return self.detail.clone();
        }
        format!("{noun} `{}` {}", self.member(), self.detail)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.sentence("member"))
    }
}

impl std::error::Error for Fault {}

/// What a type was called by serde, in words for people.
fn wanted(expected: &dyn Expected) -> String {
    let said = expected.to_string();
    match said.as_str() {
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        "a string" => "text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "u8" => "a whole number from 0 to 255".to_owned(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".to_owned(),
        "u16" | "u32" | "u64" | "usize" => "a whole number, not negative".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        _ if said.starts_with("struct ") => "an object".to_owned(),
        _ => said,
    }
}

fn found(unexpected: &Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a whole number",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Char(_) | Unexpected::Str(_) => "text",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        Unexpected::Map | Unexpected::StructVariant => "an object",
        _ => "something else",
    }
}

impl Error for Fault {
    /// The text may hold a value, so that it is not passed on.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::new("value", "has a value that it cannot have")
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let (found, wanted) = (found(&unexpected), wanted(expected));
        Self::new("type", format!("is {found}, and should be {wanted}"))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::bound("range", format!("should be {}", wanted(expected)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new("enum", format!("should be one of {}", expected.join(", ")))
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        // The reader adds the name as a step.
        Self::new(
            "unknown member",
            "is unknown here; /openapi.json lists the members",
        )
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new("required member", "is missing").within(Step::Member(name.to_owned()))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::new("unique members", "is there twice; send it once")
            .within(Step::Member(name.to_owned()))
    }
}
