//! IPv6 from a pod.

use pseudobridge_common::{
    abi::{GATEWAY6, Reason},
    wire::{
        Ipv6Address,
        ethernet::{ETHER_TYPE_IPV6, EthernetAddresses, EthernetHeader},
        ipv6::{self, Ipv6Header},
    },
};
use zerocopy::IntoBytes as _;

use super::{
    Case, FOREIGN, FRIEND, Origin, REMOTE, SENDER, TARGET, UNRESOLVED, UPLINK, cut, drop, forward,
    frame, punt, transmit,
};
use crate::{MemoryFrame, TestPod};

pub(super) fn packets() -> Vec<Case> {
    let length = |len: u16| packet(move |_, ip| ip.payload_len = len.into());
    let with_hops = |hops: u8| packet(move |_, ip| ip.hop_limit = hops);
    let next = |next: u8| packet(move |_, ip| ip.next_header = next);
    let version = |word: u32| packet(move |_, ip| ip.version_class_flow = word.into());
    let gso = |mut frame: MemoryFrame| {
        frame.gso_size = 1428;
        frame
    };
    let mut padded = packet(|_, _| {});
    padded.bytes.extend([0; 6]);
    let mut too_big = gso(packet(|_, _| {}));
    too_big.too_big_for.insert(TARGET.ifindex());
    let mut big_tcp = gso(packet(|_, ip| {
        ip.payload_len = 0.into();
        ip.next_header = ipv6::NEXT_HOP_BY_HOP;
    }));
    big_tcp.bytes[ipv6::PAYLOAD_OFFSET..][..8].copy_from_slice(&[6, 0, 0xc2, 4, 0, 2, 0, 0]);
    let mut other_options = big_tcp.clone();
    other_options.bytes[ipv6::PAYLOAD_OFFSET + 2] = 5;
    let mut jumbo = big_tcp.clone();
    jumbo.gso_size = 0;
    vec![
        forward("ipv6", packet(|_, _| {}), TARGET),
        forward("ipv6-padded", padded, TARGET),
        forward("ipv6-hops-2", with_hops(2), TARGET),
        forward("ipv6-hops-255", with_hops(255), TARGET),
        forward("ipv6-class-and-flow", version(0x6fff_ffff), TARGET),
        forward("ipv6-header-only", cut(length(0), 54), TARGET),
        forward("ipv6-fragment", next(ipv6::NEXT_FRAGMENT), TARGET),
        forward("ipv6-routing-header", next(43), TARGET),
        forward("ipv6-destination-options", next(60), TARGET),
        forward("ipv6-gso", gso(packet(|_, _| {})), TARGET),
        forward("ipv6-big-tcp", big_tcp, TARGET),
        forward("ipv6-big-tcp-without-options", gso(length(0)), TARGET),
        punt("ipv6-gso-too-big", too_big, Reason::Ipv6TooBig),
        punt("ipv6-gso-other-options", other_options, Reason::Ipv6Options),
        punt("ipv6-jumbo", jumbo, Reason::Ipv6Options),
        punt(
            "ipv6-short",
            cut(packet(|_, _| {}), 53),
            Reason::Ipv6TooShort,
        ),
        punt(
            "ipv6-version-4",
            version(0x4000_0000),
            Reason::Ipv6Malformed,
        ),
        punt(
            "ipv6-hop-by-hop",
            next(ipv6::NEXT_HOP_BY_HOP),
            Reason::Ipv6Options,
        ),
        punt("ipv6-length-beyond-frame", length(9), Reason::Ipv6BadLength),
        punt("ipv6-hops-1", with_hops(1), Reason::Ipv6HopLimitExpired),
        punt("ipv6-hops-0", with_hops(0), Reason::Ipv6HopLimitExpired),
        punt(
            "ipv6-to-other-station",
            packet(|ethernet, _| ethernet.addresses.destination = TARGET.host_mac()),
            Reason::OtherDestination,
        ),
    ]
}

