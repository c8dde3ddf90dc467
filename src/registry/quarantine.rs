//! When a source is quarantined (R98): its records suddenly contradict what is
//! known, or suddenly hold defaults. Who counts is the commit; no clock, and no
//! counter that every registration would have to write.
//!
//! What is counted are *records*, not messages: a source that sends one
//! doubtful record fifty times has one doubtful record. The window is the last
//! [`WINDOW_RECORDS`] records that the source has touched, what is usual for it
//! is taken from the [`LONG_RUN_RECORDS`] before them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::foundation::{EventPosition, RecordNumber, TaskId};
use crate::identity::{Finding, FindingCode};
use crate::registry::{RegistryEvent, RegistryState, SourceCode};

/// Records that are looked at for a jump: a file or an afternoon of a hospital,
/// and enough for fifty conflicts to be a rate.
pub const WINDOW_RECORDS: u32 = 500;
/// Records before the window that say what is usual for the source.
pub const LONG_RUN_RECORDS: u32 = 2_000;
/// Conflicts in the window below which nothing else is asked: half of the
/// hundred that R98 allows, so that two nodes that each bring the other half
/// before they see each other stay within it.
pub const CONFLICTS_MIN: usize = 50;
/// The rate must be so many times the usual one: fifty of five hundred where
/// some 2 % are usual is no chance, and a source that is always poor is a matter
/// for its owner and not for an alarm.
const CONFLICTS_JUMP: f64 = 3.0;
/// What is taken as usual for a source without a past: 4 of 200.
const USUAL: (f64, f64) = (4.0, 200.0);
/// Share of the window that must hold defaults.
const DEFAULTS_SHARE_MIN: f64 = 0.5;
/// The share must be so many times the usual one.
const DEFAULTS_JUMP: f64 = 5.0;
/// Earlier records without which nothing can be called usual: a source that
/// has always sent defaults is not alarmed about.
const DEFAULTS_EARLIER_MIN: u32 = 200;

/// What a registration says against its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    /// Its number or its demographics contradict what is known.
    Confusion,
    /// The update would turn its record into someone else.
    Overlay,
    /// A name, date or postcode is a default.
    Default,
}

/// What jumped.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineReason {
    /// Confusions and overlays.
    Conflicts,
    /// Default values.
    Defaults,
}

/// A quarantine that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantine {
    /// Since when.
    pub since: EventPosition,
    /// The record that tipped the scale.
    pub record: RecordNumber,
    /// What jumped.
    pub because: QuarantineReason,
    /// How many records of the window conflict, or hold defaults.
    pub conflicts: u32,
    /// Of how many.
    pub records: u32,
    /// The task that says so.
    pub task: TaskId,
}

/// The records before the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Earlier {
    /// How many, at most [`LONG_RUN_RECORDS`].
    pub records: u32,
    /// How many of them conflict.
    pub conflicts: u32,
    /// How many of them hold a default.
    pub defaults: u32,
}

/// A source as a commit sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceState {
    /// Set while it is quarantined.
    pub quarantine: Option<Quarantine>,
    /// Records of the window that conflict, since the last release.
    pub conflicts: BTreeSet<RecordNumber>,
    /// Records of the window that hold a default, since the last release.
    pub defaults: BTreeSet<RecordNumber>,
    /// What is usual.
    pub earlier: Earlier,
}

impl SourceState {
    /// Whether so many further records could show a jump, whatever is usual.
    #[must_use]
    pub fn is_near_alarm(&self, more: usize) -> bool {
        let defaults = f64::from(count(self.defaults.len() + more)) / f64::from(WINDOW_RECORDS);
        self.conflicts.len() + more >= CONFLICTS_MIN || defaults >= DEFAULTS_SHARE_MIN
    }

    /// What has jumped, and how many records of the window show it.
    #[must_use]
    pub fn alarm(&self) -> Option<(QuarantineReason, u32)> {
        let usual =
            |count: u32| (f64::from(count) + USUAL.0) / (f64::from(self.earlier.records) + USUAL.1);
        // Over the whole window: a source with few records is not hurried.
        let rate = |count: usize| as_count(count) / f64::from(WINDOW_RECORDS);
        let conflicts = self.conflicts.len();
        if conflicts >= CONFLICTS_MIN
            && rate(conflicts) >= CONFLICTS_JUMP * usual(self.earlier.conflicts)
        {
            return Some((QuarantineReason::Conflicts, count(conflicts)));
        }
        let defaults = self.defaults.len();
        let known = self.earlier.records >= DEFAULTS_EARLIER_MIN;
        if known
            && rate(defaults) >= DEFAULTS_SHARE_MIN
            && rate(defaults) >= DEFAULTS_JUMP * usual(self.earlier.defaults)
        {
            return Some((QuarantineReason::Defaults, count(defaults)));
        }
        None
    }

