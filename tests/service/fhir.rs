//! FHIR R4: a source's record as a Patient, written, versioned and read back; and the
//! person that it belongs to.

use reqwest::Method;
use serde_json::{Value, json};

use crate::people::{NUMBERS, verified_person, with};
use crate::request::{Answer, Request};
use crate::searching::audit_of;
use crate::world::{Actor, World};

/// The authority of a source that nobody has named one for.
pub(crate) fn authority(source: &str) -> String {
    format!("urn:accord:source:{source}")
}

impl World {
    /// A request to a path under `/fhir/R4`.
    pub(crate) fn fhir(&self, method: Method, path: &str) -> Request<'_> {
        Request::new(self, method, format!("/fhir/R4{path}"))
    }

    /// A source sends a Patient; it must be taken.
    #[track_caller]
    pub(crate) fn sends(&self, patient: &Value) -> Answer {
        let answer = self.posts("/Patient", patient);
        let status = if answer.status == 201 { 201 } else { 200 };
        answer.expect(status)
    }

    pub(crate) fn posts(&self, path: &str, resource: &Value) -> Answer {
        self.guards(resource);
        let body = resource.to_string();
        let request = self.fhir(Method::POST, path);
        request.bytes("application/fhir+json", body).send()
    }

    pub(crate) fn puts(&self, path: &str, resource: &Value, if_match: Option<&str>) -> Answer {
        self.guards(resource);
        let mut request = self.fhir(Method::PUT, path);
        if let Some(tag) = if_match {
            request = request.header("if-match", tag);
        }
        let body = resource.to_string();
        request.bytes("application/fhir+json", body).send()
    }

    /// A steward reads a Patient.
    #[track_caller]
    pub(crate) fn reads(&self, id: &str) -> Answer {
        let request = self.fhir(Method::GET, &format!("/Patient/{id}"));
        request.by(Actor::Steward).send().expect(200)
    }
}

impl Answer {
    /// The id of the resource.
    #[track_caller]
    pub(crate) fn id(&self) -> String {
        self["id"]
            .as_str()
            .expect("a resource with an id")
            .to_owned()
    }

    /// The person that a record's Patient refers to.
    #[track_caller]
    pub(crate) fn refers_to(&self) -> String {
        let links = self.list("link").iter();
        let mut refers = links.filter(|link| link["type"] == "refer");
        let reference = refers.next().expect("a link to the person");
        let reference = reference["other"]["reference"]
            .as_str()
            .expect("a reference");
        reference.trim_start_matches("Patient/").to_owned()
    }

    /// The code of the national services in an OperationOutcome.
    #[track_caller]
    pub(crate) fn spine_code(&self) -> &str {
        assert_eq!(self["resourceType"], "OperationOutcome", "{}", self.text);
        let coding = &self["issue"][0]["details"]["coding"][0];
        coding["code"].as_str().unwrap_or("none")
    }

    /// An OperationOutcome with this code, which repeats no value.
    #[track_caller]
    pub(crate) fn expect_outcome(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.spine_code(), code, "{}", answer.text);
        let kind = answer
            .headers
            .get("content-type")
            .map_or("", String::as_str);
        assert!(kind.starts_with("application/fhir+json"), "{kind}");
        answer
    }
}

