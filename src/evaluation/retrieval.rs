//! Retrieval by itself, rule by rule: which true pairs share a blocking key, and
//! how many records share each. The keys are those of the service
//! (`matching::blocking_keys`); `accord link` has rules of its own.

use serde::Serialize;

use crate::evaluation::Truth;
use crate::evaluation::truth::pairs;
use crate::identity::StandardRecord;
use crate::matching::{KeyKind, blocking_keys};

/// Blocks are counted by size up to `2^(SIZES - 1)` records and more.
const SIZES: usize = 16;

/// A key of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct HeldKey {
    kind: u8,
    hash: u64,
    record: u32,
    /// Looked up for this record; else only stored.
    probed: bool,
}

/// The blocking keys of records.
#[derive(Debug, Clone, Default)]
pub struct HeldKeys {
    keys: Vec<HeldKey>,
}

/// What one rule brings together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RuleFigures {
    /// The rule's name.
    pub rule: &'static str,
    /// Asks for little: looked up only for records that have nothing narrower.
    pub broad: bool,
    /// Records with a key of it.
    pub records: u64,
    /// Keys that several records share.
    pub blocks: u64,
    /// Records of the largest.
    pub largest: u64,
    /// Pairs of records in its blocks.
    pub pairs: u64,
    /// True pairs that it brings together.
    pub true_pairs: u64,
    /// Their share of all true pairs.
    pub recall: f64,
    /// True pairs that no other rule brings together.
    pub alone: u64,
}

/// All rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RetrievalFigures {
    /// Share of true pairs that some rule brings together, if no key is too common.
    pub recall: f64,
    /// By rule.
    pub rules: Vec<RuleFigures>,
    /// Blocks of 2, 3 to 4, 5 to 8, … records, of all rules that are not broad.
    pub sizes: Vec<u64>,
}

impl HeldKeys {
    /// Adds the keys of a record.
    pub fn add(&mut self, record: u32, standard: &StandardRecord) {
        let keys = blocking_keys(standard);
        for probe in &keys.probes {
            self.push(record, probe.key.kind, probe.key.hash, true);
        }
        for key in keys.stored.iter().filter(|key| key.kind.is_broad()) {
            let probed = keys.probes.iter().any(|probe| probe.key == *key);
            if !probed {
                self.push(record, key.kind, key.hash, false);
            }
        }
    }

    fn push(&mut self, record: u32, kind: KeyKind, hash: u64, probed: bool) {
        let kind = KeyKind::ALL.iter().position(|known| *known == kind);
        self.keys.push(HeldKey {
            kind: u8::try_from(kind.unwrap_or_default()).unwrap_or_default(),
            hash,
            record,
            probed,
        });
    }

    /// Counts what each rule brings together.
    #[must_use]
    pub fn figures(mut self, truth: &Truth) -> RetrievalFigures {
        self.keys.sort_unstable();
        let mut rules: Vec<RuleFigures> = KeyKind::ALL.iter().map(|kind| none(*kind)).collect();
        let mut sizes = vec![0_u64; SIZES];
        for block in self.keys.chunk_by(same_key) {
            let rule = &mut rules[usize::from(block[0].kind)];
            let count = block.len() as u64;
            if count > 1 {
                rule.blocks += 1;
                rule.largest = rule.largest.max(count);
                rule.pairs += pairs(count);
                if !rule.broad {
                    let size = (count - 1).ilog2() as usize;
                    sizes[size.min(SIZES - 1)] += 1;
                }
            }
        }
        // A record may have two keys of one rule: it is counted once.
        self.keys
            .sort_unstable_by_key(|key| (key.record, key.kind, key.hash));
        for (rule, figures) in (0_u8..).zip(&mut rules) {
            let records = self.keys.chunk_by(|one, other| one.record == other.record);
            let with = records.filter(|keys| keys.iter().any(|key| key.kind == rule));
            figures.records = with.count() as u64;
        }
        let met = self.meet(truth, &mut rules);
        let all = truth.true_pairs().max(1) as f64;
        for rule in &mut rules {
            rule.recall = rule.true_pairs as f64 / all;
        }
        rules.retain(|rule| rule.records > 0);
        while sizes.last() == Some(&0) {
            sizes.pop();
        }
        RetrievalFigures {
            recall: met as f64 / all,
            rules,
            sizes,
        }
    }

