//! What others do to a network behind its back, and what `up` and `down` make of it.

use tests::lab::Node;
use tests::ping::Ping;
use tests::pseudobridge::{PIN_ROOT, Status, assert_whole, binary, counters};

#[test]
fn a_pin_that_was_removed_is_mended_by_up_and_no_hindrance_to_down() {
    let node = Node::new();
    let before = node.dump();
    for pin in [
        "maps/pods_v4",
        "maps/ports",
        "maps/targets",
        "maps/counters",
        "programs/tc",
        "links/tc-veth-ns1",
        "links",
    ] {
        node.pseudobridge(["up"]).ok();
        node.sh(format!("rm -r {PIN_ROOT}/{pin}")).ok();
        let damaged = node.dump();
        let planned = node.pseudobridge(["up", "--dry-run"]).ok();
        assert!(!planned.contains("nothing to do"), "{pin}: {planned}");
        damaged.assert_same(&node.dump(), &format!("a dry run without {pin}"));

        node.pseudobridge(["up"]).ok();
        assert_whole(&node);
        let counted = counters(&node, "ns1", "ipv4-forward");
        assert!(Ping::send(&node.pod("ns1"), "172.30.30.12", 3).lossless());
        assert_eq!(counters(&node, "ns1", "ipv4-forward"), counted + 3, "{pin}");

        node.sh(format!("rm -r {PIN_ROOT}/{pin}")).ok();
        node.pseudobridge(["down"]).ok();
        before.assert_same(&node.dump(), &format!("down without {pin}"));
    }
}

#[test]
fn pins_that_do_not_say_whose_they_are_are_refused() {
    let node = Node::new();
    node.pseudobridge(["up"]).ok();
    node.sh(format!("rm {PIN_ROOT}/maps/meta")).ok();
    for verb in ["up", "down", "status"] {
        let refused = node.pseudobridge([verb]).exits(1);
        assert!(
            refused.stderr.contains(&format!("rm -r {PIN_ROOT}")),
            "{refused}"
        );
    }
    node.sh(format!("rm -r {PIN_ROOT}")).ok();
    node.pseudobridge(["up"]).ok();
    assert_whole(&node);
}

#[test]
fn two_ups_at_once_make_one_network() {
    let node = Node::new();
    for round in 0..5 {
        let up = format!("{} up", binary());
        node.sh(format!(
            "{up} & first=$!; sleep 0.0{round}; {up} && wait $first"
        ))
        .ok();
        assert_whole(&node);
        node.pseudobridge(["down"]).ok();
    }
}

#[test]
fn a_foreign_link_with_our_alias_is_left_alone() {
    let node = Node::new();
    let alias = "pseudobridge/1 network=default pod=ns1 netns=theirs origin=created";
    node.sh(format!(
        "ip netns add theirs && ip link add eth9 type veth peer name eth9p netns theirs &&
         ip address add 10.9.9.9/24 dev eth9 && ip link set eth9 alias '{alias}'"
    ))
    .ok();
    let before = node.dump();
    node.pseudobridge(["up"]).ok();
    node.sh("ip link set veth-ns1 name renamed").ok();
    assert_eq!(Status::of(&node).pods(), ["ns1", "ns2"]);
    node.pseudobridge(["up"]).ok();
    let again = node.pseudobridge(["up"]).ok();
    assert!(again.contains("nothing to do"), "{again}");
    node.pseudobridge(["down"]).ok();
    before.assert_same(&node.dump(), "up and down beside a copied alias");
}

#[test]
fn a_lost_alias_is_mended() {
    let node = Node::new();
    let before = node.dump();
    node.pseudobridge(["up"]).ok();
    node.sh("ip link set veth-ns1 alias ''").ok();
    node.pseudobridge(["up"]).ok();
    assert_whole(&node);
    node.sh("ip link set veth-ns1 alias ''").ok();
    node.pseudobridge(["down"]).ok();
    before.assert_same(&node.dump(), "down after a lost alias");
}

#[test]
fn a_lost_gateway_address_is_mended_beside_one_of_others() {
    let node = Node::new();
    node.pseudobridge(["up"]).ok();
    node.sh(
        "ip address add 10.9.9.9/32 dev veth-ns1 && ip address del 172.30.30.1/32 dev veth-ns1",
    )
    .ok();
    let mended = node.pseudobridge(["up"]).ok();
    assert!(mended.contains("verified: 4 of 4"), "{mended}");
    let again = node.pseudobridge(["up"]).ok();
    assert!(again.contains("nothing to do"), "{again}");
    assert_eq!(Status::of(&node).property("ns1", "gateway"), "172.30.30.1");
}

#[test]
fn a_directory_among_the_pins_is_refused_before_anything_is_touched() {
    let node = Node::new();
    node.pseudobridge(["up"]).ok();
    node.sh(format!("mkdir {PIN_ROOT}/links/tc-dir")).ok();
    let running = node.dump();
    for verb in ["up", "down"] {
        let refused = node.pseudobridge([verb]).exits(1);
        assert!(refused.stderr.contains("links/tc-dir"), "{refused}");
        running.assert_same(&node.dump(), verb);
    }
}

