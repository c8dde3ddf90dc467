//! What two addresses can weigh at most, by packed postcodes and house numbers.

use crate::matching::levels::{AddressLevel, PostcodeLevel};
use crate::matching::{Comparison, LinkageModel};

/// Of postcodes, and of premises there.
pub(super) struct PlaceBounds {
    unit: f64,
    sector: f64,
    near: f64,
    district: f64,
    different: f64,
    here: Premises,
    elsewhere: Premises,
    either: Premises,
}

/// Of premises, where the house numbers may be equal and where they differ.
#[derive(Clone, Copy)]
pub(super) struct Premises {
    pub(super) any: f64,
    pub(super) other_house: f64,
}

/// The last two letters of the inward code.
const LAST_LETTERS_BITS: u32 = 16;

/// The three bytes of the inward code.
const INWARD_BITS: u32 = 24;

impl PlaceBounds {
    pub(super) fn new(model: &LinkageModel) -> Self {
        let postcode = |levels: &[PostcodeLevel]| model.most_bits_of(Comparison::Postcode, levels);
        let address = |levels: &[AddressLevel]| model.most_bits_of(Comparison::Address, levels);
        let here = Premises {
            any: model.most_bits(Comparison::Address),
            other_house: address(&[
                AddressLevel::Conflict,
                AddressLevel::Different,
                AddressLevel::Partial,
            ]),
        };
        let elsewhere = Premises {
            any: address(&[
                AddressLevel::SameOtherPostcode,
                AddressLevel::Uncertain,
                AddressLevel::Partial,
                AddressLevel::Elsewhere,
                AddressLevel::Missing,
            ]),
            other_house: address(&[AddressLevel::Elsewhere, AddressLevel::Partial]),
        };
        Self {
            unit: postcode(&[
                PostcodeLevel::Unit,
                PostcodeLevel::HistoricUnit,
                PostcodeLevel::Crowded,
            ]),
            sector: postcode(&[PostcodeLevel::Sector]),
            near: postcode(&[
                PostcodeLevel::Near,
                PostcodeLevel::District,
                PostcodeLevel::Different,
            ]),
            district: postcode(&[PostcodeLevel::District]),
            different: postcode(&[PostcodeLevel::Different]),
            here,
            elsewhere,
            either: Premises {
                any: here.any.max(elsewhere.any),
                other_house: here.other_house.max(elsewhere.other_house),
            },
        }
    }

    /// Of two postcodes, and of premises there.
    pub(super) fn between(&self, a: u64, b: u64) -> (f64, Premises) {
        if a == b {
            return (self.unit, self.here);
        }
        let differing = a ^ b;
        let same_outward = differing >> INWARD_BITS == 0;
        if same_outward && differing >> (INWARD_BITS - 8) == 0 {
            return (self.sector, self.elsewhere);
        }
        // An edit between outward codes of two lengths leaves the last letters.
        let may_be_near = if length(a) == length(b) {
            differing_bytes(differing) <= 2
        } else {
            differing.trailing_zeros() >= LAST_LETTERS_BITS
        };
        match (may_be_near, same_outward) {
            (true, _) => (self.near, self.either),
            (false, true) => (self.district, self.elsewhere),
            (false, false) => (self.different, self.elsewhere),
        }
    }
}

/// Letters of the outward code.
const fn length(postcode: u64) -> u32 {
    let outward = postcode >> INWARD_BITS;
    4 - outward.trailing_zeros() / 8
}

const fn differing_bytes(differing: u64) -> u32 {
    let low = 0x7f7f_7f7f_7f7f_7f7f;
    let any = ((differing & low) + low) | differing;
    (any & !low).count_ones()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::PlaceBounds;
    use crate::bulk::briefs::{house_of, postcode_of};
    use crate::identity::{AddressUse, PostalAddress, Postcode};
    use crate::matching::LinkageModel;

    #[test]
    fn no_two_addresses_weigh_more_than_their_bound() {
        let postcodes = "LS1 4AP|LS1 4AQ|LS1 4PA|LS1 5AP|LS11 4AP|LS12 4AP|L1 4AP|M1 1AE|M11 1AE|\
            M1 1EA|SW1A 1AA|SW1A 2AA|SW1 1AA|W1A 1AA|B33 8TH|B3 8TH|B38 3TH|EC1A 1BB|ZE1 0AA";
        let lines = [
            "12 Elm Road",
            "12 Elm Rd",
            "14 Elm Road",
            "12 Oak Lane",
            "Flat 2, 12 Elm Road",
        ];
        let addresses: Vec<PostalAddress> = postcodes
            .split('|')
            .flat_map(|code| lines.map(|line| (code.trim(), line)))
            .filter_map(|(code, line)| {
                let postcode = Postcode::parse(code);
                let lines = [Cow::Borrowed(line)];
                PostalAddress::read(AddressUse::Home, &lines, Some("Leeds"), postcode, None)
            })
            .collect();
        assert_eq!(addresses.len(), 95);
        let model = LinkageModel::uk_care();
        let bounds = PlaceBounds::new(&model);
        for one in &addresses {
            for other in &addresses {
                let [a, b] = [one, other].map(std::slice::from_ref);
                let found = model.compare_addresses(a, b);
                let (postcode, premises) = bounds.between(postcode_of(one), postcode_of(other));
                assert!(found.postcode.weight <= postcode, "{found:?}");
                let (x, y) = (house_of(one), house_of(other));
                let house = if x != 0 && y != 0 && x != y {
                    premises.other_house
                } else {
                    premises.any
                };
                assert!(found.address.weight <= house, "{found:?}");
            }
        }
    }
}
