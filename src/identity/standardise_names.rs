//! Steps of standardising for names. How a name is read lives with its type.

use std::borrow::Cow;

use crate::foundation::limits::VALUES_PER_FIELD_MAX;
use crate::identity::sent_text::fold_short;
use crate::identity::standardise::{Field, Steps};
use crate::identity::{FindingCode, NameUse, PersonName, SubmittedName};
use crate::identity::{NameNote, ReadName, read_name};

impl<'a> Steps<'a> {
    /// The usual name, then aliases. What a placeholder says of a newborn is
    /// read from the usual name; a birth order from any.
    pub(super) fn read_names(&mut self) {
        let sent = self.submitted;
        let field = Field::of("given_names");
        let usual = self.read_naming(
            field,
            NameUse::Usual,
            &sent.given_names,
            sent.family_name.as_ref(),
        );
        self.record.newborn_placeholder = usual.newborn_placeholder;
        self.record.unborn = usual.unborn;
        self.record.birth_order = usual.birth_order;
        self.keep_names(usual.names);
        for (place, alias) in self
            .first_values("aliases", &sent.aliases)
            .iter()
            .enumerate()
        {
            let field = Field::at("aliases", place).member("given_names");
            let read = self.read_naming(
                field,
                name_use(alias),
                &alias.given_names,
                alias.family_name.as_ref(),
            );
            self.record.birth_order = self.record.birth_order.or(read.birth_order);
            self.keep_names(read.names);
        }
        if self.record.names.len() > VALUES_PER_FIELD_MAX {
            self.find(FindingCode::TooManyValues, Field::of("aliases"));
            self.record.names.truncate(VALUES_PER_FIELD_MAX);
        }
    }

    fn read_naming(
        &mut self,
        field: Field,
        name_use: NameUse,
        given: &'a [String],
        family: Option<&'a String>,
    ) -> ReadName {
        let family_field = field.family();
        let family = self.some_text(family_field, family);
        let given = self.clean_given_names(field, given);
        let read = read_name(name_use, &given, family.as_deref());
        for note in &read.notes {
            let (code, is_family) = code_of(*note);
            self.find(code, if is_family { family_field } else { field });
        }
        read
    }

    /// The sent texts themselves where nothing has to be done to them.
    fn clean_given_names(&mut self, field: Field, given: &'a [String]) -> Cow<'a, [String]> {
        let sent = if given.len() > VALUES_PER_FIELD_MAX {
            self.find(FindingCode::TooManyValues, field);
            &given[..VALUES_PER_FIELD_MAX]
        } else {
            given
        };
        let texts: Vec<_> = sent.iter().map(|name| self.text(field, name)).collect();
        if texts.iter().zip(sent).all(|(text, name)| text == name) {
            return Cow::Borrowed(sent);
        }
        Cow::Owned(texts.into_iter().map(Cow::into_owned).collect())
    }

    /// Adds names; the same words in another use say nothing more.
    fn keep_names(&mut self, names: Vec<PersonName>) {
        self.record.names.reserve_exact(names.len());
        for name in names {
            let is_known = self
                .record
                .names
                .iter()
                .any(|known| known.given == name.given && known.family == name.family);
            if !is_known {
                self.record.names.push(name);
            }
        }
    }
}

fn name_use(alias: &SubmittedName) -> NameUse {
    let said = alias.name_use.as_deref().and_then(fold_short);
    match said.as_ref().map(super::sent_text::ShortText::as_str) {
        Some("MAIDEN" | "OLD" | "PREVIOUS" | "FORMER" | "BIRTH") => NameUse::Previous,
        Some("NICKNAME" | "NICK" | "KNOWNAS" | "PREFERRED") => NameUse::KnownAs,
        Some("TEMP" | "TEMPORARY") => NameUse::Temporary,
        _ => NameUse::Alias,
    }
}

/// The finding of a note, and whether it is about the family name.
const fn code_of(note: NameNote) -> (FindingCode, bool) {
    match note {
        NameNote::TitleRemoved => (FindingCode::NameTitleRemoved, false),
        NameNote::KnownAsFound => (FindingCode::NameKnownAsFound, false),
        NameNote::GivenPlaceholder => (FindingCode::NameGivenPlaceholder, false),
        NameNote::FamilyPlaceholder => (FindingCode::NameFamilyPlaceholder, true),
        NameNote::TruncatedAtLimit => (FindingCode::NameTruncatedAtLimit, false),
        NameNote::OpaqueText => (FindingCode::NameOpaqueText, false),
        NameNote::SuffixRemoved => (FindingCode::NameSuffixRemoved, true),
        NameNote::PreviousFound => (FindingCode::NamePreviousFound, true),
        NameNote::BirthOrderFound => (FindingCode::NameBirthOrderFound, false),
        NameNote::UnbornFound => (FindingCode::NameUnborn, false),
        NameNote::CommaFormSplit => (FindingCode::NameCommaFormSplit, true),
        NameNote::SingleName => (FindingCode::NameSingle, false),
        NameNote::RepeatedName => (FindingCode::NameRepeated, false),
        NameNote::TooLong => (FindingCode::NameTooLong, false),
    }
}

#[cfg(test)]
mod tests {
    use crate::identity::standardise::test_support::{codes, options};
    use crate::identity::{FindingCode, NameUse, SubmittedName, SubmittedRecord, standardise};

