//! Parameters of a search, which may come more than once.

use crate::interfaces::fhir::outcome::Spine;
use crate::interfaces::http::reading::percent_decoded;
use crate::interfaces::http::{Problem, Refused};

/// Names and values, decoded, in their order.
pub(super) struct Query {
    pub(super) pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads a query, or a form.
    ///
    /// # Errors
    /// It is not percent-encoded UTF-8.
    pub(super) fn read(text: &str, id: &str) -> Result<Self, Problem> {
        let mut pairs = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decoded = |text: &str| percent_decoded(&text.replace('+', " "));
            let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
                let detail = "the query is not percent-encoded UTF-8; write % as %25";
                let problem = Problem::new(Refused::Malformed, detail, id);
                return Err(problem.member("query").rule(Spine::InvalidValue.code()));
            };
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// All values of a name.
    pub(super) fn all<'q>(&'q self, name: &'q str) -> impl Iterator<Item = &'q str> {
        let named = self.pairs.iter().filter(move |(held, _)| held == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The only value of a name.
    ///
    /// # Errors
    /// It is there twice.
    pub(super) fn one<'q>(&'q self, name: &'q str, id: &str) -> Result<Option<&'q str>, Problem> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            let detail = format!("{name} is there twice; send it once");
            let problem = Problem::new(Refused::Malformed, detail, id);
            return Err(problem.member(name).rule(Spine::InvalidSearchData.code()));
        }
        Ok(first.filter(|value| !value.is_empty()))
    }
}

/// `SYSTEM|VALUE`; without a bar a value of no system.
pub(super) fn token(text: &str) -> (Option<&str>, &str) {
    text.split_once('|')
        .map_or((None, text), |(system, value)| (Some(system), value))
}
