//! How people of different communities are named, hand names on, change them
//! at marriage, and what forms make of names that do not fit them
//! (uk-identity 4.7 and its references).

use super::dice::Dice;
use super::population::{Community, Custom, Population};
use super::tables;

/// A name as its owner would give it to a form with three boxes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PersonName {
    pub(super) given: String,
    pub(super) middle: String,
    pub(super) family: String,
}

/// Where a name comes from.
#[derive(Debug, Clone, Default)]
pub(super) struct Lineage {
    /// The family's name, masculine where the language tells.
    pub(super) stem: String,
    /// The mother's family's name, for customs that keep both.
    pub(super) mothers_stem: String,
    /// The father's given name, or what others call him by.
    pub(super) fathers_given: String,
    /// The father's father's given name.
    pub(super) grandfathers_given: String,
}

/// Titles that stand in the place of a surname among South Asian Muslim women.
const HONORIFICS: [&str; 5] = ["Begum", "Bibi", "Akhtar", "Khatun", "Kausar"];
/// Names before the name a man is called by.
const PREFIXES: [&str; 4] = ["Mohammed", "Muhammad", "Syed", "Abdul"];

/// A family name for a new family.
pub(super) fn stem(dice: &mut Dice, community: &Community) -> String {
    if community
        .composed_surnames
        .is_some_and(|rate| dice.happens(rate))
    {
        return composed_surname(dice);
    }
    (*tables::names(&community.code).families.draw(dice)).to_owned()
}

fn composed_surname(dice: &mut Dice) -> String {
    let (firsts, seconds) = tables::surname_parts();
    loop {
        let (Some(first), Some(second)) = (dice.pick(firsts), dice.pick(seconds)) else {
            return "Ashwell".to_owned();
        };
        if first.to_lowercase() != *second {
            return format!("{first}{second}");
        }
    }
}

/// A given name in fashion at this birth.
pub(super) fn given(dice: &mut Dice, community: &Community, female: bool, year: i32) -> String {
    let english = community
        .english_forename
        .is_some_and(|rate| dice.happens(rate));
    let list = tables::names(if english { "english" } else { &community.code });
    let era = tables::era(year);
    let names = if female {
        &list.girls[era]
    } else {
        &list.boys[era]
    };
    (*names.draw(dice)).to_owned()
}

/// Parents of nobody known: for adults whose parents are not in the region.
pub(super) fn lineage(dice: &mut Dice, community: &Community, year: i32) -> Lineage {
    Lineage {
        stem: stem(dice, community),
        mothers_stem: stem(dice, community),
        fathers_given: given(dice, community, false, year - 30),
        grandfathers_given: given(dice, community, false, year - 60),
    }
}

/// The name of somebody of this lineage at birth.
pub(super) fn birth_name(
    dice: &mut Dice,
    population: &Population,
    community: &Community,
    (female, year): (bool, i32),
    lineage: &Lineage,
) -> PersonName {
    let first = given(dice, community, female, year);
    let mut name = PersonName {
        given: first,
        middle: String::new(),
        family: lineage.stem.clone(),
    };
    match community.custom {
        Custom::Western => middle_names(dice, population, community, (female, year), &mut name),
        Custom::MuslimSouthAsian => muslim_south_asian(dice, (female, year), &mut name),
        Custom::Sikh => sikh(dice, female, &mut name),
        Custom::Tamil => name.family.clone_from(&lineage.fathers_given),
        Custom::Slavic | Custom::Lithuanian => {
            if dice.happens(0.4) {
                name.middle = given(dice, community, female, year);
            }
            name.family = gendered(community.custom, &lineage.stem, female, false);
        }
        Custom::Chinese | Custom::Arabic => {}
        Custom::Patronymic => {
            name.middle.clone_from(&lineage.fathers_given);
            name.family.clone_from(&lineage.grandfathers_given);
        }
        Custom::Iberian => {
            if dice.happens(0.5) {
                name.middle = given(dice, community, female, year);
            }
            name.family = format!("{} {}", lineage.mothers_stem, lineage.stem);
        }
    }
    if name.middle == name.given {
        name.middle.clear();
    }
    name
}

