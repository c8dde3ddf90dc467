//! The decision rules of RULES, with their examples, as registrations over
//! HTTP. Each story runs twice: with the index, and with the index follower
//! stopped for good, when candidates come from the rows beyond it.
//!
//! LINK is outcome `linked` with the same person; REVIEW is a person of its
//! own and an open task that names both; NOLINK is a person of its own and no
//! task. What single weights are is tested beside the code.

use serde_json::{Value, json};

use crate::people::{NUMBERS, john_smith, person, with};
use crate::request::{Answer, mentions};
use crate::world::{Actor, World, record_path};

fn in_both_worlds(story: impl Fn(&World)) {
    story(&World::start());
    story(&World::start_without_indexer());
}

/// A verified number.
fn verified(number: &str) -> Value {
    json!({"nhs_number": number, "nhs_number_status": "01"})
}

fn somebody(given: &str, family: &str, birth_date: &str) -> Value {
    json!({"given_names": [given], "family_name": family, "birth_date": birth_date})
}

fn living_at(person: &Value, line: &str, postcode: &str, phone: &str) -> Value {
    let address = json!([{"use": "home", "lines": [line], "town": "Leeds", "postcode": postcode}]);
    with(person, json!({"addresses": address, "phones": [phone]}))
}

#[track_caller]
fn assert_linked(answer: &Answer, to: &Answer) {
    assert_eq!(answer["outcome"], "linked", "{}", answer.text);
    assert_eq!(answer.person(), to.person());
    let route = answer.member("route");
    assert!(
        matches!(route.as_str(), "deterministic" | "probabilistic"),
        "route {route}"
    );
}

/// Apart from everybody, whether or not somebody must look.
#[track_caller]
fn assert_apart(answer: &Answer, from: &Answer) {
    assert_eq!(answer["outcome"], "new_person", "{}", answer.text);
    assert_ne!(answer.person(), from.person());
}

#[track_caller]
fn assert_reviewed(world: &World, answer: &Answer, with: &Answer) {
    assert_apart(answer, with);
    let (own, other) = (answer.person(), with.person());
    let names_both = |task: &Value| mentions(task, &own) && mentions(task, &other);
    let tasks = answer.tasks();
    assert!(!tasks.is_empty(), "no task: {}", answer.text);
    assert!(
        tasks.iter().any(|task| {
            let task = world.task(task);
            task["state"] == "open" && names_both(&task["persons"])
        }),
        "no open task names both persons: {tasks:?}"
    );
    let listed = world.tasks();
    assert!(
        listed
            .list("tasks")
            .iter()
            .any(|task| names_both(&task["persons"])),
        "{}",
        listed.text
    );
}

#[track_caller]
fn assert_unlinked(answer: &Answer, from: &Answer) {
    assert_apart(answer, from);
    assert!(
        answer.tasks().is_empty(),
        "a task for nothing: {}",
        answer.text
    );
}

#[test]
fn r05_in_a_live_directory_a_test_number_anchors_nothing() {
    let world = World::start_live();
    let sarah = with(
        &somebody("Sarah", "Jones", "1980-05-12"),
        verified(NUMBERS[0]),
    );
    let first = world.registers("gp", "1", &sarah);
    let married = world.registers("pas", "1", &with(&sarah, json!({"family_name": "Ahmed"})));

    assert_apart(&married, &first);
    let flagged = |answer: &Answer| {
        answer
            .list("findings")
            .iter()
            .any(|finding| finding.to_string().contains("test"))
    };
    assert!(flagged(&first) && flagged(&married), "{}", first.text);
}

#[test]
fn r06_a_placeholder_number_contributes_nothing() {
    in_both_worlds(|world| {
        let placeholder = verified("9999999999");
        let first = world.registers(
            "gp",
            "1",
            &with(&person("one of many"), placeholder.clone()),
        );
        let second = world.registers("pas", "1", &with(&person("another one"), placeholder));
        assert_unlinked(&second, &first);
    });
}

