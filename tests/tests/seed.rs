//! The baseline: the pseudo-bridge by hand gives what it is known to give.

use std::thread;
use std::time::Duration;

use tests::lab::Node;
use tests::ping::Ping;
use tests::seed;

/// A failed resolution shows after three unanswered requests, a second apart.
fn until_failed(node: &Node, address: &str) {
    let mut neighbours = String::new();
    for _ in 0..50 {
        neighbours = node.sh("ip netns exec ns1 ip neigh").ok();
        if neighbours.contains(&format!("{address} dev veth-ns1-pod FAILED")) {
            return;
        }
        thread::sleep(Duration::from_millis(100));
    }
    panic!("{address} is not FAILED in ns1:\n{neighbours}");
}

#[test]
fn pods_reach_each_other_only_after_proxy_arp() {
    let node = Node::new();
    seed::replay(&node, seed::LINKS);
    node.default_neighbour_settings(&["veth-ns1", "veth-ns1-pod", "veth-ns2"]);
    seed::replay(&node, seed::ADDRESSES);

    let before = Ping::of(
        &node
            .sh("ip netns exec ns1 ping -c 3 -W 1 172.30.30.12")
            .exits(1),
    );
    assert_eq!(
        (before.sent, before.received),
        (3, 0),
        "100 % loss before proxy ARP"
    );
    until_failed(&node, "172.30.30.12");

    seed::replay(&node, seed::PROXY_ARP);
    let after = Ping::of(&node.sh("ip netns exec ns1 ping -c 4 172.30.30.12"));
    assert_eq!((after.sent, after.received), (4, 4), "0 % loss after");
    assert_eq!(after.ttl, [63; 4], "routed once");

    let gateway = Ping::of(&node.sh("ip netns exec ns1 ping -c 1 172.30.30.1"));
    assert!(gateway.lossless());
    let (neighbours, mac) = (
        node.sh("ip netns exec ns1 ip neigh").ok(),
        node.mac("veth-ns1"),
    );
    for address in ["172.30.30.12", "172.30.30.1"] {
        let entry = format!("{address} dev veth-ns1-pod lladdr {mac} ");
        assert!(neighbours.contains(&entry), "no `{entry}` in\n{neighbours}");
    }
}
