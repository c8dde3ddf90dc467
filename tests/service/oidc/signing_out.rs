//! Two further words between us and a provider: that somebody has signed out there
//! (Back-Channel Logout 1.0), and who we are, signed (`private_key_jwt`).

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{BY_GROUP, Elsewhere};
use crate::visitor::{Seen, Visitor};
use crate::world::World;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("a time after 1970").as_secs()
}

impl Elsewhere {
    /// From now on it says here who has signed out.
    fn tells(&self, world: &World) {
        let place = format!("{}/sign-in/logged-out", world.url());
        let mut url = url::Url::parse(&self.url).expect("an address");
        url.set_path("/tells");
        url.query_pairs_mut().append_pair("url", &place);
        self.gets(url.as_str(), &mut BTreeMap::new());
    }

    /// Any claims, signed by its own key or by another one.
    fn signs(&self, claims: &Value, key: &str, typ: &str) -> String {
        let mut url = url::Url::parse(&self.url).expect("an address");
        url.set_path("/signs");
        url.query_pairs_mut()
            .append_pair("claims", &claims.to_string())
            .append_pair("key", key)
            .append_pair("typ", typ);
        let asked = self.client.get(url).send();
        let answer = self.runtime.block_on(asked).expect("an answer");
        self.runtime.block_on(answer.text()).expect("a token")
    }

    /// Whoever has these cookies signs out there.
    fn signs_out(&self, jar: &BTreeMap<String, String>) {
        let cookies: Vec<String> = jar
            .iter()
            .map(|(name, it)| format!("{name}={it}"))
            .collect();
        let cookies = cookies.join("; ");
        let page = self
            .client
            .get(format!("{}/session/end?client_id=accord", self.url));
        let page = page.header("cookie", &cookies).send();
        let page = self.runtime.block_on(page).expect("an answer");
        let set: Vec<String> = page
            .headers()
            .get_all("set-cookie")
            .iter()
            .filter_map(|it| it.to_str().ok()?.split(';').next().map(ToOwned::to_owned))
            .collect();
        let text = self.runtime.block_on(page.text()).expect("a page");
        let secret = text.split("name=\"xsrf\" value=\"").nth(1);
        let secret = secret.and_then(|rest| rest.split('"').next());
        let form = [("xsrf", secret.expect("a form")), ("logout", "yes")];
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let cookies = [vec![cookies], set].concat().join("; ");
        let sent = self
            .client
            .post(format!("{}/session/end/confirm", self.url))
            .header("cookie", cookies)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body.finish())
            .send();
        let sent = self.runtime.block_on(sent).expect("an answer");
        assert!(sent.status().is_redirection(), "{}", sent.status());
    }

    /// Signs somebody in and gives their cookies at the provider.
    fn lets_in(&self, visitor: &mut Visitor<'_>, who: &str) -> BTreeMap<String, String> {
        self.knows_next(who);
        let mut jar = BTreeMap::new();
        let sent = visitor.asks("/sign-in/provider").expect(303);
        let back = self.walks(sent.header("location"), &mut jar);
        let page = visitor.asks(&back).expect(200);
        let onward = page.values("content=\"0;url=").pop();
        visitor.asks(&onward.expect("it goes on")).expect(303);
        visitor.opens("/review");
        jar
    }
}

fn says(world: &World, token: &str) -> Seen {
    let mut provider = Visitor::nobody(world);
    provider.sends("/sign-in/logged-out", &[("logout_token", token)], &[])
}

fn people() -> Value {
    json!({"sam": {"groups": ["data-quality"]}, "sue": {"groups": ["data-quality"]}})
}

#[test]
fn who_signs_out_at_the_provider_is_signed_out_here() {
    let Some(provider) = Elsewhere::start(&people(), "client_secret_basic") else {
        return;
    };
    let world = provider.world(BY_GROUP);
    provider.tells(&world);
    let [mut office, mut home, mut sue] = [(); 3].map(|()| Visitor::nobody(&world));
    let at_the_office = provider.lets_in(&mut office, "sam");
    provider.lets_in(&mut home, "sam");
    provider.lets_in(&mut sue, "sue");
    provider.signs_out(&at_the_office);
    office.asks("/review").expect(303);
    // Another session there is another one here.
    home.opens("/review");
    sue.opens("/review");
    let mut audrey = Visitor::signed_in(&world, "audrey", &["auditor"]);
    let rows = audrey.posts("/audit", &[("actor", "oidc:sam"), ("step", "csv")]);
    let rows = rows.expect(200).text;
    assert_eq!(rows.matches("signed_out_elsewhere").count(), 1, "{rows}");
    world.verify();
}

