//! Made-up people in pairs of which it is known whether they are one. Each pair can
//! be told by what stands in it: a reader who looks gets it right. Nobody is real:
//! there is no NHS number and no e-mail in them, and telephones are of the range that
//! is kept for drama.

use crate::foundation::Chance;
use crate::identity::{SubmittedAddress, SubmittedName, SubmittedRecord};

const FAMILIES: [&str; 32] = [
    "Ashworth",
    "Barlow",
    "Bhatti",
    "Bradshaw",
    "Cartwright",
    "Chowdhury",
    "Clegg",
    "Dawson",
    "Eastwood",
    "Farrell",
    "Garside",
    "Hargreaves",
    "Hussain",
    "Iqbal",
    "Kaur",
    "Kershaw",
    "Lomax",
    "Mahmood",
    "Mistry",
    "Nuttall",
    "Okafor",
    "Ormerod",
    "Pickering",
    "Quinn",
    "Rafferty",
    "Sharples",
    "Sutcliffe",
    "Tattersall",
    "Unsworth",
    "Walmsley",
    "Whittaker",
    "Yates",
];
const WOMEN: [(&str, &str); 12] = [
    ("Margaret", "Maggie"),
    ("Catherine", "Kate"),
    ("Elizabeth", "Liz"),
    ("Susan", "Sue"),
    ("Patricia", "Pat"),
    ("Rebecca", "Becky"),
    ("Deborah", "Debbie"),
    ("Victoria", "Vicky"),
    ("Jennifer", "Jenny"),
    ("Samantha", "Sam"),
    ("Christine", "Chris"),
    ("Josephine", "Jo"),
];
const MEN: [(&str, &str); 12] = [
    ("Robert", "Bob"),
    ("William", "Bill"),
    ("Anthony", "Tony"),
    ("Michael", "Mike"),
    ("Edward", "Ted"),
    ("Richard", "Rick"),
    ("Andrew", "Andy"),
    ("Stephen", "Steve"),
    ("Kenneth", "Ken"),
    ("Gregory", "Greg"),
    ("Joseph", "Joe"),
    ("Daniel", "Danny"),
];
const MIDDLES: [&str; 10] = [
    "Anne", "Louise", "Rose", "Grace", "Jane", "James", "Lee", "Paul", "Thomas", "Alan",
];
const STREETS: [&str; 14] = [
    "Beech Grove",
    "Chapel Street",
    "Church Lane",
    "Cross Street",
    "Garden Road",
    "Hill Top",
    "Manor Drive",
    "Mill Lane",
    "Moor Road",
    "Orchard Close",
    "Park Avenue",
    "Station Road",
    "Victoria Terrace",
    "Wood Lane",
];
const TOWNS: [(&str, &str); 8] = [
    ("Leeds", "LS"),
    ("Bradford", "BD"),
    ("Sheffield", "S"),
    ("Preston", "PR"),
    ("Derby", "DE"),
    ("Norwich", "NR"),
    ("Maidstone", "ME"),
    ("Plymouth", "PL"),
];

/// Two records, and whether they are one person's.
pub(super) struct Drawn {
    pub(super) sides: [SubmittedRecord; 2],
    pub(super) same: bool,
}

/// Throws of chance.
pub(super) struct Dice<'c>(pub(super) &'c dyn Chance);

