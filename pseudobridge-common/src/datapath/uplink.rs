//! What comes in by an uplink: for pods it goes straight in.

use super::{Decision, Frame, Tables, ipv4, ipv6};
use crate::{
    abi::{Network, Pod, Reason},
    wire::{
        self,
        ethernet::{ETHER_TYPE_IPV4, ETHER_TYPE_IPV6, EthernetHeader},
        ipv4::Ipv4Header,
        ipv6::Ipv6Header,
    },
};

/// Decides what becomes of a frame that came in by the uplink `ingress`, and rewrites it for its
/// next hop on [`Verdict::Redirect`](super::Verdict::Redirect).
///
/// Only what stays within a network is taken: from a remote address of the subnet to a pod. All
/// else is the kernel's, where NAT and firewalls are, but for what pretends to come from a pod of
/// this node, or comes from a network that the pod's may not talk to.
#[inline(always)]
pub fn decide_uplink<F: Frame, T: Tables>(frame: &mut F, tables: &T, ingress: u32) -> Decision {
    let Some(ethernet) = frame.load::<EthernetHeader>(0) else {
        return Decision::punt(Reason::FrameTooShort);
    };
    match ethernet.ether_type.get() {
        ETHER_TYPE_IPV4 => from_ipv4(frame, tables, ingress),
        ETHER_TYPE_IPV6 => from_ipv6(frame, tables, ingress),
        _ => Decision::punt(Reason::NotForPod),
    }
}

#[inline(always)]
fn from_ipv4<F: Frame, T: Tables>(frame: &mut F, tables: &T, ingress: u32) -> Decision {
    let Some(header) = frame.load::<Ipv4Header>(wire::ipv4::OFFSET) else {
        return Decision::punt(Reason::NotForPod);
    };
    if ipv4::is_malformed(&header) {
        return Decision::punt(Reason::NotForPod);
    }
    let Some(pod) = tables.pod_v4(header.destination) else {
        return Decision::punt(Reason::NotForPod);
    };
    let network = tables.network_v4(header.source);
    let is_pod = tables.pod_v4(header.source).is_some();
    let is_gateway = network.is_some_and(|network| network.gateway == header.source);
    if let Some(decision) = sender(frame, tables, ingress, pod, network, is_pod || is_gateway) {
        return decision;
    }
    match ipv4::fault(frame, &header) {
        Some(reason) => Decision::punt(reason),
        None => ipv4::forward(frame, tables, &header, pod),
    }
}

#[inline(always)]
fn from_ipv6<F: Frame, T: Tables>(frame: &mut F, tables: &T, ingress: u32) -> Decision {
    let Some(header) = frame.load::<Ipv6Header>(wire::ipv6::OFFSET) else {
        return Decision::punt(Reason::NotForPod);
    };
    if header.version() != 6 {
        return Decision::punt(Reason::NotForPod);
    }
    let Some(pod) = tables.pod_v6(&header.destination) else {
        return Decision::punt(Reason::NotForPod);
    };
    let network = tables.network_v6(&header.source);
    let is_pod = tables.pod_v6(&header.source).is_some();
    if let Some(decision) = sender(frame, tables, ingress, pod, network, is_pod) {
        return decision;
    }
    match ipv6::fault(frame, &header) {
        Some(reason) => Decision::punt(reason),
        None => ipv6::forward(frame, tables, &header, pod),
    }
}

/// What keeps a packet to `pod` from being taken: where its source lies, and what is known of it.
#[inline(always)]
fn sender<F: Frame, T: Tables>(
    frame: &F,
    tables: &T,
    ingress: u32,
    pod: &Pod,
    network: Option<&Network>,
    is_local: bool,
) -> Option<Decision> {
    if is_local {
        return Some(Decision::drop(Reason::SpoofedUplinkSource));
    }
    let Some(network) = network else {
        return Some(Decision::punt(Reason::NotForPod));
    };
    if network.network != pod.network && !tables.is_allowed(network.network, pod.network) {
        return Some(Decision::drop(Reason::Isolated));
    }
    if frame.is_vlan_tagged() {
        return Some(Decision::punt(Reason::VlanTagged));
    }
    if !frame.is_to_host() || network.uplink != ingress {
        return Some(Decision::punt(Reason::NotForPod));
    }
    None
}
