//! Who is who, as the truth file says, and how many pairs that makes.

use crate::evaluation::RecordIds;

/// Records with their true persons, and what counts as a pair.
#[derive(Debug, Clone)]
pub struct Truth {
    /// The records that have a truth.
    pub ids: RecordIds,
    /// For each record its person, numbered from 0 without gaps.
    person: Vec<u32>,
    /// Records by person.
    ordered: Vec<u32>,
    /// Where each person's records start in `ordered`, and one more.
    starts: Vec<u32>,
    /// For each record its source, when only pairs of two sources count.
    source: Option<Vec<u32>>,
    true_pairs: u64,
}

/// `n (n - 1) / 2`.
#[must_use]
pub const fn pairs(count: u64) -> u64 {
    count * count.saturating_sub(1) / 2
}

impl Truth {
    /// From each record's person (numbers of any [`RecordIds`]). With sources,
    /// only pairs of two sources count.
    ///
    /// # Panics
    /// When the lists are not as long as `ids`.
    #[must_use]
    pub fn new(ids: RecordIds, person: Vec<u32>, source: Option<Vec<u32>>) -> Self {
        assert_eq!(ids.len(), person.len(), "each record has a person");
        let persons = person.iter().max().map_or(0, |last| *last as usize + 1);
        let mut starts = vec![0_u32; persons + 1];
        for of in &person {
            starts[*of as usize + 1] += 1;
        }
        for at in 0..persons {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut ordered = vec![0; person.len()];
        for (record, of) in (0..).zip(&person) {
            let place = &mut next[*of as usize];
            ordered[*place as usize] = record;
            *place += 1;
        }
        let mut truth = Self {
            ids,
            person,
            ordered,
            starts,
            source,
            true_pairs: 0,
        };
        truth.true_pairs = (0..truth.persons()).map(|of| truth.pairs_of(of)).sum();
        truth
    }

    /// How many records.
    #[must_use]
    pub fn records(&self) -> usize {
        self.person.len()
    }

    /// How many persons.
    #[must_use]
    pub fn persons(&self) -> u32 {
        u32::try_from(self.starts.len() - 1).unwrap_or(u32::MAX)
    }

    /// A record's person.
    #[must_use]
    pub fn person(&self, record: u32) -> u32 {
        self.person[record as usize]
    }

    /// A person's records.
    #[must_use]
    pub fn members(&self, person: u32) -> &[u32] {
        let at = person as usize;
        &self.ordered[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// Whether the two are one person's.
    #[must_use]
    pub fn is_true(&self, a: u32, b: u32) -> bool {
        self.person(a) == self.person(b)
    }

    /// Whether the pair counts at all.
    #[must_use]
    pub fn counts(&self, a: u32, b: u32) -> bool {
        let other_source = |source: &Vec<u32>| source[a as usize] != source[b as usize];
        a != b && self.source.as_ref().is_none_or(other_source)
    }

    /// Whether only pairs of two sources count.
    #[must_use]
    pub const fn across_sources_only(&self) -> bool {
        self.source.is_some()
    }

    /// True pairs that count, of all persons.
    #[must_use]
    pub const fn true_pairs(&self) -> u64 {
        self.true_pairs
    }

    /// True pairs of one person that count.
    #[must_use]
    pub fn pairs_of(&self, person: u32) -> u64 {
        self.pairs_among(self.members(person))
    }

    /// Pairs that count among these records.
    #[must_use]
    pub fn pairs_among(&self, records: &[u32]) -> u64 {
        let all = pairs(records.len() as u64);
        let Some(source) = &self.source else {
            return all;
        };
        let mut sources: Vec<u32> = records
            .iter()
            .map(|record| source[*record as usize])
            .collect();
        sources.sort_unstable();
        let same: u64 = sources
            .chunk_by(PartialEq::eq)
            .map(|run| pairs(run.len() as u64))
            .sum();
        all - same
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::Truth;
    use crate::evaluation::RecordIds;

    /// Records `0`, `1`, … with these persons and, where given, sources.
    pub(in crate::evaluation) fn truth(persons: &[u32], sources: Option<&[u32]>) -> Truth {
        let mut ids = RecordIds::default();
        for at in 0..persons.len() {
            ids.add(at.to_string().as_bytes());
        }
        Truth::new(ids, persons.to_vec(), sources.map(<[u32]>::to_vec))
    }

    #[test]
    fn pairs_are_counted_by_person() {
        let truth = truth(&[0, 1, 0, 0, 1, 2], None);
        assert_eq!(truth.true_pairs(), 3 + 1);
        assert_eq!(truth.members(0), [0, 2, 3]);
        assert!(truth.is_true(0, 3) && !truth.is_true(0, 1) && !truth.counts(2, 2));
    }

    #[test]
    fn pairs_within_a_source_do_not_count_across_sources() {
        let truth = truth(&[0, 0, 0, 1, 1], Some(&[1, 2, 1, 1, 1]));
        assert_eq!(truth.true_pairs(), 2);
        assert!(truth.counts(0, 1) && !truth.counts(0, 2));
    }
}
