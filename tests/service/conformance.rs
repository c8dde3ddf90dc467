//! The public suites: where their data are, and how what they ask is counted.
//! A suite is a story named `conformance_…` that fills a [`Suite`] and finishes
//! it; `make conformance` prints one line for each. What a suite asks and we do
//! on purpose otherwise is "our reading" and stands in `docs/conformance.md`.

use std::path::{Path, PathBuf};

/// Where the data of the suites are: `ACCORD_CONFORMANCE`, or `shared/conformance`
/// beside this tree or further up. `None`, said so, where they are not.
pub(crate) fn data_of(suite: &str) -> Option<PathBuf> {
    let set = std::env::var_os("ACCORD_CONFORMANCE").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut places = set
        .into_iter()
        .chain(above.map(|folder| folder.join("shared/conformance")));
    let found = places.find(|folder| folder.join(suite).exists());
    if found.is_none() {
        eprintln!(
            "left out: the data of {suite} are not here; ACCORD_CONFORMANCE names their folder"
        );
    }
    found.map(|folder| folder.join(suite))
}

/// What has become of the steps or cases of one suite.
pub(crate) struct Suite {
    name: &'static str,
    passed: usize,
    readings: Vec<String>,
    failures: Vec<String>,
}

impl Suite {
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            passed: 0,
            readings: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// The step is as the suite wants it.
    pub(crate) fn passes(&mut self) {
        self.passed += 1;
    }

    /// The step is otherwise, on purpose; `why` stands in `docs/conformance.md`.
    pub(crate) fn reads(&mut self, step: &str, why: &str) {
        self.readings.push(format!("{step}: {why}"));
    }

    /// The step is otherwise.
    pub(crate) fn fails(&mut self, step: &str, how: &str) {
        self.failures.push(format!("{step}: {how}"));
    }

    /// Prints the line that `make conformance` shows.
    ///
    /// # Panics
    /// When a step has failed that we do not read otherwise.
    #[track_caller]
    pub(crate) fn finish(self) {
        // The name of the test stands before it on the line.
        eprintln!();
        for reading in &self.readings {
            eprintln!("  our reading: {reading}");
        }
        eprintln!(
            "{}: {} passed, {} our reading, {} failed",
            self.name,
            self.passed,
            self.readings.len(),
            self.failures.len()
        );
        let failures = self.failures.join("\n");
        assert!(failures.is_empty(), "{} fails:\n{failures}", self.name);
    }
}

#[test]
fn a_suite_counts_steps_and_says_where_its_data_would_be() {
    let mut suite = Suite::new("(counting)");
    suite.passes();
    suite.reads("2", "on purpose");
    suite.finish();
    assert_eq!(data_of("no such suite"), None);
}

#[test]
#[should_panic(expected = "(failing) fails:\n3: otherwise")]
fn a_step_that_fails_fails_its_suite() {
    let mut suite = Suite::new("(failing)");
    suite.fails("3", "otherwise");
    suite.finish();
}