#[test]
fn r07_a_verified_number_birth_date_and_given_name_link_whatever_the_family_name() {
    in_both_worlds(|world| {
        let sarah = with(
            &somebody("Sarah", "Jones", "1980-05-12"),
            verified(NUMBERS[0]),
        );
        let first = world.registers("gp", "1", &sarah);
        let married = world.registers("pas", "1", &with(&sarah, json!({"family_name": "Ahmed"})));
        assert_linked(&married, &first);
        assert_eq!(married["route"], "deterministic");
    });
}

#[test]
fn r07_another_given_name_under_one_number_may_be_a_twin_and_is_reviewed() {
    in_both_worlds(|world| {
        let oliver = with(
            &somebody("Oliver", "Smith", "2019-06-04"),
            verified(NUMBERS[1]),
        );
        let first = world.registers("gp", "1", &oliver);
        let jack = world.registers("pas", "1", &with(&oliver, json!({"given_names": ["Jack"]})));
        assert_reviewed(world, &jack, &first);
    });
}

#[test]
fn r07_a_variant_a_middle_name_and_a_swap_agree() {
    in_both_worlds(|world| {
        let first = with(
            &somebody("Mohammed", "Hussain", "1971-09-23"),
            verified(NUMBERS[2]),
        );
        let held = world.registers("gp", "1", &first);
        let spellings = [
            json!({"given_names": ["Muhammad"]}),
            json!({"given_names": ["M"]}),
            json!({"given_names": ["Imran", "Mohammed"]}),
            json!({"given_names": ["Hussain"], "family_name": "Mohammed"}),
        ];
        for (place, spelling) in spellings.into_iter().enumerate() {
            let sent = with(&first, spelling);
            assert_linked(&world.registers("pas", &place.to_string(), &sent), &held);
        }
    });
}

#[test]
fn r08_a_number_alone_never_links() {
    in_both_worlds(|world| {
        let sarah = with(
            &somebody("Sarah", "Jones", "1980-05-12"),
            verified(NUMBERS[0]),
        );
        let first = world.registers("gp", "1", &sarah);
        let other = json!({"given_names": ["Imran"], "family_name": "Khan"});
        let second = world.registers("pas", "1", &with(&other, verified(NUMBERS[0])));
        assert_reviewed(world, &second, &first);
    });
}

#[test]
fn r09_a_swapped_birth_date_links_when_both_names_agree() {
    in_both_worlds(|world| {
        let sarah = with(
            &somebody("Sarah", "Jones", "1980-05-12"),
            verified(NUMBERS[0]),
        );
        let first = world.registers("gp", "1", &sarah);
        let swapped = with(&sarah, json!({"birth_date": "1980-12-05"}));
        assert_linked(&world.registers("pas", "1", &swapped), &first);
    });
}

#[test]
fn r09_a_swapped_birth_date_is_reviewed_when_the_given_name_differs() {
    in_both_worlds(|world| {
        let sarah = with(
            &somebody("Sarah", "Jones", "1980-05-12"),
            verified(NUMBERS[0]),
        );
        let first = world.registers("gp", "1", &sarah);
        let other = with(
            &sarah,
            json!({"birth_date": "1980-12-05", "given_names": ["Deborah"]}),
        );
        assert_reviewed(world, &world.registers("pas", "1", &other), &first);
    });
}

#[test]
fn r10_a_number_with_other_sex_and_both_names_other_is_suspected_confusion() {
    in_both_worlds(|world| {
        let mary = with(
            &somebody("Mary", "Jones", "1972-08-19"),
            verified(NUMBERS[1]),
        );
        let imran = with(
            &somebody("Imran", "Khan", "1972-08-19"),
            verified(NUMBERS[1]),
        );
        let first = world.registers("gp", "1", &with(&mary, json!({"gender": "female"})));
        let second = world.registers("pas", "1", &with(&imran, json!({"gender": "male"})));
        assert_reviewed(world, &second, &first);
    });
}

