//! `cargo xtask test`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::setup::{self, Part};
use crate::{cargo, lint, process, root};

/// Run the lints and all tests, with the set-up if that is needed
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The one part to run
    #[arg(long)]
    only: Option<Suite>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Suite {
    /// What `cargo xtask lint` checks
    Lint,
    /// The crates' own tests, and their documentation's
    Unit,
    /// The loaded programs and whole pod networks on disposable nodes, as root
    Node,
}

impl Suite {
    fn name(self) -> &'static str {
        match self {
            Self::Lint => "lint",
            Self::Unit => "unit",
            Self::Node => "node",
        }
    }

    fn run(self) -> Result<()> {
        match self {
            Self::Lint => lint::check(false),
            // The BPF crate does not link for the host, and `tests` is the part below.
            Self::Unit => process::check(cargo().args([
                "test",
                "--workspace",
                "--exclude=pseudobridge-ebpf",
                "--exclude=tests",
            ])),
            Self::Node => {
                // The tests build it too: as root, which would leave root's files if it had to.
                process::check(cargo().args(["build", "--package=pseudobridge"]))?;
                let runner = root::cargo_runner()?;
                process::check(cargo().args(["test", "--package=tests"]).args(runner))
            }
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    // Now: whoever cannot become root is told before anything is built.
    root::cargo_runner()?;
    let suites = args
        .only
        .map_or(Suite::value_variants().to_vec(), |only| vec![only]);
    let mut times: Vec<(&str, Duration)> = Vec::new();
    let mut part = |name, step: &dyn Fn() -> Result<()>| {
        println!("== {name}");
        let started = Instant::now();
        step().with_context(|| format!("the part `{name}` failed"))?;
        times.push((name, started.elapsed()));
        anyhow::Ok(())
    };
    part("setup", &|| setup::ensure(Part::All))?;
    for suite in suites {
        part(suite.name(), &|| suite.run())?;
    }
    for (name, time) in times {
        println!("ok {name:<6} {:>6.1} s", time.as_secs_f64());
    }
    Ok(ExitCode::SUCCESS)
}