fn middle_names(
    dice: &mut Dice,
    population: &Population,
    community: &Community,
    (female, year): (bool, i32),
    name: &mut PersonName,
) {
    if dice.happens(population.life.middle_name) {
        // Middle names look back a generation.
        name.middle = given(dice, community, female, year - 30);
        if dice.happens(population.life.second_middle_name) {
            let second = given(dice, community, female, year - 30);
            name.middle = format!("{} {second}", name.middle);
        }
    }
}

fn muslim_south_asian(dice: &mut Dice, (female, year): (bool, i32), name: &mut PersonName) {
    if female {
        // Daughters born in England mostly carry the father's name.
        if dice.happens(if year < 1985 { 0.45 } else { 0.10 }) {
            name.family = honorific(dice);
        }
    } else if dice.happens(0.42) && !PREFIXES.contains(&name.given.as_str()) {
        let prefix = PREFIXES[if dice.happens(0.75) {
            0
        } else {
            dice.index(PREFIXES.len())
        }];
        name.middle = std::mem::replace(&mut name.given, prefix.to_owned());
    }
}

fn honorific(dice: &mut Dice) -> String {
    dice.pick(&HONORIFICS)
        .map_or_else(String::new, |honorific| (*honorific).to_owned())
}

fn sikh(dice: &mut Dice, female: bool, name: &mut PersonName) {
    let religious = if female { "Kaur" } else { "Singh" };
    if ["Singh", "Kaur"].contains(&name.family.as_str()) || dice.happens(0.3) {
        religious.clone_into(&mut name.family);
    } else if dice.happens(0.8) {
        religious.clone_into(&mut name.middle);
    }
}

/// The form of a surname for a man, a wife or a daughter.
pub(super) fn gendered(custom: Custom, stem: &str, female: bool, wife: bool) -> String {
    if !female {
        return stem.to_owned();
    }
    let endings: &[(&str, &str)] = match (custom, wife) {
        (Custom::Slavic, _) => &[("ski", "ska"), ("cki", "cka"), ("dzki", "dzka")],
        (Custom::Lithuanian, true) => &[("as", "ienė"), ("is", "ienė"), ("us", "ienė")],
        (Custom::Lithuanian, false) => &[("as", "aitė"), ("is", "ytė"), ("us", "utė")],
        _ => &[],
    };
    let changed = endings
        .iter()
        .find_map(|(from, to)| stem.strip_suffix(from).map(|root| format!("{root}{to}")));
    changed.unwrap_or_else(|| stem.to_owned())
}

/// Whether brides of this custom ever take the husband's name.
pub(super) const fn takes_married_name(custom: Custom) -> bool {
    matches!(
        custom,
        Custom::Western | Custom::Slavic | Custom::Lithuanian
    )
}

/// The same name as another clerk would fit it into the form.
pub(super) fn written_otherwise(dice: &mut Dice, custom: Custom, name: &mut PersonName) {
    match custom {
        Custom::MuslimSouthAsian => prefix_otherwise(dice, name),
        Custom::Sikh => sikh_otherwise(dice, name),
        Custom::Chinese => chinese_otherwise(dice, name),
        Custom::Arabic => article_otherwise(dice, name),
        Custom::Patronymic => {
            // The father's name taken for the surname, the grandfather's left out.
            if !name.middle.is_empty() {
                name.family = std::mem::take(&mut name.middle);
            }
        }
        Custom::Tamil => {
            if dice.happens(0.5) {
                std::mem::swap(&mut name.given, &mut name.family);
            } else {
                name.family = name.family.chars().take(1).collect();
            }
        }
        Custom::Lithuanian | Custom::Slavic => {
            // A wife or daughter entered under the masculine form.
            for (to, from) in [
                ("ski", "ska"),
                ("cki", "cka"),
                ("as", "ienė"),
                ("as", "aitė"),
            ] {
                if let Some(root) = name.family.strip_suffix(from) {
                    name.family = format!("{root}{to}");
                    return;
                }
            }
        }
        Custom::Iberian => {
            if let Some((first, second)) = name.family.split_once(' ') {
                name.family = if dice.happens(0.5) { first } else { second }.to_owned();
            }
        }
        Custom::Western => prefix_spelling(dice, name),
    }
}

