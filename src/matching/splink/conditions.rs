//! What a level of Splink asks of two values, read from its SQL. Each of its back ends has
//! its own spelling of one function, so that a text is first stripped of case, quotes and
//! space. What is not understood stays as it is and is not guessed at.

/// A condition on two values of one column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    /// A value is missing.
    Null,
    /// The values are equal.
    Equal(String),
    /// Jaro–Winkler similarity of at least so much.
    JaroWinkler(String, f64),
    /// So many edits at most (Levenshtein, or Damerau's with exchanges).
    Edits(String, f64),
    /// Dates at most so far apart.
    DatesApart(String),
    /// The part before the @ is equal.
    MailUser(String),
    /// Postcodes up to and with the sector, the district or the area are equal.
    PostcodeSector(String),
    /// As above.
    PostcodeDistrict(String),
    /// As above.
    PostcodeArea(String),
    /// All other pairs.
    Else,
    /// Something else.
    Other,
}

impl Condition {
    /// The column, where it asks about one.
    pub(super) fn column(&self) -> Option<&str> {
        match self {
            Self::Equal(column)
            | Self::JaroWinkler(column, _)
            | Self::Edits(column, _)
            | Self::DatesApart(column)
            | Self::MailUser(column)
            | Self::PostcodeSector(column)
            | Self::PostcodeDistrict(column)
            | Self::PostcodeArea(column) => Some(column),
            Self::Null | Self::Else | Self::Other => None,
        }
    }
}

/// Reads a condition.
pub(super) fn read(sql: &str) -> Condition {
    let text = stripped(sql);
    if text == "else" {
        return Condition::Else;
    }
    if text.contains("isnull") {
        return Condition::Null;
    }
    equality(&text)
        .or_else(|| similarity(&text))
        .or_else(|| apart(&text))
        .or_else(|| extracts(&text))
        .unwrap_or(Condition::Other)
}

/// The columns of a blocking rule that asks for equal values alone.
pub(super) fn blocking_columns(sql: &str) -> Option<Vec<String>> {
    let text: String = sql.to_lowercase().replace(['(', ')', '"', '`'], "");
    let mut columns = Vec::new();
    for part in text.split(" and ") {
        let (left, right) = part.split_once('=')?;
        let left = left.trim().strip_prefix("l.")?;
        let right = right.trim().strip_prefix("r.")?;
        if left != right || !is_name(left) {
            return None;
        }
        columns.push(left.to_owned());
    }
    Some(columns)
}

fn stripped(sql: &str) -> String {
    let kept = sql
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '"' | '`'));
    kept.flat_map(char::to_lowercase).collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The column of a side; functions that only fold case and space are what
/// standardising does here.
fn side<'t>(text: &'t str, end: &str) -> Option<&'t str> {
    let mut inner = text;
    for folding in ["lower(", "upper(", "trim("] {
        if let Some(rest) = inner.strip_prefix(folding) {
            inner = rest.strip_suffix(')')?;
        }
    }
    inner.strip_suffix(end).filter(|name| is_name(name))
}

fn both_sides(left: &str, right: &str) -> Option<String> {
    let (l, r) = (side(left, "_l")?, side(right, "_r")?);
    (l == r).then(|| l.to_owned())
}

fn equality(text: &str) -> Option<Condition> {
    let (left, right) = text.split_once('=')?;
    both_sides(left, right).map(Condition::Equal)
}

fn similarity(text: &str) -> Option<Condition> {
    let (function, rest) = text.split_once('(')?;
    let (arguments, limit) = rest.rsplit_once(')')?;
    let (left, right) = arguments.split_once(',')?;
    let column = both_sides(left, right)?;
    let at_least = limit
        .strip_prefix(">=")
        .and_then(|limit| limit.parse().ok());
    let at_most = limit
        .strip_prefix("<=")
        .and_then(|limit| limit.parse().ok());
    match function {
        "jaro_winkler_similarity" | "jaro_winkler" => {
            at_least.map(|limit| Condition::JaroWinkler(column, limit))
        }
        "levenshtein" | "damerau_levenshtein" => {
            at_most.map(|limit| Condition::Edits(column, limit))
        }
        _ => None,
    }
}

