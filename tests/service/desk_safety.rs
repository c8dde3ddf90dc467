//! What the pages must never do: run what a record says, take a form of another
//! site, show what is masked or sealed, or let somebody in who may not.

use serde_json::json;

use crate::people::{john_smith, with};
use crate::visitor::{PASSWORD, Visitor, make_account};
use crate::world::{Actor, World};

#[test]
fn every_page_has_a_strict_policy_and_assets_are_kept_for_good() {
    let world = World::start();
    let mut nobody = Visitor::nobody(&world);
    let page = nobody.opens("/");
    let policy = page.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    assert_eq!(page.header("cache-control"), "no-store");
    // Without a referrer browsers send our own forms with "Origin: null".
    assert_eq!(page.header("referrer-policy"), "same-origin");
    for inline in [
        "<style", "style=\"", "onclick", "<script>", "http://", "https://",
    ] {
        assert!(!page.text.contains(inline), "{inline}: {}", page.text);
    }
    let mut assets = page.values("href=\"/assets/");
    assets.extend(page.values("src=\"/assets/"));
    assert_eq!(assets.len(), 3);
    for asset in assets {
        let kept = nobody.opens(&format!("/assets/{asset}"));
        assert!(kept.header("cache-control").contains("immutable"));
        assert!(!kept.text.contains("@font-face"), "{asset}");
    }
    nobody.asks("/assets/0000000000000000/desk.css").expect(404);
}

#[test]
fn t13_the_cookie_is_of_this_host_and_changes_with_each_sign_in() {
    let world = World::start();
    make_account(&world, "sam", &["steward"]);
    let mut sam = Visitor::nobody(&world);
    let first = sam.signs_in("sam", PASSWORD).expect(303);
    let cookie = first.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "{cookie}");
    let before = sam.cookie.clone().expect("a cookie");
    sam.signs_in("sam", PASSWORD).expect(303);
    assert_ne!(sam.cookie.as_ref(), Some(&before));
    let mut old = Visitor::nobody(&world);
    old.cookie = Some(before);
    old.asks("/review").expect(303);
    // Over TLS the browser names another host, and the cookie goes over TLS only.
    let mut far = Visitor::nobody(&world);
    let fields = [("name", "sam"), ("password", PASSWORD)];
    let sent = far
        .sends("/", &fields, &[("host", "desk.example.org")])
        .expect(303);
    let cookie = sent.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-accord=") && cookie.contains("Secure"),
        "{cookie}"
    );
}

#[test]
fn t13_a_form_of_another_site_or_another_session_does_nothing() {
    let world = World::start();
    world.registers("gp", "1", &john_smith());
    world.registers("pas", "1", &john_smith());
    let task = world.tasks().tasks()[0].clone();
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    let path = format!("/review/tasks/{task}/claim");
    let token = sam.token.clone();
    for header in [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example.org"),
    ] {
        sam.sends(&path, &[("token", &token)], &[header])
            .expect(403);
    }
    sam.sends(&path, &[], &[]).expect(403);
    let mut sue = Visitor::signed_in(&world, "sue", &["steward"]);
    let foreign = sue.token.clone();
    sam.sends(&path, &[("token", &foreign)], &[]).expect(403);
    assert_eq!(world.task(&task)["state"], "open");
    let sent = sue.sends(
        "/",
        &[("name", "sue"), ("password", PASSWORD)],
        &[("sec-fetch-site", "cross-site")],
    );
    sent.expect(403);
}

#[test]
fn wrong_passwords_close_an_account_for_a_while_and_say_nothing() {
    let world = World::start();
    make_account(&world, "sam", &["steward"]);
    let mut guesser = Visitor::nobody(&world);
    let unknown = guesser
        .signs_in("nobody-of-this-name", "wrong password")
        .expect(401);
    for _ in 0..5 {
        let refused = guesser.signs_in("sam", "wrong password").expect(401);
        let told = |seen: &crate::visitor::Seen| {
            let at = seen.text.find("role=\"alert\"").expect("a problem");
            seen.text[at..at + 200].to_owned()
        };
        assert_eq!(told(&refused), told(&unknown));
    }
    guesser.signs_in("sam", PASSWORD).expect(401);
    assert!(guesser.cookie.is_none());
}

