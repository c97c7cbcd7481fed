//! IPv4 from a pod (RFC 791, RFC 1812; what it stands in for is `ip_rcv` and `ip_forward`).

use super::{Decision, Frame, Tables};
use crate::{
    abi::{Port, Reason},
    wire::{
        Ipv4Address,
        ethernet::{EthernetAddresses, EthernetHeader},
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
) -> Decision {
    let Some(header) = frame.load::<Ipv4Header>(OFFSET) else {
        return Decision::punt(Reason::Ipv4TooShort);
    };
    if header.version() != 4 || header.header_len() < HEADER_LEN {
        return Decision::punt(Reason::Ipv4Malformed);
    }
    if header.source != port.address {
        return unlawful_source(&header);
    }
    if frame.is_vlan_tagged() {
        return Decision::punt(Reason::VlanTagged);
    }
    if ethernet.addresses.destination != port.host_mac {
        return Decision::punt(Reason::OtherDestination);
    }
    if header.version_ihl != ipv4::VERSION_4_NO_OPTIONS {
        return Decision::punt(Reason::Ipv4Options);
    }
    if !length_fits(frame, &header) {
        return Decision::punt(Reason::Ipv4BadLength);
    }
    if !header.checksum_is_valid() {
        return Decision::punt(Reason::Ipv4BadChecksum);
    }

    let destination = header.destination;
    if !in_subnet(destination, port.subnet, port.mask) {
        return Decision::punt(outside(destination));
    }
    let Some(pod) = tables.pod_v4(destination) else {
        return Decision::punt(no_pod(destination, port));
    };
    if destination == port.address {
        return Decision::punt(Reason::Ipv4OwnAddress);
    }
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

    // The later bytes first: once these are there, the earlier ones are too.
    let Some(hop) = frame.header_mut::<Hop>(HOP_OFFSET) else {
        return Decision::punt(Reason::Ipv4TooShort);
    };
    *hop = header.hop.forwarded();
    if let Some(addresses) = frame.header_mut::<EthernetAddresses>(0) {
        addresses.set(&pod.pod_mac, &pod.host_mac);
    }
    Decision::redirect(pod.ifindex, Reason::Ipv4Forward)
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

/// Why a destination outside the subnet is left to the kernel.
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

/// Why a destination within the subnet that is no pod's is left to the kernel.
#[inline(always)]
fn no_pod(destination: Ipv4Address, port: &Port) -> Reason {
    if destination == port.gateway {
        Reason::Ipv4ToGateway
    } else if is_subnet_broadcast(destination, port.mask) {
        Reason::Ipv4Broadcast
    } else {
        Reason::Ipv4UnknownPod
    }
}
