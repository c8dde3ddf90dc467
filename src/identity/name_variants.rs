//! Nicknames and spelling variants: a graded, non-transitive relation (R37,
//! R38), read once from tables beside this file. Rules that make variants of
//! family names without a table are in `family_rules`; likeness by letters or
//! sound is not here.
//!
//! A table row is `grade ⇥ name ⇥ other names`:
//! `same` rows are spellings of one name and may be exchanged for each other;
//! `short` rows relate the name (in all its spellings) to each of the others,
//! and the others not among themselves; `weak` rows likewise.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::LazyLock;

use crate::identity::{NameToken, family_rules};

/// How close two different spellings are as names of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VariantGrade {
    /// Spellings of one name: Mohammed / Muhammad, Catherine / Katherine.
    Spelling,
    /// A usual short or pet form: Robert / Bob, Katarzyna / Kasia. Of family
    /// names: another usual romanisation, Chen / Chan.
    Strong,
    /// A possible one: John / Ian.
    Weak,
}

/// Relation of two given-name words; `None` when none or when equal.
/// Symmetric, without allocation.
#[must_use]
pub fn given_variant(a: &NameToken, b: &NameToken) -> Option<VariantGrade> {
    if a.same(b) {
        return None;
    }
    GIVEN.relation(a, b)
}

/// Relation of two family-name words or whole family names: Mc/Mac/M' (R31),
/// Hussain/Hussein, Chen/Chan, gendered endings; `None` when none or when
/// equal. Symmetric, without allocation.
#[must_use]
pub fn family_variant(a: &NameToken, b: &NameToken) -> Option<VariantGrade> {
    if a.same(b) {
        return None;
    }
    FAMILY
        .relation(a, b)
        .or_else(|| family_rules::relation(a.as_str(), b.as_str()))
}

/// Classes (small numbers, sorted) that a given-name word belongs to: its
/// spelling class and the classes of the names it is a strong short form of.
/// Two words that are `Spelling` or `Strong` variants share at least one;
/// empty for a word in no table. For blocking and to pool term frequencies
/// (R39). Numbers are of this build only: they must not be stored.
#[must_use]
pub fn given_classes(token: &NameToken) -> &'static [u32] {
    GIVEN
        .group(token)
        .map_or(&[], |group| &GIVEN.groups[group as usize].classes)
}

/// A class's name in the tables, stable between builds: for keys that are
/// stored. Empty for a number that is no class.
#[must_use]
pub fn given_class_name(class: u32) -> &'static str {
    GIVEN
        .groups
        .get(class as usize)
        .map_or("", |group| group.name)
}

/// The spelling group of a given-name word, for an engine that asks of many
/// pairs: [`given_groups_related`] then answers without a look at the words.
/// Numbers are of this build only: they must not be stored.
#[must_use]
pub fn given_group(token: &NameToken) -> Option<u32> {
    GIVEN.group(token)
}

/// The same of a word of a family name.
#[must_use]
pub fn family_group(token: &NameToken) -> Option<u32> {
    FAMILY.group(token)
}

/// Whether [`given_variant`] relates words of these groups in any grade.
#[must_use]
pub fn given_groups_related(a: u32, b: u32) -> bool {
    GIVEN.relation_of_groups(a, b).is_some()
}

/// Whether a table of family names relates words of these groups in any grade;
/// rules of spelling may relate others.
#[must_use]
pub fn family_groups_related(a: u32, b: u32) -> bool {
    FAMILY.relation_of_groups(a, b).is_some()
}

/// Sources and licences are in the header of each table; the first table that
/// relates two names decides.
static GIVEN: LazyLock<VariantTable> = LazyLock::new(|| {
    VariantTable::read(&[
        include_str!("tables/given_british.tsv"),
        include_str!("tables/given_world.tsv"),
        include_str!("tables/given_nicknames.tsv"),
    ])
});
static FAMILY: LazyLock<VariantTable> =
    LazyLock::new(|| VariantTable::read(&[include_str!("tables/family.tsv")]));

struct VariantTable {
    group_of: HashMap<&'static str, u32, BuildHasherDefault<WordHasher>>,
    groups: Vec<Group>,
}

/// The spellings of one name.
struct Group {
    /// The name that the tables file them under.
    name: &'static str,
    relations: Vec<(u32, VariantGrade)>,
    classes: Vec<u32>,
}

