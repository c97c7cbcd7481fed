//! The `cargo xtask` command: set-up, build, run, test, lint and measurements of pseudobridge.

mod bench;
mod lint;
mod process;
mod root;
mod run;
mod setup;
mod test;

use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};

/// Set-up, build, run, test and lint of pseudobridge.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    Bench(bench::Args),
    Lint(lint::Args),
    Run(run::Args),
    Setup(setup::Args),
    Test(test::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Task::Bench(args) => bench::run(&args),
        Task::Lint(args) => lint::run(&args),
        Task::Run(args) => run::run(&args),
        Task::Setup(args) => setup::run(&args),
        Task::Test(args) => test::run(&args),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

/// The cargo that started this command.
fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
