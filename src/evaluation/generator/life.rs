//! What happens to people over the years: moves, marriages and separations,
//! deaths, new telephones, superseded numbers, changes of gender.

use super::dice::Dice;
use super::geography::{Dwelling, Geography};
use super::naming::{self, PersonName};
use super::person::{Person, YEAR};
use super::population::{Community, Life, Population};

/// Earlier homes that are told of, at most.
const EARLIER_HOMES_MAX: usize = 5;

/// Years in days.
#[expect(
    clippy::cast_possible_truncation,
    reason = "ages and lags are far inside the range"
)]
pub(super) fn days(years: f64) -> i32 {
    (years * YEAR).round() as i32
}

/// A day some years before another.
pub(super) fn years_before(day: i32, years: f64) -> i32 {
    day - days(years)
}

/// Calendar year of a day.
pub(super) fn calendar_year(day: i32) -> i32 {
    time::Date::from_julian_day(day).map_or(2000, time::Date::year)
}

/// 1 January of a year: the birthday given to people who came without one.
pub(super) fn first_january(year: i32) -> i32 {
    time::Date::from_ordinal_date(year, 1).map_or(0, time::Date::to_julian_day)
}

/// Share of people who move in a year, by age.
pub(super) fn moves_per_year(life: &Life, age: i32) -> f64 {
    f64::from(match age {
        ..18 => life.moves_per_year_child,
        18..32 => life.moves_per_year_young_adult,
        32..65 => life.moves_per_year_adult,
        65.. => life.moves_per_year_old,
    })
}

/// The homes of a household from `since` until today, the last one `current`.
pub(super) fn homes(
    dice: &mut Dice,
    (geography, life): (&Geography, &Life),
    current: Dwelling,
    (since, today): (i32, i32),
    moves_per_year: f64,
) -> Vec<(i32, Dwelling)> {
    let mut spells = Vec::new();
    let (mut day, mut dwelling) = (today, current);
    for _ in 0..EARLIER_HOMES_MAX {
        let stayed = if moves_per_year > 0.0 {
            dice.exponential(1.0 / moves_per_year)
        } else {
            200.0
        };
        let from = years_before(day, stayed.min(200.0));
        if from <= since {
            break;
        }
        let town = dice.happens(life.move_within_town).then_some(dwelling.town);
        let earlier = geography.elsewhere(dice, town);
        spells.push((from, std::mem::replace(&mut dwelling, earlier)));
        day = from;
    }
    spells.push((since, dwelling));
    spells.reverse();
    spells
}

/// Marries the bride on a day: her name changes as her custom and she decide.
pub(super) fn marry(
    dice: &mut Dice,
    (life, community): (&Life, &Community),
    bride: &mut Person,
    husband_stem: &str,
    day: i32,
) {
    bride.married = true;
    if !naming::takes_married_name(community.custom) {
        return;
    }
    let married = naming::gendered(community.custom, husband_stem, true, true);
    let own = bride.name_on(day).clone();
    let (takes, doubles) = (
        f64::from(life.wife_takes_name),
        f64::from(life.wife_double_barrels),
    );
    let choice = dice.uniform();
    let family = if choice < takes {
        married
    } else if choice < takes + doubles && !own.family.contains(['-', ' ']) {
        format!("{}-{married}", own.family)
    } else {
        return;
    };
    bride.names.push((day, PersonName { family, ..own }));
}

/// A marriage that is over: some go back to the name they were born with.
pub(super) fn once_married(
    dice: &mut Dice,
    (population, community): (&Population, &Community),
    person: &mut Person,
) {
    let (earliest, today) = (person.born + days(20.0), population.today);
    let wedding = dice.between(earliest, today - 400);
    if !person.female || wedding <= earliest {
        person.married = true;
        return;
    }
    let maiden = person.name_on(wedding).clone();
    let stem = naming::stem(dice, community);
    marry(dice, (&population.life, community), person, &stem, wedding);
    if dice.happens(population.life.divorced_returns_to_maiden) {
        person
            .names
            .push((dice.between(wedding + 365, today), maiden));
    }
}

