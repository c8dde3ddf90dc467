//! The OpenAPI document: made from the routes, kept as a file that reviewers
//! read, and true of what the service answers. `ACCORD_BLESS=1` writes the file
//! anew.

use std::fs;
use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Actor, World};

fn kept() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json")
}

fn served(world: &World) -> Value {
    world
        .get_root("/openapi.json")
        .by(Actor::Nobody)
        .send()
        .expect(200)
        .body
}

/// The paths under the prefix; those beside it are for who watches.
fn api_paths(document: &Value) -> impl Iterator<Item = (&String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths
        .iter()
        .filter(|(path, _)| path.starts_with("/api/v1/"))
}

/// Method, path with examples filled in, and what the document says of it.
fn operations(document: &Value) -> Vec<(Method, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in api_paths(document) {
        for (method, operation) in item.as_object().expect("a path") {
            let mut filled = path.clone();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if parameter["in"] == "path" {
                    let name = parameter["name"].as_str().expect("a name");
                    let example = parameter["example"].as_str().expect("an example");
                    filled = filled.replace(&format!("{{{name}}}"), example);
                }
            }
            let method = method.to_uppercase().parse().expect("a method");
            found.push((method, filled, operation.clone()));
        }
    }
    found
}

#[test]
fn the_document_is_the_one_that_was_reviewed() {
    let world = World::shared();
    let answer = world
        .get_root("/openapi.json")
        .by(Actor::Nobody)
        .send()
        .expect(200);
    assert_eq!(answer.headers["content-type"], "application/json");
    if std::env::var_os("ACCORD_BLESS").is_some() {
        fs::write(kept(), &answer.text).expect("docs/openapi.json can be written");
    }
    let kept = fs::read_to_string(kept()).unwrap_or_default();
    assert!(
        answer.text == kept,
        "docs/openapi.json is not what is served; ACCORD_BLESS=1 writes it anew"
    );
}

#[test]
fn every_reference_of_the_document_leads_somewhere() {
    fn check(value: &Value, document: &Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    assert!(reference.starts_with("#/"), "{reference}");
                    let pointer = reference.trim_start_matches('#');
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                members.values().for_each(|member| check(member, document));
            }
            Value::Array(items) => items.iter().for_each(|item| check(item, document)),
            _ => {}
        }
    }
    let document = served(&World::shared());
    check(&document, &document);
    assert_eq!(document["openapi"], "3.1.0");
}

#[test]
fn every_documented_route_is_there_and_asks_for_a_token() {
    let world = World::shared();
    let document = served(&world);
    let operations = operations(&document);
    assert!(operations.len() >= 17, "{}", operations.len());
    for (method, path, operation) in operations {
        let path = path.strip_prefix("/api/v1").expect("under the prefix");
        for status in ["400", "401", "403", "414", "429", "431", "500", "503"] {
            assert!(
                operation["responses"][status].is_object(),
                "{method} {path} says nothing of {status}"
            );
        }
        assert!(operation["summary"].is_string(), "{method} {path}");
        assert!(operation["operationId"].is_string(), "{method} {path}");
        let takes_a_body = operation["requestBody"].is_object();
        assert_eq!(takes_a_body, operation["responses"]["415"].is_object());
        assert_eq!(takes_a_body, operation["responses"]["413"].is_object());
        let answer = world.ask(method, path).by(Actor::Nobody).send();
        answer.expect_problem(401, "Authorization", &[]);
    }
}

/// Joining and parting is for stewards.
fn is_a_humans(path: &str) -> bool {
    let roots = ["/merges", "/links", "/assertions", "/review"];
    roots.iter().any(|root| path.starts_with(root))
}

#[test]
fn what_is_for_who_watches_is_documented_and_needs_no_token() {
    let world = World::start_with(&[("ACCORD_METRICS", "on")]);
    let document = served(&world);
    let paths = document["paths"].as_object().expect("paths");
    let beside: Vec<&String> = paths
        .keys()
        .filter(|path| !path.starts_with("/api/v1/"))
        .collect();
    assert_eq!(beside, ["/healthz", "/metrics", "/readyz"]);
    for path in beside {
        let operation = &paths[path]["get"];
        assert_eq!(operation["security"], json!([]), "{path}");
        assert!(operation["responses"]["401"].is_null(), "{path}");
        let answer = world.get_root(path).by(Actor::Nobody).send().expect(200);
        let media = answer.headers["content-type"].split(';').next();
        let content = &operation["responses"]["200"]["content"];
        let described = &content[media.expect("a media type")];
        assert!(described.is_object(), "{path}: {media:?}");
    }
    let ready = &document["components"]["schemas"]["Ready"];
    let answer = world
        .get_root("/readyz")
        .by(Actor::Nobody)
        .send()
        .expect(200);
    let members = answer.body.as_object().expect("an object").keys();
    let described = ready["properties"].as_object().expect("members").keys();
    assert!(members.eq(described), "{}", answer.text);
}

