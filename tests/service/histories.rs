//! Histories at random through the door, on a real database: registering, updating,
//! replaying, withdrawing, merging, moving, asserting, unmerging, erasing, and killing
//! the service. `ACCORD_MERGE_HISTORIES` says how many. What should be is told by a
//! model of a few lines: each record's own person, and which persons lead to others.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::people::{person, with};
use crate::request::Answer;
use crate::world::{Actor, World, record_path, times};

/// A small source of chance, so that a history can be told again.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }

    fn one_of<'v, T>(&mut self, values: &'v [T]) -> Option<&'v T> {
        (!values.is_empty()).then(|| &values[self.below(values.len())])
    }
}

/// A record as it should be. Strangers only, so that the machine joins nobody.
struct Known {
    local_id: String,
    /// The last decision about it by itself.
    own: String,
    /// What was sent last; absent once it is erased.
    sent: Option<Value>,
    /// What was answered then, which whoever sends it again is answered (I4).
    answered: String,
}

/// A history, and what should be.
struct History<'w> {
    world: &'w World,
    name: String,
    draw: Draw,
    records: Vec<Known>,
    /// Merges that hold: the merge, whose id leads on, and to whom.
    leads: Vec<(String, String, String)>,
    undone: Vec<String>,
}

impl History<'_> {
    fn who(&self, person: &str) -> String {
        let next = self.leads.iter().find(|(_, from, _)| from == person);
        next.map_or_else(|| person.to_owned(), |(_, _, to)| self.who(to))
    }

    fn owners(&self) -> Vec<String> {
        let owners = self.records.iter().map(|record| self.who(&record.own));
        owners.collect()
    }

    fn steward(&self, path: &str, body: &Value) -> Answer {
        self.world.post(path).by(Actor::Steward).json(body).send()
    }

    fn step(&mut self, step: usize) {
        match self.draw.below(14) {
            0..=2 => self.register(step),
            3..=5 => self.merge(),
            6 | 7 => self.undo(),
            8 => self.send_again(step),
            9 | 10 => self.move_one(),
            11 => self.assert(),
            12 => self.withdraw_or_erase(),
            _ => {
                self.world.dies();
                self.world.serves();
            }
        }
    }

    fn register(&mut self, step: usize) {
        let local_id = format!("{}-{step}", self.name);
        let sent = person(&local_id);
        let answer = self.world.registers("gp", &local_id, &sent);
        self.records.push(Known {
            local_id,
            own: answer.person(),
            sent: Some(sent),
            answered: answer.text,
        });
    }

    fn merge(&mut self) {
        let owners = self.owners();
        let (Some(a), Some(b)) = (
            self.draw.one_of(&owners).cloned(),
            self.draw.one_of(&owners).cloned(),
        ) else {
            return;
        };
        let asked = json!({"survivor": a, "retired": b, "reason": "one and the same"});
        let merge = self.steward("/merges", &asked);
        if merge.status == 200 {
            self.joined(&merge.body, b, a);
        } else {
            assert_eq!(merge.status, 409, "{}", merge.text);
        }
    }

    /// What takes a second human is approved by one.
    fn joined(&mut self, merge: &Value, retired: String, survivor: String) {
        if merge["status"] == "awaiting_approval" {
            let path = format!("/review/tasks/{}", merge["task"].as_str().expect("a task"));
            let opened = self.world.get(&path).by(Actor::Approver).send().expect(200);
            let said = json!({"outcome": "approve", "reason": "as I see it",
                "evidence": opened["evidence"]});
            let decided = self.world.post(&format!("{path}/decide"));
            decided.by(Actor::Approver).json(&said).send().expect(200);
        }
        let merge = merge["merge_id"].as_str().expect("a merge").to_owned();
        self.leads.push((merge, retired, survivor));
    }

    fn undo(&mut self) {
        let body = json!({"reason": "they are two"});
        if self.leads.is_empty() {
            if let Some(merge) = self.undone.last() {
                let again = self.steward(&format!("/merges/{merge}/undo"), &body);
                again.expect_problem(409, "", &[]);
            }
            return;
        }
        let place = self.draw.below(self.leads.len());
        let (merge, ..) = self.leads.remove(place);
        let undone = self.steward(&format!("/merges/{merge}/undo"), &body);
        undone.expect(200);
        self.undone.push(merge);
    }

    /// The same again, or the same with another phone number.
    fn send_again(&mut self, step: usize) {
        if self.records.is_empty() {
            return;
        }
        let place = self.draw.below(self.records.len());
        let Some(sent) = self.records[place].sent.clone() else {
            return;
        };
        let changed = self.draw.below(2) == 0;
        let body = if changed {
            with(&sent, json!({"phones": [format!("07700 900{step:03}")]}))
        } else {
            sent
        };
        let known = &self.records[place];
        let before = self.world.record("gp", &known.local_id);
        let answer = self.world.registers("gp", &known.local_id, &body);
        let after = self.world.record("gp", &known.local_id);
        if changed {
            assert_eq!(answer.person(), self.who(&known.own), "{}", answer.text);
        } else {
            assert_eq!(answer.text, known.answered, "the same answer");
            assert_eq!(before["version"], after["version"], "a replay");
        }
        self.records[place].sent = Some(body);
        self.records[place].answered = answer.text;
    }

    /// A record that is not alone goes to somebody else, or to a person of its own.
    fn move_one(&mut self) {
        let owners = self.owners();
        let together: Vec<usize> = (0..owners.len())
            .filter(|place| owners.iter().filter(|it| **it == owners[*place]).count() > 1)
            .collect();
        let Some(place) = self.draw.one_of(&together).copied() else {
            return;
        };
        let to = match self.draw.below(2) {
            0 => "new".to_owned(),
            _ => self.draw.one_of(&owners).expect("somebody").clone(),
        };
        let body = json!({"source": "gp", "local_id": self.records[place].local_id,
            "person_id": to, "reason": "seen on the form"});
        let moved = self.steward("/links", &body);
        if moved.status == 200 {
            self.records[place].own = moved.person();
        } else {
            assert_eq!(moved.status, 409, "{}", moved.text);
        }
    }

    fn assert(&mut self) {
        if self.records.is_empty() {
            return;
        }
        let places = [0; 2].map(|_| self.draw.below(self.records.len()));
        let kind = ["same", "different"][self.draw.below(2)];
        let named =
            places.map(|place| json!({"source": "gp", "local_id": self.records[place].local_id}));
        let body = json!({"a": named[0], "b": named[1], "kind": kind, "reason": "known"});
        let said = self.steward("/assertions", &body);
        if said.status == 201 {
            let [a, b] = places.map(|place| self.who(&self.records[place].own));
            if said["merge"].is_object() {
                let merge = said["merge"].clone();
                self.joined(&merge, b, a);
            }
        } else {
            assert_eq!(said.status, 409, "{}", said.text);
        }
    }

    fn withdraw_or_erase(&mut self) {
        if self.records.is_empty() {
            return;
        }
        let place = self.draw.below(self.records.len());
        let local_id = self.records[place].local_id.clone();
        if self.draw.below(2) == 0 {
            self.world.withdraws("gp", &local_id);
            self.records.remove(place);
        } else {
            let body = json!({"source": "gp", "local_id": local_id, "reason": "asked for"});
            let erasing = self.world.post("/erasures").by(Actor::PrivacyOfficer);
            let erased = erasing.json(&body).send();
            let twice = self.records[place].sent.is_none();
            erased.expect(if twice { 409 } else { 200 });
            self.records[place].sent = None;
        }
    }

    fn check(&self) {
        let mut expected: BTreeMap<&str, String> = BTreeMap::new();
        for record in &self.records {
            expected.insert(&record.local_id, self.who(&record.own));
        }
        for (local_id, person) in expected {
            let found = self.world.cross_reference("gp", local_id).person();
            assert_eq!(found, person, "history {}: {local_id}", self.name);
        }
        for record in self.records.iter().filter(|record| record.sent.is_none()) {
            let path = record_path("gp", &record.local_id);
            let shown = self.world.get(&path).by(Actor::Steward).send().expect(200);
            assert_eq!(shown["record"], json!({}), "erased: {}", shown.text);
        }
    }
}

#[test]
fn i5_histories_at_random_give_the_partition_that_the_standing_decisions_make() {
    let world = World::start_with(&[("ACCORD_MERGES_PER_HOUR", "1000000")]);
    for number in 0..times("ACCORD_MERGE_HISTORIES", 3) {
        let mut history = History {
            world: &world,
            name: format!("h{number}"),
            draw: Draw(0x5eed + number as u64),
            records: Vec::new(),
            leads: Vec::new(),
            undone: Vec::new(),
        };
        for step in 0..28 {
            history.step(step);
        }
        history.check();
    }
    world.verify();
}
