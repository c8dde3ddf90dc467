//! Single stories, told in the words of the complaints that they answer.

use super::{Ledger, Name, Way, name};
use crate::foundation::{PersonId, TaskId};
use crate::registry::{
    ApprovalReason, AssertionKind, CloseReason, DeviationKind, MergeRefusal, MergeStatus,
    MoveTarget, Outcome, PersonStatus, RegistryEvent, TaskKind, TaskOutcome, UndoAnswer,
    undo_merge,
};

const ROSALIND: usize = 0;
const BEATRIX: usize = 1;
const FATHER: usize = 2;
const SON: usize = 3;
const CHILD: usize = 4;
const STRANGER: usize = 5;
const JOHN: usize = 7;

fn person_of(ledger: &Ledger, name: &Name) -> PersonId {
    ledger.person(name).expect("the record is linked")
}

/// Twin sisters, two records each: Beatrix first.
fn sisters() -> (Ledger, [Name; 4], PersonId, PersonId) {
    let mut ledger = Ledger::default();
    let names = [
        name("gp", "1"),
        name("pas", "1"),
        name("gp", "2"),
        name("pas", "2"),
    ];
    ledger.register(&names[0], BEATRIX, Way::Whole);
    ledger.register(&names[1], BEATRIX, Way::WithoutNumber);
    ledger.register(&names[2], ROSALIND, Way::Whole);
    ledger.register(&names[3], ROSALIND, Way::Whole);
    let (one, other) = (person_of(&ledger, &names[0]), person_of(&ledger, &names[2]));
    assert_eq!(person_of(&ledger, &names[1]), one);
    assert_eq!(person_of(&ledger, &names[3]), other);
    (ledger, names, one, other)
}

fn kinds(undone: &UndoAnswer) -> Vec<DeviationKind> {
    undone.deviations.iter().map(|it| it.kind).collect()
}

#[test]
fn complaint_1_unmerge_works_after_everything_has_changed() {
    let (mut ledger, names, one, other) = sisters();
    let merge = ledger.join(one, other).expect("they may be joined");
    // Three months: an update on each side, and a new record of hers.
    ledger.register(&names[0], BEATRIX, Way::Elsewhere);
    ledger.register(&names[3], ROSALIND, Way::Bare);
    let hers = name("out", "7");
    assert_eq!(ledger.register(&hers, ROSALIND, Way::Whole).person_id, one);

    let undone = ledger.undo(merge).expect("it holds");

    assert_eq!(undone.restored.len(), 2, "those that were there");
    assert_eq!(
        undone.moved,
        [ledger.number(&hers)],
        "what came since, by evidence"
    );
    for name in [&names[2], &names[3], &hers] {
        assert_eq!(ledger.person(name), Some(other), "under the earlier id");
    }
    for name in [&names[0], &names[1]] {
        assert_eq!(ledger.person(name), Some(one));
    }
    assert!(undone.deviations.is_empty() && undone.tasks.is_empty());
    let latest = ledger
        .state
        .record(&names[3].0, &names[3].1)
        .expect("known");
    assert_eq!(
        latest.current.version, 2,
        "the update of the meantime stays"
    );
}

#[test]
fn complaint_1_what_cannot_be_as_it_was_is_said_before_anything_happens() {
    let (mut ledger, names, one, other) = sisters();
    let merge = ledger.join(one, other).expect("they may be joined");
    ledger.withdraw(&names[2]);
    ledger
        .move_to(&names[3], MoveTarget::New)
        .expect("it may be moved");
    let before = ledger.state.counters;
    let preview = ledger
        .decide(|state, numbering| undo_merge(state, &super::MODEL, numbering, merge, "steward"));
    let preview = preview.expect("it holds").answer;
    assert_eq!(
        kinds(&preview),
        [
            DeviationKind::NoRecordLeft,
            DeviationKind::Withdrawn,
            DeviationKind::PlacedByHuman,
        ]
    );
    assert_eq!(ledger.state.counters, before, "nothing has happened");
    let undone = ledger.undo(merge).expect("it holds");
    assert_eq!(kinds(&undone), kinds(&preview));
}

