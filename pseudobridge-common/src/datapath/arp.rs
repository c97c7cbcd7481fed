//! ARP from a pod (RFC 826, RFC 5227; what it stands in for is `arp_process` in net/ipv4/arp.c).

use super::{
    Decision, Frame, Query, Tables,
    reach::{Reach, address},
};
use crate::{
    abi::{Port, Reason},
    wire::{
        arp::{ArpPacket, OPERATION_REQUEST, PROBE_SENDER},
        ethernet::{self, EthernetHeader},
        ipv4,
    },
};

#[inline(always)]
pub(super) fn decide<F: Frame, T: Tables>(
    frame: &mut F,
    tables: &T,
    port: &Port,
    ethernet: &EthernetHeader,
    ingress: u32,
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
    let target = packet.target_address;
    let is_inside = ipv4::in_subnet(target, port.subnet, port.mask);
    if !is_inside && Reach::other(tables, port, tables.network_v4(target)).is_none() {
        return Decision::drop(Reason::Isolated);
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

    let reason = if target == port.address {
        return Decision::drop(Reason::ArpOwnAddress);
    } else if target == port.gateway {
        Reason::ArpReplyGateway
    } else if !is_inside {
        return Decision::punt(Reason::ArpOffSubnet);
    } else if tables.pod_v4(target).is_some() {
        Reason::ArpReplyPod
    } else {
        let query = Query {
            ingress,
            source: port.address,
            destination: target,
            len: 0,
        };
        if !frame.route_v4(&query).leads_elsewhere(ingress) {
            return Decision::unknown(
                Reach::own(port).drop_unknown,
                Reason::ArpUnknownPod,
                Reason::ArpUnknownDropped,
            );
        }
        Reason::ArpReplyRemote
    };
    // A probe is answered as well, unlike by the kernel: that is how a duplicate is found out.
    let is_probe = packet.sender_address == PROBE_SENDER;
    let reason = if is_probe {
        Reason::ArpConflict
    } else {
        reason
    };

    let Some(packet) = frame.header_mut::<ArpPacket>(ethernet::HEADER_LEN) else {
        return Decision::punt(Reason::ArpTooShort);
    };
    packet.answer(&port.host_mac);
    address(frame, &port.pod_mac, &port.host_mac);
    Decision::reply(reason)
}
