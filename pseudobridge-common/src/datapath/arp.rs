//! ARP from a pod (RFC 826, RFC 5227; what it stands in for is `arp_process` in net/ipv4/arp.c).

use super::{Decision, Frame, Tables};
use crate::{
    abi::{Port, Reason},
    wire::{
        arp::{ArpPacket, OPERATION_REQUEST, PROBE_SENDER},
        ethernet::{self, EthernetAddresses, EthernetHeader},
        ipv4,
    },
};

#[inline(always)]
pub(super) fn decide<F: Frame, T: Tables>(
    frame: &mut F,
    tables: &T,
    port: &Port,
    ethernet: &EthernetHeader,
) -> Decision {
    let Some(packet) = frame.load::<ArpPacket>(ethernet::HEADER_LEN) else {
        return Decision::punt(Reason::ArpTooShort);
    };
    if !packet.is_ipv4_over_ethernet() {
        return Decision::punt(Reason::ArpMalformed);
    }
    // Before anything else is read: a reply with a false sender is as bad as a request with one.
    if packet.sender_mac != port.pod_mac {
        return Decision::drop(Reason::SpoofedArpMac);
    }
    if packet.sender_address != port.address && packet.sender_address != PROBE_SENDER {
        return Decision::drop(Reason::SpoofedArpAddress);
    }
    if frame.is_vlan_tagged() {
        return Decision::punt(Reason::VlanTagged);
    }
    if packet.operation.get() != OPERATION_REQUEST {
        return Decision::punt(Reason::ArpNotRequest);
    }
    let destination = ethernet.addresses.destination;
    if destination != ethernet::BROADCAST && destination != port.host_mac {
        return Decision::punt(Reason::OtherDestination);
    }

    let target = packet.target_address;
    let reason = if target == port.address {
        return Decision::drop(Reason::ArpOwnAddress);
    } else if target == port.gateway {
        Reason::ArpReplyGateway
    } else if !ipv4::in_subnet(target, port.subnet, port.mask) {
        return Decision::punt(Reason::ArpOffSubnet);
    } else if tables.pod_v4(target).is_some() {
        // A probe is answered as well, unlike by the kernel: that is how a duplicate is found out.
        Reason::ArpReplyPod
    } else {
        return Decision::punt(Reason::ArpUnknownPod);
    };

    // The later bytes first: once these are there, the earlier ones are too.
    let Some(packet) = frame.header_mut::<ArpPacket>(ethernet::HEADER_LEN) else {
        return Decision::punt(Reason::ArpTooShort);
    };
    packet.answer(&port.host_mac);
    if let Some(addresses) = frame.header_mut::<EthernetAddresses>(0) {
        addresses.set(&port.pod_mac, &port.host_mac);
    }
    Decision::reply(reason)
}