fn prefix_otherwise(dice: &mut Dice, name: &mut PersonName) {
    if PREFIXES.contains(&name.given.as_str()) && !name.middle.is_empty() {
        if dice.happens(0.6) {
            name.given = std::mem::take(&mut name.middle);
        } else {
            name.given = format!("{} {}", name.given, std::mem::take(&mut name.middle));
        }
    } else if HONORIFICS.contains(&name.family.as_str()) {
        // Another honorific, or this one taken for a middle name and repeated.
        if dice.happens(0.6) {
            name.family = honorific(dice);
        } else {
            name.middle.clone_from(&name.family);
        }
    } else {
        "Mohammed".clone_into(&mut name.middle);
    }
}

fn sikh_otherwise(dice: &mut Dice, name: &mut PersonName) {
    if name.middle.is_empty() {
        return;
    }
    if dice.happens(0.5) {
        name.family = std::mem::take(&mut name.middle);
    } else {
        name.family = format!("{} {}", std::mem::take(&mut name.middle), name.family);
    }
}

fn chinese_otherwise(dice: &mut Dice, name: &mut PersonName) {
    if dice.happens(0.35) {
        std::mem::swap(&mut name.given, &mut name.family);
        return;
    }
    if let Some((first, second)) = name.given.clone().split_once('-') {
        name.given = match dice.below(3) {
            0 => format!("{first} {second}"),
            1 => format!("{first}{}", second.to_lowercase()),
            _ => {
                second.clone_into(&mut name.middle);
                first.to_owned()
            }
        };
    } else if let Some(rest) = name
        .given
        .strip_prefix("Xiao")
        .filter(|rest| !rest.is_empty())
    {
        let mut letters = rest.chars();
        let capital = letters
            .next()
            .map(|letter| letter.to_uppercase().to_string());
        name.given = format!("Xiao {}{}", capital.unwrap_or_default(), letters.as_str());
    }
}

fn article_otherwise(dice: &mut Dice, name: &mut PersonName) {
    for article in ["Al-", "El-"] {
        if let Some(rest) = name.family.strip_prefix(article) {
            name.family = match dice.below(3) {
                0 => format!("{} {rest}", &article[..2]),
                1 => format!("{}{}", &article[..2], rest.to_lowercase()),
                _ => rest.to_owned(),
            };
            return;
        }
    }
}

/// O'Brien and Mac names as different keyboards write them.
fn prefix_spelling(dice: &mut Dice, name: &mut PersonName) {
    if let Some(rest) = name.family.strip_prefix("O'") {
        name.family = if dice.happens(0.5) {
            format!("O {rest}")
        } else {
            format!("O{rest}")
        };
    } else if let Some(rest) = name
        .family
        .strip_prefix("Mac")
        .filter(|rest| rest.len() > 3)
    {
        name.family = format!("Mc{rest}");
    } else if let Some(rest) = name.family.strip_prefix("Mc") {
        name.family = if dice.happens(0.6) {
            format!("Mac{rest}")
        } else {
            format!("Mc {rest}")
        };
    } else if name.family.contains('-') {
        name.family = name.family.replace('-', " ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polish_and_lithuanian_surnames_tell_women_from_men() {
        assert_eq!(gendered(Custom::Slavic, "Kowalski", true, true), "Kowalska");
        assert_eq!(gendered(Custom::Slavic, "Nowak", true, true), "Nowak");
        assert_eq!(
            gendered(Custom::Slavic, "Kowalski", false, false),
            "Kowalski"
        );
        assert_eq!(
            gendered(Custom::Lithuanian, "Petrauskas", true, true),
            "Petrauskienė"
        );
        assert_eq!(
            gendered(Custom::Lithuanian, "Petrauskas", true, false),
            "Petrauskaitė"
        );
    }

    #[test]
    fn a_form_fits_names_in_more_than_one_way() {
        let mut dice = Dice::new(2, 2);
        let imran = PersonName {
            given: "Mohammed".into(),
            middle: "Imran".into(),
            family: "Khan".into(),
        };
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..40 {
            let mut name = imran.clone();
            written_otherwise(&mut dice, Custom::MuslimSouthAsian, &mut name);
            seen.insert(name.given);
        }
        assert!(
            seen.contains("Imran") && seen.contains("Mohammed Imran"),
            "{seen:?}"
        );
    }
}
