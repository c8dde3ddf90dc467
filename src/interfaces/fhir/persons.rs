//! A person as a Patient: what its records say together. It is a view: nobody writes
//! it, and what changes it is a record, a merge or a decision.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::flows::{self, Context, IdentityAnswer};
use crate::foundation::PersonId;
use crate::identity::SubmittedRecord;
use crate::interfaces::fhir::body::answer;
use crate::interfaces::fhir::from_record::{Members, list, members_of, nhs_number};
use crate::interfaces::fhir::headers::with_version;
use crate::interfaces::fhir::identifiers::{canonical, sources};
use crate::interfaces::fhir::patients::{kept, restricted};
use crate::interfaces::fhir::systems::{
    CHI_NUMBER, HEALTH_AND_CARE_NUMBER, NHS_NUMBER, UK_CORE_PATIENT,
};
use crate::interfaces::http::{Caller, FhirReadings, Problem, Refused, RetiredIds};
use crate::registry::{GoldenField, GoldenRecord, Origin, Source};
use crate::security::{Access, Action};

/// What is said of an identity beside its values.
const STANDING: &str = "urn:accord:standing";

/// Reads a person.
pub(super) async fn read(
    context: &Context,
    caller: &Caller,
    readings: FhirReadings,
    person: PersonId,
) -> Result<Response, Problem> {
    let access = caller.may(Action::ReadPerson)?;
    let known = sources(context, caller).await?;
    let (patient, tag) = patient(context, &access, caller, &known, person).await?;
    if readings.retired_ids == RetiredIds::Unknown && is_retired(&patient) {
        return Err(caller.problem(Refused::NotFound, "no Patient with this id is known"));
    }
    Ok(with_version(answer(StatusCode::OK, &patient), tag, None))
}

/// Whether a person's Patient leads to another one.
pub(super) fn is_retired(patient: &Value) -> bool {
    patient["link"][0]["type"] == "replaced-by"
}

/// A person's Patient and its version, by any id that it ever had.
pub(super) async fn patient(
    context: &Context,
    access: &Access,
    caller: &Caller,
    sources: &[Source],
    person: PersonId,
) -> Result<(Value, u32), Problem> {
    let identity = flows::view_identity(context, access, person, None).await;
    let identity = identity.map_err(|error| Problem::of(&error, caller.request_id()))?;
    Ok((patient_of(&identity, sources), identity.tag))
}

/// The Patient of an identity; that of a retired id leads to the one that goes on.
pub(super) fn patient_of(identity: &IdentityAnswer, sources: &[Source]) -> Value {
    if identity.requested != identity.person {
        let other = json!({"reference": format!("Patient/{}", identity.person)});
        return json!({
            "resourceType": "Patient", "id": identity.requested.to_string(), "active": false,
            "link": [{"other": other, "type": "replaced-by"}],
        });
    }
    let mut patient = values(identity);
    list(
        &mut patient,
        "identifier",
        identifiers_of(identity, sources),
    );
    patient.insert("resourceType".to_owned(), json!("Patient"));
    patient.insert("id".to_owned(), json!(identity.person.to_string()));
    patient.insert("active".to_owned(), json!(identity.active));
    patient.insert("meta".to_owned(), meta(identity));
    list(&mut patient, "link", links(identity));
    Value::Object(patient)
}

fn meta(identity: &IdentityAnswer) -> Value {
    let mut meta = json!({
        "versionId": identity.tag.to_string(),
        "profile": [UK_CORE_PATIENT],
    });
    if identity.restricted {
        meta["security"] = restricted();
    }
    let mut tags = Vec::new();
    if identity.under_investigation {
        tags.push(json!({"system": STANDING, "code": "number-under-investigation"}));
    }
    if !identity.possible.is_empty() {
        tags.push(json!({"system": STANDING, "code": "possible-duplicate"}));
    }
    if !tags.is_empty() {
        meta["tag"] = json!(tags);
    }
    meta
}

/// The records that it is made of, and the ids that lead to it.
fn links(identity: &IdentityAnswer) -> Vec<Value> {
    let records = identity.records.iter().map(|record| {
        let other = json!({"reference": format!("Patient/{}", record.name)});
        let mut link = json!({"other": other, "type": "seealso"});
        if record.doubtful {
            // The link is possible until a human has looked (R101).
            link["extension"] = json!([{"url": "urn:accord:doubtful", "valueBoolean": true}]);
        }
        link
    });
    let retired = identity.replaces.iter().map(|retired| {
        let other = json!({"reference": format!("Patient/{retired}")});
        json!({"other": other, "type": "replaces"})
    });
    records.chain(retired).collect()
}

