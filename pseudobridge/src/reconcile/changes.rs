//! What one pod lacks: the changes that make it as it shall be. Pure, as the plan they are part of.

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};

use super::bpf_state::BpfState;
use super::observe::Inside;
use super::step::{Change, InnerChange};
use super::sysctls::{IPV6_MIN_MTU, SETTINGS};
use super::{DesiredPod, ObservedPod};
use crate::bpf::{Attached, Pinned};
use crate::netlink::{Address, Neighbour};
use crate::topology::Datapath;

/// What a pod lacks.
struct Changes<T>(Vec<T>);

impl<T> Default for Changes<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Changes<T> {
    fn unless(&mut self, is_there: bool, change: T) {
        if !is_there {
            self.0.push(change);
        }
    }
}

/// Whether what is there can become what is wanted without being made anew.
pub(super) fn is_same(desired: &DesiredPod, now: &ObservedPod) -> bool {
    let Some(inside) = &now.inside else {
        return false;
    };
    // Another address of the subnet inside would be a source that the guard refuses.
    let is_strange = |one: &Address| {
        IpNet::from(desired.subnet).contains(&one.address.addr())
            && one.address != desired.address().into()
    };
    // IPv6 would come back with default settings, and be open until they are mended.
    let regains_ipv6 = now.link.mtu < IPV6_MIN_MTU && desired.pod.mtu >= IPV6_MIN_MTU;
    let gateway = IpNet::from(Ipv4Net::from(desired.gateway));
    let is_other_gateway = |one: &Address| {
        IpNet::from(desired.subnet).contains(&one.address.addr()) && one.address != gateway
    };
    now.owner == desired.owner()
        && now.link.mac == Some(desired.host_mac())
        && inside.link.mac == Some(desired.pod_mac())
        && inside.link.name == desired.pod.pod_interface
        // One with a shorter prefix routes the whole subnet into the pod.
        && !now.gateways.iter().any(is_other_gateway)
        && now.addresses.iter().all(|one| *one == desired.pod.address)
        && !inside.addresses.iter().any(is_strange)
        && !regains_ipv6
}

/// What a pod lacks, in the order in which it is to get it. The pod's end comes up last: until
/// then it cannot send anything, and by then everything that guards the node is in place.
pub(super) fn changes(
    desired: &DesiredPod,
    now: Option<&ObservedPod>,
    with_bpf: bool,
    datapath: Datapath,
    bpf: &BpfState,
) -> Vec<Change> {
    let mut changes = Changes::default();
    changes.unless(now.is_some(), Change::CreateVeth);
    for (index, setting) in SETTINGS.iter().enumerate() {
        let is_set = |now: &ObservedPod| match &now.settings[index] {
            Some(value) => value == setting.value,
            None => true,
        };
        changes.unless(now.is_some_and(is_set), Change::Set(*setting));
    }
    let (mtu, gateway) = (desired.pod.mtu, IpNet::from(Ipv4Net::from(desired.gateway)));
    changes.unless(
        now.is_none_or(|now| now.link.mtu == mtu),
        Change::SetHostMtu,
    );
    changes.unless(
        now.is_some_and(|now| now.gateways.iter().any(|one| one.address == gateway)),
        Change::AddGateway,
    );
    if with_bpf {
        changes.0.extend(bpf_changes(desired, now, datapath, bpf));
    }
    changes.unless(now.is_some_and(|now| now.link.up), Change::HostUp);
    let (address, mac) = (desired.pod.address, desired.pod_mac());
    changes.unless(
        now.is_some_and(|now| is_neighbour(&now.neighbours, address, mac)),
        Change::SetNeighbour,
    );
    changes.unless(
        now.is_some_and(|now| !now.addresses.is_empty()),
        Change::AddRoute,
    );
    let inside = now.and_then(|now| now.inside.as_ref());
    let inner = inner_changes(desired, inside).0.into_iter();
    changes.0.extend(inner.map(Change::Inside));
    changes.0
}

fn is_neighbour(neighbours: &[Neighbour], address: Ipv4Addr, mac: [u8; 6]) -> bool {
    let mut neighbours = neighbours.iter();
    neighbours.any(|one| one.address == address && one.mac == Some(mac))
}

/// The same for the pod's end.
fn inner_changes(desired: &DesiredPod, inside: Option<&Inside>) -> Changes<InnerChange> {
    let mut changes = Changes::default();
    changes.unless(
        inside.is_some_and(|inside| inside.loopback_up),
        InnerChange::LoopbackUp,
    );
    changes.unless(
        inside.is_none_or(|inside| inside.link.mtu == desired.pod.mtu),
        InnerChange::SetMtu,
    );
    let has_address = |inside: &Inside| {
        let addresses = &inside.addresses;
        addresses
            .iter()
            .any(|one| one.address == desired.address().into())
    };
    changes.unless(inside.is_some_and(has_address), InnerChange::AddAddress);
    changes.unless(inside.is_some_and(|inside| inside.link.up), InnerChange::Up);
    let (gateway, mac) = (desired.gateway, desired.host_mac());
    changes.unless(
        inside.is_some_and(|inside| is_neighbour(&inside.neighbours, gateway, mac)),
        InnerChange::SetGateway,
    );
    let routes_to = |inside: &Inside, destination: Ipv4Net| {
        let mut routes = inside.routes.iter();
        routes.any(|route| {
            let over_ours = route.oif == Some(inside.link.index);
            // The kernel has no room for ours beside another one of the same metric, as a VPN in
            // the pod may have put there.
            route.destination == destination.into() && (over_ours || route.metric == 0)
        })
    };
    if desired.pod_prefix == 32 {
        let gateway = Ipv4Net::from(desired.gateway);
        changes.unless(
            inside.is_some_and(|inside| routes_to(inside, gateway)),
            InnerChange::AddGatewayRoute,
        );
    }
    changes.unless(
        inside.is_some_and(|inside| routes_to(inside, Ipv4Net::default())),
        InnerChange::AddDefaultRoute,
    );
    changes
}

/// What a pod lacks in the maps and at its hook.
pub(super) fn bpf_changes(
    desired: &DesiredPod,
    now: Option<&ObservedPod>,
    datapath: Datapath,
    bpf: &BpfState,
) -> Vec<Change> {
    let mut changes = Changes::default();
    let is_entered = |now: &ObservedPod| {
        let ifindex = now.link.index;
        let (pod, port) = desired.entries(ifindex);
        bpf.entries.pods.get(&desired.pod.address.into()) == Some(&pod)
            && bpf.entries.ports.get(&ifindex) == Some(&port)
            && bpf.entries.targets.contains(&ifindex)
    };
    changes.unless(now.is_some_and(is_entered), Change::Enter);
    if datapath != Datapath::Kernel {
        let attached = match bpf.pinned {
            Pinned::Yes => now.map_or(Attached::No, |now| now.attached),
            // What hangs there goes with the pins that are left.
            Pinned::No | Pinned::InPart => Attached::No,
        };
        changes.unless(attached != Attached::Outdated, Change::Update);
        changes.unless(attached != Attached::No, Change::Attach);
    }
    changes.0
}
