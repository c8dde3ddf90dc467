//! The embedded lists: names by community, pet names, spellings, slips and
//! streets. They are the generator's own and shared with nothing that matches,
//! so that the matcher is never measured by its own tables.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::dice::Weighted;

/// Names of one community.
pub(super) struct NameList {
    /// By era of birth, see [`era`].
    pub(super) girls: [Weighted<&'static str>; 4],
    pub(super) boys: [Weighted<&'static str>; 4],
    pub(super) families: Weighted<&'static str>,
}

/// A street type in full, and abbreviated.
#[derive(Clone, Copy)]
pub(super) struct StreetType {
    pub(super) full: &'static str,
    pub(super) short: &'static str,
}

/// Streets and buildings.
pub(super) struct Streets {
    pub(super) by_kind: BTreeMap<&'static str, Vec<&'static str>>,
    pub(super) types: Vec<StreetType>,
}

/// How writing goes wrong.
pub(super) struct Slips {
    pub(super) keys: BTreeMap<char, Vec<char>>,
    pub(super) scans: Vec<(&'static str, &'static str)>,
    pub(super) sounds: Vec<(&'static str, &'static str)>,
}

/// Era of a birth year: before 1950, to 1979, to 1999, later.
pub(super) fn era(birth_year: i32) -> usize {
    match birth_year {
        ..1950 => 0,
        1950..1980 => 1,
        1980..2000 => 2,
        2000.. => 3,
    }
}

macro_rules! name_lists {
    ($($code:literal),* $(,)?) => {
        [$(($code, include_str!(concat!("tables/names_", $code, ".tsv")))),*]
    };
}

static NAMES: LazyLock<BTreeMap<&'static str, NameList>> = LazyLock::new(|| {
    NAME_TEXTS
        .iter()
        .map(|(code, text)| (*code, name_list(text)))
        .collect()
});

const NAME_TEXTS: [(&str, &str); 21] = name_lists![
    "arabic",
    "bangladeshi",
    "caribbean",
    "chinese",
    "english",
    "gujarati",
    "irish",
    "italian",
    "lithuanian",
    "pakistani",
    "polish",
    "portuguese",
    "romanian",
    "scottish",
    "sikh",
    "somali",
    "tamil",
    "turkish",
    "ukrainian",
    "welsh",
    "west_african",
];

static PET_NAMES: LazyLock<BTreeMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    let pairs = lines(include_str!("tables/nicknames.tsv"));
    pairs
        .map(|columns| (columns[0], columns[1].split(' ').collect()))
        .collect()
});

static SPELLINGS: LazyLock<BTreeMap<&'static str, Vec<String>>> = LazyLock::new(|| {
    let mut others: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for columns in lines(include_str!("tables/spellings.tsv")) {
        let group: Vec<&str> = columns[0].split(' ').collect();
        for one in group.iter().filter(|one| !one.contains('~')) {
            let rest = group.iter().filter(|other| *other != one);
            // A tilde stands for a space within a spelling.
            others
                .entry(one)
                .or_default()
                .extend(rest.map(|other| other.replace('~', " ")));
        }
    }
    others
});

static SURNAME_PARTS: LazyLock<(Vec<&'static str>, Vec<&'static str>)> = LazyLock::new(|| {
    let of = |part| {
        let all = lines(include_str!("tables/surname_parts.tsv"));
        all.filter(|columns| columns[0] == part)
            .map(|columns| columns[1])
            .collect()
    };
    (of("first"), of("second"))
});

static STREETS: LazyLock<Streets> = LazyLock::new(|| {
    let mut streets = Streets {
        by_kind: BTreeMap::new(),
        types: Vec::new(),
    };
    for columns in lines(include_str!("tables/streets.tsv")) {
        if columns[0] == "type" {
            let street_type = StreetType {
                full: columns[1],
                short: columns[2],
            };
            let copies: usize = columns[3].parse().unwrap_or(1);
            streets
                .types
                .extend(std::iter::repeat_n(street_type, copies));
        } else {
            streets
                .by_kind
                .entry(columns[0])
                .or_default()
                .push(columns[1]);
        }
    }
    streets
});

static SLIPS: LazyLock<Slips> = LazyLock::new(|| {
    let mut slips = Slips {
        keys: BTreeMap::new(),
        scans: Vec::new(),
        sounds: Vec::new(),
    };
    for columns in lines(include_str!("tables/slips.tsv")) {
        match (columns[0], columns[1].chars().next()) {
            ("key", Some(key)) => {
                slips.keys.insert(key, columns[2].chars().collect());
            }
            ("scan", _) => slips.scans.push((columns[1], columns[2])),
            _ => slips.sounds.push((columns[1], columns[2])),
        }
    }
    slips
});

