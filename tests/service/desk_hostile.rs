//! Five hundred texts that would do something where a page forgot what they are, on
//! every page that shows what a record says.

use serde_json::{Value, json};

use crate::people::{john_smith, with};
use crate::visitor::{Seen, Visitor};
use crate::world::World;

const PAYLOADS: [&str; 25] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(2)>",
    "'><svg/onload=alert(3)>",
    "</textarea><script>alert(4)</script>",
    "</title><script>alert(5)</script>",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "javascript:alert(6)",
    "<iframe srcdoc='<script>alert(7)</script>'>",
    "--><script>alert(8)</script><!--",
    "<a href=\"//evil.example.org\">",
    "\" autofocus onfocus=alert(9) x=\"",
    "' onmouseover='alert(10)",
    "` onclick=`alert(11)",
    "</bdi></td></tr></table><h1>Approved</h1>",
    "<form action=//evil.example.org><input name=password>",
    "<meta http-equiv=refresh content=0;url=//evil.example.org>",
    "<base href=//evil.example.org>",
    "<link rel=stylesheet href=//evil.example.org>",
    "<object data=//evil.example.org>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(12)>",
    "<details open ontoggle=alert(13)>",
    "&lt;script&gt;alert(14)&lt;/script&gt;",
    "&#60;script&#62;alert(15)&#60;/script&#62;",
    "%3Cscript%3Ealert(16)%3C/script%3E",
    "\\u003cscript\\u003ealert(17)",
];

/// Ways to write a payload: as it is, in other letters, behind marks of direction,
/// between nothings, and very long.
fn written(payload: &str, way: usize) -> String {
    let around = |before: &str, after: &str| format!("{before}{payload}{after}");
    match way {
        0 => payload.to_owned(),
        1 => payload.to_uppercase(),
        2 => around("\u{202e}", ""),
        3 => around("\u{2066}", "\u{2069}"),
        4 => around("\u{200b}", "\u{200d}"),
        5 => payload.replace('<', "<\u{feff}"),
        6 => payload.replace(' ', "/"),
        7 => payload.replace(' ', "\u{a0}"),
        8 => payload.replace('<', "\u{ff1c}"),
        9 => around(&"W".repeat(900), ""),
        10 => around("\u{0627}\u{0644}\u{0645}\u{0631}\u{064a}\u{0636} ", ""),
        11 => around("e\u{0301}\u{0301}\u{0301}", ""),
        12 => around("\"'", "'\""),
        13 => around("]]>", "<![CDATA["),
        14 => around("*/", "/*"),
        15 => around("</script>", ""),
        16 => around("</style>", ""),
        17 => around("\\", "\\"),
        18 => around("\u{1f469}\u{200d}\u{2695}\u{fe0f}", ""),
        _ => around("O'", " & Sons"),
    }
}

const WAYS: usize = 20;

/// Elements of our own templates, and their attributes.
const ELEMENTS: &str = "!doctype a article bdi blockquote body button caption circle code dd \
    details div dl dt em footer form h1 h2 h3 head header html input label li line link main mark \
    meta nav ol option p rect script section select span strong summary svg table tbody td text \
    textarea tfoot th thead time title tr ul";
const ATTRIBUTES: &str = "action aria-current aria-describedby aria-label aria-labelledby \
    autocapitalize autocomplete charset checked class content cx cy data-key data-label data-left \
    data-until datetime defer dir for height href html id lang maxlength method minlength name \
    open pattern placeholder r readonly rel required role rows scope selected spellcheck src \
    tabindex target text-anchor title type value viewbox width x x1 x2 y y1 y2 stroke-width";