#[test]
fn partial_pins_do_not_hide_who_forwards() {
    let node = Node::new();
    node.pseudobridge(["up"]).ok();
    node.sh(format!("rm {PIN_ROOT}/maps/targets")).ok();
    assert_eq!(Status::of(&node).property("ns1", "datapath"), "tc");
}

#[test]
fn nodes_that_race_for_one_pin_root_leave_one_whole() {
    let node = Node::new();
    let other = "[[network]]\nname = \"other\"\nsubnet = \"172.30.31.0/24\"\n\
                 gateway = \"172.30.31.1\"\n\n[[network.pod]]\nname = \"ns3\"\n\
                 address = \"172.30.31.11\"\n";
    node.write("/run/other.toml", other);
    node.sh("ip netns add other").ok();
    let program = binary();
    node.sh(format!(
        "{program} up & first=$!
         nsenter --net=/run/netns/other {program} up -f /run/other.toml > /run/log 2>&1
         second=$?; wait $first; [ $? -ne $second ]"
    ))
    .ok();
}

#[test]
fn a_pod_cannot_disown_its_namespace() {
    let node = Node::new();
    let before = node.dump();
    node.pseudobridge(["up"]).ok();
    node.pod("ns1").sh("ip link set lo alias mine").ok();
    let again = node.pseudobridge(["up"]).ok();
    assert!(again.contains("nothing to do"), "{again}");
    node.pseudobridge(["down"]).ok();
    before.assert_same(&node.dump(), "down after a pod overwrote its mark");
}

#[test]
fn a_severed_link_is_attached_anew() {
    let node = Node::new();
    node.pseudobridge(["up"]).ok();
    node.sh("ip link delete veth-ns2").ok();
    node.pseudobridge(["up"]).ok();
    assert_whole(&node);
}

#[test]
fn an_mtu_without_ipv6_is_no_hindrance() {
    let node = Node::new();
    let before = node.dump();
    node.pseudobridge(["up"]).ok();
    node.sh("ip link set veth-ns1 mtu 1200").ok();
    node.pseudobridge(["status"]).ok();
    node.pseudobridge(["up"]).ok();
    assert_whole(&node);
    node.sh("ip link set veth-ns1 mtu 1200").ok();
    node.pseudobridge(["down"]).ok();
    before.assert_same(&node.dump(), "down with a small MTU");
}

#[test]
fn what_others_put_on_our_veth_stays() {
    let node = Node::new();
    node.pseudobridge(["up"]).ok();
    node.sh("ip address add 10.77.0.1/24 dev veth-ns1").ok();
    let again = node.pseudobridge(["up"]).ok();
    assert!(again.contains("nothing to do"), "{again}");
    assert_eq!(Status::of(&node).property("ns1", "gateway"), "172.30.30.1");
    node.sh("ip address show dev veth-ns1 | grep -q 10.77.0.1")
        .ok();
}

#[test]
fn a_name_that_leads_nowhere_hangs_nothing() {
    let node = Node::new();
    node.pseudobridge(["up"]).ok();
    node.sh("ip netns delete ns1 && mkfifo /run/netns/ns1 && ln -s self /run/netns/self")
        .ok();
    node.pseudobridge(["status"]).ok();
    let refused = node.pseudobridge(["up"]).exits(1);
    assert!(refused.stderr.contains("/run/netns/ns1"), "{refused}");
}

#[test]
fn another_pin_root_than_the_nodes_own_is_refused() {
    let node = Node::new();
    let before = node.dump();
    node.pseudobridge(["up"]).ok();
    let running = node.dump();
    for verb in ["up", "down", "status"] {
        let elsewhere = ["--pin-root", "/sys/fs/bpf/elsewhere", verb];
        let refused = node.pseudobridge(elsewhere).exits(1);
        assert!(refused.stderr.contains("--pin-root"), "{refused}");
        running.assert_same(&node.dump(), &format!("{verb} with another pin root"));
    }
    node.pseudobridge(["down"]).ok();
    before.assert_same(&node.dump(), "down");
}

#[test]
fn a_pin_root_that_can_be_none_is_refused_with_a_cure() {
    let node = Node::new();
    for (root, cure) in [
        ("/", "/sys/fs/bpf/second-node"),
        ("pins", "/sys/fs/bpf/second-node"),
        ("/run/pins", "/sys/fs/bpf/second-node"),
        ("/sys/fs/bpf/missing/pins", "/sys/fs/bpf/second-node"),
        ("/sys/fs/bpf/node.2", "no dot"),
        ("/sys/fs/bpf/node-incomplete", "choose another one"),
    ] {
        let refused = node.pseudobridge(["--pin-root", root, "up"]).exits(1);
        assert!(refused.stderr.contains(cure), "{root}: {refused}");
    }
}

#[test]
fn a_file_without_an_end_is_refused() {
    let refused = Node::new().pseudobridge(["up", "-f", "/dev/zero"]).exits(1);
    assert!(refused.stderr.contains("longer than"), "{refused}");
}
