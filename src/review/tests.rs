//! The state machine, walked by hand on a state that folds its own events.

use crate::foundation::{EventPosition, Instant, PersonId, RecordNumber, SeededChance, TaskId};
use crate::registry::{
    CloseReason, RegistryEvent, RegistryState, TaskKind, TaskOutcome, TaskPriority, TaskStage,
    TaskState,
};
use crate::review::{
    Follow, Needs, ReviewRefusal, Reviewer, Said, SeenRecord, claim, comment, evidence_seen,
    follow, may_see_read, outcomes, read, release,
};

const SEEN: &str = "seen";

fn at(seconds: i64) -> Instant {
    Instant::from_microseconds(seconds * 1_000_000)
}

fn task() -> TaskId {
    TaskId::new(at(1), &SeededChance::new(1))
}

struct Desk {
    state: RegistryState,
    needs: Needs,
}

impl Desk {
    fn with(kind: TaskKind, two_readers: bool) -> Self {
        let mut state = RegistryState::default();
        state.apply(&RegistryEvent::TaskOpened {
            task: task(),
            kind,
            record: RecordNumber(1),
            persons: vec![PersonId::new(at(1), &SeededChance::new(2))],
            weight_bits: Some(12.0),
            reasons: vec![],
            evidence: "00".into(),
            priority: TaskPriority::Weight,
            compared: vec![],
            rows: vec![],
        });
        let needs = Needs {
            two_readers,
            two_live_numbers: false,
        };
        Self { state, needs }
    }

    fn task(&self) -> &TaskState {
        &self.state.tasks[&task()]
    }

    fn take(&mut self, events: &[RegistryEvent]) {
        for event in events {
            self.state.apply(event);
        }
    }

    fn says(
        &mut self,
        reviewer: &Reviewer,
        outcome: TaskOutcome,
    ) -> Result<Option<Follow>, ReviewRefusal> {
        self.says_at(reviewer, outcome, 10)
    }

    fn says_at(
        &mut self,
        reviewer: &Reviewer,
        outcome: TaskOutcome,
        seconds: i64,
    ) -> Result<Option<Follow>, ReviewRefusal> {
        let said = Said {
            outcome,
            evidence: SEEN.into(),
        };
        let moment = (at(seconds), SEEN);
        let reading = read(task(), self.task(), reviewer, &said, self.needs, moment)?;
        self.take(&reading.events);
        Ok(reading.follow)
    }
}

fn steward(name: &str) -> Reviewer {
    Reviewer {
        name: name.into(),
        decides: true,
        approves: false,
    }
}

fn approver(name: &str) -> Reviewer {
    Reviewer {
        name: name.into(),
        decides: false,
        approves: true,
    }
}

#[test]
fn a_plain_pair_is_settled_by_one_reader() {
    let mut desk = Desk::with(TaskKind::PossibleDuplicate, false);
    let follows = desk.says(&steward("s"), TaskOutcome::Same);
    assert_eq!(follows, Ok(Some(Follow::Merge)));
    assert_eq!(desk.task().stage, TaskStage::Decided);
    assert_eq!(desk.task().outcome, Some(TaskOutcome::Same));
    let again = desk.says(&steward("t"), TaskOutcome::Different);
    assert_eq!(again, Err(ReviewRefusal::Settled), "one decision");
}

#[test]
fn r114_two_readers_agree_or_a_third_decides() {
    use TaskOutcome::{CannotTell, Different, Same};
    let cases = [
        ([Same, Same, Same], 2, Follow::Merge, Same),
        (
            [Different, Different, Same],
            2,
            Follow::AssertDifferent,
            Different,
        ),
        ([Same, Different, Same], 3, Follow::Merge, Same),
        (
            [Same, Different, Different],
            3,
            Follow::AssertDifferent,
            Different,
        ),
        (
            [Same, Different, CannotTell],
            3,
            Follow::Nothing,
            CannotTell,
        ),
        (
            [Different, CannotTell, Same],
            3,
            Follow::Nothing,
            CannotTell,
        ),
    ];
    for (said, reads, follows, outcome) in cases {
        let mut desk = Desk::with(TaskKind::PossibleDuplicate, true);
        let readers = [steward("s"), approver("a"), approver("b")];
        let mut last = None;
        for (place, reader) in readers.iter().enumerate().take(reads) {
            assert_eq!(last, None, "{said:?} is settled too early");
            let stage = [
                TaskStage::Open,
                TaskStage::SecondReader,
                TaskStage::ThirdReader,
            ];
            assert_eq!(desk.task().stage, stage[place]);
            last = desk.says(reader, said[place]).expect("a read");
        }
        assert_eq!(last, Some(follows), "{said:?}");
        assert_eq!(desk.task().outcome, Some(outcome), "{said:?}");
    }
}

