//! Frames that no test run can stand for, sent for real from a pod.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::net::UdpSocket;

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::UdpGsoSegment;
use pnet_datalink::{Channel, Config, interfaces};
use pseudobridge_common::wire::MacAddress;
use pseudobridge_testing::{MemoryFrame, arp_request, ipv4_packet};
use tests::lab::{Node, Pod, eventually};
use tests::pseudobridge::counters;

/// ns2's MTU is smaller than ns1's; ns1's lets a frame of more than a page pass.
const TOPOLOGY: &str = r#"
[[network]]
name = "default"
subnet = "172.30.30.0/24"
gateway = "172.30.30.1"

[[network.pod]]
name = "ns1"
address = "172.30.30.11"
mtu = 9000

[[network.pod]]
name = "ns2"
address = "172.30.30.12"
mtu = 1400

[[network.pod]]
name = "ns3"
address = "172.30.30.13"
mtu = 9000
"#;

/// 802.1Q tags. The kernel takes the outer one off and keeps it beside the frame.
const VLAN_5: [u8; 4] = [0x81, 0x00, 0x00, 0x05];
/// A priority tag: to the kernel, the frame is as if it had none.
const VLAN_0: [u8; 4] = [0x81, 0x00, 0x00, 0x00];

const NS1: [u8; 4] = [172, 30, 30, 11];
const NS2: [u8; 4] = [172, 30, 30, 12];
const NS3: [u8; 4] = [172, 30, 30, 13];

#[test]
fn a_short_ipv4_packet_is_the_kernels() {
    let wire = Wire::new();
    let mut frame = wire.ipv4(NS1, NS2);
    frame.truncate(33);
    assert_eq!(wire.send(&frame, "ipv4-too-short"), Seen::No);
}

#[test]
fn a_tagged_frame_is_the_kernels() {
    let wire = Wire::new();
    let frame = tagged(wire.ipv4(NS1, NS2), &[VLAN_5]);
    assert_eq!(wire.send(&frame, "vlan-tagged"), Seen::No);
    // The kernel takes it and forwards it.
    let frame = tagged(wire.ipv4(NS1, NS2), &[VLAN_0]);
    assert_eq!(wire.send(&frame, "vlan-tagged"), Seen::ByNs2);
    let frame = tagged(wire.arp(wire.mac, NS1), &[VLAN_0]);
    assert_eq!(wire.send(&frame, "vlan-tagged"), Seen::No);
}

#[test]
fn no_tag_gets_a_spoofed_frame_past_the_guard() {
    let wire = Wire::new();
    let elsewhere = [198, 51, 100, 1];
    // With a route that leads anywhere, loose reverse-path filtering lets any source pass: only the
    // program is left to stop it.
    wire.node
        .sh("echo 2 > /proc/sys/net/ipv4/conf/all/rp_filter && ip route add 198.51.100.0/24 dev lo")
        .ok();
    for tags in [&[VLAN_0][..], &[VLAN_5]] {
        let spoofed = [
            (wire.ipv4(elsewhere, NS2), "spoofed-ipv4-source"),
            (wire.ipv4(NS3, NS2), "spoofed-ipv4-source"),
            (wire.arp([2; 6], NS1), "spoofed-arp-mac"),
            (wire.arp(wire.mac, NS3), "spoofed-arp-address"),
        ];
        for (frame, reason) in spoofed {
            assert_eq!(wire.send(&tagged(frame, tags), reason), Seen::No);
        }
        let mut frame = tagged(wire.ipv4(NS1, NS2), tags);
        frame[11] ^= 1;
        assert_eq!(wire.send(&frame, "spoofed-ethernet-source"), Seen::No);
    }
    let stacked = tagged(wire.ipv4(elsewhere, NS2), &[VLAN_0, VLAN_0]);
    assert_eq!(wire.send(&stacked, "vlan-stacked"), Seen::No);
}

/// Of a frame of more than a page, a packet socket makes only the Ethernet header linear.
#[test]
fn headers_in_fragments_are_read() {
    let wire = Wire::new();
    let mut frames = [
        (wire.ipv4(NS1, NS3), "ipv4-forward"),
        (wire.ipv4(NS2, NS3), "spoofed-ipv4-source"),
        (wire.arp(wire.mac, NS1), "arp-reply-gateway"),
        (wire.arp(wire.mac, NS3), "spoofed-arp-address"),
    ];
    for (frame, reason) in &mut frames {
        frame.resize(6000, 0);
        wire.send(frame, reason);
    }
}

