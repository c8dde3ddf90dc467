//! What the demonstration's queue shows: one question of each kind, raised by
//! records that two made-up sources send by the ordinary path, and two people to
//! answer them.

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::cli::ledger::access;
use crate::flows::{
    Asked, Context, DecideCommand, FlowError, MergeOutcome, RegisterCommand, TaskFilter,
    add_account, add_source, decide_task, list_tasks, merge_persons, register_record, set_password,
    view_task,
};
use crate::foundation::{PersonId, hex};
use crate::identity::NumberStatus;
use crate::registry::{LocalId, Source, SourceCode, TaskKind, TaskOutcome};
use crate::security::{Access, Action, Actor, ActorKind, Origin, Role};

/// Random bytes of a password that is printed.
const PASSWORD_BYTES: usize = 10;
/// More than the conflicts at which a source is quarantined.
const SHIFTED_ROWS: usize = 60;

/// Somebody who can sign in.
pub(super) struct User {
    name: &'static str,
    password: String,
}

impl User {
    /// As the contract has it: `user NAME password SECRET`.
    pub(super) fn line(&self) -> String {
        format!("user {} password {}", self.name, self.password)
    }
}

/// People of the demonstration with passwords that were never there before.
pub(super) async fn make_users(context: &Context) -> anyhow::Result<Vec<User>> {
    let mut users = Vec::new();
    for (name, role) in [
        ("steward", Role::Steward),
        ("second-steward", Role::Steward),
        ("approver", Role::Approver),
        ("auditor", Role::Auditor),
        ("privacy", Role::PrivacyOfficer),
        ("engineer", Role::Engineer),
    ] {
        let mut random = [0_u8; PASSWORD_BYTES];
        context.chance.fill(&mut random);
        let password = hex(&random);
        match add_account(context, name, vec![role], password.clone()).await {
            Err(FlowError::Conflict(_)) => set_password(context, name, password.clone()).await?,
            made => made?,
        }
        users.push(User { name, password });
    }
    Ok(users)
}

/// Sends records until each kind of question waits.
pub(super) async fn raise_questions(context: &Context) -> anyhow::Result<()> {
    let write = access(Action::WriteSource, Role::Administrator, "demo")?;
    for (code, name) in [
        ("desk-gp", "Made-up practice"),
        ("desk-pas", "Made-up hospital"),
        ("desk-lab", "Made-up laboratory"),
    ] {
        let source = Source {
            code: SourceCode::parse(code)?,
            name: name.to_owned(),
            ods_code: None,
            authority: None,
            trust: 50,
            number_status_default: NumberStatus::NotTraced,
            acts_for_people: false,
            retention_days: None,
        };
        add_source(context, &write, source).await?;
    }
    let sender = Sender {
        context,
        access: access(Action::WriteRecord, Role::Integration, "demo")?,
    };
    sender.send_pairs().await?;
    sender.send_changes().await?;
    sender.join_by_two().await?;
    sender.propose_a_merge().await?;
    sender.send_shifted().await?;
    let read = access(Action::ReadTask, Role::Steward, "demo")?;
    for kind in ALL {
        let filter = TaskFilter {
            kind: Some(kind),
            limit: 1,
            ..TaskFilter::default()
        };
        if list_tasks(context, &read, filter).await?.tasks.is_empty() {
            eprintln!("the queue shows no question of the kind {kind:?}");
        }
    }
    Ok(())
}

const ALL: [TaskKind; 10] = [
    TaskKind::PossibleDuplicate,
    TaskKind::PossibleDuplicateNumber,
    TaskKind::SuspectedConfusion,
    TaskKind::OverlayHeld,
    TaskKind::LinkDoubtful,
    TaskKind::SourceQuarantined,
    TaskKind::SupersessionConflict,
    TaskKind::ImplausibleDates,
    TaskKind::ActivityAfterDeath,
    TaskKind::MergeApproval,
];

struct Sender<'c> {
    context: &'c Context,
    access: Access,
}

