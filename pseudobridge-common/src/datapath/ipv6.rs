//! IPv6 from a pod (RFC 8200; what it stands in for is `ipv6_rcv` and `ip6_forward`).

use super::{
    Decision, Frame, Query, Route, Tables, nd,
    reach::{Reach, address, deliver},
};
use crate::{
    abi::{GATEWAY6, Pod, Port, Reason},
    wire::{
        Ipv6Address,
        ethernet::EthernetHeader,
        ipv6::{
            self, HEADER_LEN, HOP_LIMIT_OFFSET, HopByHop, Ipv6Header, NEXT_HOP_BY_HOP, OFFSET,
            PAYLOAD_OFFSET, in_prefix, is_link_local, is_multicast, is_unspecified,
        },
    },
};

/// [`HEADER_LEN`] as frames count.
#[expect(clippy::cast_possible_truncation, reason = "it is 40")]
const IPV6_LEN: u32 = HEADER_LEN as u32;

/// [`OFFSET`] as frames count.
#[expect(clippy::cast_possible_truncation, reason = "it is 14")]
const ETHERNET_LEN: u32 = OFFSET as u32;

#[inline(always)]
pub(super) fn decide<F: Frame, T: Tables>(
    frame: &mut F,
    tables: &T,
    port: &Port,
    ethernet: &EthernetHeader,
    ingress: u32,
) -> Decision {
    let Some(header) = frame.load::<Ipv6Header>(OFFSET) else {
        return Decision::punt(Reason::Ipv6TooShort);
    };
    if header.version() != 6 {
        return Decision::punt(Reason::Ipv6Malformed);
    }
    let is_of_pod = is_own(&header.source, port);
    if !is_of_pod && !is_of_link(&header) {
        return Decision::drop(Reason::SpoofedIpv6Source);
    }
    if let Some(decision) = nd::decide(frame, tables, port, ethernet, &header, ingress) {
        return decision;
    }
    let destination = &header.destination;
    let reach = if in_prefix(destination, &port.subnet6, &port.mask6) {
        Reach::own(port)
    } else {
        match Reach::other(tables, port, tables.network_v6(destination)) {
            Some(reach) => reach,
            None => return Decision::drop(Reason::Isolated),
        }
    };
    // From here on nothing is forbidden any more, so that punting is safe.
    if frame.is_vlan_tagged() {
        return Decision::punt(Reason::VlanTagged);
    }
    if is_multicast(destination) {
        return Decision::punt(Reason::Ipv6Multicast);
    }
    if ethernet.addresses.destination != port.host_mac {
        return Decision::punt(Reason::OtherDestination);
    }
    if !is_of_pod || is_link_local(destination) {
        return Decision::punt(Reason::Ipv6LinkLocal);
    }
    if let Some(reason) = fault(frame, &header) {
        return Decision::punt(reason);
    }
    if !reach.is_inside {
        return Decision::punt(Reason::Ipv6OffSubnet);
    }
    let Some(pod) = tables.pod_v6(destination) else {
        return no_pod(frame, &header, ingress, reach);
    };
    if is_own(destination, port) {
        return Decision::punt(Reason::Ipv6OwnAddress);
    }
    forward(frame, tables, &header, pod)
}

/// Whether an address is the pod's, of those that are routed.
#[inline(always)]
pub(super) fn is_own(address: &Ipv6Address, port: &Port) -> bool {
    ipv6::equal(address, &port.address6) && !is_unspecified(address)
}

/// Whether the source of a packet is one that never leaves the pod's link, where nobody but the
/// node is: link-local, or, to a group, none yet (duplicate address detection, listener reports).
#[inline(always)]
fn is_of_link(header: &Ipv6Header) -> bool {
    let source = &header.source;
    (is_link_local(source) && !ipv6::equal(source, &GATEWAY6))
        || (is_unspecified(source) && is_multicast(&header.destination))
}

/// What keeps a packet from being forwarded here, wherever it goes.
#[inline(always)]
pub(super) fn fault<F: Frame>(frame: &mut F, header: &Ipv6Header) -> Option<Reason> {
    let len = u32::from(header.payload_len.get());
    if header.next_header == NEXT_HOP_BY_HOP {
        // But for the kernel's own mark of a BIG TCP packet, every router is to read them.
        let is_big_tcp = len == 0
            && frame.is_gso()
            && frame
                .load::<HopByHop>(PAYLOAD_OFFSET)
                .is_some_and(|hop| hop.is_big_tcp());
        return (!is_big_tcp).then_some(Reason::Ipv6Options);
    }
    let fits = len + IPV6_LEN + ETHERNET_LEN <= frame.wire_len();
    (!fits).then_some(Reason::Ipv6BadLength)
}

/// Takes a packet one hop further, into a pod.
#[inline(always)]
pub(super) fn forward<F: Frame, T: Tables>(
    frame: &mut F,
    tables: &T,
    header: &Ipv6Header,
    pod: &Pod,
) -> Decision {
    if header.hop_limit <= 1 {
        return Decision::punt(Reason::Ipv6HopLimitExpired);
    }
    if !tables.is_target(pod.ifindex) {
        return Decision::punt(Reason::TargetGone);
    }
    let fits = if frame.is_gso() {
        frame.segments_fit(pod.ifindex)
    } else {
        u32::from(header.payload_len.get()) + IPV6_LEN <= pod.mtu
    };
    if !fits {
        return Decision::punt(Reason::Ipv6TooBig);
    }
    let Some(hop_limit) = frame.header_mut::<u8>(HOP_LIMIT_OFFSET) else {
        return Decision::punt(Reason::Ipv6TooShort);
    };
    *hop_limit = header.hop_limit.wrapping_sub(1);
    deliver(frame, pod, Reason::Ipv6Forward)
}

/// What becomes of a packet within a network that is for none of its pods.
#[inline(always)]
fn no_pod<F: Frame>(frame: &mut F, header: &Ipv6Header, ingress: u32, reach: Reach) -> Decision {
    let is_gso = frame.is_gso();
    let len = header.payload_len.get().saturating_add(40);
    let route = frame.route_v6(&Query {
        ingress,
        source: header.source,
        destination: header.destination,
        len: if is_gso { 0 } else { len },
    });
    if !route.leads_elsewhere(ingress) {
        return Decision::unknown(
            reach.drop_unknown,
            Reason::Ipv6UnknownPod,
            Reason::Ipv6UnknownDropped,
        );
    }
    if header.hop_limit <= 1 {
        return Decision::punt(Reason::Ipv6HopLimitExpired);
    }
    match route {
        Route::Ready {
            ifindex,
            source,
            destination,
        } if F::REACHES_UPLINKS && ifindex == reach.uplink => {
            if is_gso && !frame.segments_fit(ifindex) {
                return Decision::punt(Reason::Ipv6TooBig);
            }
            let Some(hop_limit) = frame.header_mut::<u8>(HOP_LIMIT_OFFSET) else {
                return Decision::punt(Reason::Ipv6TooShort);
            };
            *hop_limit = header.hop_limit.wrapping_sub(1);
            address(frame, &destination.0, &source.0);
            Decision::transmit(ifindex, Reason::Ipv6ToUplink)
        }
        Route::None | Route::Unready { .. } | Route::Ready { .. } => {
            Decision::punt(Reason::Ipv6NoNeighbour)
        }
    }
}
