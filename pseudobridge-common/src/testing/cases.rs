//! The table of cases: every branch of the decision, by name.

use std::{vec, vec::Vec};

use zerocopy::IntoBytes;

use super::{MemoryFrame, MemoryTables, TestPod};
use crate::{
    abi::{PodV4, Port, Reason},
    datapath::{Decision, Verdict},
    wire::{
        Ipv4Address,
        arp::{self, ArpPacket},
        checksum, ethernet,
        ethernet::{ETHER_TYPE_ARP, ETHER_TYPE_IPV4, EthernetAddresses, EthernetHeader},
        ipv4::{self, Hop, Ipv4Header},
    },
};

const GATEWAY: Ipv4Address = [172, 30, 30, 1];
const SENDER: TestPod = TestPod::SENDER;
const TARGET: TestPod = TestPod::TARGET;

/// A frame from [`TestPod::SENDER`] and what must become of it.
pub struct Case {
    /// What is special about it.
    pub name: &'static str,
    /// The frame.
    pub frame: MemoryFrame,
    /// The decision.
    pub decision: Decision,
}

/// The tables that the cases are decided over: four pods of 172.30.30.0/24.
#[must_use]
pub fn tables() -> MemoryTables {
    let mut tables = MemoryTables::default();
    for pod in [SENDER, TARGET, TestPod::NARROW, TestPod::GONE] {
        tables.ports.insert(
            pod.ifindex(),
            Port {
                pod_mac: pod.pod_mac(),
                host_mac: pod.host_mac(),
                address: pod.address(),
                gateway: GATEWAY,
                subnet: [172, 30, 30, 0],
                mask: [255, 255, 255, 0],
            },
        );
        tables.pods_v4.insert(
            pod.address(),
            PodV4 {
                ifindex: pod.ifindex(),
                mtu: pod.mtu(),
                pod_mac: pod.pod_mac(),
                host_mac: pod.host_mac(),
            },
        );
        if pod != TestPod::GONE {
            tables.targets.insert(pod.ifindex());
        }
    }
    tables
}

/// All cases.
#[must_use]
pub fn all() -> Vec<Case> {
    let mut cases = frames();
    cases.extend(arp_packets());
    cases.extend(arp_spoofed());
    cases.extend(ipv4_packets());
    cases.extend(ipv4_destinations());
    cases
}

fn frames() -> Vec<Case> {
    let mut tagged = ipv4(|_, _| {});
    tagged.vlan_tagged = true;
    let mut ipv6 = ipv4(|ethernet, _| ethernet.ether_type = 0x86dd.into());
    ipv6.bytes.extend([0; 40]);
    vec![
        punt("empty", cut(arp(|_, _| {}), 0), Reason::FrameTooShort),
        punt(
            "short-ethernet",
            cut(arp(|_, _| {}), 13),
            Reason::FrameTooShort,
        ),
        punt("vlan-beside", tagged, Reason::VlanTagged),
        punt(
            "vlan-in-bytes",
            ipv4(|ethernet, _| ethernet.ether_type = 0x8100.into()),
            Reason::VlanTagged,
        ),
        punt(
            "service-vlan-in-bytes",
            ipv4(|ethernet, _| ethernet.ether_type = 0x88a8.into()),
            Reason::VlanTagged,
        ),
        punt("ipv6", ipv6, Reason::OtherProtocol),
        drop(
            "spoofed-ethernet-source",
            ipv4(|ethernet, _| ethernet.addresses.source[5] ^= 1),
            Reason::SpoofedEthernetSource,
        ),
        drop(
            "spoofed-ethernet-source-arp",
            arp(|ethernet, _| ethernet.addresses.source = TARGET.pod_mac()),
            Reason::SpoofedEthernetSource,
        ),
    ]
}

