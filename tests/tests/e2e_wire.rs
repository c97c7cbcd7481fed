//! Frames that no test run can stand for, sent for real from a pod.

use std::net::UdpSocket;

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::UdpGsoSegment;
use pnet_datalink::{Channel, Config, interfaces};
use tests::lab::{Node, Pod, eventually};
use tests::pseudobridge::counters;

/// ns2's MTU is smaller than ns1's.
const TOPOLOGY: &str = r#"
[[network]]
name = "default"
subnet = "172.30.30.0/24"
gateway = "172.30.30.1"

[[network.pod]]
name = "ns1"
address = "172.30.30.11"

[[network.pod]]
name = "ns2"
address = "172.30.30.12"
mtu = 1400
"#;

#[test]
fn a_short_ipv4_packet_is_the_kernels() {
    let node = up();
    let mut frame = ipv4_frame(&node);
    frame.truncate(33);
    is_punted_for(&node, &frame, "ipv4-too-short");
}

#[test]
fn a_tagged_frame_is_the_kernels() {
    let node = up();
    let mut frame = ipv4_frame(&node);
    // 802.1Q, VLAN 5. The kernel takes it off and keeps it beside the frame.
    frame.splice(12..12, [0x81, 0x00, 0x00, 0x05]);
    is_punted_for(&node, &frame, "vlan-tagged");
}

#[test]
fn segments_over_the_targets_mtu_are_the_kernels_and_others_pass() {
    let node = up();
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

fn up() -> Node {
    let node = Node::new();
    node.write("/run/net.toml", TOPOLOGY);
    node.pseudobridge(["up", "-f", "/run/net.toml"]).ok();
    node
}

/// The frame ends in the kernel: counted for its reason, not forwarded, and not seen by ns2.
fn is_punted_for(node: &Node, frame: &[u8], reason: &str) {
    let before = (counters(node, "ns1", reason), counters(node, "ns1", "ipv4-forward"));
    let received = received(&node.pod("ns2"));
    send(&node.pod("ns1"), frame);
    assert!(
        eventually(|| counters(node, "ns1", reason) == before.0 + 1),
        "not counted as {reason}"
    );
    assert_eq!(counters(node, "ns1", "ipv4-forward"), before.1);
    assert_eq!(self::received(&node.pod("ns2")), received);
}

/// An echo request from ns1 to ns2 by the gateway, with a checksum that is right.
fn ipv4_frame(node: &Node) -> Vec<u8> {
    let bytes = |mac: &str| -> Vec<u8> {
        let parts = mac.split(':');
        parts.map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    };
    let header = [
        0x45, 0, 0, 28, 0x1c, 0x46, 0, 0, 64, 1, 0xca, 0x47, 172, 30, 30, 11, 172, 30, 30, 12,
    ];
    let echo = [8, 0, 0xf7, 0xff, 0, 0, 0, 0];
    [
        &bytes(&node.mac("veth-ns1"))[..],
        &bytes(&node.pod("ns1").mac("veth-ns1-pod")),
        &[0x08, 0x00],
        &header,
        &echo,
    ]
    .concat()
}

/// Sends a frame as it is on the pod's end.
fn send(pod: &Pod<'_>, frame: &[u8]) {
    pod.within(|| {
        let interface = interfaces().into_iter().find(|one| one.name == "veth-ns1-pod");
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

/// How many IP packets the pod has received.
fn received(pod: &Pod<'_>) -> String {
    pod.sh("awk '/^Ip: [0-9]/ { print $4 }' /proc/net/snmp").ok()
}
