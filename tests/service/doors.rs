//! Every door of the service, and how it is asked about the persons of a seal
//! (`sealing.rs`).

use crate::world::Actor;

/// How a door is asked about the persons of a seal.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Door {
    /// By these roles, with what is put in place of the braces.
    Asked(&'static [Actor]),
    /// Why it need not be.
    Considered(&'static str),
}

use Door::{Asked, Considered};

pub(crate) const READERS: &[Actor] = &[Actor::Integration, Actor::Clinician, Actor::Steward];
const CARE: &[Actor] = &[Actor::Clinician, Actor::Steward];
const DESK: &[Actor] = &[Actor::Steward];
const SYSTEMS: &[Actor] = &[Actor::Integration];

/// Every door of the service. Those that are not there yet may stand here too.
pub(crate) const DOORS: [(&str, &str, Door); 76] = [
    (
        "PUT",
        "/sources/{source}/records/{local_id}",
        Asked(SYSTEMS),
    ),
    ("POST", "/sources/{source}/records", Asked(SYSTEMS)),
    ("POST", "/sources/{source}/records/batch", Asked(SYSTEMS)),
    (
        "GET",
        "/sources/{source}/records/{local_id}",
        Asked(READERS),
    ),
    (
        "DELETE",
        "/sources/{source}/records/{local_id}",
        Considered("answers nothing"),
    ),
    (
        "GET",
        "/sources/{source}/records/{local_id}/person",
        Asked(READERS),
    ),
    (
        "GET",
        "/sources/{source}/records/{local_id}/disputes",
        Asked(READERS),
    ),
    (
        "POST",
        "/sources/{source}/records/{local_id}/disputes",
        Considered("answers the record's own person and questions about that alone"),
    ),
    (
        "POST",
        "/sources/{source}/records/{local_id}/disputes/answer",
        Considered("answers as an update of the record: whom a seal parts is no question"),
    ),
    ("POST", "/match", Asked(READERS)),
    ("POST", "/persons/search", Asked(CARE)),
    ("GET", "/persons/{person}", Asked(READERS)),
    ("GET", "/persons/{person}/records", Asked(READERS)),
    ("GET", "/persons/{person}/history", Asked(CARE)),
    ("GET", "/persons/{person}/golden", Asked(READERS)),
    (
        "PUT",
        "/persons/{person}/golden/{field}",
        Considered("names a record that is the person's; answers as the golden record"),
    ),
    (
        "DELETE",
        "/persons/{person}/golden/{field}",
        Considered("answers nothing"),
    ),
    (
        "POST",
        "/persons/{person}/acknowledgements",
        Considered("answers what was sent"),
    ),
    ("GET", "/events", Asked(SYSTEMS)),
    ("GET", "/events/unacknowledged", Asked(SYSTEMS)),
    ("GET", "/review/tasks", Asked(DESK)),
    ("GET", "/review/tasks/{task}", Asked(DESK)),
    ("GET", "/models", Considered("names no patient")),
    ("GET", "/models/{model}", Considered("names no patient")),
    ("GET", "/models/shadow", Considered("names no patient")),
    ("GET", "/sources", Considered("names no patient")),
    ("POST", "/sources", Considered("names no patient")),
    (
        "GET",
        "/sources/{source}/scorecard",
        Considered("names no patient"),
    ),
    (
        "POST",
        "/sources/{source}/release",
        Considered("names no patient"),
    ),
    (
        "GET",
        "/webhooks",
        Considered("names no patient; what they tell is the feed's"),
    ),
    ("POST", "/webhooks", Considered("names no patient")),
    (
        "DELETE",
        "/webhooks/{webhook}",
        Considered("names no patient"),
    ),
    (
        "GET",
        "/webhooks/{webhook}/dead-letters",
        Considered("names no patient"),
    ),
    (
        "POST",
        "/webhooks/{webhook}/redeliver",
        Considered("names no patient"),
    ),
    (
        "POST",
        "/sources/{source}/merges",
        Considered("names the person of the record that goes on; of a sealed pair it asks nobody"),
    ),
    (
        "GET",
        "/persons/{person}/subject-access",
        Considered("for privacy officers; a story of its own shows that it names one side"),
    ),
    ("POST", "/erasures", Considered("for privacy officers")),
    ("GET", "/seals", Considered("for privacy officers")),
    ("POST", "/seals", Considered("for privacy officers")),
    (
        "DELETE",
        "/seals/{seal}",
        Considered("for privacy officers"),
    ),
    (
        "POST",
        "/merges",
        Considered("walked below: a sealed pair is unknown"),
    ),
    (
        "GET",
        "/merges/{merge}",
        Considered("walked below: unknown once the two are sealed"),
    ),
    (
        "POST",
        "/merges/{merge}/undo",
        Considered("walked below: unknown once the two are sealed"),
    ),
    (
        "POST",
        "/merges/undo",
        Considered("walked below: names decisions, and no two that are sealed"),
    ),
    (
        "POST",
        "/links",
        Considered("walked below: a sealed person is unknown"),
    ),
    (
        "POST",
        "/assertions",
        Considered("walked below: a sealed record is unknown"),
    ),
    (
        "DELETE",
        "/assertions/{assertion}",
        Considered("answers nothing"),
    ),
    (
        "POST",
        "/review/tasks/{task}/claim",
        Considered("a sealed question is unknown here, as it is to GET"),
    ),
    (
        "POST",
        "/review/tasks/{task}/assign",
        Considered("a sealed question is unknown here, as it is to GET"),
    ),
    ("GET", "/review/agreement", Considered("names no patient")),
    (
        "POST",
        "/review/tasks/{task}/release",
        Considered("a sealed question is unknown here, as it is to GET"),
    ),
    (
        "POST",
        "/review/tasks/{task}/decide",
        Considered("a sealed question is unknown here, as it is to GET"),
    ),
    (
        "POST",
        "/review/tasks/{task}/escalate",
        Considered("a sealed question is unknown here, as it is to GET"),
    ),
    (
        "POST",
        "/review/tasks/{task}/comment",
        Considered("a sealed question is unknown here, as it is to GET"),
    ),
    ("GET", "/review/tasks/{task}/pack", Asked(DESK)),
    // FHIR: sources send and ask in their own notation (`answers` puts it on).
    ("POST", "/fhir/R4/Patient", Asked(SYSTEMS)),
    (
        "POST",
        "/fhir/R4/$import",
        Considered("answers each line as a Patient that is sent alone"),
    ),
    ("POST", "/fhir/R4/Patient/$match", Asked(READERS)),
    ("POST", "/fhir/R4/Patient/_search", Asked(CARE)),
    (
        "GET",
        "/fhir/R4/Patient?family=Beforely&given=Rowan&birthdate=2019-03-04",
        Asked(CARE),
    ),
    (
        "GET",
        "/fhir/R4/Patient?identifier=urn:accord:source:{source}%7C{local_id}",
        Asked(READERS),
    ),
    ("GET", "/fhir/R4/Patient?_id={person}", Asked(READERS)),
    (
        "GET",
        "/fhir/R4/Patient/$ihe-pix?sourceIdentifier=urn:accord:source:{source}%7C{local_id}",
        Asked(READERS),
    ),
    (
        "POST",
        "/fhir/R4/Patient/$ihe-pix",
        Considered("answers as by GET"),
    ),
    ("GET", "/fhir/R4/Patient/{person}", Asked(READERS)),
    ("GET", "/fhir/R4/Patient/{record}", Asked(READERS)),
    ("GET", "/fhir/R4/Patient/{record}/_history", Asked(READERS)),
    (
        "GET",
        "/fhir/R4/Patient/{record}/_history/1",
        Asked(READERS),
    ),
    ("GET", "/fhir/R4/Linkage/{person}", Asked(READERS)),
    (
        "GET",
        "/fhir/R4/Linkage?item=Patient/{record}",
        Asked(READERS),
    ),
    (
        "POST",
        "/fhir/R4/Subscription",
        Considered("as /webhooks: no patient; what it tells is the feed's"),
    ),
    (
        "GET",
        "/fhir/R4/AuditEvent?patient=Patient/{person}",
        Asked(&[Actor::Auditor]),
    ),
    (
        "POST",
        "/fhir/R4/AuditEvent/_search",
        Considered("answers as by GET"),
    ),
    (
        "GET",
        "/fhir/R4/AuditEvent/{audit}",
        Considered("a story of its own: tests/service/fhir_audit.rs"),
    ),
    (
        "PUT",
        "/fhir/R4/Patient",
        Considered("writes as POST, and answers the record"),
    ),
    (
        "DELETE",
        "/fhir/R4/Patient/{record}",
        Considered("answers nothing"),
    ),
];
