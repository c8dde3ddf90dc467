//! Opens a ledger with its index and model.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use crate::cli::LedgerArguments;
use crate::flows::{
    Context, CpuPool, FlowError, Models, keep_first_model, keys_fit, take_active_model,
};
use crate::foundation::limits::MERGES_PER_HOUR_MAX;
use crate::foundation::{SystemChance, SystemClock};
use crate::index::{CandidateIndex, IndexError};
use crate::matching::LinkageModel;
use crate::security::{Access, Action, Actor, ActorKind, Origin, Role};
use crate::storage::{Store, StoreError, StoreOptions};

/// How a command uses the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Alone: nobody else writes by the message path meanwhile.
    Exclusive,
    /// The same, whatever build has stored the ledger's keys.
    AnyKeys,
    /// Beside a running service.
    Shared,
    /// The same, for a ledger that is there already.
    Existing,
}

/// Opens the ledger in the data directory, making it where it is missing. Nothing is
/// decided by what it is opened for, so that it opens also where this release cannot
/// read the model that decides: a copy can be made of it then, and another model activated.
pub(super) async fn open(arguments: &LedgerArguments, use_: Use) -> anyhow::Result<Context> {
    let mut context = open_without_model(arguments, use_).await?;
    let taken = take_active_model(&mut context).await;
    warn_of_the_unreadable(taken)?;
    Ok(context)
}

/// A model that this release cannot read is said, and stops nothing.
fn warn_of_the_unreadable(taken: Result<(), FlowError>) -> anyhow::Result<()> {
    match taken {
        Err(FlowError::Unprocessable { detail, .. }) => {
            eprintln!("accord: {detail}");
            Ok(())
        }
        taken => taken.context("cannot read the model that decides in this ledger"),
    }
}

async fn open_without_model(arguments: &LedgerArguments, use_: Use) -> anyhow::Result<Context> {
    if arguments.database.is_none() {
        refuse_a_lost_database(&arguments.data)?;
    }
    let options = StoreOptions {
        live: arguments.live,
        create: use_ != Use::Existing,
        exclusive: matches!(use_, Use::Exclusive | Use::AnyKeys),
    };
    let opened = match &arguments.database {
        Some(url) => Store::open_database(url, &arguments.data, options).await,
        None => Store::open(&arguments.data, options).await,
    };
    let store = match opened {
        Err(error @ StoreError::InUse) => {
            let hint = "stop it, or send files through it: accord import --url http://HOST:PORT";
            return Err(error).context(hint);
        }
        // The URL is not repeated: it may hold a password.
        Err(error) if arguments.database.is_some() => {
            return Err(error).context("cannot open the ledger of --database");
        }
        opened => opened.with_context(|| format!("cannot open {}", arguments.data.display()))?,
    };
    let index = match use_ {
        Use::Exclusive | Use::AnyKeys => open_index(&arguments.data, &store).await?,
        // Readers of files and tokens need no candidates.
        Use::Shared | Use::Existing => CandidateIndex::in_memory()?,
    };
    let context = Context {
        store,
        index,
        model: Arc::new(LinkageModel::uk_care()),
        models: Arc::new(Models::new(Arc::new(LinkageModel::uk_care()))),
        survivorship: Arc::default(),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        pool: CpuPool::for_this_machine().context("cannot start threads to compute")?,
        merges_per_hour: MERGES_PER_HOUR_MAX,
        review: Arc::default(),
        outward: Arc::default(),
    };
    if use_ == Use::Exclusive {
        refuse_other_keys(&context).await?;
    }
    Ok(context)
}

/// For the life of models: a ledger whose active model this release cannot read is
/// opened all the same, so that another one can take its place.
pub(super) async fn open_for_models(arguments: &LedgerArguments) -> anyhow::Result<Context> {
    let mut context = open_without_model(arguments, Use::Existing).await?;
    let kept = keep_first_model(&mut context).await;
    warn_of_the_unreadable(kept)?;
    Ok(context)
}

