//! Postcodes, premises and towns, compared together: what an equal house
//! number is worth depends on whether the postcode already said so. All pairs
//! of addresses are tried, the pair that says most counts; agreement that
//! needs an old, temporary or billing address is a level of its own (R67).

use crate::identity::{AddressUse, PostalAddress, PostcodeRelation, PremisesRelation};
use crate::matching::LinkageModel;
use crate::matching::levels::{Comparison, Outcome, levels, likeness};

levels! {
    /// How the postcodes stand to each other.
    PostcodeLevel {
        Unit = "unit", RANKED, "The postcodes are equal.";
        HistoricUnit = "historic_unit", RANKED, "A postcode equals an old, temporary or billing one.";
        Near = "near", RANKED, "The postcodes differ by one slip.";
        Sector = "sector", RANKED, "The postcodes share their sector.";
        District = "district", RANKED, "The postcodes share their district.";
        Crowded = "crowded", SPECIAL, "The postcodes are equal, but so many people use this one that it says nothing.";
        Different = "different", RANKED, "The postcodes differ.";
        Missing = "missing", SPECIAL, "A postcode is missing: no evidence.";
    }
}

levels! {
    /// How the premises stand to each other.
    AddressLevel {
        SameWithoutPostcode = "same_without_postcode", RANKED, "The premises are equal; postcodes cannot be compared.";
        SameOtherPostcode = "same_other_postcode", RANKED, "The premises are equal although the postcodes differ.";
        Same = "same", RANKED, "The premises are equal within the postcode.";
        Uncertain = "uncertain", SPECIAL, "The premises may be the same: a flat is missing, or a number is a range.";
        Partial = "partial", SPECIAL, "The address lines share words, not enough to say.";
        Elsewhere = "elsewhere", SPECIAL, "The premises differ, as the postcodes already said.";
        Different = "different", RANKED, "The premises differ.";
        Conflict = "conflict", RANKED, "Same street, but the number or flat differs.";
        Missing = "missing", SPECIAL, "An address is missing: no evidence.";
    }
}

levels! {
    /// How the towns stand to each other, where no postcodes can be compared.
    TownLevel {
        Same = "same", RANKED, "The towns are equal.";
        Different = "different", RANKED, "The towns differ.";
        Missing = "missing", SPECIAL, "No town to compare, or the postcodes said it: no evidence.";
    }
}

/// Towns alike enough to be one mistyped.
const TOWN_LIKENESS_MIN: f64 = 0.93;

/// What two lists of addresses say.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AddressComparison {
    /// Postcode.
    pub postcode: Outcome,
    /// Premises.
    pub address: Outcome,
    /// Town.
    pub town: Outcome,
}

impl AddressComparison {
    fn sum(&self) -> f64 {
        self.postcode.weight + self.address.weight + self.town.weight
    }
}

impl LinkageModel {
    /// Compares all addresses of one side with all of the other.
    #[must_use]
    pub fn compare_addresses(&self, a: &[PostalAddress], b: &[PostalAddress]) -> AddressComparison {
        let mut best: Option<AddressComparison> = None;
        for (i, left) in a.iter().enumerate() {
            for (j, right) in b.iter().enumerate() {
                let found = self.compare_two_addresses(left, right);
                if best.is_none_or(|best| preferred(&found, &best)) {
                    best = Some(AddressComparison {
                        postcode: found.postcode.at(i, j),
                        address: found.address.at(i, j),
                        town: found.town.at(i, j),
                    });
                }
            }
        }
        best.unwrap_or_else(|| AddressComparison {
            postcode: self.outcome(Comparison::Postcode, PostcodeLevel::Missing),
            address: self.outcome(Comparison::Address, AddressLevel::Missing),
            town: self.outcome(Comparison::Town, TownLevel::Missing),
        })
    }

    fn compare_two_addresses(&self, a: &PostalAddress, b: &PostalAddress) -> AddressComparison {
        let postcode = self.postcode_level(a, b);
        let address = address_level(a.premises_relation(b), postcode);
        let town = match (&a.town, &b.town) {
            (Some(left), Some(right)) if postcode == PostcodeLevel::Missing => {
                if left == right || likeness::jaro_winkler(left, right) >= TOWN_LIKENESS_MIN {
                    TownLevel::Same
                } else {
                    TownLevel::Different
                }
            }
            _ => TownLevel::Missing,
        };
        AddressComparison {
            postcode: self.outcome(Comparison::Postcode, postcode),
            address: self.outcome(Comparison::Address, address),
            town: self.outcome(Comparison::Town, town),
        }
    }

    fn postcode_level(&self, a: &PostalAddress, b: &PostalAddress) -> PostcodeLevel {
        let (Some(left), Some(right)) = (&a.postcode, &b.postcode) else {
            return PostcodeLevel::Missing;
        };
        match left.relation(right) {
            PostcodeRelation::Unit
                if self.has_crowded_postcodes() && self.is_crowded(&left.text()) =>
            {
                PostcodeLevel::Crowded
            }
            PostcodeRelation::Unit if is_home(a) && is_home(b) => PostcodeLevel::Unit,
            PostcodeRelation::Unit => PostcodeLevel::HistoricUnit,
            PostcodeRelation::Near => PostcodeLevel::Near,
            PostcodeRelation::Sector => PostcodeLevel::Sector,
            PostcodeRelation::District => PostcodeLevel::District,
            PostcodeRelation::Area | PostcodeRelation::Different => PostcodeLevel::Different,
        }
    }
}

fn is_home(address: &PostalAddress) -> bool {
    address.address_use == AddressUse::Home
}

/// More bits in all, else the better postcode, else the better premises.
fn preferred(a: &AddressComparison, b: &AddressComparison) -> bool {
    a.sum() > b.sum()
        || (a.sum() >= b.sum()
            && (a.postcode.level, a.address.level, a.town.level)
                < (b.postcode.level, b.address.level, b.town.level))
}

fn address_level(relation: PremisesRelation, postcode: PostcodeLevel) -> AddressLevel {
    match (relation, postcode) {
        (PremisesRelation::Missing, _) => AddressLevel::Missing,
        (PremisesRelation::Same, PostcodeLevel::Missing) => AddressLevel::SameWithoutPostcode,
        (
            PremisesRelation::Same,
            PostcodeLevel::Sector | PostcodeLevel::District | PostcodeLevel::Different,
        ) => AddressLevel::SameOtherPostcode,
        (PremisesRelation::Same, _) => AddressLevel::Same,
        (PremisesRelation::Uncertain, _) => AddressLevel::Uncertain,
        (PremisesRelation::Partial, _) => AddressLevel::Partial,
        (
            PremisesRelation::Conflict | PremisesRelation::Different,
            PostcodeLevel::Sector | PostcodeLevel::District | PostcodeLevel::Different,
        ) => AddressLevel::Elsewhere,
        (PremisesRelation::Different, _) | (PremisesRelation::Conflict, PostcodeLevel::Missing) => {
            AddressLevel::Different
        }
        (PremisesRelation::Conflict, _) => AddressLevel::Conflict,
    }
}
