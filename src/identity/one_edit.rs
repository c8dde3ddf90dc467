//! Whether two short texts differ by one slip of the finger. Graded likeness
//! of names is not here: it belongs to the comparison.

/// One symbol other, or two neighbours exchanged; equal texts are not near.
pub(super) fn one_slip(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let Some(first) = a.iter().zip(b).position(|(x, y)| x != y) else {
        return false;
    };
    if a[first + 1..] == b[first + 1..] {
        return true;
    }
    a.len() > first + 1
        && a[first] == b[first + 1]
        && a[first + 1] == b[first]
        && a[first + 2..] == b[first + 2..]
}

/// [`one_slip`], or one symbol too many on one side.
pub(super) fn one_edit(a: &[u8], b: &[u8]) -> bool {
    let (shorter, longer) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    match longer.len() - shorter.len() {
        0 => one_slip(a, b),
        1 => {
            let first = shorter
                .iter()
                .zip(longer)
                .position(|(x, y)| x != y)
                .unwrap_or(shorter.len());
            shorter[first..] == longer[first + 1..]
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{one_edit, one_slip};

    #[test]
    fn one_slip_is_a_substitution_or_an_exchange_of_neighbours() {
        assert!(one_slip(b"12", b"21") && one_slip(b"0512", b"0912"));
        assert!(!one_slip(b"123", b"321") && !one_slip(b"12", b"12") && !one_slip(b"1", b"12"));
    }

    #[test]
    fn one_edit_also_knows_a_missing_symbol() {
        assert!(one_edit(b"ELMWOOD", b"ELMWOD") && one_edit(b"", b"A") && one_edit(b"AB", b"BA"));
        assert!(!one_edit(b"ELM", b"ELM") && !one_edit(b"ELM", b"OAK") && !one_edit(b"", b"AB"));
    }

    proptest! {
        #[test]
        fn one_edit_agrees_with_the_restricted_distance(a in "[ab]{0,6}", b in "[ab]{0,6}") {
            prop_assert_eq!(one_edit(a.as_bytes(), b.as_bytes()), strsim::osa_distance(&a, &b) == 1);
            prop_assert_eq!(one_edit(a.as_bytes(), b.as_bytes()), one_edit(b.as_bytes(), a.as_bytes()));
        }
    }
}
