//! The pseudo-bridge by hand: the shell commands that pseudobridge stands in for, to the letter.
//!
//! Two namespaces play the pods; each hangs on a veth of its own with a /32 route on the node,
//! and the node answers ARP for the other by proxy ARP. It is the baseline of tests and measures.

use crate::lab::Node;

/// Makes the pods' namespaces and the veths, all ends still on the node.
pub const LINKS: &[&str] = &[
    "ip netns add ns1",
    "ip netns add ns2",
    "ip link add veth-ns1 type veth peer name veth-ns1-pod",
    "ip link add veth-ns2 type veth peer name veth-ns2-pod",
    "ip link set up dev veth-ns1 ",
    "ip link set up dev veth-ns2",
    "ip link set up dev veth-ns2-pod",
    "ip link set up dev veth-ns1-pod",
];

/// Gives addresses and routes, and moves each veth's pod end into its namespace.
pub const ADDRESSES: &[&str] = &[
    "ip addr add 172.30.30.1/24 dev veth-ns1",
    "ip addr add 172.30.30.1/24 dev veth-ns2",
    "ip route add 172.30.30.11/32 dev veth-ns1",
    "ip route add 172.30.30.12/32 dev veth-ns2",
    "ip link set veth-ns1-pod netns ns1",
    "ip link set veth-ns2-pod netns ns2",
    "ip netns exec ns1 ip link set up dev veth-ns1-pod",
    "ip netns exec ns2 ip link set up dev veth-ns2-pod",
    "ip netns exec ns1 ip addr add 172.30.30.11/24 dev veth-ns1-pod",
    "ip netns exec ns2 ip addr add 172.30.30.12/24 dev veth-ns2-pod",
];

/// Turns on proxy ARP and forwarding: from here on the pods reach each other.
pub const PROXY_ARP: &[&str] = &[
    "echo 1 > /proc/sys/net/ipv4/conf/veth-ns1/proxy_arp",
    "echo 1 > /proc/sys/net/ipv4/conf/veth-ns2/proxy_arp",
    "echo 1 > /proc/sys/net/ipv4/ip_forward",
];

/// The whole of it on a fresh node, with the kernel's own neighbour settings on the veths, so that
/// the delay of proxied replies is that of an untouched machine.
///
/// # Panics
/// When a command fails.
#[track_caller]
pub fn up(node: &Node) {
    replay(node, LINKS);
    node.default_neighbour_settings(&["veth-ns1", "veth-ns2"]);
    replay(node, ADDRESSES);
    replay(node, PROXY_ARP);
}

/// Runs the commands on a node, one by one; each must succeed.
///
/// # Panics
/// When one does not.
#[track_caller]
pub fn replay(node: &Node, commands: &[&str]) {
    for command in commands {
        node.sh(command).ok();
    }
}

/// Asserts what ns1 knows once it has spoken to ns2, by hand or not: the other pod and the gateway,
/// both at the hardware address of its host-side veth.
///
/// # Panics
/// When either is missing, or somewhere else.
#[track_caller]
pub fn assert_neighbours(node: &Node) {
    let (neighbours, mac) = (
        node.sh("ip netns exec ns1 ip neigh").ok(),
        node.mac("veth-ns1"),
    );
    for address in ["172.30.30.12", "172.30.30.1"] {
        let entry = format!("{address} dev veth-ns1-pod lladdr {mac} ");
        assert!(neighbours.contains(&entry), "no `{entry}` in\n{neighbours}");
    }
}
