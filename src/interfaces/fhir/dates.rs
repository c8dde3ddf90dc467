//! Dates of a search, with their prefixes.

use crate::foundation::limits::SEARCH_SPAN_YEARS_MAX;
use crate::identity::StandardDate;
use crate::matching::search::SearchRequest;

/// Nobody alive was born before.
const FIRST_YEAR: i16 = 1890;

/// One date, or a span of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dates {
    On(StandardDate),
    Between(StandardDate, StandardDate),
}

impl Dates {
    /// `None` where one cannot be read, or where they are no span.
    pub(super) fn read(sent: &[&str], (year, month, day): (i32, u8, u8)) -> Option<Self> {
        let first = StandardDate::from_parts(FIRST_YEAR, Some(1), Some(1))?;
        let last = StandardDate::from_parts(i16::try_from(year).ok()?, Some(month), Some(day))?;
        let mut span: (Option<StandardDate>, Option<StandardDate>) = (None, None);
        for text in sent {
            let (prefix, date) = match text.get(..2) {
                Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                    (prefix, text.get(2..)?)
                }
                _ => ("eq", *text),
            };
            let date = StandardDate::parse(date).filter(|read| read.to_iso() == date)?;
            match prefix {
                "eq" if sent.len() == 1 => return Some(Self::On(date)),
                "ap" if sent.len() == 1 => {
                    let around =
                        |years: i16| StandardDate::from_parts(date.year() + years, None, None);
                    return Some(Self::Between(around(-1)?, around(1)?));
                }
                "ge" | "gt" | "sa" if span.0.is_none() => span.0 = Some(date),
                "le" | "lt" | "eb" if span.1.is_none() => span.1 = Some(date),
                _ => return None,
            }
        }
        Some(Self::Between(
            span.0.unwrap_or(first),
            span.1.unwrap_or(last),
        ))
    }

    /// The date, where it is one.
    pub(super) fn single(&self) -> Option<String> {
        match self {
            Self::On(date) => Some(date.to_iso()),
            Self::Between(..) => None,
        }
    }

    /// The same question for each part of the span that one search may cover.
    pub(super) fn parts(&self, request: &SearchRequest) -> Vec<SearchRequest> {
        let (from, to) = match self {
            Self::On(date) => {
                return vec![SearchRequest {
                    birth_date: Some(date.to_iso()),
                    ..request.clone()
                }];
            }
            Self::Between(from, to) => (*from, *to),
        };
        let step = i16::try_from(SEARCH_SPAN_YEARS_MAX).unwrap_or(20);
        let mut parts = Vec::new();
        let mut start = from;
        loop {
            let last_year = start.year().saturating_add(step - 1);
            let whole = StandardDate::from_parts(last_year, Some(12), Some(31));
            let end = whole.filter(|end| end.year() < to.year()).unwrap_or(to);
            parts.push(SearchRequest {
                birth_date_from: Some(start.to_iso()),
                birth_date_to: Some(end.to_iso()),
                ..request.clone()
            });
            let next = StandardDate::from_parts(end.year().saturating_add(1), Some(1), Some(1));
            match next.filter(|_| end != to) {
                Some(next) => start = next,
                None => return parts,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dates;
    use crate::matching::search::SearchRequest;

    const TODAY: (i32, u8, u8) = (2026, 11, 28);

    fn spans(sent: &[&str]) -> Option<Vec<(String, String)>> {
        let parts = Dates::read(sent, TODAY)?.parts(&SearchRequest::default());
        let span = |part: SearchRequest| {
            let whole = part.birth_date.map(|date| (date.clone(), date));
            whole.or_else(|| part.birth_date_from.zip(part.birth_date_to))
        };
        parts.into_iter().map(span).collect()
    }

    #[test]
    fn prefixes_make_spans_and_long_ones_come_in_parts() {
        let pair = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        assert_eq!(
            spans(&["1971-02-03"]),
            Some(vec![pair("1971-02-03", "1971-02-03")])
        );
        assert_eq!(
            spans(&["eq1971-02"]),
            Some(vec![pair("1971-02", "1971-02")])
        );
        assert_eq!(
            spans(&["ge1971-02-03", "le1972-01-01"]),
            Some(vec![pair("1971-02-03", "1972-01-01")])
        );
        assert_eq!(spans(&["ap1982"]), Some(vec![pair("1981", "1983")]));
        assert_eq!(
            spans(&["ge1992-05-01"]),
            Some(vec![
                pair("1992-05-01", "2011-12-31"),
                pair("2012-01-01", "2026-11-28")
            ])
        );
        for odd in [
            &["19711022"] as &[&str],
            &["xx1971"],
            &["eq1971", "le1972"],
            &["ge1", ""],
            &[""],
        ] {
            assert_eq!(spans(odd), None, "{odd:?}");
        }
    }
}
