//! What weights are worth, measured on pairs of which it is known who they are
//! (R81, R82): read by people, or told by numbers that were hidden.
//!
//! Learnt on one half of the people and certified on the other: the mapping by
//! Platt's logistic curve, then its threshold raised until the first half shows no
//! more false pairs above it than is nominal. What stands in the model is the
//! second half's bound. A pair that two people have read is two observations for the
//! curve; for the bound it is one pair, because they have read the same.

use crate::matching::Calibration;

/// A pair of which it is known whether it is one person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct KnownPair {
    /// What it weighs, without what tells.
    pub bits: f64,
    /// Whether it is one person.
    pub same: bool,
    /// Whose it is, as a hash: all pairs of one person are on one side.
    pub person: u64,
    /// How many observations it is: 1, and 2 where two people have read it.
    pub counts: f64,
}

/// Pairs of each kind on each side without which nothing is measured.
const KIND_MIN: usize = 30;

/// The learning half is held to so much of the nominal share: the other half is
/// another sample of the same, and half of such samples are a little worse.
const SPARE: f64 = 0.8;

/// One side of a bound that holds in 95 of 100 cases lies so far out.
const TAIL: f64 = 0.05;

/// What the bits of a pair are worth; `None` where too few pairs are known. Whether
/// that certifies a threshold says [`crate::matching::LinkageModel::calibrated`].
#[must_use]
pub fn calibrate(pairs: &[KnownPair], cost_ratio: f64) -> Option<Calibration> {
    let (learn, certify): (Vec<KnownPair>, Vec<KnownPair>) =
        pairs.iter().partition(|pair| pair.person % 2 == 0);
    for side in [&learn, &certify] {
        let same = side.iter().filter(|pair| pair.same).count();
        if same < KIND_MIN || side.len() - same < KIND_MIN {
            return None;
        }
    }
    let (slope, intercept) = logistic(&learn)?;
    let nominal = 1.0 / (cost_ratio + 1.0);
    let from = (cost_ratio.log2() - intercept) / slope;
    let threshold = raised(learn, from, nominal);
    let above = certify.iter().filter(|pair| pair.bits >= threshold);
    let (count, wrong) = above.fold((0_u64, 0_u64), |(count, wrong), pair| {
        (count + 1, wrong + u64::from(!pair.same))
    });
    Some(Calibration {
        slope,
        intercept: cost_ratio.log2() - slope * threshold,
        pairs: count,
        false_share_upper: upper_bound(wrong, count),
    })
}

/// The lowest threshold from `from` on above which these pairs would certify
/// themselves, with a little to spare; else above which the share of false ones is
/// nominal; above all pairs where there is none.
fn raised(mut pairs: Vec<KnownPair>, from: f64, nominal: f64) -> f64 {
    pairs.retain(|pair| pair.bits >= from);
    pairs.sort_by(|a, b| b.bits.total_cmp(&a.bits));
    let (mut certified, mut within) = (None, None);
    let (mut wrong, mut needed) = (0_u64, pairs_needed(0, nominal * SPARE));
    for (count, pair) in (1_u64..).zip(&pairs) {
        if !pair.same {
            wrong += 1;
            if wrong as f64 > nominal * pairs.len() as f64 {
                break;
            }
            needed = pairs_needed(wrong, nominal * SPARE);
        }
        // Pairs of one weight stand or fall together.
        let next = usize::try_from(count).ok().and_then(|next| pairs.get(next));
        if next.is_some_and(|next| next.bits >= pair.bits) {
            continue;
        }
        let lowest = if next.is_none() { from } else { pair.bits };
        if count >= needed {
            certified = Some(lowest);
        }
        if wrong as f64 <= nominal * count as f64 {
            within = Some(lowest);
        }
    }
    let above_all = pairs.first().map_or(from, |heaviest| heaviest.bits + 1.0);
    certified.or(within).unwrap_or(above_all)
}