impl VariantTable {
    fn read(tables: &[&'static str]) -> Self {
        let mut table = Self {
            group_of: HashMap::default(),
            groups: Vec::new(),
        };
        for text in tables {
            for (_, name, others) in rows(text).filter(|(grade, _, _)| *grade == "same") {
                let group = table.group_named(name);
                for other in others.split(' ') {
                    table.group_of.entry(other).or_insert(group);
                }
            }
        }
        let mut relations = BTreeMap::new();
        let mut classes: BTreeSet<(u32, u32)> = BTreeSet::new();
        for text in tables {
            for (word, grade) in [
                ("short", VariantGrade::Strong),
                ("weak", VariantGrade::Weak),
            ] {
                for (_, name, others) in rows(text).filter(|(kind, _, _)| *kind == word) {
                    let group = table.group_named(name);
                    for other in others.split(' ') {
                        let other = table.group_named(other);
                        let pair = (group.min(other), group.max(other));
                        let decided = *relations.entry(pair).or_insert(grade);
                        if decided == VariantGrade::Strong && group != other {
                            classes.insert((other, group));
                        }
                    }
                }
            }
        }
        table.connect(relations, classes);
        table
    }

    fn group_named(&mut self, name: &'static str) -> u32 {
        let next = u32::try_from(self.groups.len()).expect("invariant: tables are small");
        let group = *self.group_of.entry(name).or_insert(next);
        if group == next {
            self.groups.push(Group {
                name,
                relations: Vec::new(),
                classes: vec![next],
            });
        }
        group
    }

    fn connect(
        &mut self,
        relations: BTreeMap<(u32, u32), VariantGrade>,
        classes: BTreeSet<(u32, u32)>,
    ) {
        for ((low, high), grade) in relations {
            if low != high {
                self.groups[low as usize].relations.push((high, grade));
                self.groups[high as usize].relations.push((low, grade));
            }
        }
        for (member, class) in classes {
            self.groups[member as usize].classes.push(class);
        }
        for group in &mut self.groups {
            group.relations.sort_unstable_by_key(|(other, _)| *other);
            group.classes.sort_unstable();
        }
    }

    fn group(&self, token: &NameToken) -> Option<u32> {
        token
            .foldings()
            .find_map(|folding| self.group_of.get(folding).copied())
    }

    fn relation(&self, a: &NameToken, b: &NameToken) -> Option<VariantGrade> {
        self.relation_of_groups(self.group(a)?, self.group(b)?)
    }

    fn relation_of_groups(&self, a: u32, b: u32) -> Option<VariantGrade> {
        if a == b {
            return Some(VariantGrade::Spelling);
        }
        let relations = &self.groups[a as usize].relations;
        let found = relations
            .binary_search_by_key(&b, |(other, _)| *other)
            .ok()?;
        Some(relations[found].1)
    }
}

/// Grade word, name and other names of each row.
fn rows(text: &'static str) -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut cells = line.split('\t');
            Some((cells.next()?, cells.next()?, cells.next()?))
        })
}

/// FNV-1a: the tables are ours, so nobody can choose colliding words, and the
/// default hasher is several times slower on words of six letters.
struct WordHasher(u64);

impl Default for WordHasher {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for WordHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use VariantGrade::{Spelling, Strong, Weak};

    const TABLES: [&str; 4] = [
        include_str!("tables/given_british.tsv"),
        include_str!("tables/given_world.tsv"),
        include_str!("tables/given_nicknames.tsv"),
        include_str!("tables/family.tsv"),
    ];

    fn token(word: &str) -> NameToken {
        NameToken::fold(word).expect("a word")
    }

    fn given(a: &str, b: &str) -> Option<VariantGrade> {
        let grade = given_variant(&token(a), &token(b));
        assert_eq!(grade, given_variant(&token(b), &token(a)), "{a} {b}");
        grade
    }

    fn family(a: &str, b: &str) -> Option<VariantGrade> {
        let grade = family_variant(&token(a), &token(b));
        assert_eq!(grade, family_variant(&token(b), &token(a)), "{a} {b}");
        grade
    }

    #[test]
    fn r31_mc_mac_and_m_are_one_prefix_and_only_a_prefix() {
        assert_eq!(family("McDonald", "MacDonald"), Some(Spelling));
        assert_eq!(family("M'Donald", "McDonald"), Some(Spelling));
        assert_eq!(family("Mack", "Macks"), None);
        assert_eq!(family("Macy", "Mcy"), None);
    }