    /// Counts the true pairs of each rule; gives those of any. Keys are in the
    /// order of their records.
    fn meet(&self, truth: &Truth, rules: &mut [RuleFigures]) -> u64 {
        let mut starts = vec![0_usize; truth.records() + 1];
        for key in &self.keys {
            starts[key.record as usize + 1] += 1;
        }
        for at in 0..truth.records() {
            starts[at + 1] += starts[at];
        }
        let keys = |record: u32| {
            let at = record as usize;
            &self.keys[starts[at]..starts[at + 1]]
        };
        let mut met = 0;
        for person in 0..truth.persons() {
            let members = truth.members(person);
            for (place, a) in members.iter().enumerate() {
                for b in &members[place + 1..] {
                    if !truth.counts(*a, *b) {
                        continue;
                    }
                    let kinds = shared(keys(*a), keys(*b));
                    met += u64::from(kinds != 0);
                    for (rule, figures) in rules.iter_mut().enumerate() {
                        if kinds >> rule & 1 == 1 {
                            figures.true_pairs += 1;
                            figures.alone += u64::from(kinds == 1 << rule);
                        }
                    }
                }
            }
        }
        met
    }
}

const _: () = assert!(KeyKind::ALL.len() <= 32);

/// The rules, a bit each, by which one finds the other.
fn shared(one: &[HeldKey], other: &[HeldKey]) -> u32 {
    let (mut a, mut b, mut kinds) = (0, 0, 0);
    while let (Some(x), Some(y)) = (one.get(a), other.get(b)) {
        match (x.kind, x.hash).cmp(&(y.kind, y.hash)) {
            std::cmp::Ordering::Less => a += 1,
            std::cmp::Ordering::Greater => b += 1,
            std::cmp::Ordering::Equal => {
                if x.probed || y.probed {
                    kinds |= 1 << x.kind;
                }
                a += 1;
                b += 1;
            }
        }
    }
    kinds
}

fn same_key(one: &HeldKey, other: &HeldKey) -> bool {
    (one.kind, one.hash) == (other.kind, other.hash)
}

const fn none(kind: KeyKind) -> RuleFigures {
    RuleFigures {
        rule: kind.name(),
        broad: kind.is_broad(),
        records: 0,
        blocks: 0,
        largest: 0,
        pairs: 0,
        true_pairs: 0,
        recall: 0.0,
        alone: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::HeldKeys;
    use crate::evaluation::truth::tests::truth;
    use crate::identity::{
        NumberStatus, Profile, StandardDate, StandardiseOptions, SubmittedRecord, standardise,
    };

    #[test]
    fn a_rule_is_credited_with_the_true_pairs_that_it_alone_finds() {
        let options = StandardiseOptions {
            profile: Profile::UkCare,
            number_status_default: NumberStatus::NotTraced,
            today: StandardDate::parse("2026-11-28").expect("a date"),
            test_numbers_are_real: true,
            first_of_january_is_default: false,
        };
        let record = |given: &str, family: &str, birth_date: &str, phone: &str| SubmittedRecord {
            given_names: vec![given.to_owned()],
            family_name: Some(family.to_owned()),
            birth_date: Some(birth_date.to_owned()),
            phones: vec![phone.to_owned()],
            ..SubmittedRecord::default()
        };
        let records = [
            // One person, with nothing in common but the telephone.
            record("Ada", "Moor", "1980-02-03", "07700 900123"),
            record("Xanthe", "Quill", "1991-07-12", "07700 900123"),
            // One person by all but the telephone.
            record("Peter", "Thornwick", "1970-05-06", "07700 900124"),
            record("Peter", "Thornwick", "1970-05-06", "07700 900125"),
        ];
        let mut keys = HeldKeys::default();
        for (place, sent) in (0..).zip(&records) {
            keys.add(place, &standardise(sent, &options).0);
        }
        let found = keys.figures(&truth(&[0, 0, 1, 1], None));
        let of = |rule: &str| found.rules.iter().find(|row| row.rule == rule);
        let phone = of("phone").expect("telephones");
        assert_eq!(
            (phone.records, phone.blocks, phone.largest, phone.true_pairs),
            (4, 1, 2, 1)
        );
        assert_eq!(phone.alone, 1);
        let names = of("birth_date_given").expect("names and dates");
        assert_eq!((names.true_pairs, names.alone), (1, 0));
        assert!((found.recall - 1.0).abs() < 1e-9);
        assert!(found.sizes[0] > 1, "blocks of two: {:?}", found.sizes);
    }
}