fn arp_packets() -> Vec<Case> {
    let to = |target: Ipv4Address| arp(move |_, arp| arp.target_address = target);
    let probe = |target: Ipv4Address| {
        arp(move |_, arp| {
            arp.sender_address = arp::PROBE_SENDER;
            arp.target_address = target;
        })
    };
    let malformed = |name, edit: fn(&mut ArpPacket)| {
        punt(name, arp(move |_, arp| edit(arp)), Reason::ArpMalformed)
    };
    vec![
        reply("arp-pod", to(TARGET.address()), Reason::ArpReplyPod),
        reply("arp-gateway", to(GATEWAY), Reason::ArpReplyGateway),
        reply(
            "arp-probe-pod",
            probe(TARGET.address()),
            Reason::ArpReplyPod,
        ),
        reply("arp-probe-gateway", probe(GATEWAY), Reason::ArpReplyGateway),
        reply(
            "arp-unicast",
            arp(|ethernet, _| ethernet.addresses.destination = SENDER.host_mac()),
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
        punt(
            "arp-off-subnet",
            to([172, 30, 31, 12]),
            Reason::ArpOffSubnet,
        ),
        punt(
            "arp-short",
            cut(to(TARGET.address()), 41),
            Reason::ArpTooShort,
        ),
        malformed("arp-hardware-type", |arp| arp.hardware_type = 6.into()),
        malformed("arp-protocol-type", |arp| arp.protocol_type = 0x86dd.into()),
        malformed("arp-hardware-length", |arp| arp.hardware_len = 8),
        malformed("arp-protocol-length", |arp| arp.protocol_len = 16),
        punt(
            "arp-reply",
            arp(|_, arp| arp.operation = 2.into()),
            Reason::ArpNotRequest,
        ),
        punt(
            "arp-reverse",
            arp(|_, arp| arp.operation = 3.into()),
            Reason::ArpNotRequest,
        ),
        punt(
            "arp-operation-0",
            arp(|_, arp| arp.operation = 0.into()),
            Reason::ArpNotRequest,
        ),
        punt(
            "arp-to-other-station",
            arp(|ethernet, _| ethernet.addresses.destination = TARGET.host_mac()),
            Reason::OtherDestination,
        ),
    ]
}

fn arp_spoofed() -> Vec<Case> {
    vec![
        drop(
            "arp-spoofed-mac",
            arp(|_, arp| arp.sender_mac = TARGET.pod_mac()),
            Reason::SpoofedArpMac,
        ),
        drop(
            "arp-spoofed-address",
            arp(|_, arp| arp.sender_address = TARGET.address()),
            Reason::SpoofedArpAddress,
        ),
        drop(
            "arp-spoofed-announcement",
            arp(|_, arp| {
                arp.sender_address = TARGET.address();
                arp.target_address = TARGET.address();
            }),
            Reason::SpoofedArpAddress,
        ),
        drop(
            "arp-spoofed-reply",
            arp(|_, arp| {
                arp.operation = 2.into();
                arp.sender_address = GATEWAY;
            }),
            Reason::SpoofedArpAddress,
        ),
    ]
}

fn ipv4_packets() -> Vec<Case> {
    let length = |len: u16| ipv4(move |_, ip| ip.total_len = len.into());
    let with_ttl = |ttl: u8| ipv4(move |_, ip| ip.hop.ttl = ttl);
    let version_ihl = |value: u8| ipv4(move |_, ip| ip.version_ihl = value);
    let gso = |mut frame: MemoryFrame| {
        frame.gso_size = 1448;
        frame
    };
    let mut too_big = gso(ipv4(|_, _| {}));
    too_big.segments_too_big = true;
    let mut bad_checksum = ipv4(|_, _| {});
    bad_checksum.bytes[ipv4::HOP_OFFSET + 2] ^= 1;
    let mut padded = ipv4(|_, _| {});
    padded.bytes.extend([0; 6]);
    vec![
        forward("ipv4", ipv4(|_, _| {}), TARGET),
        forward("ipv4-padded", padded, TARGET),
        forward("ipv4-ttl-2", with_ttl(2), TARGET),
        forward("ipv4-ttl-255", with_ttl(255), TARGET),
        forward(
            "ipv4-dont-fragment",
            ipv4(|_, ip| ip.fragment = 0x4000.into()),
            TARGET,
        ),
        forward(
            "ipv4-first-fragment",
            ipv4(|_, ip| ip.fragment = 0x2000.into()),
            TARGET,
        ),
        forward(
            "ipv4-last-fragment",
            ipv4(|_, ip| ip.fragment = 0x00b9.into()),
            TARGET,
        ),
        forward(
            "ipv4-traffic-class",
            ipv4(|_, ip| ip.traffic_class = 0xb8),
            TARGET,
        ),
        forward("ipv4-header-only", cut(length(20), 34), TARGET),
        forward("ipv4-gso", gso(ipv4(|_, _| {})), TARGET),
        forward("ipv4-big-tcp", gso(length(0)), TARGET),
        punt("ipv4-gso-too-big", too_big, Reason::Ipv4TooBig),
        punt("ipv4-short", cut(ipv4(|_, _| {}), 33), Reason::Ipv4TooShort),
        punt("ipv4-version-6", version_ihl(0x65), Reason::Ipv4Malformed),
        punt("ipv4-version-0", version_ihl(0x05), Reason::Ipv4Malformed),
        punt(
            "ipv4-header-length-4",
            version_ihl(0x44),
            Reason::Ipv4Malformed,
        ),
        punt(
            "ipv4-header-length-0",
            version_ihl(0x40),
            Reason::Ipv4Malformed,
        ),
        punt("ipv4-options", version_ihl(0x46), Reason::Ipv4Options),
        punt(
            "ipv4-options-beyond-frame",
            version_ihl(0x4f),
            Reason::Ipv4Options,
        ),
        punt("ipv4-length-0", length(0), Reason::Ipv4BadLength),
        punt(
            "ipv4-length-below-header",
            length(19),
            Reason::Ipv4BadLength,
        ),
        punt(
            "ipv4-length-beyond-frame",
            length(29),
            Reason::Ipv4BadLength,
        ),
        punt("ipv4-bad-checksum", bad_checksum, Reason::Ipv4BadChecksum),
        punt("ipv4-ttl-1", with_ttl(1), Reason::Ipv4TtlExpired),
        punt("ipv4-ttl-0", with_ttl(0), Reason::Ipv4TtlExpired),
        drop(
            "ipv4-spoofed-source",
            ipv4(|_, ip| ip.source = TARGET.address()),
            Reason::SpoofedIpv4Source,
        ),
        drop(
            "ipv4-unspecified-source",
            ipv4(|_, ip| ip.source = [0; 4]),
            Reason::SpoofedIpv4Source,
        ),
        punt(
            "ipv4-to-other-station",
            ipv4(|ethernet, _| ethernet.addresses.destination = TARGET.host_mac()),
            Reason::OtherDestination,
        ),
        punt(
            "ipv4-to-all-stations",
            ipv4(|ethernet, _| ethernet.addresses.destination = ethernet::BROADCAST),
            Reason::OtherDestination,
        ),
    ]
}

fn ipv4_destinations() -> Vec<Case> {
    let to = |destination: Ipv4Address| ipv4(move |_, ip| ip.destination = destination);
    let sized = |pod: TestPod, len: u16| {
        let mut frame = ipv4(move |_, ip| {
            ip.destination = pod.address();
            ip.total_len = len.into();
        });
        frame.bytes.resize(usize::from(len) + ipv4::OFFSET, 0);
        frame
    };
    let dhcp_discover = ipv4(|_, ip| {
        ip.source = [0; 4];
        ip.destination = ipv4::BROADCAST;
    });
    vec![
        forward("ipv4-at-mtu", sized(TARGET, 1500), TARGET),
        forward(
            "ipv4-at-narrow-mtu",
            sized(TestPod::NARROW, 1400),
            TestPod::NARROW,
        ),
        punt("ipv4-over-mtu", sized(TARGET, 1501), Reason::Ipv4TooBig),
        punt(
            "ipv4-over-narrow-mtu",
            sized(TestPod::NARROW, 1401),
            Reason::Ipv4TooBig,
        ),
        punt("ipv4-to-gateway", to(GATEWAY), Reason::Ipv4ToGateway),
        punt("ipv4-to-self", to(SENDER.address()), Reason::Ipv4OwnAddress),
        punt(
            "ipv4-to-unknown-pod",
            to([172, 30, 30, 99]),
            Reason::Ipv4UnknownPod,
        ),
        punt(
            "ipv4-to-subnet-broadcast",
            to([172, 30, 30, 255]),
            Reason::Ipv4Broadcast,
        ),
        punt(
            "ipv4-to-broadcast",
            to(ipv4::BROADCAST),
            Reason::Ipv4Broadcast,
        ),
        punt("ipv4-dhcp-discover", dhcp_discover, Reason::Ipv4Broadcast),
        punt(
            "ipv4-to-multicast",
            to([224, 0, 0, 251]),
            Reason::Ipv4Multicast,
        ),
        punt("ipv4-off-subnet", to([192, 0, 2, 1]), Reason::Ipv4OffSubnet),
        punt(
            "ipv4-to-gone",
            to(TestPod::GONE.address()),
            Reason::TargetGone,
        ),
    ]
}

/// A request by the sender for the target, edited.
fn arp(edit: impl FnOnce(&mut EthernetHeader, &mut ArpPacket)) -> MemoryFrame {
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

/// Eight bytes of payload from the sender to the target, edited; the checksum is made right after.
fn ipv4(edit: impl FnOnce(&mut EthernetHeader, &mut Ipv4Header)) -> MemoryFrame {
    let mut ethernet = EthernetHeader {
        addresses: EthernetAddresses {
            destination: SENDER.host_mac(),
            source: SENDER.pod_mac(),
        },
        ether_type: ETHER_TYPE_IPV4.into(),
    };
    let mut header = Ipv4Header {
        version_ihl: ipv4::VERSION_4_NO_OPTIONS,
        traffic_class: 0,
        total_len: 28.into(),
        identification: 0x1c46.into(),
        fragment: 0.into(),
        hop: Hop {
            ttl: 64,
            protocol: 17,
            checksum: 0.into(),
        },
        source: SENDER.address(),
        destination: TARGET.address(),
    };
    edit(&mut ethernet, &mut header);
    header.hop.checksum = (!u16::from_be(checksum::sum(zerocopy::transmute!(header)))).into();
    frame(&[ethernet.as_bytes(), header.as_bytes(), b"payload!"])
}

fn frame(parts: &[&[u8]]) -> MemoryFrame {
    MemoryFrame {
        bytes: parts.concat(),
        ..MemoryFrame::default()
    }
}

fn cut(mut frame: MemoryFrame, len: usize) -> MemoryFrame {
    frame.bytes.truncate(len);
    frame
}

fn case(name: &'static str, frame: MemoryFrame, verdict: Verdict, reason: Reason) -> Case {
    Case {
        name,
        frame,
        decision: Decision { verdict, reason },
    }
}

fn punt(name: &'static str, frame: MemoryFrame, reason: Reason) -> Case {
    case(name, frame, Verdict::Punt, reason)
}

fn drop(name: &'static str, frame: MemoryFrame, reason: Reason) -> Case {
    case(name, frame, Verdict::Drop, reason)
}

fn reply(name: &'static str, frame: MemoryFrame, reason: Reason) -> Case {
    case(name, frame, Verdict::Reply, reason)
}

fn forward(name: &'static str, frame: MemoryFrame, pod: TestPod) -> Case {
    let ifindex = pod.ifindex();
    case(
        name,
        frame,
        Verdict::Redirect { ifindex },
        Reason::Ipv4Forward,
    )
}