/// The number that stands, the local ids, and what else the records bring.
pub(super) fn identifiers_of(identity: &IdentityAnswer, sources: &[Source]) -> Vec<Value> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut identifiers = Vec::new();
    for value in identity
        .golden
        .values
        .iter()
        .filter(|value| value.field.is_number())
    {
        let Some(number) = value
            .value
            .nhs_number
            .as_deref()
            .filter(|_| value.origin.is_some())
        else {
            continue;
        };
        let mut identifier = nhs_number(number, value.value.nhs_number_status.as_deref());
        match value.field {
            GoldenField::ChiNumber => identifier["system"] = json!(CHI_NUMBER),
            GoldenField::HealthAndCareNumber => {
                identifier["system"] = json!(HEALTH_AND_CARE_NUMBER);
            }
            _ => {}
        }
        identifiers.push(identifier);
    }
    for record in &identity.records {
        let source = sources.iter().find(|source| source.code == record.source);
        let system = source.map_or_else(|| record.source.to_string(), Source::authority_name);
        found.push((system, record.local_id.to_string()));
    }
    for other in identity
        .records
        .iter()
        .filter_map(|record| record.record.as_ref())
    {
        for identifier in &other.other_identifiers {
            let system = identifier.system.as_deref().unwrap_or_default();
            // Numbers that no longer stand are history (R27).
            if system != NHS_NUMBER {
                found.push((canonical(sources, system), identifier.value.clone()));
            }
        }
    }
    let mut told = std::collections::BTreeSet::new();
    found.retain(|pair| told.insert(pair.clone()));
    identifiers.extend(found.into_iter().map(|(system, value)| {
        if system.is_empty() {
            json!({"value": value})
        } else {
            json!({"system": system, "value": value})
        }
    }));
    identifiers
}

/// Elements by the golden field that decides them.
const ELEMENTS: [(&[GoldenField], &[&str]); 7] = [
    (&[GoldenField::Name], &["name"]),
    (&[GoldenField::BirthDate], &["birthDate", "_birthDate"]),
    (&[GoldenField::Gender], &["gender"]),
    (&[GoldenField::Address], &["address"]),
    (&[GoldenField::Phones, GoldenField::Emails], &["telecom"]),
    (&[GoldenField::GpPractice], &["generalPractitioner"]),
    (
        &[GoldenField::Death],
        &["deceasedBoolean", "deceasedDateTime"],
    ),
];

/// The golden values. What only FHIR can say comes with the record that names the
/// person, and of values that are this record's own the whole element.
fn values(identity: &IdentityAnswer) -> Members {
    let golden = &identity.golden;
    let said = together(golden, identity);
    let mut members = members_of(&said);
    members.remove("identifier");
    let named_by = origin(golden, GoldenField::Name);
    // Somebody without a name is described by the first record.
    let base = identity.records.iter().find(|record| {
        named_by.is_none_or(|named_by| {
            record.source == named_by.source && record.local_id == named_by.local_id
        })
    });
    let named_by = base.map(|record| (&record.source, &record.local_id));
    let base = base.and_then(|record| kept(record.record.as_ref()?));
    let Some(mut base) = base else { return members };
    for own in [
        "id",
        "meta",
        "identifier",
        "active",
        "link",
        "text",
        "implicitRules",
    ] {
        base.remove(own);
    }
    let from_base = |field: &GoldenField| {
        origin(golden, *field)
            .is_none_or(|origin| named_by == Some((&origin.source, &origin.local_id)))
    };
    for (fields, elements) in ELEMENTS {
        if fields.iter().all(from_base) {
            continue;
        }
        for element in elements {
            base.remove(*element);
            if let Some(value) = members.remove(*element) {
                base.insert((*element).to_owned(), value);
            }
        }
    }
    base
}

fn origin(golden: &GoldenRecord, field: GoldenField) -> Option<&Origin> {
    let mut values = golden.values.iter();
    values.find(|value| value.field == field)?.origin.as_ref()
}

/// The chosen values as one record.
fn together(golden: &GoldenRecord, identity: &IdentityAnswer) -> SubmittedRecord {
    let mut record = SubmittedRecord::default();
    for value in golden.values.iter().filter(|value| value.origin.is_some()) {
        let said = value.value.clone();
        match value.field {
            GoldenField::NhsNumber | GoldenField::ChiNumber | GoldenField::HealthAndCareNumber => {}
            GoldenField::Name => {
                record.title = said.title;
                record.given_names = said.given_names;
                record.family_name = said.family_name;
            }
            GoldenField::BirthDate => record.birth_date = said.birth_date,
            GoldenField::Gender => record.gender = said.gender,
            GoldenField::BirthSex => record.birth_sex = said.birth_sex,
            GoldenField::GenderIdentity => record.gender_identity = said.gender_identity,
            GoldenField::Address => record.addresses = said.addresses,
            GoldenField::Phones => record.phones = said.phones,
            GoldenField::Emails => record.emails = said.emails,
            GoldenField::GpPractice => record.gp_practice = said.gp_practice,
            GoldenField::Death => {
                record.death_date = said.death_date;
                record.death_status = said.death_status;
            }
        }
    }
    // "Other" and "unknown" decide nothing, and are what a source says all the same.
    let mut records = identity
        .records
        .iter()
        .filter_map(|record| record.record.as_ref());
    let sent = records.find_map(|record| record.gender.clone());
    record.gender = record.gender.or(sent);
    record
}