#[test]
fn r114_the_same_person_never_reads_twice() {
    let mut desk = Desk::with(TaskKind::PossibleDuplicate, true);
    let both = Reviewer {
        decides: true,
        ..approver("x")
    };
    assert_eq!(desk.says(&both, TaskOutcome::Same), Ok(None));
    let again = desk.says(&both, TaskOutcome::Same);
    assert_eq!(again, Err(ReviewRefusal::SamePerson));
    let claimed = claim(task(), desk.task(), &both, (at(1), at(2)));
    assert_eq!(claimed, Err(ReviewRefusal::SamePerson));
    let other = desk.says(&steward("s"), TaskOutcome::Same);
    assert_eq!(other, Err(ReviewRefusal::NotApprover));
}

#[test]
fn r114_the_second_reader_does_not_see_what_the_first_said() {
    let mut desk = Desk::with(TaskKind::PossibleDuplicate, true);
    desk.says(&steward("s"), TaskOutcome::Same).expect("a read");
    let first = desk.task().reads[0].clone();
    assert!(!may_see_read(desk.task(), &first, "a"));
    assert!(may_see_read(desk.task(), &first, "s"));
    desk.says(&approver("a"), TaskOutcome::Different)
        .expect("a read");
    assert!(may_see_read(desk.task(), &first, "a"), "who has read sees");
    assert!(
        !may_see_read(desk.task(), &first, "b"),
        "the third is blind too"
    );
    desk.says(&approver("b"), TaskOutcome::Same)
        .expect("a read");
    assert!(may_see_read(desk.task(), &first, "anybody"));
}

#[test]
fn an_approver_does_not_read_first() {
    let mut desk = Desk::with(TaskKind::PossibleDuplicate, false);
    let first = desk.says(&approver("a"), TaskOutcome::Same);
    assert_eq!(first, Err(ReviewRefusal::NotSteward));
}

#[test]
fn a_claim_keeps_others_off_until_it_ends() {
    let mut desk = Desk::with(TaskKind::PossibleDuplicate, false);
    let claimed = claim(task(), desk.task(), &steward("s"), (at(10), at(20)));
    desk.take(&[claimed.expect("a claim")]);
    let taken = claim(task(), desk.task(), &steward("t"), (at(19), at(30)));
    assert_eq!(taken, Err(ReviewRefusal::InHand));
    let said = desk.says_at(&steward("t"), TaskOutcome::Same, 19);
    assert_eq!(said, Err(ReviewRefusal::InHand));
    let given = release(task(), desk.task(), &steward("t"), at(19));
    assert_eq!(given, Err(ReviewRefusal::NotInHand));
    let longer = claim(task(), desk.task(), &steward("s"), (at(19), at(40)));
    assert!(longer.is_ok(), "who has it may have it for longer");
    let gone = release(task(), desk.task(), &steward("s"), at(20));
    assert_eq!(gone, Err(ReviewRefusal::NotInHand), "the lease has ended");
    let said = desk.says_at(&steward("t"), TaskOutcome::Same, 20);
    assert_eq!(said, Ok(Some(Follow::Merge)), "as good as open");
}

#[test]
fn a_task_that_is_given_back_is_open() {
    let mut desk = Desk::with(TaskKind::PossibleDuplicate, false);
    let claimed = claim(task(), desk.task(), &steward("s"), (at(10), at(20)));
    desk.take(&[claimed.expect("a claim")]);
    let given = release(task(), desk.task(), &steward("s"), at(15));
    desk.take(&[given.expect("a release")]);
    assert_eq!(desk.task().claim_at(at(15)), None);
    desk.says_at(&steward("t"), TaskOutcome::Same, 15)
        .expect("a read");
}

#[test]
fn a_decision_on_other_evidence_is_refused_with_the_digest_of_now() {
    let desk = Desk::with(TaskKind::PossibleDuplicate, false);
    let said = Said {
        outcome: TaskOutcome::Same,
        evidence: "older".into(),
    };
    let moment = (at(10), SEEN);
    let stale = read(
        task(),
        desk.task(),
        &steward("s"),
        &said,
        desk.needs,
        moment,
    );
    let now = SEEN.to_owned();
    assert_eq!(stale, Err(ReviewRefusal::StaleEvidence { now }));
}

