//! Erasing a record (R135).

use axum::Json;
use axum::extract::State;

use crate::flows::{self, Context};
use crate::interfaces::http::reading::Body;
use crate::interfaces::http::{Caller, Problem};
use crate::interfaces::rest::address::{NoParameters, Parameters, local_id_of, source_code};
use crate::interfaces::rest::bodies::{ErasureBody, ErasureReceiptBody};
use crate::interfaces::rest::document::{Conflicting, Unknown, Unusable};
use crate::security::Action;

/// Destroys the values of all versions of a record.
///
/// The source, the local id, digests and who the record is linked to stay. What the
/// values have left in the files of the ledger goes within seconds; backups made
/// before still hold them.
#[utoipa::path(post, path = "/erasures", tag = "erasures", request_body = ErasureBody,
    responses((status = 200, description = "The receipt.", body = ErasureReceiptBody),
        Unknown, Conflicting, Unusable))]
pub(super) async fn erase_record(
    State(context): State<Context>,
    caller: Caller,
    Parameters(NoParameters {}): Parameters<NoParameters>,
    body: Body,
) -> Result<Json<ErasureReceiptBody>, Problem> {
    let access = caller.may(Action::EraseRecord)?;
    let asked: ErasureBody = body.read()?;
    let id = caller.request_id();
    let source = source_code(&asked.source, id)?;
    let local_id = local_id_of(&asked.local_id, id)?;
    let receipt = flows::erase_record(&context, &access, &source, &local_id, &asked.reason)
        .await
        .map_err(|error| Problem::of(&error, id))?;
    Ok(Json(receipt.into()))
}
