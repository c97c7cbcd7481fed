//! `cargo xtask setup`: takes what is on the machine, and installs what is missing.

mod apt;
mod compiler;
mod components;
mod linker;
mod packages;

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use xtask::toolchain::Toolchain;

use self::apt::Apt;

/// Install what building, running and testing need and the machine lacks
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Only what building and running need
    #[arg(long)]
    build: bool,
}

/// What to set up for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    /// Building and running pseudobridge.
    Build,
    /// That, and lints, tests and measurements.
    All,
}

/// Prints one line for each thing found.
#[derive(Debug)]
struct Report {
    /// Whether to print them; what is installed is always printed.
    found: bool,
}

/// One way to install a thing; `apt` remembers that its lists are fresh.
type Way<'a> = &'a dyn Fn(&mut Apt) -> Result<()>;

pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let part = if args.build { Part::Build } else { Part::All };
    set_up(part, &Report { found: true })?;
    Ok(ExitCode::SUCCESS)
}

/// Sets up for `part`, and prints only what it installs.
///
/// # Errors
///
/// When something is missing and no way to install it works: each such thing, with why and how
/// to get it by hand.
pub(crate) fn ensure(part: Part) -> Result<()> {
    set_up(part, &Report { found: false })
}

fn set_up(part: Part, report: &Report) -> Result<()> {
    let mut apt = Apt::default();
    let mut problems = Vec::new();
    let mut keep = |done: Result<()>| {
        problems.extend(done.err().map(|why| format!("{why:#}")));
    };
    let since = Instant::now();
    match Toolchain::find() {
        Ok(found) => {
            compiler::report_found(&found.compiler, report, since);
            keep(linker::report_found(&found.linker, report, since));
        }
        Err(_) => match compiler::ensure(report, &mut apt) {
            Ok(compiler) => keep(linker::ensure(&compiler, report, &mut apt)),
            Err(why) => {
                keep(Err(why));
                keep(linker::require_any());
            }
        },
    }
    keep(packages::ensure(packages::TO_LOOK, report, &mut apt));
    if part == Part::All {
        keep(packages::ensure(packages::TO_TEST, report, &mut apt));
        keep(components::rustfmt_and_clippy(report));
        keep(components::cargo_deny(report));
    }
    ensure!(
        problems.is_empty(),
        "the set-up is not complete:\n  - {}",
        problems.join("\n  - ")
    );
    Ok(())
}

/// Tries the ways in turn, until one works and `look` then finds the thing.
fn by_first_way<T>(
    thing: &str,
    by_hand: &str,
    ways: &[Way<'_>],
    apt: &mut Apt,
    look: &dyn Fn() -> Result<T>,
) -> Result<T> {
    let mut failed = Vec::new();
    for way in ways {
        match way(apt).and_then(|()| look()) {
            Ok(found) => return Ok(found),
            Err(why) => {
                println!("  … no {thing} that way: {why:#}");
                failed.push(format!("{why:#}"));
            }
        }
    }
    bail!("{thing}: by hand: {by_hand}; tried: {}", failed.join("; "));
}

impl Report {
    fn found(&self, thing: &str, version: &str, since: Instant) {
        if self.found {
            print_line("found", thing, version, since);
        }
    }
}

fn report_installed(thing: &str, version: &str, since: Instant) {
    print_line("installed", thing, version, since);
}

fn print_line(verb: &str, thing: &str, version: &str, since: Instant) {
    println!(
        "{verb:<9} {thing:<17} {version:<52} {:>6.2} s",
        since.elapsed().as_secs_f64()
    );
}
