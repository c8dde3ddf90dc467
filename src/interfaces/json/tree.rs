//! Text to tree: syntax, encoding, depth, members that are there twice, bounds.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor,
};

use crate::foundation::limits::{JSON_DEPTH_MAX, TEXT_CHARACTERS_MAX, VALUES_PER_LIST_MAX};
use crate::interfaces::json::Fault;
use crate::interfaces::json::fault::Step;

/// A JSON value as read, members in their order and each there once.
#[derive(Clone, PartialEq)]
pub enum Tree<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text.
    Text(Cow<'a, str>),
    /// The text of a query parameter, which stands for a value of any kind.
    Parameter(String),
    /// A list.
    List(Vec<Tree<'a>>),
    /// An object.
    Object(Vec<(Cow<'a, str>, Tree<'a>)>),
}

impl fmt::Debug for Tree<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tree([redacted])")
    }
}

impl<'a> Tree<'a> {
    /// Reads a text that is one JSON object.
    ///
    /// # Errors
    /// It is no JSON in UTF-8, no object, has a member twice, or goes beyond a bound.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Fault> {
        let text = utf8(bytes)?;
        if text.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
            return Err(Fault::new(
                "syntax",
                "there is no JSON here; send an object",
            ));
        }
        let mut scan = Scan::default();
        let mut reader = serde_json::Deserializer::from_str(text);
        let tree = match scan.seed().deserialize(&mut reader) {
            Ok(tree) => tree,
            Err(error) => return Err(scan.fault(&error)),
        };
        if let Err(error) = reader.end() {
            let (line, column) = (error.line(), error.column());
            let detail = format!("there is text after the object, at line {line}, column {column}");
            return Err(Fault::new("syntax", detail));
        }
        match tree {
            Self::Object(_) => Ok(tree),
            other => {
                let found = other.kind();
                let detail = format!("this is {found}, and should be an object");
                Err(Fault::new("type", detail))
            }
        }
    }

    /// An object of members that come from elsewhere than a text.
    ///
    /// # Errors
    /// A member is there twice.
    pub fn of_members(members: Vec<(Cow<'a, str>, Self)>) -> Result<Self, Fault> {
        let mut names = BTreeSet::new();
        for (name, _) in &members {
            if !names.insert(name) {
                let step = Step::Member(name.clone().into_owned());
                return Err(twice().within(step));
            }
        }
        Ok(Self::Object(members))
    }

    /// What it is, in words.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Text(_) | Self::Parameter(_) => "text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// Takes a member out of an object.
    pub fn take(&mut self, name: &str) -> Option<Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let place = members.iter().position(|(held, _)| held == name)?;
        Some(members.remove(place).1)
    }

    /// Takes a member out and reads it; `None` when it is not there.
    ///
    /// # Errors
    /// It is of another type.
    pub fn take_as<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, Fault> {
        let value = self.take(name).map(Tree::read).transpose();
        value.map_err(|fault| fault.within(Step::Member(name.to_owned())))
    }

    /// The fault of an object that lacks this member.
    #[must_use]
    pub fn missing(name: &'static str) -> Fault {
        Error::missing_field(name)
    }
}

fn twice() -> Fault {
    Fault::new("unique members", "is there twice; send it once")
}

fn utf8(bytes: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let detail = if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            "this is UTF-16; send UTF-8".to_owned()
        } else {
            let byte = error.valid_up_to() + 1;
            format!("byte {byte} is not UTF-8; send UTF-8")
        };
        Fault::new("encoding", detail)
    })?;
    // RFC 8259 §8.1 lets a reader ignore one byte order mark.
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Where the reader is, and what it has refused.
#[derive(Default)]
struct Scan {
    path: Vec<Step>,
    refused: Option<Fault>,
}

