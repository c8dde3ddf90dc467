//! What holds for any pair: missing is nothing (R75), symmetry (R76),
//! monotony (R77), rows that sum (R74), and a common lock for whatever may be
//! linked by a machine (DESIGN §4). Pairs are drawn from small pools, so that
//! agreement and every kind of near miss are frequent.

use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha20Rng;

use crate::identity::StandardRecord;
use crate::matching::rule_tests::{Said, candidate, said};
use crate::matching::{Comparison, Decision, LinkageModel, Route, blocking_keys, decide};

const PAIRS: usize = 10_000;
const GIVEN: [&str; 16] = [
    "John",
    "Jon",
    "Joan",
    "Robert",
    "Bob",
    "Mohammed Imran",
    "Muhammad",
    "Imran",
    "Surinder",
    "Suvinder",
    "Xiao Ming",
    "Xiaoming",
    "J",
    "Zebedee",
    "Jak",
    "",
];
const FAMILY: [&str; 16] = [
    "Smith",
    "Smythe",
    "Smith-Jones",
    "Jones",
    "Jones-Smith",
    "Khan",
    "Khhan",
    "Kaur",
    "Dhillon",
    "de Souza",
    "de Silva",
    "McDonald",
    "MacDonald",
    "Thistlewood",
    "Amanda",
    "",
];
const DATES: [&str; 9] = [
    "1980-05-12",
    "1980-12-05",
    "1980-05-21",
    "1980-05",
    "1980",
    "1981-05-12",
    "1950-02-03",
    "2015-03-09",
    "",
];
const PLACES: [(&str, &str); 7] = [
    ("3 Elm Road", "LS1 4AP"),
    ("Flat 2, 3 Elm Road", "LS1 4AP"),
    ("5 Elm Road", "LS1 4AP"),
    ("3 Elm Road", "LS1 4AQ"),
    ("77 Mill Lane", "M1 1AE"),
    ("3 Elm Road", ""),
    ("", ""),
];
const PHONES: [&str; 4] = ["07700 900123", "07700 900124", "07700 900456", ""];
const NUMBERS: [&str; 4] = ["9990000018", "9990000034", "9990000042", ""];
const STATUSES: [&str; 4] = ["01", "01", "02", "05"];

/// The fields of a random record, to be changed one at a time.
#[derive(Clone)]
struct Fields {
    given: &'static str,
    family: &'static str,
    old_family: &'static str,
    date: &'static str,
    sex: &'static str,
    place: (&'static str, &'static str),
    phone: &'static str,
    number: (&'static str, &'static str),
}

fn pick<T: Copy>(random: &mut ChaCha20Rng, from: &[T]) -> T {
    *from.choose(random).expect("a pool is not empty")
}

impl Fields {
    fn random(random: &mut ChaCha20Rng) -> Self {
        Self {
            given: pick(random, &GIVEN),
            family: pick(random, &FAMILY),
            old_family: if random.random_bool(0.2) {
                pick(random, &FAMILY)
            } else {
                ""
            },
            date: pick(random, &DATES),
            sex: pick(random, &["M", "F", "9"]),
            place: pick(random, &PLACES),
            phone: pick(random, &PHONES),
            number: (pick(random, &NUMBERS), pick(random, &STATUSES)),
        }
    }

    fn said(&self) -> Said {
        let mut said = said().name(self.given, self.family).sex(self.sex);
        if !self.old_family.is_empty() {
            said = said.alias("", self.old_family);
        }
        if !self.date.is_empty() {
            said = said.born(self.date);
        }
        if !self.place.0.is_empty() {
            said = said.at(self.place.0, self.place.1);
        }
        if !self.phone.is_empty() {
            said = said.phone(self.phone);
        }
        if !self.number.0.is_empty() {
            said = said.number(self.number.0, self.number.1);
        }
        said
    }

    fn record(&self) -> StandardRecord {
        self.said().record()
    }
}

fn pairs(seed: u64, count: usize) -> impl Iterator<Item = (Fields, Fields)> {
    let mut random = ChaCha20Rng::seed_from_u64(seed);
    (0..count).map(move |_| {
        let one = Fields::random(&mut random);
        let mut two = Fields::random(&mut random);
        // Half of the pairs share most of what they say.
        if random.random_bool(0.5) {
            let other = two.clone();
            two = one.clone();
            match random.random_range(0..6) {
                0 => two.given = other.given,
                1 => two.family = other.family,
                2 => two.date = other.date,
                3 => two.place = other.place,
                4 => two.number = other.number,
                _ => (two.given, two.date) = (other.given, other.date),
            }
        }
        (one, two)
    })
}