#[test]
fn complaint_1_a_record_that_is_clear_for_neither_side_stays_with_a_question() {
    let (mut ledger, names, one, other) = sisters();
    let merge = ledger.join(one, other).expect("they may be joined");
    let hers = name("out", "7");
    ledger.register(&hers, ROSALIND, Way::Whole);
    assert_eq!(ledger.person(&hers), Some(one));
    // A later version of it is like nobody's.
    let record = ledger.number(&hers);
    let nobody = super::STANDARDS[STRANGER][Way::Bare as usize].clone();
    ledger.state.standards.insert(record, nobody);

    let undone = ledger.undo(merge).expect("it holds");

    assert_eq!(kinds(&undone), [DeviationKind::Unclear]);
    assert_eq!(ledger.person(&hers), Some(one), "it stays");
    let [task] = undone.tasks.as_slice() else {
        panic!("{:?}", undone.tasks);
    };
    assert_eq!(ledger.state.tasks[task].kind, TaskKind::LinkDoubtful);
    assert_eq!(ledger.state.tasks[task].record, record);
    assert_eq!(person_of(&ledger, &names[2]), other);
}

#[test]
fn r101_a_doubt_that_parting_answers_is_asked_no_more() {
    let mut ledger = Ledger::default();
    let (hers, his) = (name("gp", "1"), name("pas", "1"));
    ledger.register(&hers, BEATRIX, Way::WithoutNumber);
    ledger.register(&his, JOHN, Way::WithoutNumber);
    let (one, other) = (person_of(&ledger, &hers), person_of(&ledger, &his));
    let merge = ledger.join(one, other).expect("they may be joined");
    ledger.register(&his, JOHN, Way::Bare);
    let doubts = |ledger: &Ledger| {
        let asked = ledger.state.tasks.iter();
        asked
            .filter(|(_, task)| task.kind == TaskKind::LinkDoubtful && task.waits())
            .count()
    };
    assert_eq!(doubts(&ledger), 1, "an update that fits nobody there");

    ledger.undo(merge).expect("it holds");

    assert_eq!(person_of(&ledger, &his), other);
    assert_eq!(doubts(&ledger), 0, "it contradicted her record alone");
}

#[test]
fn complaint_2_ids_come_back_and_are_never_used_again() {
    let (mut ledger, names, one, other) = sisters();
    let merge = ledger.join(one, other).expect("they may be joined");
    assert_eq!(
        ledger.state.survivor_of(other),
        Some(one),
        "the id leads on"
    );
    ledger.undo(merge).expect("it holds");
    assert_eq!(
        person_of(&ledger, &names[2]),
        other,
        "the same id as before"
    );
    let held = ledger.state.persons[&other].status;
    assert_eq!(held, PersonStatus::Active);
    let made = ledger.events.iter().filter(
        |event| matches!(event, RegistryEvent::PersonCreated { person } if *person == other),
    );
    assert_eq!(made.count(), 1);
}

#[test]
fn complaint_2_the_caller_says_whose_id_goes_on() {
    for turned in [false, true] {
        let (mut ledger, _, one, other) = sisters();
        let (survivor, retired) = if turned { (other, one) } else { (one, other) };
        ledger.join(survivor, retired).expect("they may be joined");
        assert_eq!(ledger.state.survivor_of(retired), Some(survivor));
    }
}

