//! What the maps say of networks as such: whose prefixes are whose, who may talk to whom, and by which
//! devices they are reached from off the node. Pure, as the plan it is part of.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};
use pseudobridge_common::abi;

use super::bpf_state::BpfState;
use super::{Observed, Step};
use crate::bpf::Attached;
use crate::topology::{Datapath, Topology};

/// The networks of a node.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Networks {
    /// By prefix.
    entries: BTreeMap<IpNet, abi::Network>,
    /// Who may send to whom, by the networks' subnets.
    allowed: BTreeSet<(Ipv4Addr, Ipv4Addr)>,
    /// Names of the devices at whose ingress our program shall be.
    uplinks: BTreeSet<String>,
}

impl Networks {
    /// What a topology asks for.
    pub(super) fn of(topology: &Topology, node: &Observed) -> Self {
        let mut networks = Self::default();
        for network in &topology.networks {
            let uplink = network.uplink.as_deref();
            let entry = entry(
                network.subnet,
                network.gateway,
                uplink.map_or(0, |name| index(node, name)),
            );
            networks.entries.insert(network.subnet.into(), entry);
            if let Some(name) = uplink
                && network.datapath != Datapath::Kernel
            {
                networks.uplinks.insert(name.to_owned());
            }
            for other in &topology.networks {
                let is_other = other.name != network.name;
                if is_other && topology.allows(&network.name, &other.name) {
                    let pair = (network.subnet.network(), other.subnet.network());
                    networks.allowed.insert(pair);
                }
            }
        }
        networks
    }

    /// What there is, read back from the pods: for networks that the maps do not have, neither an
    /// uplink nor whom they may talk to is known any more.
    pub(super) fn read_back(node: &Observed, datapath: Datapath) -> Self {
        let entries = &node.bpf.entries;
        let mut networks = Self {
            entries: entries.networks.clone(),
            allowed: entries.allowed.clone(),
            uplinks: BTreeSet::new(),
        };
        for pod in node.pods.values() {
            if let (Some(subnet), Some(gateway)) = (pod.subnet(node), pod.gateway(node)) {
                let known = networks.entries.entry(subnet.into());
                known.or_insert_with(|| entry(subnet, gateway, 0));
            }
        }
        if datapath != Datapath::Kernel {
            let uplinks = networks.entries.values().map(|network| network.uplink);
            let named = uplinks.filter_map(|uplink| {
                let mut links = node.links.iter();
                Some(links.find(|link| link.index == uplink)?.name.clone())
            });
            networks.uplinks = named.collect();
        }
        networks
    }

    /// What has to be there before any pod is: who is isolated from whom is decided by prefixes.
    pub(super) fn shut(&self, bpf: &BpfState) -> Vec<Step> {
        let new = self.entries.iter();
        let new = new.filter(|(subnet, entry)| bpf.entries.networks.get(subnet) != Some(entry));
        let forbidden = bpf.entries.allowed.difference(&self.allowed);
        new.map(|(subnet, entry)| Step::EnterNetwork(*subnet, *entry))
            .chain(forbidden.map(|(from, to)| Step::Forbid(*from, *to)))
            .collect()
    }

    /// What opens, once all pods are there, and what may go once no pod of it is left.
    pub(super) fn open(&self, bpf: &BpfState) -> Vec<Step> {
        let allowed = self.allowed.difference(&bpf.entries.allowed);
        let uplinks = self
            .uplinks
            .iter()
            .filter_map(|name| match bpf.uplinks.get(name).copied() {
                Some(Attached::Yes) => None,
                Some(Attached::Outdated) => Some(Step::UpdateUplink(name.clone())),
                Some(Attached::No) | None => Some(Step::AttachUplink(name.clone())),
            });
        let stale = bpf.entries.networks.keys();
        let stale = stale.filter(|subnet| !self.entries.contains_key(*subnet));
        let left = bpf.uplinks.keys();
        let left = left.filter(|name| !self.uplinks.contains(*name));
        let allowed = allowed.map(|(from, to)| Step::Allow(*from, *to));
        let gone = stale.map(|subnet| Step::ForgetNetwork(*subnet));
        let left = left.cloned().map(Step::DetachUplink);
        allowed.chain(uplinks).chain(gone).chain(left).collect()
    }
}

fn entry(subnet: Ipv4Net, gateway: Ipv4Addr, uplink: u32) -> abi::Network {
    abi::Network {
        network: subnet.network().octets(),
        gateway: gateway.octets(),
        uplink,
    }
}

/// The index of a device, 0 where there is none of the name.
pub(super) fn index(node: &Observed, name: &str) -> u32 {
    let link = node.links.iter().find(|link| link.name == name);
    link.map_or(0, |link| link.index)
}
