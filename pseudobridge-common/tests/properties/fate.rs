//! What each kind of frame comes to, against a second opinion: std's and ipnet's of addresses.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use pseudobridge_common::{
    abi::Reason,
    datapath::{Decision, Verdict},
    wire::{ethernet, ipv4},
};
use pseudobridge_testing::{MemoryFrame, fix_checksum};

use crate::network::{Address, Network, addresses, networks};

/// Offsets into a frame.
const ETHERNET_DESTINATION: usize = 0;
const ETHERNET_SOURCE: usize = 6;
const ARP_SENDER_MAC: usize = ethernet::HEADER_LEN + 8;
const ARP_SENDER_ADDRESS: usize = ethernet::HEADER_LEN + 14;
const IPV4_LENGTH: usize = ipv4::OFFSET + 2;
const IPV4_IDENTIFICATION: usize = ipv4::OFFSET + 4;
const IPV4_SOURCE: usize = ipv4::OFFSET + 12;

fn fate_of_ipv4(network: &Network, destination: Ipv4Addr) -> Decision {
    let octets = destination.octets();
    let reason = if octets == network.target.0 {
        return network.redirect();
    } else if octets == network.foreign {
        return Decision::drop(Reason::Isolated);
    } else if octets == network.port.address {
        Reason::Ipv4OwnAddress
    } else if octets == network.port.gateway {
        Reason::Ipv4ToGateway
    } else if destination.is_broadcast() || destination == network.subnet.broadcast() {
        Reason::Ipv4Broadcast
    } else if network.subnet.contains(&destination) {
        Reason::Ipv4UnknownPod
    } else if destination.is_multicast() {
        Reason::Ipv4Multicast
    } else {
        Reason::Ipv4OffSubnet
    };
    Decision::punt(reason)
}

fn fate_of_arp(network: &Network, target: Ipv4Addr) -> Decision {
    let octets = target.octets();
    if octets == network.port.address {
        Decision::drop(Reason::ArpOwnAddress)
    } else if octets == network.port.gateway {
        Decision::reply(Reason::ArpReplyGateway)
    } else if octets == network.target.0 {
        Decision::reply(Reason::ArpReplyPod)
    } else if octets == network.foreign {
        Decision::drop(Reason::Isolated)
    } else if network.subnet.contains(&target) {
        Decision::punt(Reason::ArpUnknownPod)
    } else {
        Decision::punt(Reason::ArpOffSubnet)
    }
}

