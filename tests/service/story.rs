//! The stories of `docs/stories/` are true: their commands are run as they stand, and
//! what they print is what the page shows. `ACCORD_BLESS=1` writes the pages anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Stands before the output of each command; no command prints it.
const MARK: char = '\u{1e}';
/// Begins a block of commands.
const CONSOLE: &str = "```console";

#[test]
fn two_sisters_are_as_the_story_tells() {
    is_true(
        "docs/stories/two-sisters.md",
        &["curl", "jq"],
        str::to_owned,
    );
}

/// What an engine has learnt moves with the engine: figures may, words may not.
#[test]
fn an_engineers_afternoon_is_as_the_tutorial_tells() {
    is_true("docs/tutorial.md", &["awk", "jq"], without_figures);
}

/// Runs a page again. `kept` is what must be the same of both.
#[track_caller]
fn is_true(page: &str, tools: &[&str], kept: impl Fn(&str) -> String) {
    let missing: Vec<&&str> = tools
        .iter()
        .chain(&["bash"])
        .filter(|tool| Command::new(tool).arg("--version").output().is_err())
        .collect();
    if !missing.is_empty() {
        eprintln!("left out: {page} needs {missing:?}");
        return;
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = std::fs::read_to_string(&page).expect("the page");
    let told = tell(&text);
    if std::env::var_os("ACCORD_BLESS").is_some() {
        std::fs::write(&page, &told).expect("the page can be written");
        return;
    }
    let (was, is) = (kept(&text), kept(&told));
    let differs = was.lines().zip(is.lines()).find(|(was, is)| was != is);
    assert_eq!(
        was, is,
        "the page is no longer true, first here: {differs:?}; ACCORD_BLESS=1 writes it anew"
    );
}

/// A text whose numbers are all alike.
fn without_figures(text: &str) -> String {
    let mut plain = String::new();
    for letter in text.chars() {
        match letter {
            '0'..='9' if plain.ends_with('#') => {}
            '0'..='9' => plain.push('#'),
            _ => plain.push(letter),
        }
    }
    // A sign or a part after the point is of the number.
    plain.replace("-#", "#").replace("#.#", "#")
}

/// The page with what its commands print now.
fn tell(text: &str) -> String {
    let commands: Vec<&str> = commands(text).collect();
    let mut outputs = run(&commands).into_iter();
    let mut told = String::new();
    let mut inside = false;
    for line in text.lines() {
        let ends = inside && line == "```";
        inside = (inside && !ends) || line == CONSOLE;
        let is_output = inside && line != CONSOLE && !line.starts_with("$ ");
        if !is_output {
            let _ = writeln!(told, "{line}");
        }
        if inside && line.starts_with("$ ") {
            told.push_str(&outputs.next().expect("an output for each command"));
        }
    }
    told
}

fn commands(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.strip_prefix("$ "))
}

/// Runs the commands in one shell; gives the normalised output of each.
fn run(commands: &[&str]) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut script = String::new();
    for command in commands {
        let _ = writeln!(script, "printf '\\x1e'\n{command}");
    }
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_accord"));
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!(
        "{}:{path}",
        binary.parent().expect("a folder of binaries").display()
    );
    let ended = Command::new("bash")
        .args(["-c", &format!("exec 2>&1\n{script}")])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", path)
        .env("HOME", folder.path())
        .output()
        .expect("a shell");
    let said = String::from_utf8(ended.stdout).expect("text");
    let mut names = Names::default();
    let said = names.replace(&said);
    let outputs: Vec<String> = said.split(MARK).skip(1).map(str::to_owned).collect();
    assert_eq!(outputs.len(), commands.len(), "{said}");
    outputs
}

/// Ids by the order in which they appear.
#[derive(Default)]
struct Names {
    known: BTreeMap<String, String>,
    counts: BTreeMap<String, usize>,
}

/// Hexadecimal digits of an id.
const ID_DIGITS: usize = 32;

impl Names {
    fn replace(&mut self, text: &str) -> String {
        let mut replaced = String::new();
        let mut rest = text;
        while let Some(dash) = rest.find('-') {
            let (before, after) = rest.split_at(dash);
            let prefix: String = before
                .chars()
                .rev()
                .take_while(char::is_ascii_uppercase)
                .collect();
            let prefix: String = prefix.chars().rev().collect();
            let digits = after[1..].bytes().take_while(u8::is_ascii_hexdigit).count();
            if prefix.is_empty() || digits != ID_DIGITS {
                replaced.push_str(before);
                replaced.push('-');
                rest = &after[1..];
                continue;
            }
            replaced.push_str(&before[..before.len() - prefix.len()]);
            let id = &after[1..=ID_DIGITS];
            replaced.push_str(&self.name(&prefix, id));
            rest = &after[1 + ID_DIGITS..];
        }
        replaced.push_str(rest);
        replaced
    }

    fn name(&mut self, prefix: &str, id: &str) -> String {
        let whole = format!("{prefix}-{id}");
        if let Some(name) = self.known.get(&whole) {
            return name.clone();
        }
        let count = self.counts.entry(prefix.to_owned()).or_default();
        *count += 1;
        let name = format!("{prefix}-{count}");
        self.known.insert(whole, name.clone());
        name
    }
}
