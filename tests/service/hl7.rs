//! What an integration engine may say in HL7 v2, and what it is told.

use serde_json::{Value, json};

use crate::mllp::{Hl7World, framed};
use crate::people::{NUMBERS, person};
use crate::searching::audit_of;

/// The fields of a PID that a story sets: id with its authority, name, birth date, sex
/// and further fields by number.
fn pid(id: &str, name: &str, born: &str, sex: &str, further: &[(usize, &str)]) -> String {
    let mut fields = vec![String::new(); 33];
    for (place, value) in [(3, id), (5, name), (7, born), (8, sex)]
        .iter()
        .chain(further)
    {
        (*value).clone_into(&mut fields[*place]);
    }
    format!("PID|{}", fields[1..].join("|"))
}

/// A message of the practices' system.
fn message(event: &str, control_id: &str, at: &str, segments: &str) -> String {
    from("PRACTICE|G82001", event, control_id, at, segments)
}

fn from(sender: &str, event: &str, control_id: &str, at: &str, segments: &str) -> String {
    let kind = if event.starts_with('Q') { "QBP" } else { "ADT" };
    format!(
        "MSH|^~\\&|{sender}|ACCORD|KENT|{at}||{kind}^{event}|{control_id}|P|2.5\nEVN|{event}|{at}\n{segments}"
    )
}

fn imogen(id: &str) -> String {
    pid(
        id,
        "Thornwick^Imogen^May^^Mrs^^L",
        "19800512",
        "F",
        &[(11, "4 Quarry Lane^^Leeds^^LS8 2QD^^H")],
    )
}

/// A record, as a steward reads it.
fn record(here: &Hl7World, source: &str, local_id: &str) -> Value {
    here.world.record(source, local_id).body
}

#[test]
fn r26_a_registration_is_read_by_the_conventions_of_the_united_kingdom() {
    let here = Hl7World::start("").serves();
    let mut engine = here.connects();
    let segments = [
        pid(
            &format!("G1^^^GP^MR~{}^^^NHS^NH", NUMBERS[0]),
            "Thornwick^Imogen^May^^Mrs^^L~Ravenbrook^Imogen^^^^^M",
            "19800512",
            "F",
            &[
                (11, "4 Quarry Lane^^Leeds^^LS8 2QD^^H"),
                (13, "07700 900123^PRN~^NET^Internet^im@example.org"),
                (32, "NSTS02~ED"),
            ],
        ),
        "PD1|||High Street^^G82001".to_owned(),
        "NK1|1|Thornwick^Ambrose|SPO^Spouse||01632 960001".to_owned(),
        "PV1||I".to_owned(),
        "ZPI|kept|as sent".to_owned(),
    ];
    engine
        .asks(&message("A28", "1", "20260301101500", &segments.join("\n")))
        .expect("AA");
    let said = record(&here, "gp", "G1");
    let said = &said["record"];
    assert_eq!(said["nhs_number"], NUMBERS[0]);
    assert_eq!(said["nhs_number_status"], "02");
    assert_eq!(said["birth_date"], "1980-05-12");
    assert_eq!(said["birth_date_estimated"], true);
    assert_eq!(said["given_names"], json!(["Imogen", "May"]));
    assert_eq!(said["aliases"][0]["family_name"], "Ravenbrook");
    assert_eq!(said["aliases"][0]["use"], "maiden");
    assert_eq!(said["gp_practice"], "G82001");
    assert_eq!(said["emails"], json!(["im@example.org"]));
    assert_eq!(said["associated_persons"][0]["name"], "Ambrose Thornwick");
    assert_eq!(
        said["phones"],
        json!(["07700 900123"]),
        "r71: a spouse's phone is not the patient's"
    );
    assert_eq!(said["other_columns"]["hl7:ZPI"], "ZPI|kept|as sent");
    assert!(
        said["other_columns"].get("hl7:PV1").is_none(),
        "visits are not kept"
    );

    let inline = pid(
        &format!("G2^^^GP~{}^^^NHS^NH{{status:01}}", NUMBERS[1]),
        "Pender^Rupert",
        "19610203",
        "M",
        &[(11, "1 Heron Close^^Leeds^^LS8 2QD"), (32, "UD~UA~AL")],
    );
    engine
        .asks(&message("A31", "2", "20260301101600", &inline))
        .expect("AA");
    let said = record(&here, "gp", "G2");
    let said = &said["record"];
    assert_eq!(said["nhs_number_status"], "01");
    assert!(
        said.get("birth_date").is_none() && said.get("addresses").is_none(),
        "{said}"
    );
    assert_eq!(said["aliases"][0]["use"], "alias");
    here.world.verify();
}