#[test]
fn r11_no_part_of_the_birth_date_equal_is_confusion_and_the_number_anchors_nothing_more() {
    in_both_worlds(|world| {
        let older = with(
            &somebody("John", "Smith", "1950-02-03"),
            verified(NUMBERS[2]),
        );
        let first = world.registers("gp", "1", &older);
        let younger = with(&older, json!({"birth_date": "1985-11-27"}));
        assert_reviewed(world, &world.registers("pas", "1", &younger), &first);

        let third = world.registers("ed", "1", &with(&older, json!({"family_name": "Taylor"})));
        assert_apart(&third, &first);
    });
}

#[test]
fn r12_an_untraced_number_is_evidence_and_no_anchor() {
    for status in [json!("02"), json!("03"), Value::Null] {
        in_both_worlds(|world| {
            let oliver = with(
                &somebody("Oliver", "Smith", "2016-06-04"),
                verified(NUMBERS[3]),
            );
            let first = world.registers("gp", "1", &oliver);
            let changes = json!({"nhs_number_status": status, "given_names": ["Jack"]});
            let second = world.registers("pas", "1", &with(&oliver, changes));
            assert_reviewed(world, &second, &first);
        });
    }
}

#[test]
fn r12_a_missing_status_is_the_sources_declared_default() {
    in_both_worlds(|world| {
        let sarah = with(
            &somebody("Sarah", "Jones", "1980-05-12"),
            verified(NUMBERS[0]),
        );
        let first = world.registers("gp", "1", &sarah);
        let changes = json!({"nhs_number_status": null, "family_name": "Ahmed"});
        let married = with(&sarah, changes);

        let traced = world.registers("traced", "1", &married);
        assert_linked(&traced, &first);
        assert_eq!(traced["route"], "deterministic");

        let untraced = world.registers(
            "pas",
            "1",
            &with(&sarah, json!({"nhs_number_status": null})),
        );
        assert_linked(&untraced, &first);
        assert_eq!(untraced["route"], "probabilistic");
    });
}

#[test]
fn r13_a_number_that_failed_its_trace_contributes_nothing() {
    in_both_worlds(|world| {
        let smith = with(&john_smith(), verified(NUMBERS[4]));
        let first = world.registers("gp", "1", &smith);
        let rare = person("failed trace");
        let known = world.registers("gp", "2", &with(&rare, verified(NUMBERS[5])));
        for (place, status) in ["04", "05", "06"].into_iter().enumerate() {
            let failed = json!({"nhs_number_status": status});
            let common = world.registers("pas", &format!("common-{place}"), &with(&smith, failed));
            assert_ne!(common.person(), first.person(), "status {status}");

            let failed = json!({"nhs_number": NUMBERS[5], "nhs_number_status": status});
            let asked = world.matches(&with(&rare, failed.clone()));
            let rows = asked["candidates"][0]["explanation"]
                .as_array()
                .expect("rows");
            for row in rows
                .iter()
                .filter(|row| row["field"].to_string().contains("nhs_number"))
            {
                assert_eq!(row["weight_bits"].as_f64(), Some(0.0), "{row}");
            }
            let linked = world.registers("pas", &format!("rare-{place}"), &with(&rare, failed));
            assert_linked(&linked, &known);
            assert_eq!(linked["route"], "probabilistic");
        }
    });
}

#[test]
fn r14_a_status_change_re_evaluates_the_record() {
    in_both_worlds(|world| {
        let first = world.registers("gp", "1", &with(&john_smith(), verified(NUMBERS[6])));
        let untrusted = with(
            &john_smith(),
            json!({"nhs_number": NUMBERS[6], "nhs_number_status": "04"}),
        );
        let apart = world.registers("pas", "1", &untrusted);
        assert_reviewed(world, &apart, &first);

        let traced = world.registers("pas", "1", &with(&john_smith(), verified(NUMBERS[6])));
        assert_linked(&traced, &first);
    });
}

