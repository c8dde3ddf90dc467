//! Who lives in each kind of household: ages, unions, marriages, several
//! generations, and people who live in establishments or nowhere.

use super::family::Builder;
use super::life;
use super::naming::{self, Lineage, PersonName};
use super::population::HouseholdKind;

impl Builder<'_> {
    fn adult_age(&mut self) -> i32 {
        match self.dice.below(10) {
            0..2 => self.dice.between(19, 31),
            2..6 => self.dice.between(32, 64),
            _ => self.dice.between(60, 94),
        }
    }

    pub(super) fn age_of_couple(&mut self) -> i32 {
        if self.dice.happens(0.25) {
            self.dice.between(22, 40)
        } else {
            self.dice.between(41, 88)
        }
    }

    pub(super) fn single(&mut self) {
        let age = self.adult_age();
        let female = self.dice.happens(0.5);
        let (mut person, _) = self.stranger(female, age);
        if age > 30
            && self
                .dice
                .happens(self.world.population.life.separated_single)
        {
            let context = (&self.world.population, self.community);
            life::once_married(&mut self.dice, context, &mut person);
        }
        let home = self.world.geography.home_of(person.index);
        person.homes = self.homes(home, person.born, age);
        self.members.push(person);
    }

    /// Two people who live together; gives the line of their children.
    pub(super) fn couple(&mut self, age: i32) -> Lineage {
        let home = self.world.geography.home_of(self.next_index());
        let (mut woman, hers) = self.stranger(true, age);
        self.members.push(woman.clone());
        let apart = self.dice.between(-4, 6);
        let one_sex = self.world.population.life.couple_of_one_sex;
        let both_women = self.dice.happens(one_sex);
        let (mut man, his) = self.stranger(both_women, (age + apart).max(19));
        let grown = woman.born.max(man.born) + life::days(19.0);
        let union = self
            .dice
            .between(grown.min(self.today() - 200), self.today() - 200);
        let shared = self.homes(home, union, age);
        woman.homes = self.homes_until_joining(woman.born, union, &shared);
        man.homes = self.homes_until_joining(man.born, union, &shared);
        let life = &self.world.population.life;
        if self.dice.happens(life.married_couples) {
            let wedding = self.dice.between(union, (union + 1500).min(self.today()));
            let stem = if both_women {
                man.names[0].1.family.clone()
            } else {
                his.stem.clone()
            };
            life::marry(
                &mut self.dice,
                (life, self.community),
                &mut woman,
                &stem,
                wedding,
            );
            man.married = true;
        }
        let fathers_given = man.names[0].1.given.clone();
        self.members[0] = woman;
        self.members.push(man);
        Lineage {
            stem: his.stem,
            mothers_stem: hers.stem,
            fathers_given,
            grandfathers_given: his.fathers_given,
        }
    }

    /// Ages of children by birth, youngest first.
    fn ages_of_children(&mut self, births: &[usize]) -> Vec<i32> {
        let mut age = self.dice.between(0, 16);
        let mut ages = Vec::new();
        for _ in births {
            ages.push(age);
            age += self.dice.between(2, 4);
        }
        ages
    }

    pub(super) fn couple_with_children(&mut self, births: &[usize]) {
        let ages = self.ages_of_children(births);
        let mothers_age = ages.last().copied().unwrap_or(0) + self.dice.between(19, 37);
        let mut lineage = self.couple(mothers_age);
        if self
            .dice
            .happens(self.world.population.life.child_has_mothers_surname)
        {
            std::mem::swap(&mut lineage.stem, &mut lineage.mothers_stem);
        }
        self.children(births, &ages, &lineage);
    }

    pub(super) fn lone_parent(&mut self, births: &[usize]) {
        let ages = self.ages_of_children(births);
        let age = ages.last().copied().unwrap_or(0) + self.dice.between(18, 36);
        let mothers = self.world.population.life.lone_parent_is_mother;
        let female = self.dice.happens(mothers);
        let (mut parent, line) = self.stranger(female, age);
        let home = self.world.geography.home_of(parent.index);
        parent.homes = self.homes(home, parent.born, age);
        self.members.push(parent);
        // The other parent lives elsewhere, and the name may be theirs.
        let mut lineage = naming::lineage(&mut self.dice, self.community, 1990);
        if !female || self.dice.happens(0.5) {
            lineage.stem = line.stem;
        }
        self.children(births, &ages, &lineage);
    }

    pub(super) fn three_generations(&mut self, births: &[usize]) {
        self.couple_with_children(births);
        let father = self.members[1].clone();
        let age = father.age_on(self.today()) + self.dice.between(21, 36);
        let female = self.dice.happens(0.68);
        let (mut elder, mut line) = self.stranger(female, age.min(99));
        line.stem.clone_from(&father.names[0].1.family);
        elder.married = true;
        let family = naming::gendered(self.community.custom, &line.stem, female, true);
        if !female || naming::takes_married_name(self.community.custom) {
            elder.names[0].1.family = family;
        }
        let joined = self
            .dice
            .between(life::years_before(self.today(), 12.0), self.today());
        let homes = father.homes;
        let since = homes
            .iter()
            .rposition(|(from, _)| *from <= joined)
            .unwrap_or(0);
        elder.homes = self.homes_until_joining(elder.born, joined, &homes[since..]);
        if elder.female == father.female && elder.name_on(joined).given == father.names[0].1.given {
            elder.taken_for = Some(1);
        }
        self.members.push(elder);
    }

    pub(super) fn parent_and_adult_child(&mut self, births: &[usize]) {
        let childs_age = self.dice.between(19, 58);
        let age = childs_age + self.dice.between(19, 36);
        let female = self.dice.happens(0.6);
        let (mut parent, mut line) = self.stranger(female, age);
        if female {
            let stem = naming::stem(&mut self.dice, self.community);
            let wedding = parent.born + life::days(21.0);
            let context = (&self.world.population.life, self.community);
            life::marry(&mut self.dice, context, &mut parent, &stem, wedding);
            line.mothers_stem = std::mem::replace(&mut line.stem, stem);
        }
        let home = self.world.geography.home_of(parent.index);
        parent.homes = self.homes(home, parent.born, age);
        self.members.push(parent);
        self.children(births, &[childs_age], &line);
        for at in 1..self.members.len() {
            if self.dice.happens(0.55) {
                let (born, index) = (self.members[at].born, self.members[at].index);
                let left = self.dice.between(born + life::days(18.0), self.today());
                let own = self.world.geography.home_of(index);
                let own = self.homes(own, left, childs_age);
                self.members[at].homes.retain(|(from, _)| *from < left);
                self.members[at].homes.extend(own);
            }
        }
    }

    pub(super) fn shared_house(&mut self, size: usize) {
        let home = self.world.geography.home_of(self.next_index());
        for _ in 0..size {
            let (female, age) = (self.dice.happens(0.5), self.dice.between(18, 36));
            let (mut person, _) = self.stranger(female, age);
            let since = self
                .dice
                .between(life::years_before(self.today(), 5.0), self.today() - 20);
            person.homes = self.homes_until_joining(person.born, since, &[(since, home.clone())]);
            self.members.push(person);
        }
    }

    pub(super) fn namesakes(&mut self) {
        self.single();
        self.single();
        let name = self.members[0].names[0].1.clone();
        let (female, born) = (self.members[0].female, self.members[0].born);
        let near = match self.dice.below(4) {
            0 => 0,
            1 => self.dice.between(-27, 27),
            2 => life::days(f64::from(self.dice.between(1, 3))),
            _ => self.dice.between(-3000, 3000),
        };
        let other = &mut self.members[1];
        other.female = female;
        // Nobody is born in the future, whoever they are like.
        other.born = (born + near).min(self.world.population.today - 1);
        let middle = std::mem::take(&mut other.names[0].1.middle);
        other.names = vec![(other.born, PersonName { middle, ..name })];
        other.taken_for = Some(0);
        self.members[0].taken_for = Some(1);
    }

    pub(super) fn resident(&mut self, kind: HouseholdKind) {
        let age = match kind {
            HouseholdKind::CareHomeResident => self.dice.between(70, 98),
            HouseholdKind::StudentInHall => self.dice.between(18, 23),
            _ => self.dice.between(19, 62),
        };
        let female = self.dice.happens(match kind {
            HouseholdKind::CareHomeResident => 0.7,
            HouseholdKind::StudentInHall => 0.55,
            HouseholdKind::Prisoner => 0.03,
            _ => 0.25,
        });
        let (mut person, _) = self.stranger(female, age);
        if kind == HouseholdKind::CareHomeResident {
            let context = (&self.world.population, self.community);
            life::once_married(&mut self.dice, context, &mut person);
        }
        let geography = &self.world.geography;
        let place = match kind {
            HouseholdKind::NoFixedAbode => geography.no_fixed_abode(&mut self.dice),
            _ => geography.establishment(&mut self.dice, kind),
        };
        let since = self
            .dice
            .between(life::years_before(self.today(), 3.5), self.today() - 10);
        person.homes = self.homes_until_joining(person.born, since, &[(since, place)]);
        self.members.push(person);
    }
}
