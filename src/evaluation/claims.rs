//! What evidence a claim of accuracy needs (R128). FEBRL's data and what is made
//! like them are saturated: every good matcher finds all of them, which says
//! nothing of real records.

use serde::Serialize;

/// Families of data that prove nothing by themselves.
const SATURATED: [&str; 1] = ["febrl"];

/// Fewer true pairs say little, whoever made them.
const TRUE_PAIRS_MIN: u64 = 1_000;

/// A corpus on which something was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MeasuredOn {
    /// What it is called.
    pub corpus: String,
    /// What made it: `febrl`, `historical`, `generated`, `live`, …
    pub family: String,
    /// True pairs in it.
    pub true_pairs: u64,
}

/// Why a claim is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimProblem {
    /// Nothing was measured.
    #[error("nothing was measured")]
    Nothing,
    /// All data are of saturated families.
    #[error(
        "measured on {0} alone: such data are saturated and prove nothing of real records (R128)"
    )]
    Saturated(String),
    /// Too few true pairs in all other data.
    #[error("only {0} true pairs that are not of a saturated family; a claim needs at least 1000")]
    TooFew(u64),
}

/// Whether these are enough for a claim of accuracy.
///
/// # Errors
/// Says what is missing.
pub fn accept(measured: &[MeasuredOn]) -> Result<(), ClaimProblem> {
    if measured.is_empty() {
        return Err(ClaimProblem::Nothing);
    }
    let telling = measured
        .iter()
        .filter(|on| !SATURATED.contains(&on.family.to_lowercase().as_str()));
    let telling: Vec<&MeasuredOn> = telling.collect();
    if telling.is_empty() {
        let names: Vec<&str> = measured.iter().map(|on| on.corpus.as_str()).collect();
        return Err(ClaimProblem::Saturated(names.join(", ")));
    }
    let pairs = telling.iter().map(|on| on.true_pairs).sum();
    if pairs < TRUE_PAIRS_MIN {
        return Err(ClaimProblem::TooFew(pairs));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{ClaimProblem, MeasuredOn, accept};

    fn on(corpus: &str, family: &str, true_pairs: u64) -> MeasuredOn {
        MeasuredOn {
            corpus: corpus.to_owned(),
            family: family.to_owned(),
            true_pairs,
        }
    }

    #[test]
    fn r128_febrl_alone_supports_no_claim() {
        let febrl = [on("febrl1", "febrl", 500), on("febrl4", "FEBRL", 5_000)];
        let refused = accept(&febrl).expect_err("not accepted");
        assert_eq!(
            refused,
            ClaimProblem::Saturated("febrl1, febrl4".to_owned())
        );
        let more = [&febrl[..], &[on("uk_20k", "generated", 14_193)]].concat();
        assert_eq!(accept(&more), Ok(()));
    }

    #[test]
    fn a_handful_of_pairs_beside_febrl_supports_none_either() {
        let few = [on("febrl4", "febrl", 5_000), on("by hand", "live", 40)];
        assert_eq!(accept(&few), Err(ClaimProblem::TooFew(40)));
        assert_eq!(accept(&[]), Err(ClaimProblem::Nothing));
    }
}
