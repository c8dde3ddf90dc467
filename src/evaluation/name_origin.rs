//! Where a name is likely to come from, for figures by group (R126). Made from
//! the generator's lists of names, so that it is nothing that matches knows
//! (R138), and as coarse as such lists are: a class says where a name is
//! common, not who somebody is.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::evaluation::generator::name_shares;

/// Classes, by the communities whose lists they hold.
const CLASSES: [(&str, &[&str]); 8] = [
    (
        "british_irish",
        &["english", "welsh", "scottish", "irish", "caribbean"],
    ),
    ("south_asian_muslim", &["pakistani", "bangladeshi"]),
    ("south_asian_other", &["sikh", "gujarati", "tamil"]),
    (
        "eastern_european",
        &["polish", "ukrainian", "lithuanian", "romanian"],
    ),
    ("southern_european", &["italian", "portuguese"]),
    ("arabic_somali_turkish", &["arabic", "somali", "turkish"]),
    ("chinese", &["chinese"]),
    ("west_african", &["west_african"]),
];

/// No list has any part of the name.
pub const UNLISTED: u8 = 8;
/// There is no name.
pub const NAMELESS: u8 = 9;
/// How many classes there are.
pub const COUNT: usize = 10;

/// What a name that a community's list lacks says against it.
const ABSENT: f64 = 2e-5;

/// A class in words.
#[must_use]
pub fn class_name(class: u8) -> &'static str {
    match class {
        UNLISTED => "unlisted",
        NAMELESS => "no_name",
        _ => CLASSES[usize::from(class)].0,
    }
}

/// For a folded name, its share among the given and among the family names of
/// each class.
type Shares = BTreeMap<String, ([f64; CLASSES.len()], [f64; CLASSES.len()])>;

struct Lists {
    shares: Shares,
    priors: [f64; CLASSES.len()],
}

static LISTS: LazyLock<Lists> = LazyLock::new(|| {
    let mut lists = Lists {
        shares: Shares::new(),
        priors: [0.0; CLASSES.len()],
    };
    for community in name_shares() {
        let class = (CLASSES.iter())
            .position(|(_, communities)| communities.contains(&community.code.as_str()));
        let Some(class) = class else { continue };
        lists.priors[class] += community.share;
        for (name, is_family, share) in community.names {
            let (given, family) = lists.shares.entry(folded(name)).or_default();
            let of = if is_family { family } else { given };
            of[class] += share * community.share;
        }
    }
    // From shares of all people to shares within a class.
    let priors = lists.priors;
    for (given, family) in lists.shares.values_mut() {
        for of in [given, family] {
            for (share, prior) in of.iter_mut().zip(priors) {
                *share /= prior.max(f64::MIN_POSITIVE);
            }
        }
    }
    lists
});

fn folded(name: &str) -> String {
    let ascii = any_ascii::any_ascii(name).to_lowercase();
    ascii.chars().filter(char::is_ascii_alphabetic).collect()
}

/// The likeliest class of a name. A name of several words or with a hyphen is
/// read word by word.
#[must_use]
pub fn class_of(given: &str, family: &str) -> u8 {
    let lists = &*LISTS;
    let mut likelihood = lists.priors;
    let (mut listed, mut named) = (false, false);
    for (text, is_family) in [(given, false), (family, true)] {
        let words = text.split(|c: char| c.is_whitespace() || c == '-');
        for word in words.map(folded).filter(|word| word.len() > 1) {
            named = true;
            // The lists have the masculine of Slavic names.
            let masculine = || word.strip_suffix("ska").map(|stem| format!("{stem}ski"));
            let known = lists.shares.get(&word);
            let known = known.or_else(|| lists.shares.get(&masculine()?));
            let Some((as_given, as_family)) = known else {
                continue;
            };
            let shares = if is_family { as_family } else { as_given };
            if shares.iter().any(|share| *share > 0.0) {
                listed = true;
                for (of_class, share) in likelihood.iter_mut().zip(shares) {
                    *of_class *= share.max(ABSENT);
                }
            }
        }
    }
    if !named {
        return NAMELESS;
    }
    if !listed {
        return UNLISTED;
    }
    let classes = (0..UNLISTED).max_by(|one, other| {
        likelihood[usize::from(*one)].total_cmp(&likelihood[usize::from(*other)])
    });
    classes.unwrap_or(UNLISTED)
}

#[cfg(test)]
mod tests {
    use super::{class_name, class_of};

    #[test]
    fn names_have_the_class_where_they_are_common() {
        for (given, family, class) in [
            ("Margaret", "Smith", "british_irish"),
            ("MOHAMMED IMRAN", "Hussain", "south_asian_muslim"),
            ("Małgorzata", "Kowalski", "eastern_european"),
            ("Harpreet", "Sandhu", "south_asian_other"),
            ("", "", "no_name"),
            ("Xqzw", "Vbnmk", "unlisted"),
        ] {
            assert_eq!(
                class_name(class_of(given, family)),
                class,
                "{given} {family}"
            );
        }
    }
}
