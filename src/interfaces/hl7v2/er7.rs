//! ER7, the text form of HL7 v2: segments, fields, repetitions, components and
//! subcomponents, split where they are asked for. Reading never fails below the
//! level of the message: a part that is not there is empty.
//!
//! Own code and no crate: those that exist put what was sent into their errors, and
//! refuse what real senders do, such as blanks before a segment.

use std::fmt::Write as _;

use crate::foundation::load_limits::HL7_SEGMENTS_MAX;

/// Why a text is no message. Holds no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    /// It does not begin with MSH.
    #[error("the message does not begin with an MSH segment")]
    NoHeader,
    /// MSH-1 and MSH-2.
    #[error("MSH-1 and MSH-2 must name separators that all differ")]
    Separators,
    /// Its number, counted from 1.
    #[error("line {0} does not begin with the name of a segment")]
    SegmentName(usize),
    /// Too much.
    #[error("the message has more segments than are taken")]
    TooManySegments,
}

/// What parts what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Separators {
    field: char,
    component: char,
    repetition: char,
    escape: Option<char>,
    subcomponent: Option<char>,
}

/// Those that this program writes.
pub(super) const USUAL: Separators = Separators {
    field: '|',
    component: '^',
    repetition: '~',
    escape: Some('\\'),
    subcomponent: Some('&'),
};

impl Separators {
    fn read(header: &str) -> Result<Self, Malformed> {
        let mut characters = header.chars().skip(3);
        let field = characters.next().ok_or(Malformed::Separators)?;
        let encoding: Vec<char> = characters.take_while(|it| *it != field).collect();
        let (component, repetition) = match encoding.as_slice() {
            [component, repetition, ..] => (*component, *repetition),
            _ => return Err(Malformed::Separators),
        };
        let all: Vec<char> = [field].into_iter().chain(encoding.clone()).collect();
        let odd = |it: &char| it.is_alphanumeric() || it.is_control() || it.is_whitespace();
        let twice = |(place, it)| all[..place].contains(it);
        if all.len() > 6 || all.iter().any(odd) || all.iter().enumerate().any(twice) {
            return Err(Malformed::Separators);
        }
        Ok(Self {
            field,
            component,
            repetition,
            escape: encoding.get(2).copied(),
            subcomponent: encoding.get(3).copied(),
        })
    }
}

/// A message.
pub(super) struct Message<'m> {
    segments: Vec<Segment<'m>>,
}

impl<'m> Message<'m> {
    /// Splits a text into segments.
    ///
    /// # Errors
    /// [`Malformed`].
    pub(super) fn parse(text: &'m str) -> Result<Self, Malformed> {
        let text = text.trim_start_matches(['\u{FEFF}', '\r', '\n', ' ', '\t']);
        let header = text.split(['\r', '\n']).next().unwrap_or_default();
        if !header.starts_with("MSH") {
            return Err(Malformed::NoHeader);
        }
        let separators = Separators::read(header)?;
        let mut segments = Vec::new();
        for (place, line) in text.split(['\r', '\n']).enumerate() {
            let raw = line.trim_start();
            if raw.is_empty() {
                continue;
            }
            let letters = raw.chars().take(3).filter(char::is_ascii_alphanumeric);
            let ends = raw.chars().nth(3).is_none_or(|it| it == separators.field);
            let named = raw.starts_with(|it: char| it.is_ascii_uppercase());
            if !named || letters.count() < 3 || !ends {
                return Err(Malformed::SegmentName(place + 1));
            }
            if segments.len() == HL7_SEGMENTS_MAX {
                return Err(Malformed::TooManySegments);
            }
            segments.push(Segment { raw, separators });
        }
        Ok(Self { segments })
    }

    /// All segments, in order.
    pub(super) fn segments(&self) -> impl Iterator<Item = Segment<'m>> + '_ {
        self.segments.iter().copied()
    }

    /// The first segment of a name.
    pub(super) fn first(&self, name: &str) -> Option<Segment<'m>> {
        self.segments().find(|segment| segment.name() == name)
    }

    /// MSH.
    pub(super) fn header(&self) -> Segment<'m> {
        self.segments[0]
    }
}