#[test]
fn complaint_3_and_r15_two_live_verified_numbers_are_refused_with_the_reason() {
    let mut ledger = Ledger::default();
    let names = [name("gp", "1"), name("gp", "2")];
    ledger.register(&names[0], FATHER, Way::Whole);
    ledger.register(&names[1], SON, Way::Whole);
    let [father, son] = [0, 1].map(|place: usize| person_of(&ledger, &names[place]));
    let refused = ledger.merge(father, son);
    let Err(MergeRefusal::TwoVerifiedNumbers(task)) = refused else {
        panic!("{refused:?}");
    };
    let asked = &ledger.state.tasks[&task];
    assert_eq!(asked.kind, TaskKind::PossibleDuplicateNumber);
    assert!(asked.waits());
    assert_ne!(ledger.person(&names[0]), ledger.person(&names[1]));
    let moved = ledger.move_to(&names[1], MoveTarget::Person(father));
    assert_eq!(
        moved,
        Err(MergeRefusal::TwoVerifiedNumbers(task)),
        "by no other door"
    );
    let said = ledger.say(&names[0], &names[1], AssertionKind::Same);
    assert_eq!(said, Err(MergeRefusal::TwoVerifiedNumbers(task)));
}

#[test]
fn complaint_5_what_was_parted_stays_parted_also_through_third_records() {
    let (mut ledger, names, one, other) = sisters();
    let merge = ledger.join(one, other).expect("they may be joined");
    let assertion = ledger.undo(merge).expect("it holds").assertion;
    let assertion = assertion.expect("an assertion");
    assert_eq!(
        ledger.merge(one, other),
        Err(MergeRefusal::AssertedDifferent(assertion)),
        "not even by a human who has not seen it"
    );
    // Her sister's records begin to say her words, and others come between.
    ledger.withdraw(&names[1]);
    for place in 0..20 {
        let bridge = name("out", &place.to_string());
        ledger.register(&bridge, ROSALIND, Way::WithoutNumber);
        ledger.register(&names[0], ROSALIND, Way::WithoutNumber);
        assert_ne!(ledger.person(&names[0]), ledger.person(&names[2]), "I7");
    }
    ledger.unsay(assertion).expect("it holds");
    let [one, other] = [0, 2].map(|place: usize| person_of(&ledger, &names[place]));
    assert!(ledger.merge(one, other).is_ok(), "until it is taken back");
}

#[test]
fn complaint_5_a_question_closes_by_itself_when_the_persons_have_become_one() {
    let mut ledger = Ledger::default();
    let names = [name("gp", "1"), name("pas", "1")];
    ledger.register(&names[0], JOHN, Way::Bare);
    let answer = ledger.register(&names[1], JOHN, Way::Bare);
    let [one, other] = [0, 1].map(|place: usize| person_of(&ledger, &names[place]));
    assert_ne!(one, other);
    let [task] = answer.tasks.as_slice() else {
        panic!("{:?} asks nothing", answer.outcome);
    };
    ledger.join(one, other).expect("they may be joined");
    assert!(!ledger.state.tasks[task].waits());
    let closed = ledger.events.iter().any(|event| {
        let because = CloseReason::PersonsJoined;
        *event
            == RegistryEvent::TaskClosed {
                task: *task,
                because,
            }
    });
    assert!(closed);
    assert_eq!(
        ledger.state.open_tasks_of(one).count(),
        0,
        "and nothing waits"
    );
}

#[test]
fn r103_merges_are_undone_nested_and_out_of_order() {
    let mut ledger = Ledger::default();
    let names = [name("gp", "1"), name("gp", "2"), name("gp", "3")];
    for (name, person) in names.iter().zip([ROSALIND, STRANGER, CHILD]) {
        ledger.register(name, person, Way::Whole);
    }
    let [a, b, c] = [0, 1, 2].map(|place: usize| person_of(&ledger, &names[place]));
    let first = ledger.join(a, b).expect("b into a");
    let second = ledger.join(c, a).expect("a with b into c");
    assert!(names.iter().all(|name| ledger.person(name) == Some(c)));
    ledger.undo(first).expect("the inner one");
    let now = names.each_ref().map(|name| person_of(&ledger, name));
    assert_eq!(now, [c, b, c], "as if only the second had been");
    ledger.undo(second).expect("the outer one");
    let now = names.each_ref().map(|name| person_of(&ledger, name));
    assert_eq!(now, [a, b, c], "all as it was");
}

