//! Signing in at a real OpenID Connect provider (npm's `oidc-provider`), which each
//! story starts for itself. Where node or the package is missing the stories say so.

mod signing_out;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::people::{john_smith, with};
use crate::visitor::{PASSWORD, Seen, Visitor};
use crate::world::World;

/// Pages between leaving for the provider and coming back.
const STEPS_MAX: usize = 12;

/// A provider that runs while its story does.
struct Elsewhere {
    child: Child,
    /// Kept open: who writes into a closed pipe ends.
    _said: BufReader<ChildStdout>,
    url: String,
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Elsewhere {
    /// A provider that knows these people; `None` where it cannot run here.
    fn start(people: &Value, method: &str) -> Option<Self> {
        Self::start_with(people, method, &[])
    }

    fn start_with(people: &Value, method: &str, environment: &[(&str, &str)]) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        if !root.join("node_modules/oidc-provider").is_dir() {
            eprintln!("left out: npm's oidc-provider is not here (make prepare)");
            return None;
        }
        let mut command = Command::new("node");
        command
            .arg(root.join("tests/service/oidc/provider.mjs"))
            .env("PEOPLE", people.to_string())
            .env("METHOD", method)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else {
            eprintln!("left out: node cannot be started");
            return None;
        };
        let mut said = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        said.read_line(&mut line)
            .expect("the provider says where it is");
        let url = line.trim_end().strip_prefix("provider on ");
        let url = url.expect("the provider says where it is").to_owned();
        Some(Self {
            child,
            _said: said,
            url,
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
            client: reqwest::Client::builder()
                .no_proxy()
                .tls_certs_only([])
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .expect("a client"),
        })
    }

    /// Whoever comes next is this person.
    fn knows_next(&self, who: &str) {
        self.gets(&format!("{}/as?who={who}", self.url), &mut BTreeMap::new());
    }

    /// One page of the provider: where it sends the browser.
    fn gets(&self, url: &str, jar: &mut BTreeMap<String, String>) -> Option<String> {
        let cookies: Vec<String> = jar
            .iter()
            .map(|(name, it)| format!("{name}={it}"))
            .collect();
        let asked = self.client.get(url).header("cookie", cookies.join("; "));
        let answer = self.runtime.block_on(asked.send()).expect("an answer");
        for cookie in answer.headers().get_all("set-cookie") {
            let text = cookie.to_str().expect("text");
            let (name, value) = text
                .split(';')
                .next()
                .and_then(|it| it.split_once('='))
                .expect("a cookie");
            jar.insert(name.to_owned(), value.to_owned());
        }
        let place = answer.headers().get("location")?.to_str().expect("text");
        let base = url::Url::parse(url).expect("an address");
        Some(base.join(place).expect("an address").into())
    }

    /// Follows the way through the provider; gives path and query of the way back.
    fn walks(&self, way: &str, jar: &mut BTreeMap<String, String>) -> String {
        let mut place = way.to_owned();
        for _ in 0..STEPS_MAX {
            if !place.starts_with(&self.url) {
                let back = url::Url::parse(&place).expect("an address");
                return format!("{}?{}", back.path(), back.query().unwrap_or_default());
            }
            place = self
                .gets(&place, jar)
                .expect("the provider sends the browser on");
        }
        panic!("the provider does not send the browser back: {place}");
    }

    /// A service that believes this provider.
    fn world(&self, more: &str) -> World {
        let more = format!("client_secret_file = \"secret\"\n{more}");
        self.world_with(&more, ("secret", "a secret of +/ and %\n"))
    }

    /// The same, with a file beside its settings.
    fn world_with(&self, more: &str, (name, content): (&str, &str)) -> World {
        let folder = tempfile::tempdir().expect("a folder").keep();
        let file = folder.join("oidc.toml");
        let text = format!(
            "issuer = \"{}\"\nname = \"the trust\"\nclient_id = \"accord\"\n{more}",
            self.url
        );
        std::fs::write(folder.join(name), content).expect("written");
        std::fs::write(&file, text).expect("written");
        World::start_with(&[("ACCORD_OIDC", file.to_str().expect("text"))])
    }

    /// Walks from a page of ours to the provider and back; the last page of ours.
    fn signs_in(&self, visitor: &mut Visitor<'_>, from: &str) -> Seen {
        let sent = visitor.asks(from).expect(303);
        let way = sent.header("location").to_owned();
        for part in [
            "code_challenge_method=S256",
            "response_type=code",
            "nonce=",
            "state=",
        ] {
            assert!(way.contains(part), "{part}: {way}");
        }
        let back = self.walks(&way, &mut BTreeMap::new());
        assert!(back.starts_with("/sign-in/callback?"), "{back}");
        let page = visitor.asks(&back).expect(200);
        let onward = page
            .values("content=\"0;url=")
            .pop()
            .expect("it goes on by itself");
        assert!(onward.starts_with("/sign-in/finish?"), "{onward}");
        visitor.asks(&onward)
    }
}

const BY_GROUP: &str =
    "[[grant]]\nrole = \"steward\"\nclaim = \"groups\"\nvalue = \"data-quality\"\n";

