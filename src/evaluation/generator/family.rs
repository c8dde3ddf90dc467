//! Families: how large they are, who is called what after whom, and what all
//! kinds of household have in common (the kinds are in `household`). One family
//! is made from its own throws alone.

use super::dice::Dice;
use super::geography::{Dwelling, Geography};
use super::life;
use super::naming::{self, Lineage, PersonName};
use super::numbers::Numbers;
use super::person::Person;
use super::population::{Community, HouseholdKind, Population};

/// What all families share.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) population: Population,
    pub(super) geography: Geography,
    pub(super) numbers: Numbers,
    pub(super) persons: u64,
    pub(super) seed: u64,
}

/// The size of a family, known before its story.
pub(super) struct Plan<'w> {
    dice: Dice,
    community: &'w Community,
    kind: HouseholdKind,
    /// One entry a birth: how many children.
    births: Vec<usize>,
    pub(super) size: usize,
}

/// Throws the size of one family.
pub(super) fn plan(population: &Population, seed: u64, family: u64) -> Plan<'_> {
    let mut dice = Dice::new(seed, family);
    let community = population.communities.draw(&mut dice);
    let kind = *population.households[&community.code].draw(&mut dice);
    let adults = match kind {
        HouseholdKind::Couple | HouseholdKind::CoupleWithChildren | HouseholdKind::Namesakes => 2,
        HouseholdKind::ThreeGenerations => 3,
        HouseholdKind::SharedHouse => 3 + dice.index(3),
        HouseholdKind::Single
        | HouseholdKind::LoneParent
        | HouseholdKind::ParentAndAdultChild
        | HouseholdKind::CareHomeResident
        | HouseholdKind::HostelResident
        | HouseholdKind::StudentInHall
        | HouseholdKind::Prisoner
        | HouseholdKind::NoFixedAbode => 1,
    };
    let births = match kind {
        HouseholdKind::CoupleWithChildren
        | HouseholdKind::LoneParent
        | HouseholdKind::ThreeGenerations => *population.children.draw(&mut dice),
        HouseholdKind::ParentAndAdultChild => 1,
        _ => 0,
    };
    let twins = population.life.twins_per_birth;
    let births: Vec<usize> = (0..births)
        .map(|_| 1 + usize::from(dice.happens(twins)))
        .collect();
    let size = adults + births.iter().sum::<usize>();
    Plan {
        dice,
        community,
        kind,
        births,
        size,
    }
}

/// A family in the making.
pub(super) struct Builder<'w> {
    pub(super) world: &'w World,
    pub(super) community: &'w Community,
    pub(super) dice: Dice,
    first: u64,
    pub(super) members: Vec<Person>,
}

/// The members of one family; the first has the index `first` in the region.
pub(super) fn build(world: &World, family: u64, first: u64) -> (Vec<Person>, Dice) {
    let plan = plan(&world.population, world.seed, family);
    let (community, kind, births) = (plan.community, plan.kind, plan.births);
    let mut builder = Builder {
        world,
        community,
        dice: plan.dice,
        first,
        members: Vec::new(),
    };
    match kind {
        HouseholdKind::Single => builder.single(),
        HouseholdKind::Couple => {
            let age = builder.age_of_couple();
            builder.couple(age);
        }
        HouseholdKind::CoupleWithChildren => builder.couple_with_children(&births),
        HouseholdKind::LoneParent => builder.lone_parent(&births),
        HouseholdKind::ThreeGenerations => builder.three_generations(&births),
        HouseholdKind::ParentAndAdultChild => builder.parent_and_adult_child(&births),
        HouseholdKind::SharedHouse => builder.shared_house(plan.size),
        HouseholdKind::Namesakes => builder.namesakes(),
        HouseholdKind::CareHomeResident
        | HouseholdKind::HostelResident
        | HouseholdKind::StudentInHall
        | HouseholdKind::Prisoner
        | HouseholdKind::NoFixedAbode => builder.resident(kind),
    }
    builder.finish()
}