#[test]
fn r114_a_merge_with_consequences_waits_for_a_second_different_human() {
    let mut ledger = Ledger::default();
    let names = [name("gp", "1"), name("gp", "2")];
    ledger.register(&names[0], FATHER, Way::Whole);
    ledger.register(&names[1], CHILD, Way::Whole);
    let [one, other] = [0, 1].map(|place: usize| person_of(&ledger, &names[place]));
    let asked = ledger.merge(one, other).expect("it may be asked for");
    assert_eq!(asked.status, MergeStatus::AwaitingApproval);
    assert_eq!(
        asked.approval,
        [ApprovalReason::VerifiedNumber, ApprovalReason::Child]
    );
    assert_ne!(
        ledger.person(&names[0]),
        ledger.person(&names[1]),
        "it waits"
    );
    let task = asked.task.expect("a task");
    assert_eq!(ledger.state.tasks[&task].kind, TaskKind::MergeApproval);
    let again = ledger.merge(other, one);
    assert!(matches!(again, Err(MergeRefusal::AlreadyProposed { .. })));
    let same = ledger.approve(asked.merge, "steward");
    assert_eq!(same, Err(MergeRefusal::SameHuman));
    ledger.approve(asked.merge, "approver").expect("another");
    assert_eq!(ledger.person(&names[1]), Some(one));
    assert!(!ledger.state.tasks[&task].waits());
}

/// A verified number on the one side, a name and a birth date on the other: a question.
fn asked_about() -> (Ledger, [PersonId; 2], TaskId) {
    let mut ledger = Ledger::default();
    let names = [name("gp", "1"), name("pas", "1")];
    ledger.register(&names[0], FATHER, Way::Whole);
    let answer = ledger.register(&names[1], FATHER, Way::Bare);
    let [task] = answer.tasks.as_slice() else {
        panic!("{:?} asks nothing", answer.outcome);
    };
    let persons = [0, 1].map(|place: usize| person_of(&ledger, &names[place]));
    (ledger, persons, *task)
}

fn waiting(ledger: &Ledger, person: PersonId) -> Vec<TaskId> {
    ledger
        .state
        .open_tasks_of(person)
        .map(|(task, _)| task)
        .collect()
}

#[test]
fn r118_the_approval_of_a_merge_takes_the_place_of_the_pairs_question() {
    let (mut ledger, [one, other], question) = asked_about();
    let known = ledger.state.tasks[&question].clone();
    let merge = ledger.merge(one, other).expect("it may be asked for");
    let approval = merge.task.expect("a task");
    assert_eq!(waiting(&ledger, one), [approval], "one task for the pair");
    let asked = &ledger.state.tasks[&approval];
    assert_eq!(asked.weight_bits, known.weight_bits);
    assert_eq!(asked.rows, known.rows, "on the same evidence");
    ledger.approve(merge.merge, "approver").expect("another");
    assert_eq!(waiting(&ledger, one), []);
}

#[test]
fn r118_a_waiting_merge_hands_its_question_on_when_a_person_becomes_another() {
    let (mut ledger, [one, other], _) = asked_about();
    ledger.merge(one, other).expect("it may be asked for");
    let stranger = name("gp", "9");
    ledger.register(&stranger, STRANGER, Way::Whole);
    let stranger = person_of(&ledger, &stranger);
    ledger.join(stranger, other).expect("it was somebody else");
    let asked = waiting(&ledger, one);
    let [task] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    let asked = &ledger.state.tasks[task];
    assert_eq!(asked.kind, TaskKind::PossibleDuplicate);
    assert!(asked.persons.contains(&stranger), "of whom it is now");
}

#[test]
fn r118_who_says_that_two_are_different_ends_the_merge_that_was_proposed_of_them() {
    let (mut ledger, [one, other], _) = asked_about();
    let merge = ledger.merge(one, other).expect("it may be asked for");
    let names = [name("gp", "1"), name("pas", "1")];
    ledger
        .say(&names[0], &names[1], AssertionKind::Different)
        .expect("it may be said");
    assert_eq!(waiting(&ledger, one), []);
    let late = ledger.approve(merge.merge, "approver");
    assert_eq!(late, Err(MergeRefusal::WrongStatus(MergeStatus::Dropped)));
}

