//! How a clerk writes addresses and telephone numbers.

use super::clerk::Clerk;
use super::dice::Dice;
use super::geography::{Dwelling, Premises};
use super::habits::{LetterCase, PhoneNotation, PostcodeNotation};
use super::slips;

impl Clerk<'_> {
    /// Address line, town and postcode.
    pub(super) fn address(&mut self) -> (String, String, String) {
        let habits = self.habits;
        let stale = self.dice.happens(habits.address_stale);
        let home = self.person.home_on(self.day, stale);
        if self.dice.happens(habits.address_missing) {
            return (String::new(), String::new(), String::new());
        }
        let line = self.address_line(home);
        let line = self.place_letters(line);
        let town = if self.dice.happens(habits.town_missing) {
            String::new()
        } else {
            self.place_letters(self.world.population.towns[home.town].name.clone())
        };
        (line, town, self.postcode(home))
    }

    fn address_line(&mut self, home: &Dwelling) -> String {
        let Some(premises) = home.premises else {
            return ["No fixed abode", "NFA", "NO FIXED ABODE"][self.dice.index(3)].to_owned();
        };
        let habits = self.habits;
        let short = self.dice.happens(habits.address_abbreviated);
        let flat_said = !self.dice.happens(habits.flat_missing);
        let flat_word = if short {
            ["Flat", "Apt", "F"][self.dice.index(3)]
        } else {
            "Flat"
        };
        let flat_before = |flat: u64| {
            if flat_said {
                format!("{flat_word} {flat}, ")
            } else {
                String::new()
            }
        };
        let before = match premises {
            Premises::House(house) => format!("{} ", self.house_number(house)),
            Premises::HouseWithLetter(house, letter) => {
                let letter = if flat_said {
                    letter.to_string()
                } else {
                    String::new()
                };
                format!("{}{letter} ", self.house_number(house))
            }
            Premises::Flat { flat, house } => {
                format!("{}{} ", flat_before(flat), self.house_number(house))
            }
            Premises::FlatInBuilding { flat, building } => {
                format!("{}{building}, ", flat_before(flat))
            }
            Premises::Cottage(name) => format!("{name}, "),
            Premises::Establishment { room, name, suffix } => {
                let room = if room > 0 && flat_said {
                    format!("Room {room}, ")
                } else {
                    String::new()
                };
                let suffix = if short { "" } else { suffix };
                format!("{room}{name}{suffix}, ")
            }
        };
        let kind = home.street_type.0;
        let mut street = format!(
            "{} {}",
            home.street,
            if short { kind.short } else { kind.full }
        );
        if self.dice.happens(habits.street_typo) {
            street = slips::typo(self.dice, &street);
        }
        format!("{before}{street}")
    }

    fn house_number(&mut self, house: u64) -> String {
        let house = house.to_string();
        if self.dice.happens(self.habits.house_number_wrong) {
            return if house.len() > 1 && self.dice.happens(0.5) {
                slips::transposed(self.dice, &house)
            } else {
                slips::wrong_digit(self.dice, &house)
            };
        }
        house
    }

    fn postcode(&mut self, home: &Dwelling) -> String {
        let habits = self.habits;
        if self.dice.happens(habits.postcode_missing) {
            return String::new();
        }
        let (mut outward, mut inward) = (home.outward.clone(), home.inward.clone());
        if self.dice.happens(habits.postcode_unknown) {
            (outward, inward) = ("ZZ99".to_owned(), "3WZ".to_owned());
        } else if home.premises.is_some() && self.dice.happens(habits.postcode_typo) {
            match self.dice.below(4) {
                // The letter O for a nought or the other way, as typists do.
                0 if outward.ends_with('0') => {
                    outward.pop();
                    outward.push('O');
                }
                0 | 1 => inward = slips::wrong_digit(self.dice, &inward),
                2 => inward = slips::transposed(self.dice, &inward),
                _ => inward = slips::typo(self.dice, &inward).to_uppercase(),
            }
        }
        match habits.postcode_notation {
            PostcodeNotation::Spaced => format!("{outward} {inward}"),
            PostcodeNotation::Joined => format!("{outward}{inward}"),
            PostcodeNotation::Padded => format!("{outward:<5}{inward}"),
        }
    }

    /// Places keep their letters, and are never cut.
    fn place_letters(&self, text: String) -> String {
        match self.letters {
            LetterCase::Upper => text.to_uppercase(),
            LetterCase::Title | LetterCase::AsKnown => text,
        }
    }

    /// The telephone that this source has: the person's own, the landline, or
    /// that of the mother or of whoever helps.
    pub(super) fn phone(&mut self) -> String {
        let habits = self.habits;
        if self.dice.happens(habits.phone_missing) {
            return String::new();
        }
        let age = self.person.age_on(self.day);
        // Before an adoption there was another mother.
        let adopted_later = self.person.closed_before.is_some_and(|day| self.day < day);
        let mother = self.person.mother.filter(|_| !adopted_later);
        let mother = mother.and_then(|at| self.family.get(at));
        let helper = self
            .family
            .iter()
            .find(|other| other.index != self.person.index);
        let whose = match (mother, helper) {
            (Some(mother), _) if age < 16 && self.dice.happens(habits.child_phone_of_mother) => {
                mother
            }
            (_, Some(helper)) if age > 74 && self.dice.happens(habits.old_phone_of_relative) => {
                helper
            }
            _ => self.person,
        };
        let home = self.person.home_on(self.day, false);
        let life = &self.world.population.life;
        let has_landline = home.id != 0 && Dice::new(home.id, 0).happens(life.landline_homes);
        let landline = || self.world.numbers.landline(home.id);
        let number = match whose.mobile_on(self.day) {
            _ if has_landline && self.dice.happens(habits.phone_landline) => landline(),
            Some(mobile) => mobile.to_owned(),
            None if has_landline => landline(),
            None => return String::new(),
        };
        let number = if self.dice.happens(habits.phone_digit_wrong) {
            // The range stays: nobody real is ever rung.
            format!(
                "{}{}",
                &number[..6],
                slips::wrong_digit(self.dice, &number[6..])
            )
        } else {
            number
        };
        self.written_phone(&number)
    }

    fn written_phone(&mut self, number: &str) -> String {
        let notation = match self.habits.phone_notation {
            PhoneNotation::Mixed => self.dice.below(5),
            PhoneNotation::Plain => 0,
            PhoneNotation::Spaced => 1,
            PhoneNotation::International => 2,
        };
        let (code, rest) = number.split_at(5);
        match notation {
            0 => number.to_owned(),
            1 => format!("{code} {rest}"),
            2 => format!("+44{}", &number[1..]),
            3 => format!("+44 (0){} {rest}", &code[1..]),
            _ => format!("{code}-{}-{}", &rest[..3], &rest[3..]),
        }
    }
}