/// Changes one byte of a field, and the checksum of an IPv4 header with it.
fn change(frame: &mut MemoryFrame, field: usize, len: usize, at: usize, by: u8) {
    frame.bytes[field + at % len] ^= by;
    if frame.bytes[12..14] == ethernet::ETHER_TYPE_IPV4.to_be_bytes() {
        fix_checksum(frame);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    #[test]
    fn ipv4_goes_by_its_destination(
        network in networks(),
        address in addresses(),
        payload in 0u16..=556,
        padding in 0usize..64,
        gso: bool,
        ttl in 2u8..,
        [traffic_class, protocol]: [u8; 2],
        identification_and_fragment: [u8; 4],
    ) {
        let mut frame = network.ipv4(address, payload);
        frame.bytes.resize(frame.bytes.len() + padding, 0);
        frame.gso_size = u32::from(gso);
        frame.bytes[ipv4::OFFSET + 1] = traffic_class;
        frame.bytes[IPV4_IDENTIFICATION..][..4].copy_from_slice(&identification_and_fragment);
        frame.bytes[ipv4::HOP_OFFSET..][..2].copy_from_slice(&[ttl, protocol]);
        fix_checksum(&mut frame);
        let expected = fate_of_ipv4(&network, network.resolve(address).into());
        prop_assert_eq!(network.decide(&mut frame), expected);
    }

    #[test]
    fn arp_goes_by_its_target(
        network in networks(), address in addresses(), probe: bool, unicast: bool, tail in 0usize..32,
    ) {
        let mut frame = network.arp(address, probe);
        if unicast {
            frame.bytes[..6].copy_from_slice(&network.port.host_mac);
        }
        frame.bytes.resize(frame.bytes.len() + tail, 0);
        let mut expected = fate_of_arp(&network, network.resolve(address).into());
        if probe && expected.verdict == Verdict::Reply {
            expected.reason = Reason::ArpConflict;
        }
        prop_assert_eq!(network.decide(&mut frame), expected);
    }

    #[test]
    fn one_wrong_byte_of_the_sender_is_a_drop(
        network in networks(),
        address in addresses(),
        field in prop::sample::select(&[
            (false, ETHERNET_SOURCE, 6, Reason::SpoofedEthernetSource),
            (false, IPV4_SOURCE, 4, Reason::SpoofedIpv4Source),
            (true, ETHERNET_SOURCE, 6, Reason::SpoofedEthernetSource),
            (true, ARP_SENDER_MAC, 6, Reason::SpoofedArpMac),
            (true, ARP_SENDER_ADDRESS, 4, Reason::SpoofedArpAddress),
        ][..]),
        at: usize,
        by in 1u8..,
        tagged: bool,
        // Type 1 or 6 of ARP, any operation; the total length of IPv4.
        ieee_802: bool,
        any_word: [u8; 2],
    ) {
        let (is_arp, offset, len, reason) = field;
        let mut frame = if is_arp {
            let mut frame = network.arp(address, false);
            frame.bytes[ethernet::HEADER_LEN + 1] = if ieee_802 { 6 } else { 1 };
            frame.bytes[ethernet::HEADER_LEN + 6..][..2].copy_from_slice(&any_word);
            frame
        } else {
            let mut frame = network.ipv4(address, 8);
            frame.bytes[IPV4_LENGTH..][..2].copy_from_slice(&any_word);
            frame
        };
        frame.vlan_tagged = tagged;
        change(&mut frame, offset, len, at, by);
        // The lawful one of these is a case of its own.
        prop_assume!(len != 4 || frame.bytes[offset..][..4] != [0; 4]);
        let before = frame.clone();
        prop_assert_eq!(network.decide(&mut frame), Decision::drop(reason));
        prop_assert_eq!(frame, before);
    }

    #[test]
    fn nobody_is_a_sender_only_to_everybody(
        network in networks(), address in addresses(), tagged: bool,
    ) {
        let mut frame = network.ipv4(address, 8);
        frame.vlan_tagged = tagged;
        frame.bytes[IPV4_SOURCE..][..4].fill(0);
        fix_checksum(&mut frame);
        let expected = if network.resolve(address) == ipv4::BROADCAST {
            Decision::punt(Reason::Ipv4Broadcast)
        } else {
            Decision::drop(Reason::SpoofedIpv4Source)
        };
        prop_assert_eq!(network.decide(&mut frame), expected);
    }

    #[test]
    fn one_wrong_byte_of_the_station_is_a_punt(
        network in networks(), arp: bool, unicast: bool, at: usize, by in 1u8..,
    ) {
        let mut frame = if arp {
            network.arp(Address::Target, false)
        } else {
            network.ipv4(Address::Target, 8)
        };
        if unicast {
            frame.bytes[..6].copy_from_slice(&network.port.host_mac);
        }
        change(&mut frame, ETHERNET_DESTINATION, 6, at, by);
        let to = &frame.bytes[..6];
        prop_assume!(to != network.port.host_mac && to != ethernet::BROADCAST);
        prop_assert_eq!(network.decide(&mut frame), Decision::punt(Reason::OtherDestination));
    }

    #[test]
    fn the_total_length_is_that_of_header_and_payload(
        network in networks(),
        total in prop_oneof![Just(0), 0u16..80, any::<u16>()],
        payload in 0u16..60,
        gso: bool,
    ) {
        let mut frame = network.ipv4(Address::Target, payload);
        frame.gso_size = u32::from(gso);
        frame.bytes[IPV4_LENGTH..][..2].copy_from_slice(&total.to_be_bytes());
        fix_checksum(&mut frame);
        let fits = (20..=20 + payload).contains(&total) || (total == 0 && gso);
        let expected = if fits {
            network.redirect()
        } else {
            Decision::punt(Reason::Ipv4BadLength)
        };
        prop_assert_eq!(network.decide(&mut frame), expected);
    }

    #[test]
    fn the_mtu_is_that_of_the_target(network in networks(), more in -2i16..=2) {
        let mtu = i16::try_from(network.target.1.mtu).unwrap();
        let payload = u16::try_from(mtu + more - 20).unwrap();
        let mut frame = network.ipv4(Address::Target, payload);
        let expected = if more <= 0 {
            network.redirect()
        } else {
            Decision::punt(Reason::Ipv4TooBig)
        };
        prop_assert_eq!(network.decide(&mut frame), expected);
    }
}
