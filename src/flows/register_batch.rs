//! Many registrations, in order: prepared side by side, committed in the order
//! in which they came, so that the same rows give the same persons however
//! often the work was interrupted.

use futures_util::stream::{FuturesOrdered, StreamExt};

use crate::flows::register_record::{commit_registration, prepare_registration};
use crate::flows::{Context, FlowError, RegisterCommand};
use crate::foundation::limits::{BATCH_COMMITS_IN_FLIGHT_MAX, BATCH_PREPARED_IN_FLIGHT_MAX};
use crate::registry::RegistrationAnswer;
use crate::security::Access;

/// Registers each command and hands every outcome to `told`, in order.
pub async fn register_batch<T: Send>(
    context: &Context,
    commands: impl Iterator<Item = (T, Result<(Access, RegisterCommand), FlowError>)>,
    mut told: impl FnMut(T, Result<RegistrationAnswer, FlowError>),
) {
    let mut preparing = FuturesOrdered::new();
    let mut committing = FuturesOrdered::new();
    let mut commands = commands.fuse();
    let mut waiting = std::collections::VecDeque::new();
    loop {
        while preparing.len() < BATCH_PREPARED_IN_FLIGHT_MAX
            && committing.len() < BATCH_COMMITS_IN_FLIGHT_MAX
        {
            let Some((tag, command)) = commands.next() else {
                break;
            };
            waiting.push_back(tag);
            // A batch may outlive the activation of another model.
            let context = context.at_present();
            preparing.push_back(tokio::spawn(async move {
                let (access, command) = command?;
                prepare_registration(&context, &access, command).await
            }));
        }
        if preparing.is_empty() && committing.is_empty() {
            return;
        }
        tokio::select! {
            // Commits first: what is answered frees room for what waits.
            biased;
            Some(outcome) = committing.next(), if !committing.is_empty() => {
                if let Some(tag) = waiting.pop_front() {
                    told(tag, outcome);
                }
            }
            Some(prepared) = preparing.next(), if !preparing.is_empty() => {
                committing.push_back(async move {
                    match prepared {
                        Ok(Ok(prepared)) => commit_registration(prepared).await,
                        Ok(Err(error)) => Err(error),
                        Err(_) => Err(FlowError::Stopped),
                    }
                });
            }
        }
    }
}
