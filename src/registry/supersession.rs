//! Which NHS number is said to be replaced by which (R16–R18). Numbers stand as
//! hashes. A statement that makes a circle or a fork is not taken.

use std::collections::BTreeSet;

use crate::registry::{NumberHash, RegistryState};

/// What one message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replacement {
    /// The number that no longer stands.
    pub replaced: NumberHash,
    /// The number that stands for it.
    pub replaced_by: NumberHash,
}

impl RegistryState {
    /// Whether the statement contradicts those that are known: it closes a
    /// circle, or gives a number a second successor that neither leads to the
    /// first nor follows from it.
    #[must_use]
    pub fn contradicts_supersession(&self, said: Replacement) -> bool {
        let after = self.successors(said.replaced_by);
        if after.contains(&said.replaced) {
            return true;
        }
        let known = self.replacements.get(&said.replaced);
        known.into_iter().flatten().any(|successor| {
            *successor != said.replaced_by
                && !after.contains(successor)
                && !self.successors(*successor).contains(&said.replaced_by)
        })
    }

    /// Whether the statement is known already.
    #[must_use]
    pub fn knows_replacement(&self, said: Replacement) -> bool {
        let known = self.replacements.get(&said.replaced);
        known.is_some_and(|known| known.contains(&said.replaced_by))
    }

    /// All numbers that a chain from this one leads to.
    fn successors(&self, number: NumberHash) -> BTreeSet<NumberHash> {
        let mut found = BTreeSet::new();
        let mut open = vec![number];
        while let Some(next) = open.pop() {
            let known = self.replacements.get(&next).into_iter().flatten();
            for successor in known {
                if found.insert(*successor) {
                    open.push(*successor);
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::Replacement;
    use crate::registry::{NumberHash, RegistryState};

    fn said(replaced: u64, replaced_by: u64) -> Replacement {
        Replacement {
            replaced: NumberHash(replaced),
            replaced_by: NumberHash(replaced_by),
        }
    }

    fn knowing(chain: &[(u64, u64)]) -> RegistryState {
        let mut state = RegistryState::default();
        for (replaced, by) in chain {
            let successors = state.replacements.entry(NumberHash(*replaced));
            successors.or_default().insert(NumberHash(*by));
        }
        state
    }

    #[test]
    fn r18_a_circle_is_refused() {
        assert!(knowing(&[(18, 26)]).contradicts_supersession(said(26, 18)));
        assert!(knowing(&[(18, 26), (26, 34)]).contradicts_supersession(said(34, 18)));
    }

    #[test]
    fn r18_a_fork_is_refused() {
        assert!(knowing(&[(18, 26)]).contradicts_supersession(said(18, 34)));
    }

    #[test]
    fn r16_a_chain_and_its_short_form_are_taken() {
        let chain = knowing(&[(18, 26), (26, 34)]);
        assert!(!chain.contradicts_supersession(said(18, 34)));
        assert!(!chain.contradicts_supersession(said(34, 42)));
        assert!(!chain.contradicts_supersession(said(18, 26)));
        assert!(
            !chain.contradicts_supersession(said(50, 26)),
            "two may become one"
        );
    }
}
