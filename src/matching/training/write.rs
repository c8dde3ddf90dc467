//! The learnt figures as a model file that keeps every rule of models.

use crate::matching::levels::Comparison;
use crate::matching::training::maximise::{Estimate, Learnt, Observed, log2_ratios};
use crate::matching::{ModelFile, ModelProblem};

/// True pairs that a comparison must have said something of.
const SAID_MIN: f64 = 30.0;

const SHARE_MIN: f64 = 1e-12;
const SHARE_MAX: f64 = 1.0 - 1e-9;

pub(super) fn written(
    start: &ModelFile,
    estimate: &Estimate,
    observed: &Observed,
) -> Result<Learnt, ModelProblem> {
    let mut file = start.clone();
    let mut kept = Vec::new();
    file.population = (1.0 / estimate.prior).max(2.0);
    let bits = log2_ratios(estimate);
    for comparison in Comparison::ALL {
        let place = comparison as usize;
        if estimate.said[place] < SAID_MIN {
            kept.push(comparison.name());
            continue;
        }
        let Some(target) = file.comparison_mut(comparison) else {
            continue;
        };
        let weights = ordered(comparison, &bits[place], &estimate.m[place], target);
        for (level, known) in comparison.levels().iter().enumerate() {
            let Some(found) = target
                .level
                .iter_mut()
                .find(|found| found.name == known.name)
            else {
                continue;
            };
            if let Some(fixed) = found.weight_bits {
                if known.ranked {
                    found.weight_bits = Some(weights[level].min(fixed));
                }
                continue;
            }
            let u = estimate.u[place][level].clamp(SHARE_MIN, SHARE_MAX);
            let m = (u * weights[level].exp2()).clamp(SHARE_MIN, SHARE_MAX);
            found.m = Some(m);
            found.u = Some((m / weights[level].exp2()).clamp(SHARE_MIN, SHARE_MAX));
        }
    }
    let true_pairs = estimate.prior * observed.pairs;
    file.name = format!("{} trained", start.name);
    file.notes = notes(observed, true_pairs, &kept);
    file.validate()?;
    Ok(Learnt {
        file,
        true_pairs,
        kept,
    })
}

fn notes(observed: &Observed, true_pairs: f64, kept: &[&str]) -> Vec<String> {
    let mut notes = vec![format!(
        "learnt without labels from {} pairs that met and {} random ones; about {true_pairs:.0} \
         are pairs of one person",
        observed.met.pairs(),
        observed.random.pairs()
    )];
    if !kept.is_empty() {
        notes.push(format!(
            "too little to learn from, defaults kept: {}",
            kept.join(", ")
        ));
    }
    notes
}

/// Weights of the levels, no ranked level above a better one: neighbours that
/// break the order share their weight, by how often true pairs are at them.
fn ordered(
    comparison: Comparison,
    bits: &[f64],
    m: &[f64],
    file: &crate::matching::ComparisonFile,
) -> Vec<f64> {
    let levels = comparison.levels();
    let mut weights: Vec<f64> = bits[..levels.len()].to_vec();
    let ranked: Vec<usize> = (0..levels.len())
        .filter(|place| levels[*place].ranked)
        .collect();
    // Blocks of neighbouring levels: mean, mass, members.
    let mut blocks: Vec<(f64, f64, Vec<usize>)> = Vec::new();
    for place in ranked {
        let found = file
            .level
            .iter()
            .find(|level| level.name == levels[place].name);
        let fixed = found.and_then(|level| level.weight_bits);
        let mut block = (
            fixed.unwrap_or(bits[place]),
            m[place].max(1e-9),
            vec![place],
        );
        while let Some(last) = blocks.last() {
            if last.0 >= block.0 {
                break;
            }
            let (mean, mass, mut members) = blocks.pop().unwrap_or_default();
            let total = mass + block.1;
            members.extend(block.2);
            block = ((mean * mass + block.0 * block.1) / total, total, members);
        }
        blocks.push(block);
    }
    for (mean, _, members) in blocks {
        for place in members {
            weights[place] = mean;
        }
    }
    weights
}
