//! What a URL says: segments of the path and parameters of the query.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::interfaces::http::Current;
use crate::interfaces::http::reading::{faulty, percent_decoded, request_id};
use crate::interfaces::http::{Problem, Refused};
use crate::interfaces::json::Tree;
use crate::registry::{LocalId, SourceCode};

/// Source and local id of the path, percent-decoded, case-sensitive.
pub struct RecordPath {
    /// The source.
    pub source: SourceCode,
    /// The local id.
    pub local_id: LocalId,
}

impl FromRequestParts<Current> for RecordPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, current: &Current) -> Result<Self, Problem> {
        let id = request_id(&parts.headers);
        check_encoding(parts, &id)?;
        let segments: Result<Path<(String, String)>, _> =
            Path::from_request_parts(parts, current).await;
        let (source, local_id) = segments.map_err(|_| undecodable("path", &id))?.0;
        Ok(Self {
            source: source_code(&source, &id)?,
            local_id: local_id_of(&local_id, &id)?,
        })
    }
}

/// One segment of the path.
pub struct Segment(pub String);

impl FromRequestParts<Current> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, current: &Current) -> Result<Self, Problem> {
        let id = request_id(&parts.headers);
        check_encoding(parts, &id)?;
        let segment: Result<Path<String>, _> = Path::from_request_parts(parts, current).await;
        segment
            .map(|path| Self(path.0))
            .map_err(|_| undecodable("path", &id))
    }
}

/// Two segments of the path.
pub struct Segments(pub String, pub String);

impl FromRequestParts<Current> for Segments {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, current: &Current) -> Result<Self, Problem> {
        let id = request_id(&parts.headers);
        check_encoding(parts, &id)?;
        let segments: Result<Path<(String, String)>, _> =
            Path::from_request_parts(parts, current).await;
        segments
            .map(|Path((first, second))| Self(first, second))
            .map_err(|_| undecodable("path", &id))
    }
}

/// The router passes a lone `%` on as it is; then two URLs would be one record.
fn check_encoding(parts: &Parts, id: &str) -> Result<(), Problem> {
    let decoded = percent_decoded(parts.uri.path());
    decoded.map(drop).ok_or_else(|| undecodable("path", id))
}

fn undecodable(member: &str, id: &str) -> Problem {
    let detail = format!("the {member} is not percent-encoded UTF-8; write % as %25");
    Problem::new(Refused::Malformed, detail, id)
        .member(member)
        .rule("percent-encoding")
}

pub(super) fn source_code(text: &str, id: &str) -> Result<SourceCode, Problem> {
    SourceCode::parse(text).map_err(|error| {
        Problem::new(Refused::Unprocessable, error.to_string(), id)
            .member("source")
            .rule("source code")
    })
}

pub(super) fn local_id_of(text: &str, id: &str) -> Result<LocalId, Problem> {
    let refuse = |detail: String| {
        Problem::new(Refused::Unprocessable, detail, id)
            .member("local_id")
            .rule("local id")
    };
    if matches!(text, "." | "..") {
        // Clients and proxies take these out of a path, however they are written.
        let detail = "a local id of one or two full stops cannot stand in a URL";
        return Err(refuse(detail.to_owned()));
    }
    LocalId::parse(text).map_err(|error| refuse(error.to_string()))
}

/// Query parameters, read strictly: each once, none unknown.
pub struct Parameters<T>(pub T);

/// For a path that takes no parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoParameters {}

impl<T: DeserializeOwned + Send> FromRequestParts<Current> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Current) -> Result<Self, Problem> {
        let id = request_id(&parts.headers);
        read_query(parts.uri.query().unwrap_or_default(), &id).map(Self)
    }
}

fn read_query<T: DeserializeOwned>(query: &str, id: &str) -> Result<T, Problem> {
    let mut members = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = |text: &str| percent_decoded(&text.replace('+', " "));
        let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
            return Err(undecodable("query", id));
        };
        members.push((name.into(), Tree::Parameter(value)));
    }
    let tree = Tree::of_members(members);
    tree.and_then(Tree::read)
        .map_err(|fault| faulty("query parameter", &fault, id))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::{local_id_of, percent_decoded, read_query, source_code};

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Some3 {
        limit: Option<u32>,
        follow: Option<bool>,
        after: Option<String>,
    }

    #[test]
    fn parameters_are_read_and_wrong_ones_named() {
        let read = |query: &str| read_query::<Some3>(query, "");
        let all = read("limit=3&follow=false&after=a%20b+c").expect("all three");
        assert_eq!(all.limit, Some(3));
        assert_eq!(all.follow, Some(false));
        assert_eq!(all.after.as_deref(), Some("a b c"));
        for (query, member, rule, status) in [
            ("limit=x", "limit", "type", 400),
            ("limit=", "limit", "type", 400),
            ("limit=-1", "limit", "range", 422),
            ("limit=99999999999", "limit", "range", 422),
            ("limit=1&limit=2", "limit", "unique members", 400),
            ("follow=yes", "follow", "type", 400),
            ("surname=Hidden", "surname", "unknown member", 400),
            ("%zz=1", "query", "percent-encoding", 400),
            ("after=%FF", "query", "percent-encoding", 400),
        ] {
            let problem = read(query).expect_err(query);
            assert_eq!(problem.member.as_deref(), Some(member), "{query}");
            assert_eq!(problem.rule.as_deref(), Some(rule), "{query}");
            assert_eq!(problem.status, status, "{query}");
            assert!(!problem.detail.contains("Hidden"));
        }
    }

    #[test]
    fn percent_signs_are_decoded_or_refused() {
        assert_eq!(percent_decoded("a%2Fb%C3%A9").as_deref(), Some("a/bé"));
        for broken in ["%", "%4", "%zz", "%C3", "%+1"] {
            assert_eq!(percent_decoded(broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn any_url_is_read_or_refused(text in "\\PC{0,80}") {
            let _ = read_query::<Some3>(&text, "");
            let _ = percent_decoded(&text);
            if let Ok(source) = source_code(&text, "") {
                prop_assert_eq!(source.as_str(), text.as_str());
            }
            if let Ok(local_id) = local_id_of(&text, "") {
                prop_assert_eq!(local_id.as_str(), text.as_str());
            }
        }
    }
}