/// Deaths, telephones, e-mail, numbers and gender of somebody whose homes and
/// names are settled.
pub(super) fn live(
    dice: &mut Dice,
    (population, community): (&Population, &Community),
    person: &mut Person,
    mobile: impl Fn(u64) -> String,
) {
    let (life, today) = (&population.life, population.today);
    let age = person.age_on(today);
    if dice.happens(death_share(life, age)) {
        let earliest = years_before(today, f64::from(life.deaths_kept_years));
        person.died = Some(dice.between(earliest.max(person.born), today));
    }
    if age >= 11
        && dice.happens(if age < 75 {
            f64::from(life.mobile_owners)
        } else {
            0.55
        })
    {
        person.mobiles.push((person.born, mobile(person.index)));
        let changes = f64::from(life.mobile_changes_per_year);
        if changes > 0.0 {
            let day = years_before(today, dice.exponential(1.0 / changes).min(60.0));
            if day > person.born {
                person.mobiles.push((day, mobile(person.index + 37_003)));
            }
        }
    }
    if age >= 16
        && dice.happens(if age < 75 {
            f64::from(life.email_owners)
        } else {
            0.3
        })
    {
        person.email = email(dice, person.name_on(today), person.born);
    }
    if dice.happens(life.number_superseded) {
        person.number_changed = Some(dice.between(years_before(today, 6.0), today));
    }
    if (18..60).contains(&age) && dice.happens(life.gender_changed) {
        change_gender(dice, (life, community), person, today);
    }
}

/// Gompertz: doubles about every seven years of age.
fn death_share(life: &Life, age: i32) -> f64 {
    let yearly = 0.000_03 * (0.098 * f64::from(age)).exp() + 0.000_05;
    1.0 - (-yearly * life.death_rate_scale * f64::from(life.deaths_kept_years)).exp()
}

fn change_gender(
    dice: &mut Dice,
    (life, community): (&Life, &Community),
    person: &mut Person,
    today: i32,
) {
    let day = dice.between(years_before(today, 8.0), today - 30);
    let mut name = person.name_on(day).clone();
    name.given = naming::given(dice, community, !person.female, calendar_year(person.born));
    person.names.retain(|(from, _)| *from < day);
    person.names.push((day, name));
    person.gender_changed = Some(day);
    if dice.happens(life.new_number_with_gender) {
        person.number_changed = Some(day);
        person.closed_before = Some(day);
    }
}

/// Some children were adopted: another family name, often another given one,
/// another home, and a new number; the one before was closed (uk-identity 1.5).
/// Its throws are its own, so that the rate changes nobody else.
pub(super) fn may_be_adopted(
    (geography, seed): (&Geography, u64),
    (population, community): (&Population, &Community),
    child: &mut Person,
) {
    let (life, today) = (&population.life, population.today);
    let mut dice = Dice::new(seed ^ 0xad09_7ed0, child.index);
    let latest = (today - 30).min(child.born + days(17.5));
    if child.died.is_some() || latest - child.born < 250 || !dice.happens(life.adopted) {
        return;
    }
    let day = dice.between(child.born + 200, latest);
    let mut before = child.name_on(today).clone();
    if dice.happens(life.adopted_given_name_changed) {
        before.given = naming::given(
            &mut dice,
            community,
            child.female,
            calendar_year(child.born),
        );
    }
    let stem = naming::stem(&mut dice, community);
    before.family = naming::gendered(community.custom, &stem, child.female, false);
    let after = child.name_on(today).clone();
    child.names = vec![(child.born, before), (day, after)];
    child.named_later = false;
    let joined = child.home_on(day, false).clone();
    child.homes.retain(|(from, _)| *from > day);
    child.homes.insert(0, (day, joined));
    let town = dice.happens(life.move_within_town);
    let town = town.then_some(child.homes[0].1.town);
    child
        .homes
        .insert(0, (child.born, geography.elsewhere(&mut dice, town)));
    child.number_changed = Some(day);
    child.closed_before = Some(day);
}

fn email(dice: &mut Dice, name: &PersonName, born: i32) -> String {
    const HOSTS: [&str; 6] = [
        "mail.example.org",
        "post.example.com",
        "inbox.example.net",
        "example.org",
        "web.example.com",
        "home.example.net",
    ];
    let plain = |text: &str| {
        let ascii = any_ascii::any_ascii(text).to_lowercase();
        ascii
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
    };
    let (given, family) = (plain(&name.given), plain(&name.family));
    let year = calendar_year(born);
    let local = match dice.below(5) {
        0 => format!("{given}.{family}"),
        1 => format!("{given}.{family}{}", year % 100),
        2 => format!(
            "{}{family}{}",
            given.chars().next().unwrap_or('x'),
            dice.between(1, 999)
        ),
        3 => format!("{given}{year}"),
        _ => format!("{family}.{given}{}", dice.between(1, 99)),
    };
    format!("{local}@{}", dice.pick(&HOSTS).unwrap_or(&HOSTS[0]))
}