    /// Takes a conflict of a record.
    pub(super) fn note(&mut self, record: RecordNumber, kind: ConflictKind) {
        match kind {
            ConflictKind::Confusion | ConflictKind::Overlay => self.conflicts.insert(record),
            ConflictKind::Default => self.defaults.insert(record),
        };
    }

    /// Ends the quarantine; what led to it is judged.
    pub(super) fn release(&mut self) {
        self.quarantine = None;
        self.conflicts.clear();
        self.defaults.clear();
    }
}

impl RegistryState {
    /// Whether what the source sends is kept and not acted on.
    #[must_use]
    pub fn is_quarantined(&self, source: &SourceCode) -> bool {
        let known = self.sources.get(source);
        known.is_some_and(|known| known.quarantine.is_some())
    }

    /// The sources that are quarantined, and since when.
    #[must_use]
    pub fn quarantined_since(&self) -> BTreeMap<SourceCode, EventPosition> {
        let sources = self.sources.iter();
        let since = sources
            .filter_map(|(source, known)| Some((source.clone(), known.quarantine.as_ref()?.since)));
        since.collect()
    }

    /// The source as it is counted.
    pub(super) fn source(&self, source: &SourceCode) -> SourceState {
        self.sources.get(source).cloned().unwrap_or_default()
    }

    pub(super) fn apply_source(&mut self, event: &RegistryEvent, position: EventPosition) {
        match event {
            RegistryEvent::SourceConflictNoted {
                source,
                record,
                kind,
            } => {
                let known = self.sources.entry(source.clone()).or_default();
                known.note(*record, *kind);
            }
            RegistryEvent::SourceQuarantined {
                source,
                record,
                because,
                conflicts,
                records,
                task,
            } => {
                let known = self.sources.entry(source.clone()).or_default();
                known.quarantine = Some(Quarantine {
                    since: position,
                    record: *record,
                    because: *because,
                    conflicts: *conflicts,
                    records: *records,
                    task: *task,
                });
            }
            RegistryEvent::SourceReleased { source } => {
                self.sources.entry(source.clone()).or_default().release();
            }
            _ => {}
        }
    }
}

fn count(records: usize) -> u32 {
    u32::try_from(records).unwrap_or(u32::MAX)
}

fn as_count(records: usize) -> f64 {
    f64::from(count(records))
}

/// Whether standardising found a placeholder name, a default date or a default
/// postcode.
#[must_use]
pub fn holds_default(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| {
        matches!(
            finding.code,
            FindingCode::NameGivenPlaceholder
                | FindingCode::NameFamilyPlaceholder
                | FindingCode::BirthDatePlaceholder
                | FindingCode::BirthDateDefault
                | FindingCode::PostcodePlaceholder
                | FindingCode::PostcodePseudo
                | FindingCode::PostcodeNoFixedAbode
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{Earlier, QuarantineReason, SourceState};
    use crate::foundation::RecordNumber;

    fn source(conflicts: i64, defaults: i64, earlier: (u32, u32, u32)) -> SourceState {
        SourceState {
            quarantine: None,
            conflicts: (0..conflicts).map(RecordNumber).collect(),
            defaults: (0..defaults).map(RecordNumber).collect(),
            earlier: Earlier {
                records: earlier.0,
                conflicts: earlier.1,
                defaults: earlier.2,
            },
        }
    }

    #[test]
    fn r98_fifty_conflicts_are_a_jump_where_few_are_usual() {
        assert_eq!(source(49, 0, (2_000, 0, 0)).alarm(), None);
        let alarm = source(50, 0, (2_000, 20, 0)).alarm();
        assert_eq!(alarm, Some((QuarantineReason::Conflicts, 50)));
    }

    #[test]
    fn r98_a_new_source_is_measured_against_two_in_a_hundred() {
        let alarm = source(50, 0, (0, 0, 0)).alarm();
        assert_eq!(alarm, Some((QuarantineReason::Conflicts, 50)));
    }

    #[test]
    fn r98_a_source_that_is_always_poor_does_not_jump() {
        assert_eq!(source(60, 0, (2_000, 160, 0)).alarm(), None);
    }

    #[test]
    fn r98_defaults_jump_only_against_a_past() {
        assert_eq!(source(0, 300, (100, 0, 0)).alarm(), None);
        assert_eq!(source(0, 249, (2_000, 0, 10)).alarm(), None);
        assert_eq!(source(0, 300, (2_000, 0, 900)).alarm(), None);
        let alarm = source(0, 250, (2_000, 0, 100)).alarm();
        assert_eq!(alarm, Some((QuarantineReason::Defaults, 250)));
    }
}