/// The names of a community; English ones for a community without a list.
pub(super) fn names(community: &str) -> &'static NameList {
    NAMES.get(community).unwrap_or_else(|| &NAMES["english"])
}

/// Each name of a community, whether it is a family name, and its share among
/// those of its kind (over all eras).
pub(super) fn shares(community: &str) -> Vec<(&'static str, bool, f64)> {
    let text = NAME_TEXTS.iter().find(|(code, _)| *code == community);
    let rows = text.into_iter().flat_map(|(_, text)| lines(text));
    let mut names: Vec<(&str, bool, f64)> = rows
        .map(|columns| {
            let weights = columns[2..]
                .iter()
                .filter_map(|text| text.parse::<f64>().ok());
            let (sum, eras) = weights.fold((0.0, 0.0), |(sum, eras), it| (sum + it, eras + 1.0));
            (
                columns[1],
                columns[0] == "family",
                sum / f64::max(eras, 1.0),
            )
        })
        .collect();
    for of_family in [false, true] {
        let kind = names
            .iter()
            .filter(|(_, is_family, _)| *is_family == of_family);
        let total: f64 = kind.map(|(_, _, weight)| weight).sum();
        for (_, is_family, weight) in &mut names {
            if *is_family == of_family {
                *weight /= total.max(f64::MIN_POSITIVE);
            }
        }
    }
    names
}

/// Whether there is a list for this community.
pub(super) fn has_names(community: &str) -> bool {
    NAMES.contains_key(community)
}

/// Pet forms of a given name, commonest first.
pub(super) fn pet_names(given: &str) -> &'static [&'static str] {
    PET_NAMES.get(given).map_or(&[], Vec::as_slice)
}

/// Other spellings of a name.
pub(super) fn spellings(name: &str) -> &'static [String] {
    SPELLINGS.get(name).map_or(&[], Vec::as_slice)
}

/// First and second parts of rare English surnames.
pub(super) fn surname_parts() -> &'static (Vec<&'static str>, Vec<&'static str>) {
    &SURNAME_PARTS
}

/// Streets and buildings.
pub(super) fn streets() -> &'static Streets {
    &STREETS
}

/// Slips of hand, eye and ear.
pub(super) fn slips() -> &'static Slips {
    &SLIPS
}

fn lines(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    let kept = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    kept.map(|line| line.split('\t').collect())
}

fn name_list(text: &'static str) -> NameList {
    let weighted = |kind: &str, era: usize| {
        let rows = lines(text).filter(|columns| columns[0] == kind);
        let pairs = rows.map(|columns| {
            let weight = columns.get(2 + era).or_else(|| columns.last()).copied();
            (
                columns[1],
                weight.and_then(|weight| weight.parse().ok()).unwrap_or(1.0),
            )
        });
        Weighted::new(pairs).expect("invariant: every embedded list has all kinds of name")
    };
    let eras = |kind: &str| [0, 1, 2, 3].map(|era| weighted(kind, era));
    NameList {
        girls: eras("girl"),
        boys: eras("boy"),
        families: weighted("family", 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_embedded_table_can_be_read() {
        assert_eq!(NAMES.len(), 21);
        assert_eq!(slips().keys.len(), 26);
        assert!(slips().sounds.len() > 20 && slips().scans.len() > 10);
        assert!(streets().types.len() > 50 && streets().by_kind["street"].len() > 80);
        assert!(surname_parts().0.len() > 50 && surname_parts().1.len() > 30);
    }

    #[test]
    fn names_have_their_time() {
        let mut dice = crate::evaluation::generator::dice::Dice::new(1, 1);
        let mut count = |era: usize, name: &str| {
            let draws = (0..2000).filter(|_| *names("english").girls[era].draw(&mut dice) == name);
            draws.count()
        };
        assert!(count(0, "Margaret") > 10 * count(3, "Margaret").max(1));
        assert!(pet_names("Margaret").contains(&"Peggy"));
        assert!(
            spellings("Mohammed")
                .iter()
                .any(|other| other == "Muhammad")
        );
        assert!(
            spellings("McDonald")
                .iter()
                .any(|other| other == "Mc Donald")
        );
    }
}