/// Pairs among which so many false ones are no more than the share allows.
fn pairs_needed(wrong: u64, share: f64) -> u64 {
    let enough = |of: u64| upper_bound(wrong, of) <= share;
    let mut high = 64;
    while !enough(high) {
        high *= 2;
    }
    let mut low = high / 2;
    while low + 1 < high {
        let middle = u64::midpoint(low, high);
        if enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// Slope and intercept of a logistic curve over bits, by Newton's steps. The slope
/// is 1 at most: what is measured may take confidence away and never adds any.
fn logistic(pairs: &[KnownPair]) -> Option<(f64, f64)> {
    const STEPS: usize = 100;
    let counted = |same: bool| {
        let alike = pairs.iter().filter(|pair| pair.same == same);
        alike.map(|pair| pair.counts).sum::<f64>()
    };
    let (same, different) = (counted(true), counted(false));
    // Platt 1999: nothing is as certain as 0 or 1.
    let (high, low) = ((same + 1.0) / (same + 2.0), 1.0 / (different + 2.0));
    let scale = std::f64::consts::LN_2;
    let (mut slope, mut intercept) = (0.5, 0.0);
    for _ in 0..STEPS {
        let (mut g_slope, mut g_intercept) = (0.0, 0.0);
        let (mut ss, mut si, mut ii) = (1e-6, 0.0, 1e-6);
        for pair in pairs {
            let z: f64 = scale * (slope * pair.bits + intercept);
            let p = 1.0 / (1.0 + (-z).exp());
            let miss = pair.counts * (if pair.same { high } else { low } - p);
            let spread = pair.counts * p * (1.0 - p) * scale;
            g_slope += miss * pair.bits;
            g_intercept += miss;
            ss += spread * pair.bits * pair.bits;
            si += spread * pair.bits;
            ii += spread;
        }
        let determinant = ss * ii - si * si;
        if determinant.abs() < 1e-12 {
            return None;
        }
        let step = (
            (g_slope * ii - g_intercept * si) / determinant,
            (g_intercept * ss - g_slope * si) / determinant,
        );
        slope += step.0.clamp(-0.5, 0.5);
        intercept += step.1.clamp(-5.0, 5.0);
        if step.0.abs() < 1e-9 && step.1.abs() < 1e-9 {
            break;
        }
    }
    let sound = slope.is_finite() && intercept.is_finite() && slope > 0.01;
    sound.then(|| (slope.min(1.0), intercept))
}

/// One-sided upper 95 % bound of a share (Clopper and Pearson 1934).
#[must_use]
pub fn upper_bound(hits: u64, of: u64) -> f64 {
    if hits >= of {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let share = f64::midpoint(low, high);
        if at_most(hits, of, share) > TAIL {
            low = share;
        } else {
            high = share;
        }
    }
    high
}

/// Probability of at most so many hits, summed from the first.
fn at_most(hits: u64, of: u64, share: f64) -> f64 {
    let count = of as f64;
    let mut log_term = count * (-share).ln_1p();
    let mut sum = log_term.exp();
    for hit in 1..=hits {
        let hit = hit as f64;
        log_term += ((count - hit + 1.0) / hit).ln() + share.ln() - (-share).ln_1p();
        sum += log_term.exp();
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{KnownPair, calibrate, logistic, upper_bound};

    fn known(bits: f64, same: bool, person: u64) -> KnownPair {
        KnownPair {
            bits,
            same,
            person,
            counts: 1.0,
        }
    }

    /// Pairs whose bits promise twice what they are worth, with a share of them false
    /// as their true odds say.
    fn overconfident() -> Vec<KnownPair> {
        let mut pairs = Vec::new();
        for step in 0..400_u64 {
            let bits = -20.0 + step as f64 * 0.15;
            let true_share = 1.0 / (1.0 + (-bits / 2.0).exp2());
            for draw in 0..100_u64 {
                let person = step * 1_000 + draw;
                let same = (draw as f64 + 0.5) / 100.0 < true_share;
                pairs.push(known(bits, same, person));
            }
        }
        pairs
    }

    #[test]
    fn r82_bits_that_promise_too_much_are_worth_less() {
        let found = calibrate(&overconfident(), 1_000.0).expect("enough pairs");
        assert!((0.35..0.75).contains(&found.slope), "{found:?}");
        let threshold = (1_000.0_f64.log2() - found.intercept) / found.slope;
        assert!(threshold > 10.0, "ten bits are not enough: {threshold}");
        assert!(found.false_share_upper <= 1.0 / 1_001.0, "{found:?}");
    }

    #[test]
    fn r82_three_hundred_clean_pairs_do_not_certify_a_thousandth() {
        assert!(upper_bound(0, 300) > 0.001);
        assert!(upper_bound(0, 3_000) <= 0.001);
        assert!(upper_bound(1, 3_000) > 0.001);
        // Tables of Clopper and Pearson.
        assert!((upper_bound(0, 10) - 0.258_9).abs() < 1e-4);
        assert!((upper_bound(2, 20) - 0.282_6).abs() < 1e-4);
    }

    #[test]
    fn what_two_people_have_read_bends_the_curve_more_and_certifies_no_more() {
        let mut pairs = overconfident();
        let (mut listed, mut counted) = (pairs.clone(), pairs.clone());
        let read_twice = |pair: &KnownPair| !pair.same && pair.bits > 5.0;
        listed.extend(pairs.iter().copied().filter(read_twice));
        for pair in counted.iter_mut().filter(|pair| read_twice(pair)) {
            pair.counts = 2.0;
        }
        let (curve, once) = (logistic(&counted), logistic(&pairs));
        let (slope, intercept) = curve.expect("a curve");
        let (other, beside) = logistic(&listed).expect("a curve");
        assert!((slope - other).abs() < 1e-6 && (intercept - beside).abs() < 1e-6);
        assert!(once.is_some_and(|(once, _)| (once - slope).abs() > 1e-3));

        let certified = calibrate(&pairs, 1_000.0).expect("enough pairs");
        for pair in &mut pairs {
            pair.counts = 2.0;
        }
        let alike = calibrate(&pairs, 1_000.0).expect("enough pairs");
        assert_eq!(alike.pairs, certified.pairs);
        assert!((alike.false_share_upper - certified.false_share_upper).abs() < 1e-12);
    }

    #[test]
    fn few_pairs_measure_nothing() {
        let few: Vec<KnownPair> = (0..40).map(|at| known(20.0, at % 2 == 0, at)).collect();
        assert_eq!(calibrate(&few, 1_000.0), None);
    }

    #[test]
    fn false_pairs_at_high_weights_raise_the_threshold() {
        let mut pairs = overconfident();
        pairs.extend((0..60).map(|person| known(30.0, false, person)));
        let found = calibrate(&pairs, 1_000.0).expect("enough pairs");
        let threshold = (1_000.0_f64.log2() - found.intercept) / found.slope;
        assert!(threshold > 30.0, "{threshold}");
    }
}
