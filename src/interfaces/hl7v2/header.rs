//! MSH and EVN: what kind of message it is, from whom, and how it wants to be
//! answered.

use crate::interfaces::hl7v2::er7::Message;
use crate::interfaces::hl7v2::fault::{Code, Fault, Place};
use crate::interfaces::hl7v2::time_stamp::TimeStamp;

/// Longest control id; the standard has 20, later 199 characters.
const CONTROL_ID_CHARACTERS_MAX: usize = 199;

/// When an acknowledgement is wanted (table 0155).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Always,
    Never,
    OnError,
    OnSuccess,
}

impl Wanted {
    fn of(code: &str) -> Option<Self> {
        match code {
            "AL" => Some(Self::Always),
            "NE" => Some(Self::Never),
            "ER" => Some(Self::OnError),
            "SU" => Some(Self::OnSuccess),
            _ => None,
        }
    }

    /// Whether it is wanted of this outcome.
    pub(super) const fn wants(self, success: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::OnError => !success,
            Self::OnSuccess => success,
        }
    }
}

/// Types and events that this door knows: only these are written down.
const KNOWN: [&str; 14] = [
    "ADT^A01", "ADT^A04", "ADT^A05", "ADT^A08", "ADT^A23", "ADT^A24", "ADT^A28", "ADT^A29",
    "ADT^A31", "ADT^A37", "ADT^A40", "ADT^A47", "QBP^Q22", "QBP^Q23",
];

/// What MSH says, unescaped only where it is looked at: what is sent back goes back as
/// it came.
#[derive(Default)]
pub(super) struct Header {
    /// MSH-3 and MSH-4 as sent.
    pub(super) sender: [String; 2],
    /// MSH-5 and MSH-6 as sent.
    pub(super) receiver: [String; 2],
    /// MSH-3.1 and MSH-4.1.
    pub(super) application: String,
    pub(super) facility: String,
    /// MSH-8.
    pub(super) security: Option<String>,
    /// MSH-9.1 and MSH-9.2.
    pub(super) kind: String,
    pub(super) event: String,
    /// MSH-10 as sent.
    pub(super) control_id: String,
    /// MSH-11.1.
    pub(super) processing: String,
    /// MSH-12.1.
    pub(super) version: String,
    /// MSH-15 and MSH-16; `None` for the original mode.
    pub(super) wanted: Option<[Wanted; 2]>,
    /// When what it says was so.
    pub(super) at: Option<String>,
}

impl Header {
    /// Reads MSH and EVN; what is missing is asked for by [`Header::check`].
    pub(super) fn read(message: &Message<'_>) -> Self {
        let msh = message.header();
        let text = |field: usize| msh.field(field).text().unwrap_or_default();
        let sent = |field: usize| msh.field(field).in_usual_form();
        let modes = [15, 16].map(|field| Wanted::of(&text(field)));
        let wanted = modes.iter().any(Option::is_some).then(|| {
            // In enhanced mode an empty field means "never".
            modes.map(|mode| mode.unwrap_or(Wanted::Never))
        });
        let event = msh.field(9).component(2).text();
        let event = event.or_else(|| message.first("EVN").and_then(|evn| evn.field(1).text()));
        Self {
            sender: [sent(3), sent(4)],
            receiver: [sent(5), sent(6)],
            application: text(3),
            facility: text(4),
            security: msh.field(8).text(),
            kind: text(9),
            event: event.unwrap_or_default(),
            control_id: sent(10),
            processing: text(11),
            version: text(12),
            wanted,
            at: event_time(message),
        }
    }

    /// Refuses what no message may lack.
    ///
    /// # Errors
    /// A field of MSH is missing or not understood.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let refuse = |code, field, text: &'static str| {
            Err(Fault::reject(code, Place::field("MSH", field), text))
        };
        if self.kind.is_empty() {
            return refuse(Code::FieldMissing, 9, "the message has no type");
        }
        let length = self.control_id.chars().count();
        if self.control_id.trim().is_empty() || length > CONTROL_ID_CHARACTERS_MAX {
            return refuse(
                Code::FieldMissing,
                10,
                "the control id must have 1 to 199 characters",
            );
        }
        if !self.version.is_empty() && !self.version.starts_with("2.") {
            return refuse(Code::Version, 12, "only versions 2.1 to 2.9 are understood");
        }
        Ok(())
    }

    /// Type and event where they are known ones: what else is sent there may be anything.
    pub(super) fn known_name(&self) -> &'static str {
        let name = format!("{}^{}", self.kind, self.event);
        KNOWN
            .iter()
            .find(|known| **known == name)
            .copied()
            .unwrap_or("message")
    }
}

/// The moment that the message speaks of: when the event was recorded (EVN-2) where
/// that has a time of day; else when the message was made (MSH-7), because one day may
/// see many messages; else the day of EVN-2.
fn event_time(message: &Message<'_>) -> Option<String> {
    let stamp = |text: Option<String>| text.and_then(|text| TimeStamp::parse(&text));
    let recorded = stamp(message.first("EVN").and_then(|evn| evn.field(2).text()));
    let made = stamp(message.header().field(7).text());
    let timed = |stamp: &TimeStamp| stamp.has_clock();
    let best = recorded.filter(timed).or(made.filter(timed));
    best.or(recorded).or(made).and_then(TimeStamp::moment)
}
