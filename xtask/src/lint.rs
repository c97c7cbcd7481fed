//! `cargo xtask lint`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};

use crate::setup::{self, Part};
use crate::{cargo, process};

/// Lines a source file may have.
const MAX_LINES: usize = 400;

/// Lines a `main.rs` may have: it says what is there, and holds no logic.
const MAX_MAIN_LINES: usize = 100;

/// Check formatting, lints, documentation, dependencies and file sizes
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Also check the dependencies against known vulnerabilities; needs the network
    #[arg(long)]
    advisories: bool,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    setup::ensure(Part::All)?;
    check(args.advisories)?;
    Ok(ExitCode::SUCCESS)
}

/// Runs every check of the sources.
///
/// # Errors
///
/// At the first check that fails, which has printed why.
pub(crate) fn check(advisories: bool) -> Result<()> {
    file_sizes(&workspace()?)?;
    process::check(cargo().args(["fmt", "--all", "--check"]))?;
    let clippy = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny=warnings",
    ];
    process::check(cargo().args(clippy))?;
    let doc = ["doc", "--workspace", "--no-deps"];
    process::check(cargo().args(doc).env("RUSTDOCFLAGS", "--deny=warnings"))?;
    let mut deny = cargo();
    deny.args([
        "deny",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]);
    if advisories {
        deny.arg("advisories");
    }
    process::check(&mut deny)
}

/// The directory that everything of the project is in.
fn workspace() -> Result<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    Ok(package
        .parent()
        .context("xtask has no workspace around it")?
        .to_owned())
}

/// Checks that no source file is too long.
fn file_sizes(workspace: &Path) -> Result<()> {
    let mut files = Vec::new();
    rust_files(workspace, &mut files)?;
    let mut too_long = Vec::new();
    for file in files {
        let text =
            fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let lines = text.lines().count();
        let limit = if file.ends_with("main.rs") {
            MAX_MAIN_LINES
        } else {
            MAX_LINES
        };
        if lines > limit {
            too_long.push(format!(
                "{} has {lines} lines, limit {limit}",
                file.display()
            ));
        }
    }
    ensure!(
        too_long.is_empty(),
        "split these by what they do: {}",
        too_long.join("; ")
    );
    Ok(())
}

/// Adds the Rust files below `dir`, but for what is built or hidden.
fn rust_files(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let reading = || format!("reading {}", dir.display());
    for entry in fs::read_dir(dir).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        let name = entry.file_name();
        let path = entry.path();
        if entry.file_type().with_context(reading)?.is_dir() {
            if name != "target" && !name.as_encoded_bytes().starts_with(b".") {
                rust_files(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_named() {
        let dir = std::env::temp_dir().join(format!("xtask-lint-{}", std::process::id()));
        let (built, sources) = (dir.join("target"), dir.join("sources"));
        fs::create_dir_all(&built).expect("create");
        fs::create_dir_all(&sources).expect("create");
        fs::write(built.join("long.rs"), "\n".repeat(MAX_LINES + 1)).expect("write");
        fs::write(sources.join("full.rs"), "\n".repeat(MAX_LINES)).expect("write");
        fs::write(sources.join("main.rs"), "\n".repeat(MAX_MAIN_LINES)).expect("write");
        let within = file_sizes(&dir);
        fs::write(sources.join("full.rs"), "\n".repeat(MAX_LINES + 1)).expect("write");
        let file = file_sizes(&dir).map_err(|error| error.to_string());
        fs::write(sources.join("main.rs"), "\n".repeat(MAX_MAIN_LINES + 1)).expect("write");
        let both = file_sizes(&dir).map_err(|error| error.to_string());
        fs::remove_dir_all(&dir).expect("remove");

        within.expect("files at the limit pass");
        let file = file.expect_err("a long file fails");
        assert!(file.contains("full.rs has 401 lines, limit 400"), "{file}");
        assert!(!file.contains("main.rs"), "{file}");
        let both = both.expect_err("a long main.rs fails");
        assert!(both.contains("main.rs has 101 lines, limit 100"), "{both}");
        assert!(
            !both.contains("long.rs"),
            "what is built is not looked at: {both}"
        );
    }
}