#[test]
fn every_route_refuses_an_unknown_parameter_by_name() {
    let world = World::shared();
    for (method, path, _) in operations(&served(&world)) {
        let path = path.strip_prefix("/api/v1").expect("under the prefix");
        let admin = (path == "/sources" && method == Method::POST) || path.starts_with("/webhooks");
        let actor = if admin {
            Actor::Administrator
        } else if path.starts_with("/seals")
            || path == "/erasures"
            || path.ends_with("/subject-access")
        {
            Actor::PrivacyOfficer
        } else if is_a_humans(path) {
            Actor::Steward
        } else {
            Actor::Integration
        };
        let request = world.ask(method, &format!("{path}?unheard_of=Secretperson"));
        let answer = request
            .by(actor)
            .bytes("application/json", "{}")
            .send()
            .expect_problem(400, "unheard_of", &["Secretperson"]);
        assert_eq!(answer["member"], "unheard_of");
        assert_eq!(answer["rule"], "unknown member");
    }
}

#[test]
fn every_route_with_a_body_refuses_an_unknown_member_by_name() {
    let world = World::shared();
    for (method, path, operation) in operations(&served(&world)) {
        let path = path.strip_prefix("/api/v1").expect("under the prefix");
        if operation["requestBody"]["content"]["application/json"].is_null() {
            continue;
        }
        let actor = match path {
            "/sources" => Actor::Administrator,
            _ if path.starts_with("/webhooks") => Actor::Administrator,
            _ if path.starts_with("/seals") || path == "/erasures" => Actor::PrivacyOfficer,
            _ if path.ends_with("/release") || path.contains("/golden/") || is_a_humans(path) => {
                Actor::Steward
            }
            _ => Actor::Integration,
        };
        // The local id is looked for first.
        let body = "{\"local_id\": \"1\", \"unheard_of\": \"Secretperson\"}";
        let body = if path.ends_with("/records") {
            body
        } else {
            "{\"unheard_of\": \"Secretperson\"}"
        };
        let answer = world
            .ask(method, path)
            .by(actor)
            .bytes("application/json", body)
            .send()
            .expect_problem(400, "unheard_of", &["Secretperson"]);
        assert_eq!(answer["member"], "unheard_of", "{path}");
        assert_eq!(answer["rule"], "unknown member", "{path}");
    }
}

#[test]
fn a_method_that_a_path_does_not_take_is_405_and_says_which_it_takes() {
    let world = World::shared();
    let document = served(&world);
    for (path, item) in api_paths(&document) {
        let path = path.replace(['{', '}'], "");
        let path = path.strip_prefix("/api/v1").expect("under the prefix");
        for method in ["get", "put", "post", "delete", "patch", "options"] {
            if item[method].is_object() {
                continue;
            }
            let method: Method = method.to_uppercase().parse().expect("a method");
            let answer = world
                .ask(method, path)
                .send()
                .expect_problem(405, "method", &[]);
            let allowed = answer.headers.get("allow").expect("an Allow header");
            for known in item.as_object().expect("a path").keys() {
                assert!(allowed.contains(&known.to_uppercase()), "{path}: {allowed}");
            }
        }
    }
}

#[test]
fn the_document_forbids_what_the_reader_refuses() {
    let document = served(&World::shared());
    let schemas = &document["components"]["schemas"];
    for name in [
        "SubmittedRecord",
        "SubmittedAddress",
        "SubmittedName",
        "SubmittedIdentifier",
        "SubmittedMother",
        "SubmittedAssociatedPerson",
        "NamedRecord",
        "Question",
        "SourceBody",
        "SearchBody",
        "ReleaseRequest",
        "RedeliverBody",
        "SealBody",
        "SealSideBody",
        "AcknowledgementBody",
    ] {
        let schema = &schemas[name];
        assert_eq!(schema["additionalProperties"], json!(false), "{name}");
        for (member, described) in schema["properties"].as_object().expect("members") {
            let text = described.to_string();
            let bounded = !text.contains("\"string\"") || text.contains("maxLength");
            assert!(bounded, "{name}.{member} has no bound: {text}");
            let described = text.contains("description");
            assert!(described, "{name}.{member} is not described");
        }
    }
    assert_eq!(schemas["NamedRecord"]["required"], json!(["local_id"]));
    assert_eq!(schemas["SubmittedRecord"]["required"], Value::Null);
}