#[test]
fn segments_over_the_targets_mtu_are_the_kernels_and_others_pass() {
    let Wire { node, .. } = Wire::new();
    let (fits, too_big) = (1300, 1450);
    let before = counters(&node, "ns1", "ipv4-forward");
    send_segments(&node.pod("ns1"), fits);
    assert!(
        eventually(|| counters(&node, "ns1", "ipv4-forward") > before),
        "segments of {fits} bytes"
    );
    assert_eq!(counters(&node, "ns1", "ipv4-too-big"), 0);

    send_segments(&node.pod("ns1"), too_big);
    assert!(
        eventually(|| counters(&node, "ns1", "ipv4-too-big") > 0),
        "segments of {too_big} bytes"
    );
}

/// A node with its pods, and what frames from ns1 need.
struct Wire {
    node: Node,
    /// Of ns1's end.
    mac: MacAddress,
    /// Of ns1's host-side veth.
    gateway_mac: MacAddress,
}

/// Whether a frame got as far as another pod.
#[derive(Debug, PartialEq)]
enum Seen {
    ByNs2,
    No,
}

impl Wire {
    fn new() -> Self {
        let node = Node::new();
        node.write("/run/net.toml", TOPOLOGY);
        node.pseudobridge(["up", "-f", "/run/net.toml"]).ok();
        let mac = parse(&node.pod("ns1").mac("veth-ns1-pod"));
        let gateway_mac = parse(&node.mac("veth-ns1"));
        Self {
            node,
            mac,
            gateway_mac,
        }
    }

    /// A packet by the gateway, with a checksum that is right.
    fn ipv4(&self, source: [u8; 4], destination: [u8; 4]) -> Vec<u8> {
        let frame = ipv4_packet(|ethernet, header| {
            ethernet.addresses.source = self.mac;
            ethernet.addresses.destination = self.gateway_mac;
            header.source = source;
            header.destination = destination;
        });
        frame.bytes
    }

    /// A question for the gateway.
    fn arp(&self, mac: MacAddress, address: [u8; 4]) -> Vec<u8> {
        let MemoryFrame { bytes, .. } = arp_request(|ethernet, packet| {
            ethernet.addresses.source = self.mac;
            packet.sender_mac = mac;
            packet.sender_address = address;
            packet.target_address = [172, 30, 30, 1];
        });
        bytes
    }

    /// Sends a frame as it is from ns1. It is counted, by this reason alone; a punted one ends in
    /// the kernel, or is forwarded by it.
    fn send(&self, frame: &[u8], reason: &str) -> Seen {
        let counted = |reason| counters(&self.node, "ns1", reason);
        let before = (counted(reason), counted("ipv4-forward"), self.received());
        send(&self.node.pod("ns1"), frame);
        assert!(
            eventually(|| counted(reason) == before.0 + 1),
            "not counted as {reason}"
        );
        if reason != "ipv4-forward" {
            assert_eq!(counted("ipv4-forward"), before.1, "{reason}");
        }
        if self.received() == before.2 {
            Seen::No
        } else {
            Seen::ByNs2
        }
    }

    /// How many IP packets ns2 has received.
    fn received(&self) -> String {
        let pod = self.node.pod("ns2");
        pod.sh("awk '/^Ip: [0-9]/ { print $4 }' /proc/net/snmp")
            .ok()
    }
}

fn parse(mac: &str) -> MacAddress {
    let bytes: Vec<_> = mac
        .split(':')
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect();
    bytes.try_into().unwrap()
}

/// Puts tags before the `EtherType`.
fn tagged(mut frame: Vec<u8>, tags: &[[u8; 4]]) -> Vec<u8> {
    frame.splice(12..12, tags.concat());
    frame
}

/// Sends a frame as it is on the pod's end.
fn send(pod: &Pod<'_>, frame: &[u8]) {
    pod.within(|| {
        let interface = interfaces()
            .into_iter()
            .find(|one| one.name == "veth-ns1-pod");
        let channel = pnet_datalink::channel(&interface.unwrap(), Config::default()).unwrap();
        let Channel::Ethernet(mut sender, _) = channel else {
            panic!("no Ethernet channel");
        };
        sender.send_to(frame, None).unwrap().unwrap();
    });
}

/// Sends one datagram of four segments of `size` bytes, by UDP segmentation offload, to ns2.
fn send_segments(pod: &Pod<'_>, size: i32) {
    pod.within(|| {
        let socket = UdpSocket::bind("172.30.30.11:0").unwrap();
        setsockopt(&socket, UdpGsoSegment, &size).unwrap();
        let payload = vec![0; 4 * usize::try_from(size).unwrap()];
        socket.send_to(&payload, "172.30.30.12:9").unwrap();
    });
}