impl Scan {
    const fn seed(&mut self) -> Value<'_> {
        Value { scan: self }
    }

    fn refuse<E: Error>(&mut self, fault: Fault) -> E {
        self.refused.get_or_insert(fault);
        E::custom("refused")
    }

    /// Syntax errors of the JSON reader are fixed sentences: no value is in them.
    fn fault(&mut self, error: &serde_json::Error) -> Fault {
        let path = std::mem::take(&mut self.path);
        if let Some(fault) = self.refused.take() {
            return fault.at(path);
        }
        let said = error.to_string();
        let said = said.split(" at line").next().unwrap_or_default().to_owned();
        let rule = match () {
            () if said.contains("surrogate") || said.contains("hex escape") => "unicode",
            () if said.contains("number out of range") => "number",
            () => "syntax",
        };
        let place = format!("line {}, column {}", error.line(), error.column());
        let detail = if path.is_empty() {
            format!("this is not JSON: {said} at {place}")
        } else {
            format!("is not JSON: {said} at {place}")
        };
        Fault::new(rule, detail).at(path)
    }
}

/// One value.
struct Value<'s> {
    scan: &'s mut Scan,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Tree<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Value<'_> {
    fn text<E: Error>(&mut self, text: &str) -> Result<(), E> {
        if text.len() > TEXT_CHARACTERS_MAX && text.chars().count() > TEXT_CHARACTERS_MAX {
            let detail = format!("is longer than {TEXT_CHARACTERS_MAX} characters");
            return Err(self.scan.refuse(Fault::bound("maxLength", detail)));
        }
        Ok(())
    }

    fn room<E: Error>(&mut self, count: usize, rule: &'static str) -> Result<(), E> {
        if count < VALUES_PER_LIST_MAX {
            return Ok(());
        }
        self.scan.path.pop();
        let detail = format!("has more than {VALUES_PER_LIST_MAX} values");
        Err(self.scan.refuse(Fault::bound(rule, detail)))
    }

    fn descend<E: Error>(&mut self) -> Result<(), E> {
        if self.scan.path.len() < JSON_DEPTH_MAX {
            return Ok(());
        }
        // The path of a text of brackets alone says nothing.
        self.scan.path.truncate(1);
        let detail = format!("is nested more than {JSON_DEPTH_MAX} deep");
        Err(self.scan.refuse(Fault::new("depth", detail)))
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Tree<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Tree<'de>, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree<'de>, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree<'de>, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree<'de>, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Tree<'de>, E> {
        let number = serde_json::Number::from_f64(value);
        number.map(Tree::Number).ok_or_else(|| {
            let detail = "is a number that is too large";
            self.scan.refuse(Fault::new("number", detail))
        })
    }

    fn visit_borrowed_str<E: Error>(mut self, text: &'de str) -> Result<Tree<'de>, E> {
        self.text(text)?;
        Ok(Tree::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<Tree<'de>, E> {
        self.text(text)?;
        Ok(Tree::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Tree<'de>, A::Error> {
        self.descend()?;
        let mut items = Vec::new();
        loop {
            self.scan.path.push(Step::Item(items.len()));
            let Some(item) = list.next_element_seed(self.scan.seed())? else {
                break;
            };
            self.room(items.len(), "maxItems")?;
            self.scan.path.pop();
            items.push(item);
        }
        self.scan.path.pop();
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<Tree<'de>, A::Error> {
        self.descend()?;
        let mut members: Vec<(Cow<'de, str>, Tree<'de>)> = Vec::new();
        let mut names = BTreeSet::new();
        while let Some(Name(name)) = object.next_key::<Name<'de>>()? {
            self.scan.path.push(Step::Member(name.clone().into_owned()));
            self.room(members.len(), "maxProperties")?;
            if !names.insert(name.clone()) {
                return Err(self.scan.refuse(twice()));
            }
            let value = object.next_value_seed(self.scan.seed())?;
            self.scan.path.pop();
            members.push((name, value));
        }
        Ok(Tree::Object(members))
    }
}

/// The name of a member, borrowed where it has no escapes.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);