/// A UK Core Patient with more in it than is understood here.
pub(crate) fn rich(source: &str, local_id: &str) -> Value {
    json!({
        "resourceType": "Patient",
        "meta": {"profile": ["https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient"]},
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"},
        "extension": [{"url": "https://example.org/kept", "valueString": "kept as it is"}],
        "identifier": [
            {"system": "https://fhir.nhs.uk/Id/nhs-number", "value": NUMBERS[8], "extension": [{
                "url": "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
                "valueCodeableConcept": {"coding": [{"system":
                    "https://fhir.hl7.org.uk/CodeSystem/UKCore-NHSNumberVerificationStatus",
                    "code": "01"}]}}]},
            {"use": "official", "system": authority(source), "value": local_id},
            {"system": "https://example.org/passport", "value": "X-4471"},
        ],
        "name": [
            {"use": "maiden", "family": "Wexendale", "given": ["Perdita"]},
            {"use": "usual", "family": "Ravenshaw", "given": ["Perdita", "Joan"], "prefix": ["Dr"],
             "suffix": ["OBE"]},
        ],
        "telecom": [
            {"system": "phone", "value": "07700 900417", "use": "mobile"},
            {"system": "email", "value": "perdita@example.org"},
            {"system": "phone", "value": "07700 900999", "use": "old"},
        ],
        "gender": "female", "birthDate": "1971-02-03",
        "address": [{"use": "home", "line": ["4 Heron Close", null],
            "_line": [null, {"extension": [{"url": "https://example.org/x", "valueBoolean": true}]}],
            "city": "Leeds", "postalCode": "LS9 4QX"}],
        "generalPractitioner": [{"identifier":
            {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "Y12345"}}],
        "contact": [{"relationship": [{"text": "brother"}], "name": {"text": "Lysander Wexendale"},
            "telecom": [{"system": "phone", "value": "07700 900555"}]}],
        "communication": [{"language": {"coding": [{"code": "en"}]}, "preferred": true}],
    })
}

#[test]
fn what_is_not_understood_is_kept_and_given_back() {
    let world = World::start();
    let sent = rich("gp", "F-1");
    let made = world.posts("/Patient", &sent).expect(201);
    let id = made.id();
    assert!(id.starts_with("R-"), "{id}");
    assert_eq!(made.headers["etag"], "W/\"1\"");
    assert_eq!(
        made.headers["location"],
        format!("/fhir/R4/Patient/{id}/_history/1")
    );
    let read = world.reads(&id);
    for (member, value) in sent.as_object().expect("members") {
        match member.as_str() {
            "meta" => assert_eq!(read["meta"]["profile"], value["profile"]),
            _ => assert_eq!(&read[member.as_str()], value, "{member}"),
        }
    }
    assert!(!read.text.contains("F-1-other") && !id.contains("F-1"));
    // The other doors know it as any record.
    let record = world.record("gp", "F-1");
    assert_eq!(record["record"]["family_name"], "Ravenshaw");
    assert_eq!(record["record"]["nhs_number_status"], "01");
    assert_eq!(record["record"]["aliases"][0]["family_name"], "Wexendale");
    assert_eq!(record["record"]["phones"], json!(["07700 900417"]));
    assert_eq!(record["record"]["gp_practice"], "Y12345");
    assert_eq!(
        record["record"]["associated_persons"][0]["phone"],
        "07700 900555"
    );
}

#[test]
fn a_record_of_another_door_is_a_patient_too() {
    let world = World::shared();
    world.registers("pas", "fhir-native", &verified_person("fhir-native"));
    let person = world.cross_reference("pas", "fhir-native").person();
    let read = world.reads(&person);
    assert_eq!(
        read["meta"]["profile"][0],
        "https://fhir.hl7.org.uk/StructureDefinition/UKCore-Patient"
    );
    let links = read.list("link");
    let record = links[0]["other"]["reference"].as_str().expect("a record");
    let record = world.reads(record.trim_start_matches("Patient/"));
    assert_eq!(record.refers_to(), person);
    let own = &record["identifier"][0];
    assert_eq!(own["system"], authority("pas"));
    assert_eq!(own["value"], "fhir-native");
    assert_eq!(record["name"][0]["family"], read["name"][0]["family"]);
}

