//! In which order FHIR's XML has the members of a resource, which JSON does not say (R4).
//! Of the resources that go out, and of what stands in those that come in and are kept.

/// Before the members of any resource or element.
const FIRST: [&str; 8] = [
    "id",
    "meta",
    "implicitRules",
    "language",
    "text",
    "contained",
    "extension",
    "modifierExtension",
];

/// Members by type, words between blanks; a name before `*` stands for its choices.
const TYPES: [(&str, &str); 51] = [
    (
        "Address",
        "use type text line city district state postalCode country period",
    ),
    ("Annotation", "author* time text"),
    (
        "Attachment",
        "contentType language data url size hash title creation",
    ),
    (
        "AuditEvent",
        "type subtype action period recorded outcome outcomeDesc purposeOfEvent agent source entity",
    ),
    (
        "AuditEvent.agent",
        "type role who altId name requestor location policy media network purposeOfUse",
    ),
    ("AuditEvent.agent.network", "address type"),
    (
        "AuditEvent.entity",
        "what type role lifecycle securityLabel name description query detail",
    ),
    ("AuditEvent.source", "site observer type"),
    (
        "Bundle",
        "identifier type timestamp total link entry signature",
    ),
    (
        "Bundle.entry",
        "link fullUrl resource search request response",
    ),
    (
        "Bundle.entry.request",
        "method url ifNoneMatch ifModifiedSince ifMatch ifNoneExist",
    ),
    (
        "Bundle.entry.response",
        "status location etag lastModified outcome",
    ),
    ("Bundle.entry.search", "mode score"),
    ("Bundle.link", "relation url"),
    (
        "CapabilityStatement",
        "url version name title status experimental date publisher contact description useContext \
         jurisdiction purpose copyright kind instantiates imports software implementation fhirVersion \
         format patchFormat implementationGuide rest messaging document",
    ),
    (
        "CapabilityStatement.implementation",
        "description url custodian",
    ),
    (
        "CapabilityStatement.rest",
        "mode documentation security resource interaction searchParam operation compartment",
    ),
    ("CapabilityStatement.rest.interaction", "code documentation"),
    (
        "CapabilityStatement.rest.operation",
        "name definition documentation",
    ),
    (
        "CapabilityStatement.rest.resource",
        "type profile supportedProfile documentation interaction versioning readHistory updateCreate \
         conditionalCreate conditionalRead conditionalUpdate conditionalDelete referencePolicy \
         searchInclude searchRevInclude searchParam operation",
    ),
    (
        "CapabilityStatement.rest.searchParam",
        "name definition type documentation",
    ),
    ("CapabilityStatement.software", "name version releaseDate"),
    ("CodeableConcept", "coding text"),
    ("Coding", "system version code display userSelected"),
    ("ContactPoint", "system value use rank period"),
    ("Extension", "value*"),
    ("HumanName", "use text family given prefix suffix period"),
    ("Identifier", "use type system value period assigner"),
    ("Linkage", "active author item"),
    ("Linkage.item", "type resource"),
    (
        "MessageHeader",
        "event* destination sender enterer author source responsible reason response focus definition",
    ),
    ("MessageHeader.destination", "name target endpoint receiver"),
    ("MessageHeader.response", "identifier code details"),
    (
        "MessageHeader.source",
        "name software version contact endpoint",
    ),
    ("Meta", "versionId lastUpdated source profile security tag"),
    ("Narrative", "status div"),
    ("OperationOutcome", "issue"),
    (
        "OperationOutcome.issue",
        "severity code details diagnostics location expression",
    ),
    (
        "Organization",
        "identifier active type name alias telecom address partOf contact endpoint",
    ),
    ("Organization.contact", "purpose name telecom address"),
    ("Parameters.parameter", "name value* resource part"),
    (
        "Patient",
        "identifier active name telecom gender birthDate deceased* address maritalStatus multipleBirth* \
         photo contact communication generalPractitioner managingOrganization link",
    ),
    ("Patient.communication", "language preferred"),
    (
        "Patient.contact",
        "relationship name telecom address gender organization period",
    ),
    ("Patient.link", "other type"),
    ("Period", "start end"),
    (
        "Practitioner",
        "identifier active name telecom address gender birthDate photo qualification communication",
    ),
    ("Quantity", "value comparator unit system code"),
    ("Reference", "reference type identifier display"),
    (
        "RelatedPerson",
        "identifier active patient relationship name telecom gender birthDate address photo period communication",
    ),
    (
        "Subscription",
        "status contact end reason criteria error channel",
    ),
];

/// Members of a Subscription's channel; its name is nowhere else.
const CHANNEL: &str = "type endpoint payload header";

