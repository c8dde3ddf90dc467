//! HTTP listeners of their own: how strictly FHIR is read there, TLS, and certificates
//! that speak for one source.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::fhir::authority;
use crate::fhir_bundles::{merged, plain};
use crate::hl7_hardened::{fingerprint, line_of, make_certificates};
use crate::people::with;
use crate::request::segment;
use crate::searching::audit_of;
use crate::world::{Actor, World};

/// A service with this file of listeners.
fn with_listeners(folder: &Path, settings: &str) -> World {
    let file = folder.join("http.toml");
    std::fs::write(&file, settings).expect("a file");
    let file = file.display().to_string();
    World::start_with(&[("ACCORD_HTTP", &file)])
}

/// Where the listener beside the first one is.
fn beside(world: &World) -> String {
    let log = world.log();
    let said = log.lines().rev().find_map(|line| {
        let (_, address) = line.split_once("http beside on ")?;
        Some(address.split_once("://")?.1.trim().to_owned())
    });
    said.expect("the service says where else it listens")
}

struct Said {
    status: u16,
    text: String,
}

/// One request on a line of its own; `None` where the line is not given.
fn ask(
    mut line: impl Read + Write,
    (method, path): (&str, &str),
    token: Option<&str>,
    body: &str,
) -> Option<Said> {
    let token = token.map_or_else(String::new, |token| {
        format!("authorization: Bearer {token}\r\n")
    });
    let length = body.len();
    let media = if path.starts_with("/fhir") {
        "application/fhir+json"
    } else {
        "application/json"
    };
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{token}\
         accord-reason: direct care\r\ncontent-type: {media}\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    line.write_all(head.as_bytes()).ok()?;
    let mut answer = Vec::new();
    // A line that ends without goodbye has said all the same what it had to say.
    let _ = line.read_to_end(&mut answer);
    let text = String::from_utf8(answer).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    Some(Said { status, text })
}

#[test]
fn a_strict_listener_does_not_know_a_retired_id_and_the_usual_one_leads_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = "[[listener]]\n[[listener]]\nlisten = \"127.0.0.1:0\"\n\
        fhir.retired_ids = \"unknown\"\nfhir.search_minimum = \"any\"\n\
        fhir.pix_tells_asked = true\n";
    let world = with_listeners(folder.path(), settings);
    let strict = beside(&world);
    let token = world.token(Actor::Steward).expect("a token").clone();
    let strictly = |path: &str| {
        let line = TcpStream::connect(&strict).expect("somebody listens");
        ask(line, ("GET", &format!("/fhir/R4{path}")), Some(&token), "").expect("an answer")
    };
    let usually = |path: &str| world.fhir(Method::GET, path).by(Actor::Steward).send();
    world.sends(&plain("gp", "S-1"));
    let retired = world.sends(&plain("gp", "S-2")).id();
    world.sends(&merged("S-2", "S-1", "gp"));
    let system = segment(&authority("gp"));
    let pix = |value: &str| format!("/Patient/$ihe-pix?sourceIdentifier={system}%7C{value}");
    let search = |value: &str| format!("/Patient?identifier={system}%7C{value}");
    let read = format!("/Patient/{retired}");
    // The promise: a retired id resolves for ever.
    assert_eq!(usually(&pix("S-2")).status, 200);
    assert_eq!(usually(&search("S-2")).expect(200)["total"], 1);
    assert_eq!(usually(&read).expect(200)["active"], false);
    // OHIE-CR-16-50: it is no longer known.
    assert_eq!(strictly(&pix("S-2")).status, 404);
    let nobody = strictly(&search("S-2"));
    assert!(
        nobody.status == 200 && nobody.text.contains("\"total\":0"),
        "{}",
        nobody.text
    );
    assert_eq!(strictly(&read).status, 404);
    // The one that goes on is known, and PIX tells the id that was asked with.
    let told = strictly(&pix("S-1"));
    assert!(
        told.status == 200 && told.text.contains("\"S-1\""),
        "{}",
        told.text
    );
    let told = usually(&pix("S-1")).expect(200);
    assert!(!told.text.contains("\"S-1\""), "{}", told.text);
    // A name alone is searched for there and nowhere else (R120).
    let by_name = "/Patient?family=Tallanford&given=Barnaby";
    usually(by_name).expect_outcome(400, "MISSING_VALUE");
    let found = strictly(by_name);
    assert!(found.text.contains("\"total\":1"), "{}", found.text);
    // Nor is one of a patient whose location is withheld.
    let label = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
    let hidden = json!({"birthDate": "1931-01-09",
        "meta": {"security": [{"system": label, "code": "R"}]}});
    world.sends(&with(&plain("gp", "S-5"), hidden));
    world.sends(&merged("S-5", "S-1", "gp"));
    assert_eq!(usually(&search("S-5")).expect(200)["total"], 1);
    assert_eq!(strictly(&pix("S-5")).status, 404);
    // Its source uses the id again: it is known again.
    world.sends(&plain("gp", "S-2"));
    assert_eq!(strictly(&pix("S-2")).status, 200);
    world.verify();
}