#[test]
fn r15_two_live_verified_numbers_are_never_joined() {
    in_both_worlds(|world| {
        let same = living_at(
            &somebody("Rosalind", "Applethwaite", "1980-05-12"),
            "14 Orchard Rise",
            "LS8 2QD",
            "07700 900321",
        );
        let first = world.registers("gp", "1", &with(&same, verified(NUMBERS[0])));
        let second = world.registers("pas", "1", &with(&same, verified(NUMBERS[2])));
        assert_reviewed(world, &second, &first);

        let path = format!("{}/person", record_path("pas", "1"));
        let shown = world.get(&path).by(Actor::Steward).send().expect(200);
        assert!(
            mentions(&shown["possible"], &first.person()),
            "{}",
            shown.text
        );
    });
}

#[test]
fn r15_two_untraced_numbers_are_strong_evidence_against() {
    in_both_worlds(|world| {
        let same = living_at(
            &somebody("Rosalind", "Applethwaite", "1980-05-12"),
            "14 Orchard Rise",
            "LS8 2QD",
            "07700 900321",
        );
        let first = world.registers("gp", "1", &with(&same, json!({"nhs_number": NUMBERS[0]})));
        let second = world.registers("pas", "1", &with(&same, json!({"nhs_number": NUMBERS[2]})));
        assert_apart(&second, &first);
    });
}

#[test]
fn r54_two_parts_of_a_birth_date_do_not_link_without_the_same_number() {
    in_both_worlds(|world| {
        let known = living_at(
            &somebody("Philippa", "Langstead", "1966-04-17"),
            "9 Heron Close",
            "LS12 3BE",
            "07700 900322",
        );
        let known = with(&known, json!({"phones": null}));
        let slipped = json!({"birth_date": "1966-04-27"});
        let first = world.registers("gp", "1", &known);
        let second = world.registers("pas", "1", &with(&known, slipped.clone()));
        assert_reviewed(world, &second, &first);
    });
}

#[test]
fn r54_two_parts_of_a_birth_date_link_with_the_same_number_of_any_status() {
    in_both_worlds(|world| {
        let known = living_at(
            &somebody("Philippa", "Langstead", "1966-04-17"),
            "9 Heron Close",
            "LS12 3BE",
            "07700 900322",
        );
        let known = with(&known, json!({"nhs_number": NUMBERS[7]}));
        let first = world.registers("gp", "1", &known);
        let slipped = with(&known, json!({"birth_date": "1966-04-27"}));
        assert_linked(&world.registers("pas", "1", &slipped), &first);
    });
}

#[test]
fn r55_r93_namesakes_at_one_address_with_other_birth_dates_are_two_people() {
    in_both_worlds(|world| {
        let father = living_at(
            &somebody("John", "Patel", "1950-02-03"),
            "31 Quarry Lane",
            "LS7 4RT",
            "07700 900323",
        );
        let first = world.registers("gp", "1", &father);
        let son = with(&father, json!({"birth_date": "1985-11-27"}));
        assert_unlinked(&world.registers("pas", "1", &son), &first);
    });
}

#[test]
fn r62_another_sex_and_another_given_name_are_two_people() {
    in_both_worlds(|world| {
        let john = living_at(
            &with(
                &somebody("John", "Hartley", "1978-10-02"),
                json!({"gender": "male"}),
            ),
            "5 Canal Walk",
            "LS3 1HT",
            "07700 900324",
        );
        let first = world.registers("gp", "1", &john);
        let joan = with(&john, json!({"given_names": ["Joan"], "gender": "female"}));
        assert_unlinked(&world.registers("pas", "1", &joan), &first);
    });
}

#[test]
fn r71_a_next_of_kins_phone_brings_nobody_together() {
    in_both_worlds(|world| {
        let mother = person("whose phone it is");
        let first = world.registers("gp", "1", &mother);
        let kin = json!([{"relationship": "mother", "phone": mother["phones"][0]}]);
        let child = with(
            &person("whose mother it is"),
            json!({"phones": null, "associated_persons": kin}),
        );
        assert_unlinked(&world.registers("pas", "1", &child), &first);
    });
}