/// The attributes of a tag whose text begins after its name; and what follows it.
fn attributes(tag: &str) -> (Vec<(String, String)>, &str) {
    let (mut found, mut rest) = (Vec::new(), tag);
    loop {
        rest = rest.trim_start_matches([' ', '\n', '/']);
        if let Some(after) = rest.strip_prefix('>') {
            return (found, after);
        }
        let end = rest.find(['=', ' ', '>', '\n']).expect("a tag ends");
        let name = rest[..end].to_ascii_lowercase();
        rest = &rest[end..];
        let Some(value) = rest.strip_prefix("=\"") else {
            assert!(!rest.starts_with('='), "a value without quotes: {name}");
            found.push((name, String::new()));
            continue;
        };
        let end = value.find('"').expect("a value ends");
        found.push((name, value[..end].to_owned()));
        rest = &value[end + 1..];
    }
}

/// Every tag of the page is one that a template of ours has written, and nothing that
/// turns the direction of a line stands outside an element that keeps it in.
#[track_caller]
fn is_ours(page: &Seen) {
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{}", page.path);
    let elements: Vec<&str> = ELEMENTS.split_whitespace().collect();
    let known: Vec<&str> = ATTRIBUTES.split_whitespace().collect();
    let mut rest = page.text.as_str();
    let mut kept_in: Vec<String> = Vec::new();
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        let turns = text.contains(['\u{202e}', '\u{2066}']);
        assert!(!turns || !kept_in.is_empty(), "{}: {text}", page.path);
        let tag = &rest[at + 1..];
        let closes = tag.starts_with('/');
        let tag = tag.trim_start_matches('/');
        let end = tag.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '!');
        let name = tag[..end.unwrap_or(tag.len())].to_ascii_lowercase();
        assert!(elements.contains(&name.as_str()), "{}: <{name}", page.path);
        let (found, after) = attributes(&tag[name.len()..]);
        for (attribute, value) in &found {
            assert!(
                known.contains(&attribute.as_str()),
                "{}: {attribute}",
                page.path
            );
            let place = matches!(attribute.as_str(), "href" | "src" | "action");
            let own = value.starts_with('/') && !value.starts_with("//");
            let own = own || value.starts_with('#') || value.starts_with('?');
            assert!(!place || own, "{}: {attribute}={value}", page.path);
        }
        let keeps = name == "bdi" || name == "textarea" || name == "option";
        let keeps = keeps
            || found
                .iter()
                .any(|(name, value)| name == "dir" && value == "auto");
        if closes && kept_in.last() == Some(&name) {
            kept_in.pop();
        } else if !closes && keeps && name != "input" {
            kept_in.push(name);
        }
        rest = after;
    }
}

/// A record full of these texts.
fn hostile(place: usize, texts: &[String]) -> Value {
    let born = format!("19{:02}-03-04", 40 + place);
    let alias = |text: &String| json!({"family_name": text, "given_names": [text], "use": text});
    let address = |text: &String| json!({"lines": [text], "town": text, "postcode": text, "from": text, "use": text});
    let given = [&["John".to_owned()], &texts[..5]].concat();
    with(
        &john_smith(),
        json!({
            "birth_date": born, "given_names": given,
            "title": texts[5], "gp_practice": texts[6], "birth_order": texts[7],
            "aliases": texts[8..14].iter().map(alias).collect::<Vec<_>>(),
            "addresses": texts[14..18].iter().map(address).collect::<Vec<_>>(),
            "phones": texts[18..20], "emails": texts[20..22], "death_date": texts[22],
            "other_identifiers": [{"system": texts[23], "value": texts[24]}],
            "nhs_number": texts[7], "nhs_number_status": texts[8],
        }),
    )
}