impl Dice<'_> {
    /// One of so many, the first being 0.
    pub(super) fn below(&self, many: usize) -> usize {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        let thrown = u64::from_le_bytes(bytes) % many.max(1) as u64;
        usize::try_from(thrown).unwrap_or_default()
    }

    /// So often in a hundred.
    pub(super) fn holds(&self, percent: u32) -> bool {
        self.below(100) < percent as usize
    }

    fn one<T: Copy>(&self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// Somebody as they are.
#[derive(Clone)]
struct Somebody {
    woman: bool,
    given: (&'static str, &'static str),
    middle: &'static str,
    family: String,
    birth: (usize, usize, usize),
    home: SubmittedAddress,
    phone: String,
}

impl Somebody {
    fn new(dice: &Dice<'_>) -> Self {
        let woman = dice.holds(50);
        Self {
            woman,
            given: dice.one(if woman { &WOMEN } else { &MEN }),
            middle: dice.one(&MIDDLES),
            family: dice.one(&FAMILIES).to_owned(),
            // Grown up: a child takes two readers (R114). The day is also a month, and
            // not the month itself, so that they can change places.
            birth: (1_938 + dice.below(60), 1 + dice.below(6), 7 + dice.below(6)),
            home: home(dice),
            phone: phone(dice),
        }
    }

    fn written(&self) -> SubmittedRecord {
        let (year, month, day) = self.birth;
        SubmittedRecord {
            given_names: vec![self.given.0.to_owned(), self.middle.to_owned()],
            family_name: Some(self.family.clone()),
            birth_date: Some(format!("{year}-{month:02}-{day:02}")),
            gender: Some(if self.woman { "female" } else { "male" }.to_owned()),
            addresses: vec![self.home.clone()],
            phones: vec![self.phone.clone()],
            ..SubmittedRecord::default()
        }
    }
}

fn home(dice: &Dice<'_>) -> SubmittedAddress {
    let (town, area) = dice.one(&TOWNS);
    let letter = |dice: &Dice<'_>| dice.one(b"ABDEFGHJLNPQRSTUWXYZ") as char;
    let inward = format!("{}{}{}", 1 + dice.below(9), letter(dice), letter(dice));
    SubmittedAddress {
        address_use: Some("home".to_owned()),
        lines: vec![format!("{} {}", 1 + dice.below(120), dice.one(&STREETS))],
        town: Some(town.to_owned()),
        postcode: Some(format!("{area}{} {inward}", 1 + dice.below(18))),
        ..SubmittedAddress::default()
    }
}

fn phone(dice: &Dice<'_>) -> String {
    format!("07700 900{:03}", dice.below(1_000))
}

/// A pair of one pattern or another; what only one record says is left out by chance.
pub(super) fn draw(dice: &Dice<'_>, same: bool) -> Drawn {
    let one = Somebody::new(dice);
    let mut sides = match (same, dice.below(3)) {
        (true, 0) => married(&one, dice),
        (true, 1) => date_mistyped(&one, dice),
        (true, _) => misspelt_and_moved(&one, dice),
        (false, 0) => twins(&one, dice),
        (false, 1) => parent_and_child(&one, dice),
        (false, _) => couple(&one, dice),
    };
    for side in &mut sides {
        if dice.holds(40) {
            side.phones.clear();
        }
        write_as_a_clerk(side, dice);
        if dice.holds(50) {
            side.given_names.truncate(1);
        }
    }
    if dice.holds(50) {
        sides.reverse();
    }
    Drawn { sides, same }
}

/// In capitals, dates with the day first, sex as a code: as sources are used to.
fn write_as_a_clerk(side: &mut SubmittedRecord, dice: &Dice<'_>) {
    if dice.holds(35) {
        let texts = side.given_names.iter_mut().chain(&mut side.family_name);
        let lines = side.addresses.iter_mut().flat_map(|it| &mut it.lines);
        for text in texts.chain(lines) {
            *text = text.to_uppercase();
        }
    }
    if dice.holds(40)
        && let Some(date) = &mut side.birth_date
        && let [year, month, day] = date.split('-').collect::<Vec<_>>()[..]
    {
        *date = format!("{day}/{month}/{year}");
    }
    if dice.holds(50)
        && let Some(sex) = &mut side.gender
    {
        let woman = sex.as_str() == "female";
        let code = match (dice.holds(50), woman) {
            (true, true) => "F",
            (true, false) => "M",
            (false, true) => "2",
            (false, false) => "1",
        };
        code.clone_into(sex);
    }
}

/// A new family name, the earlier one being kept; sometimes a new home.
fn married(one: &Somebody, dice: &Dice<'_>) -> [SubmittedRecord; 2] {
    let mut later = one.written();
    later.family_name = Some(other_than(&one.family, dice));
    later.aliases = vec![SubmittedName {
        given_names: vec![one.given.0.to_owned()],
        family_name: Some(one.family.clone()),
        name_use: Some(if one.woman { "maiden" } else { "old" }.to_owned()),
    }];
    if dice.holds(50) {
        later.addresses = vec![home(dice)];
    }
    [one.written(), later]
}

/// Day and month have changed places, or a digit of the day is wrong; all else is so.
fn date_mistyped(one: &Somebody, dice: &Dice<'_>) -> [SubmittedRecord; 2] {
    let mut other = one.written();
    let (year, month, day) = one.birth;
    let (month, day) = if dice.holds(50) {
        (day, month)
    } else {
        (month, day + 10)
    };
    other.birth_date = Some(format!("{year}-{month:02}-{day:02}"));
    if dice.holds(40) {
        other.given_names = vec![one.given.1.to_owned()];
    }
    [one.written(), other]
}

/// Two letters of the family name have changed places, and the home is another; the
/// telephone has stayed.
fn misspelt_and_moved(one: &Somebody, dice: &Dice<'_>) -> [SubmittedRecord; 2] {
    let mut other = one.written();
    let mut letters: Vec<char> = one.family.chars().collect();
    let place = 1 + dice.below(letters.len().saturating_sub(2));
    letters.swap(place, (place + 1).min(one.family.chars().count() - 1));
    other.family_name = Some(letters.into_iter().collect());
    other.addresses = vec![home(dice)];
    if dice.holds(40) {
        other.given_names = vec![one.given.1.to_owned(), one.middle.to_owned()];
    }
    [one.written(), other]
}

/// Born on one day in one home, with other names.
fn twins(one: &Somebody, dice: &Dice<'_>) -> [SubmittedRecord; 2] {
    let mut twin = one.clone();
    twin.woman = dice.holds(50);
    let names = if twin.woman { &WOMEN } else { &MEN };
    twin.given = other_given(names, one, dice);
    twin.middle = dice.one(&MIDDLES);
    let (mut first, mut second) = (one.written(), twin.written());
    if dice.holds(50) {
        first.birth_order = Some("1".to_owned());
        second.birth_order = Some("2".to_owned());
    }
    [first, second]
}

/// One name and one home, a generation apart.
fn parent_and_child(one: &Somebody, dice: &Dice<'_>) -> [SubmittedRecord; 2] {
    let mut child = one.clone();
    let (year, month, day) = one.birth;
    child.birth = (
        (year + 22 + dice.below(14)).min(2_004),
        month,
        if dice.holds(50) { day } else { day + 11 },
    );
    child.middle = dice.one(&MIDDLES);
    child.phone = phone(dice);
    [one.written(), child.written()]
}

/// Two of one family name in one home with given names that begin alike.
fn couple(one: &Somebody, dice: &Dice<'_>) -> [SubmittedRecord; 2] {
    let mut other = one.clone();
    let (year, month, day) = one.birth;
    other.birth = (year + 1 + dice.below(3), month, day);
    other.woman = !one.woman;
    let names = if other.woman { &WOMEN } else { &MEN };
    let first = one.given.0.chars().next();
    let alike = names.iter().find(|(name, _)| name.chars().next() == first);
    other.given = alike.copied().unwrap_or_else(|| dice.one(names));
    other.middle = dice.one(&MIDDLES);
    [one.written(), other.written()]
}

fn other_given(
    names: &[(&'static str, &'static str)],
    than: &Somebody,
    dice: &Dice<'_>,
) -> (&'static str, &'static str) {
    let others: Vec<_> = names
        .iter()
        .copied()
        .filter(|it| *it != than.given)
        .collect();
    dice.one(&others)
}

fn other_than(family: &str, dice: &Dice<'_>) -> String {
    let others: Vec<&str> = FAMILIES
        .iter()
        .copied()
        .filter(|name| *name != family)
        .collect();
    dice.one(&others).to_owned()
}