#[test]
fn r79_a_common_name_and_a_birth_date_are_reviewed() {
    in_both_worlds(|world| {
        let first = world.registers("gp", "1", &john_smith());
        let second = world.registers("pas", "1", &john_smith());
        assert_reviewed(world, &second, &first);
    });
}

#[test]
fn r80_r82_without_a_calibration_a_rare_name_links_from_twenty_bits_on() {
    in_both_worlds(|world| {
        let rare = json!({
            "given_names": ["Quillandra"], "family_name": "Vexenthwaite",
            "birth_date": "1969-10-21", "gender": "female",
        });
        let known = world.registers("gp", "1", &rare);
        let asked = world.matches(&rare);
        let candidate = &asked["candidates"][0];
        assert_eq!(candidate["person_id"], known["person_id"], "{}", asked.text);
        let weight = candidate["weight_bits"].as_f64().expect("a weight");
        assert!(weight > 10.0, "rare enough for 0.999: {candidate}");

        let second = world.registers("pas", "1", &rare);

        if weight >= 20.0 {
            assert_linked(&second, &known);
            assert_eq!(second["route"], "probabilistic");
        } else {
            assert_reviewed(world, &second, &known);
        }
        assert_eq!(second["calibrated"], false);
    });
}

#[test]
fn r89_what_a_household_shares_is_capped() {
    in_both_worlds(|world| {
        let one = with(
            &living_at(
                &json!({"given_names": ["Oliver"], "family_name": "Smith"}),
                "12 Foundry Street",
                "LS10 1NE",
                "07700 900325",
            ),
            json!({"gp_practice": "B86001"}),
        );
        let first = world.registers("gp", "1", &one);
        let other = with(&one, json!({"given_names": ["Deborah"]}));
        assert_unlinked(&world.registers("pas", "1", &other), &first);
    });
}

#[test]
fn r90_what_twins_share_is_capped() {
    in_both_worlds(|world| {
        let oliver = living_at(
            &with(
                &somebody("Oliver", "Smith", "2017-03-30"),
                json!({"gender": "male"}),
            ),
            "12 Foundry Street",
            "LS10 1NE",
            "07700 900326",
        );
        let first = world.registers("gp", "1", &oliver);
        let jack = with(&oliver, json!({"given_names": ["Jack"]}));
        let asked = world.matches(&jack);
        for candidate in asked.list("candidates") {
            let weight = candidate["weight_bits"].as_f64().expect("a weight");
            assert!(weight <= 0.0, "{candidate}");
            assert_ne!(candidate["grade"], "certain");
        }
        assert_apart(&world.registers("pas", "1", &jack), &first);
    });
}

#[test]
fn r90_a_fuzzy_given_name_is_what_twins_look_like() {
    in_both_worlds(|world| {
        let surinder = living_at(
            &with(
                &somebody("Surinder", "Dhillon", "2001-12-08"),
                json!({"gender": "male"}),
            ),
            "7 Windmill Hill",
            "LS11 8PG",
            "07700 900327",
        );
        let first = world.registers("gp", "1", &surinder);
        let suvinder = with(&surinder, json!({"given_names": ["Suvinder"]}));
        assert_apart(&world.registers("pas", "1", &suvinder), &first);
    });
}

#[test]
fn r91_another_birth_order_is_another_child() {
    in_both_worlds(|world| {
        let one = with(&person("birth order"), json!({"birth_order": "1"}));
        let first = world.registers("maternity", "1", &one);
        let two = with(&one, json!({"birth_order": "2"}));
        assert_apart(&world.registers("gp", "1", &two), &first);
    });
}

#[test]
fn r92_twin_one_is_not_twin_two() {
    in_both_worlds(|world| {
        let one = living_at(
            &somebody("Twin One", "Smith", "2025-06-01"),
            "12 Foundry Street",
            "LS10 1NE",
            "07700 900328",
        );
        let first = world.registers("maternity", "1", &one);
        let two = with(&one, json!({"given_names": ["Twin Two"]}));
        assert_apart(&world.registers("maternity", "2", &two), &first);
    });
}

