//! What is understood of the resources that come in. Members that are not here are
//! kept and not looked at.

use serde::Deserialize;
use serde_json::Value;

macro_rules! views {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $kind:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        pub(super) struct $name {
            $(pub(super) $field: $kind,)*
        }
    )*};
}

views! {
    /// A Patient.
    PatientView {
        meta: Meta,
        active: Option<bool>,
        identifier: Vec<Identifier>,
        name: Vec<HumanName>,
        telecom: Vec<ContactPoint>,
        gender: Option<String>,
        birth_date: Option<String>,
        deceased_boolean: Option<bool>,
        deceased_date_time: Option<String>,
        address: Vec<Address>,
        multiple_birth_integer: Option<u32>,
        contact: Vec<Contact>,
        general_practitioner: Vec<Reference>,
        managing_organization: Option<Reference>,
        link: Vec<Link>,
        extension: Vec<Extension>,
        contained: Vec<Contained>,
        modifier_extension: Vec<Extension>,
    }
    Meta { security: Vec<Coding>, }
    Contained { id: Option<String>, }
    Identifier {
        r#use: Option<String>,
        system: Option<String>,
        value: Option<String>,
        extension: Vec<Extension>,
        period: Period,
    }
    HumanName {
        r#use: Option<String>,
        family: Option<String>,
        given: Vec<Option<String>>,
        prefix: Vec<Option<String>>,
        period: Period,
    }
    ContactPoint {
        r#use: Option<String>,
        system: Option<String>,
        value: Option<String>,
        period: Period,
    }
    Address {
        r#use: Option<String>,
        line: Vec<Option<String>>,
        city: Option<String>,
        postal_code: Option<String>,
        period: Period,
        extension: Vec<Extension>,
    }
    Contact {
        relationship: Vec<CodeableConcept>,
        name: Option<ContactName>,
        telecom: Vec<ContactPoint>,
    }
    ContactName {
        text: Option<String>,
        family: Option<String>,
        given: Vec<Option<String>>,
    }
    /// A Bundle that is sent.
    BundleView {
        r#type: String,
        entry: Vec<EntryView>,
    }
    EntryView {
        full_url: Option<String>,
        resource: Option<Value>,
        request: Option<RequestView>,
    }
    RequestView {
        method: String,
        url: String,
        if_match: Option<String>,
        if_none_exist: Option<String>,
    }
    /// A Subscription that is sent.
    SubscriptionView {
        status: Option<String>,
        reason: Option<String>,
        criteria: Option<String>,
        end: Option<String>,
        channel: ChannelView,
        extension: Vec<Extension>,
        modifier_extension: Vec<Extension>,
    }
    ChannelView {
        r#type: Option<String>,
        endpoint: Option<String>,
        payload: Option<String>,
        header: Vec<String>,
    }
    Link { other: Reference, r#type: Option<String>, }
    Reference { reference: Option<String>, identifier: Option<PlainIdentifier>, }
    PlainIdentifier { system: Option<String>, value: Option<String>, }
    Period { start: Option<String>, end: Option<String>, }
    CodeableConcept { coding: Vec<Coding>, text: Option<String>, }
    Coding { system: Option<String>, code: Option<String>, display: Option<String>, }
    Extension {
        url: String,
        value_codeable_concept: Option<CodeableConcept>,
        value_coding: Option<Coding>,
        value_string: Option<String>,
        value_code: Option<String>,
        extension: Vec<Extension>,
    }
}
