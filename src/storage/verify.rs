//! `verify`: replays the ledger and compares it with every table, on one
//! snapshot. The report names invariants as the list in the reliability notes
//! does (I1 …), and rows by number or id, never by a value.

use std::collections::BTreeSet;

use crate::storage::{Store, StoreError};
use crate::storage::{claims, kept_models, seal, verify_audit, verify_events, verify_views};

/// Violations that a report spells out; a broken disk can give millions.
const VIOLATIONS_MAX: usize = 1_000;

/// One thing that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The invariant, for instance `I2`.
    pub invariant: &'static str,
    /// What is wrong, in words, with ids only.
    pub sentence: String,
}

/// What was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Checked {
    /// Events replayed.
    pub events: u64,
    /// Records.
    pub records: u64,
    /// Versions with their payloads.
    pub versions: u64,
    /// Persons.
    pub persons: u64,
    /// Links, present and past.
    pub links: u64,
    /// Tasks.
    pub tasks: u64,
    /// Audit rows.
    pub audit_rows: u64,
    /// Seals.
    pub seals: u64,
    /// Models.
    pub models: u64,
}

/// What `verify` found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Nothing, in a sound ledger; the first thousand otherwise.
    pub violations: Vec<Violation>,
    /// Violations beyond those.
    pub left_out: u64,
    /// What was looked at.
    pub checked: Checked,
}

impl VerifyReport {
    /// Whether all is well.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.violations.is_empty()
    }
}

/// A report in the making.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) report: VerifyReport,
    named: BTreeSet<String>,
}

impl Findings {
    /// A finding about another subject speaks of this one too.
    pub(super) fn name(&mut self, subject: String) {
        self.named.insert(subject);
    }

    /// Something is wrong about a subject.
    pub(super) fn add(
        &mut self,
        invariant: &'static str,
        subject: impl ToString,
        sentence: String,
    ) {
        self.named.insert(subject.to_string());
        if self.report.violations.len() < VIOLATIONS_MAX {
            self.report.violations.push(Violation {
                invariant,
                sentence,
            });
        } else {
            self.report.left_out += 1;
        }
    }

    /// A row of a view differs from the replay; said once for each subject,
    /// and not where a sharper finding has named it.
    pub(super) fn add_difference(&mut self, subject: impl ToString, table: &'static str) {
        let subject = subject.to_string();
        if !self.named.contains(&subject) {
            let sentence = format!("{table} says of {subject} other than the events do");
            self.add("I10", subject, sentence);
        }
    }
}

impl Store {
    /// Checks the whole ledger.
    ///
    /// # Errors
    /// Only when the database cannot be read; what is wrong in it is in the
    /// report.
    pub async fn verify(&self) -> Result<VerifyReport, StoreError> {
        let mut findings = Findings::default();
        let directory = &self.inner.directory;
        // Before the snapshot: a service may seal while this looks.
        let logged = seal::read_log(directory)?;
        let mut snapshot = self.inner.readers.begin_long().await?;
        let replay = verify_events::replay(&mut snapshot, &mut findings).await?;
        verify_views::check_partition(&mut snapshot, &mut findings).await?;
        verify_views::check_numbers(&mut snapshot, &mut findings).await?;
        verify_views::check_keys(&mut snapshot, &mut findings).await?;
        claims::check(&mut snapshot, &mut findings).await?;
        verify_events::compare(&mut snapshot, &replay, &mut findings).await?;
        kept_models::check(&mut snapshot, &mut findings).await?;
        verify_audit::check(&mut snapshot, logged, directory, &mut findings).await?;
        Ok(findings.report)
    }
}
