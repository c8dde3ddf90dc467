//! Known pairs among a reader's questions (R117): dealt by chance, shown and answered
//! by the same steps as any question, kept beside the ledger. Nothing that is said to
//! one changes a record, and its figures are of agreement alone.

use std::sync::Arc;

use crate::flows::decide_task::{DecideCommand, DecisionAnswer, evidence_now};
use crate::flows::list_tasks::{ListedTask, TaskFilter, TaskStanding, standing_of};
use crate::flows::moments::possible_of;
use crate::flows::review_task::{commit_actor, is_stale, no_words, words_of};
use crate::flows::surroundings::{Around, NeighboursKnown};
use crate::flows::view_task::{Side, SideRecord, TaskAnswer, history, reads};
use crate::flows::{Context, FlowError, IfMatch, VersionAnswer};
use crate::foundation::limits::TASK_LEASE_SECONDS_DEFAULT;
use crate::foundation::{EventPosition, Instant, PersonId, TaskId};
use crate::identity::{NumberStatus, StandardRecord};
use crate::registry::{
    Gate, LocalId, Member, Numbering, RegistryEvent, RegistryState, SourceCode, TaskKind,
    TaskOutcome, TaskState, VersionStanding,
};
use crate::review::{
    Making, Needs, ReviewRefusal, Reviewer, Said, claim, foresee, needs_reason, read,
    settle_known_pair,
};
use crate::security::Access;
use crate::storage::{
    KnownPairWrite, QueuePart, StoredEvent, StoredKnownPair, TaskFilter as StoredFilter, Words,
};

/// A known pair that the asker may see, with the state that its events make.
pub(super) struct Dealt {
    pub(super) stored: StoredKnownPair,
    pub(super) state: RegistryState,
}

/// Gives the reader a known pair in place of a question, when chance says so or one
/// waits for them already; in their hands at once.
///
/// # Errors
/// A fault of ours.
pub async fn deal_known_pair(
    context: &Context,
    access: &Access,
    filter: &TaskFilter,
    but: Option<TaskId>,
) -> Result<Option<TaskId>, FlowError> {
    let reviewer = Reviewer::of(access);
    let plain = matches!(filter.standing, None | Some(TaskStanding::Open))
        && matches!(filter.kind, None | Some(TaskKind::PossibleDuplicate))
        && filter.source.is_none()
        && filter.person.is_none()
        && filter.assigned_to.is_none()
        && filter.older_than_seconds.is_none();
    if !access.works_at_the_desk() || !reviewer.decides || !plain {
        return Ok(None);
    }
    let waiting = context.store.open_known_pairs(&reviewer.name).await?;
    let waiting = waiting.into_iter().find(|it| Some(it.pair.task) != but);
    let (stored, is_new) = match waiting {
        Some(waiting) => (waiting, false),
        None => match new_pair(context, &reviewer).await? {
            Some(made) => (made, true),
            None => return Ok(None),
        },
    };
    take(context, access, stored, is_new).await
}

/// Lets chance put a known pair among the questions of a reader who has just picked
/// one from the list, so that the share holds for them too; it waits at its place in
/// the queue, in nobody's hands, and never beside another one. A fault is logged: what
/// the reader has picked is in their hands already.
pub async fn mix_in_known_pair(context: &Context, access: &Access) {
    if let Err(error) = mix_in(context, access).await {
        tracing::warn!(%error, "no known pair could be mixed in");
    }
}

async fn mix_in(context: &Context, access: &Access) -> Result<(), FlowError> {
    let reviewer = Reviewer::of(access);
    if !access.works_at_the_desk()
        || !reviewer.decides
        || !context
            .store
            .open_known_pairs(&reviewer.name)
            .await?
            .is_empty()
    {
        return Ok(());
    }
    if let Some(made) = new_pair(context, &reviewer).await? {
        let actor = commit_actor(access);
        let (new, now) = (KnownPairWrite::New(Box::new(made)), context.clock.now());
        // Nobody has done anything yet.
        let kept = context.store.keep_known_pair(new, (actor, Vec::new()), now);
        kept.await?;
    }
    Ok(())
}

