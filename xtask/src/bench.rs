//! `cargo xtask bench`.

use std::process::ExitCode;

use anyhow::Result;
use clap::ValueEnum;

use crate::setup::{self, Part};
use crate::{cargo, process, root};

/// Take measurements on disposable nodes, as root
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The one measurement to take; all if not given
    #[arg(long)]
    only: Option<Measurement>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Measurement {
    /// The first ping of a pod pair that has not spoken before
    FirstPing,
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let runner = root::cargo_runner()?;
    setup::ensure(Part::All)?;
    // Here, and not by what runs as root, which would leave root's files.
    process::check(cargo().args(["build", "--package=pseudobridge"]))?;
    process::check(cargo().args(["build", "--package=tests", "--bins"]))?;
    let chosen = args
        .only
        .map_or(Measurement::value_variants().to_vec(), |only| vec![only]);
    for measurement in chosen {
        let binary = match measurement {
            Measurement::FirstPing => "--bin=first-ping",
        };
        process::check(
            cargo()
                .args(["run", "--quiet", "--package=tests", binary])
                .args(&runner),
        )?;
    }
    Ok(ExitCode::SUCCESS)
}
