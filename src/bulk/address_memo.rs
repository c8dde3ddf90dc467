//! What the only addresses of two lists come to, by the numbers of the lists: the records
//! of a household and of a person bring the same two again and again. One word of memory
//! for each, which any thread may write over: it says itself whose it is.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::bulk::hashing::mixed;

/// Places of levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AddressLevels {
    pub(super) postcode: u8,
    pub(super) address: u8,
    pub(super) town: u8,
}

/// Bits of one level.
const LEVEL_BITS: u32 = 4;
/// Bits of the number of a list; pairs of higher ones are not remembered.
const LIST_BITS: u32 = 26;
/// Bits of both numbers stand above those of the levels.
const LEVELS: u64 = (1 << (3 * LEVEL_BITS)) - 1;
/// Pairs that are remembered at most: 4 MiB.
const PAIRS_MAX: usize = 1 << 19;

const _: () = assert!(2 * LIST_BITS + 3 * LEVEL_BITS == u64::BITS);

/// The memory of a run.
pub(super) struct AddressMemo(Vec<AtomicU64>);

/// Two lists that are none of them empty, in either order.
#[derive(Debug, Clone, Copy)]
pub(super) struct ListPair(u64);

impl ListPair {
    pub(super) fn of(a: u32, b: u32) -> Option<Self> {
        let (low, high) = (a.min(b), a.max(b));
        let numbers = u64::from(low) << LIST_BITS | u64::from(high);
        (low > 0 && high >> LIST_BITS == 0).then_some(Self(numbers << (3 * LEVEL_BITS)))
    }
}

impl AddressMemo {
    /// For so many lists.
    pub(super) fn new(lists: usize) -> Self {
        let room = lists.next_power_of_two().min(PAIRS_MAX);
        Self((0..room).map(|_| AtomicU64::new(0)).collect())
    }

    fn slot(&self, pair: ListPair) -> &AtomicU64 {
        let place = usize::try_from(mixed(pair.0) & (self.0.len() as u64 - 1));
        &self.0[place.unwrap_or(0)]
    }

    pub(super) fn find(&self, pair: ListPair) -> Option<AddressLevels> {
        let found = self.slot(pair).load(Ordering::Relaxed);
        let [postcode, address, town] = [2, 1, 0].map(|place| {
            let level = found >> (place * LEVEL_BITS) & 0xf;
            u8::try_from(level).unwrap_or_default()
        });
        (found & !LEVELS == pair.0).then_some(AddressLevels {
            postcode,
            address,
            town,
        })
    }

    pub(super) fn keep(&self, pair: ListPair, levels: AddressLevels) {
        let AddressLevels {
            postcode,
            address,
            town,
        } = levels;
        let levels = [postcode, address, town]
            .iter()
            .fold(0, |all, level| all << LEVEL_BITS | u64::from(*level));
        if levels <= LEVELS {
            self.slot(pair).store(pair.0 | levels, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AddressLevels, AddressMemo, LIST_BITS, ListPair};

    #[test]
    fn a_pair_is_remembered_in_either_order_or_not_at_all() {
        let memo = AddressMemo::new(64);
        let levels = |number: u32| {
            let level = |by: u32| u8::try_from(number / by % 16).expect("a level");
            AddressLevels {
                postcode: level(1),
                address: level(16),
                town: level(256),
            }
        };
        for number in 1..4_096_u32 {
            let pair = ListPair::of(number, 3 * number).expect("a pair");
            memo.keep(pair, levels(number));
            let turned = ListPair::of(3 * number, number).expect("a pair");
            assert_eq!(memo.find(turned), Some(levels(number)));
        }
        // What was written over says so.
        for number in 1..4_096_u32 {
            let pair = ListPair::of(number, 3 * number).expect("a pair");
            assert!(memo.find(pair).is_none_or(|found| found == levels(number)));
        }
        assert!(ListPair::of(0, 7).is_none() && ListPair::of(1, 1 << LIST_BITS).is_none());
    }
}