/// A new pair for the reader, where chance says so.
async fn new_pair(
    context: &Context,
    reviewer: &Reviewer,
) -> Result<Option<StoredKnownPair>, FlowError> {
    let percent = context.review.known_pairs_percent;
    if !Making::is_due(context.chance.as_ref(), percent) {
        return Ok(None);
    }
    // Where nothing waits, nothing is mixed in; the history says who sends records.
    let real = StoredFilter {
        waits: Some(true),
        kind: Some(TaskKind::PossibleDuplicate),
        now: context.clock.now(),
        ..StoredFilter::default()
    };
    let Some((like, _)) = context
        .store
        .list_tasks(&real, QueuePart::First, 1)
        .await?
        .pop()
    else {
        return Ok(None);
    };
    let (events, _) = context.store.task_history(like).await?;
    let Some(sender) = events.into_iter().next().map(|event| event.actor) else {
        return Ok(None);
    };
    let Some(like) = two_records(context).await? else {
        return Ok(None);
    };
    let own = context.clone();
    let make = move || {
        let making = Making {
            model: &own.model,
            options: &own.standardise_options(NumberStatus::NotTraced),
            chance: own.chance.as_ref(),
            now: own.clock.now(),
            actor: &sender,
        };
        making.make([&like[0], &like[1]])
    };
    let made = context.pool.run(make).await?;
    Ok(made.map(|pair| StoredKnownPair {
        pair,
        reader: reviewer.name.clone(),
        version: 1,
        dealt_at: context.clock.now(),
        answered: None,
    }))
}

/// A record of each of two sources, for the shape of their ids; of one, where no other
/// has a record.
async fn two_records(context: &Context) -> Result<Option<[(SourceCode, LocalId); 2]>, FlowError> {
    let mut sources = context.store.list_sources().await?;
    let mut first = [0_u8; 1];
    context.chance.fill(&mut first);
    let turn = usize::from(first[0]) % sources.len().max(1);
    sources.rotate_left(turn);
    let mut found = Vec::new();
    for source in sources {
        let last = context.store.sample_source(&source.code, 1).await?.pop();
        found.extend(last.map(|record| (source.code, record.local_id)));
        if found.len() == 2 {
            break;
        }
    }
    if let [only] = &found[..] {
        found.push(only.clone());
    }
    Ok(found.try_into().ok())
}