#[test]
fn r76_a_score_is_symmetric_to_the_bit() {
    let model = LinkageModel::uk_care();
    for (one, two) in pairs(76, PAIRS) {
        let (a, b) = (one.record(), two.record());
        let (forth, back) = (model.score(&a, &[&b]), model.score(&b, &[&a]));
        assert_eq!(forth.weight.bits().to_bits(), back.weight.bits().to_bits());
        for comparison in Comparison::ALL {
            let (x, y) = (
                forth.vector.outcome(comparison),
                back.vector.outcome(comparison),
            );
            assert_eq!(
                (x.level, x.weight.to_bits()),
                (y.level, y.weight.to_bits()),
                "{}",
                comparison.name()
            );
        }
    }
}

#[test]
fn r74_rows_sum_to_the_total_for_any_pair() {
    let model = LinkageModel::uk_care();
    for (one, two) in pairs(74, PAIRS / 10) {
        let (a, b) = (one.record(), two.record());
        let total = model.score(&a, &[&b]).weight.bits();
        assert!((model.explain(&a, &[&b]).total_bits() - total).abs() < 1e-6);
    }
}

#[test]
fn r75_a_missing_field_weighs_nothing() {
    let model = LinkageModel::uk_care();
    for (one, two) in pairs(75, PAIRS / 10) {
        let (a, b) = (one.record(), two.record());
        let mut without = b.clone();
        without.phones.clear();
        let (full, less) = (model.compare(&a, &b), model.compare(&a, &without));
        assert!(less.weight(Comparison::Phone).abs() < f64::EPSILON);
        for comparison in Comparison::ALL
            .into_iter()
            .filter(|found| *found != Comparison::Phone)
        {
            assert_eq!(full.outcome(comparison), less.outcome(comparison));
        }
    }
}

#[test]
fn r77_agreement_in_one_field_never_lowers_the_score() {
    let model = LinkageModel::uk_care();
    for (one, two) in pairs(77, PAIRS) {
        let mut changed = Vec::new();
        let change = |apply: &dyn Fn(&mut Fields)| {
            let mut other = two.clone();
            apply(&mut other);
            other
        };
        changed.push((
            "names",
            change(&|other| {
                (other.given, other.family, other.old_family) =
                    (one.given, one.family, one.old_family);
            }),
        ));
        if !one.given.is_empty() && !two.given.is_empty() {
            changed.push(("given", change(&|other| other.given = one.given)));
        }
        if !one.family.is_empty() && !two.family.is_empty() {
            changed.push(("family", change(&|other| other.family = one.family)));
        }
        if !one.date.is_empty() && !two.date.is_empty() {
            changed.push(("date", change(&|other| other.date = one.date)));
        }
        if one.sex != "9" && two.sex != "9" {
            changed.push(("sex", change(&|other| other.sex = one.sex)));
        }
        if !one.place.0.is_empty() && !two.place.0.is_empty() {
            changed.push(("place", change(&|other| other.place = one.place)));
        }
        if !one.phone.is_empty() && !two.phone.is_empty() {
            changed.push(("phone", change(&|other| other.phone = one.phone)));
        }
        let a = one.record();
        let before = model.score(&a, &[&two.record()]).weight.bits();
        for (what, other) in changed {
            if is_partial(&one, &two, what) {
                continue;
            }
            let after = model.score(&a, &[&other.record()]).weight.bits();
            assert!(
                after >= before - 1e-9,
                "{what}: {before} fell to {after}: {} {} {} / {} {} {}",
                one.given,
                one.family,
                one.date,
                two.given,
                two.family,
                two.date
            );
        }
    }
}

/// Cases in which the change is not from disagreement to agreement: a value
/// that says less than another (an initial, a year alone, an address without
/// postcode) takes the place of one that agreed in more.
fn is_partial(one: &Fields, two: &Fields, what: &str) -> bool {
    match what {
        // An earlier name may have agreed already, and be rarer.
        "names" | "family" if !one.old_family.is_empty() || !two.old_family.is_empty() => true,
        "names" => one.given == "J" || one.given.is_empty() || one.family.is_empty(),
        "given" => one.given == "J",
        "date" => one.date.len() < 10 && !two.date.is_empty(),
        "place" => one.place.1.is_empty(),
        _ => false,
    }
}

#[test]
fn whatever_a_machine_links_shares_a_lock_key() {
    let model = LinkageModel::uk_care();
    let mut linked = 0;
    for (one, two) in pairs(4, PAIRS / 2) {
        let (a, b) = (one.record(), two.record());
        let candidates = [candidate(&model, &a, 1, vec![&b])];
        let (decision, _) = decide(&model, &a, &candidates);
        if let Decision::Link { route, .. } = decision {
            assert_ne!(route, Route::Human);
            assert!(blocking_keys(&a).shares_lock_with(&blocking_keys(&b)));
            linked += 1;
        }
    }
    assert!(linked > 100, "{linked} links were seen");
}