fn plain_pair(world: &World) -> String {
    world.registers("gp", "1", &john_smith());
    let smyth = with(&john_smith(), json!({"family_name": "Smyth"}));
    world.registers("pas", "1", &smyth);
    world.tasks().tasks()[0].clone()
}

#[test]
fn r131_a_provider_says_who_it_is_and_its_claims_say_which_roles() {
    let people = json!({"sam": {"groups": ["porters", "data-quality"]}, "nora": {"groups": []}});
    let Some(provider) = Elsewhere::start(&people, "client_secret_basic") else {
        return;
    };
    let world = provider.world(BY_GROUP);
    let task = plain_pair(&world);
    let mut sam = Visitor::nobody(&world);
    sam.opens("/").shows("Sign in with the trust");
    provider.knows_next("sam");
    let then = "/sign-in/provider?then=%2Freview%3Fkind%3Dpossible_duplicate";
    let sent = provider.signs_in(&mut sam, then).expect(303);
    assert_eq!(sent.header("location"), "/review?kind=possible_duplicate");
    assert_eq!(sam.opens("/review").tasks().join(" "), task);
    sam.opens("/account")
        .shows("oidc:sam")
        .shows("steward")
        .hides("Present password");

    // Nobody without a role sees anything.
    let mut nora = Visitor::nobody(&world);
    provider.knows_next("nora");
    provider
        .signs_in(&mut nora, "/sign-in/provider")
        .expect(303);
    nora.opens("/account").shows("none: an administrator");
    for page in [
        "/review",
        "/work",
        "/search",
        "/sources",
        &format!("/review/tasks/{task}"),
    ] {
        nora.asks(page).expect(403).hides("Smith");
    }
    // The name is no way in without the provider.
    let mut guesser = Visitor::nobody(&world);
    for password in ["", PASSWORD] {
        guesser.signs_in("oidc:sam", password).expect(401);
    }
    // Who is disabled here stays outside, whatever the provider says.
    world.accord(&["account", "disable", "oidc:sam"]).expect(0);
    sam.asks("/review").expect(303);
    provider.knows_next("sam");
    provider.signs_in(&mut sam, "/sign-in/provider").expect(403);
    sam.asks("/review").expect(303);
}

#[test]
fn t13_a_provider_signs_with_keys_of_elliptic_curves_too() {
    let people = json!({"sam": {"groups": ["data-quality"]}});
    for algorithm in ["ES256", "ES384", "EdDSA", "PS256"] {
        let environment = [("ALGORITHM", algorithm)];
        let started = Elsewhere::start_with(&people, "client_secret_basic", &environment);
        let Some(provider) = started else { return };
        let world = provider.world(BY_GROUP);
        let mut sam = Visitor::nobody(&world);
        provider.signs_in(&mut sam, "/sign-in/provider").expect(303);
        sam.opens("/account").shows("oidc:sam").shows("steward");
    }
}

#[test]
fn who_signs_in_elsewhere_shows_again_who_they_are_before_people_are_joined() {
    let people = json!({"sam": {"groups": ["data-quality"]}, "sue": {"groups": ["data-quality"]}});
    let Some(provider) = Elsewhere::start(&people, "client_secret_post") else {
        return;
    };
    let world = provider.world(BY_GROUP);
    let task = plain_pair(&world);
    let mut sam = Visitor::nobody(&world);
    provider.knows_next("sam");
    provider.signs_in(&mut sam, "/sign-in/provider").expect(303);
    let path = format!("/review/tasks/{task}");
    let page = sam.opens(&path).shows("show again who you are");
    let page = page.hides("name=\"password\"");
    let fields = [
        ("outcome", "same"),
        ("reason", "their letters crossed"),
        ("evidence", &page.field("evidence")),
        ("version", &page.field("version")),
    ];
    let decide = format!("{path}/decide");
    sam.posts(&decide, &fields)
        .expect(403)
        .shows("Show again who you are")
        .shows("their letters crossed");
    // Somebody else's word is not hers.
    provider.knows_next("sue");
    provider.signs_in(&mut sam, "/sign-in/again").expect(403);
    sam.posts(&decide, &fields).expect(403);
    provider.knows_next("sam");
    provider
        .signs_in(&mut sam, "/sign-in/again")
        .expect(200)
        .shows("You have shown who you are");
    // The session and what was typed are the same.
    sam.opens(&path);
    sam.posts(&decide, &fields).expect(303);
    assert_eq!(world.task(&task)["outcome"], "same");
    // Signed out here, and shown the way to sign out there.
    let sent = sam.posts("/sign-out", &[]).expect(303);
    assert_eq!(sent.header("location"), "/signed-out");
    assert!(sam.cookie.is_none());
    sam.opens("/signed-out")
        .shows("Sign out of the trust too")
        .shows("/session/end?client_id=accord");
    sam.asks("/review").expect(303);
    world.verify();
}

