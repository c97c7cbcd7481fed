//! `pseudobridge status`: the node's pods, programs and counters.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::PathBuf;

use anyhow::Result;
use ipnet::Ipv4Net;
use pseudobridge_common::abi::programs::TC;
use serde::Serialize;

use super::node::Node;
use crate::bpf::{self, Attached, Pinned, Totals};
use crate::cli::Cli;
use crate::output::{self, Cell, Column, Mac, Report, Table, grouped};
use crate::reconcile::{Observed, ObservedPod};
use crate::topology::Datapath;

/// What there is of ours on a node.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Who forwards: `tc` or `kernel`, `mixed` where pods differ; none where there are no pods.
    datapath: Option<&'static str>,
    /// Where programs, links and maps are pinned, if they are.
    pins: Option<PathBuf>,
    /// The pods, by network and name.
    pods: Vec<PodStatus>,
}

/// What there is of one pod.
#[derive(Debug, Serialize)]
struct PodStatus {
    name: String,
    network: String,
    subnet: Option<Ipv4Net>,
    gateway: Option<Ipv4Addr>,
    address: Option<Ipv4Addr>,
    mac: Option<String>,
    gateway_mac: Option<String>,
    netns: String,
    interface: String,
    pod_interface: Option<String>,
    ifindex: u32,
    mtu: u32,
    /// Whether both ends are up.
    up: bool,
    datapath: Datapath,
    /// Our program at the ingress of the host-side veth.
    program: Option<&'static str>,
    /// Frames from the pod, by what became of them.
    counters: BTreeMap<&'static str, Totals>,
}

pub(super) async fn run(cli: &Cli) -> Result<()> {
    let node = Node::open(cli)?;
    let status = Status::of(&node, &node.observe().await?)?;
    Ok(output::print(&status, cli.output)?)
}

impl Status {
    /// Makes it of an observation, and the counters of this moment.
    pub(super) fn of(node: &Node, observed: &Observed) -> Result<Self> {
        let (pins, mut counters) = match observed.bpf.pinned {
            Pinned::Yes => (
                Some(node.pins.root().to_owned()),
                bpf::counters(&node.pins)?,
            ),
            Pinned::No | Pinned::InPart => (None, BTreeMap::new()),
        };
        let status = |(ifindex, pod): (&u32, &ObservedPod)| {
            let counters = counters.remove(ifindex).unwrap_or_default();
            PodStatus::of(pod, observed, counters)
        };
        let mut pods: Vec<_> = observed.pods.iter().map(status).collect();
        pods.sort_by(|a, b| (&a.network, a.address).cmp(&(&b.network, b.address)));
        let mut datapaths = pods.iter().map(|pod| pod.datapath);
        let first = datapaths.next();
        let datapath = match first {
            Some(first) if datapaths.all(|other| other == first) => Some(first.as_str()),
            Some(_) => Some("mixed"),
            None => None,
        };
        Ok(Self {
            datapath,
            pins,
            pods,
        })
    }

    /// Two pods of one network, by name of the one's namespace and the other's address.
    pub(super) fn pair(&self) -> Option<(&str, Ipv4Addr)> {
        let mut pairs = self.pods.windows(2);
        pairs.find_map(|pair| {
            let [one, other] = pair else { return None };
            let is_pair = one.network == other.network;
            is_pair.then_some((one.netns.as_str(), other.address?))
        })
    }

    /// Who forwards, as in JSON.
    pub(super) fn datapath(&self) -> Option<&'static str> {
        self.datapath
    }

    /// Where the pins are, if they are.
    pub(super) fn pins(&self) -> Option<&PathBuf> {
        self.pins.as_ref()
    }

    /// The pods' table, without counters.
    pub(super) fn write_pods(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new(&[
            Column::Left("pod"),
            Column::Left("address"),
            Column::Left("mac"),
            Column::Left("netns"),
            Column::Left("interface"),
            Column::Left("gateway"),
            Column::Left("network"),
            Column::Left("link"),
            Column::Left("datapath"),
            Column::Left("program"),
        ]);
        for pod in &self.pods {
            table.row([
                Cell::from(&pod.name),
                or_absent(pod.address.as_ref()),
                or_absent(pod.mac.as_ref()),
                Cell::from(&pod.netns),
                Cell::from(&pod.interface),
                or_absent(pod.gateway.as_ref()),
                Cell::from(&pod.network),
                if pod.up {
                    Cell::good("up")
                } else {
                    Cell::bad("down")
                },
                Cell::from(pod.datapath),
                or_absent(pod.program.as_ref()),
            ]);
        }
        table.write(out)
    }
}

impl Report for Status {
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.pods.is_empty() {
            return writeln!(out, "no pods; `pseudobridge up` makes some");
        }
        self.write_pods(out)?;
        let mut table = Table::new(&[
            Column::Left("pod"),
            Column::Left("reason"),
            Column::Right("packets"),
            Column::Right("bytes"),
        ]);
        let mut is_empty = true;
        for pod in &self.pods {
            for (reason, totals) in &pod.counters {
                is_empty = false;
                table.row([
                    Cell::from(&pod.name),
                    Cell::from(reason),
                    Cell::from(grouped(totals.packets)),
                    Cell::from(grouped(totals.bytes)),
                ]);
            }
        }
        if is_empty {
            return Ok(());
        }
        writeln!(out)?;
        table.write(out)
    }
}

impl PodStatus {
    fn of(pod: &ObservedPod, observed: &Observed, counters: bpf::InterfaceCounters) -> Self {
        let is_attached = pod.attached != Attached::No;
        let inside = pod.inside.as_ref();
        Self {
            name: pod.owner.pod.clone(),
            network: pod.owner.network.clone(),
            subnet: pod.subnet(observed),
            gateway: pod.gateway(observed),
            address: pod.addresses.first().copied(),
            mac: inside
                .and_then(|inside| inside.link.mac)
                .map(|mac| Mac(mac).to_string()),
            gateway_mac: pod.link.mac.map(|mac| Mac(mac).to_string()),
            netns: pod.owner.netns.clone(),
            interface: pod.link.name.clone(),
            pod_interface: inside.map(|inside| inside.link.name.clone()),
            ifindex: pod.link.index,
            mtu: pod.link.mtu,
            up: pod.link.up && pod.link.carrier,
            datapath: if is_attached {
                Datapath::Tc
            } else {
                Datapath::Kernel
            },
            program: is_attached.then_some(TC),
            counters: counters
                .into_iter()
                .filter(|((direction, _), _)| {
                    *direction == pseudobridge_common::abi::Direction::From
                })
                .map(|((_, reason), totals)| (reason.as_str(), totals))
                .collect(),
        }
    }
}

fn or_absent<T: std::fmt::Display>(value: Option<&T>) -> Cell {
    value.map_or_else(Cell::absent, Cell::from)
}