#[test]
fn r107_versions_are_written_under_a_condition_and_kept() {
    let world = World::start();
    let first = rich("gp", "F-1");
    let id = world.sends(&first).id();
    let path = format!("/Patient/{id}");
    let moved = with(&first, json!({"telecom": []}));
    world
        .puts(&path, &moved, None)
        .expect_outcome(428, "PRECONDITION_FAILED");
    world
        .puts(&path, &moved, Some("W/\"7\""))
        .expect_outcome(412, "RESOURCE_VERSION_MISMATCH");
    let second = world.puts(&path, &moved, Some("W/\"1\"")).expect(200);
    assert_eq!(second.headers["etag"], "W/\"2\"");
    assert_eq!(second["meta"]["versionId"], "2");
    let steward = |path: &str| world.fhir(Method::GET, path).by(Actor::Steward).send();
    let old = steward(&format!("{path}/_history/1")).expect(200);
    assert_eq!(old["telecom"], first["telecom"]);
    steward(&format!("{path}/_history/9")).expect_outcome(404, "RESOURCE_NOT_FOUND");
    let history = steward(&format!("{path}/_history")).expect(200);
    assert_eq!(history["total"], 2);
    assert_eq!(history["entry"][0]["response"]["etag"], "W/\"2\"");
    // What was read can be sent back as it is, and says nothing new.
    let read = world.reads(&id);
    let again = world.puts(&path, &read.body, Some("W/\"2\"")).expect(200);
    assert_eq!(again.headers["etag"], "W/\"2\"");
    let wrong = with(&moved, json!({"id": "R-1"}));
    world
        .puts(&path, &wrong, Some("W/\"2\""))
        .expect_outcome(400, "INVALID_VALUE");
}

#[test]
fn r107_the_same_again_changes_nothing_and_answers_the_same() {
    let world = World::start();
    let sent = rich("gp", "F-1");
    let first = world.posts("/Patient", &sent).expect(201);
    let again = world.posts("/Patient", &sent).expect(200);
    assert_eq!(first.body, again.body);
    assert_eq!(first.headers["etag"], again.headers["etag"]);
    let correction = with(&sent, json!({"telecom": []}));
    let corrected = world.posts("/Patient", &correction).expect(200);
    assert_eq!(corrected.id(), first.id(), "a local id has one record");
    assert_eq!(corrected.headers["etag"], "W/\"2\"");
    let unless = world.fhir(Method::POST, "/Patient");
    let condition = format!("identifier={}|F-1", authority("gp"));
    let unless = unless.header("if-none-exist", &condition);
    let kept = unless
        .bytes("application/fhir+json", sent.to_string())
        .send()
        .expect(200);
    assert_eq!(kept["telecom"], json!([]), "{}", kept.text);
}

#[test]
fn a_source_writes_by_its_business_identifier_and_withdraws() {
    let world = World::start();
    let path = format!("/Patient?identifier={}|F-7", authority("gp"));
    let made = world.puts(&path, &rich("gp", "F-7"), None).expect(201);
    world
        .puts(&path, &rich("gp", "F-8"), None)
        .expect_outcome(422, "INVALID_VALUE");
    let changed = with(&rich("gp", "F-7"), json!({"telecom": []}));
    let changed = world.puts(&path, &changed, None).expect(200);
    assert_eq!(changed.id(), made.id());
    world.fhir(Method::DELETE, &path).send().expect(204);
    let gone = world
        .fhir(Method::GET, &format!("/Patient/{}", made.id()))
        .by(Actor::Steward);
    gone.send().expect_outcome(410, "INVALIDATED_RESOURCE");
    world.verify();
}

#[test]
fn a_forged_authority_changes_nothing_and_is_audited() {
    let world = World::start();
    let foreign = rich("pas", "F-1");
    let by_gp = |path: &str, method: Method| {
        let request = world.fhir(method, path).by(Actor::GpFeed);
        request
            .bytes("application/fhir+json", foreign.to_string())
            .send()
    };
    let refused = by_gp("/Patient", Method::POST).expect_outcome(403, "ACCESS_DENIED");
    assert!(
        refused.text.contains("urn:accord:source:pas"),
        "{}",
        refused.text
    );
    let path = format!("/Patient?identifier={}|F-1", authority("pas"));
    by_gp(&path, Method::PUT).expect_outcome(403, "ACCESS_DENIED");
    let record = world.get("/sources/pas/records/F-1").by(Actor::Steward);
    record.send().expect(404);
    // Its own identifier beside the foreign one is what names the record.
    let mut both = foreign.clone();
    let own = json!({"system": authority("gp"), "value": "G-1"});
    both["identifier"]
        .as_array_mut()
        .expect("identifiers")
        .push(own);
    let request = world.fhir(Method::POST, "/Patient").by(Actor::GpFeed);
    let taken = request
        .bytes("application/fhir+json", both.to_string())
        .send();
    taken.expect(201);
    world.record("gp", "G-1");
    let refused = audit_of(&world, "write_record").into_iter();
    let refused = refused.filter(|row| {
        row.purpose
            .as_deref()
            .is_some_and(|it| it.contains("refused"))
    });
    let refused: Vec<_> = refused.map(|row| (row.actor, row.record)).collect();
    assert_eq!(
        refused,
        vec![("gp-feed".to_owned(), Some("pas".to_owned())); 2]
    );
}