    #[test]
    fn r37_nicknames_are_graded_and_do_not_chain() {
        assert_eq!(given("Robert", "Bob"), Some(Strong));
        assert_eq!(given("Bob", "Albert"), None);
        assert_eq!(given("John", "Ian"), Some(Weak));
        assert_eq!(given("Alice", "Lisa"), Some(Weak));
        assert_eq!(given("Elizabeth", "Lisa"), Some(Weak));
        assert_eq!(given("Elizabeth", "Betty"), Some(Strong));
        assert_eq!(given("Catherine", "Kathryn"), Some(Spelling));
        assert_eq!(given("Robert", "Robert"), None);
        assert_eq!(given("Robert", "Susan"), None);
    }

    #[test]
    fn r38_names_of_every_community_have_their_variants() {
        for (a, b) in [
            ("Mohammed", "Muhammad"),
            ("Mohamed", "Mohd"),
            ("Mohammad", "Md"),
            ("Hussain", "Husain"),
            ("Ahmed", "Ahmad"),
            ("Fatima", "Fatema"),
            ("Yusuf", "Yousef"),
            ("Siobhán", "Siobhan"),
            ("Siân", "Sian"),
            ("Aisha", "Ayesha"),
            ("Manjit", "Manjeet"),
            ("Jürgen", "Juergen"),
        ] {
            let related = given(a, b) == Some(Spelling) || token(a).same(&token(b));
            assert!(related, "{a} {b}");
        }
        for (a, b) in [
            ("Katarzyna", "Kasia"),
            ("Agnieszka", "Aga"),
            ("Małgorzata", "Gosia"),
            ("Aleksandra", "Ola"),
            ("Dafydd", "Dai"),
            ("Francisco", "Paco"),
        ] {
            assert_eq!(given(a, b), Some(Strong), "{a} {b}");
        }
    }

    #[test]
    fn r38_family_names_have_variants_too() {
        assert_eq!(family("Hussain", "Hussein"), Some(Spelling));
        assert_eq!(family("Ahmed", "Ahmad"), Some(Spelling));
        assert_eq!(family("Smith", "Smyth"), Some(Spelling));
        for (a, b) in [
            ("Chen", "Chan"),
            ("Wong", "Huang"),
            ("Wong", "Wang"),
            ("Ng", "Wu"),
            ("Zhang", "Cheung"),
        ] {
            assert!(family(a, b).is_some(), "{a} {b}");
        }
        assert_eq!(family("Wang", "Huang"), None);
        assert_eq!(family("Smith", "Jones"), None);
    }

    #[test]
    fn spelling_and_strong_variants_share_a_class() {
        for text in &TABLES[..3] {
            for (kind, name, others) in rows(text).filter(|(kind, _, _)| *kind != "weak") {
                for other in others.split(' ') {
                    let (a, b) = (token(name), token(other));
                    if matches!(given_variant(&a, &b), Some(Spelling | Strong)) {
                        let shared = given_classes(&a)
                            .iter()
                            .any(|class| given_classes(&b).contains(class));
                        assert!(shared, "{kind} {name} {other}");
                    }
                }
            }
        }
        assert!(given_classes(&token("Zzyzx")).is_empty());
    }

    #[test]
    fn every_row_is_folded_and_no_word_is_in_two_spelling_groups() {
        for tables in [&TABLES[..3], &TABLES[3..]] {
            let mut seen = BTreeMap::new();
            for (kind, name, others) in tables.iter().flat_map(|text| rows(text)) {
                assert!(matches!(kind, "same" | "short" | "weak"), "{kind} {name}");
                for word in others.split(' ').chain([name]) {
                    assert_eq!(token(word).as_str(), word, "{name}");
                    if kind == "same" {
                        let first = seen.insert(word, name);
                        assert!(first.is_none(), "{word} in {first:?} and {name}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_line_of_a_table_is_a_row_or_a_comment() {
        for text in TABLES {
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                assert_eq!(line.split('\t').count(), 3, "{line}");
            }
        }
    }

    proptest! {
        #[test]
        fn variants_are_symmetric(a in "[A-Z]{1,9}", b in "[A-Z]{1,9}", tail in "[A-Z]{0,4}") {
            let pairs = [(a.clone(), b), (a.clone(), format!("{a}{tail}"))];
            for (a, b) in pairs {
                family(&a, &b);
                given(&a, &b);
            }
        }
    }
}
