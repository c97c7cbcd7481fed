//! A pod that sends spoofed frames as fast as it can is no more trouble to others than one that
//! sends lawful frames at the same rate, and every frame is counted.

use std::time::Duration;

use pseudobridge_common::abi::GATEWAY6;
use pseudobridge_testing::{arp_request, ipv4_packet, ipv6_packet, solicitation};
use tests::lab::{Node, eventually};
use tests::pseudobridge::Status;
use tests::traffic::{End, PingPong, Raw};

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

[[network.pod]]
name = "hostile"
address = "172.30.30.13"
interface = "veth-h"
"#;

/// How long each part lasts.
const TIME: Duration = Duration::from_secs(20);

const ADDRESS: [u8; 4] = [172, 30, 30, 13];
const LINK_LOCAL: [u8; 16] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xaa, 0x13];
const OTHER: [u8; 4] = [172, 30, 30, 11];
const TARGET: [u8; 4] = [172, 30, 30, 12];

fn address6(last: u8) -> [u8; 16] {
    [0xfd, 0, 0, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]
}

/// What hostile sends, and how each is counted. Each pretends to be ns1 in another way.
fn spoofed(mac: [u8; 6], gateway: [u8; 6]) -> Vec<(&'static str, Vec<u8>)> {
    let foreign = [2, 0, 0, 0, 0, 1];
    vec![
        (
            "spoofed-ethernet-source",
            ipv4_packet(|ethernet, ip| {
                ethernet.addresses.source = foreign;
                ethernet.addresses.destination = gateway;
                (ip.source, ip.destination) = (OTHER, TARGET);
            })
            .bytes,
        ),
        (
            "spoofed-arp-mac",
            arp_request(|ethernet, arp| {
                ethernet.addresses.source = mac;
                arp.sender_mac = foreign;
                arp.sender_address = ADDRESS;
            })
            .bytes,
        ),
        (
            "spoofed-arp-address",
            arp_request(|ethernet, arp| {
                ethernet.addresses.source = mac;
                arp.sender_mac = mac;
                arp.sender_address = OTHER;
                arp.target_address = OTHER;
            })
            .bytes,
        ),
        (
            "spoofed-ipv4-source",
            ipv4_packet(|ethernet, ip| {
                ethernet.addresses.source = mac;
                ethernet.addresses.destination = gateway;
                (ip.source, ip.destination) = (OTHER, TARGET);
            })
            .bytes,
        ),
        (
            "spoofed-ipv6-source",
            ipv6_packet(|ethernet, ip| {
                ethernet.addresses.source = mac;
                ethernet.addresses.destination = gateway;
                (ip.source, ip.destination) = (address6(0x11), address6(0x12));
            })
            .bytes,
        ),
        (
            "spoofed-nd-mac",
            solicitation(|parts| {
                parts.ethernet.addresses.source = mac;
                parts.header.source = LINK_LOCAL;
                parts.message.target = GATEWAY6;
                parts.options[2..].copy_from_slice(&foreign);
            })
            .bytes,
        ),
        (
            "spoofed-nd-target",
            solicitation(|parts| {
                parts.ethernet.addresses.source = mac;
                parts.header.source = LINK_LOCAL;
                parts.message.kind = 136;
                parts.message.target = address6(0x11);
                parts.options[2..].copy_from_slice(&mac);
            })
            .bytes,
        ),
        (
            "nd-router-advertisement",
            solicitation(|parts| {
                parts.ethernet.addresses.source = mac;
                parts.header.source = LINK_LOCAL;
                parts.message.kind = 134;
            })
            .bytes,
        ),
    ]
}

#[test]
fn a_hostile_pod_changes_nothing_for_others() {
    attack("tc");
}

fn attack(datapath: &str) {
    let node = Node::new();
    node.write("/run/net.toml", TOPOLOGY);
    node.pseudobridge(["up", "-f", "/run/net.toml", "--datapath", datapath])
        .ok();
    let (ns1, ns2, hostile) = (node.pod("ns1"), node.pod("ns2"), node.pod("hostile"));
    let ends = || {
        (
            End::new(&ns1, "172.30.30.11"),
            End::new(&ns2, "172.30.30.12"),
        )
    };
    let measured = |during: &dyn Fn() -> u64| {
        let trips = PingPong::start(&ends().0, &ends().1);
        let sent = during();
        let trips = trips.finish();
        assert_eq!(
            trips.lost, 0,
            "{datapath}: round trips lost, {sent} frames sent"
        );
        (trips.summary(), sent)
    };

    let mac = parse(&hostile.mac("veth-h-pod"));
    let gateway = parse(&node.mac("veth-h"));
    let spoofed = spoofed(mac, gateway);
    let state = neighbours(&node);
    let frames: Vec<_> = spoofed.iter().map(|(_, frame)| frame.clone()).collect();
    let (attacked, sent) = measured(&|| {
        let raw = Raw::start(&hostile, "veth-h-pod", frames.clone(), None);
        std::thread::sleep(TIME);
        raw.finish()
    });
    let counted = || {
        let status = Status::of(&node);
        let of = |(reason, _): &(&str, Vec<u8>)| status.counter("hostile", reason);
        spoofed.iter().map(of).collect::<Vec<_>>()
    };
    assert!(
        eventually(|| counted().iter().sum::<u64>() >= sent),
        "{datapath}: {sent} sent, {:?} counted",
        counted()
    );
    assert_eq!(
        counted().iter().sum::<u64>(),
        sent,
        "{datapath}: {:?}",
        counted()
    );
    assert_eq!(neighbours(&node), state, "{datapath}: nobody was fooled");

    let lawful = ipv4_packet(|ethernet, ip| {
        ethernet.addresses.source = mac;
        ethernet.addresses.destination = gateway;
        (ip.source, ip.destination) = (ADDRESS, [172, 30, 30, 99]);
    });
    let rate = u32::try_from(sent / TIME.as_secs()).unwrap_or(u32::MAX);
    let (beside, _) = measured(&|| {
        let raw = Raw::start(
            &hostile,
            "veth-h-pod",
            vec![lawful.bytes.clone()],
            Some(rate),
        );
        std::thread::sleep(TIME);
        raw.finish()
    });
    println!(
        "{datapath}: round trips of others, median (P75) in µs: {:.1} ({:.1}) beside {rate} spoofed \
         frames a second, {:.1} ({:.1}) beside as many lawful ones",
        attacked.median, attacked.p75, beside.median, beside.p75
    );
}

/// Whom everybody takes for whom, without what ages.
fn neighbours(node: &Node) -> Vec<String> {
    let list = "ip neigh show | awk '{ for (i = 1; i <= NF; i++) if ($i == \"lladdr\") print $1, $(i + 1) }' | sort";
    let mut all = vec![node.sh(list).ok()];
    for pod in ["ns1", "ns2"] {
        all.push(node.pod(pod).sh(list).ok());
    }
    all
}

fn parse(mac: &str) -> [u8; 6] {
    let mut bytes = [0; 6];
    for (byte, text) in bytes.iter_mut().zip(mac.split(':')) {
        *byte = match u8::from_str_radix(text, 16) {
            Ok(byte) => byte,
            Err(error) => panic!("{mac}: {error}"),
        };
    }
    bytes
}