/// The place of a member among those of its type; what is not known comes last.
pub(super) fn place(kind: &str, member: &str) -> usize {
    if let Some(first) = FIRST.iter().position(|name| *name == member)
        && !(member == "text" && matches!(kind, "Address" | "CodeableConcept" | "HumanName"))
        && !(member == "language" && matches!(kind, "Attachment" | "Patient.communication"))
    {
        return first;
    }
    let members = match kind {
        "Subscription.channel" => CHANNEL,
        kind => TYPES
            .iter()
            .find(|(name, _)| *name == kind)
            .map_or("", |(_, members)| members),
    };
    let is = |name: &str| match name.strip_suffix('*') {
        Some(stem) => is_choice(stem, member),
        None => name == member,
    };
    let mut names = members.split(' ');
    let found = names.position(is).unwrap_or(usize::MAX - FIRST.len());
    FIRST.len() + found
}

/// Whether a member is one of the choices of a name: `value` and a type.
fn is_choice(stem: &str, member: &str) -> bool {
    let rest = member.strip_prefix(stem);
    rest.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()))
}

/// The type of an element that holds others, by the type of what holds it and its name.
pub(super) fn kind_of(parent: &str, member: &str) -> String {
    let people = [
        "Patient",
        "Practitioner",
        "RelatedPerson",
        "Patient.contact",
        "Organization.contact",
    ];
    let known = match member {
        "extension" | "modifierExtension" => "Extension",
        "meta" => "Meta",
        "text" => "Narrative",
        "identifier" => "Identifier",
        "address" => "Address",
        "telecom" => "ContactPoint",
        "photo" => "Attachment",
        "period" => "Period",
        "coding" | "security" | "tag" if parent != "CapabilityStatement.rest" => "Coding",
        "name" if people.contains(&parent) => "HumanName",
        "type" | "subtype" | "role"
            if matches!(
                parent,
                "AuditEvent" | "AuditEvent.entity" | "AuditEvent.source"
            ) =>
        {
            "Coding"
        }
        "part" => "Parameters.parameter",
        "interaction" | "searchParam" | "operation"
            if parent == "CapabilityStatement.rest.resource" =>
        {
            return format!("CapabilityStatement.rest.{member}");
        }
        "link" if parent == "Bundle.entry" => "Bundle.link",
        "communication" if parent == "RelatedPerson" => "Patient.communication",
        "valueSimpleQuantity"
        | "valueAge"
        | "valueCount"
        | "valueDistance"
        | "valueDuration"
        | "valueMoney" => "Quantity",
        "relationship" | "maritalStatus" | "language" | "details" | "role" | "type" | "reason"
        | "purposeOfEvent" | "purposeOfUse" | "service" => "CodeableConcept",
        "other"
        | "assigner"
        | "generalPractitioner"
        | "managingOrganization"
        | "organization"
        | "patient"
        | "partOf"
        | "who"
        | "what"
        | "observer"
        | "author"
        | "focus"
        | "sender"
        | "receiver"
        | "target" => "Reference",
        "location" if parent == "AuditEvent.agent" => "Reference",
        "resource" if parent == "Linkage.item" => "Reference",
        member if is_choice("value", member) => return member["value".len()..].to_owned(),
        member => return format!("{parent}.{member}"),
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{TYPES, kind_of, place};

    #[test]
    fn members_stand_in_the_order_of_their_type() {
        let before = |kind, one, other| place(kind, one) < place(kind, other);
        assert!(before("Patient", "meta", "identifier"));
        assert!(before("Patient", "birthDate", "deceasedBoolean"));
        assert!(before("Patient", "deceasedDateTime", "address"));
        assert!(before("Identifier", "use", "system"));
        assert!(before("ContactPoint", "value", "use"));
        assert!(before("CodeableConcept", "coding", "text"));
        assert!(before("HumanName", "use", "text"));
        assert!(before("HumanName", "extension", "use"));
        assert!(before("Parameters.parameter", "valueCode", "part"));
        assert!(before("Patient", "link", "unheardOf"));
    }

    #[test]
    fn a_type_is_known_by_what_holds_it() {
        assert_eq!(kind_of("Patient", "name"), "HumanName");
        assert_eq!(
            kind_of("Patient.contact", "relationship"),
            "CodeableConcept"
        );
        assert_eq!(kind_of("Bundle.entry", "request"), "Bundle.entry.request");
        assert_eq!(kind_of("Extension", "valueIdentifier"), "Identifier");
        assert_eq!(kind_of("AuditEvent", "type"), "Coding");
        assert_eq!(kind_of("AuditEvent.agent", "type"), "CodeableConcept");
        assert!(TYPES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