#[test]
fn a_certificate_speaks_for_its_source_and_for_no_other() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("left out: the story needs openssl");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    make_certificates(folder);
    let place = folder.display();
    let settings = format!(
        "[[listener]]\n[[listener]]\nlisten = \"127.0.0.1:0\"\n[listener.tls]\n\
         certificate = \"{place}/server.pem\"\nkey = \"{place}/server.key\"\n\
         clients = \"{place}/ca.pem\"\n[[client]]\ncertificate = \"{}\"\n\
         account = \"pas-engine\"\nsource = \"pas\"\n",
        fingerprint(folder, "pas")
    );
    let world = with_listeners(folder, &settings);
    let address = beside(&world);
    let sends = |client: Option<&str>, token: Option<&String>, patient: &Value| {
        let line = line_of(folder, &address, client);
        let token = token.map(String::as_str);
        ask(
            line,
            ("POST", "/fhir/R4/Patient"),
            token,
            &patient.to_string(),
        )
    };
    let status = |said: Option<Said>| said.map(|said| said.status);
    let own = plain("pas", "C-1");
    let foreign = plain("gp", "C-2");
    // The certificate is enough for its own source.
    assert_eq!(status(sends(Some("pas"), None, &own)), Some(201));
    assert_eq!(status(sends(Some("pas"), None, &foreign)), Some(403));
    // A token that may write for all sources writes for this one alone on its line.
    let all = world.token(Actor::Integration);
    assert_eq!(status(sends(Some("pas"), all, &own)), Some(200));
    assert_eq!(status(sends(Some("pas"), all, &foreign)), Some(403));
    // A token of another source is refused, whatever it wants to write.
    let gp = world.token(Actor::GpFeed);
    assert_eq!(status(sends(Some("pas"), gp, &foreign)), Some(403));
    assert_eq!(status(sends(Some("pas"), gp, &own)), Some(403));
    // A certificate that speaks for nobody brings a token, and none no line.
    assert_eq!(status(sends(Some("other"), None, &own)), Some(401));
    assert_eq!(status(sends(Some("other"), gp, &foreign)), Some(201));
    assert_eq!(status(sends(None, gp, &foreign)), None);
    assert_eq!(world.record("gp", "C-2").list("versions").len(), 1);
    // The native door holds to it too.
    let line = line_of(folder, &address, Some("pas"));
    let native = ask(line, ("PUT", "/api/v1/sources/gp/records/C-3"), None, "{}");
    assert_eq!(status(native), Some(403));
    world.verify();
    // What was forged stands in the audit, and whose it was said to be.
    let forged = audit_of(&world, "write_record").into_iter().filter(|row| {
        let purpose = row.purpose.as_deref().unwrap_or_default();
        purpose.starts_with("refused:") && row.record.as_deref() == Some("gp")
    });
    let by: Vec<String> = forged.map(|row| row.actor).collect();
    assert_eq!(
        by.iter().filter(|actor| *actor == "pas-engine").count(),
        2,
        "{by:?}"
    );
    let of_another = audit_of(&world, "message_refused");
    assert_eq!(of_another.len(), 2);
}