#[test]
fn what_cannot_be_taken_is_named_by_its_place_and_no_value_is_repeated() {
    let world = World::shared();
    let base = rich("gp", "F-bad");
    let cases = [
        (
            json!({"identifier": []}),
            422,
            "MISSING_VALUE",
            "Patient.identifier",
        ),
        (
            json!({"identifier": [{"value": "F-bad"}]}),
            422,
            "MISSING_VALUE",
            "Patient.identifier[0].system",
        ),
        (
            json!({"identifier": [{"system": "http://example.org/unknown", "value": "1"}]}),
            422,
            "INVALID_CODE",
            "Patient.identifier[0].system",
        ),
        (
            json!({"name": "Ravenshaw"}),
            400,
            "INVALID_VALUE",
            "Patient.name",
        ),
        (
            json!({"name": [{"family": ["Ravenshaw"]}]}),
            400,
            "INVALID_VALUE",
            "Patient.name[0].family",
        ),
        (
            json!({"managingOrganization": {"reference": "Organization/3930"}}),
            422,
            "INVALID_VALUE",
            "Patient.managingOrganization",
        ),
        (
            json!({"modifierExtension": [{"url": "https://example.org/not"}]}),
            400,
            "INVALID_VALUE",
            "Patient.modifierExtension",
        ),
        (
            json!({"resourceType": "Person"}),
            400,
            "INVALID_VALUE",
            "Resource.resourceType",
        ),
    ];
    for (change, status, code, place) in cases {
        let answer = world
            .posts("/Patient", &with(&base, change))
            .expect_outcome(status, code);
        assert_eq!(
            answer["issue"][0]["expression"][0], place,
            "{}",
            answer.text
        );
        assert!(!answer.text.contains("Ravenshaw"), "{}", answer.text);
    }
    let broken = world.fhir(Method::POST, "/Patient");
    let broken = broken.bytes("application/fhir+json", "{\"name\": [").send();
    broken.expect_outcome(400, "INVALID_VALUE");
    let turtle = world
        .fhir(Method::POST, "/Patient")
        .bytes("application/fhir+turtle", "[] a fhir:Patient .");
    turtle.send().expect_outcome(415, "UNSUPPORTED_SERVICE");
}

