//! How one kind of source writes people down: which shares of its fields are
//! missing, wrong or in its own notation. The numbers are in the population
//! file; deliberately nothing here knows how the matcher weighs anything.

use serde::Deserialize;

/// A share from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "f64")]
pub struct Rate(f64);

impl TryFrom<f64> for Rate {
    type Error = String;

    fn try_from(share: f64) -> Result<Self, String> {
        if (0.0..=1.0).contains(&share) {
            Ok(Self(share))
        } else {
            Err(format!("{share} is not a share between 0 and 1"))
        }
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

/// Share of people known to a kind of source, from an age on.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Coverage {
    pub(super) from_age: i32,
    pub(super) share: Rate,
}

/// Letters of names and addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LetterCase {
    Title,
    Upper,
    /// As typed in a hurry: mostly as known, some in upper case.
    AsKnown,
}

/// How gender is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum GenderNotation {
    /// `female`, `male`.
    Words,
    /// `F`, `M`.
    Letters,
    /// `2`, `1` (NHS Data Dictionary, person stated gender).
    Codes,
}

/// How birth dates are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DateNotation {
    /// `1980-05-12`.
    Iso,
    /// `12/05/1980`.
    Slashes,
}

/// How postcodes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PostcodeNotation {
    /// `WM1 4AB`.
    Spaced,
    /// `WM14AB`.
    Joined,
    /// The inward part from the sixth character on, as in HES.
    Padded,
}

/// How telephone numbers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PhoneNotation {
    /// `07700900123`.
    Plain,
    /// `07700 900123`.
    Spaced,
    /// `+447700900123`.
    International,
    /// All of these and more.
    Mixed,
}

/// The habits of one kind of source; the population file documents each.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Habits {
    pub(super) coverage: Vec<Coverage>,
    pub(super) second_source: Rate,
    pub(super) duplicate_within: Rate,
    pub(super) record_age_years_mean: f64,
    pub(super) case: LetterCase,
    pub(super) keeps_diacritics: bool,
    pub(super) gender_notation: GenderNotation,
    pub(super) birth_date_notation: DateNotation,
    pub(super) postcode_notation: PostcodeNotation,
    pub(super) phone_notation: PhoneNotation,
    pub(super) name_length_max: usize,
    pub(super) status_verified: Rate,
    pub(super) status_not_traced: Rate,
    pub(super) status_trace_required: Rate,
    pub(super) status_no_match: Rate,
    pub(super) status_conflict: Rate,
    pub(super) status_in_progress: Rate,
    pub(super) number_missing: Rate,
    pub(super) number_digit_wrong: Rate,
    pub(super) number_transposed: Rate,
    pub(super) number_spaced: Rate,
    pub(super) number_of_relative: Rate,
    pub(super) number_of_stranger: Rate,
    pub(super) title_missing: Rate,
    pub(super) title_in_given_name: Rate,
    pub(super) given_missing: Rate,
    pub(super) given_typo: Rate,
    pub(super) given_sound: Rate,
    pub(super) given_spelling: Rate,
    pub(super) given_nickname: Rate,
    pub(super) given_initial: Rate,
    pub(super) given_middle_swapped: Rate,
    pub(super) names_swapped: Rate,
    pub(super) middle_missing: Rate,
    pub(super) middle_initial: Rate,
    pub(super) middle_typo: Rate,
    pub(super) family_missing: Rate,
    pub(super) family_typo: Rate,
    pub(super) family_sound: Rate,
    pub(super) family_spelling: Rate,
    pub(super) family_half: Rate,
    pub(super) custom_variation: Rate,
    pub(super) previous_name_kept: Rate,
    pub(super) birth_day_month_swapped: Rate,
    pub(super) birth_digit_wrong: Rate,
    pub(super) birth_first_january: Rate,
    pub(super) birth_default: Rate,
    pub(super) birth_missing: Rate,
    pub(super) gender_wrong: Rate,
    pub(super) gender_missing: Rate,
    pub(super) address_missing: Rate,
    pub(super) address_stale: Rate,
    pub(super) address_abbreviated: Rate,
    pub(super) flat_missing: Rate,
    pub(super) house_number_wrong: Rate,
    pub(super) street_typo: Rate,
    pub(super) town_missing: Rate,
    pub(super) postcode_missing: Rate,
    pub(super) postcode_typo: Rate,
    pub(super) postcode_unknown: Rate,
    pub(super) phone_missing: Rate,
    pub(super) phone_digit_wrong: Rate,
    pub(super) phone_landline: Rate,
    pub(super) child_phone_of_mother: Rate,
    pub(super) old_phone_of_relative: Rate,
    pub(super) email_missing: Rate,
    pub(super) birth_order_given: Rate,
    pub(super) death_date_missing: Rate,
    pub(super) baby_name_kept: Rate,
}

impl Habits {
    /// Shares of right numbers by status code; the rest has no status.
    pub(super) fn statuses(&self) -> [(&'static str, Rate); 6] {
        [
            ("01", self.status_verified),
            ("02", self.status_not_traced),
            ("03", self.status_trace_required),
            ("04", self.status_no_match),
            ("05", self.status_conflict),
            ("06", self.status_in_progress),
        ]
    }

    /// Share of people of this age whom the kind of source knows.
    pub(super) fn coverage_at(&self, age: i32) -> Rate {
        let applies = self.coverage.iter().rfind(|step| step.from_age <= age);
        applies.map_or(Rate(0.0), |step| step.share)
    }
}
