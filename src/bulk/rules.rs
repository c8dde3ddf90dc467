//! Where records may meet: the rules that join them by what they say. A rule asks
//! for fields that together are rare, so that its blocks are small; there are
//! many, so that a pair with any one field wrong or missing still meets.

/// A value that keys are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Part {
    Number,
    Phone,
    Email,
    Identifier,
    Uprn,
    /// Year, month and day.
    Date,
    Year,
    YearMonth,
    /// Day and month in either order.
    DayMonth,
    /// A given name by its sound, or by that of the name it is a form of.
    Given,
    /// A family name or a part of it by sound.
    Family,
    /// Both names, also exchanged.
    Names,
    Postcode,
    Outward,
    Town,
    /// House number with a word of the street, or a flat.
    Premises,
    Sex,
}

impl Part {
    /// All, in their order.
    pub(super) const ALL: [Self; PARTS] = [
        Self::Number,
        Self::Phone,
        Self::Email,
        Self::Identifier,
        Self::Uprn,
        Self::Date,
        Self::Year,
        Self::YearMonth,
        Self::DayMonth,
        Self::Given,
        Self::Family,
        Self::Names,
        Self::Postcode,
        Self::Outward,
        Self::Town,
        Self::Premises,
        Self::Sex,
    ];
}

/// How many there are.
pub(super) const PARTS: usize = Part::Sex as usize + 1;

/// A rule: records that agree in all `parts`, three at most, meet. A block with too many is
/// divided by the next of `sharper`.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) parts: &'static [Part],
    pub(super) sharper: &'static [Part],
    /// Asks for little, so that it brings only records that lack a field.
    pub(super) broad: bool,
}

const fn broad(name: &'static str, parts: &'static [Part], sharper: &'static [Part]) -> Rule {
    Rule {
        name,
        parts,
        sharper,
        broad: true,
    }
}

const fn rule(name: &'static str, parts: &'static [Part], sharper: &'static [Part]) -> Rule {
    Rule {
        name,
        parts,
        sharper,
        broad: false,
    }
}

/// The rules, the narrow ones first.
pub(super) const RULES: &[Rule] = &[
    rule("nhs_number", &[Part::Number], &[Part::Date, Part::Given]),
    rule(
        "identifier",
        &[Part::Identifier],
        &[Part::Year, Part::Given],
    ),
    rule("email", &[Part::Email], &[Part::Given, Part::Year]),
    rule("phone", &[Part::Phone], &[Part::Given, Part::Year]),
    rule("uprn", &[Part::Uprn], &[Part::Given, Part::Year]),
    rule(
        "date_given",
        &[Part::Date, Part::Given],
        &[Part::Outward, Part::Family, Part::Town],
    ),
    rule(
        "date_family",
        &[Part::Date, Part::Family],
        &[Part::Outward, Part::Sex, Part::Given],
    ),
    rule(
        "date_outward",
        &[Part::Date, Part::Outward],
        &[Part::Sex, Part::Postcode],
    ),
    rule(
        "date_town",
        &[Part::Date, Part::Town],
        &[Part::Sex, Part::Postcode, Part::Given],
    ),
    rule(
        "year_names",
        &[Part::Year, Part::Names],
        &[Part::Outward, Part::Town, Part::YearMonth],
    ),
    rule(
        "day_names",
        &[Part::DayMonth, Part::Names],
        &[Part::Outward, Part::Town],
    ),
    rule(
        "names_outward",
        &[Part::Names, Part::Outward],
        &[Part::Year, Part::Postcode],
    ),
    rule(
        "names_town",
        &[Part::Names, Part::Town],
        &[Part::Year, Part::Outward],
    ),
    rule(
        "postcode_given",
        &[Part::Postcode, Part::Given],
        &[Part::Year, Part::Family],
    ),
    rule(
        "postcode_family",
        &[Part::Postcode, Part::Family],
        &[Part::Year, Part::Given],
    ),
    rule(
        "postcode_year",
        &[Part::Postcode, Part::Year],
        &[Part::Sex, Part::YearMonth],
    ),
    rule(
        "premises_given",
        &[Part::Premises, Part::Given],
        &[Part::Town, Part::Year],
    ),
    rule(
        "premises_family",
        &[Part::Premises, Part::Family],
        &[Part::Town, Part::Year],
    ),
    rule(
        "premises_year",
        &[Part::Premises, Part::Year],
        &[Part::Town, Part::Sex],
    ),
    rule(
        "month_given_town",
        &[Part::YearMonth, Part::Given, Part::Town],
        &[Part::Outward, Part::Family],
    ),
    broad(
        "names",
        &[Part::Names],
        &[Part::Sex, Part::YearMonth, Part::Outward],
    ),
    broad(
        "family_town",
        &[Part::Family, Part::Town],
        &[Part::Given, Part::Year],
    ),
    broad(
        "given_town",
        &[Part::Given, Part::Town],
        &[Part::Year, Part::Outward],
    ),
    broad(
        "family_year",
        &[Part::Family, Part::Year],
        &[Part::YearMonth, Part::Given],
    ),
    broad(
        "given_month",
        &[Part::Given, Part::YearMonth],
        &[Part::Town, Part::Outward],
    ),
    broad("date", &[Part::Date], &[Part::Sex, Part::Given]),
    broad("postcode", &[Part::Postcode], &[Part::Given, Part::Year]),
];
