//! Where people live: towns, postcode units, streets and dwellings, computed
//! from a slot number so that no map has to be stored. No place here exists.

use super::dice::{Dice, Scatter};
use super::population::{HouseholdKind, Population};
use super::tables::{self, StreetType};

/// Dwellings of one postcode unit, of which about 17 are lived in (about 40
/// people, uk-identity 4.1).
const SLOTS_PER_UNIT: u64 = 40;
const PERSONS_PER_UNIT: u64 = 40;
/// Letters of the end of a postcode (C, I, K, M, O and V are not used).
const UNIT_LETTERS: &[u8] = b"ABDEFGHJLNPQRSTUWXYZ";
const UNITS_PER_SECTOR: u64 = 400;
/// A neighbourhood as deprivation is told of it: some 1,000 people, as in a small Lower
/// layer Super Output Area (1,000 to 3,000; Office for National Statistics).
const UNITS_PER_NEIGHBOURHOOD: u64 = 25;

/// What stands before the street in an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Premises {
    House(u64),
    HouseWithLetter(u64, char),
    Flat {
        flat: u64,
        house: u64,
    },
    FlatInBuilding {
        flat: u64,
        building: &'static str,
    },
    Cottage(&'static str),
    Establishment {
        room: u64,
        name: &'static str,
        suffix: &'static str,
    },
}

/// One place to live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dwelling {
    /// Differs for each dwelling; 0 for no fixed abode.
    pub(super) id: u64,
    pub(super) unit: u64,
    /// `None` for no fixed abode.
    pub(super) premises: Option<Premises>,
    pub(super) street: &'static str,
    pub(super) street_type: StreetTypeOf,
    pub(super) town: usize,
    pub(super) outward: String,
    pub(super) inward: String,
}

/// A street type, comparable by its full form.
#[derive(Clone, Copy)]
pub(super) struct StreetTypeOf(pub(super) StreetType);

impl PartialEq for StreetTypeOf {
    fn eq(&self, other: &Self) -> bool {
        self.0.full == other.0.full
    }
}
impl Eq for StreetTypeOf {}
impl std::fmt::Debug for StreetTypeOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.full)
    }
}

/// The map of a region of a given size.
#[derive(Debug, Clone)]
pub(super) struct Geography {
    seed: u64,
    units: u64,
    homes: Scatter,
    /// Per town: its first unit, one past its last, its postcode districts.
    towns: Vec<TownUnits>,
    persons: u64,
}

#[derive(Debug, Clone)]
struct TownUnits {
    first: u64,
    end: u64,
    districts: Vec<String>,
}

