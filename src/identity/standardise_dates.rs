//! Steps of standardising for dates of birth and death (R51, R52, R56, R57).

use crate::identity::birth_date::DateProblem;
use crate::identity::sent_text::{fold_short, is_blank_equivalent};
use crate::identity::standardise::{BIRTH_DATE_TEXT_SYSTEM, Field, Profile, Steps};
use crate::identity::{BirthDate, FindingCode, StandardDate};

/// A birth just after midnight local time may be tomorrow's in UTC.
const CLOCK_DAYS: i32 = 1;

/// Birth dates before this year are defaults (R51; HES data dictionary).
const BIRTH_YEAR_MIN: i16 = 1895;

impl Steps<'_> {
    pub(super) fn read_birth_date(&mut self) {
        let field = Field::of("birth_date");
        let event = self.read_event_date();
        let Some(text) = self.some_text(field, self.submitted.birth_date.as_ref()) else {
            return;
        };
        if is_date_placeholder(&text) {
            self.find(FindingCode::BirthDatePlaceholder, field);
            return;
        }
        if self.record.unborn {
            self.find(FindingCode::BirthDateExpected, field);
            return;
        }
        match StandardDate::read(&text) {
            Ok(date) => match self.fault_of_birth_date(date, event) {
                Some(fault) => self.find(fault, field),
                None => self.accept_birth_date(date),
            },
            Err(problem) => {
                let code = match problem {
                    DateProblem::Unreadable => FindingCode::BirthDateUnreadable,
                    DateProblem::Impossible => FindingCode::BirthDateImpossible,
                };
                self.find(code, field);
                self.keep_identifier(Some(BIRTH_DATE_TEXT_SYSTEM.to_owned()), &text);
            }
        }
    }

    /// The day the record speaks of.
    fn read_event_date(&mut self) -> Option<StandardDate> {
        let field = Field::of("effective_at");
        let text = self.some_text(field, self.submitted.effective_at.as_ref())?;
        let date = StandardDate::parse(&text);
        if date.is_none() {
            self.find(FindingCode::EffectiveAtUnreadable, field);
        }
        date
    }

    fn fault_of_birth_date(
        &self,
        date: StandardDate,
        event: Option<StandardDate>,
    ) -> Option<FindingCode> {
        if self.is_default_date(date) {
            Some(FindingCode::BirthDateDefault)
        } else if self.is_future(date) {
            Some(FindingCode::BirthDateFuture)
        } else if event.is_some_and(|event| date.earliest_day() > event.latest_day() + CLOCK_DAYS) {
            Some(FindingCode::BirthDateAfterEvent)
        } else {
            None
        }
    }

    fn accept_birth_date(&mut self, date: StandardDate) {
        let is_first_of_january = (date.month(), date.day()) == (Some(1), Some(1));
        let year_only = self.submitted.birth_date_estimated == Some(true)
            || (self.options.first_of_january_is_default && is_first_of_january);
        if year_only {
            self.find(FindingCode::BirthDateYearOnly, Field::of("birth_date"));
        }
        self.record.birth_date = Some(BirthDate { date, year_only });
    }

    fn is_default_date(&self, date: StandardDate) -> bool {
        self.options.profile == Profile::UkCare
            && (date.year() < BIRTH_YEAR_MIN
                || (date.year(), date.month(), date.day()) == (1900, Some(1), Some(1)))
    }

    fn is_future(&self, date: StandardDate) -> bool {
        date.earliest_day() > self.options.today.latest_day() + CLOCK_DAYS
    }

    pub(super) fn read_death(&mut self) {
        let field = Field::of("death_status");
        let status = self.some_text(field, self.submitted.death_status.as_ref());
        let status = status.as_deref().and_then(fold_short);
        match status.as_ref().map(super::sent_text::ShortText::as_str) {
            Some("1" | "01" | "2" | "02") => self.record.deceased = true,
            Some("U") => {
                self.find(FindingCode::DeathRemoved, field);
                return;
            }
            Some(text) if !is_blank_equivalent(text) => {
                self.find(FindingCode::DeathStatusUnknown, field);
            }
            _ => {}
        }
        let field = Field::of("death_date");
        let Some(text) = self.some_text(field, self.submitted.death_date.as_ref()) else {
            return;
        };
        if is_date_placeholder(&text) {
            self.find(FindingCode::DeathDatePlaceholder, field);
            return;
        }
        match StandardDate::read(&text) {
            Ok(date) => self.accept_death_date(date),
            Err(DateProblem::Unreadable) => self.find(FindingCode::DeathDateUnreadable, field),
            Err(DateProblem::Impossible) => {
                self.record.deceased = true;
                self.find(FindingCode::DeathDateImpossible, field);
            }
        }
    }

    fn accept_death_date(&mut self, date: StandardDate) {
        let field = Field::of("death_date");
        if self.is_default_date(date) {
            self.find(FindingCode::DeathDatePlaceholder, field);
            return;
        }
        if self.is_future(date) {
            self.find(FindingCode::DeathDateFuture, field);
            return;
        }
        self.record.deceased = true;
        let birth = self.record.birth_date.map(|birth| birth.date);
        if birth.is_some_and(|birth| date.latest_day() < birth.earliest_day()) {
            self.find(FindingCode::DeathBeforeBirth, field);
        } else {
            self.record.death_date = Some(date);
        }
    }
}

/// A word for nothing, or zeros in place of all digits.
fn is_date_placeholder(text: &str) -> bool {
    is_blank_equivalent(text)
        || fold_short(text).is_some_and(|folded| folded.as_str().bytes().all(|byte| byte == b'0'))
}