#[test]
fn what_comes_as_xml_is_judged_as_json_and_kept() {
    let world = World::start();
    let sends = |text: &str| {
        let asked = world.fhir(Method::POST, "/Patient");
        asked
            .bytes("application/fhir+xml; charset=utf-8", text.to_owned())
            .send()
    };
    let system = authority("gp");
    let whole = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Patient xmlns=\"http://hl7.org/fhir\">\
         <identifier><system value=\"{system}\"/><value value=\"X-1\"/></identifier>\
         <active value=\"true\"/><name><family value=\"D&apos;Ambleteuse\"/>\
         <given value=\"Peregrine\"/></name><gender value=\"male\"/>\
         <birthDate value=\"1958-11-30\"/></Patient>"
    );
    let taken = sends(&whole).expect(201);
    assert_eq!(taken["name"][0]["family"], "D'Ambleteuse");
    assert_eq!(taken["active"], true);
    let said = json!({"resourceType": "Patient", "active": true,
        "identifier": [{"system": system, "value": "X-1"}],
        "name": [{"family": "D'Ambleteuse", "given": ["Peregrine"]}],
        "gender": "male", "birthDate": "1958-11-30"});
    world.sends(&said).expect(200);
    assert_eq!(
        world.record("gp", "X-1").list("versions").len(),
        1,
        "it is the same"
    );
    let twice = whole.replace("<gender", "<birthDate value=\"1958-11-29\"/><gender");
    let odd = sends(&twice).expect_outcome(400, "INVALID_VALUE");
    assert_eq!(odd["issue"][0]["expression"][0], "Patient.birthDate");
    let entity = "<!DOCTYPE Patient [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>\
        <Patient><id value=\"&a;\"/></Patient>";
    for text in ["<Patient>", "<Observation/>", entity] {
        sends(text).expect_outcome(400, "INVALID_VALUE");
    }
    // And it goes back in XML to who takes that: the same, so that it is known already.
    let path = format!("/Patient/{}", taken.id());
    let wants = |path: &str| {
        let asked = world.fhir(Method::GET, path).by(Actor::Steward);
        asked.header("accept", "application/fhir+xml").send()
    };
    let back = wants(&path).expect(200);
    let media = back.headers.get("content-type").map(String::as_str);
    assert_eq!(media, Some("application/fhir+xml"));
    let family = "<name><family value=\"D&apos;Ambleteuse\"/><given value=\"Peregrine\"/></name>";
    assert!(back.text.contains(family), "{}", back.text);
    let versions = || world.record("gp", "X-1").list("versions").len();
    let before = versions();
    sends(&back.text).expect(200);
    assert_eq!(versions(), before, "{}", back.text);
    let unknown = wants("/Patient/R-1").expect(404);
    assert!(
        unknown.text.contains("<OperationOutcome xmlns="),
        "{}",
        unknown.text
    );
    let form = world
        .fhir(Method::POST, "/Patient/_search")
        .by(Actor::Steward);
    let form = form.bytes(
        "application/x-www-form-urlencoded",
        "_format=xml&family=D%27Ambleteuse&given=Peregrine&birthdate=1958-11-30",
    );
    let found = form.send().expect(200);
    let total = "<type value=\"searchset\"/><total value=\"1\"/>";
    assert!(found.text.contains(total), "{}", found.text);
}

#[test]
fn ids_of_an_exchange_come_back_and_errors_are_outcomes_everywhere() {
    let world = World::shared();
    let id = "60e0b220-8136-4ca5-ae46-1d97ef59d068";
    let asked = world.fhir(Method::GET, "/Patient/R-1").by(Actor::Steward);
    let asked = asked
        .header("x-request-id", id)
        .header("x-correlation-id", "batch-7");
    let answer = asked.send().expect_outcome(404, "RESOURCE_NOT_FOUND");
    assert_eq!(answer.headers["x-request-id"], id);
    assert_eq!(answer.headers["x-correlation-id"], "batch-7");
    let nobody = world.fhir(Method::GET, "/Patient/R-1").by(Actor::Nobody);
    nobody.send().expect_outcome(401, "ACCESS_DENIED");
    let unexplained = world.fhir(Method::GET, "/Patient/R-1").by(Actor::Steward);
    unexplained
        .without_reason()
        .send()
        .expect_outcome(403, "ACCESS_DENIED");
    let nowhere = world.fhir(Method::GET, "/Observation/1").send();
    nowhere.expect_outcome(404, "RESOURCE_NOT_FOUND");
    let method = world.fhir(Method::PATCH, "/Patient/R-1").send();
    method.expect_outcome(405, "UNSUPPORTED_SERVICE");
    let turtle = world
        .fhir(Method::GET, "/metadata")
        .header("accept", "text/turtle");
    turtle.send().expect_outcome(406, "UNSUPPORTED_SERVICE");
    let capability = world
        .fhir(Method::GET, "/metadata")
        .by(Actor::Nobody)
        .send()
        .expect(200);
    assert_eq!(capability["resourceType"], "CapabilityStatement");
    assert_eq!(capability["fhirVersion"], "4.0.1");
    let person = world.puts(
        "/Patient/P-0193d0a2b7c47d3e8f1a2b3c4d5e6f70",
        &json!({}),
        None,
    );
    person.expect_outcome(405, "UNSUPPORTED_SERVICE");
}