impl Builder<'_> {
    pub(super) fn today(&self) -> i32 {
        self.world.population.today
    }

    pub(super) fn next_index(&self) -> u64 {
        self.first + self.members.len() as u64
    }

    /// A birthday that makes somebody this old today.
    fn birthday(&mut self, age: i32) -> i32 {
        life::years_before(self.today(), f64::from(age)) - self.dice.between(0, 364)
    }

    pub(super) fn person(&mut self, female: bool, born: i32, lineage: &Lineage) -> Person {
        let (population, year) = (&self.world.population, life::calendar_year(born));
        let name = naming::birth_name(
            &mut self.dice,
            population,
            self.community,
            (female, year),
            lineage,
        );
        Person {
            index: self.next_index(),
            female,
            born,
            died: None,
            custom: self.community.custom,
            community: self.community.code.clone(),
            names: vec![(born, name)],
            named_later: false,
            married: false,
            homes: Vec::new(),
            mobiles: Vec::new(),
            email: String::new(),
            number_changed: None,
            gender_changed: None,
            closed_before: None,
            birth_order: 0,
            taken_for: None,
            mother: None,
        }
    }

    /// An adult without family in the region, and the line they come from.
    pub(super) fn stranger(&mut self, female: bool, age: i32) -> (Person, Lineage) {
        let mut born = self.birthday(age);
        let year = life::calendar_year(born);
        if self
            .community
            .first_january
            .is_some_and(|rate| self.dice.happens(rate))
        {
            born = life::first_january(year);
        }
        let lineage = naming::lineage(&mut self.dice, self.community, year);
        (self.person(female, born, &lineage), lineage)
    }

    pub(super) fn homes(
        &mut self,
        current: Dwelling,
        since: i32,
        age: i32,
    ) -> Vec<(i32, Dwelling)> {
        let (world, today) = (self.world, self.today());
        let rate = life::moves_per_year(&world.population.life, age);
        let places = (&world.geography, &world.population.life);
        life::homes(&mut self.dice, places, current, (since, today), rate)
    }

    /// Homes before a day and then those of the household joined that day.
    pub(super) fn homes_until_joining(
        &mut self,
        born: i32,
        day: i32,
        shared: &[(i32, Dwelling)],
    ) -> Vec<(i32, Dwelling)> {
        let town = shared.first().map(|(_, dwelling)| dwelling.town);
        let town = town.filter(|_| self.dice.happens(0.6));
        let mut homes = vec![(born, self.world.geography.elsewhere(&mut self.dice, town))];
        homes.extend(
            shared
                .iter()
                .map(|(from, dwelling)| ((*from).max(day), dwelling.clone())),
        );
        homes
    }

    /// Children of the first member (the mother, or the only parent).
    pub(super) fn children(&mut self, births: &[usize], ages: &[i32], lineage: &Lineage) {
        for (&count, &age) in births.iter().zip(ages) {
            let born = self.birthday(age);
            let first_of_birth = self.members.len();
            let female = self.dice.happens(0.488);
            for order in 0..count {
                let female = if order == 0 {
                    female
                } else {
                    female != self.dice.happens(0.35)
                };
                let mut child = self.person(female, born, lineage);
                self.name_after_parent(&mut child);
                if order == 1 {
                    self.unlike_twin(first_of_birth, &mut child);
                }
                if count > 1 {
                    child.birth_order = if order == 0 { 1 } else { 2 };
                }
                child.homes.clone_from(&self.members[0].homes);
                child.mother = Some(0);
                self.not_named_at_first(&mut child);
                self.members.push(child);
            }
            self.may_be_taken_for(first_of_birth, count);
        }
    }

    fn name_after_parent(&mut self, child: &mut Person) {
        let parent = self
            .members
            .iter()
            .position(|parent| parent.female == child.female);
        let rate = self.world.population.life.child_named_after_parent;
        if let Some(parent) = parent.filter(|parent| *parent < 2 && self.dice.happens(rate)) {
            child.names[0]
                .1
                .given
                .clone_from(&self.members[parent].names[0].1.given);
            child.taken_for = Some(parent);
        }
    }

    /// Twins never share a name, and some have names of one initial.
    fn unlike_twin(&mut self, co_twin: usize, child: &mut Person) {
        let co_twin = self.members[co_twin]
            .names
            .last()
            .map(|(_, name)| name.given.clone());
        let co_twin = co_twin.unwrap_or_default();
        let alike = self
            .dice
            .happens(self.world.population.life.identical_sounding_twins);
        let year = life::calendar_year(child.born);
        for _ in 0..60 {
            let given = &child.names[0].1.given;
            let same_initial = given.chars().next() == co_twin.chars().next();
            if *given != co_twin && (!alike || same_initial) {
                return;
            }
            child.names[0].1.given =
                naming::given(&mut self.dice, self.community, child.female, year);
        }
    }

    /// Newborns are "Baby" with the mother's family name until registered.
    fn not_named_at_first(&mut self, child: &mut Person) {
        let days = self.world.population.life.baby_names_unknown_days;
        if days == 0 || child.born < life::years_before(self.today(), 4.0) {
            return;
        }
        let placeholder = match (child.birth_order, self.dice.below(4)) {
            (0, 0 | 1) => "Baby".to_owned(),
            (0, 2) => (if child.female {
                "Baby Girl"
            } else {
                "Baby Boy"
            })
            .to_owned(),
            (0, _) => (if child.female { "Female" } else { "Infant" }).to_owned(),
            (order, 0..3) => format!("Twin {order}"),
            (order, _) => (if order == 1 { "Twin One" } else { "Twin Two" }).to_owned(),
        };
        let family = self.members[0].name_on(child.born).family.clone();
        let newborn = PersonName {
            given: placeholder,
            middle: String::new(),
            family,
        };
        let named = child.born + self.dice.between(3, days);
        child.names[0].0 = named;
        child.names.insert(0, (child.born, newborn));
        child.named_later = true;
    }

    fn may_be_taken_for(&mut self, first_of_birth: usize, count: usize) {
        let last = self.members.len() - 1;
        if count > 1 {
            self.members[first_of_birth].taken_for = Some(last);
            self.members[last].taken_for = Some(first_of_birth);
        } else if self.members[last].taken_for.is_none() && last > 1 {
            self.members[last].taken_for = Some(last - 1);
        }
    }

    fn finish(mut self) -> (Vec<Person>, Dice) {
        let context = (&self.world.population, self.community);
        let numbers = &self.world.numbers;
        for person in &mut self.members {
            life::live(&mut self.dice, context, person, |index| {
                numbers.mobile(index)
            });
            let places = (&self.world.geography, self.world.seed);
            if person.mother.is_some() {
                life::may_be_adopted(places, context, person);
            }
        }
        (self.members, self.dice)
    }
}
