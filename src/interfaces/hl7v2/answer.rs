//! What a sender is told: MSA, ERR in words, and the segments of an answer to a
//! question; in original mode (one answer) or enhanced mode (accepted, then answered).

use crate::foundation::Instant;
use crate::interfaces::hl7v2::character_set::Declared;
use crate::interfaces::hl7v2::er7::{Line, components, escape};
use crate::interfaces::hl7v2::fault::{Fault, Place, Verdict};
use crate::interfaces::hl7v2::header::Header;
use crate::interfaces::hl7v2::settings::ErrorPlaces;

/// What has become of a message.
#[derive(Default)]
pub(super) struct Answer {
    /// Why it was not done.
    pub(super) fault: Option<Fault>,
    /// What its sender should know though it was done.
    pub(super) notes: Vec<String>,
    /// For a question: the event of the answer (`K22`), and its segments.
    pub(super) response: Option<(&'static str, Vec<Line>)>,
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..Self::default()
        }
    }
}

/// What every message to this sender has.
pub(super) struct Frame<'a> {
    /// The message that is answered.
    pub(super) header: &'a Header,
    /// Its character set.
    pub(super) declared: &'a Declared,
    /// The present.
    pub(super) now: Instant,
    /// How places are named.
    pub(super) places: ErrorPlaces,
}

impl Frame<'_> {
    /// The messages to send back, in order; `ids` gives control ids.
    pub(super) fn render(&self, answer: &Answer, ids: impl Fn() -> String) -> Vec<Vec<u8>> {
        let fault = answer.fault.as_ref();
        let rejected = fault.is_some_and(|fault| fault.verdict == Verdict::Reject);
        let code = |accept: bool| match (fault.map(|fault| fault.verdict), accept) {
            (None, false) => "AA",
            (Some(Verdict::Error), false) => "AE",
            (Some(Verdict::Reject), false) => "AR",
            (None, true) => "CA",
            (Some(Verdict::Error), true) => "CE",
            (Some(Verdict::Reject), true) => "CR",
        };
        let Some([accept, application]) = self.header.wanted else {
            return vec![self.message(code(false), answer, true, &ids())];
        };
        let mut messages = Vec::new();
        // A question is asked for its answer.
        let answers =
            !rejected && (application.wants(fault.is_none()) || answer.response.is_some());
        if accept.wants(fault.is_none() || (answers && !rejected)) {
            let said = if answers { "CA" } else { code(true) };
            let said_with_fault = said != "CA";
            messages.push(self.message(said, answer, said_with_fault, &ids()));
        }
        if answers {
            messages.push(self.message(code(false), answer, true, &ids()));
        }
        messages
    }

    /// One message; `whole` with what was found and why, else the acceptance alone.
    fn message(&self, code: &str, answer: &Answer, whole: bool, id: &str) -> Vec<u8> {
        let accepts = code.starts_with('C');
        let response = answer.response.as_ref().filter(|_| whole && !accepts);
        let mut lines = vec![self.acknowledgement(code, answer, whole)];
        if whole {
            lines.extend(answer.fault.iter().map(|fault| self.error(fault)));
            // Older versions know no severity: a note would read as a failure.
            let notes = answer.notes.iter().filter(|_| self.knows_severity());
            lines.extend(notes.map(|note| warning(note)));
        }
        self.declared.encode(|character_set| {
            let mut out = String::new();
            self.msh(response.map(|(event, _)| *event), id, character_set)
                .write(&mut out);
            let after = response.iter().flat_map(|(_, lines)| lines);
            for line in lines.iter().chain(after) {
                line.write(&mut out);
            }
            out
        })
    }

    fn msh(&self, response: Option<&str>, id: &str, character_set: &str) -> Line {
        let header = self.header;
        let kind = match response {
            // IHE's name of the structure differs from the rule for this one.
            Some("K22") => "RSP^K22^RSP_K21".to_owned(),
            Some(event) => format!("RSP^{event}^RSP_{event}"),
            None if header.event.is_empty() => "ACK".to_owned(),
            None if self.is_before(4) => format!("ACK^{}", escape(&header.event)),
            None => format!("ACK^{}^ACK", escape(&header.event)),
        };
        let version = match header.version.as_str() {
            "" => "2.5",
            said => said,
        };
        let [to_application, to_facility] = header.sender.clone();
        let [application, facility] = header.receiver.clone();
        Line::new("MSH")
            .er7(2, "^~\\&")
            .er7(3, application)
            .er7(4, facility)
            .er7(5, to_application)
            .er7(6, to_facility)
            .er7(7, stamp(self.now))
            .er7(9, kind)
            .text(10, id)
            .text(11, &header.processing)
            .text(12, version)
            .text(18, character_set)
    }

    fn acknowledgement(&self, code: &str, answer: &Answer, whole: bool) -> Line {
        let text = answer.fault.as_ref().filter(|_| whole);
        let text = text.map_or("", |fault| &fault.text);
        Line::new("MSA")
            .text(1, code)
            .er7(2, self.header.control_id.clone())
            .text(3, text)
    }

    fn error(&self, fault: &Fault) -> Line {
        let (code, words) = fault.code.words();
        let mut line = Line::new("ERR");
        if let Some(place) = fault.place {
            line = line.er7(2, self.place(place));
        }
        if self.is_before(5) {
            let place = fault.place.unwrap_or_default();
            let field = number(place.field);
            line = line.er7(
                1,
                format!(
                    "{}^1^{field}^{code}&{}&HL70357",
                    place.segment,
                    escape(&fault.text)
                ),
            );
        }
        line.er7(3, components(&[code, words, "HL70357"]))
            .text(4, "E")
            .text(8, &fault.text)
    }

    fn place(&self, place: Place) -> String {
        let (repetition, component) = match self.places {
            ErrorPlaces::Standard => (place.repetition, place.component),
            // Its repetition and component stand in each other's place.
            ErrorPlaces::Ohie => (place.component, place.repetition),
        };
        let parts = [place.field, repetition, component].map(number);
        let all = ["1", &parts[0], &parts[1], &parts[2]];
        format!("{}^{}", place.segment, components(&all))
    }

    fn is_before(&self, minor: u8) -> bool {
        let said = self.header.version.strip_prefix("2.");
        let digit = said
            .and_then(|rest| rest.get(..1))
            .and_then(|it| it.parse::<u8>().ok());
        digit.is_some_and(|said| said < minor)
    }

    fn knows_severity(&self) -> bool {
        !self.is_before(5)
    }
}

fn number(value: u16) -> String {
    match value {
        0 => String::new(),
        value => value.to_string(),
    }
}

fn warning(note: &str) -> Line {
    Line::new("ERR")
        .er7(3, components(&["0", "Message accepted", "HL70357"]))
        .text(4, "W")
        .text(8, note)
}

/// `YYYYMMDDHHMMSS+0000`.
pub(super) fn stamp(now: Instant) -> String {
    let text = now.to_string();
    let digits: String = text.chars().take(19).filter(char::is_ascii_digit).collect();
    format!("{digits}+0000")
}
