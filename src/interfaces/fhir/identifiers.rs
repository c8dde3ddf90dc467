//! Whose identifiers are whose: which of a Patient's identifiers is the local id under
//! which its sender keeps it, and who may assign it.

use axum::http::HeaderMap;

use crate::flows::{self, Context};
use crate::interfaces::fhir::outcome::{Spine, refuse};
use crate::interfaces::fhir::systems::NHS_NUMBER;
use crate::interfaces::fhir::view::{Identifier, PatientView};
use crate::interfaces::http::{Caller, Problem, Refused};
use crate::registry::{LocalId, Source, SourceCode};
use crate::security::Action;

/// The identifier of a Patient that is its sender's local id.
#[derive(Debug)]
pub(super) struct OwnId {
    pub(super) source: SourceCode,
    pub(super) local_id: LocalId,
    /// Its place among the identifiers.
    pub(super) place: usize,
}

/// The sources that are known, with their authorities.
pub(super) async fn sources(context: &Context, caller: &Caller) -> Result<Vec<Source>, Problem> {
    let access = caller.may(Action::ReadSource)?;
    let listed = flows::list_sources(context, &access).await;
    listed.map_err(|error| Problem::of(&error, caller.request_id()))
}

/// The source whose authority a system names.
pub(super) fn source_of<'s>(sources: &'s [Source], system: &str) -> Option<&'s Source> {
    sources.iter().find(|source| source.is_authority(system))
}

/// A system by the name that is given out, where it is a known authority's.
pub(super) fn canonical(sources: &[Source], system: &str) -> String {
    source_of(sources, system).map_or_else(|| system.to_owned(), Source::authority_name)
}

/// A system as it may be repeated: what is no plain URI could be a patient's value.
pub(super) fn shown(system: &str) -> &str {
    let starts = ["http://", "https://", "urn:oid:"];
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":/.-_#".contains(&byte);
    let known = starts.iter().any(|start| system.starts_with(start));
    if known && system.len() <= 200 && system.bytes().all(plain) {
        system
    } else {
        "(no URI)"
    }
}

/// Which identifier is the record's own, of a source that this account writes for.
///
/// A forged authority, one that is another source's, is refused and audited.
pub(super) async fn own_id(
    context: &Context,
    caller: &Caller,
    headers: &HeaderMap,
    sources: &[Source],
    view: &PatientView,
) -> Result<OwnId, Problem> {
    let chosen = headers
        .get("accord-source")
        .and_then(|value| value.to_str().ok());
    let known: Vec<(usize, &Identifier, &Source)> = view
        .identifier
        .iter()
        .enumerate()
        .filter_map(|(place, identifier)| {
            let source = source_of(sources, identifier.system.as_deref()?)?;
            identifier.value.as_ref()?;
            Some((place, identifier, source))
        })
        .collect();
    let mine = |source: &Source| {
        let allowed = caller
            .may_for(Action::WriteRecord, source.code.as_str())
            .is_ok();
        allowed && chosen.is_none_or(|code| code == source.code.as_str())
    };
    let own: Vec<&(usize, &Identifier, &Source)> =
        known.iter().filter(|(_, _, source)| mine(source)).collect();
    let official: Vec<_> = own
        .iter()
        .filter(|(_, identifier, _)| identifier.r#use.as_deref() == Some("official"))
        .collect();
    let (place, identifier, source) = match (own.as_slice(), official.as_slice()) {
        ([one], _) => **one,
        ([], _) => {
            return Err(no_own_id(context, caller, view, known.first().map(|it| it.2)).await);
        }
        (_, [one]) => ***one,
        ([first, rest @ ..], _) if rest.iter().all(|other| other.2.code == first.2.code) => **first,
        _ => {
            let detail = "several identifiers are of sources that this account writes for; name \
                          one of them by the header Accord-Source, or mark one as official";
            return Err(refuse(
                caller,
                Refused::Unprocessable,
                Spine::InvalidValue,
                "Patient.identifier",
                detail,
            ));
        }
    };
    let value = identifier.value.as_deref().unwrap_or_default();
    let local_id = LocalId::parse(value).map_err(|error| {
        let expression = format!("Patient.identifier[{place}].value");
        let spine = Spine::InvalidValue;
        refuse(
            caller,
            Refused::Unprocessable,
            spine,
            &expression,
            error.to_string(),
        )
    })?;
    Ok(OwnId {
        source: source.code.clone(),
        local_id,
        place,
    })
}

async fn no_own_id(
    context: &Context,
    caller: &Caller,
    view: &PatientView,
    foreign: Option<&Source>,
) -> Problem {
    if let Some(source) = foreign {
        return forged(context, caller, source).await;
    }
    if view.identifier.is_empty() {
        let detail = "an identifier is missing: the local id under which the sender keeps the \
                      patient";
        let (refused, spine) = (Refused::Unprocessable, Spine::MissingValue);
        return refuse(caller, refused, spine, "Patient.identifier", detail);
    }
    let mut identifiers = view.identifier.iter().enumerate();
    let unnamed = identifiers.find(|(_, it)| it.system.is_none() || it.value.is_none());
    let (spine, place, detail) = unnamed.map_or_else(
        || unknown_domain(view),
        |(place, identifier)| {
            let part = if identifier.system.is_none() {
                "system"
            } else {
                "value"
            };
            let detail = format!("the identifier has no {part}");
            let place = format!("Patient.identifier[{place}].{part}");
            (Spine::MissingValue, place, detail)
        },
    );
    refuse(caller, Refused::Unprocessable, spine, &place, detail)
}

/// No identifier is of an authority that is known.
fn unknown_domain(view: &PatientView) -> (Spine, String, String) {
    let mut systems = view
        .identifier
        .iter()
        .enumerate()
        .filter_map(|(place, identifier)| {
            let system = identifier.system.as_deref()?;
            (system != NHS_NUMBER).then_some((place, system))
        });
    systems.next().map_or_else(
        || {
            let detail = "beside the NHS number the local id is missing under which the sender \
                          keeps the patient";
            (
                Spine::MissingValue,
                "Patient.identifier".to_owned(),
                detail.to_owned(),
            )
        },
        |(place, system)| {
            let detail = format!("the identity domain {} is not known here", shown(system));
            (
                Spine::InvalidCode,
                format!("Patient.identifier[{place}].system"),
                detail,
            )
        },
    )
}

/// A sender that uses another's authority is told so, and it is audited.
pub(super) async fn forged(context: &Context, caller: &Caller, source: &Source) -> Problem {
    let access = match caller.may(Action::WriteRecord) {
        Ok(access) => access,
        Err(problem) => return problem,
    };
    if let Err(error) = flows::note_refusal(context, &access, &source.code).await {
        return Problem::of(&error, caller.request_id());
    }
    let detail = format!(
        "this account may not assign identifiers of the domain {}",
        source.authority_name()
    );
    let place = "Patient.identifier";
    refuse(
        caller,
        Refused::Forbidden,
        Spine::AccessDenied,
        place,
        detail,
    )
}