#[test]
fn the_digest_is_of_the_versions_that_are_shown_in_whatever_order() {
    let mut desk = Desk::with(TaskKind::PossibleDuplicate, false);
    let seen = |record, current, held| SeenRecord {
        record: RecordNumber(record),
        current,
        held,
    };
    let digest =
        |desk: &Desk, records: &[SeenRecord]| evidence_seen(desk.task(), records.iter().copied());
    let (a, b) = (seen(1, 1, None), seen(2, 1, None));
    let known = digest(&desk, &[a, b]);
    assert_eq!(known, digest(&desk, &[b, a, b]));
    for other in [
        vec![a],
        vec![a, seen(2, 2, None)],
        vec![a, seen(2, 1, Some(2))],
        vec![a, seen(3, 1, None)],
    ] {
        assert_ne!(known, digest(&desk, &other), "{other:?}");
    }
    let claimed = claim(task(), desk.task(), &steward("s"), (at(10), at(20)));
    desk.take(&[claimed.expect("a claim")]);
    assert_eq!(known, digest(&desk, &[a, b]), "a claim is no evidence");
}

#[test]
fn r15_the_same_with_two_live_numbers_is_escalated_and_joins_nobody() {
    let mut desk = Desk::with(TaskKind::PossibleDuplicateNumber, true);
    desk.needs.two_live_numbers = true;
    assert_eq!(desk.says(&steward("s"), TaskOutcome::Same), Ok(None));
    assert_eq!(desk.task().stage, TaskStage::Escalated);
    assert_eq!(desk.task().reads.len(), 1, "suspected to be the same");
    let different = desk.says(&steward("s"), TaskOutcome::Different);
    assert_eq!(different, Err(ReviewRefusal::SamePerson));
    // The national service has superseded one of them: a second reader joins.
    desk.needs.two_live_numbers = false;
    let follows = desk.says(&approver("a"), TaskOutcome::Same);
    assert_eq!(follows, Ok(Some(Follow::Merge)));
}

#[test]
fn an_escalated_question_is_read_once_the_nation_has_answered() {
    let mut desk = Desk::with(TaskKind::SuspectedConfusion, false);
    assert_eq!(desk.says(&steward("s"), TaskOutcome::Escalate), Ok(None));
    assert_eq!(desk.task().stage, TaskStage::Escalated);
    let follows = desk.says(&steward("s"), TaskOutcome::Different);
    assert_eq!(follows, Ok(Some(Follow::AssertDifferent)));
}

#[test]
fn a_question_that_is_gone_takes_no_step() {
    let mut desk = Desk::with(TaskKind::PossibleDuplicate, false);
    desk.take(&[RegistryEvent::TaskClosed {
        task: task(),
        because: CloseReason::PersonsJoined,
    }]);
    let (task, state, reader) = (task(), desk.task().clone(), steward("s"));
    let claimed = claim(task, &state, &reader, (at(1), at(2)));
    assert_eq!(claimed, Err(ReviewRefusal::Settled));
    let given = release(task, &state, &reader, at(1));
    assert_eq!(given, Err(ReviewRefusal::Settled));
    let said = desk.says(&reader, TaskOutcome::Same);
    assert_eq!(said, Err(ReviewRefusal::Settled));
    desk.take(&[comment(task, &reader)]);
    assert_eq!(desk.task().stage, TaskStage::Closed, "words change nothing");
}

#[test]
fn r115_each_kind_of_question_has_its_own_outcomes() {
    use TaskOutcome::{Approve, CannotTell, Different, Escalate, Reject, Same};
    let four = vec![Same, Different, CannotTell, Escalate];
    let kinds = [
        (TaskKind::PossibleDuplicate, four.clone()),
        (TaskKind::PossibleDuplicateNumber, four.clone()),
        (TaskKind::SuspectedConfusion, four.clone()),
        (TaskKind::OverlayHeld, four.clone()),
        (TaskKind::LinkDoubtful, four),
        (
            TaskKind::SupersessionConflict,
            vec![CannotTell, Escalate, Reject],
        ),
        (
            TaskKind::ImplausibleDates,
            vec![CannotTell, Escalate, Approve, Reject],
        ),
        (
            TaskKind::ActivityAfterDeath,
            vec![Same, Different, CannotTell, Escalate],
        ),
        (TaskKind::SourceQuarantined, vec![Approve]),
        (TaskKind::MergeApproval, vec![Approve, Reject]),
    ];
    for (kind, expected) in kinds {
        assert_eq!(outcomes(kind), expected, "{kind:?}");
        for outcome in [Same, Different, CannotTell, Escalate, Approve, Reject] {
            let mut desk = Desk::with(kind, false);
            let reader = Reviewer {
                approves: true,
                ..steward("s")
            };
            let said = desk.says(&reader, outcome);
            let refused = said == Err(ReviewRefusal::NotAnOutcome(kind));
            assert_eq!(
                refused,
                !expected.contains(&outcome),
                "{kind:?} {outcome:?}"
            );
        }
    }
    assert_eq!(
        ReviewRefusal::NotAnOutcome(TaskKind::MergeApproval).to_string(),
        "this kind of question has no such outcome; say approve or reject"
    );
    assert_eq!(
        follow(TaskKind::OverlayHeld, Same),
        Some(Follow::AcceptHeld)
    );
    assert_eq!(
        follow(TaskKind::LinkDoubtful, Different),
        Some(Follow::MoveOut)
    );
}