/// Tokens that are not the provider's word of a sign-out, with why.
fn forgeries(provider: &Elsewhere, sound: &Value, now: u64) -> Vec<(&'static str, String)> {
    let with = |name: &str, value: Value| {
        let mut claims = sound.clone();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = sound.clone();
        claims.as_object_mut().expect("an object").remove(name);
        claims
    };
    let mut wrong = vec![
        ("another key", provider.signs(sound, "other", "logout+jwt")),
        ("another kind", provider.signs(sound, "own", "at+jwt")),
        ("nothing", String::new()),
        ("no token", "a.b.c".to_owned()),
    ];
    for (why, claims) in [
        ("for somebody else", with("aud", json!("another"))),
        (
            "by somebody else",
            with("iss", json!("https://evil.example.org")),
        ),
        ("an hour ago", with("iat", json!(now - 3_600))),
        ("tomorrow", with("iat", json!(now + 86_400))),
        ("over", with("exp", json!(now - 120))),
        ("no event", without("events")),
        ("an event as a text", with("events", json!({EVENT: "yes"}))),
        ("another event", with("events", json!({"urn:other": {}}))),
        ("a nonce, like an ID token", with("nonce", json!("n"))),
        ("nobody", without("sub")),
        ("no id", without("jti")),
        ("no time", without("iat")),
    ] {
        wrong.push((why, provider.signs(&claims, "own", "logout+jwt")));
    }
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = format!("{}.{}.", part(json!({"alg": "none"})), part(sound.clone()));
    wrong.push(("no signature", unsigned));
    wrong
}

#[test]
fn t13_a_word_of_a_sign_out_that_is_forged_late_or_said_twice_ends_nothing() {
    let Some(provider) = Elsewhere::start(&people(), "client_secret_basic") else {
        return;
    };
    let world = provider.world(BY_GROUP);
    let mut sam = Visitor::nobody(&world);
    provider.lets_in(&mut sam, "sam");
    let now = seconds();
    let mut events = serde_json::Map::new();
    events.insert(EVENT.to_owned(), json!({}));
    let sound = json!({
        "iss": provider.url, "aud": "accord", "iat": now, "exp": now + 120, "jti": "word 1",
        "sub": "sam", "events": events,
    });
    for (why, token) in forgeries(&provider, &sound, now) {
        let told = says(&world, &token);
        assert_eq!(told.status, 400, "{why}: {}", told.text);
        assert_eq!(told.header("cache-control"), "no-store");
        assert!(told.text.contains("invalid_request"), "{why}");
        sam.opens("/review");
    }
    // Of another person, and of another session.
    let with = |name: &str, value: Value| {
        let mut claims = sound.clone();
        claims[name] = value;
        claims
    };
    let sue = provider.signs(&with("sub", json!("sue")), "own", "logout+jwt");
    says(&world, &sue).expect(200);
    let elsewhere = json!({"jti": "word 2", "sid": "another"});
    let mut claims = sound.clone();
    for (name, value) in elsewhere.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    says(&world, &provider.signs(&claims, "own", "logout+jwt")).expect(200);
    sam.opens("/review");
    let token = provider.signs(&with("jti", json!("word 3")), "own", "logout+jwt");
    says(&world, &token).expect(200);
    sam.asks("/review").expect(303);
    provider.lets_in(&mut sam, "sam");
    says(&world, &token).expect(400);
    sam.opens("/review");
    // A service without a provider believes nobody.
    let alone = World::start();
    says(&alone, &token).expect(400);
    world.verify();
}

#[test]
fn a_client_shows_who_it_is_by_a_signature_and_no_other_key_will_do() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let made = Command::new("node")
        .arg(root.join("tests/service/oidc/keys.mjs"))
        .output();
    let Ok(made) = made else {
        eprintln!("left out: node cannot be started");
        return;
    };
    let keys: Value = serde_json::from_slice(&made.stdout).expect("keys");
    let known = json!([keys["jwk"]]).to_string();
    let environment = [("CLIENT_KEYS", known.as_str())];
    let provider = Elsewhere::start_with(&people(), "private_key_jwt", &environment);
    let Some(provider) = provider else {
        return;
    };
    for (key, audience, lets_in) in [
        ("pem", "token_endpoint", true),
        ("old", "issuer", true),
        ("other", "token_endpoint", false),
    ] {
        let pem = keys[key].as_str().expect("a key");
        let proof = format!(
            "client_key_file = \"key.pem\"\nclient_key_id = \"desk\"\n\
             client_key_audience = \"{audience}\"\n"
        );
        let world = provider.world_with(&format!("{proof}{BY_GROUP}"), ("key.pem", pem));
        let mut sam = Visitor::nobody(&world);
        provider.knows_next("sam");
        let sent = provider.signs_in(&mut sam, "/sign-in/provider");
        sent.expect(if lets_in { 303 } else { 403 });
        assert_eq!(sam.cookie.is_some(), lets_in, "{key}");
    }
}