pub(super) fn destinations() -> Vec<Case> {
    let to = |destination: Ipv6Address| packet(move |_, ip| ip.destination = destination);
    let sized = |pod: TestPod, len: u16| {
        let mut frame = packet(move |_, ip| {
            ip.destination = pod.address6();
            ip.payload_len = (len - 40).into();
        });
        frame.bytes.resize(usize::from(len) + ipv6::OFFSET, 0);
        frame
    };
    let to_group = |source: Ipv6Address| {
        packet(move |ethernet, ip| {
            ethernet.addresses.destination = [0x33, 0x33, 0, 0, 0, 0x16];
            ip.source = source;
            ip.destination = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16];
            ip.hop_limit = 1;
        })
    };
    let from = |name, source: Ipv6Address| {
        let frame = packet(move |_, ip| ip.source = source);
        drop(name, frame, Reason::SpoofedIpv6Source)
    };
    let nobody = [0xfd, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 99];
    let outside = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let link_local = SENDER.link_local();
    vec![
        forward("ipv6-at-mtu", sized(TARGET, 1500), TARGET),
        forward(
            "ipv6-at-narrow-mtu",
            sized(TestPod::NARROW, 1400),
            TestPod::NARROW,
        ),
        punt("ipv6-over-mtu", sized(TARGET, 1501), Reason::Ipv6TooBig),
        punt(
            "ipv6-over-narrow-mtu",
            sized(TestPod::NARROW, 1401),
            Reason::Ipv6TooBig,
        ),
        punt(
            "ipv6-to-self",
            to(SENDER.address6()),
            Reason::Ipv6OwnAddress,
        ),
        punt("ipv6-to-unknown-pod", to(nobody), Reason::Ipv6UnknownPod),
        punt("ipv6-off-subnet", to(outside), Reason::Ipv6OffSubnet),
        punt(
            "ipv6-to-gone",
            to(TestPod::GONE.address6()),
            Reason::TargetGone,
        ),
        punt("ipv6-to-gateway", to(GATEWAY6), Reason::Ipv6LinkLocal),
        punt(
            "ipv6-link-local-to-pod",
            packet(move |_, ip| ip.source = link_local),
            Reason::Ipv6LinkLocal,
        ),
        punt(
            "ipv6-to-group",
            to_group(SENDER.address6()),
            Reason::Ipv6Multicast,
        ),
        punt(
            "ipv6-link-local-to-group",
            to_group(link_local),
            Reason::Ipv6Multicast,
        ),
        punt(
            "ipv6-nobody-to-group",
            to_group([0; 16]),
            Reason::Ipv6Multicast,
        ),
        from("ipv6-spoofed-source", TARGET.address6()),
        from("ipv6-spoofed-gateway", GATEWAY6),
        from("ipv6-spoofed-outside", outside),
        from("ipv6-unspecified-to-pod", [0; 16]),
        from("ipv6-loopback-source", {
            let mut loopback = [0; 16];
            loopback[15] = 1;
            loopback
        }),
        from("ipv6-group-as-source", ipv6::ALL_NODES),
    ]
}

/// Between networks, and off the node.
pub(super) fn networks() -> Vec<Case> {
    let to = |destination: Ipv6Address| packet(move |_, ip| ip.destination = destination);
    let isolated = |name, edit: fn(&mut EthernetHeader, &mut Ipv6Header)| {
        let frame = packet(|ethernet, ip| {
            ip.destination = FOREIGN.address6();
            edit(ethernet, ip);
        });
        drop(name, frame, Reason::Isolated)
    };
    let remote = TestPod(REMOTE).address6();
    let mut too_big = to(remote);
    too_big.gso_size = 1428;
    too_big.too_big_for.insert(UPLINK);
    let from_friend = |destination: Ipv6Address| {
        packet(move |ethernet, ip| {
            ethernet.addresses.source = FRIEND.pod_mac();
            ethernet.addresses.destination = FRIEND.host_mac();
            ip.source = FRIEND.address6();
            ip.destination = destination;
        })
    };
    let mut nobody = FRIEND.address6();
    nobody[15] = 99;
    vec![
        isolated("ipv6-isolated", |_, _| {}),
        isolated("ipv6-isolated-nobody", |_, ip| ip.destination[15] = 99),
        isolated("ipv6-isolated-options", |_, ip| ip.next_header = 0),
        isolated("ipv6-isolated-link-local", |_, ip| {
            ip.source = SENDER.link_local();
        }),
        isolated("ipv6-isolated-other-station", |ethernet, _| {
            ethernet.addresses.destination = TARGET.host_mac();
        }),
        forward("ipv6-to-friend", to(FRIEND.address6()), FRIEND),
        forward("ipv6-from-friend", from_friend(TARGET.address6()), TARGET)
            .from(Origin::Pod(FRIEND)),
        drop(
            "ipv6-unknown-dropped",
            from_friend(nobody),
            Reason::Ipv6UnknownDropped,
        )
        .from(Origin::Pod(FRIEND)),
        transmit("ipv6-to-remote", to(remote), Reason::Ipv6ToUplink),
        punt(
            "ipv6-to-unresolved",
            to(TestPod(UNRESOLVED).address6()),
            Reason::Ipv6NoNeighbour,
        ),
        punt(
            "ipv6-to-remote-last-hop",
            packet(|_, ip| {
                ip.destination = TestPod(REMOTE).address6();
                ip.hop_limit = 1;
            }),
            Reason::Ipv6HopLimitExpired,
        ),
        punt("ipv6-gso-too-big-for-uplink", too_big, Reason::Ipv6TooBig),
    ]
}

/// Eight bytes of payload from the sender to the target, edited.
pub fn packet(edit: impl FnOnce(&mut EthernetHeader, &mut Ipv6Header)) -> MemoryFrame {
    let (ethernet, header) = headers(edit);
    frame(&[ethernet.as_bytes(), header.as_bytes(), b"payload!"])
}

/// The headers of a UDP packet from the sender to the target, edited.
pub(super) fn headers(
    edit: impl FnOnce(&mut EthernetHeader, &mut Ipv6Header),
) -> (EthernetHeader, Ipv6Header) {
    let mut ethernet = EthernetHeader {
        addresses: EthernetAddresses {
            destination: SENDER.host_mac(),
            source: SENDER.pod_mac(),
        },
        ether_type: ETHER_TYPE_IPV6.into(),
    };
    let mut header = Ipv6Header {
        version_class_flow: 0x6000_0000.into(),
        payload_len: 8.into(),
        next_header: 17,
        hop_limit: 64,
        source: SENDER.address6(),
        destination: TARGET.address6(),
    };
    edit(&mut ethernet, &mut header);
    (ethernet, header)
}
