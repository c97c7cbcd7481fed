//! `pseudobridge up`: makes the node have exactly the pods of a topology, and verifies them.

use std::env;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Result, ensure};
use serde::Serialize;

use super::node::Node;
use super::status::Status;
use super::verification::Verification;
use crate::bpf;
use crate::cli::{self, Cli};
use crate::netlink::sysctl;
use crate::output::{self, Report, counted};
use crate::reconcile::{self, Plan};
use crate::topology::{Datapath, Topology};
use crate::verify::Verify;

/// The kernel's default for `gc_thresh3`.
const DEFAULT_LIMIT: usize = 1024;

pub(super) async fn run(cli: &Cli, arguments: &cli::Up) -> Result<()> {
    let mut topology = match &arguments.file {
        Some(file) => Topology::load(file)?,
        None => Topology::builtin()?,
    };
    if let Some(datapath) = arguments.datapath {
        topology.set_datapath(datapath);
    }
    refuse_what_is_not_there_yet(&topology)?;
    let node = if arguments.dry_run {
        Node::open(cli)?
    } else {
        Node::open_to_change(cli)?
    };
    warn_of_neighbour_limit(&topology);
    if topology.datapath != Datapath::Kernel {
        bpf::require_tcx()?;
    }
    let before = node.observe().await?;
    let plan = reconcile::up(&topology, &before, node.program_is_current(&before)?)?;
    if arguments.dry_run {
        return Ok(output::print(&DryRun::of(&plan), cli.output)?);
    }
    node.apply_or_undo(&plan, &before).await?;

    let after = node.observe().await?;
    let how_much = match arguments.verify {
        Some(cli::Verify::All) => Verify::All,
        Some(cli::Verify::Sample) => Verify::Sample,
        Some(cli::Verify::None) => Verify::None,
        None => Verify::Auto,
    };
    let report = Up {
        command: command(&cli.pin_root),
        steps: plan.steps.iter().map(ToString::to_string).collect(),
        verification: Verification::run(&after, how_much)?,
        // Read after the verification, whose own packets are counted too.
        status: Status::of(&node, &after)?,
    };
    output::print(&report, cli.output)?;
    report.verification.require_success()?;
    require_room(&topology)
}

/// What a topology file can say, and this version does not build.
fn refuse_what_is_not_there_yet(topology: &Topology) -> Result<()> {
    for network in &topology.networks {
        ensure!(
            network.subnet6.is_none(),
            "network {} has a `subnet6`, and pods do not get IPv6 addresses yet; take it out",
            network.name
        );
        super::datapath::require_built(network.datapath)?;
    }
    Ok(())
}

/// All pods are in the maps. Those that are not have been set up nevertheless, on the kernel's path.
fn require_room(topology: &Topology) -> Result<()> {
    let pods: usize = topology.networks.iter().map(|one| one.pods.len()).sum();
    let max_pods = topology.max_pods as usize;
    ensure!(
        pods <= max_pods,
        "{} pods of {pods} are beyond `max_pods = {max_pods}`: they are up, on the kernel's path alone; \
         set `max_pods` to at least {pods}",
        pods.saturating_sub(max_pods)
    );
    Ok(())
}

/// Pods that share an on-link subnet resolve each other, and every entry counts against one limit
/// for all namespaces of the machine (`neigh_alloc`, net/core/neighbour.c).
fn warn_of_neighbour_limit(topology: &Topology) {
    let resolving = topology.networks.iter().filter(|one| one.pod_prefix < 32);
    let pods: usize = resolving.map(|network| network.pods.len()).sum();
    let key = ["net", "ipv4", "neigh", "default", "gc_thresh3"];
    // Shown in the initial network namespace alone; elsewhere the kernel's default is assumed.
    let limit = sysctl::read(&key).map_or(DEFAULT_LIMIT, |value| {
        value.parse().unwrap_or(DEFAULT_LIMIT)
    });
    // Two neighbours a pod are what the verification alone takes.
    if 2 * pods > limit {
        tracing::warn!(
            "{pods} pods resolve each other by ARP, and all network namespaces share a table of \
             {limit} neighbours; set `pod_prefix = 32`, or raise net.ipv4.neigh.default.gc_thresh3"
        );
    }
}

/// This program as it was called, with the pin root where that is another one.
fn command(pin_root: &Path) -> String {
    let program = env::args().next();
    let program = program.unwrap_or_else(|| env!("CARGO_PKG_NAME").to_owned());
    if pin_root == Path::new(cli::DEFAULT_PIN_ROOT) {
        return program;
    }
    format!("{program} --pin-root {}", pin_root.display())
}

/// What was done.
#[derive(Serialize)]
struct Up {
    /// How to call this program again, on this node.
    #[serde(skip)]
    command: String,
    steps: Vec<String>,
    verification: Verification,
    status: Status,
}

impl Report for Up {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        match self.steps.len() {
            0 => writeln!(out, "nothing to do: everything is as the topology says")?,
            steps => writeln!(out, "done in {}", counted(steps, "step"))?,
        }
        writeln!(out)?;
        self.status.write_pods(out)?;
        writeln!(out)?;
        self.verification.write_text(out)?;
        self.write_next_steps(out)
    }
}

impl Up {
    fn write_next_steps(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "next:")?;
        if let Some((netns, address)) = self.status.pair() {
            writeln!(out, "  ip netns exec {netns} ping -c 3 {address}")?;
        }
        writeln!(out, "  {} status", self.command)?;
        if let Some(pins) = self.status.pins() {
            let maps = pins.join("maps");
            writeln!(out, "  bpftool map dump pinned {}/pods_v4", maps.display())?;
        }
        writeln!(out, "  {} down", self.command)
    }
}

/// What would be done.
#[derive(Serialize)]
pub(super) struct DryRun {
    steps: Vec<String>,
}

impl DryRun {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            steps: plan.steps.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Report for DryRun {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.steps.is_empty() {
            return writeln!(out, "nothing to do");
        }
        writeln!(out, "would, in {}:", counted(self.steps.len(), "step"))?;
        for step in &self.steps {
            writeln!(out, "  {step}")?;
        }
        Ok(())
    }
}