#[cfg(test)]
mod tests {
    use super::BIRTH_DATE_TEXT_SYSTEM;
    use crate::identity::standardise::test_support::{codes, options};
    use crate::identity::{
        DateRelation, FindingCode, Profile, StandardRecord, StandardiseOptions, SubmittedRecord,
        standardise,
    };

    fn born(text: &str) -> SubmittedRecord {
        SubmittedRecord {
            birth_date: Some(text.to_owned()),
            ..SubmittedRecord::default()
        }
    }

    fn read(sent: &SubmittedRecord) -> (StandardRecord, Vec<FindingCode>) {
        let (record, findings) = standardise(sent, &options());
        (record, codes(&findings))
    }

    fn generic() -> StandardiseOptions {
        StandardiseOptions {
            profile: Profile::Generic,
            ..options()
        }
    }

    #[test]
    fn r51_defaults_and_old_dates_are_absent_in_england_only() {
        for text in ["1800-01-01", "01/01/1900", "1894-12-31", "1616-01-01"] {
            let (record, found) = read(&born(text));
            assert!(
                record.birth_date.is_none() && found == [FindingCode::BirthDateDefault],
                "{text}"
            );
            assert!(
                standardise(&born(text), &generic()).0.birth_date.is_some(),
                "{text}"
            );
        }
        for text in ["1895-01-01", "1900", "1900-01-02"] {
            assert!(read(&born(text)).0.birth_date.is_some(), "{text}");
        }
    }

    #[test]
    fn r51_the_future_is_absent_in_both_profiles() {
        for options in [options(), generic()] {
            for text in ["2026-11-24", "2027", "2999-01-01"] {
                let (record, findings) = standardise(&born(text), &options);
                assert!(record.birth_date.is_none(), "{text}");
                assert_eq!(codes(&findings), [FindingCode::BirthDateFuture], "{text}");
            }
            assert!(
                standardise(&born("2026-11-23"), &options)
                    .0
                    .birth_date
                    .is_some()
            );
            assert!(standardise(&born("2026"), &options).0.birth_date.is_some());
        }
    }

    #[test]
    fn r53_an_impossible_date_and_an_unreadable_one_are_compared_as_text() {
        for (text, code, value) in [
            ("31/02/1980", FindingCode::BirthDateImpossible, "31021980"),
            (
                "spring 1980",
                FindingCode::BirthDateUnreadable,
                "SPRING1980",
            ),
        ] {
            let (record, found) = read(&born(text));
            assert!(record.birth_date.is_none() && found == [code], "{text}");
            assert_eq!(
                record.identifiers[0].system.as_deref(),
                Some(BIRTH_DATE_TEXT_SYSTEM)
            );
            assert_eq!(record.identifiers[0].value, value);
        }
        let (record, found) = read(&born("00/00/0000"));
        assert!(record.identifiers.is_empty() && found == [FindingCode::BirthDatePlaceholder]);
    }

    #[test]
    fn r52_an_estimated_or_default_day_keeps_the_year() {
        let estimated = SubmittedRecord {
            birth_date_estimated: Some(true),
            ..born("1984-05-12")
        };
        let birth = read(&estimated).0.birth_date.expect("a date");
        assert_eq!(birth.relation(&birth), DateRelation::YearAgrees);
        let default = StandardiseOptions {
            first_of_january_is_default: true,
            ..options()
        };
        let year_only = |text: &str| {
            standardise(&born(text), &default)
                .0
                .birth_date
                .map(|birth| birth.year_only)
        };
        assert_eq!(year_only("1984-01-01"), Some(true));
        assert_eq!(year_only("1984-01-02"), Some(false));
        assert_eq!(
            read(&born("1984-01-01"))
                .0
                .birth_date
                .map(|birth| birth.year_only),
            Some(false)
        );
    }

    #[test]
    fn r56_a_birth_after_the_event_and_a_death_before_birth_are_not_used() {
        let sent = SubmittedRecord {
            effective_at: Some("2020-06-01T09:00:00Z".into()),
            ..born("2025-01-01")
        };
        let (record, found) = read(&sent);
        assert!(record.birth_date.is_none() && found == [FindingCode::BirthDateAfterEvent]);
        let sent = SubmittedRecord {
            death_date: Some("1970-01-02".into()),
            ..born("1980-05-12")
        };
        let (record, found) = read(&sent);
        assert!(record.birth_date.is_some() && record.death_date.is_none());
        assert_eq!(found, [FindingCode::DeathBeforeBirth]);
    }

    #[test]
    fn r57_an_expected_date_is_no_birth_date() {
        let sent = SubmittedRecord {
            given_names: vec!["Unborn".into()],
            family_name: Some("Smith".into()),
            ..born("2027-03-01")
        };
        let (record, found) = read(&sent);
        assert!(record.unborn && record.birth_date.is_none());
        assert!(found.contains(&FindingCode::BirthDateExpected));
    }

    #[test]
    fn r58_a_death_is_said_by_date_or_status_and_taken_back() {
        let dead = |date: Option<&str>, status: Option<&str>| {
            let sent = SubmittedRecord {
                death_date: date.map(str::to_owned),
                death_status: status.map(str::to_owned),
                ..born("1980-05-12")
            };
            let record = read(&sent).0;
            (record.deceased, record.death_date.is_some())
        };
        assert_eq!(dead(Some("2020-05-01"), None), (true, true));
        assert_eq!(dead(Some("2020-02-31"), None), (true, false));
        assert_eq!(dead(None, Some("2")), (true, false));
        assert_eq!(dead(Some("2020-05-01"), Some("U")), (false, false));
        assert_eq!(dead(Some("2030-05-01"), None), (false, false));
        assert_eq!(dead(None, Some("unknown")), (false, false));
    }
}
