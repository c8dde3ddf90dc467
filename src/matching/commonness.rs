//! How many people share a name, by the model's tables: what a reader of a pair
//! wants to know before believing that two records agree by chance.

use crate::identity::{NameToken, StandardRecord, is_prefix_name};
use crate::matching::LinkageModel;
use crate::matching::frequency::Frequency;
use crate::matching::levels::Comparison;

/// People of the model's population that are expected to share values with a
/// record, it included; absent where the record says nothing, or the model has no
/// table to say it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Commonness {
    /// People of the model, of whom the others are parts.
    pub population: f64,
    /// Of this first given name, in any spelling.
    pub given_name: Option<f64>,
    /// Of this family name.
    pub family_name: Option<f64>,
    /// Of both; names of one community go together (R49).
    pub full_name: Option<f64>,
    /// Of both, born on the same day.
    pub full_name_and_birth_date: Option<f64>,
}

impl LinkageModel {
    /// How common the usual name of a record is. A name in no table counts as the
    /// rarest that the model knows.
    #[must_use]
    pub fn commonness(&self, record: &StandardRecord) -> Commonness {
        let population = self.file().population;
        let files = &self.file().frequencies;
        let people = |log2: f64| population * log2.exp2();
        let name = record.usual_name();
        let given = name.and_then(|name| called(&name.given));
        let given = given.filter(|_| files.given_names.is_some());
        let given = given.map(|token| self.frequencies().given(token));
        let family = name.and_then(|name| name.family.as_ref());
        let family = family.filter(|_| files.family_names.is_some());
        let family = family.map(|family| self.frequencies().family(&family.whole));
        let both = given.zip(family);
        let both = both.map(|(given, family)| self.frequencies().joint(given, family));
        let born = record.birth_date.filter(|birth| birth.date.is_full());
        let together = both.filter(|_| born.is_some());
        let share = |known: Frequency| people(known.log2);
        Commonness {
            population,
            given_name: given.map(share),
            family_name: family.map(share),
            full_name: both.map(people),
            full_name_and_birth_date: together
                .map(|log2| people(log2 + self.log2_average(Comparison::BirthDate))),
        }
    }
}

/// The name that somebody goes by: no initial, and not a prefix before another (R40).
fn called(given: &[NameToken]) -> Option<&NameToken> {
    let mut names = given.iter().filter(|token| !token.is_initial());
    let first = names.next()?;
    let next = names.next().filter(|_| is_prefix_name(first));
    Some(next.unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use crate::identity::StandardRecord;
    use crate::matching::LinkageModel;
    use crate::matching::rule_tests::Said;

    fn named(given: &str, family: &str) -> StandardRecord {
        let said = Said::default().name(given, family).born("1961-03-04");
        said.record()
    }

    #[test]
    fn a_common_name_is_shared_by_many_and_by_few_of_one_birth_date() {
        let model = LinkageModel::uk_care();
        let smith = model.commonness(&named("John", "Smith"));
        let rare = model.commonness(&named("Ottoline", "Quillgarth"));
        let (many, few) = (smith.full_name, rare.full_name);
        assert!(many.is_some_and(|people| people > 100.0), "{smith:?}");
        assert!(few.is_some_and(|people| people < 10.0), "{rare:?}");
        let born = smith.full_name_and_birth_date.zip(many);
        assert!(born.is_some_and(|(born, many)| born < many / 1_000.0));
        assert!(smith.given_name > smith.full_name);
    }

    #[test]
    fn r40_a_prefix_before_a_name_is_not_what_somebody_is_called() {
        let model = LinkageModel::uk_care();
        let with = model.commonness(&named("Mohammed Imran", "Khan"));
        let without = model.commonness(&named("Imran", "Khan"));
        assert_eq!(with.given_name, without.given_name);
    }

    #[test]
    fn a_model_without_tables_and_a_record_without_a_name_say_nothing() {
        let none = LinkageModel::generic().commonness(&named("John", "Smith"));
        assert_eq!((none.given_name, none.full_name), (None, None));
        let empty = LinkageModel::uk_care().commonness(&StandardRecord::default());
        assert_eq!((empty.given_name, empty.family_name), (None, None));
    }
}