#[test]
fn t4_hostile_texts_are_shown_as_texts_on_every_page() {
    let world = World::start();
    let texts = (0..WAYS).flat_map(|way| PAYLOADS.map(|payload| written(payload, way)));
    let texts: Vec<String> = texts.collect();
    assert_eq!(texts.len(), 500);
    let mut persons = Vec::new();
    for (place, texts) in texts.chunks(25).enumerate() {
        let record = hostile(place, texts);
        let local_id: String = texts[0].chars().take(200).collect();
        persons.push(world.registers("gp", &local_id, &record).person());
        let plain = json!({"birth_date": record["birth_date"], "phones": [texts[18]]});
        world.registers("pas", &place.to_string(), &with(&john_smith(), plain));
    }
    let tasks = world.tasks().tasks();
    assert!(tasks.len() >= 10, "{tasks:?}");
    let mut sam = Visitor::signed_in(&world, "sam", &["steward", "auditor", "privacy_officer"]);
    let purpose = "\u{202e}\"><img src=x onerror=alert(18)>";
    sam.posts("/purpose", &[("purpose", purpose)]).expect(303);
    let mut shown = 0;
    let fixed = [
        "/review",
        "/work",
        "/account",
        "/sources",
        "/sources/gp",
        "/search",
        "/audit",
    ];
    let mut pages: Vec<String> = fixed.map(str::to_owned).into();
    pages.extend(tasks.iter().map(|task| format!("/review/tasks/{task}")));
    for person in &persons {
        pages.push(format!("/persons/{person}"));
        pages.push(format!("/persons/{person}/records/1"));
    }
    let first = &persons[0];
    pages.push(format!("/audit/persons/{first}"));
    pages.push(format!("/persons/{first}/subject-access"));
    for page in pages {
        let page = sam.opens(&page);
        is_ours(&page);
        shown += usize::from(page.text.contains("&#60;script&#62;"));
    }
    assert!(shown >= 20, "{shown} pages showed one");
    // What somebody types comes back on a page as it was typed.
    let fields = [
        ("purpose", purpose),
        ("family_name", PAYLOADS[0]),
        ("birth_date", purpose),
    ];
    is_ours(&sam.posts("/search", &fields));
    let fields = [
        ("purpose", purpose),
        ("family_name", "Smith"),
        ("given_names", "John"),
    ];
    let dated = [&fields[..], &[("birth_date", "1940-03-04")]].concat();
    is_ours(&sam.posts("/search", &dated).expect(200));
    let task = &tasks[0];
    let fields = [
        ("outcome", "escalate"),
        ("reason", purpose),
        ("comment", PAYLOADS[3]),
    ];
    is_ours(&sam.posts(&format!("/review/tasks/{task}/decide"), &fields));
    is_ours(&sam.posts(
        &format!("/review/tasks/{task}/assign"),
        &[("to", PAYLOADS[1])],
    ));
    let fields = [("other", persons[1].as_str()), ("reason", purpose)];
    is_ours(&sam.posts(&format!("/persons/{first}/merge"), &fields));
    let fields = [("to", ""), ("reason", purpose)];
    is_ours(&sam.posts(&format!("/persons/{first}/records/1/move"), &fields));
}

#[test]
fn a_browser_is_told_on_a_page_what_a_program_is_told_as_a_problem() {
    let world = World::start();
    let asked = |path: &str, accept: &str| {
        let headers = [("accept".to_owned(), accept.to_owned())];
        let (status, headers, text) = world
            .browse(reqwest::Method::GET, path, &headers, None)
            .expect("an answer");
        (status, headers["content-type"].clone(), headers, text)
    };
    let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
    let (status, media, headers, text) = asked("/no/such/<page>", browser);
    assert_eq!((status, media.as_str()), (404, "text/html; charset=utf-8"));
    assert!(headers["content-security-policy"].contains("default-src 'none'"));
    assert!(text.contains("no such path") && text.contains("Go on from the start"));
    for (path, accept) in [
        ("/no/such/page", "*/*"),
        ("/no/such/page", "application/json"),
        ("/api/v1/no/such/path", browser),
    ] {
        let (status, media, _, text) = asked(path, accept);
        assert_eq!(status, 404, "{text}");
        assert!(
            media.starts_with("application/problem+json"),
            "{path} {accept}"
        );
    }
}
