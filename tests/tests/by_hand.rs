//! The baseline: the pseudo-bridge by hand gives what it is known to give.

use tests::by_hand;
use tests::lab::{Node, eventually};
use tests::ping::Ping;

#[test]
fn pods_reach_each_other_only_after_proxy_arp() {
    let node = Node::new();
    by_hand::replay(&node, by_hand::LINKS);
    node.default_neighbour_settings(&["veth-ns1", "veth-ns1-pod", "veth-ns2"]);
    by_hand::replay(&node, by_hand::ADDRESSES);

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
    // Three requests go unanswered, a second apart.
    let neighbours = || node.sh("ip netns exec ns1 ip neigh").ok();
    let failed = eventually(|| neighbours().contains("172.30.30.12 dev veth-ns1-pod FAILED"));
    assert!(failed, "{}", neighbours());

    by_hand::replay(&node, by_hand::PROXY_ARP);
    let after = Ping::of(&node.sh("ip netns exec ns1 ping -c 4 172.30.30.12"));
    assert_eq!((after.sent, after.received), (4, 4), "0 % loss after");
    assert_eq!(after.ttl, [63; 4], "routed once");

    let gateway = Ping::of(&node.sh("ip netns exec ns1 ping -c 1 172.30.30.1"));
    assert!(gateway.lossless());
    by_hand::assert_neighbours(&node);
}
