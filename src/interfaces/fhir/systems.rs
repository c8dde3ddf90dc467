//! Names that FHIR gives to things: code systems, extensions, profiles.

/// NHS number.
pub(super) const NHS_NUMBER: &str = "https://fhir.nhs.uk/Id/nhs-number";
/// Community Health Index number of Scotland.
pub(super) const CHI_NUMBER: &str = "https://fhir.nhs.uk/Id/chi-number";
/// Health and Care Number of Northern Ireland.
pub(super) const HEALTH_AND_CARE_NUMBER: &str = "https://fhir.hscni.net/Id/health-and-care-number";
/// ODS code of an organisation.
pub(super) const ODS_CODE: &str = "https://fhir.nhs.uk/Id/ods-organization-code";
/// Status of an NHS number.
pub(super) const NUMBER_STATUS: &str =
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus";
pub(super) const NUMBER_STATUS_CODES: &str =
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus";
/// Sex observed at birth.
pub(super) const BIRTH_SEX: &str =
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-BirthSex";
pub(super) const BIRTH_SEX_CODES: &str =
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-PersonStatedGender";
/// What is known of a death.
pub(super) const DEATH_STATUS: &str =
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus";
pub(super) const DEATH_STATUS_CODES: &str =
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-DeathNotificationStatus";
/// A property's reference number.
pub(super) const ADDRESS_KEY: &str =
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-AddressKey";
pub(super) const ADDRESS_KEY_CODES: &str =
    "https://fhir.hl7.org.uk/CodeSystem/UKCore-AddressKeyType";
/// How confidential a resource is.
pub(super) const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
/// UK Core Patient.
pub(super) const UK_CORE_PATIENT: &str =
    "https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient";
/// Errors and warnings of the national services.
pub(super) const SPINE_CODES: &str = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode";
