//! Reading the tree: its files, code apart from comments and strings, and the
//! numbers and addresses that stand in a text. No rule stands here.

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the tree.
pub(crate) struct Source {
    /// From the root, with `/`.
    pub path: String,
    pub text: String,
}

impl Source {
    /// The folder under `src/` that the file stands in.
    pub(crate) fn floor(&self) -> Option<&str> {
        let (floor, _) = self.path.strip_prefix("src/")?.split_once('/')?;
        Some(floor)
    }

    /// The part before the unit tests.
    pub(crate) fn without_tests(&self) -> &str {
        let end = self.text.find("\n#[cfg(test)]").unwrap_or(self.text.len());
        &self.text[..end]
    }
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn all_rust_files() -> Vec<Source> {
    ["src", "tests", "benches"]
        .into_iter()
        .flat_map(rust_files)
        .collect()
}

pub(crate) fn rust_files(folder: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(
        &root().join(folder),
        &|name| Path::new(name).extension().is_some_and(|end| end == "rs"),
        &mut found,
    );
    found
}

/// Everything that a person wrote: what the build makes, data directories and
/// the lock files (whose checksums are full of digits) are left out.
pub(crate) fn text_files() -> Vec<Source> {
    let mut found = Vec::new();
    collect(
        &root(),
        &|name| !matches!(name, "Cargo.lock" | "package-lock.json"),
        &mut found,
    );
    found
}

fn collect(folder: &Path, wanted: &dyn Fn(&str) -> bool, found: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            let made = matches!(name.as_str(), "target" | ".git" | "node_modules")
                || name.starts_with("accord-");
            if !made {
                collect(&path, wanted, found);
            }
        } else if wanted(&name)
            && let Ok(text) = fs::read_to_string(&path)
        {
            let path = path
                .strip_prefix(root())
                .unwrap_or(&path)
                .display()
                .to_string();
            found.push(Source { path, text });
        }
    }
}

/// The identifiers that follow `prefix`, with their lines.
pub(crate) fn named_after(code: &str, prefix: &str) -> Vec<(usize, String)> {
    let mut named = Vec::new();
    for (place, line) in code.lines().enumerate() {
        for (at, _) in line.match_indices(prefix) {
            if line[..at].ends_with(is_word) {
                continue;
            }
            let rest = &line[at + prefix.len()..];
            let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
            named.push((place + 1, rest[..end].to_owned()));
        }
    }
    named
}

pub(crate) fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + name.len()..]);
        let whole = !before.ends_with(is_word) && !before.ends_with("::");
        let imported = before.trim_end().ends_with("use") && after.starts_with([';', ' ']);
        whole && (after.starts_with("::") || imported)
    })
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Code with the contents of comments, strings and characters taken out, line
/// for line.
pub(crate) fn blanked(text: &str) -> String {
    let mut rest = text;
    let mut code = String::with_capacity(text.len());
    while let Some(letter) = rest.chars().next() {
        let taken = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if letter == '"' {
            string_length(rest)
        } else if letter == '\'' {
            character_length(rest)
        } else if letter == 'r' && !code.ends_with(is_word) {
            raw_string_length(rest).unwrap_or(1)
        } else {
            0
        };
        if taken <= letter.len_utf8() {
            code.push(letter);
            rest = &rest[letter.len_utf8()..];
        } else {
            code.extend(rest[..taken].chars().filter(|letter| *letter == '\n'));
            rest = &rest[taken..];
        }
    }
    code
}

fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character literal; 1 when the quote begins a lifetime.
fn character_length(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match letters.next() {
        Some((_, '\\')) => text[3..].find('\'').map_or(1, |end| end + 4),
        Some((at, letter)) if text[at + letter.len_utf8()..].starts_with('\'') => {
            at + letter.len_utf8() + 1
        }
        _ => 1,
    }
}

fn raw_string_length(text: &str) -> Option<usize> {
    let hashes = text[1..]
        .chars()
        .take_while(|letter| *letter == '#')
        .count();
    let content = text[1 + hashes..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = content.find(&close)?;
    Some(1 + hashes + 1 + end + close.len())
}

/// Line, name and body length of each function, blank and comment lines apart.
pub(crate) fn function_lengths(code: &str) -> Vec<(usize, String, usize)> {
    let mut lengths = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].ends_with(is_word) {
            continue;
        }
        let rest = &code[at + 3..];
        let name: String = rest.chars().take_while(|letter| is_word(*letter)).collect();
        if let Some(body) = body(rest).filter(|_| !name.is_empty()) {
            let line = code[..at].matches('\n').count() + 1;
            let length = body.lines().filter(|line| !line.trim().is_empty()).count();
            lengths.push((line, name, length.saturating_sub(2)));
        }
    }
    lengths
}