#[test]
fn r114_a_merge_does_not_go_past_what_a_first_reader_has_said() {
    let (mut ledger, [one, other], question) = asked_about();
    ledger.take(&[RegistryEvent::TaskRead {
        task: question,
        by: "another steward".to_owned(),
        outcome: TaskOutcome::Different,
        evidence: String::new(),
    }]);
    let refused = ledger.merge(one, other);
    assert_eq!(refused, Err(MergeRefusal::HalfRead(question)));
    assert_eq!(waiting(&ledger, one), [question]);
}

#[test]
fn r102_a_record_that_a_human_has_moved_is_not_put_back() {
    let (mut ledger, names, one, _) = sisters();
    let moved = ledger
        .move_to(&names[1], MoveTarget::New)
        .expect("it may be moved");
    assert!(moved.assertion.is_some());
    for way in [Way::Whole, Way::Bare, Way::WithoutNumber] {
        ledger.register(&names[1], BEATRIX, way);
        assert_ne!(person_of(&ledger, &names[1]), one);
    }
}

#[test]
fn r102_equal_verified_numbers_against_an_assertion_make_a_task_and_no_link() {
    let mut ledger = Ledger::default();
    let names = [name("gp", "1"), name("pas", "1")];
    ledger.register(&names[0], FATHER, Way::Whole);
    ledger.register(&names[1], STRANGER, Way::Bare);
    ledger
        .say(&names[0], &names[1], AssertionKind::Different)
        .expect("they are apart");
    ledger.withdraw(&names[1]);
    let answer = ledger.register(&names[1], FATHER, Way::Whole);
    assert_eq!(answer.outcome, Outcome::NewPerson);
    assert_ne!(ledger.person(&names[0]), ledger.person(&names[1]));
    assert_eq!(answer.tasks.len(), 1, "contrary evidence asks");
}

#[test]
fn records_of_one_person_cannot_be_said_to_be_different_people_s() {
    let (mut ledger, names, one, _) = sisters();
    let said = ledger.say(&names[0], &names[1], AssertionKind::Different);
    assert_eq!(said, Err(MergeRefusal::TogetherNow(one)));
}

#[test]
fn a_retired_id_is_refused_with_the_one_that_stands() {
    let (mut ledger, names, one, other) = sisters();
    ledger.join(one, other).expect("they may be joined");
    let third = name("gp", "3");
    ledger.register(&third, CHILD, Way::Whole);
    let child = person_of(&ledger, &third);
    let refused = MergeRefusal::Retired {
        person: other,
        survivor: one,
    };
    assert_eq!(ledger.merge(other, child), Err(refused.clone()));
    let moved = ledger.move_to(&names[0], MoveTarget::Person(other));
    assert_eq!(moved, Err(refused));
    assert_eq!(ledger.merge(one, one), Err(MergeRefusal::SamePerson));
}

/// A record of somebody else, joined by mistake, that brings its own number later.
fn joined_without_number() -> (Ledger, Name) {
    let mut ledger = Ledger::default();
    let (father, son) = (name("gp", "1"), name("gp", "2"));
    ledger.register(&father, FATHER, Way::WithoutNumber);
    ledger.register(&son, SON, Way::Whole);
    let (one, other) = (person_of(&ledger, &father), person_of(&ledger, &son));
    ledger.join(other, one).expect("they may be joined");
    (ledger, father)
}

#[test]
fn r20_an_update_that_brings_a_second_number_to_a_joined_person_is_held() {
    let (mut ledger, father) = joined_without_number();
    let answer = ledger.register(&father, FATHER, Way::Whole);
    assert_eq!(answer.outcome, Outcome::UpdateHeld);
}

#[test]
fn r20_what_comes_again_after_an_erasure_brings_no_second_number_either() {
    let (mut ledger, father) = joined_without_number();
    ledger.erase(&father);
    let answer = ledger.register(&father, FATHER, Way::Whole);
    assert_eq!(answer.outcome, Outcome::UpdateHeld);
}
