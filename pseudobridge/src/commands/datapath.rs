//! `pseudobridge datapath`: who forwards between pods.

use std::io::{self, Write};

use anyhow::{Result, ensure};
use serde::Serialize;

use super::node::Node;
use super::status::Status;
use super::verification::Verification;
use crate::bpf;
use crate::cli::{Cli, SwitchDatapath};
use crate::netlink::sysctl;
use crate::output::{self, Report};
use crate::reconcile;
use crate::topology::Datapath;
use crate::verify::Verify;

/// What the kernel's own path does not do, and what stands in for it.
fn lost() -> Result<[&'static str; 4]> {
    // The larger of the two counts (`IN_DEV_RPFILTER`, include/linux/inetdevice.h).
    let all = sysctl::read(&["net", "ipv4", "conf", "all", "rp_filter"])?;
    let senders = if all == "2" {
        "senders are not checked, not even by rp_filter: net.ipv4.conf.all.rp_filter is 2, loose"
    } else {
        "Ethernet and ARP senders are not checked: rp_filter still refuses foreign IPv4 sources"
    };
    Ok([
        senders,
        "an address that is used twice is not found out: the kernel answers no probe for a pod",
        "networks are not isolated from each other: the kernel routes between them",
        "frames are not counted by reason",
    ])
}

/// Makes sure that this version attaches what the datapath consists of.
pub(super) fn require_built(datapath: Datapath) -> Result<()> {
    ensure!(
        matches!(datapath, Datapath::Kernel | Datapath::Tc),
        "the datapath {datapath} is not attached by this version yet; use tc"
    );
    Ok(())
}

pub(super) async fn run(cli: &Cli, arguments: &SwitchDatapath) -> Result<()> {
    let Some(datapath) = arguments.datapath else {
        let node = Node::open(cli)?;
        let observed = node.observe().await?;
        let shown = Shown {
            datapath: Status::of(&node, &observed)?.datapath(),
        };
        return Ok(output::print(&shown, cli.output)?);
    };
    require_built(datapath)?;
    let node = Node::open_to_change(cli)?;
    let observed = node.observe().await?;
    ensure!(
        !observed.pods.is_empty(),
        "there are no pods to switch; `pseudobridge up --datapath {datapath}` makes some"
    );
    if datapath != Datapath::Kernel {
        bpf::require_tcx()?;
    }
    let current = node.program_is_current(&observed)?;
    let plan = reconcile::switch(datapath, &observed, current)?;
    node.apply(&plan, &observed).await?;
    let report = Switched {
        datapath,
        steps: plan.steps.iter().map(ToString::to_string).collect(),
        lost: match datapath {
            Datapath::Kernel => lost()?.to_vec(),
            Datapath::Tc | Datapath::Xdp | Datapath::XdpGeneric => Vec::new(),
        },
        verification: Verification::run(&node.observe().await?, Verify::Auto)?,
    };
    output::print(&report, cli.output)?;
    report.verification.require_success()
}

/// The present datapath.
#[derive(Serialize)]
struct Shown {
    datapath: Option<&'static str>,
}

impl Report for Shown {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{}",
            self.datapath.unwrap_or("none: there are no pods")
        )
    }
}

/// What was done.
#[derive(Serialize)]
struct Switched {
    datapath: Datapath,
    steps: Vec<String>,
    lost: Vec<&'static str>,
    verification: Verification,
}

impl Report for Switched {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        let datapath = self.datapath;
        match self.steps.len() {
            0 => writeln!(out, "nothing to do: the datapath is {datapath} already")?,
            _ => writeln!(out, "the datapath is {datapath}")?,
        }
        for lost in &self.lost {
            writeln!(out, "  {lost}")?;
        }
        self.verification.write_text(out)
    }
}