/// A segment.
#[derive(Clone, Copy)]
pub(super) struct Segment<'m> {
    raw: &'m str,
    separators: Separators,
}

impl<'m> Segment<'m> {
    /// A segment by itself, written by this program.
    pub(super) const fn usual(raw: &'m str) -> Self {
        Self {
            raw,
            separators: USUAL,
        }
    }

    /// Its three letters.
    pub(super) fn name(&self) -> &'m str {
        &self.raw[..3]
    }

    /// A field, counted from 1; MSH-1 is the separator itself.
    pub(super) fn field(&self, number: usize) -> Part<'m> {
        let place = match (self.name(), number) {
            ("MSH", 1) => {
                let end = 3 + self.separators.field.len_utf8();
                return self.part(&self.raw[3..end]);
            }
            ("MSH", number) => number - 1,
            (_, number) => number,
        };
        let raw = self.raw.split(self.separators.field).nth(place);
        self.part(raw.unwrap_or_default())
    }

    const fn part(&self, raw: &'m str) -> Part<'m> {
        Part {
            raw,
            separators: self.separators,
        }
    }

    /// The same text with the separators that this program writes.
    pub(super) fn in_usual_form(&self) -> String {
        if self.separators == USUAL {
            return self.raw.to_owned();
        }
        let fields: Vec<String> = (self.raw.split(self.separators.field).skip(1))
            .map(|raw| self.part(raw).in_usual_form())
            .collect();
        format!("{}|{}", self.name(), fields.join("|"))
    }
}

/// A field, a repetition, a component or a subcomponent.
#[derive(Clone, Copy)]
pub(super) struct Part<'m> {
    raw: &'m str,
    separators: Separators,
}

impl<'m> Part<'m> {
    /// Nothing was sent. `""` is something: it says that there is no value.
    pub(super) const fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    const fn with(self, raw: &'m str) -> Self {
        Self { raw, ..self }
    }

    /// The repetitions that hold anything.
    pub(super) fn repetitions(self) -> impl Iterator<Item = Self> {
        let parts = self.raw.split(self.separators.repetition);
        parts
            .filter(|raw| !raw.is_empty())
            .map(move |raw| self.with(raw))
    }

    /// A component of the first repetition, counted from 1.
    pub(super) fn component(self, number: usize) -> Self {
        let first = self.raw.split(self.separators.repetition).next();
        let found = first.and_then(|raw| raw.split(self.separators.component).nth(number - 1));
        self.with(found.unwrap_or_default())
    }

    /// A subcomponent, counted from 1.
    pub(super) fn subcomponent(self, number: usize) -> Self {
        let found = match self.separators.subcomponent {
            Some(separator) => self.raw.split(separator).nth(number - 1),
            None => (number == 1).then_some(self.raw),
        };
        self.with(found.unwrap_or_default())
    }

    /// The text of the first component and subcomponent, trimmed and without escapes;
    /// `None` when nothing was said or `""` was.
    pub(super) fn text(self) -> Option<String> {
        let leaf = self.component(1).subcomponent(1);
        let text = unescape(leaf.raw, self.separators);
        let text = text.trim();
        (!text.is_empty() && text != "\"\"").then(|| text.to_owned())
    }

    /// All that stands here, escapes read and separators kept: for texts that are
    /// compared whole.
    pub(super) const fn as_sent(self) -> &'m str {
        self.raw
    }

    /// The same with the separators that this program writes.
    pub(super) fn in_usual_form(self) -> String {
        let separators = self.separators;
        let each =
            |raw: &str, separator: Option<char>, joined: &str, write: &dyn Fn(&str) -> String| {
                let parts: Vec<String> = match separator {
                    Some(separator) => raw.split(separator).map(write).collect(),
                    None => vec![write(raw)],
                };
                parts.join(joined)
            };
        let leaf = |raw: &str| escape(&unescape(raw, separators));
        let component = |raw: &str| each(raw, separators.subcomponent, "&", &leaf);
        let repetition = |raw: &str| each(raw, Some(separators.component), "^", &component);
        each(self.raw, Some(separators.repetition), "~", &repetition)
    }
}

