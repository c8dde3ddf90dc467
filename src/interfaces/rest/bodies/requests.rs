//! Bodies that are a record and one member more. They are read from the tree
//! (`Tree::take_as`), so that these types only describe them.

use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::identity::SubmittedRecord;

/// A registration whose local id is in the body.
pub struct NamedRecord;

/// A question.
pub struct Question;

fn record_and(name: &str, member: ObjectBuilder, what: &str) -> RefOr<Schema> {
    let mut schema = SubmittedRecord::schema();
    if let RefOr::T(Schema::Object(record)) = &mut schema {
        let member = Schema::Object(member.build());
        record.properties.insert(name.to_owned(), member.into());
        record.description = Some(what.to_owned());
        record.examples.clear();
        record.example = None;
    }
    schema
}

impl PartialSchema for NamedRecord {
    fn schema() -> RefOr<Schema> {
        let local_id = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::String))
            .min_length(Some(1))
            .max_length(Some(256))
            .pattern(Some(r"^[^\x00-\x1f\x7f-\x9f]+$"))
            .description(Some("The record's id at its source, case-sensitive."));
        let what = "A registration with the record's id at its source.";
        let mut schema = record_and("local_id", local_id, what);
        if let RefOr::T(Schema::Object(record)) = &mut schema {
            record.required.push("local_id".to_owned());
            record.examples = vec![serde_json::json!({
                "local_id": "A-1002", "given_names": ["Barnaby"], "family_name": "Thornwick",
                "birth_date": "1951-07-23", "addresses": [{"postcode": "LS1 4AP"}],
            })];
        }
        schema
    }
}

impl PartialSchema for Question {
    fn schema() -> RefOr<Schema> {
        let limit = ObjectBuilder::new()
            .schema_type(SchemaType::new(Type::Integer))
            .minimum(Some(1))
            .maximum(Some(50))
            .default(Some(10.into()))
            .description(Some("Candidates at most."));
        let what = "What is known of somebody: a registration's members and, if wanted, `limit`.";
        let mut schema = record_and("limit", limit, what);
        if let RefOr::T(Schema::Object(record)) = &mut schema {
            record.examples = vec![serde_json::json!({
                "given_names": ["Rosalind"], "family_name": "Applethwaite",
                "birth_date": "1980-05-12", "limit": 5,
            })];
        }
        schema
    }
}

macro_rules! described_beside_a_record {
    ($($name:ident)+) => {$(
        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                SubmittedRecord::schemas(schemas);
            }
        }
    )+};
}

described_beside_a_record!(NamedRecord Question);
