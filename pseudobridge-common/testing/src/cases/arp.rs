//! ARP from a pod.

use pseudobridge_common::{
    abi::Reason,
    wire::{
        Ipv4Address,
        arp::{self, ArpPacket},
        ethernet::{self, ETHER_TYPE_ARP, ETHER_TYPE_IPV4, EthernetAddresses, EthernetHeader},
    },
};
use zerocopy::IntoBytes as _;

use super::{
    Case, FRIEND, GATEWAY, Origin, REMOTE, SENDER, TARGET, UNRESOLVED, cut, drop, frame, punt,
    reply,
};
use crate::{MemoryFrame, TestPod};

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn packets() -> Vec<Case> {
    let to = |target: Ipv4Address| request(move |_, arp| arp.target_address = target);
    let probe = |target: Ipv4Address| {
        request(move |_, arp| {
            arp.sender_address = arp::PROBE_SENDER;
            arp.target_address = target;
        })
    };
    let malformed = |name, edit: fn(&mut ArpPacket)| {
        punt(name, request(move |_, arp| edit(arp)), Reason::ArpMalformed)
    };
    vec![
        reply("arp-pod", to(TARGET.address()), Reason::ArpReplyPod),
        reply("arp-gateway", to(GATEWAY), Reason::ArpReplyGateway),
        reply(
            "arp-probe-pod",
            probe(TARGET.address()),
            Reason::ArpConflict,
        ),
        reply("arp-probe-gateway", probe(GATEWAY), Reason::ArpConflict),
        reply(
            "arp-unicast",
            request(|ethernet, _| ethernet.addresses.destination = SENDER.host_mac()),
            Reason::ArpReplyPod,
        ),
        reply(
            "arp-pod-that-is-gone",
            to(TestPod::GONE.address()),
            Reason::ArpReplyPod,
        ),
        drop(
            "arp-own-address",
            to(SENDER.address()),
            Reason::ArpOwnAddress,
        ),
        drop(
            "arp-own-probe",
            probe(SENDER.address()),
            Reason::ArpOwnAddress,
        ),
        punt(
            "arp-unknown-pod",
            to([172, 30, 30, 99]),
            Reason::ArpUnknownPod,
        ),
        punt(
            "arp-subnet-broadcast",
            to([172, 30, 30, 255]),
            Reason::ArpUnknownPod,
        ),
        punt("arp-off-subnet", to([192, 0, 2, 1]), Reason::ArpOffSubnet),
        drop(
            "arp-pod-of-another-network",
            to(TestPod::FOREIGN.address()),
            Reason::Isolated,
        ),
        drop(
            "arp-nobody-of-another-network",
            to([172, 30, 31, 99]),
            Reason::Isolated,
        ),
        punt(
            "arp-pod-of-an-allowed-network",
            to(TestPod::FRIEND.address()),
            Reason::ArpOffSubnet,
        ),
        reply(
            "arp-remote",
            to(TestPod(REMOTE).address()),
            Reason::ArpReplyRemote,
        ),
        reply(
            "arp-remote-unresolved",
            to(TestPod(UNRESOLVED).address()),
            Reason::ArpReplyRemote,
        ),
        reply(
            "arp-probe-remote",
            probe(TestPod(REMOTE).address()),
            Reason::ArpConflict,
        ),
        drop(
            "arp-unknown-dropped",
            request(|ethernet, arp| {
                ethernet.addresses.source = FRIEND.pod_mac();
                arp.sender_mac = FRIEND.pod_mac();
                arp.sender_address = FRIEND.address();
                arp.target_address = [172, 30, 32, 99];
            }),
            Reason::ArpUnknownDropped,
        )
        .from(Origin::Pod(FRIEND)),
        reply(
            "arp-ieee-802",
            request(|_, arp| arp.hardware_type = arp::HARDWARE_IEEE_802.into()),
            Reason::ArpReplyPod,
        ),
        punt(
            "arp-short",
            cut(to(TARGET.address()), 41),
            Reason::ArpTooShort,
        ),
        malformed("arp-hardware-type", |arp| arp.hardware_type = 7.into()),
        malformed("arp-protocol-type", |arp| arp.protocol_type = 0x86dd.into()),
        malformed("arp-hardware-length", |arp| arp.hardware_len = 8),
        malformed("arp-protocol-length", |arp| arp.protocol_len = 16),
        punt(
            "arp-reply",
            request(|_, arp| arp.operation = 2.into()),
            Reason::ArpNotRequest,
        ),
        punt(
            "arp-reverse",
            request(|_, arp| arp.operation = 3.into()),
            Reason::ArpNotRequest,
        ),
        punt(
            "arp-operation-0",
            request(|_, arp| arp.operation = 0.into()),
            Reason::ArpNotRequest,
        ),
        punt(
            "arp-to-other-station",
            request(|ethernet, _| ethernet.addresses.destination = TARGET.host_mac()),
            Reason::OtherDestination,
        ),
        punt(
            "arp-to-multicast",
            request(|ethernet, _| ethernet.addresses.destination = [1, 0, 0x5e, 0, 0, 1]),
            Reason::OtherDestination,
        ),
    ]
}

pub(super) fn spoofed() -> Vec<Case> {
    vec![
        drop(
            "arp-spoofed-mac",
            request(|_, arp| arp.sender_mac = TARGET.pod_mac()),
            Reason::SpoofedArpMac,
        ),
        drop(
            "arp-spoofed-address",
            request(|_, arp| arp.sender_address = TARGET.address()),
            Reason::SpoofedArpAddress,
        ),
        drop(
            "arp-spoofed-mac-ieee-802",
            request(|_, arp| {
                arp.hardware_type = arp::HARDWARE_IEEE_802.into();
                arp.sender_mac = TARGET.pod_mac();
            }),
            Reason::SpoofedArpMac,
        ),
        drop(
            "arp-almost-a-probe",
            request(|_, arp| arp.sender_address = [0, 0, 0, 1]),
            Reason::SpoofedArpAddress,
        ),
        drop(
            "arp-spoofed-announcement",
            request(|_, arp| {
                arp.sender_address = TARGET.address();
                arp.target_address = TARGET.address();
            }),
            Reason::SpoofedArpAddress,
        ),
        drop(
            "arp-spoofed-reply",
            request(|_, arp| {
                arp.operation = 2.into();
                arp.sender_address = GATEWAY;
            }),
            Reason::SpoofedArpAddress,
        ),
    ]
}

/// A request by the sender for the target, edited.
pub fn request(edit: impl FnOnce(&mut EthernetHeader, &mut ArpPacket)) -> MemoryFrame {
    let mut ethernet = EthernetHeader {
        addresses: EthernetAddresses {
            destination: ethernet::BROADCAST,
            source: SENDER.pod_mac(),
        },
        ether_type: ETHER_TYPE_ARP.into(),
    };
    let mut arp = ArpPacket {
        hardware_type: arp::HARDWARE_ETHERNET.into(),
        protocol_type: ETHER_TYPE_IPV4.into(),
        hardware_len: 6,
        protocol_len: 4,
        operation: arp::OPERATION_REQUEST.into(),
        sender_mac: SENDER.pod_mac(),
        sender_address: SENDER.address(),
        target_mac: [0; 6],
        target_address: TARGET.address(),
    };
    edit(&mut ethernet, &mut arp);
    frame(&[ethernet.as_bytes(), arp.as_bytes()])
}