#[test]
fn other_evidence_begins_another_round() {
    let mut desk = Desk::with(TaskKind::PossibleDuplicate, true);
    desk.says(&steward("s"), TaskOutcome::Same).expect("a read");
    desk.take(&[RegistryEvent::TaskReopened {
        task: task(),
        record: RecordNumber(2),
        weight_bits: Some(3.0),
        reasons: vec![],
        evidence: "01".into(),
        priority: TaskPriority::Sensitive,
        compared: vec![],
        rows: vec![],
        changed: vec![],
    }]);
    assert_eq!((desk.task().stage, desk.task().round), (TaskStage::Open, 2));
    assert_eq!(desk.says(&steward("s"), TaskOutcome::Different), Ok(None));
    let earlier = &desk.task().reads[0];
    assert!(
        may_see_read(desk.task(), earlier, "a"),
        "of an earlier round"
    );
    let follows = desk.says(&approver("a"), TaskOutcome::Different);
    assert_eq!(follows, Ok(Some(Follow::AssertDifferent)));
}

#[test]
fn each_step_makes_another_version() {
    let mut desk = Desk::with(TaskKind::PossibleDuplicate, false);
    assert_eq!(desk.task().version, 1);
    desk.says(&steward("s"), TaskOutcome::Escalate)
        .expect("a step");
    assert_eq!(desk.task().version, 2);
    assert_eq!(desk.task().position, EventPosition(2));
}

mod walks {
    use proptest::prelude::*;

    use super::{Desk, approver, at, steward, task};
    use crate::registry::{TaskKind, TaskOutcome, TaskStage};
    use crate::review::{Reviewer, claim, release};

    const OUTCOMES: [TaskOutcome; 4] = [
        TaskOutcome::Same,
        TaskOutcome::Different,
        TaskOutcome::CannotTell,
        TaskOutcome::Escalate,
    ];

    fn readers() -> [Reviewer; 4] {
        let both = Reviewer {
            decides: true,
            ..approver("b")
        };
        [steward("s"), approver("a"), both, steward("t")]
    }

    proptest! {
        /// Whatever people try, in whatever order.
        #[test]
        fn r114_no_walk_joins_without_two_people_who_say_the_same(
            steps in prop::collection::vec((0_usize..4, 0_usize..6, 0_usize..4), 1..40),
        ) {
            let mut desk = Desk::with(TaskKind::PossibleDuplicate, true);
            let mut now = 10;
            for (who, step, outcome) in steps {
                now += 1;
                let reader = &readers()[who];
                let held = desk.task().claim_at(at(now)).map(|claim| claim.by.clone());
                let before = desk.task().reads.len();
                let taken = match step {
                    0 => claim(task(), desk.task(), reader, (at(now), at(now + 3)))
                        .map(|event| desk.take(&[event]))
                        .is_ok(),
                    1 => release(task(), desk.task(), reader, at(now))
                        .map(|event| desk.take(&[event]))
                        .is_ok(),
                    _ => desk.says_at(reader, OUTCOMES[outcome], now).is_ok(),
                };
                let in_other_hands = held.is_some_and(|by| by != reader.name);
                prop_assert!(!(taken && in_other_hands), "a claim was passed over");
                let reads: Vec<_> = desk.task().reads_of_round().collect();
                prop_assert!(reads.len() <= before + 1 && reads.len() <= 3);
                for (place, read) in reads.iter().enumerate() {
                    let twice = reads[..place].iter().any(|other| other.by == read.by);
                    prop_assert!(!twice, "{} read twice", read.by);
                }
                let stage = desk.task().stage;
                prop_assert_ne!(stage, TaskStage::Closed);
                if desk.task().outcome == Some(TaskOutcome::Same) {
                    let same = reads.iter().filter(|read| read.outcome == TaskOutcome::Same);
                    prop_assert!(same.count() >= 2);
                }
            }
        }
    }
}
