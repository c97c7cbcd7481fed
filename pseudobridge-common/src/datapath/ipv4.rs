//! IPv4 from a pod (RFC 791, RFC 1812; what it stands in for is `ip_rcv` and `ip_forward`).

use super::{
    Decision, Frame, Query, Route, Tables,
    reach::{Reach, address, deliver},
};
use crate::{
    abi::{Pod, Port, Reason},
    wire::{
        Ipv4Address,
        ethernet::EthernetHeader,
        ipv4::{
            self, BROADCAST, HEADER_LEN, HOP_OFFSET, Hop, Ipv4Header, OFFSET, in_subnet,
            is_subnet_broadcast,
        },
    },
};

/// [`HEADER_LEN`] as frames count.
#[expect(clippy::cast_possible_truncation, reason = "it is 20")]
const IPV4_LEN: u32 = HEADER_LEN as u32;

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
    let Some(header) = frame.load::<Ipv4Header>(OFFSET) else {
        return Decision::punt(Reason::Ipv4TooShort);
    };
    if is_malformed(&header) {
        return Decision::punt(Reason::Ipv4Malformed);
    }
    if header.source != port.address {
        return unlawful_source(&header);
    }
    let destination = header.destination;
    let reach = if in_subnet(destination, port.subnet, port.mask) {
        Reach::own(port)
    } else {
        match Reach::other(tables, port, tables.network_v4(destination)) {
            Some(reach) => reach,
            None => return Decision::drop(Reason::Isolated),
        }
    };
    // From here on nothing is forbidden any more, so that punting is safe.
    if frame.is_vlan_tagged() {
        return Decision::punt(Reason::VlanTagged);
    }
    if ethernet.addresses.destination != port.host_mac {
        return Decision::punt(Reason::OtherDestination);
    }
    if let Some(reason) = fault(frame, &header) {
        return Decision::punt(reason);
    }
    if !reach.is_inside {
        return Decision::punt(outside(destination));
    }
    let Some(pod) = tables.pod_v4(destination) else {
        return no_pod(frame, port, &header, ingress, reach);
    };
    if destination == port.address {
        return Decision::punt(Reason::Ipv4OwnAddress);
    }
    forward(frame, tables, &header, pod)
}

/// Whether the header is none that the guard could read.
#[inline(always)]
pub(super) fn is_malformed(header: &Ipv4Header) -> bool {
    header.version() != 4 || header.header_len() < HEADER_LEN
}

/// What keeps a packet from being forwarded here, wherever it goes.
#[inline(always)]
pub(super) fn fault<F: Frame>(frame: &F, header: &Ipv4Header) -> Option<Reason> {
    if header.version_ihl != ipv4::VERSION_4_NO_OPTIONS {
        Some(Reason::Ipv4Options)
    } else if !length_fits(frame, header) {
        Some(Reason::Ipv4BadLength)
    } else if !header.checksum_is_valid() {
        Some(Reason::Ipv4BadChecksum)
    } else {
        None
    }
}

/// Takes a packet one hop further, into a pod.
#[inline(always)]
pub(super) fn forward<F: Frame, T: Tables>(
    frame: &mut F,
    tables: &T,
    header: &Ipv4Header,
    pod: &Pod,
) -> Decision {
    if header.hop.ttl <= 1 {
        return Decision::punt(Reason::Ipv4TtlExpired);
    }
    if !tables.is_target(pod.ifindex) {
        return Decision::punt(Reason::TargetGone);
    }
    let fits = if frame.is_gso() {
        frame.segments_fit(pod.ifindex)
    } else {
        u32::from(header.total_len.get()) <= pod.mtu
    };
    if !fits {
        return Decision::punt(Reason::Ipv4TooBig);
    }
    let Some(hop) = frame.header_mut::<Hop>(HOP_OFFSET) else {
        return Decision::punt(Reason::Ipv4TooShort);
    };
    *hop = header.hop.forwarded();
    deliver(frame, pod, Reason::Ipv4Forward)
}

/// Whether the total length covers the header and lies within the frame, which may be padded.
#[inline(always)]
fn length_fits<F: Frame>(frame: &F, header: &Ipv4Header) -> bool {
    let total = u32::from(header.total_len.get());
    if total == 0 {
        // A BIG TCP packet, whose length does not fit the field (`iph_totlen`, include/linux/ip.h).
        return frame.is_gso();
    }
    total >= IPV4_LEN && total + ETHERNET_LEN <= frame.wire_len()
}

/// A source that is not the pod's: spoofed, but for a DHCP client's first words (RFC 2131).
#[inline(always)]
fn unlawful_source(header: &Ipv4Header) -> Decision {
    if header.source == [0; 4] && header.destination == BROADCAST {
        return Decision::punt(Reason::Ipv4Broadcast);
    }
    Decision::drop(Reason::SpoofedIpv4Source)
}

/// Why a destination outside all networks is left to the kernel.
#[inline(always)]
fn outside(destination: Ipv4Address) -> Reason {
    if destination == BROADCAST {
        Reason::Ipv4Broadcast
    } else if ipv4::is_multicast(destination) {
        Reason::Ipv4Multicast
    } else {
        Reason::Ipv4OffSubnet
    }
}

/// What becomes of a packet within a network that is for none of its pods.
#[inline(always)]
fn no_pod<F: Frame>(
    frame: &mut F,
    port: &Port,
    header: &Ipv4Header,
    ingress: u32,
    reach: Reach,
) -> Decision {
    let destination = header.destination;
    if destination == port.gateway {
        return Decision::punt(Reason::Ipv4ToGateway);
    }
    if in_subnet(destination, port.subnet, port.mask) && is_subnet_broadcast(destination, port.mask)
    {
        return Decision::punt(Reason::Ipv4Broadcast);
    }
    let is_gso = frame.is_gso();
    let route = frame.route_v4(&Query {
        ingress,
        source: header.source,
        destination,
        len: if is_gso { 0 } else { header.total_len.get() },
    });
    if !route.leads_elsewhere(ingress) {
        return Decision::unknown(
            reach.drop_unknown,
            Reason::Ipv4UnknownPod,
            Reason::Ipv4UnknownDropped,
        );
    }
    if header.hop.ttl <= 1 {
        return Decision::punt(Reason::Ipv4TtlExpired);
    }
    match route {
        Route::Ready {
            ifindex,
            source,
            destination,
        } if F::REACHES_UPLINKS && ifindex == reach.uplink => {
            if is_gso && !frame.segments_fit(ifindex) {
                return Decision::punt(Reason::Ipv4TooBig);
            }
            let Some(hop) = frame.header_mut::<Hop>(HOP_OFFSET) else {
                return Decision::punt(Reason::Ipv4TooShort);
            };
            *hop = header.hop.forwarded();
            address(frame, &destination.0, &source.0);
            Decision::transmit(ifindex, Reason::Ipv4ToUplink)
        }
        Route::None | Route::Unready { .. } | Route::Ready { .. } => {
            Decision::punt(Reason::Ipv4NoNeighbour)
        }
    }
}