/// The text that escapes stand for; what is no escape stays as it is.
fn unescape(raw: &str, separators: Separators) -> String {
    let Some(escape) = separators.escape.filter(|escape| raw.contains(*escape)) else {
        return raw.to_owned();
    };
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(start) = rest.find(escape) {
        let (before, after) = (&rest[..start], &rest[start + escape.len_utf8()..]);
        text.push_str(before);
        let Some(end) = after.find(escape) else {
            rest = &rest[start..];
            break;
        };
        let code = &after[..end];
        rest = &after[end + escape.len_utf8()..];
        match code {
            "F" => text.push(separators.field),
            "S" => text.push(separators.component),
            "T" => text.extend(separators.subcomponent),
            "R" => text.push(separators.repetition),
            "E" => text.push(escape),
            ".br" | ".sp" | "X0D" | "X0A" | "X0D0A" => text.push(' '),
            // Highlighting says nothing about a person.
            "H" | "N" => {}
            // Unknown, or no escape at all: as it was sent.
            _ => {
                text.push(escape);
                text.push_str(code);
                text.push(escape);
            }
        }
    }
    text.push_str(rest);
    text
}

/// A text with escapes for what would part it. Control characters are left out.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' => escaped.push_str("\\F\\"),
            '^' => escaped.push_str("\\S\\"),
            '&' => escaped.push_str("\\T\\"),
            '~' => escaped.push_str("\\R\\"),
            '\\' => escaped.push_str("\\E\\"),
            _ if character.is_control() => escaped.push(' '),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A segment that is being written.
pub(super) struct Line {
    name: &'static str,
    fields: Vec<String>,
}

impl Line {
    /// A segment without fields.
    pub(super) const fn new(name: &'static str) -> Self {
        Self {
            name,
            fields: Vec::new(),
        }
    }

    /// A segment that was sent, to be sent back with changes.
    pub(super) fn of(name: &'static str, sent: &Segment<'_>) -> Self {
        let text = sent.in_usual_form();
        Self {
            name,
            fields: text.split('|').skip(1).map(str::to_owned).collect(),
        }
    }

    /// Sets a field, counted from 1, to ER7.
    pub(super) fn er7(mut self, number: usize, er7: impl Into<String>) -> Self {
        if self.fields.len() < number {
            self.fields.resize(number, String::new());
        }
        self.fields[number - 1] = er7.into();
        self
    }

    /// Sets a field to a text.
    pub(super) fn text(self, number: usize, text: &str) -> Self {
        self.er7(number, escape(text))
    }

    /// Whether a field says anything.
    pub(super) fn has(&self, number: usize) -> bool {
        self.fields
            .get(number - 1)
            .is_some_and(|field| !field.is_empty())
    }

    /// The segment with its end. What was sent as ER7 is written back as it was, but
    /// for control characters: they end segments and frames.
    pub(super) fn write(&self, out: &mut String) {
        let start = out.len();
        let used = self.fields.iter().rposition(|field| !field.is_empty());
        let fields = &self.fields[..used.map_or(0, |last| last + 1)];
        let _ = match self.name {
            "MSH" => write!(out, "MSH|{}", fields.get(1..).unwrap_or_default().join("|")),
            name => write!(
                out,
                "{name}{}{}",
                if fields.is_empty() { "" } else { "|" },
                fields.join("|")
            ),
        };
        if out[start..].contains(char::is_control) {
            let plain = out[start..].replace(char::is_control, " ");
            out.replace_range(start.., &plain);
        }
        out.push('\r');
    }
}

