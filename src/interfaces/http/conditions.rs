//! Headers that say under which condition a record is written.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::flows::IfMatch;
use crate::interfaces::http::{Problem, Refused};

/// Longest idempotency key.
const IDEMPOTENCY_KEY_CHARACTERS_MAX: usize = 256;

/// The condition of `If-Match`: `*`, or entity tags such as `W/"3"`. Weak and
/// strong tags are the same here: a version is what a tag names. A tag that was
/// never given out matches nothing.
///
/// # Errors
/// The header is neither.
pub fn if_match(headers: &HeaderMap, id: &str) -> Result<Option<IfMatch>, Problem> {
    let mut versions = Vec::new();
    let mut sent = false;
    for value in headers.get_all(header::IF_MATCH) {
        sent = true;
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Some(IfMatch::Any));
        }
        let tags = entity_tags(text).ok_or_else(|| {
            let detail = "If-Match must be * or the ETag of a record, such as W/\"3\"";
            Problem::new(Refused::Malformed, detail, id)
                .member("If-Match")
                .rule("RFC 9110 8.8.3")
        })?;
        versions.extend(tags.into_iter().filter_map(version_of));
    }
    Ok(sent.then_some(IfMatch::OneOf(versions)))
}

/// The same of a text that stands elsewhere, as in an entry of a bundle.
///
/// # Errors
/// It is neither.
pub fn if_match_of(text: &str, id: &str) -> Result<IfMatch, Problem> {
    let mut headers = HeaderMap::new();
    // What no header can hold is no tag.
    let value = HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("(none)"));
    headers.insert(header::IF_MATCH, value);
    Ok(if_match(&headers, id)?.unwrap_or(IfMatch::OneOf(Vec::new())))
}

fn version_of(tag: &str) -> Option<u32> {
    let version: u32 = tag.parse().ok()?;
    // "+3" and "03" are other tags than "3".
    (version.to_string() == tag).then_some(version)
}

/// What stands between the quotes of a list of entity tags; `None` when it is
/// none. Empty elements are passed over (RFC 9110 §5.6.1.2).
fn entity_tags(text: &str) -> Option<Vec<&str>> {
    let mut tags = Vec::new();
    let mut rest = text;
    loop {
        let tag = rest.trim_start_matches([' ', '\t', ',']);
        if tag.is_empty() {
            return Some(tags);
        }
        let tag = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?;
        let (tag, after) = tag.split_once('"')?;
        if tag.contains(char::is_whitespace) {
            return None;
        }
        tags.push(tag);
        rest = after.trim_start();
        if !rest.is_empty() && !rest.starts_with(',') {
            return None;
        }
    }
}

/// The key under which a request may be sent again.
///
/// # Errors
/// The header is there twice, or no short visible text.
pub fn idempotency_key(headers: &HeaderMap, id: &str) -> Result<Option<String>, Problem> {
    let refuse = |detail: &str| {
        let problem = Problem::new(Refused::Malformed, detail, id);
        Err(problem.member("Idempotency-Key").rule("idempotency key"))
    };
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return refuse("Idempotency-Key is there twice; send it once");
    }
    let key = value.to_str().unwrap_or_default().trim();
    let visible = key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if key.is_empty() || key.len() > IDEMPOTENCY_KEY_CHARACTERS_MAX || !visible {
        return refuse("Idempotency-Key must be 1 to 256 visible ASCII characters");
    }
    Ok(Some(key.to_owned()))
}

/// Refuses headers that would say something about one record where many come.
///
/// # Errors
/// One is there.
pub fn refuse_conditions(headers: &HeaderMap, id: &str) -> Result<(), Problem> {
    for name in ["Idempotency-Key", "If-Match"] {
        if headers.contains_key(name) {
            let detail = format!(
                "a batch takes no {name}: each line is answered for itself, and a line that is \
                 known already changes nothing, so that a batch can be sent again as it is"
            );
            let problem = Problem::new(Refused::Malformed, detail, id);
            return Err(problem.member(name).rule("one record"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;

    use super::{idempotency_key, if_match};
    use crate::flows::IfMatch;

    fn with(name: &'static str, values: &[&[u8]]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            let value = HeaderValue::from_bytes(value).expect("a header value");
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn if_match_takes_a_star_and_lists_of_tags() {
        let read = |text: &str| if_match(&with("if-match", &[text.as_bytes()]), "");
        assert_eq!(read("*"), Ok(Some(IfMatch::Any)));
        assert_eq!(read("W/\"3\""), Ok(Some(IfMatch::OneOf(vec![3]))));
        assert_eq!(
            read("\"3\" , W/\"14\""),
            Ok(Some(IfMatch::OneOf(vec![3, 14])))
        );
        assert_eq!(
            read("\"x,y\", \"03\", \"+3\""),
            Ok(Some(IfMatch::OneOf(vec![])))
        );
        assert_eq!(read(""), Ok(Some(IfMatch::OneOf(vec![]))));
        assert_eq!(read("\"3\", ,"), Ok(Some(IfMatch::OneOf(vec![3]))));
        for broken in ["3", "\"3", "W/3", "\"3\" \"4\"", "w/\"3\""] {
            assert!(read(broken).is_err(), "{broken}");
        }
        assert_eq!(if_match(&HeaderMap::new(), ""), Ok(None));
    }

    #[test]
    fn an_idempotency_key_is_one_short_visible_text() {
        let read = |values: &[&[u8]]| idempotency_key(&with("idempotency-key", values), "");
        assert_eq!(read(&[b" a b "]), Ok(Some("a b".to_owned())));
        for broken in [&[b"".as_slice()] as &[&[u8]], &[b"\xc3\xa9"], &[b"a", b"a"]] {
            assert!(read(broken).is_err());
        }
        assert!(read(&["k".repeat(257).as_bytes()]).is_err());
    }

    proptest! {
        #[test]
        fn headers_are_read_or_refused(text in "[ -~]{0,300}", bytes in prop::collection::vec(32_u8..127, 0..40)) {
            let tags = if_match(&with("if-match", &[text.as_bytes()]), "id");
            if let Err(problem) = &tags {
                prop_assert_eq!(problem.status, 400);
                prop_assert!(text.len() < 8 || !problem.detail.contains(&text));
            }
            if let Ok(Some(key)) = idempotency_key(&with("idempotency-key", &[&bytes]), "id") {
                prop_assert!((1..=256).contains(&key.len()));
            }
        }
    }
}