impl Geography {
    /// A map with room for `persons` people.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a number of units that is far inside both ranges"
    )]
    pub(super) fn new(population: &Population, persons: u64, seed: u64) -> Self {
        let total: f64 = population
            .towns
            .iter()
            .map(|town| f64::from(town.share))
            .sum();
        let wanted = (persons / PERSONS_PER_UNIT).max(population.towns.len() as u64 * 2);
        let mut towns = Vec::new();
        let mut first = 0;
        for town in &population.towns {
            let share = f64::from(town.share) / total;
            let count = ((wanted as f64 * share).round() as u64).max(1);
            let districts = town.postcode_districts.clone();
            towns.push(TownUnits {
                first,
                end: first + count,
                districts,
            });
            first += count;
        }
        let homes = Scatter::new(first * SLOTS_PER_UNIT, seed ^ 0x1d2e);
        Self {
            seed,
            units: first,
            homes,
            towns,
            persons,
        }
    }

    /// The home of the household whose head is the person of this index: two
    /// heads never share one.
    pub(super) fn home_of(&self, head: u64) -> Dwelling {
        let slot = self.homes.place(head);
        self.dwelling(slot / SLOTS_PER_UNIT, slot % SLOTS_PER_UNIT)
    }

    /// Somewhere that a household may have lived before, in this town or any.
    pub(super) fn elsewhere(&self, dice: &mut Dice, town: Option<usize>) -> Dwelling {
        let (first, end) = match town.and_then(|town| self.towns.get(town)) {
            Some(town) => (town.first, town.end),
            None => (0, self.units),
        };
        let unit = first + dice.below(end - first);
        self.dwelling(unit, dice.below(SLOTS_PER_UNIT))
    }

    /// The shared home of people who live in an establishment.
    pub(super) fn establishment(&self, dice: &mut Dice, kind: HouseholdKind) -> Dwelling {
        let (table, residents_mean, suffix) = match kind {
            HouseholdKind::CareHomeResident => ("care_home", 35, " Care Home"),
            HouseholdKind::HostelResident => ("hostel", 25, ""),
            HouseholdKind::StudentInHall => ("student_hall", 120, ""),
            _ => ("prison", 400, ""),
        };
        let names = &tables::streets().by_kind[table];
        // About 1 % of people live in such places of each kind.
        let count = (self.persons / 100 / residents_mean).clamp(1, names.len() as u64);
        let which = dice.below(count);
        let mut dwelling = self.dwelling(mix(which ^ residents_mean) % self.units, 0);
        let room = if table == "student_hall" {
            dice.below(240) + 1
        } else {
            0
        };
        let name = names[usize::try_from(which).unwrap_or(0)];
        dwelling.premises = Some(Premises::Establishment { room, name, suffix });
        dwelling.id = u64::MAX - residents_mean * 1000 - which;
        dwelling
    }

    /// No fixed abode: the pseudo-postcode ZZ99 3VZ (NHS Data Dictionary).
    pub(super) fn no_fixed_abode(&self, dice: &mut Dice) -> Dwelling {
        let mut dwelling = self.elsewhere(dice, None);
        dwelling.id = 0;
        dwelling.premises = None;
        (dwelling.outward, dwelling.inward) = ("ZZ99".to_owned(), "3VZ".to_owned());
        dwelling
    }

    /// Fifth of deprivation of the neighbourhood of a home, 1 the most deprived, one after
    /// the other so that they are of one size: made up from the place alone. No throw of the
    /// dice goes into it, and nothing else in the region hangs on it.
    pub(super) fn deprivation(&self, home: &Dwelling) -> Option<u8> {
        home.premises?;
        let neighbourhood = home.unit / UNITS_PER_NEIGHBOURHOOD;
        u8::try_from((mix(self.seed) % 5 + neighbourhood * 2) % 5 + 1).ok()
    }

    fn dwelling(&self, unit: u64, slot: u64) -> Dwelling {
        let chance = mix(self.seed ^ unit.wrapping_mul(0x9e37_79b9));
        let streets = tables::streets();
        let from = |kind: &str, salt: u64| {
            let list = &streets.by_kind[kind];
            at(list, mix(chance ^ salt))
        };
        let start = 1 + chance / 7 % 60;
        let premises = match chance % 20 {
            0..3 => Premises::FlatInBuilding {
                flat: slot + 1,
                building: from("building", 3),
            },
            3..5 => Premises::Flat {
                flat: slot % 4 + 1,
                house: start + slot / 4 * 2,
            },
            5 => Premises::Cottage(at(&streets.by_kind["cottage"], slot)),
            _ if slot == 13 => Premises::HouseWithLetter(start + slot * 2, 'A'),
            _ => Premises::House(start + slot * 2),
        };
        let town = self
            .towns
            .partition_point(|town| town.end <= unit)
            .min(self.towns.len() - 1);
        let (outward, inward) = self.towns[town].postcode(unit);
        Dwelling {
            id: unit * SLOTS_PER_UNIT + slot + 1,
            unit,
            premises: Some(premises),
            street: from("street", 1),
            street_type: StreetTypeOf(at(&streets.types, mix(chance ^ 2))),
            town,
            outward,
            inward,
        }
    }
}

impl TownUnits {
    /// The postcode of a unit: neighbours share a sector.
    fn postcode(&self, unit: u64) -> (String, String) {
        let districts = self.districts.len() as u64;
        let place = unit - self.first;
        let in_district = place / districts;
        let sectors = ((self.end - self.first) / districts / 60 + 1).min(10);
        let sector = in_district % sectors;
        // 61 and 400 have no common divisor: 400 units before one repeats.
        let code = in_district / sectors * 61 % UNITS_PER_SECTOR;
        let letter = |place: u64| char::from(at(UNIT_LETTERS, place));
        let outward = self.districts[usize::try_from(place % districts).unwrap_or(0)].clone();
        (
            outward,
            format!("{}{}{}", (sector + 1) % 10, letter(code / 20), letter(code)),
        )
    }
}

/// The element that a number falls on, around and around.
fn at<T: Copy>(list: &[T], number: u64) -> T {
    list[usize::try_from(number % list.len() as u64).unwrap_or(0)]
}

/// A well-stirred function of a number (splitmix64).
pub(super) fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_head_of_a_household_has_a_home_of_their_own() {
        let population = Population::default_region();
        let map = Geography::new(&population, 4_000, 9);
        let homes: BTreeSet<u64> = (0..2_000).map(|head| map.home_of(head).id).collect();
        assert_eq!(homes.len(), 2_000);
    }

    #[test]
    fn units_have_postcodes_of_their_own_and_of_their_town() {
        let population = Population::default_region();
        let map = Geography::new(&population, 40_000, 9);
        let mut seen = BTreeSet::new();
        for unit in 0..map.units {
            let dwelling = map.dwelling(unit, 3);
            let districts = &population.towns[dwelling.town].postcode_districts;
            assert!(districts.contains(&dwelling.outward));
            assert_eq!(dwelling.inward.len(), 3);
            assert!(
                seen.insert((dwelling.outward, dwelling.inward)),
                "unit {unit}"
            );
        }
    }
}
