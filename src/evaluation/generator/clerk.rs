//! A clerk at one source writes one record about one person on one day, with
//! the habits and mistakes of that kind of source. Places and telephones are
//! in `clerk_contact`.

use time::Date;

use super::dice::Dice;
use super::family::World;
use super::habits::{DateNotation, GenderNotation, Habits, LetterCase};
use super::naming::{self, PersonName};
use super::person::Person;
use super::population::Custom;
use super::record::GeneratedRecord;
use super::slips;
use super::tables;

/// Somebody who writes a record, and all that they can see.
pub(super) struct Clerk<'a> {
    pub(super) world: &'a World,
    pub(super) family: &'a [Person],
    pub(super) person: &'a Person,
    pub(super) habits: &'a Habits,
    pub(super) day: i32,
    /// 0 for the first registration in a source, then 1, 2, 3.
    pub(super) copy: u64,
    pub(super) dice: &'a mut Dice,
    /// How this record is lettered.
    pub(super) letters: LetterCase,
}

impl Clerk<'_> {
    /// Everything but the ids.
    pub(super) fn record(mut self) -> GeneratedRecord {
        let mut record = GeneratedRecord::default();
        if self.habits.case == LetterCase::AsKnown && self.dice.happens(0.2) {
            self.letters = LetterCase::Upper;
        }
        (record.nhs_number, record.nhs_number_status) = self.number();
        let name = self.name();
        record.title = self.title();
        record.previous_family_name = self.previous_family_name();
        record.given_name = self.lettered(&name.given);
        record.middle_name = self.lettered(&name.middle);
        record.family_name = self.lettered(&name.family);
        if !record.given_name.is_empty() && self.dice.happens(self.habits.title_in_given_name) {
            record.given_name = format!("{} {}", self.likely_title(), record.given_name);
        }
        record.date_of_birth = self.birth_date();
        record.gender = self.gender();
        (record.address_line, record.town, record.postcode) = self.address();
        record.phone = self.phone();
        if !self.dice.happens(self.habits.email_missing) {
            record.email.clone_from(&self.person.email);
        }
        if self.person.birth_order > 0 && self.dice.happens(self.habits.birth_order_given) {
            record.birth_order = self.person.birth_order.to_string();
        }
        let died = self.person.died.filter(|died| *died <= self.day);
        if let Some(died) = died.filter(|_| !self.dice.happens(self.habits.death_date_missing)) {
            record.date_of_death = written_date(died, DateNotation::Iso);
        }
        record.effective_at = self.effective_at();
        record
    }

    fn number(&mut self) -> (String, String) {
        let habits = self.habits;
        // A second registration often happens because the number was not known.
        let again = self.copy > 0 && self.dice.happens(0.4);
        if again || self.dice.happens(habits.number_missing) {
            let status = if self.day - self.person.born < 42 {
                "08"
            } else {
                ["07", "03", "", ""][self.dice.index(4)]
            };
            return (String::new(), status.to_owned());
        }
        let numbers = &self.world.numbers;
        let issue = self.person.number_issue_on(self.day);
        let mut number = numbers.nhs_number(self.person.index, issue);
        let relative = self.person.taken_for.and_then(|at| self.family.get(at));
        match relative {
            Some(relative) if self.dice.happens(habits.number_of_relative) => {
                number = numbers.nhs_number(relative.index, 0);
            }
            _ if self.dice.happens(habits.number_of_stranger) => {
                number = numbers.nhs_number(self.dice.below(self.world.persons), 0);
            }
            _ => {}
        }
        let right = number.clone();
        if self.dice.happens(habits.number_digit_wrong) {
            number = slips::wrong_digit(self.dice, &number);
        } else if self.dice.happens(habits.number_transposed) {
            number = slips::transposed(self.dice, &number);
        }
        let status = if number == right {
            self.status()
        } else {
            ["02", "03", "04", ""][self.dice.index(4)]
        };
        if self.dice.happens(habits.number_spaced) {
            number = format!("{} {} {}", &number[..3], &number[3..6], &number[6..]);
        }
        (number, status.to_owned())
    }

    /// What the source says of a number that looks right.
    fn status(&mut self) -> &'static str {
        let mut left = self.dice.uniform();
        for (code, rate) in self.habits.statuses() {
            left -= f64::from(rate);
            if left < 0.0 {
                return code;
            }
        }
        ""
    }

    fn name(&mut self) -> PersonName {
        let (person, habits) = (self.person, self.habits);
        let mut name = person.name_on(self.day).clone();
        let toddler = person.age_on(self.day) < 3;
        if person.named_later && toddler && self.dice.happens(habits.baby_name_kept) {
            name.clone_from(&person.names[0].1);
        }
        if self.dice.happens(habits.custom_variation) {
            naming::written_otherwise(self.dice, person.custom, &mut name);
        }
        if !name.middle.is_empty() && self.dice.happens(habits.given_middle_swapped) {
            std::mem::swap(&mut name.given, &mut name.middle);
        }
        name.middle = self.middle(&name.middle);
        name.given = self.given(&name.given);
        name.family = self.family_name(&name.family);
        if self.dice.happens(habits.names_swapped) {
            std::mem::swap(&mut name.given, &mut name.family);
        }
        name
    }

    fn given(&mut self, given: &str) -> String {
        let habits = self.habits;
        if self.dice.happens(habits.given_missing) {
            return String::new();
        }
        let mut given = given.to_owned();
        if self.dice.happens(habits.given_nickname) {
            let forms = tables::pet_names(&given);
            // The commonest form twice as often.
            let at = self.dice.index(forms.len() + 1).saturating_sub(1);
            given = forms.get(at).map_or(given, |form| (*form).to_owned());
        } else if self.dice.happens(habits.given_spelling) {
            given = self
                .dice
                .pick(tables::spellings(&given))
                .cloned()
                .unwrap_or(given);
        } else if self.dice.happens(habits.given_initial) {
            given = given.chars().take(1).collect();
        }
        if self.dice.happens(habits.given_sound) {
            given = slips::misheard(self.dice, &given);
        }
        if self.dice.happens(habits.given_typo) {
            given = slips::typo(self.dice, &given);
        }
        given
    }

    fn middle(&mut self, middle: &str) -> String {
        // What the custom needs as part of the name is left out less often.
        let needed = self.person.custom != Custom::Western && self.dice.happens(0.6);
        if middle.is_empty() || (!needed && self.dice.happens(self.habits.middle_missing)) {
            return String::new();
        }
        if !needed && self.dice.happens(self.habits.middle_initial) {
            return middle.chars().take(1).collect();
        }
        if self.dice.happens(self.habits.middle_typo) {
            return slips::typo(self.dice, middle);
        }
        middle.to_owned()
    }

    fn family_name(&mut self, family: &str) -> String {
        let habits = self.habits;
        if self.dice.happens(habits.family_missing) {
            return String::new();
        }
        let mut family = family.to_owned();
        let halves = family
            .split_once('-')
            .filter(|(first, _)| first.chars().count() > 2);
        let halves = halves.or_else(|| {
            family
                .split_once(' ')
                .filter(|_| self.person.custom == Custom::Iberian)
        });
        if let Some((first, second)) = halves.filter(|_| self.dice.happens(habits.family_half)) {
            family = String::from(if self.dice.happens(0.35) {
                first
            } else {
                second
            });
        }
        if self.dice.happens(habits.family_spelling) {
            family = self
                .dice
                .pick(tables::spellings(&family))
                .cloned()
                .unwrap_or(family);
        }
        if self.dice.happens(habits.family_sound) {
            family = slips::misheard(self.dice, &family);
        }
        if self.dice.happens(habits.family_typo) {
            family = slips::typo(self.dice, &family);
        }
        family
    }

    fn previous_family_name(&mut self) -> String {
        match self.person.earlier_family(self.day) {
            Some(earlier) if self.dice.happens(self.habits.previous_name_kept) => {
                self.lettered(earlier)
            }
            _ => String::new(),
        }
    }

    fn title(&mut self) -> String {
        if self.dice.happens(self.habits.title_missing) {
            return String::new();
        }
        let title = self.likely_title();
        self.lettered(title)
    }

    fn likely_title(&mut self) -> &'static str {
        let age = self.person.age_on(self.day);
        if age > 26 && self.dice.happens(0.02) {
            return ["Dr", "Rev", "Prof"][self.dice.index(3)];
        }
        match (self.person.female_on(self.day), age) {
            (false, ..16) if self.dice.happens(0.6) => "Master",
            (false, _) => "Mr",
            (true, ..16) => "Miss",
            (true, _) if self.dice.happens(0.15) => "Ms",
            (true, _) if self.person.married => "Mrs",
            (true, _) => "Miss",
        }
    }

    fn birth_date(&mut self) -> String {
        let habits = self.habits;
        if self.dice.happens(habits.birth_missing) {
            return String::new();
        }
        let Ok(born) = Date::from_julian_day(self.person.born) else {
            return String::new();
        };
        let (year, month, day) = (born.year(), u8::from(born.month()), born.day());
        let mut parts = (year, month, day);
        if self.dice.happens(habits.birth_default) {
            parts = (1900, 1, 1);
        } else if self.dice.happens(habits.birth_first_january) {
            parts = (year, 1, 1);
        } else if day <= 12
            && self
                .dice
                .happens(f64::from(habits.birth_day_month_swapped) * 2.5)
        {
            // Two in five birth dates can be swapped at all.
            parts = (year, day, month);
        } else if self.dice.happens(habits.birth_digit_wrong) {
            parts = self.wrong_birth_date(parts);
        }
        written_parts(parts, habits.birth_date_notation)
    }

    /// One digit wrong; mostly still a date that exists and is not in the future.
    fn wrong_birth_date(&mut self, (year, month, day): (i32, u8, u8)) -> (i32, u8, u8) {
        let right = format!("{year:04}-{month:02}-{day:02}");
        for _ in 0..40 {
            let wrong = slips::wrong_digit(self.dice, &right);
            let number = |range: std::ops::Range<usize>| wrong.get(range)?.parse::<i32>().ok();
            let (Some(y), Some(m), Some(d)) = (number(0..4), number(5..7), number(8..10)) else {
                continue;
            };
            let (m, d) = (u8::try_from(m).unwrap_or(0), u8::try_from(d).unwrap_or(0));
            let month = time::Month::try_from(m);
            let exists = month.is_ok_and(|month| Date::from_calendar_date(y, month, d).is_ok());
            if (1900..=super::life::calendar_year(self.world.population.today)).contains(&y)
                && (exists || self.dice.happens(0.03))
            {
                return (y, m, d);
            }
        }
        (year, month, day)
    }

    fn gender(&mut self) -> String {
        if self.dice.happens(self.habits.gender_missing) {
            let unknown = match self.habits.gender_notation {
                GenderNotation::Words => "unknown",
                GenderNotation::Letters => "",
                GenderNotation::Codes => ["0", "9", "X"][self.dice.index(3)],
            };
            return unknown.to_owned();
        }
        let female = self.person.female_on(self.day) != self.dice.happens(self.habits.gender_wrong);
        let written = match (self.habits.gender_notation, female) {
            (GenderNotation::Words, true) => "female",
            (GenderNotation::Words, false) => "male",
            (GenderNotation::Letters, true) => "F",
            (GenderNotation::Letters, false) => "M",
            (GenderNotation::Codes, true) => "2",
            (GenderNotation::Codes, false) => "1",
        };
        written.to_owned()
    }

    fn effective_at(&mut self) -> String {
        let date = written_date(self.day, DateNotation::Iso);
        let minutes = 7 * 60 + self.dice.below(12 * 60);
        let seconds = self.dice.below(60);
        format!(
            "{date}T{:02}:{:02}:{seconds:02}Z",
            minutes / 60,
            minutes % 60
        )
    }

    /// A text in the letters of this source, cut at its field's length.
    pub(super) fn lettered(&self, text: &str) -> String {
        let text = if self.habits.keeps_diacritics || text.is_ascii() {
            text.to_owned()
        } else {
            any_ascii::any_ascii(text)
        };
        let text = match self.letters {
            LetterCase::Upper => text.to_uppercase(),
            LetterCase::Title | LetterCase::AsKnown => text,
        };
        match text.char_indices().nth(self.habits.name_length_max) {
            Some((end, _)) => text[..end].to_owned(),
            None => text,
        }
    }
}

fn written_date(day: i32, notation: DateNotation) -> String {
    Date::from_julian_day(day).map_or_else(
        |_| String::new(),
        |date| written_parts((date.year(), u8::from(date.month()), date.day()), notation),
    )
}

fn written_parts((year, month, day): (i32, u8, u8), notation: DateNotation) -> String {
    match notation {
        DateNotation::Iso => format!("{year:04}-{month:02}-{day:02}"),
        DateNotation::Slashes => format!("{day:02}/{month:02}/{year:04}"),
    }
}