impl Sender<'_> {
    async fn send(&self, source: &str, local_id: &str, says: &Value) -> anyhow::Result<PersonId> {
        let command = RegisterCommand {
            source: SourceCode::parse(source)?,
            local_id: LocalId::parse(local_id)?,
            submitted: serde_json::from_value(says.clone()).context("a made-up record")?,
            idempotency_key: None,
            if_match: None,
            findings: Vec::new(),
        };
        let answer = register_record(self.context, &self.access, command).await?;
        Ok(answer.person_id)
    }

    /// Two records each, which could be one person's or two people's.
    async fn send_pairs(&self) -> anyhow::Result<()> {
        let moved = with(
            &twin("Perdita", "9990000018"),
            json!({
                "nhs_number": null, "nhs_number_status": null,
                "addresses": [{"lines": ["4 Canal Walk"], "town": "Otley", "postcode": "LS21 3AB",
                    "from": "2025-02-01"}],
                "phones": ["07700 900431"], "birth_date": "1984-07-21",
            }),
        );
        self.send("desk-gp", "1001", &twin("Perdita", "9990000018"))
            .await?;
        self.send("desk-pas", "K-77120", &moved).await?;
        // Two verified numbers on what looks like one person.
        self.send("desk-gp", "1002", &man("Barnaby", "9990000026"))
            .await?;
        self.send("desk-pas", "K-77121", &man("Barnaby", "9990000034"))
            .await?;
        // One number on two people.
        self.send("desk-gp", "1003", &man("Crispin", "9990000042"))
            .await?;
        let other = with(
            &twin("Imogen", "9990000042"),
            json!({
                "family_name": "Quillholm", "birth_date": "1991-12-30",
            }),
        );
        self.send("desk-pas", "K-77122", &other).await?;
        Ok(())
    }

    /// Records that change, or tell what cannot be.
    async fn send_changes(&self) -> anyhow::Result<()> {
        self.send("desk-pas", "K-77130", &man("Leopold", "9990000050"))
            .await?;
        let somebody_else = with(
            &twin("Cordelia", "9990000050"),
            json!({
                "family_name": "Ravenmere", "birth_date": "1958-01-09",
            }),
        );
        self.send("desk-pas", "K-77130", &somebody_else).await?;

        let known = with(
            &twin("Beatrix", ""),
            json!({
                "family_name": "Stenningwold", "birth_date": "1961-03-04",
                "nhs_number": null, "nhs_number_status": null,
                "emails": ["beatrix@example.org"], "phones": ["07700 900611"],
            }),
        );
        self.send("desk-gp", "1005", &known).await?;
        self.send("desk-pas", "K-77131", &known).await?;
        let corrected = with(&known, json!({"birth_date": "1987-11-26"}));
        self.send("desk-pas", "K-77131", &corrected).await?;

        let (one, next) = ("9990000069", "9990000077");
        self.send("desk-gp", "1006", &man("Percival", one)).await?;
        let renumbered = with(&man("Percival", next), json!({"replaces_nhs_number": one}));
        self.send("desk-gp", "1006", &renumbered).await?;
        let back = with(&man("Percival", one), json!({"replaces_nhs_number": next}));
        self.send("desk-gp", "1006", &back).await?;

        let dead_early = with(
            &man("Ambrose", "9990000085"),
            json!({
                "death_date": "1901-02-03", "death_status": "2",
            }),
        );
        self.send("desk-pas", "K-77133", &dead_early).await?;

        let dead = with(
            &twin("Winifred", "9990000093"),
            json!({
                "birth_date": "1939-05-17", "death_date": "2024-05-01", "death_status": "1",
                "effective_at": "2024-05-02T08:00:00Z",
            }),
        );
        self.send("desk-pas", "K-77134", &dead).await?;
        let after = with(
            &twin("Winifred", "9990000093"),
            json!({
                "birth_date": "1939-05-17", "effective_at": "2024-05-09T09:00:00Z",
            }),
        );
        self.send("desk-gp", "1008", &after).await?;
        Ok(())
    }

    /// Two persons that two humans have joined (R114), with what they said.
    async fn join_by_two(&self) -> anyhow::Result<()> {
        let full = with(
            &twin("Ottoline", "9990000115"),
            json!({"family_name": "Marchbanks", "birth_date": "1972-11-23"}),
        );
        let bare = unnumbered(&full, "Marchbank");
        let said = "one address on both letters, confirmed by telephone";
        let persons = [
            self.send("desk-gp", "1010", &full).await?,
            self.send("desk-pas", "K-77141", &bare).await?,
        ];
        let Some(task) = self.propose(persons, said).await?.and_then(|it| it.task) else {
            return Ok(());
        };
        let reading = Access::to(Action::ReadTask, somebody("approver", Role::Approver))?;
        let seen = Box::pin(view_task(self.context, &reading, task)).await?;
        let command = DecideCommand {
            task,
            outcome: TaskOutcome::Approve,
            reason: Some("the practice says the same".to_owned()),
            evidence: seen.evidence,
            if_match: None,
        };
        let deciding = Access::to(Action::WorkTask, somebody("approver", Role::Approver))?;
        Box::pin(decide_task(self.context, &deciding, command)).await?;
        Ok(())
    }

    /// A merge with consequences, which a second human has to approve (R114).
    async fn propose_a_merge(&self) -> anyhow::Result<()> {
        let full = man("Rupert", "9990000107");
        let persons = [
            self.send("desk-gp", "1009", &full).await?,
            self.send("desk-pas", "K-77140", &unnumbered(&full, "Thornwickk"))
                .await?,
        ];
        let said = "both letters came from one man, confirmed by telephone";
        self.propose(persons, said).await?;
        Ok(())
    }

    /// Proposes to join them; `None` where the records are one person's already.
    async fn propose(
        &self,
        [survivor, retired]: [PersonId; 2],
        reason: &str,
    ) -> anyhow::Result<Option<MergeOutcome>> {
        if survivor == retired {
            return Ok(None);
        }
        let proposer = somebody("second-steward", Role::Steward);
        let access = Access::to(Action::MergePerson, proposer)?;
        let asked = Asked {
            reason: reason.to_owned(),
            dry_run: false,
            idempotency_key: None,
        };
        let proposed = merge_persons(self.context, &access, survivor, retired, (&asked, None));
        Ok(Some(proposed.await?))
    }

    /// A file whose column of numbers has slipped by one row: its source is
    /// quarantined (R98).
    async fn send_shifted(&self) -> anyhow::Result<()> {
        let numbers: Vec<String> = numbers().take(SHIFTED_ROWS).collect();
        for shift in [0, 1] {
            for row in 0..numbers.len() {
                let number = &numbers[(row + shift) % numbers.len()];
                let year = 1_931 + row % 60;
                let says = with(
                    &man(GIVEN[row % GIVEN.len()], number),
                    json!({
                        "family_name": format!("{}{}", STARTS[row % STARTS.len()], ENDS[row / 6 % ENDS.len()]),
                        "birth_date": format!("{year}-{:02}-{:02}", 1 + row % 12, 2 + row % 26),
                        "addresses": [{"lines": [format!("{} Quarry Lane", 3 + row)], "town": "Leeds",
                            "postcode": format!("LS{} {}QD", 1 + row % 28, 1 + row % 9)}],
                        "phones": [],
                    }),
                );
                self.send("desk-lab", &format!("L{row:04}"), &says).await?;
            }
        }
        Ok(())
    }
}

