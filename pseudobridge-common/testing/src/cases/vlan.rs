//! Frames with VLAN tags. Which VLAN it is makes no difference here, though it does to the kernel.

use pseudobridge_common::{
    abi::Reason,
    wire::ethernet::{ETHER_TYPE_SERVICE_VLAN, ETHER_TYPE_VLAN},
};

use super::{Case, FOREIGN, TARGET, arp, cut, drop, ipv4, ipv6, nd, punt};
use crate::MemoryFrame;

pub(super) fn tagged() -> Vec<Case> {
    let in_bytes = |tag: u16| ipv4::packet(move |ethernet, _| ethernet.ether_type = tag.into());
    vec![
        punt(
            "vlan-ipv4",
            beside(ipv4::packet(|_, _| {})),
            Reason::VlanTagged,
        ),
        punt(
            "vlan-arp",
            beside(arp::request(|_, _| {})),
            Reason::VlanTagged,
        ),
        punt(
            "vlan-ipv6",
            beside(ipv6::packet(|_, _| {})),
            Reason::VlanTagged,
        ),
        punt(
            "vlan-nd",
            beside(nd::solicitation(|_| {})),
            Reason::VlanTagged,
        ),
        punt(
            "vlan-lldp",
            beside(ipv4::packet(|ethernet, _| {
                ethernet.ether_type = 0x88cc.into();
            })),
            Reason::VlanTagged,
        ),
        drop(
            "vlan-isolated",
            beside(ipv4::packet(|_, ip| ip.destination = FOREIGN.address())),
            Reason::Isolated,
        ),
        drop(
            "vlan-isolated-ipv6",
            beside(ipv6::packet(|_, ip| ip.destination = FOREIGN.address6())),
            Reason::Isolated,
        ),
        drop(
            "vlan-isolated-arp",
            beside(arp::request(|_, arp| {
                arp.target_address = FOREIGN.address();
            })),
            Reason::Isolated,
        ),
        punt(
            "vlan-arp-short",
            beside(cut(arp::request(|_, _| {}), 41)),
            Reason::ArpTooShort,
        ),
        drop(
            "vlan-spoofed-ethernet-source",
            beside(ipv4::packet(|ethernet, _| {
                ethernet.addresses.source = TARGET.pod_mac();
            })),
            Reason::SpoofedEthernetSource,
        ),
        drop(
            "vlan-spoofed-ipv4-source",
            beside(ipv4::packet(|_, ip| ip.source = TARGET.address())),
            Reason::SpoofedIpv4Source,
        ),
        drop(
            "vlan-spoofed-arp-mac",
            beside(arp::request(|_, arp| arp.sender_mac = TARGET.pod_mac())),
            Reason::SpoofedArpMac,
        ),
        drop(
            "vlan-spoofed-arp-address",
            beside(arp::request(|_, arp| arp.sender_address = TARGET.address())),
            Reason::SpoofedArpAddress,
        ),
        drop(
            "vlan-stacked",
            beside(in_bytes(ETHER_TYPE_VLAN)),
            Reason::VlanStacked,
        ),
        drop(
            "vlan-in-bytes",
            in_bytes(ETHER_TYPE_VLAN),
            Reason::VlanStacked,
        ),
        drop(
            "service-vlan-in-bytes",
            in_bytes(ETHER_TYPE_SERVICE_VLAN),
            Reason::VlanStacked,
        ),
        drop(
            "vlan-stacked-spoofed",
            beside(ipv4::packet(|ethernet, _| {
                ethernet.addresses.source = TARGET.pod_mac();
                ethernet.ether_type = ETHER_TYPE_VLAN.into();
            })),
            Reason::SpoofedEthernetSource,
        ),
    ]
}

/// Puts a tag beside the bytes of a frame.
pub(super) fn beside(mut frame: MemoryFrame) -> MemoryFrame {
    frame.vlan_tagged = true;
    frame
}