/// Components of a field, each a text; those at the end that are empty are left out.
pub(super) fn components(texts: &[&str]) -> String {
    let used = texts.iter().rposition(|text| !text.is_empty());
    let texts = &texts[..used.map_or(0, |last| last + 1)];
    let texts: Vec<String> = texts.iter().map(|text| escape(text)).collect();
    texts.join("^")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Line, Malformed, Message, Segment, components, escape};

    const MERGE: &str = "MSH|^~\\&|PAS|RVV|A|B|20261122||ADT^A40^ADT_A39|1|P|2.4\rEVN|A40\n\
        \x20 PID|1||9^^^RVV&1.2&ISO^MR~9990000018^^^NHS^NH{status:01}||O\\T\\Neill^Ann~Hill^Ann^^^^^M\r\n\
        MRG|7^^^RVV\rZPI|\\X41\\|a\\F\\b|\"\"|c:\\d";

    #[test]
    fn every_part_of_a_message_is_found_by_its_number() {
        let message = Message::parse(MERGE).expect("a message");
        let header = message.header();
        assert_eq!(header.field(1).as_sent(), "|");
        assert_eq!(header.field(2).as_sent(), "^~\\&");
        assert_eq!(header.field(9).component(2).text().as_deref(), Some("A40"));
        let pid = message.first("PID").expect("PID");
        let ids: Vec<_> = pid.field(3).repetitions().collect();
        assert_eq!(
            ids[0].component(4).subcomponent(2).text().as_deref(),
            Some("1.2")
        );
        assert_eq!(ids[1].text().as_deref(), Some("9990000018"));
        assert_eq!(pid.field(5).text().as_deref(), Some("O&Neill"));
        assert!(pid.field(99).is_empty() && pid.field(99).text().is_none());
        let kept = message.first("ZPI").expect("ZPI");
        assert_eq!(kept.field(2).text().as_deref(), Some("a|b"));
        assert_eq!(kept.field(3).text(), None, "\"\" says that there is none");
        assert_eq!(kept.field(4).text().as_deref(), Some("c:\\d"));
    }

    #[test]
    fn other_separators_are_read_and_ours_are_written() {
        let text = "MSH#!*?%#A#B\rPID###1!!!X%1.2%ISO*2##Hill!Ann|May?S?x";
        let message = Message::parse(text).expect("a message");
        let pid = message.first("PID").expect("PID");
        let usual = pid.in_usual_form();
        assert_eq!(usual, "PID|||1^^^X&1.2&ISO~2||Hill^Ann\\F\\May!x");
        let again = Segment::usual(&usual);
        assert_eq!(
            again.field(5).component(2).text().as_deref(),
            Some("Ann|May!x")
        );
    }

    #[test]
    fn what_is_no_message_is_refused_by_its_place() {
        let refused = |text| Message::parse(text).map(|_| ()).expect_err("no message");
        assert_eq!(refused("PID|1"), Malformed::NoHeader);
        assert_eq!(refused("MSH"), Malformed::Separators);
        assert_eq!(refused("MSH|^^"), Malformed::Separators);
        assert_eq!(refused("MSH|^~\\&|A\rnonsense"), Malformed::SegmentName(2));
        assert_eq!(refused("MSH|^~\\&|A\rPIDX|"), Malformed::SegmentName(2));
        let many = "MSH|^~\\&|A\r".to_owned() + &"ZZZ|\r".repeat(2_000);
        assert_eq!(refused(&many), Malformed::TooManySegments);
    }

    #[test]
    fn a_line_leaves_out_what_is_empty_at_its_end() {
        let mut out = String::new();
        Line::new("MSH")
            .er7(2, "^~\\&")
            .text(3, "A|B")
            .write(&mut out);
        Line::new("MSA").text(1, "AA").text(3, "").write(&mut out);
        assert_eq!(out, "MSH|^~\\&|A\\F\\B\rMSA|AA\r");
        assert_eq!(components(&["a", "", "c&", ""]), "a^^c\\T\\");
    }

    proptest! {
        #[test]
        fn a_text_comes_back_from_its_escapes(text in "[ -~ßł]{0,30}") {
            let raw = format!("ZZZ|{}", escape(&text));
            let trimmed = text.trim();
            let expected = (!trimmed.is_empty() && trimmed != "\"\"").then(|| trimmed.to_owned());
            prop_assert_eq!(Segment::usual(&raw).field(1).text(), expected);
        }

        #[test]
        fn no_text_breaks_the_reader(text in "MSH[|^~\\\\&#!A-Za-z0-9 \r\n\"é]{0,200}") {
            if let Ok(message) = Message::parse(&text) {
                for segment in message.segments() {
                    let usual = segment.in_usual_form();
                    let again = Segment::usual(&usual);
                    for number in 1..12 {
                        let field = segment.field(number);
                        let _ = (field.text(), field.repetitions().count(), again.field(number).text());
                        let _ = field.component(3).subcomponent(2).text();
                    }
                }
            }
        }
    }
}