/// One of the people of the demonstration, at work before it is served.
fn somebody(name: &str, role: Role) -> Actor {
    Actor {
        name: name.to_owned(),
        kind: ActorKind::Person,
        roles: vec![role],
        sources: Vec::new(),
        on_behalf_of: None,
        reason: Some("demo".to_owned()),
        request_id: "demo".to_owned(),
        origin: Origin::default(),
    }
}

/// The same person as another source knows them: a slip in the family name, and
/// neither number nor address.
fn unnumbered(full: &Value, family_name: &str) -> Value {
    with(
        full,
        json!({
            "nhs_number": null, "nhs_number_status": null, "family_name": family_name,
            "addresses": [], "phones": [],
        }),
    )
}

const GIVEN: [&str; 7] = [
    "Sylvester",
    "Thaddeus",
    "Cornelius",
    "Fitzroy",
    "Lysander",
    "Montague",
    "Ignatius",
];
const STARTS: [&str; 6] = ["Langen", "Fernan", "Hollin", "Kesten", "Marren", "Pender"];
const ENDS: [&str; 10] = [
    "brook", "wick", "thorpe", "combe", "dale", "ford", "gate", "holm", "ley", "shaw",
];

/// Numbers of the range for examples with their check digits (Modulus 11).
fn numbers() -> impl Iterator<Item = String> {
    (999_300_000_u64..).filter_map(|nine| {
        let digits = format!("{nine}");
        let weighted = digits.bytes().zip((2..=10_u32).rev());
        let sum: u32 = weighted
            .map(|(digit, weight)| u32::from(digit - b'0') * weight)
            .sum();
        match 11 - sum % 11 {
            11 => Some(format!("{digits}0")),
            10 => None,
            check => Some(format!("{digits}{check}")),
        }
    })
}

fn man(given: &str, number: &str) -> Value {
    json!({
        "nhs_number": number, "nhs_number_status": "01", "title": "Mr",
        "given_names": [given], "family_name": "Thornwick", "birth_date": "1979-09-08",
        "gender": "male",
        "addresses": [{"use": "home", "lines": ["17 Heron Close"], "town": "Leeds",
            "postcode": "LS8 2QD"}],
        "phones": ["07700 900417"],
    })
}

fn twin(given: &str, number: &str) -> Value {
    json!({
        "nhs_number": number, "nhs_number_status": "01", "title": "Ms",
        "given_names": [given], "family_name": "Wickenbrook", "birth_date": "1984-07-12",
        "gender": "female",
        "addresses": [{"use": "home", "lines": ["9 Larkspur Avenue"], "town": "Leeds",
            "postcode": "LS6 4QR"}],
        "phones": ["07700 900418"],
    })
}

/// `base` with other members; a null takes one out.
fn with(base: &Value, changes: Value) -> Value {
    let mut changed = base.clone();
    if let (Some(members), Value::Object(changes)) = (changed.as_object_mut(), changes) {
        for (name, value) in changes {
            if value.is_null() {
                members.remove(&name);
            } else {
                members.insert(name, value);
            }
        }
    }
    changed
}
