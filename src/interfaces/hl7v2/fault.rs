//! Why a message is not taken, in HL7's codes (tables 0008, 0357, 0516) and in words
//! for people. No value of a patient stands in a fault.

use std::borrow::Cow;

use crate::flows::FlowError;

/// What the sender should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The message has a fault: sent again it would fail again.
    Error,
    /// It cannot be taken as it is or not now, for reasons beside its content.
    Reject,
}

/// HL7 table 0357.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    SegmentSequence,
    FieldMissing,
    DataType,
    TableValue,
    MessageType,
    Event,
    Processing,
    Version,
    UnknownKey,
    Inside,
}

impl Code {
    /// Code and text of the table.
    pub(super) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::SegmentSequence => ("100", "Segment sequence error"),
            Self::FieldMissing => ("101", "Required field missing"),
            Self::DataType => ("102", "Data type error"),
            Self::TableValue => ("103", "Table value not found"),
            Self::MessageType => ("200", "Unsupported message type"),
            Self::Event => ("201", "Unsupported event code"),
            Self::Processing => ("202", "Unsupported processing id"),
            Self::Version => ("203", "Unsupported version id"),
            Self::UnknownKey => ("204", "Unknown key identifier"),
            Self::Inside => ("207", "Application internal error"),
        }
    }
}

/// Where: segment, its sequence, field, repetition and component, each counted from
/// 1; zero for "not said".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) segment: &'static str,
    pub(super) field: u16,
    pub(super) repetition: u16,
    pub(super) component: u16,
}

impl Place {
    /// A field.
    pub(super) const fn field(segment: &'static str, field: u16) -> Self {
        Self {
            segment,
            field,
            repetition: 0,
            component: 0,
        }
    }

    /// A repetition of it, or a component of one.
    pub(super) const fn within(self, repetition: u16, component: u16) -> Self {
        Self {
            repetition,
            component,
            ..self
        }
    }
}

/// Why nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) verdict: Verdict,
    pub(super) code: Code,
    pub(super) place: Option<Place>,
    /// For people.
    pub(super) text: Cow<'static, str>,
    /// Somebody tried what it may not: this is audited.
    pub(super) forbidden: bool,
}

impl Fault {
    /// The message has a fault.
    pub(super) fn error(code: Code, place: Place, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            verdict: Verdict::Error,
            code,
            place: Some(place),
            text: text.into(),
            forbidden: false,
        }
    }

    /// It cannot be taken.
    pub(super) fn reject(code: Code, place: Place, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            verdict: Verdict::Reject,
            ..Self::error(code, place, text)
        }
    }

    /// The sender may not do this.
    pub(super) fn forbidden(place: Place, text: impl Into<Cow<'static, str>>) -> Self {
        Self {
            forbidden: true,
            ..Self::error(Code::UnknownKey, place, text)
        }
    }

    /// What a flow said. What passes by itself is a rejection: the same message may be
    /// taken in a moment.
    pub(super) fn of(error: &FlowError, place: Place) -> Self {
        let text = error.to_string();
        match error {
            FlowError::NotFound(_) => Self::error(Code::UnknownKey, place, text),
            FlowError::Denied(_) => Self::forbidden(place, text),
            FlowError::Stopped
            | FlowError::Busy
            | FlowError::Broken
            | FlowError::Store(_)
            | FlowError::Index(_) => Self {
                place: None,
                ..Self::reject(
                    Code::Inside,
                    place,
                    format!("{text}; nothing was done, send it again"),
                )
            },
            _ => Self::error(Code::DataType, place, text),
        }
    }
}
