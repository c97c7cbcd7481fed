//! One file a verb. Each ties the other modules together, and says what came of it.

mod datapath;
mod down;
mod lock;
mod monitor;
mod node;
mod privileges;
mod status;
mod up;
mod verification;

use anyhow::{Context as _, Result};

use crate::cli::{Cli, Command};

pub use status::Status;

/// Does what the command line asks for.
///
/// # Errors
///
/// What went wrong, and what to do about it.
pub fn run(cli: &Cli) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        match &cli.command {
            Command::Up(arguments) => up::run(cli, arguments).await,
            Command::Down(arguments) => down::run(cli, arguments).await,
            Command::Status => status::run(cli).await,
            Command::Monitor(arguments) => monitor::run(cli, arguments).await,
            Command::Datapath(arguments) => datapath::run(cli, arguments).await,
        }
    })
}
