//! What FHIR's XML does not say of its elements and JSON does: which are lists, which are
//! no texts (R4). Of the resources that come in.

/// Resources that are read in XML.
pub(super) fn is_read(resource: &str) -> bool {
    matches!(
        resource,
        "Bundle"
            | "MessageHeader"
            | "Organization"
            | "Parameters"
            | "Patient"
            | "Practitioner"
            | "RelatedPerson"
            | "Subscription"
    )
}

/// Whether an element may stand more than once in the one that holds it.
pub(super) fn repeats(parent: &str, name: &str) -> bool {
    let people = ["Patient", "Practitioner", "RelatedPerson"];
    match name {
        "extension"
        | "modifierExtension"
        | "contained"
        | "coding"
        | "given"
        | "prefix"
        | "suffix"
        | "line"
        | "telecom"
        | "photo"
        | "communication"
        | "relationship"
        | "generalPractitioner"
        | "qualification"
        | "profile"
        | "security"
        | "tag"
        | "entry"
        | "parameter"
        | "part"
        | "destination"
        | "focus" => true,
        "identifier" | "address" => people.contains(&parent) || parent == "Organization",
        "name" => people.contains(&parent),
        "contact" => matches!(parent, "Patient" | "Organization" | "Subscription"),
        "link" => matches!(parent, "Patient" | "Bundle" | "entry"),
        "type" | "alias" | "endpoint" => parent == "Organization",
        "header" => parent == "channel",
        _ => false,
    }
}

/// Whether an element holds others, also where those are extensions alone.
pub(super) fn is_object(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "channel"
            | "communication"
            | "contact"
            | "entry"
            | "extension"
            | "generalPractitioner"
            | "identifier"
            | "link"
            | "managingOrganization"
            | "maritalStatus"
            | "meta"
            | "modifierExtension"
            | "other"
            | "parameter"
            | "part"
            | "patient"
            | "period"
            | "photo"
            | "relationship"
            | "telecom"
            | "text"
    )
}

/// Whether its value is true or false.
pub(super) fn is_boolean(name: &str) -> bool {
    matches!(
        name,
        "active"
            | "deceasedBoolean"
            | "multipleBirthBoolean"
            | "preferred"
            | "userSelected"
            | "valueBoolean"
    )
}

/// Whether its value is a number.
pub(super) fn is_number(name: &str) -> bool {
    matches!(
        name,
        "multipleBirthInteger"
            | "rank"
            | "score"
            | "size"
            | "total"
            | "valueDecimal"
            | "valueInteger"
            | "valuePositiveInt"
            | "valueUnsignedInt"
    )
}
