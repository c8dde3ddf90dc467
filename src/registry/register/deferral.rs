//! A quarantined source (R98): what it sends is kept and not acted on; and what
//! a registration says against its source.

use std::sync::Arc;

use crate::foundation::{RecordNumber, TaskId};
use crate::identity::{Finding, FindingCode, StandardRecord};
use crate::matching::Reason;
use crate::registry::register::{Placed, Work, alone};
use crate::registry::{
    Change, ConflictKind, Outcome, QuarantineReason, RecordState, RecordStatus, Registered,
    RegistryEvent, TaskKind, TaskPriority, VersionStanding, WINDOW_RECORDS, holds_default,
};

impl Work<'_> {
    /// Whether what this registration brings is to be kept and not acted on.
    pub(super) fn is_deferred(&self) -> bool {
        self.state.is_quarantined(&self.registration.source)
    }

    /// A person of its own, compared with nobody, and found by nobody: the keys
    /// are stored when it is decided.
    pub(super) fn defer_record(mut self, known: Option<&RecordState>) -> Change<Registered> {
        let (record, version) = match known {
            Some(known) => {
                let version = known.latest_version + 1;
                self.push_version(known.number, version, VersionStanding::Current);
                (known.number, version)
            }
            None => (self.push_record(), 1),
        };
        let person = self.own_person(record, version, None);
        self.defer(record, version);
        let standard = Arc::clone(&self.registration.standard);
        let placed = alone(person, Vec::new(), Vec::new());
        self.finish(record, version, placed, Some(standard), known.is_none())
    }

    /// The earlier version goes on being served.
    pub(super) fn defer_update(mut self, record: &RecordState) -> Change<Registered> {
        if record.status == RecordStatus::Withdrawn {
            return self.defer_record(Some(record));
        }
        let version = record.latest_version + 1;
        self.push_version(record.number, version, VersionStanding::Held);
        self.defer(record.number, version);
        let mut placed = self.stays(record, Vec::new(), Vec::new());
        placed.outcome = Outcome::UpdateHeld;
        self.finish(record.number, version, placed, None, false)
    }

    fn defer(&mut self, record: RecordNumber, version: u32) {
        self.events
            .push(RegistryEvent::VersionDeferred { record, version });
    }

    /// Whether more young records share a key than were looked at.
    pub(super) fn is_crowded(&self) -> bool {
        let crowded = &self.state.crowded_keys;
        let mut keys = self.registration.lock_hashes.iter();
        keys.any(|key| crowded.contains(key))
    }

    /// The findings of the answer: those of the quarantine and of the history
    /// are known only here.
    pub(super) fn findings(
        &self,
        remembered: Option<&StandardRecord>,
        placed: &Placed,
    ) -> Vec<Finding> {
        let mut findings = self.registration.findings.clone();
        let doubtful = |task| self.kind_of(task) == Some(TaskKind::LinkDoubtful);
        if placed.tasks.iter().any(doubtful) {
            findings.push(Finding::new(FindingCode::LinkPossible, ""));
        }
        if remembered.is_some_and(StandardRecord::is_full) {
            findings.push(Finding::new(FindingCode::HistoryLeftOut, ""));
        }
        if self.is_deferred() {
            findings.push(Finding::new(FindingCode::SourceQuarantined, "source"));
        }
        findings
    }

    /// Counts what the registration says against its source, and quarantines
    /// the source when that jumps.
    pub(super) fn judge_source(&mut self, record: RecordNumber, placed: &mut Placed) {
        // A dispute says nothing against the source's feed.
        if self.is_deferred() || self.disputes.is_some() {
            return;
        }
        let default = holds_default(&self.registration.findings).then_some(ConflictKind::Default);
        let kinds: Vec<ConflictKind> = self.conflict(placed).into_iter().chain(default).collect();
        if kinds.is_empty() {
            return;
        }
        let mut source = self.state.source(&self.registration.source);
        for kind in kinds {
            source.note(record, kind);
            self.events.push(RegistryEvent::SourceConflictNoted {
                source: self.registration.source.clone(),
                record,
                kind,
            });
        }
        let Some((because, conflicts)) = source.alarm() else {
            return;
        };
        let task = self.numbering.task();
        self.events.push(RegistryEvent::SourceQuarantined {
            source: self.registration.source.clone(),
            record,
            because,
            conflicts,
            records: WINDOW_RECORDS,
            task,
        });
        self.events.push(RegistryEvent::TaskOpened {
            task,
            kind: TaskKind::SourceQuarantined,
            record,
            persons: Vec::new(),
            weight_bits: None,
            reasons: vec![match because {
                QuarantineReason::Conflicts => Reason::SourceConflictsJumped,
                QuarantineReason::Defaults => Reason::SourceDefaultsJumped,
            }],
            evidence: String::new(),
            priority: TaskPriority::Confusion,
            compared: Vec::new(),
            rows: Vec::new(),
        });
        placed.tasks.push(task);
    }

    /// What a task asks that this registration has opened or added to.
    fn kind_of(&self, task: &TaskId) -> Option<TaskKind> {
        let opened = self.events.iter().find_map(|event| match event {
            RegistryEvent::TaskOpened { task: id, kind, .. } if id == task => Some(*kind),
            _ => None,
        });
        opened.or_else(|| Some(self.state.tasks.get(task)?.kind))
    }

    fn conflict(&self, placed: &Placed) -> Option<ConflictKind> {
        if placed.outcome == Outcome::UpdateHeld {
            return Some(ConflictKind::Overlay);
        }
        let contradicts = |kind: TaskKind| {
            matches!(
                kind,
                TaskKind::SuspectedConfusion
                    | TaskKind::PossibleDuplicateNumber
                    | TaskKind::LinkDoubtful
                    | TaskKind::SupersessionConflict
            )
        };
        let kinds = placed.tasks.iter().filter_map(|task| self.kind_of(task));
        let told = kinds.into_iter().any(contradicts);
        // A corrected number that finds its person speaks for the source.
        let adrift = self.changes_verified_number && placed.outcome == Outcome::NewPerson;
        (told || adrift).then_some(ConflictKind::Confusion)
    }
}
