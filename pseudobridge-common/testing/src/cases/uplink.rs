//! Frames that come in by the uplink.

use pseudobridge_common::{
    abi::Reason,
    wire::{Ipv4Address, Ipv6Address, ethernet::EthernetHeader},
};

use super::{
    Case, FOREIGN, FRIEND, Origin, REMOTE, REMOTE_MAC, SENDER, TARGET, UPLINK_MAC, arp, cut, drop,
    forward, ipv4, ipv6, punt, vlan::beside,
};
use crate::{MemoryFrame, TestPod};

fn in_by_uplink(ethernet: &mut EthernetHeader) {
    ethernet.addresses.source = REMOTE_MAC;
    ethernet.addresses.destination = UPLINK_MAC;
}

fn v4(source: Ipv4Address, destination: Ipv4Address) -> MemoryFrame {
    ipv4::packet(|ethernet, ip| {
        in_by_uplink(ethernet);
        (ip.source, ip.destination) = (source, destination);
    })
}

fn v6(source: Ipv6Address, destination: Ipv6Address) -> MemoryFrame {
    ipv6::packet(|ethernet, ip| {
        in_by_uplink(ethernet);
        (ip.source, ip.destination) = (source, destination);
    })
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn packets() -> Vec<Case> {
    let remote = TestPod(REMOTE);
    let (from, from6) = (remote.address(), remote.address6());
    let mut to_other = v4(from, TARGET.address());
    to_other.to_other_host = true;
    let last_hop = ipv4::packet(|ethernet, ip| {
        in_by_uplink(ethernet);
        (ip.source, ip.destination) = (from, TARGET.address());
        ip.hop.ttl = 1;
    });
    let options = ipv4::packet(|ethernet, ip| {
        in_by_uplink(ethernet);
        (ip.source, ip.destination) = (from, TARGET.address());
        ip.version_ihl = 0x46;
    });
    let isolated_options = ipv4::packet(|ethernet, ip| {
        in_by_uplink(ethernet);
        (ip.source, ip.destination) = ([172, 30, 31, 200], TARGET.address());
        ip.version_ihl = 0x46;
    });
    let hop_by_hop = ipv6::packet(|ethernet, ip| {
        in_by_uplink(ethernet);
        (ip.source, ip.destination) = (from6, TARGET.address6());
        ip.next_header = 0;
    });
    let outside = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let cases = vec![
        forward("uplink-ipv4", v4(from, TARGET.address()), TARGET),
        forward("uplink-ipv6", v6(from6, TARGET.address6()), TARGET),
        drop(
            "uplink-ipv4-local",
            v4(SENDER.address(), TARGET.address()),
            Reason::SpoofedUplinkSource,
        ),
        drop(
            "uplink-ipv4-itself",
            v4(TARGET.address(), TARGET.address()),
            Reason::SpoofedUplinkSource,
        ),
        drop(
            "uplink-ipv4-gateway",
            v4(TARGET.gateway(), TARGET.address()),
            Reason::SpoofedUplinkSource,
        ),
        drop(
            "uplink-ipv4-local-elsewhere",
            v4(FOREIGN.address(), TARGET.address()),
            Reason::SpoofedUplinkSource,
        ),
        drop(
            "uplink-ipv6-local",
            v6(SENDER.address6(), TARGET.address6()),
            Reason::SpoofedUplinkSource,
        ),
        drop(
            "uplink-ipv4-isolated",
            v4([172, 30, 31, 200], TARGET.address()),
            Reason::Isolated,
        ),
        drop(
            "uplink-ipv4-isolated-options",
            isolated_options,
            Reason::Isolated,
        ),
        drop(
            "uplink-ipv4-isolated-vlan",
            beside(v4([172, 30, 31, 200], TARGET.address())),
            Reason::Isolated,
        ),
        punt(
            "uplink-ipv4-network-without-uplink",
            v4([172, 30, 32, 200], FRIEND.address()),
            Reason::NotForPod,
        ),
        punt(
            "uplink-ipv4-outside",
            v4([192, 0, 2, 1], TARGET.address()),
            Reason::NotForPod,
        ),
        punt(
            "uplink-ipv6-outside",
            v6(outside, TARGET.address6()),
            Reason::NotForPod,
        ),
        punt(
            "uplink-ipv4-no-pod",
            v4(from, [172, 30, 30, 99]),
            Reason::NotForPod,
        ),
        punt("uplink-ipv6-no-pod", v6(from6, outside), Reason::NotForPod),
        punt("uplink-ipv4-other-station", to_other, Reason::NotForPod),
        punt(
            "uplink-vlan",
            beside(v4(from, TARGET.address())),
            Reason::VlanTagged,
        ),
        punt("uplink-ipv4-last-hop", last_hop, Reason::Ipv4TtlExpired),
        punt("uplink-ipv4-options", options, Reason::Ipv4Options),
        punt("uplink-ipv6-hop-by-hop", hop_by_hop, Reason::Ipv6Options),
        punt(
            "uplink-ipv4-to-gone",
            v4(from, TestPod::GONE.address()),
            Reason::TargetGone,
        ),
        punt(
            "uplink-arp",
            arp::request(|ethernet, _| in_by_uplink(ethernet)),
            Reason::NotForPod,
        ),
        punt(
            "uplink-ipv4-short",
            cut(v4(from, TARGET.address()), 33),
            Reason::NotForPod,
        ),
        punt(
            "uplink-short-ethernet",
            cut(v4(from, TARGET.address()), 13),
            Reason::FrameTooShort,
        ),
    ];
    cases
        .into_iter()
        .map(|case| case.from(Origin::Uplink))
        .collect()
}