/// The first column of a text that names it on the left side.
fn first_column(text: &str) -> Option<String> {
    let mut words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let column = words.find_map(|word| word.strip_suffix("_l"))?;
    Some(column.to_owned())
}

fn apart(text: &str) -> Option<Condition> {
    let dates = [
        "epoch",
        "datediff",
        "date_diff",
        "unix_timestamp",
        "julianday",
    ];
    let is_distance = text.starts_with("abs(") && dates.iter().any(|word| text.contains(word));
    is_distance
        .then(|| first_column(text))
        .flatten()
        .map(Condition::DatesApart)
}

/// Equality of a part that a regular expression takes out.
fn extracts(text: &str) -> Option<Condition> {
    let (left, right) = text.split_once(")=")?;
    let plain = |side: &str| side.trim_end_matches(')').to_owned();
    if plain(left).replace("_l", "_r") != plain(right) || !left.contains("regexp_extract(") {
        return None;
    }
    if left.contains("jaro") || left.contains("levenshtein") {
        return None;
    }
    let column = first_column(left)?;
    let pattern = left.split('\'').nth(1)?.trim_start_matches('^');
    match pattern {
        "[^@]+" => Some(Condition::MailUser(column)),
        "[a-za-z]{1,2}[0-9][a-za-z0-9]?[0-9]" => Some(Condition::PostcodeSector(column)),
        "[a-za-z]{1,2}[0-9][a-za-z0-9]?" => Some(Condition::PostcodeDistrict(column)),
        "[a-za-z]{1,2}" => Some(Condition::PostcodeArea(column)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, blocking_columns, read};

    #[test]
    fn conditions_of_several_back_ends_are_read() {
        let equal = Condition::Equal("first_name".to_owned());
        assert_eq!(read("\"first_name_l\" = \"first_name_r\""), equal);
        assert_eq!(read("lower(`first_name_l`) = lower(`first_name_r`)"), equal);
        assert_eq!(
            read("jaro_winkler(`surname_l`, `surname_r`) >= 0.92"),
            Condition::JaroWinkler("surname".to_owned(), 0.92)
        );
        assert_eq!(
            read("damerau_levenshtein(\"dob_l\", \"dob_r\") <= 1"),
            Condition::Edits("dob".to_owned(), 1.0)
        );
        assert_eq!(read("\"a_l\" IS NULL OR \"a_r\" IS NULL"), Condition::Null);
        assert_eq!(
            read(
                "NULLIF(regexp_extract(\"email_l\", '^[^@]+', 0), '') = NULLIF(regexp_extract(\"email_r\", '^[^@]+', 0), '')"
            ),
            Condition::MailUser("email".to_owned())
        );
        assert_eq!(
            read(
                "ABS(EPOCH(try_strptime(\"dob_l\", '%Y-%m-%d')) - EPOCH(try_strptime(\"dob_r\", '%Y-%m-%d'))) <= 2629800.0"
            ),
            Condition::DatesApart("dob".to_owned())
        );
    }

    #[test]
    fn what_is_not_understood_is_not_guessed_at() {
        for sql in [
            "\"a_l\" = \"b_r\"",
            "\"first_name_l\" = \"surname_r\" AND \"first_name_r\" = \"surname_l\"",
            "my_function(\"a_l\", \"a_r\") >= 3",
            "",
        ] {
            assert_eq!(read(sql), Condition::Other, "{sql}");
        }
    }

    #[test]
    fn a_blocking_rule_is_read_by_its_columns() {
        let rule = "(l.\"first_name\" = r.\"first_name\") AND (l.\"dob\" = r.\"dob\")";
        let columns = ["first_name".to_owned(), "dob".to_owned()];
        assert_eq!(blocking_columns(rule).as_deref(), Some(&columns[..]));
        assert_eq!(blocking_columns("l.a = r.b"), None);
        assert_eq!(blocking_columns("substr(l.a,1,2) = substr(r.a,1,2)"), None);
    }
}
