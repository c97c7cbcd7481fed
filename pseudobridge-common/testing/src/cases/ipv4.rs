//! IPv4 from a pod.

use pseudobridge_common::{
    abi::Reason,
    datapath::Frame as _,
    wire::{
        Ipv4Address, checksum,
        ethernet::{self, ETHER_TYPE_IPV4, EthernetAddresses, EthernetHeader},
        ipv4::{self, Hop, Ipv4Header},
    },
};
use zerocopy::IntoBytes as _;

use super::{
    Case, FOREIGN, FRIEND, GATEWAY, Origin, REMOTE, SENDER, TARGET, UNRESOLVED, UPLINK, cut, drop,
    forward, frame, punt, transmit,
};
use crate::{MemoryFrame, TestPod};

pub(super) fn packets() -> Vec<Case> {
    let length = |len: u16| packet(move |_, ip| ip.total_len = len.into());
    let with_ttl = |ttl: u8| packet(move |_, ip| ip.hop.ttl = ttl);
    let version_ihl = |value: u8| packet(move |_, ip| ip.version_ihl = value);
    let mut bad_checksum = packet(|_, _| {});
    bad_checksum.bytes[ipv4::HOP_OFFSET + 2] ^= 1;
    let mut padded = packet(|_, _| {});
    padded.bytes.extend([0; 6]);
    vec![
        forward("ipv4", packet(|_, _| {}), TARGET),
        forward("ipv4-padded", padded, TARGET),
        forward("ipv4-ttl-2", with_ttl(2), TARGET),
        forward("ipv4-ttl-255", with_ttl(255), TARGET),
        forward(
            "ipv4-dont-fragment",
            packet(|_, ip| ip.fragment = 0x4000.into()),
            TARGET,
        ),
        forward(
            "ipv4-first-fragment",
            packet(|_, ip| ip.fragment = 0x2000.into()),
            TARGET,
        ),
        forward(
            "ipv4-last-fragment",
            packet(|_, ip| ip.fragment = 0x00b9.into()),
            TARGET,
        ),
        forward(
            "ipv4-traffic-class",
            packet(|_, ip| ip.traffic_class = 0xb8),
            TARGET,
        ),
        forward("ipv4-header-only", cut(length(20), 34), TARGET),
        punt(
            "ipv4-short",
            cut(packet(|_, _| {}), 33),
            Reason::Ipv4TooShort,
        ),
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
        punt(
            "ipv4-to-other-station",
            packet(|ethernet, _| ethernet.addresses.destination = TARGET.host_mac()),
            Reason::OtherDestination,
        ),
        punt(
            "ipv4-to-all-stations",
            packet(|ethernet, _| ethernet.addresses.destination = ethernet::BROADCAST),
            Reason::OtherDestination,
        ),
    ]
}

/// Packets that stand for several segments.
pub(super) fn segments() -> Vec<Case> {
    let gso = |mut frame: MemoryFrame| {
        frame.gso_size = 1448;
        frame
    };
    let length = |len: u16| gso(packet(move |_, ip| ip.total_len = len.into()));
    let mut too_big = gso(packet(|_, _| {}));
    too_big.too_big_for.insert(TARGET.ifindex());
    let mut too_big_elsewhere = gso(packet(|_, _| {}));
    too_big_elsewhere.too_big_for = [0, SENDER.ifindex(), TestPod::NARROW.ifindex()].into();
    vec![
        forward("ipv4-gso", gso(packet(|_, _| {})), TARGET),
        forward("ipv4-big-tcp", length(0), TARGET),
        forward("ipv4-gso-too-big-elsewhere", too_big_elsewhere, TARGET),
        punt("ipv4-gso-too-big", too_big, Reason::Ipv4TooBig),
        punt(
            "ipv4-gso-length-beyond-frame",
            length(29),
            Reason::Ipv4BadLength,
        ),
        punt(
            "ipv4-gso-length-below-header",
            length(19),
            Reason::Ipv4BadLength,
        ),
    ]
}

pub(super) fn spoofed() -> Vec<Case> {
    let from = |name, source: Ipv4Address, destination: Ipv4Address| {
        let frame = packet(move |_, ip| {
            ip.source = source;
            ip.destination = destination;
        });
        drop(name, frame, Reason::SpoofedIpv4Source)
    };
    let (anybody, target) = ([0; 4], TARGET.address());
    vec![
        from("ipv4-spoofed-source", target, target),
        from("ipv4-spoofed-network", [172, 30, 31, 11], target),
        from("ipv4-spoofed-to-broadcast", target, ipv4::BROADCAST),
        from("ipv4-spoofed-off-subnet", target, [192, 0, 2, 1]),
        from("ipv4-unspecified-source", anybody, target),
        from("ipv4-unspecified-to-class-e", anybody, [255, 255, 255, 254]),
    ]
}