#[test]
fn r109_pages_show_no_location_of_a_restricted_person() {
    let world = World::start();
    let hidden = with(
        &john_smith(),
        json!({
            "addresses": [{"lines": ["77 Hidden Orchard"], "town": "Otley", "postcode": "LS16 9ZX"}],
            "phones": ["07700 900987"], "emails": ["refuge@example.org"], "gp_practice": "C81099",
            "restricted": true,
        }),
    );
    world.registers("gp", "1", &hidden);
    world.registers("pas", "1", &john_smith());
    let tasks = world.tasks().tasks();
    assert!(!tasks.is_empty());
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    for task in tasks {
        let page = sam
            .opens(&format!("/review/tasks/{task}"))
            .shows("location restricted");
        for value in [
            "Hidden Orchard",
            "HIDDEN",
            "LS16",
            "900987",
            "C81099",
            "refuge",
        ] {
            assert!(!page.text.contains(value), "{value}");
        }
    }
}

#[test]
fn r22_pages_name_one_side_of_a_seal_alone_and_r134_nobody_who_objects() {
    let world = World::start();
    let one = world.registers("gp", "side-a", &john_smith()).person();
    let smyth = with(&john_smith(), json!({"family_name": "Smyth"}));
    let other = world.registers("pas", "side-b", &smyth).person();
    let objecting = with(&john_smith(), json!({"birth_date": "1970-05-06"}));
    let objector = world.registers("gp", "objects", &objecting).person();
    let task = world.tasks().tasks()[0].clone();
    for body in [
        json!({"a": {"person_id": one}, "b": {"source": "pas", "local_id": "side-b"},
            "reason": "adoption order"}),
        json!({"a": {"person_id": objector}, "reason": "objection of 3 March"}),
    ] {
        let sealed = world.post("/seals").by(Actor::PrivacyOfficer).json(&body);
        sealed.send().expect(201);
    }
    let mut sam = Visitor::signed_in(&world, "sam", &["steward", "approver"]);
    sam.posts("/purpose", &[("purpose", "a caller asks")])
        .expect(303);
    sam.asks(&format!("/review/tasks/{task}")).expect(404);
    sam.asks(&format!("/persons/{objector}")).expect(404);
    sam.posts(
        &format!("/persons/{one}/merge"),
        &[("other", &other), ("reason", "one")],
    )
    .expect(404);
    let searched = [
        ("purpose", "a caller asks"),
        ("family_name", "Smith"),
        ("given_names", "John"),
        ("birth_date", "1961-03-04"),
    ];
    let mut pages = vec![sam.posts("/search", &searched).expect(200)];
    for path in [
        "/review".to_owned(),
        "/review?csv".to_owned(),
        "/review?state=closed".to_owned(),
        "/work".to_owned(),
        "/sources/gp".to_owned(),
        "/sources/gp/findings".to_owned(),
        format!("/persons/{one}"),
        format!("/persons/{one}/records/1"),
        format!("/persons/{other}"),
        format!("/persons/{other}/records/1"),
    ] {
        pages.push(sam.opens(&path));
    }
    for page in pages {
        let names = |person: &str, local_id: &str| {
            page.text.contains(person) || page.text.contains(local_id)
        };
        let both = names(&one, "side-a") && names(&other, "side-b");
        assert!(!both, "{}: {}", page.path, page.text);
        assert!(
            !names(&objector, "objects<"),
            "{}: {}",
            page.path,
            page.text
        );
    }
    // The questions that an objection hides are in no figure.
    sam.opens("/work").shows("Nothing waits.");
}
