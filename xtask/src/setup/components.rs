//! What the lints use: rustfmt, clippy and cargo-deny.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};
use xtask::toolchain;

use super::{Report, compiler, report_installed};
use crate::{cargo, process};

/// The version of cargo-deny to install; one that is there may be another.
const CARGO_DENY: &str = "0.20.2";

/// Finds or installs rustfmt and clippy of the active compiler.
///
/// # Errors
///
/// When they are missing, and the active compiler is not rustup's or rustup cannot fetch them.
pub(super) fn rustfmt_and_clippy(report: &Report) -> Result<()> {
    let since = Instant::now();
    let bin = toolchain::active_sysroot()?.join("bin");
    let commands = ["rustfmt", "cargo-fmt", "cargo-clippy", "clippy-driver"];
    let missing = commands.iter().any(|command| !bin.join(command).exists());
    if missing {
        compiler::rustup_component(&["rustfmt", "clippy"])
            .context("rustfmt and clippy: by hand: rustup component add rustfmt clippy")?;
    }
    let version = process::output(Command::new(bin.join("rustfmt")).arg("--version"))?;
    if missing {
        report_installed("rustfmt, clippy", version.trim(), since);
    } else {
        report.found("rustfmt, clippy", version.trim(), since);
    }
    Ok(())
}

/// Finds or installs cargo-deny.
///
/// # Errors
///
/// When it is missing and does not compile.
pub(super) fn cargo_deny(report: &Report) -> Result<()> {
    let since = Instant::now();
    let bin = toolchain::cargo_bin().context("no home directory to install cargo-deny in")?;
    let own = bin.join("cargo-deny");
    let found = process::find("cargo-deny").or_else(|| own.exists().then(|| own.clone()));
    if found.is_none() {
        let home = bin.parent().context("cargo's directory has no parent")?;
        let mut install = cargo();
        install
            .args([
                "install",
                "cargo-deny",
                "--version",
                CARGO_DENY,
                "--locked",
                "--root",
            ])
            .arg(home)
            // Its own release profile takes twice as long to compile.
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        process::watch("compiling cargo-deny (a few minutes)", &mut install)
            .context("cargo-deny: by hand: cargo install --locked cargo-deny")?;
    }
    let path = found.as_ref().unwrap_or(&own);
    let version = process::output(Command::new(path).arg("--version"))?;
    let version = version.trim().trim_start_matches("cargo-deny ");
    if found.is_some() {
        report.found("cargo-deny", version, since);
    } else {
        report_installed("cargo-deny", version, since);
    }
    Ok(())
}