pub(super) fn destinations() -> Vec<Case> {
    let to = |destination: Ipv4Address| packet(move |_, ip| ip.destination = destination);
    let sized = |pod: TestPod, len: u16| {
        let mut frame = packet(move |_, ip| {
            ip.destination = pod.address();
            ip.total_len = len.into();
        });
        frame.bytes.resize(usize::from(len) + ipv4::OFFSET, 0);
        frame
    };
    let dhcp_discover = packet(|_, ip| {
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

/// Between networks, and off the node.
pub(super) fn networks() -> Vec<Case> {
    let to = |destination: Ipv4Address| packet(move |_, ip| ip.destination = destination);
    let isolated = |name, edit: fn(&mut EthernetHeader, &mut Ipv4Header)| {
        let frame = packet(|ethernet, ip| {
            ip.destination = FOREIGN.address();
            edit(ethernet, ip);
        });
        drop(name, frame, Reason::Isolated)
    };
    let remote = TestPod(REMOTE).address();
    let gso = |mut frame: MemoryFrame| {
        frame.gso_size = 1448;
        frame
    };
    let mut too_big = gso(to(remote));
    too_big.too_big_for.insert(UPLINK);
    let from_friend = |destination: Ipv4Address| {
        packet(move |ethernet, ip| {
            ethernet.addresses.source = FRIEND.pod_mac();
            ethernet.addresses.destination = FRIEND.host_mac();
            ip.source = FRIEND.address();
            ip.destination = destination;
        })
    };
    vec![
        isolated("ipv4-isolated", |_, _| {}),
        isolated("ipv4-isolated-nobody", |_, ip| ip.destination[3] = 99),
        isolated("ipv4-isolated-gateway", |_, ip| {
            ip.destination = FOREIGN.gateway();
        }),
        isolated("ipv4-isolated-options", |_, ip| ip.version_ihl = 0x46),
        isolated("ipv4-isolated-bad-length", |_, ip| ip.total_len = 9.into()),
        isolated("ipv4-isolated-last-hop", |_, ip| ip.hop.ttl = 1),
        isolated("ipv4-isolated-other-station", |ethernet, _| {
            ethernet.addresses.destination = TARGET.host_mac();
        }),
        forward("ipv4-to-friend", to(FRIEND.address()), FRIEND),
        forward("ipv4-from-friend", from_friend(TARGET.address()), TARGET)
            .from(Origin::Pod(FRIEND)),
        punt(
            "ipv4-to-gateway-of-friend",
            to(FRIEND.gateway()),
            Reason::Ipv4UnknownPod,
        ),
        drop(
            "ipv4-unknown-dropped",
            from_friend([172, 30, 32, 99]),
            Reason::Ipv4UnknownDropped,
        )
        .from(Origin::Pod(FRIEND)),
        punt(
            "ipv4-gateway-not-dropped",
            from_friend(FRIEND.gateway()),
            Reason::Ipv4ToGateway,
        )
        .from(Origin::Pod(FRIEND)),
        transmit("ipv4-to-remote", to(remote), Reason::Ipv4ToUplink),
        transmit(
            "ipv4-to-remote-from-friend",
            from_friend(remote),
            Reason::Ipv4ToUplink,
        )
        .from(Origin::Pod(FRIEND)),
        punt(
            "ipv4-to-unresolved",
            to(TestPod(UNRESOLVED).address()),
            Reason::Ipv4NoNeighbour,
        ),
        punt(
            "ipv4-to-remote-last-hop",
            packet(|_, ip| {
                ip.destination = TestPod(REMOTE).address();
                ip.hop.ttl = 1;
            }),
            Reason::Ipv4TtlExpired,
        ),
        punt("ipv4-gso-too-big-for-uplink", too_big, Reason::Ipv4TooBig),
    ]
}

/// Eight bytes of payload from the sender to the target, edited; the checksum is made right after.
pub fn packet(edit: impl FnOnce(&mut EthernetHeader, &mut Ipv4Header)) -> MemoryFrame {
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
    let mut frame = frame(&[ethernet.as_bytes(), header.as_bytes(), b"payload!"]);
    fix_checksum(&mut frame);
    frame
}

/// Makes the checksum of the IPv4 header right, taken as one without options; does nothing to a
/// frame that is shorter.
pub fn fix_checksum(frame: &mut MemoryFrame) {
    let Some(header) = frame.header_mut::<Ipv4Header>(ipv4::OFFSET) else {
        return;
    };
    header.hop.checksum = 0.into();
    let bytes: [u8; ipv4::HEADER_LEN] = zerocopy::transmute!(*header);
    header.hop.checksum = (!u16::from_be(checksum::fold(checksum::words(&bytes)))).into();
}