#[test]
fn a_held_update_is_said_and_not_served() {
    let world = World::start();
    let first = rich("gp", "F-1");
    let id = world.sends(&first).id();
    let other = with(
        &first,
        json!({"name": [{"family": "Otherly", "given": ["Gwendolen"]}], "birthDate": "1944-12-25"}),
    );
    let held = world.posts("/Patient", &other).expect(202);
    assert_eq!(held["resourceType"], "OperationOutcome");
    assert!(!held.headers.contains_key("etag"));
    let read = world.reads(&id);
    assert_eq!(read["meta"]["versionId"], "1");
    assert!(!read.text.contains("Gwendolen"));
    let history = world
        .fhir(Method::GET, &format!("/Patient/{id}/_history"))
        .by(Actor::Steward);
    assert!(!history.send().expect(200).text.contains("Gwendolen"));
}

#[test]
fn r27_a_person_has_one_nhs_number_and_a_retired_id_leads_on() {
    let world = World::start();
    let first = rich("gp", "F-1");
    let record = world.sends(&first);
    let person = record.refers_to();
    let numbers = |answer: &Answer| -> Vec<Value> {
        let identifiers = answer.list("identifier").iter();
        let numbers = identifiers.filter(|it| it["system"] == "https://fhir.nhs.uk/Id/nhs-number");
        numbers.map(|it| it["value"].clone()).collect()
    };
    let read = world.reads(&person);
    assert_eq!(numbers(&read), [json!(NUMBERS[8])]);
    assert_eq!(
        read["extension"][0]["valueString"], "kept as it is",
        "{}",
        read.text
    );
    let second = with(
        &first,
        json!({"identifier": [{"system": authority("pas"), "value": "F-2"}],
            "name": [{"family": "Thornwick", "given": ["Beatrix"]}], "birthDate": "1950-01-09",
            "telecom": [], "address": []}),
    );
    let other = world.sends(&second).refers_to();
    assert_ne!(person, other);
    let body = json!({"survivor": person, "retired": other, "reason": "both are hers"});
    let merge = world.post("/merges").by(Actor::Steward).json(&body).send();
    assert!(matches!(merge.status, 200..=202), "{}", merge.text);
    if let Some(task) = merge["task"].as_str() {
        let path = format!("/review/tasks/{task}");
        let opened = world.get(&path).by(Actor::Approver).send().expect(200);
        let decision = json!({"outcome": "approve", "reason": "seen",
            "evidence": opened["evidence"]});
        world
            .post(&format!("{path}/decide"))
            .by(Actor::Approver)
            .json(&decision)
            .send()
            .expect(200);
    }
    let retired = world.reads(&other);
    assert_eq!(retired["active"], false);
    assert_eq!(retired["link"][0]["type"], "replaced-by");
    assert_eq!(
        retired["link"][0]["other"]["reference"],
        format!("Patient/{person}")
    );
    assert!(retired["name"].is_null());
    let survivor = world.reads(&person);
    assert_eq!(numbers(&survivor).len(), 1);
    assert!(
        survivor.text.contains(&other),
        "it says whom it replaces: {}",
        survivor.text
    );
}

#[test]
fn r109_the_location_of_a_restricted_patient_is_nowhere() {
    let world = World::start();
    let label = json!({"security": [{"code": "R"}]});
    let sent = with(&rich("gp", "F-1"), json!({"meta": label}));
    let record = world.sends(&sent);
    let id = record.id();
    let person = record.refers_to();
    let paths = [
        format!("/Patient/{id}"),
        format!("/Patient/{id}/_history"),
        format!("/Patient/{id}/_history/1"),
        format!("/Patient/{person}"),
    ];
    for path in &paths {
        for actor in [Actor::Integration, Actor::Steward, Actor::Clinician] {
            let answer = world.fhir(Method::GET, path).by(actor).send().expect(200);
            for hidden in [
                "LS9", "Heron", "900417", "perdita@", "Y12345", "Lysander", "900555",
            ] {
                assert!(
                    !answer.text.contains(hidden),
                    "{path} shows {hidden}: {}",
                    answer.text
                );
            }
            assert!(answer.text.contains("Ravenshaw"), "{path}: {}", answer.text);
            assert!(
                answer.text.contains("\"R\""),
                "{path} is not labelled: {}",
                answer.text
            );
        }
    }
    let officer = world
        .fhir(Method::GET, &paths[0])
        .by(Actor::PrivacyOfficer)
        .send()
        .expect(200);
    assert!(officer.text.contains("4 Heron Close"), "{}", officer.text);
}
