//! `pseudobridge down`: takes away everything that is ours.

use std::io::{self, Write};

use anyhow::Result;
use serde::Serialize;

use super::node::Node;
use super::up::DryRun;
use crate::cli::{self, Cli};
use crate::output::{self, Report, counted};
use crate::reconcile;

pub(super) async fn run(cli: &Cli, arguments: &cli::Down) -> Result<()> {
    let node = if arguments.dry_run {
        Node::open(cli)?
    } else {
        Node::open_to_change(cli)?
    };
    let observed = node.observe().await?;
    let plan = reconcile::down(&observed, None);
    if arguments.dry_run {
        return Ok(output::print(&DryRun::of(&plan), cli.output)?);
    }
    node.apply(&plan, &observed).await?;
    let report = Down {
        steps: plan.steps.iter().map(ToString::to_string).collect(),
        pods: observed.pods.len(),
    };
    Ok(output::print(&report, cli.output)?)
}

/// What was done.
#[derive(Serialize)]
struct Down {
    steps: Vec<String>,
    pods: usize,
}

impl Report for Down {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.steps.is_empty() {
            return writeln!(out, "nothing to do: there is nothing of pseudobridge here");
        }
        writeln!(
            out,
            "removed {}, and everything that came with them",
            counted(self.pods, "pod")
        )
    }
}