#[test]
fn r107_i4_a_replay_is_answered_as_before_and_a_used_control_id_loses_nothing() {
    let here = Hl7World::start("").serves();
    let mut engine = here.connects();
    let first = message("A28", "7", "20260301101500", &imogen("G1^^^GP"));
    engine.asks(&first).expect("AA");
    engine.asks(&first).expect("AA");
    assert_eq!(
        record(&here, "gp", "G1")["versions"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let other = message("A28", "7", "20260301101700", &imogen("G2^^^GP"));
    let told = engine.asks(&other).expect("AA");
    assert!(
        told.text.contains("was used before for another one"),
        "{}",
        told.text
    );
    let findings = record(&here, "gp", "G2")["findings"].to_string();
    assert!(findings.contains("message_id_reused"), "{findings}");
    // A later version, then the first message once more: nothing goes back.
    let moved = pid(
        "G1^^^GP",
        "Thornwick^Imogen^May",
        "19800512",
        "F",
        &[(11, "9 Heron Close^^Leeds^^LS9 1AA^^H")],
    );
    engine
        .asks(&message("A31", "8", "20260401101500", &moved))
        .expect("AA");
    engine.asks(&first).expect("AA");
    let now = record(&here, "gp", "G1");
    assert_eq!(now["versions"].as_array().map(Vec::len), Some(2));
    assert_eq!(now["record"]["addresses"][0]["postcode"], "LS9 1AA");
    here.world.verify();
}

#[test]
fn i19_a_later_message_never_loses_to_an_earlier_one() {
    let here = Hl7World::start("").serves();
    let (mut one, mut two) = (here.connects(), here.connects());
    let at = |minute: usize| {
        let line = format!("{minute} Quarry Lane^^Leeds^^LS8 2QD^^H");
        let segments = pid(
            "G1^^^GP",
            "Thornwick^Imogen",
            "19800512",
            "F",
            &[(11, &line)],
        );
        message(
            "A31",
            &format!("m{minute}"),
            &format!("2026030110{minute:02}00"),
            &segments,
        )
    };
    for minute in [3, 9, 1, 7, 8, 2, 6, 4, 5] {
        let engine = if minute % 2 == 0 { &mut one } else { &mut two };
        engine.asks(&at(minute)).expect("AA");
    }
    one.asks(&message("A29", "w", "20260301100500", &imogen("G1^^^GP")))
        .expect("AA");
    let now = record(&here, "gp", "G1");
    assert_eq!(now["record"]["addresses"][0]["lines"][0], "9 Quarry Lane");
    assert_eq!(now["versions"].as_array().map(Vec::len), Some(9));
    assert_eq!(
        now["status"], "active",
        "a withdrawal from before the last version comes too late"
    );
    one.asks(&message("A29", "x", "20260301120000", &imogen("G1^^^GP")))
        .expect("AA");
    assert_eq!(record(&here, "gp", "G1")["status"], "withdrawn");
    here.world.verify();
}

#[test]
fn r104_a_source_merges_and_renames_its_own_ids_and_the_retired_one_resolves() {
    let here = Hl7World::start("").serves();
    let mut engine = here.connects();
    for id in ["G1", "G2"] {
        let segments = imogen(&format!("{id}^^^GP"));
        engine
            .asks(&message("A28", id, "20260301101500", &segments))
            .expect("AA");
    }
    let merge = format!("{}\nMRG|G2^^^GP", imogen("G1^^^GP"));
    let merge = message("A40", "m", "20260302101500", &merge);
    engine.asks(&merge).expect("AA");
    engine.asks(&merge).expect("AA");
    let asks = |id: &str| {
        from(
            "PAS|RVV",
            "Q23",
            "q",
            "20260303",
            &format!("QPD|IHE PIX Query|t1|{id}\nRCP|I"),
        )
    };
    assert_eq!(
        engine.asks(&asks("G2^^^GP")).expect("AA").ids(),
        ["G1", "G2"]
    );
    // A new id for the one that is left: both lead to one person.
    let renamed = "PID|||G9^^^GP\nMRG|G1^^^GP";
    engine
        .asks(&message("A47", "r", "20260304101500", renamed))
        .expect("AA");
    assert_eq!(
        engine.asks(&asks("G1^^^GP")).expect("AA").ids(),
        ["G1", "G2", "G9"]
    );
    let said = record(&here, "gp", "G9");
    assert_eq!(said["record"]["family_name"], "Thornwick");
    here.world.verify();
}

#[test]
fn a_strict_listener_does_not_know_a_retired_id() {
    let here = Hl7World::start("retired_ids = \"unknown\"").serves();
    let mut engine = here.connects();
    for id in ["G1", "G2"] {
        engine
            .asks(&message(
                "A28",
                id,
                "20260301101500",
                &imogen(&format!("{id}^^^GP")),
            ))
            .expect("AA");
    }
    let merge = format!("{}\nMRG|G2^^^GP", imogen("G1^^^GP"));
    engine
        .asks(&message("A40", "m", "20260302101500", &merge))
        .expect("AA");
    let asks = |id: &str| {
        from(
            "PAS|RVV",
            "Q23",
            "q",
            "20260303",
            &format!("QPD|IHE PIX Query|t1|{id}\nRCP|I"),
        )
    };
    let told = engine.asks(&asks("G2^^^GP")).expect("AE");
    assert_eq!(told.field("QAK", 2), "AE");
    assert_eq!(told.field("ERR", 2), "QPD^1^3^1^1");
    assert_eq!(
        engine.asks(&asks("G1^^^GP")).expect("AA").ids(),
        ["G1", "G2"]
    );
    // The source uses the id again: it stands for a patient once more.
    engine
        .asks(&message(
            "A31",
            "again",
            "20260305101500",
            &imogen("G2^^^GP"),
        ))
        .expect("AA");
    engine.asks(&asks("G2^^^GP")).expect("AA");
    here.world.verify();
}

#[test]
fn a_forged_authority_and_a_foreign_merge_change_nothing_and_are_written_down() {
    let here = Hl7World::start("").serves();
    let mut engine = here.connects();
    engine
        .asks(&message("A28", "1", "20260301101500", &imogen("G1^^^GP")))
        .expect("AA");
    engine
        .asks(&message("A28", "2", "20260301101500", &imogen("G2^^^GP")))
        .expect("AA");
    let before = here.world.get("/events").send().expect(200).text;
    let forged = [
        message("A28", "f1", "20260302101500", &imogen("X1^^^RVV")),
        message("A28", "f2", "20260302101500", &imogen("X1^^^NOBODY")),
        message("A28", "f3", "20260302101500", &imogen("X1^^^GP&9.9.9&ISO")),
        message("A28", "f4", "20260302101500", &imogen("X1")),
        from(
            "PAS|RVV",
            "A40",
            "f5",
            "20260302101500",
            &format!("{}\nMRG|G2^^^GP", imogen("G1^^^GP")),
        ),
        message("A29", "f6", "20260302101500", &imogen("G1^^^RVV")),
    ];
    for forged in &forged {
        let told = engine.asks(forged).expect("AE");
        assert!(
            !told.field("ERR", 8).is_empty() && !told.text.contains("X1"),
            "{}",
            told.text
        );
    }
    let stranger = from(
        "STRANGER|X",
        "A28",
        "f7",
        "20260302101500",
        &imogen("G1^^^GP"),
    );
    engine.asks(&stranger).expect("AR");
    let after = here.world.get("/events").send().expect(200).text;
    assert_eq!(before, after);
    let refused = audit_of(&here.world, "message_refused");
    // All but the one without an authority, which is a fault and no attempt.
    assert_eq!(refused.len(), 6, "{refused:?}");
    assert!(refused.iter().any(|row| row.actor == "hl7:unknown"));
    here.world.verify();
}

#[test]
fn a24_and_a37_link_and_unlink_by_a_named_operator_of_a_trusted_source() {
    let here = Hl7World::start("");
    let trust = [
        "source",
        "add",
        "pas",
        "--name",
        "Hospital",
        "--acts-for-people",
    ];
    here.world.accord(&trust).expect(0);
    let here = here.serves();
    let mut engine = here.connects();
    let (one, two) = (person("hl7 links one"), person("hl7 links two"));
    here.world.registers("pas", "P1", &one);
    here.world.registers("gp", "G1", &two);
    let pair = "PID|||P1^^^RVV\nPID|||G1^^^GP";
    let by = |event: &str, id: &str, operator: &str| {
        format!(
            "MSH|^~\\&|PAS|RVV|ACCORD|KENT|20260301101500||ADT^{event}|{id}|P|2.5\nEVN|{event}|20260301101500|||{operator}\n{pair}"
        )
    };
    engine.asks(&by("A24", "1", "")).expect("AE");
    let foreign = message("A24", "2", "20260301101500", pair);
    engine.asks(&foreign).expect("AE");
    engine.asks(&by("A24", "3", "U123^Stewart")).expect("AA");
    engine.asks(&by("A24", "3", "U123^Stewart")).expect("AA");
    let person_of =
        |source: &str, id: &str| here.world.cross_reference(source, id).member("person_id");
    assert_eq!(person_of("pas", "P1"), person_of("gp", "G1"));
    engine.asks(&by("A37", "4", "U123^Stewart")).expect("AA");
    assert_ne!(person_of("pas", "P1"), person_of("gp", "G1"));
    // Said again, also under another id, it is so already.
    engine.asks(&by("A37", "5", "U123^Stewart")).expect("AA");
    assert_ne!(person_of("pas", "P1"), person_of("gp", "G1"));
    here.world.verify();
}

#[test]
fn the_enhanced_mode_accepts_first_and_then_answers() {
    let here = Hl7World::start("").serves();
    let mut engine = here.connects();
    let enhanced = |modes: &str, id: &str, patient: &str| {
        format!(
            "MSH|^~\\&|PRACTICE|G82001|ACCORD|KENT|20260301101500||ADT^A28^ADT_A05|{id}|P|2.5|||{modes}\nEVN||20260301101500\n{patient}"
        )
    };
    let good = imogen("G1^^^GP");
    engine.asks(&enhanced("AL|AL", "1", &good)).expect("CA");
    let answer = engine
        .receives()
        .expect("the application answers")
        .expect("AA");
    assert_eq!(answer.field("MSA", 2), "1");
    assert_eq!(answer.field("MSH", 9), "ACK^A28^ACK");
    engine.asks(&enhanced("AL|NE", "2", &good)).expect("CA");
    let bad = imogen("G1^^^RVV");
    engine.asks(&enhanced("AL|NE", "3", &bad)).expect("CE");
    engine.asks(&enhanced("NE|ER", "4", &bad)).expect("AE");
    // Nothing is wanted of a success: the next answer is of the next message.
    engine.sends(&enhanced("NE|NE", "5", &good));
    let unknown = enhanced("AL|AL", "6", &good).replace("ADT^A28^ADT_A05", "ORU^R01");
    let refused = engine.asks(&unknown).expect("CR");
    assert_eq!(refused.field("MSA", 2), "6");
    here.world.verify();
}

#[test]
fn i20_messages_in_one_write_or_in_pieces_are_acknowledged_in_order() {
    let here = Hl7World::start("").serves();
    let mut engine = here.connects();
    let count = crate::world::times("ACCORD_HL7_MESSAGES", 60);
    // A handful of versions of each record, and people who have little in common.
    let letters = |number: usize| -> String {
        let places = [number / 676, number / 26, number];
        places
            .map(|place| char::from(b"kmrtvwxzbcdfghjlnpqsyaeiou"[place % 26]))
            .iter()
            .collect()
    };
    let stream: Vec<u8> = (0..count)
        .flat_map(|place| {
            let who = place % (count / 5 + 1);
            let name = format!("{}ick^{}a", letters(who), letters(who * 7 + 3));
            let born = format!("{}{:02}{:02}", 1931 + who % 70, 1 + who % 12, 1 + who % 28);
            let line = format!("{place} Quarry Lane^^Leeds^^LS8 2QD^^H");
            let patient = pid(&format!("G{who}^^^GP"), &name, &born, "F", &[(11, &line)]);
            framed(&message(
                "A31",
                &format!("c{place}"),
                "20260301101500",
                &patient,
            ))
        })
        .collect();
    let mut writer = engine.twin();
    let writing = std::thread::spawn(move || {
        for (place, piece) in stream.chunks(777).enumerate() {
            let (a, b) = piece.split_at(place % piece.len());
            writer.sends_bytes(a);
            writer.sends_bytes(b);
        }
    });
    for place in 0..count {
        let reply = engine.receives().expect("an acknowledgement").expect("AA");
        assert_eq!(reply.field("MSA", 2), format!("c{place}"));
    }
    writing.join().expect("the stream was written");
    here.world.verify();
}

#[test]
fn i4_an_engine_that_repeats_what_a_kill_left_unsaid_doubles_and_loses_nothing() {
    let here = Hl7World::start("").serves();
    for round in 0..crate::world::times("ACCORD_HL7_KILLS", 2) {
        let mut engine = here.connects();
        let messages: Vec<String> = (0..12)
            .map(|place| {
                let patient = pid(
                    &format!("R{round}-{place}^^^GP"),
                    "Thornwick^Imogen",
                    "19800512",
                    "F",
                    &[],
                );
                message(
                    "A28",
                    &format!("r{round}-{place}"),
                    "20260301101500",
                    &patient,
                )
            })
            .collect();
        for message in &messages {
            engine.sends(message);
        }
        // The rest is between commit and acknowledgement, or before.
        for _ in 0..=(round * 5) % 12 {
            engine.receives().expect("an acknowledgement").expect("AA");
        }
        here.world.dies();
        here.world.serves();
        let mut engine = here.connects();
        for (place, message) in messages.iter().enumerate() {
            engine.asks(message).expect("AA");
            let versions = record(&here, "gp", &format!("R{round}-{place}"));
            assert_eq!(versions["versions"].as_array().map(Vec::len), Some(1));
        }
    }
    here.world.verify();
}

#[test]
fn a_question_by_demographics_is_answered_a_page_at_a_time() {
    let here = Hl7World::start("search_minimum = \"any\"").serves();
    let mut engine = here.connects();
    for (id, given, born) in [
        ("1", "Imogen", "19800512"),
        ("2", "Barnaby", "19530207"),
        ("3", "Leopold", "19991130"),
    ] {
        let patient = pid(
            &format!("G{id}^^^GP"),
            &format!("Thornwick^{given}"),
            born,
            "",
            &[],
        );
        engine
            .asks(&message("A28", id, "20260301101500", &patient))
            .expect("AA");
    }
    let asks = |sender: &str, more: &str| {
        from(
            sender,
            "Q22",
            "q",
            "20260303",
            &format!("QPD|Q22^Find Candidates^HL7|t1|@PID.5.1^THORNWICK\nRCP|I|2^RD{more}"),
        )
    };
    let first = engine.asks(&asks("PAS|RVV", "")).expect("AA");
    assert_eq!((first.field("QAK", 2), first.field("QAK", 4)), ("OK", "3"));
    let mut ids = first.ids();
    assert_eq!(ids.len(), 2);
    let pointer = first.field("DSC", 1);
    let second = engine
        .asks(&asks("PAS|RVV", &format!("\nDSC|{pointer}|I")))
        .expect("AA");
    assert_eq!(second.segments("DSC").count(), 0);
    ids.extend(second.ids());
    ids.sort();
    assert_eq!(ids, ["G1", "G2", "G3"]);
    engine
        .asks(&asks("PAS|RVV", "\nDSC|2-0000000000000000|I"))
        .expect("AE");
    // Whose answers nobody reads is shown one person or none.
    let told = engine.asks(&asks("PRACTICE|G82001", "")).expect("AE");
    assert!(told.ids().is_empty() && told.field("ERR", 8).contains("more than one"));
    here.world.verify();
}

#[test]
fn r120_without_a_setting_a_question_has_to_hold_the_national_minimum() {
    let here = Hl7World::start("").serves();
    let mut engine = here.connects();
    engine
        .asks(&message("A28", "1", "20260301101500", &imogen("G1^^^GP")))
        .expect("AA");
    let asks = |criteria: &str| {
        from(
            "PAS|RVV",
            "Q22",
            "q",
            "20260303",
            &format!("QPD|Q22^Find Candidates^HL7|t1|{criteria}\nRCP|I"),
        )
    };
    let told = engine.asks(&asks("@PID.5.1^THORNWICK")).expect("AE");
    assert!(told.field("ERR", 8).contains("minimum"), "{}", told.text);
    let found = engine
        .asks(&asks("@PID.5.1^THORNWICK~@PID.7^19800512"))
        .expect("AA");
    assert_eq!(found.ids(), ["G1"]);
    assert!(
        found.field("PID", 5).starts_with("Thornwick^Imogen^May"),
        "{}",
        found.text
    );
    here.world.verify();
}

#[test]
fn what_cannot_be_read_is_answered_and_harms_no_message_after_it() {
    let here = Hl7World::start("").serves();
    let mut engine = here.connects();
    for (odd, code) in [
        ("hello", "AR"),
        ("MSH|^~\\&|PRACTICE|G82001", "AR"),
        ("MSH|||||||", "AR"),
        (
            "MSH|^~\\&|PRACTICE|G82001|A|B|20260301||ADT^A28|1|P|3.0\nPID|",
            "AR",
        ),
        (
            "MSH|^~\\&|PRACTICE|G82001|A|B|20260301||ADT^A99|1|P|2.5\nPID|",
            "AR",
        ),
        (
            "MSH|^~\\&|PRACTICE|G82001|A|B|20260301||ADT^A28|1|P|2.5\nnonsense",
            "AR",
        ),
        (
            "MSH|^~\\&|PRACTICE|G82001|A|B|20260301||ADT^A28|1|P|2.5||||||ISO IR87\nPID|||G1^^^GP",
            "AR",
        ),
        (
            "MSH|^~\\&|PRACTICE|G82001|A|B|20260301||ADT^A28|1|P|2.5",
            "AE",
        ),
        (
            "MSH|^~\\&|PRACTICE|G82001|A|B|20260301||ADT^A28|1|P|2.5\nPID|||G1^^^GP",
            "AE",
        ),
    ] {
        let told = engine.asks(odd).expect(code);
        assert!(!told.field("ERR", 8).is_empty(), "{}", told.text);
    }
    let mut latin = framed(
        "MSH|^~\\&|PRACTICE|G82001|A|B|20260301101500||ADT^A28|1|P|2.5||||||8859/1\nPID|||G1^^^GP||Siob?n^Rosalind||19800512|F",
    );
    let place = latin
        .iter()
        .position(|byte| *byte == b'?')
        .expect("the letter");
    latin[place] = 0xE1;
    engine.sends_bytes(&latin);
    engine.receives().expect("an acknowledgement").expect("AA");
    assert_eq!(record(&here, "gp", "G1")["record"]["family_name"], "Siobán");
    // No MLLP at all: the connection ends, the service does not.
    let mut stranger = here.connects();
    stranger.sends_bytes(&[b'G'; 8_192]);
    assert!(stranger.receives().is_none());
    engine
        .asks(&message("A31", "2", "20260302101500", &imogen("G1^^^GP")))
        .expect("AA");
    here.world.verify();
}

#[test]
fn a_sender_shows_a_token_where_the_settings_want_one() {
    let here = Hl7World::with(&crate::mllp::SETTINGS.replace(
        "facility = \"G82001\"",
        "facility = \"G82001\"\ntoken = true",
    ))
    .serves();
    let mut engine = here.connects();
    let with = |token: &str| {
        message("A28", "1", "20260301101500", &imogen("G1^^^GP"))
            .replace("||ADT", &format!("|{token}|ADT"))
    };
    engine.asks(&with("")).expect("AR");
    engine.asks(&with("accord_0000")).expect("AR");
    let token = here
        .world
        .token(crate::world::Actor::GpFeed)
        .expect("a token of the practices");
    engine.asks(&with(token)).expect("AA");
    // Without a certificate, a token or a trusted network, a name is nothing.
    engine
        .asks(&from(
            "PAS|RVV",
            "A28",
            "2",
            "20260301101500",
            &imogen("P1^^^RVV"),
        ))
        .expect("AR");
    here.world.verify();
}

#[test]
fn messages_of_a_file_are_sent_by_the_command_line() {
    let here = Hl7World::start("").serves();
    let good = message("A28", "1", "20260301101500", &imogen("G1^^^GP"));
    let bad = message("A28", "2", "20260301101500", &imogen("G1^^^RVV"));
    let file = here
        .world
        .writes("good.hl7", format!("{good}\n\n{good}\n").as_bytes());
    let address = here.address();
    let ended = here
        .world
        .accord_alone_with(&["hl7", "send", "--to", &address, &file])
        .expect(0);
    assert!(
        ended.out.contains("MSA|AA|1") && ended.out.ends_with("accepted 2\nrefused 0\n"),
        "{}",
        ended.out
    );
    let file = here.world.writes("bad.hl7", bad.as_bytes());
    let ended = here
        .world
        .accord_alone_with(&["hl7", "send", "--quiet", "--to", &address, &file])
        .expect(1);
    assert_eq!(ended.out, "accepted 0\nrefused 1\n");
    here.world.verify();
}