#[test]
fn t13_a_sign_in_that_was_not_begun_in_this_browser_ends_nowhere() {
    let people = json!({"sam": {"groups": ["data-quality"]}});
    let Some(provider) = Elsewhere::start(&people, "client_secret_basic") else {
        return;
    };
    let world = provider.world(BY_GROUP);
    let mut sam = Visitor::nobody(&world);
    let sent = sam.asks("/sign-in/provider").expect(303);
    let way = sent.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(way.contains(part), "{way}");
    }
    let back = provider.walks(sent.header("location"), &mut BTreeMap::new());
    let page = sam.asks(&back).expect(200);
    let onward = page.values("content=\"0;url=").pop().expect("it goes on");
    // Another browser, which has begun a sign-in of its own.
    let mut other = Visitor::nobody(&world);
    other.asks(&onward).expect(403);
    other.asks("/sign-in/provider").expect(303);
    other.asks(&onward).expect(403);
    assert!(other.cookie.is_none());
    // A state that says another page, another code, an answer that is a refusal.
    sam.asks(&onward.replacen("state=in.", "state=again.", 1))
        .expect(403);
    sam.asks("/sign-in/callback?error=access_denied&state=x")
        .expect(403);
    let code = onward
        .split("code=")
        .nth(1)
        .and_then(|it| it.split('&').next())
        .expect("a code");
    sam.asks(&onward.replacen(code, "another", 1)).expect(403);
    sam.asks(&onward).expect(303);
    assert!(sam.cookie.is_some());
    // A code is taken once.
    sam.asks(&onward).expect(403);
    // Nobody is led away from here afterwards.
    let away = sam
        .asks("/sign-in/provider?then=https%3A%2F%2Fevil.example.org")
        .expect(303);
    let back = provider.walks(away.header("location"), &mut BTreeMap::new());
    let page = sam.asks(&back).expect(200);
    let onward = page.values("content=\"0;url=").pop().expect("it goes on");
    let sent = sam.asks(&onward).expect(303);
    assert_eq!(sent.header("location"), "/");
}

#[test]
fn national_roles_are_read_from_cis2_claims_and_a_weak_sign_in_is_refused() {
    let roles = |code: &str| {
        json!([
            {"person_roleid": "1", "org_code": "RVV", "role_code": code, "activity_codes": ["B1610"]},
            {"person_roleid": "2", "org_code": "RXX", "role_code": code, "activity_codes": []},
        ])
    };
    let somebody = |uid: &str, chosen: &str, acr: &str| {
        json!({"nhsid_useruid": uid, "selected_roleid": chosen, "acr": acr,
            "nhsid_nrbac_roles": roles("S8000:G8000:R8008")})
    };
    let people = json!({
        "chosen": somebody("555000000001", "1", "AAL3_ANY"),
        "other": somebody("555000000002", "2", "AAL3_ANY"),
        "weak": somebody("555000000003", "1", "AAL1_PASSWORD"),
    });
    let Some(provider) = Elsewhere::start(&people, "client_secret_basic") else {
        return;
    };
    let world = provider.world(
        "scopes = [\"openid\", \"profile\", \"nationalrbacaccess\", \"selectedrole\"]\n\
         account_claim = \"nhsid_useruid\"\naccount_prefix = \"cis2:\"\n\
         acr_values = [\"AAL3_ANY\"]\n\
         [[grant]]\nrole = \"approver\"\nrole_code = \"S8000:G8000\"\n\
         activity_code = \"B1610\"\norganisation = \"RVV\"\n",
    );
    let mut visitor = Visitor::nobody(&world);
    provider.knows_next("chosen");
    provider
        .signs_in(&mut visitor, "/sign-in/provider")
        .expect(303);
    visitor
        .opens("/account")
        .shows("cis2:555000000001")
        .shows("approver");
    visitor.opens("/review");
    let mut visitor = Visitor::nobody(&world);
    provider.knows_next("other");
    provider
        .signs_in(&mut visitor, "/sign-in/provider")
        .expect(303);
    visitor.asks("/review").expect(403);
    let mut visitor = Visitor::nobody(&world);
    provider.knows_next("weak");
    provider
        .signs_in(&mut visitor, "/sign-in/provider")
        .expect(403)
        .shows("not strong enough");
    assert!(visitor.cookie.is_none());
}

#[test]
fn where_no_provider_is_set_or_none_answers_people_are_told_so() {
    let world = World::start();
    let mut nobody = Visitor::nobody(&world);
    nobody.opens("/").hides("Sign in with");
    nobody.asks("/sign-in/provider").expect(404);
    nobody.asks("/sign-in/finish?code=a&state=b").expect(404);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("oidc.toml");
    // Port 9 discards, and nothing listens there.
    let text = "issuer = \"http://127.0.0.1:9\"\nclient_id = \"accord\"\n";
    std::fs::write(&file, text).expect("written");
    let world = World::start_with(&[("ACCORD_OIDC", file.to_str().expect("text"))]);
    let mut nobody = Visitor::nobody(&world);
    nobody.opens("/").shows("Sign in with your organisation");
    nobody
        .asks("/sign-in/provider")
        .expect(503)
        .shows("does not answer as it should");
    let mut sam = Visitor::signed_in(&world, "sam", &["steward"]);
    sam.opens("/review");
    sam.asks("/sign-in/again").expect(403);
}
