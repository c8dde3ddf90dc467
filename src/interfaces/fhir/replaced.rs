//! A Patient that says which other one has replaced it: a source's merge of two of its
//! own local ids (PMIR, PIXm ITI-104).

use crate::flows::{self, Context};
use crate::interfaces::fhir::identifiers::{shown, source_of};
use crate::interfaces::fhir::outcome::{Spine, refuse};
use crate::interfaces::fhir::view::PatientView;
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::registry::{LocalId, Source, SourceCode};
use crate::security::Action;

const PLACE: &str = "Patient.link.other";

/// The local id that goes on, where the Patient says so. One of another source is
/// refused and audited: a source speaks of its own ids alone (R104).
pub(super) async fn replaced_by(
    context: &Context,
    caller: &Caller,
    sources: &[Source],
    source: &SourceCode,
    view: &PatientView,
) -> Result<Option<LocalId>, Problem> {
    let mut links = view.link.iter();
    let link = links.find(|link| link.r#type.as_deref() == Some("replaced-by"));
    let Some(link) = link else { return Ok(None) };
    let unknown = |detail: String| {
        let (refused, spine) = (Refused::Unprocessable, Spine::InvalidValue);
        refuse(caller, refused, spine, PLACE, detail)
    };
    let (code, local_id) = if let Some(identifier) = &link.other.identifier {
        let system = identifier.system.as_deref().unwrap_or_default();
        let found = source_of(sources, system).ok_or_else(|| {
            let shown = shown(system);
            unknown(format!(
                "the identity domain {shown} of the Patient that goes on is not known"
            ))
        })?;
        let value = identifier.value.as_deref().unwrap_or_default();
        let local_id = LocalId::parse(value).map_err(|error| unknown(error.to_string()))?;
        (found.code.clone(), local_id)
    } else {
        let reference = link.other.reference.as_deref().unwrap_or_default();
        let id = reference.rsplit('/').next().unwrap_or_default();
        let named = flows::named_record(context, id).await;
        named.map_err(|_| unknown("the Patient that goes on is not known here".to_owned()))?
    };
    if code == *source {
        return Ok(Some(local_id));
    }
    let access = caller.may(Action::WriteRecord)?;
    flows::note_refusal(context, &access, &code)
        .await
        .map_err(|error| Problem::of(&error, caller.request_id()))?;
    let detail = "a source merges its own local ids; the other one is of another authority";
    let (refused, spine) = (Refused::Forbidden, Spine::AccessDenied);
    Err(refuse(caller, refused, spine, PLACE, detail))
}
