//! `cargo xtask run`.

use std::process::ExitCode;

use anyhow::Result;

use crate::setup::{self, Part};
use crate::{cargo, process, root};

/// Build pseudobridge, with the set-up if that is needed, and run it as root
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Build with optimizations
    #[arg(long)]
    release: bool,
    /// pseudobridge's own arguments
    #[arg(last = true, default_value = "up")]
    arguments: Vec<String>,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    // First: whoever cannot become root is told before anything is built.
    let runner = root::cargo_runner()?;
    setup::ensure(Part::Build)?;
    let profile = if args.release {
        "--profile=release"
    } else {
        "--profile=dev"
    };
    process::check(cargo().args(["build", "--package=pseudobridge", profile]))?;
    let status = process::status(
        cargo()
            .args(["run", "--quiet", "--package=pseudobridge", profile])
            .args(runner)
            .arg("--")
            .args(&args.arguments),
    )?;
    // None when a signal ended it.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
