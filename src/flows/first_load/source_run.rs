//! How a source stands while its records are loaded: the window and the long run
//! of R98 in memory, counted as a commit counts them.

use std::collections::VecDeque;

use crate::foundation::RecordNumber;
use crate::registry::{ConflictKind, LONG_RUN_RECORDS, RegistryEvent, SourceState, WINDOW_RECORDS};

/// Conflicts of the window from which on it is asked what is usual, as in a commit.
const LOOK_FROM: usize = 8;

/// What a record says against its source.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    conflict: bool,
    default: bool,
}

/// The last records of a source.
#[derive(Debug, Default)]
pub(super) struct SourceRun {
    state: SourceState,
    window: VecDeque<(RecordNumber, Said)>,
    before: VecDeque<Said>,
    conflicts_before: u32,
    defaults_before: u32,
}

impl SourceRun {
    /// How it stands before the next record.
    pub(super) fn stand(&mut self) -> SourceState {
        let many = self.state.conflicts.len().max(self.state.defaults.len()) >= LOOK_FROM;
        let full = self.window.len() == WINDOW_RECORDS as usize;
        self.state.earlier = crate::registry::Earlier::default();
        if many && full {
            self.state.earlier.records = u32::try_from(self.before.len()).unwrap_or(u32::MAX);
            self.state.earlier.conflicts = self.conflicts_before;
            self.state.earlier.defaults = self.defaults_before;
        }
        std::mem::take(&mut self.state)
    }

    /// Takes a record, with how the source stands after it.
    pub(super) fn take(
        &mut self,
        record: RecordNumber,
        state: SourceState,
        events: &[RegistryEvent],
    ) {
        let mut said = Said::default();
        for event in events {
            if let RegistryEvent::SourceConflictNoted { kind, .. } = event {
                match kind {
                    ConflictKind::Default => said.default = true,
                    ConflictKind::Confusion | ConflictKind::Overlay => said.conflict = true,
                }
            }
        }
        self.remember(record, state, said);
    }

    /// Takes a record that was written before.
    pub(super) fn read_back(&mut self, record: RecordNumber, conflict: bool, default: bool) {
        let mut state = std::mem::take(&mut self.state);
        if conflict {
            state.conflicts.insert(record);
        }
        if default {
            state.defaults.insert(record);
        }
        self.remember(record, state, Said { conflict, default });
    }

    fn remember(&mut self, record: RecordNumber, state: SourceState, said: Said) {
        self.state = state;
        self.window.push_back((record, said));
        if self.window.len() > WINDOW_RECORDS as usize
            && let Some((left, said)) = self.window.pop_front()
        {
            self.state.conflicts.remove(&left);
            self.state.defaults.remove(&left);
            self.conflicts_before += u32::from(said.conflict);
            self.defaults_before += u32::from(said.default);
            self.before.push_back(said);
        }
        if self.before.len() > LONG_RUN_RECORDS as usize
            && let Some(said) = self.before.pop_front()
        {
            self.conflicts_before -= u32::from(said.conflict);
            self.defaults_before -= u32::from(said.default);
        }
    }
}
