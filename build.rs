//! Puts the stylesheet of the NHS design system beside the pages. Its package is
//! never part of the tree: npm brings it by the lock file. Without npm the build
//! goes on, and the pages have the project's own small stylesheet alone.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const STYLESHEET: &str = "node_modules/nhsuk-frontend/dist/nhsuk/nhsuk-frontend.min.css";

fn main() {
    for file in ["build.rs", "package.json", "package-lock.json"] {
        println!("cargo:rerun-if-changed={file}");
    }
    if !Path::new(STYLESHEET).exists() && !fetched() {
        println!(
            "cargo:warning=the NHS design system is not here: the pages will be plain. Install \
             npm and run `make assets`"
        );
    }
    let sheet = fs::read_to_string(STYLESHEET).unwrap_or_default();
    let folder = env::var_os("OUT_DIR")
        .map(PathBuf::from)
        .unwrap_or_default();
    let written = fs::write(folder.join("design.css"), without_outside(&sheet));
    assert!(written.is_ok(), "the stylesheet cannot be written");
}

/// Whether npm has brought what the lock file names. No script of a package runs.
fn fetched() -> bool {
    let npm = Command::new("npm")
        .args([
            "ci",
            "--ignore-scripts",
            "--omit=dev",
            "--no-audit",
            "--no-fund",
        ])
        .args(["--fetch-retries=1", "--fetch-timeout=20000"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    npm.is_ok_and(|status| status.success()) && Path::new(STYLESHEET).exists()
}

/// The sheet without its licensed font, which is fetched from another host, and
/// without the place of a source map.
fn without_outside(sheet: &str) -> String {
    let mut rest = sheet;
    let mut kept = String::with_capacity(sheet.len());
    while let Some(start) = rest.find("@font-face{") {
        kept.push_str(&rest[..start]);
        let end = rest[start..]
            .find('}')
            .map_or(rest.len(), |end| start + end + 1);
        rest = &rest[end..];
    }
    kept.push_str(rest);
    match kept.find("/*# sourceMappingURL") {
        Some(map) => kept[..map].to_owned(),
        None => kept,
    }
}