/// Puts it into the reader's hands, with the audit row that a claim has.
async fn take(
    context: &Context,
    access: &Access,
    stored: StoredKnownPair,
    is_new: bool,
) -> Result<Option<TaskId>, FlowError> {
    let (dealt, now) = (Dealt::of(context, stored), context.clock.now());
    let task = dealt.stored.pair.task;
    let until = now.plus_microseconds(TASK_LEASE_SECONDS_DEFAULT * 1_000_000);
    let claimed = dealt
        .task()
        .map(|state| claim(task, state, &Reviewer::of(access), (now, until)));
    let Some(Ok(event)) = claimed else {
        return Ok(None);
    };
    match dealt
        .keep(context, access, (vec![event], None), is_new)
        .await
    {
        Ok(_) => Ok(Some(task)),
        // Another window has taken it.
        Err(FlowError::Stale) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The known pair of this id, where the asker may know of it: as with any question that
/// waits, whoever works at the desk; an answered one, who had it in hand.
///
/// # Errors
/// Unknown to the asker, or a fault of ours.
pub(super) async fn known_pair(
    context: &Context,
    access: &Access,
    task: TaskId,
) -> Result<Dealt, FlowError> {
    const UNKNOWN: FlowError = FlowError::NotFound("no task with this id is known");
    let stored = context.store.find_known_pair(task).await?;
    let stored = stored.filter(|it| {
        let waits = it.answered.is_none();
        access.works_at_the_desk() && (waits || it.pair.is_known_to(&it.reader, access.person()))
    });
    let dealt = Dealt::of(context, stored.ok_or(UNKNOWN)?);
    dealt.task().is_some().then_some(dealt).ok_or(UNKNOWN)
}

impl Dealt {
    pub(super) fn of(context: &Context, stored: StoredKnownPair) -> Self {
        let options = context.standardise_options(NumberStatus::NotTraced);
        Self {
            state: stored.pair.state(&options),
            stored,
        }
    }

    pub(super) fn task(&self) -> Option<&TaskState> {
        self.state.tasks.get(&self.stored.pair.task)
    }

    fn listed(self, now: Instant) -> Result<ListedTask, FlowError> {
        let id = self.stored.pair.task;
        let state = self.task().cloned().ok_or(FlowError::Broken)?;
        Ok(ListedTask {
            id,
            standing: standing_of(&state, now),
            state,
        })
    }

    /// Writes what happened and the audit row that says who did it, in one commit.
    async fn keep(
        mut self,
        context: &Context,
        access: &Access,
        (events, words): (Vec<RegistryEvent>, Option<String>),
        is_new: bool,
    ) -> Result<ListedTask, FlowError> {
        let (now, task) = (context.clock.now(), self.stored.pair.task);
        let named = self.persons().to_vec();
        let mut words = words;
        for event in events {
            if let RegistryEvent::TaskClaimed { by, .. } = &event {
                self.stored.reader.clone_from(by);
            }
            self.state.apply(&event);
            let pair = &mut self.stored.pair;
            pair.push(now, access.person(), event, words.take());
        }
        let stored = Box::new(self.stored.clone());
        let write = if is_new {
            KnownPairWrite::New(stored)
        } else {
            KnownPairWrite::Changed(stored)
        };
        let audit = access.audit(now, named, Some(task.to_string()));
        let by = (commit_actor(access), vec![audit]);
        context.store.keep_known_pair(write, by, now).await?;
        self.listed(now)
    }

    pub(super) fn persons(&self) -> &[PersonId] {
        self.task().map_or(&[], |task| &task.persons)
    }

    /// Takes a small step, as with any question.
    pub(super) async fn step(
        self,
        context: &Context,
        access: &Access,
        (if_match, words): (Option<IfMatch>, Option<String>),
        take: impl Fn(&TaskState, &Reviewer) -> Result<RegistryEvent, ReviewRefusal>,
    ) -> Result<ListedTask, FlowError> {
        let state = self.task().ok_or(FlowError::Broken)?;
        if is_stale(if_match.as_ref(), state) {
            return Err(FlowError::Stale);
        }
        let event = take(state, &Reviewer::of(access))?;
        self.keep(context, access, (vec![event], words), false)
            .await
    }

    /// Takes the reader's answer: it settles the pair, and nothing follows.
    pub(super) async fn decide(
        self,
        context: &Context,
        access: &Access,
        command: DecideCommand,
    ) -> Result<DecisionAnswer, FlowError> {
        let words = words_of("reason", command.reason.as_deref())?;
        let (task, now) = (command.task, context.clock.now());
        let state = self.task().ok_or(FlowError::Broken)?;
        if is_stale(command.if_match.as_ref(), state) {
            return Err(FlowError::Stale);
        }
        if needs_reason(&context.model, state, command.outcome) && words.is_none() {
            let detail = "this outcome goes against the evidence: say why";
            return Err(no_words("reason", detail));
        }
        let reviewer = Reviewer::of(access);
        let said = Said {
            outcome: command.outcome,
            evidence: command.evidence,
        };
        let seen = evidence_now(&self.state, state);
        // The rules are asked as for any question; what follows is its own.
        read(
            task,
            state,
            &reviewer,
            &said,
            Needs::default(),
            (now, &seen),
        )?;
        let right = self.stored.pair.answer();
        Ok(DecisionAnswer {
            listed: self.settle(context, access, said, words).await?,
            merge: None,
            assertion: None,
            persons: Vec::new(),
            raised: Vec::new(),
            known_answer: Some(right),
        })
    }

    /// Keeps the answer, whoever the pair was dealt to.
    pub(super) async fn settle(
        mut self,
        context: &Context,
        access: &Access,
        said: Said,
        words: Option<String>,
    ) -> Result<ListedTask, FlowError> {
        let (now, name) = (context.clock.now(), access.person());
        self.stored.reader = name.to_owned();
        self.stored.answered = Some((now, said.outcome));
        let events = settle_known_pair(self.stored.pair.task, name, &said);
        self.keep(context, access, (events, words), false).await
    }

    /// What happened, as events have it, and the words that belong to it.
    pub(super) fn happened(&self) -> (Vec<StoredEvent>, Words) {
        let mut words = Words::new();
        let entries = self.stored.pair.entries.iter().zip(1..);
        let events = entries.map(|(entry, place)| {
            let position = EventPosition(place);
            words.extend(entry.words.clone().map(|text| (position, text)));
            StoredEvent {
                position,
                at: Instant::from_microseconds(entry.at),
                actor: entry.actor.clone(),
                request_id: String::new(),
                event: entry.event.clone(),
                stamp: place,
            }
        });
        (events.collect(), words)
    }

    pub(super) fn only_member(&self, person: PersonId) -> Option<Member> {
        self.state.members(person).into_iter().next()
    }

    fn side(&self, gate: Gate, person: PersonId) -> Option<Side> {
        let member = self.only_member(person)?;
        let record = self.state.records.get(&member.record)?;
        let pair = &self.stored.pair;
        let mut sides = pair.sides.iter();
        let said =
            sides.find(|it| (&it.source, &it.local_id) == (&record.source, &record.local_id));
        let received = pair.entries.first().map_or(0, |entry| entry.at);
        Some(Side {
            person,
            survivor: person,
            restricted: false,
            records: vec![SideRecord {
                source: record.source.clone(),
                local_id: record.local_id.clone(),
                version: 1,
                held: None,
                versions: vec![VersionAnswer {
                    version: 1,
                    standing: VersionStanding::Current,
                    effective_at: record.current.effective_at,
                    received_at: Instant::from_microseconds(received),
                    record: said.map(|it| gate.record(it.submitted.clone(), false)),
                }],
            }],
            record_count: 1,
            possible: Vec::new(),
        })
    }

    /// All that its reader needs, as of any question.
    pub(super) async fn view(
        self,
        context: &Context,
        access: &Access,
    ) -> Result<TaskAnswer, FlowError> {
        let (id, now) = (self.stored.pair.task, context.clock.now());
        let state = self.task().ok_or(FlowError::Broken)?;
        let gate = Gate::of(access);
        let persons = state.persons.iter();
        let sides = persons.clone().filter_map(|it| self.side(gate, *it));
        let mut sides: Vec<Side> = sides.collect();
        for side in sides.iter_mut().filter(|_| access.sees_possible()) {
            side.possible = possible_of(context, side.person, std::slice::from_ref(state)).await?;
        }
        let (raising, against): (Vec<Member>, Vec<Member>) = persons
            .filter_map(|person| self.only_member(*person))
            .partition(|member| member.record == state.record);
        let explanation = match (&raising[..], &against[..]) {
            ([asked], [other]) => {
                let held = [other.standard.as_ref()];
                let explained = context.model.explain(&asked.standard, &held);
                gate.explanation(explained, &asked.standard, &held, false)
            }
            _ => Vec::new(),
        };
        let raised = self.state.records.get(&state.record);
        let numbering = Numbering {
            now,
            chance: context.chance.as_ref(),
        };
        let by = (access.person(), false);
        let foresight = foresee(&self.state, &context.model, &numbering, id, by);
        let (events, words) = self.happened();
        let audit = access.audit(now, state.persons.clone(), Some(id.to_string()));
        context.store.append_audit(vec![audit]).await?;
        Ok(TaskAnswer {
            evidence: evidence_now(&self.state, state),
            record: raised.map(|record| (record.source.clone(), record.local_id.clone())),
            sides,
            explanation,
            unexplained: None,
            reads: reads(state, access.person(), &events, &words),
            history: history(state, access.person(), events, &words),
            foresight,
            known_answer: self.answer(),
            listed: self.listed(now)?,
        })
    }

    /// What is right, once it is answered.
    fn answer(&self) -> Option<TaskOutcome> {
        let answered = self.stored.answered.is_some();
        answered.then(|| self.stored.pair.answer())
    }

    /// Nobody stands around made-up people; how common their names are is the model's.
    pub(super) fn around(&self, context: &Context) -> Vec<Around> {
        let sides = self.persons().iter().map(|person| {
            let standard: Option<Arc<StandardRecord>> =
                self.only_member(*person).map(|member| member.standard);
            Around {
                person: *person,
                neighbours: Vec::new(),
                more: 0,
                known: NeighboursKnown::default(),
                commonness: standard.map(|it| context.model.commonness(&it)),
            }
        });
        sides.collect()
    }
}