/// From the first brace to the one that closes it; none for a declaration.
fn body(signature: &str) -> Option<&str> {
    let mut brackets = 0_i32;
    let open = signature.char_indices().find(|(_, letter)| {
        match letter {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            _ => {}
        }
        brackets == 0 && matches!(letter, '{' | ';')
    });
    let (start, _) = open.filter(|(_, letter)| *letter == '{')?;
    let mut depth = 0_i32;
    for (at, letter) in signature[start..].char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&signature[start..=start + at]);
        }
    }
    None
}

/// Ten digits, plain or in the groups 3-3-4, that are no part of a longer word.
pub(crate) fn ten_digit_numbers(text: &str) -> Vec<(usize, String)> {
    let mut numbers = Vec::new();
    for (place, line) in text.lines().enumerate() {
        for run in digit_runs(line, &[' ', '-']) {
            let digits: String = run.groups.concat();
            let lengths: Vec<usize> = run.groups.iter().map(String::len).collect();
            if lengths == [3, 3, 4] || lengths == [10] {
                numbers.push((place + 1, digits));
            } else {
                let whole = run.groups.into_iter().filter(|group| group.len() == 10);
                numbers.extend(whole.map(|group| (place + 1, group)));
            }
        }
    }
    numbers
}

struct DigitRun {
    /// Whether `+` stands before it.
    plus: bool,
    groups: Vec<String>,
}

/// Groups of digits with one separator between them. Digits that touch letters,
/// points or underscores are part of something else and left out.
fn digit_runs(line: &str, separators: &[char]) -> Vec<DigitRun> {
    let letters: Vec<char> = line.chars().collect();
    let touches = |at: usize| {
        letters.get(at).is_some_and(|letter| {
            is_word(*letter)
                || *letter == '.' && {
                    let after = letters.get(at + 1);
                    after.is_some_and(char::is_ascii_digit)
                }
        })
    };
    let mut runs: Vec<DigitRun> = Vec::new();
    let mut last_end = None;
    let mut at = 0;
    while at < letters.len() {
        if !letters[at].is_ascii_digit() {
            at += 1;
            continue;
        }
        let start = at;
        while at < letters.len() && letters[at].is_ascii_digit() {
            at += 1;
        }
        let before = start.checked_sub(1).map(|before| letters[before]);
        if touches(at) || before.is_some_and(|before| is_word(before) || before == '.') {
            last_end = None;
            continue;
        }
        let group: String = letters[start..at].iter().collect();
        let joined = before.is_some_and(|before| separators.contains(&before))
            && last_end.is_some_and(|end| end + 1 == start);
        last_end = Some(at);
        match runs.last_mut().filter(|_| joined) {
            Some(run) => run.groups.push(group),
            None => runs.push(DigitRun {
                plus: before == Some('+'),
                groups: vec![group],
            }),
        }
    }
    runs
}

/// Mod 11, as the NHS data dictionary has it.
pub(crate) fn has_valid_check_digit(number: &str) -> bool {
    let digits: Vec<u32> = number
        .chars()
        .filter_map(|digit| digit.to_digit(10))
        .collect();
    let sum: u32 = digits[..9]
        .iter()
        .zip((2..=10).rev())
        .map(|(digit, weight)| digit * weight)
        .sum();
    (11 - sum % 11) % 11 == digits[9]
}

/// United Kingdom numbers of eleven digits, in national form.
pub(crate) fn telephone_numbers(line: &str) -> Vec<String> {
    const GROUPS: [&[usize]; 6] = [&[11], &[5, 6], &[4, 3, 4], &[3, 4, 4], &[4, 7], &[5, 3, 3]];
    let plain = line.replace("(0)", "").replace("+44 ", "+44");
    let mut numbers = Vec::new();
    for run in digit_runs(&plain, &[' ']) {
        let mut groups = run.groups;
        if run.plus && groups[0].starts_with("44") {
            groups[0].replace_range(..2, "0");
        }
        let lengths: Vec<usize> = groups.iter().map(String::len).collect();
        let number = groups.concat();
        let national = ["01", "02", "03", "07", "08"]
            .iter()
            .any(|start| number.starts_with(start));
        if national && GROUPS.contains(&lengths.as_slice()) {
            numbers.push(number);
        }
    }
    numbers
}

/// What stands after each `@` that has a mailbox before it.
pub(crate) fn mail_domains(line: &str) -> Vec<String> {
    line.match_indices('@')
        .filter(|(at, _)| line[..*at].ends_with(|letter: char| letter.is_ascii_alphanumeric()))
        .map(|(at, _)| {
            let domain = |letter: char| letter.is_ascii_alphanumeric() || ".-".contains(letter);
            let rest = &line[at + 1..];
            let end = rest.find(|letter| !domain(letter)).unwrap_or(rest.len());
            rest[..end].trim_end_matches('.').to_ascii_lowercase()
        })
        .filter(|domain| domain.contains('.'))
        .collect()
}
