//! A person's true story, as far as sources could know it: names, homes,
//! numbers and telephones, each from a day on. Days are Julian day numbers.

use super::geography::Dwelling;
use super::naming::PersonName;
use super::population::Custom;

/// Days of a year, for ages and rates.
pub(super) const YEAR: f64 = 365.25;

/// A person of the region.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// Index in the whole region.
    pub(super) index: u64,
    pub(super) female: bool,
    pub(super) born: i32,
    pub(super) died: Option<i32>,
    pub(super) custom: Custom,
    /// Code of the community whose names the family has.
    pub(super) community: String,
    /// Names from a day on, earliest first.
    pub(super) names: Vec<(i32, PersonName)>,
    /// The first name is the placeholder of a newborn.
    pub(super) named_later: bool,
    /// Married, or once married: for titles.
    pub(super) married: bool,
    pub(super) homes: Vec<(i32, Dwelling)>,
    pub(super) mobiles: Vec<(i32, String)>,
    pub(super) email: String,
    /// From this day the number of issue 0 holds, before it the superseded one.
    pub(super) number_changed: Option<i32>,
    pub(super) gender_changed: Option<i32>,
    /// From this day there is another identity, which nobody may join with the
    /// one before: adopted, or a new number with a change of gender.
    pub(super) closed_before: Option<i32>,
    /// 1 or 2 for twins, else 0.
    pub(super) birth_order: u8,
    /// Place in the family of whoever this person is taken for: the co-twin,
    /// a parent, a child.
    pub(super) taken_for: Option<usize>,
    /// Place of the mother (or the only parent) in the family.
    pub(super) mother: Option<usize>,
}

impl Person {
    /// The name on a day.
    pub(super) fn name_on(&self, day: i32) -> &PersonName {
        &self.names[spell(&self.names, day)].1
    }

    /// The last family name before the one of a day that differs from it.
    pub(super) fn earlier_family(&self, day: i32) -> Option<&str> {
        let now = spell(&self.names, day);
        let family = &self.names[now].1.family;
        let first = usize::from(self.named_later);
        let earlier = self.names.get(first..now)?.iter().rev();
        earlier
            .filter(|(from, _)| !self.is_closed_at(*from, day))
            .map(|(_, name)| name.family.as_str())
            .find(|name| name != family)
    }

    /// The home on a day, or with `stale` the one before it.
    pub(super) fn home_on(&self, day: i32, stale: bool) -> &Dwelling {
        let at = spell(&self.homes, day);
        let before = at.saturating_sub(1);
        let stale = stale && !self.is_closed_at(self.homes[before].0, day);
        &self.homes[if stale { before } else { at }].1
    }

    /// Whether what began on `from` is of an identity that was closed by `day`.
    fn is_closed_at(&self, from: i32, day: i32) -> bool {
        self.closed_before
            .is_some_and(|closed| from < closed && closed <= day)
    }

    /// Whose record this is by the truth: the person's, or that of the identity
    /// that was closed.
    pub(super) fn truth_on(&self, day: i32) -> String {
        let closed = self.closed_before.is_some_and(|closed| day < closed);
        let before = if closed { "-before" } else { "" };
        format!("P{:08}{before}", self.index + 1)
    }

    /// The mobile on a day, if there was one.
    pub(super) fn mobile_on(&self, day: i32) -> Option<&str> {
        if self.mobiles.is_empty() {
            return None;
        }
        Some(&self.mobiles[spell(&self.mobiles, day)].1)
    }

    /// Which NHS number was the live one on a day: 0 today's, 1 an earlier one.
    pub(super) fn number_issue_on(&self, day: i32) -> u64 {
        u64::from(self.number_changed.is_some_and(|changed| day < changed))
    }

    /// Whether the person is recorded as female on a day.
    pub(super) fn female_on(&self, day: i32) -> bool {
        self.female != self.gender_changed.is_some_and(|changed| day >= changed)
    }

    /// Completed years on a day.
    pub(super) fn age_on(&self, day: i32) -> i32 {
        // Four years are 1461 days.
        ((day - self.born) * 4).div_euclid(1461)
    }
}

/// The spell that holds on a day; the first one before all of them.
fn spell<T>(spells: &[(i32, T)], day: i32) -> usize {
    spells
        .partition_point(|(from, _)| *from <= day)
        .saturating_sub(1)
}