/// The same where records are decided on: the ledger says by which model, now and when
/// a later program ships another.
pub(super) async fn open_to_decide(
    arguments: &LedgerArguments,
    use_: Use,
) -> anyhow::Result<Context> {
    let mut context = open_without_model(arguments, use_).await?;
    keep_first_model(&mut context).await?;
    let shipped = LinkageModel::uk_care();
    if !context.deciding_models().contains(shipped.id()) {
        eprintln!(
            "the model {} decides in this ledger; this program ships {}, which decides nothing \
             here until somebody activates it (accord model)",
            context.model.id(),
            shipped.id()
        );
    }
    Ok(context)
}

/// The ledger for itself, or beside the service that holds it; whether for itself.
pub(super) async fn open_alone_or_beside(
    arguments: &LedgerArguments,
) -> anyhow::Result<(Context, bool)> {
    match open_to_decide(arguments, Use::Exclusive).await {
        Ok(context) => Ok((context, true)),
        Err(error) if error.downcast_ref::<StoreError>().is_some_and(is_in_use) => {
            Ok((open(arguments, Use::Existing).await?, false))
        }
        Err(error) => Err(error),
    }
}

/// The same, and always beside the services of a database: they have its index, which this
/// process would have to make.
pub(super) async fn open_to_follow(arguments: &LedgerArguments) -> anyhow::Result<(Context, bool)> {
    match arguments.database {
        Some(_) => Ok((open(arguments, Use::Existing).await?, false)),
        None => open_alone_or_beside(arguments).await,
    }
}

const fn is_in_use(error: &StoreError) -> bool {
    matches!(error, StoreError::InUse)
}

/// What would be looked up is not what is stored: people would not be found.
pub(super) async fn refuse_other_keys(context: &Context) -> anyhow::Result<()> {
    if !keys_fit(context).await? {
        anyhow::bail!(
            "the blocking keys of this ledger were stored by a build with other tables of names: \
             stop every process on it and run accord rebuild-index, which makes them anew"
        );
    }
    Ok(())
}

/// An index or seals without their database mean that it was lost: a new one
/// would answer "nobody" to every question (R122).
fn refuse_a_lost_database(data: &Path) -> anyhow::Result<()> {
    let database = std::fs::metadata(data.join("accord.db")).map_or(0, |about| about.len());
    let others = ["index", "audit-seals.log"];
    if database == 0 && others.iter().any(|name| data.join(name).exists()) {
        anyhow::bail!(
            "{} holds an index or seals, but accord.db is missing or empty: restore it from a \
             backup, or name an empty directory",
            data.display()
        );
    }
    Ok(())
}

/// The index is derived: one that cannot be read, or that is ahead of its
/// ledger, is made again.
async fn open_index(data: &Path, store: &Store) -> anyhow::Result<CandidateIndex> {
    let directory = data.join("index");
    let lineage_file = data.join("index-of");
    let lineage = std::fs::read_to_string(&lineage_file).unwrap_or_default();
    let same =
        lineage == store.lineage() || (lineage.is_empty() && data.join("accord.db").exists());
    if !same && directory.exists() {
        tracing::warn!("the index is of another ledger and is made again");
        std::fs::remove_dir_all(&directory).context("cannot remove the other ledger's index")?;
    }
    if lineage != store.lineage() {
        std::fs::write(&lineage_file, store.lineage()).context("cannot write index-of")?;
    }
    let position = store.followed_position().await?;
    match CandidateIndex::open(&directory) {
        Ok(index) if index.position() <= position => return Ok(index),
        Ok(_) => tracing::warn!("the index is ahead of its ledger and is made again"),
        Err(IndexError::Unusable { .. }) => {
            tracing::warn!("the index cannot be read and is made again");
        }
        Err(error) => return Err(error.into()),
    }
    std::fs::remove_dir_all(&directory).context("cannot remove the unusable index")?;
    Ok(CandidateIndex::open(&directory)?)
}

/// The command line as an actor: whoever may read the data directory may do
/// this anyway, and the audit says so.
pub(super) fn access(action: Action, role: Role, reason: &str) -> anyhow::Result<Access> {
    let actor = Actor {
        name: "command-line".to_owned(),
        kind: ActorKind::System,
        roles: vec![role],
        sources: Vec::new(),
        on_behalf_of: None,
        reason: Some(reason.to_owned()),
        request_id: reason.to_owned(),
        origin: Origin::default(),
    };
    Ok(Access::to(action, actor)?)
}