    fn alias(name_use: &str, given: &str, family: &str) -> SubmittedName {
        SubmittedName {
            given_names: vec![given.to_owned()],
            family_name: Some(family.to_owned()),
            name_use: Some(name_use.to_owned()),
        }
    }

    fn named(given: &str, aliases: Vec<SubmittedName>) -> SubmittedRecord {
        SubmittedRecord {
            given_names: vec![given.to_owned()],
            family_name: Some("Jones".to_owned()),
            aliases,
            ..SubmittedRecord::default()
        }
    }

    #[test]
    fn the_usual_name_stands_first_and_an_alias_keeps_its_use() {
        let sent = named(
            "Sarah",
            vec![
                alias("maiden", "Sarah", "Ahmed"),
                alias("nickname", "Sally", "Jones"),
                alias("temp", "Sarah", "Brown"),
                alias("anonymous", "Sarah", "White"),
                alias("usual", "Sarah", "Jones"),
            ],
        );
        let names = standardise(&sent, &options()).0.names;
        let uses: Vec<_> = names.iter().map(|name| name.name_use).collect();
        let expected = [
            NameUse::Usual,
            NameUse::Previous,
            NameUse::KnownAs,
            NameUse::Temporary,
            NameUse::Alias,
        ];
        assert_eq!(uses, expected);
    }

    #[test]
    fn r35_a_newborn_placeholder_is_no_name() {
        let (record, findings) = standardise(&named("Baby", vec![]), &options());
        assert!(
            record.newborn_placeholder && record.names.iter().all(|name| name.given.is_empty())
        );
        assert_eq!(codes(&findings), [FindingCode::NameGivenPlaceholder]);
        assert_eq!(findings[0].field, "given_names");
        assert!(
            !standardise(&named("Oliver", vec![]), &options())
                .0
                .newborn_placeholder
        );
    }

    #[test]
    fn r91_a_birth_order_is_read_from_a_name_and_a_said_one_wins() {
        let twin = named("Twin 2", vec![]);
        assert_eq!(standardise(&twin, &options()).0.birth_order, Some(2));
        let said = SubmittedRecord {
            birth_order: Some("1".into()),
            ..twin
        };
        assert_eq!(standardise(&said, &options()).0.birth_order, Some(1));
    }

    #[test]
    fn control_characters_in_a_name_are_not_compared() {
        let (record, findings) = standardise(&named("Sa\u{0}rah", vec![]), &options());
        assert!(record.names == standardise(&named("Sarah", vec![]), &options()).0.names);
        assert_eq!(codes(&findings), [FindingCode::ControlCharacters]);
    }
}