#[test]
fn r92_a_baby_and_a_named_child_are_reviewed_whichever_comes_first() {
    let baby = living_at(
        &somebody("Baby", "Smith", "2025-06-01"),
        "12 Foundry Street",
        "LS10 1NE",
        "07700 900329",
    );
    let oliver = with(&baby, json!({"given_names": ["Oliver"]}));
    in_both_worlds(|world| {
        let first = world.registers("maternity", "1", &baby);
        assert_reviewed(world, &world.registers("gp", "1", &oliver), &first);
    });
    in_both_worlds(|world| {
        let first = world.registers("gp", "1", &oliver);
        assert_reviewed(world, &world.registers("maternity", "1", &baby), &first);
    });
}

#[test]
fn r96_a_record_between_two_people_never_chains_them() {
    let between = living_at(
        &somebody("Rosalind", "Applethwaite", "1980-05-12"),
        "14 Orchard Rise",
        "LS8 2QD",
        "07700 900321",
    );
    let one = with(&between, verified(NUMBERS[0]));
    let other = with(&between, verified(NUMBERS[2]));
    for order in [
        ["a", "b", "c"],
        ["a", "c", "b"],
        ["b", "a", "c"],
        ["c", "b", "a"],
    ] {
        in_both_worlds(|world| {
            for name in order {
                let sent = match name {
                    "a" => &one,
                    "b" => &between,
                    _ => &other,
                };
                world.registers("gp", name, sent);
            }
            let person_of = |name: &str| world.cross_reference("gp", name).person();
            assert_ne!(person_of("a"), person_of("c"), "order {order:?}");
            assert!(!world.tasks().list("tasks").is_empty(), "order {order:?}");
        });
    }
}

#[test]
fn a_record_with_everything_equal_links_by_its_weight() {
    in_both_worlds(|world| {
        let known = person("all but a number");
        let first = world.registers("gp", "1", &known);
        let second = world.registers("pas", "1", &known);
        assert_linked(&second, &first);
        assert!(
            second["weight_bits"]
                .as_f64()
                .is_some_and(|bits| bits >= 20.0),
            "{}",
            second.text
        );
    });
}

#[test]
fn r19_a_confused_number_does_not_keep_its_owner_s_next_records_apart() {
    in_both_worlds(|world| {
        let owner = with(
            &somebody("Victoria", "Plumtree", "1971-06-21"),
            verified(NUMBERS[4]),
        );
        let owner = with(
            &owner,
            json!({
                "gender": "female",
                "phones": ["07700 900471"],
                "addresses": [{"lines": ["14 Larkspur Way"], "town": "Leeds", "postcode": "LS8 3QP"}],
            }),
        );
        let first = world.registers("gp", "1", &owner);
        assert_eq!(world.registers("pas", "1", &owner).person(), first.person());
        let wrong = with(
            &somebody("Gareth", "Owens", "1948-11-02"),
            verified(NUMBERS[4]),
        );
        assert_reviewed(world, &world.registers("ed", "1", &wrong), &first);

        let next = world.registers("ed", "2", &owner);

        assert_eq!(next.person(), first.person(), "{}", next.text);
        assert_eq!(next["route"], "probabilistic", "{}", next.text);
    });
}

#[test]
fn r80_two_likenesses_are_not_one_agreement() {
    in_both_worlds(|world| {
        let place = json!({
            "gender": "male",
            "phones": ["07700 900289"],
            "addresses": [{"lines": ["95 Dove Road"], "town": "Leeds", "postcode": "LS22 4GJ"}],
        });
        let one = with(&somebody("Ahmed", "Hassan", "1990-03-17"), place.clone());
        let other = with(&somebody("Ahmad", "Hussein", "1990-03-17"), place);
        let first = world.registers("gp", "1", &one);
        let second = world.registers("pas", "1", &other);
        assert_apart(&second, &first);
    });
}
