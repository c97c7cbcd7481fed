//! Maps for more pods, or fewer, in the place of the present ones.

use tests::lab::Node;
use tests::ping::Ping;
use tests::pseudobridge::{PIN_ROOT, assert_reached, counters};

/// Writes a topology with ns1 and ns2 whose maps hold so many pods.
fn write(node: &Node, max_pods: u32) {
    node.write(
        &format!("/run/{max_pods}.toml"),
        &format!(
            "max_pods = {max_pods}
[[network]]
name = \"default\"
subnet = \"172.30.30.0/24\"
gateway = \"172.30.30.1\"
[[network.pod]]
name = \"ns1\"
address = \"172.30.30.11\"
[[network.pod]]
name = \"ns2\"
address = \"172.30.30.12\"
"
        ),
    );
}

/// A node with maps for 16 pods, and files for 16, 4,096 and 1.
fn up() -> Node {
    let node = Node::new();
    for max_pods in [1, 16, 4096] {
        write(&node, max_pods);
    }
    node.pseudobridge(["up", "-f", "/run/16.toml"]).ok();
    node
}

/// How many entries the kernel says that a pinned map holds.
fn size(node: &Node, map: &str) -> u32 {
    let pin = format!("{PIN_ROOT}/maps/{map}");
    let shown = node.run(["bpftool", "map", "show", "pinned", &pin]).ok();
    let size = shown.split_once("max_entries ").expect("a size").1;
    let size = size.split_whitespace().next().expect("a number");
    size.parse().expect("a number")
}

/// That all maps hold so many pods, the pods reach each other by BPF, and nothing is left to do.
fn assert_holds(node: &Node, max_pods: u32) {
    for map in ["pods_v4", "pods_v6", "ports", "targets"] {
        assert_eq!(size(node, map), max_pods, "{map}");
    }
    assert!(size(node, "counters") >= max_pods);
    let file = format!("/run/{max_pods}.toml");
    let again = node.pseudobridge(["up", "-f", &file]).ok();
    assert!(again.contains("nothing to do"), "{again}");
    let listed = node.run(["ls", PIN_ROOT]).ok();
    assert_eq!(listed, "links\nmaps\nprograms\n");
    let listed = node.run(["ls", &format!("{PIN_ROOT}/programs")]).ok();
    assert_eq!(listed, "tc\nuplink\nxdp\n");
    let before = node.forwarded();
    assert_reached(node);
    assert_eq!(node.forwarded(), before, "BPF carries");
}

#[test]
fn maps_grow_and_shrink_and_lose_nothing() {
    let node = up();
    let before = counters(&node, "ns1", "ipv4-forward");
    node.write(
        "/run/grow",
        "ip netns exec ns1 ping -n -c 3000 -i 0.001 -W 3 172.30.30.12 > /run/pings & ping=$!
        for max_pods in 4096 16 4096; do
            sleep 0.3; \"$1\" up -f /run/$max_pods.toml --verify none
        done
        wait $ping",
    );
    node.run(["sh", "-eu", "/run/grow", tests::pseudobridge::binary()])
        .ok();
    let pings = Ping::of(&node.sh("cat /run/pings"));
    assert_eq!((pings.sent, pings.received), (3000, 3000));
    // What is counted in the milliseconds of each change may be lost, and no more.
    let counted = counters(&node, "ns1", "ipv4-forward") - before;
    assert!((2400..=3000).contains(&counted), "{counted}");
    assert_holds(&node, 4096);
}

#[test]
fn entries_that_would_not_fit_stay_where_they_are() {
    let node = up();
    let refused = node.pseudobridge(["up", "-f", "/run/1.toml"]).exits(1);
    assert!(refused.stderr.contains("max_pods"), "{refused}");
    assert_holds(&node, 16);
}

/// Killed at whatever moment, the next `up` comes to the end of it, or back.
#[test]
fn a_growth_that_is_killed_is_done_by_the_next() {
    const KILLS: u32 = 12;
    let node = up();
    let grow = ["up", "-f", "/run/4096.toml", "--verify", "none"];
    let takes = node.pseudobridge(grow).elapsed;
    let (mut from, mut to) = (4096, 16);
    for kill in 0..KILLS {
        let after = (takes * (kill + 1) / KILLS).as_millis();
        node.write(
            "/run/kill",
            &format!(
                "\"$1\" up -f /run/{to}.toml --verify none > /dev/null & up=$!
                sleep {}.{:03}
                kill -9 $up 2>/dev/null
                wait $up
                true",
                after / 1000,
                after % 1000
            ),
        );
        node.run(["sh", "-u", "/run/kill", tests::pseudobridge::binary()])
            .ok();
        assert_reached(&node);
        // Back twice, on twice.
        let max_pods = if kill % 4 < 2 { from } else { to };
        let file = format!("/run/{max_pods}.toml");
        node.pseudobridge(["up", "-f", &file]).ok();
        assert_holds(&node, max_pods);
        (from, to) = (max_pods, from + to - max_pods);
    }
}
