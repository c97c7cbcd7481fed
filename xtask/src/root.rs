//! What needs root gets it: directly, or by sudo.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;

/// A command that runs as root, with these variables set (`NAME=value`).
///
/// # Errors
///
/// When this is not root and there is no sudo.
pub(crate) fn command(variables: &[&str]) -> Result<Command> {
    let mut command = Command::new("env");
    if let Some(sudo) = sudo()? {
        command = Command::new(sudo);
        command.args(["--", "env"]);
    }
    // sudo passes no variables on, env does.
    command.arg(path_assignment()).args(variables);
    Ok(command)
}

/// Arguments for a cargo that runs as this user, and runs what it has built as root and with
/// this environment: so that files below `target` stay this user's.
///
/// # Errors
///
/// When this is not root and there is no sudo.
pub(crate) fn cargo_runner() -> Result<[String; 2]> {
    let mut words = Vec::new();
    if let Some(sudo) = sudo()? {
        words.extend([sudo, "--preserve-env".to_owned(), "--".to_owned()]);
    }
    words.extend(["env".to_owned(), path_assignment()]);
    // A TOML basic string escapes as Rust's Debug does, but for characters no `PATH` has.
    Ok([
        "--config".to_owned(),
        format!("target.\"cfg(all())\".runner={words:?}"),
    ])
}

/// sudo's path if it is needed, none if this is root.
fn sudo() -> Result<Option<String>> {
    // The owner of /proc/self is this process's effective user.
    if fs::metadata("/proc/self")
        .context("reading /proc/self: is /proc mounted?")?
        .uid()
        == 0
    {
        return Ok(None);
    }
    let sudo = process::find("sudo").context("this needs root: run it as root, or install sudo")?;
    Ok(Some(sudo.display().to_string()))
}

/// sudo resets `PATH`, and an ordinary user's lacks the directories of `ip` and `bpftool`.
fn path_assignment() -> String {
    format!("PATH={}", process::search_path().to_string_lossy())
}
