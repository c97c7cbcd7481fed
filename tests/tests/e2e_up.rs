//! `up`, `status` and `down`: what a person who has just installed the tool sees.

use std::fmt::Write;

use tests::by_hand;
use tests::lab::{Node, eventually};
use tests::ping::Ping;
use tests::pseudobridge::{PIN_ROOT, Status, assert_reached, assert_whole};

#[test]
fn up_gives_what_the_commands_by_hand_give() {
    let node = Node::new();
    node.pseudobridge(["up"]).ok();

    let ping = Ping::of(&node.sh("ip netns exec ns1 ping -c 3 172.30.30.12"));
    assert_eq!((ping.sent, ping.received), (3, 3), "0 % loss");
    assert_eq!(ping.ttl, [63; 3], "routed once");

    by_hand::assert_neighbours(&node);
}

#[test]
fn up_again_does_nothing() {
    let node = Node::new();
    node.pseudobridge(["up"]).ok();
    assert_reached(&node);
    let before = node.dump();
    let again = node.pseudobridge(["up"]).ok();
    assert!(again.contains("nothing to do"), "{again}");
    before.assert_same(&node.dump(), "a second up");
}

#[test]
fn nothing_has_to_run() {
    let node = Node::new();
    node.pseudobridge(["up"]).ok();
    let running = node.run(["pgrep", "-l", "pseudobridge"]).exits(1);
    assert_eq!(running.stdout, "", "no process remains");
    assert_reached(&node);
}

#[test]
fn dry_run_prints_the_plan_and_changes_nothing() {
    let node = Node::new();
    let before = node.dump();
    let plan = node.pseudobridge(["up", "--dry-run"]).ok();
    before.assert_same(&node.dump(), "up --dry-run");
    for part in [
        "ns1",
        "ns2",
        "veth-ns1",
        "veth-ns2",
        "172.30.30.11",
        "172.30.30.12",
    ] {
        assert!(plan.contains(part), "no {part} in the plan:\n{plan}");
    }

    node.pseudobridge(["up"]).ok();
    let up = node.dump();
    let plan = node.pseudobridge(["up", "--dry-run"]).ok();
    assert!(plan.contains("nothing to do"), "{plan}");
    let plan = node.pseudobridge(["down", "--dry-run"]).ok();
    assert!(
        plan.contains("veth-ns1") && plan.contains("veth-ns2"),
        "{plan}"
    );
    up.assert_same(&node.dump(), "dry runs of up and down");
}

#[test]
fn down_leaves_the_node_as_it_was() {
    let node = Node::new();
    let before = node.dump();
    node.pseudobridge(["up"]).ok();
    let dump = node.dump();
    let objects = dump.pinned_below(PIN_ROOT);
    assert!(
        objects.len() >= 8,
        "a program, two links and five maps: {objects:?}"
    );
    node.pseudobridge(["down"]).ok();
    before.assert_same(&node.dump(), "up and down");
    // Gone from the machine too: nothing else held them.
    for (kind, id) in objects {
        let show = ["bpftool", kind, "show", "id", id];
        let gone = eventually(|| !node.run(show).succeeded());
        assert!(gone, "{kind} {id} outlives down");
    }
}

#[test]
fn the_first_up_of_a_machine_leaves_the_directory_that_ip_netns_leaves() {
    let [ours, theirs] = [Node::new(), Node::new()];
    for node in [&ours, &theirs] {
        node.sh("umount /run/netns && rmdir /run/netns").ok();
    }
    ours.pseudobridge(["up"]).ok();
    ours.pseudobridge(["down"]).ok();
    theirs.sh("ip netns add ns1 && ip netns del ns1").ok();
    theirs.dump().assert_same(
        &ours.dump(),
        "(`ip netns` on one node, up and down on the other)",
    );
}

#[test]
fn down_twice_or_without_up_is_nothing_to_do() {
    let node = Node::new();
    let before = node.dump();
    for since in ["down without up", "up, down and down"] {
        let down = node.pseudobridge(["down"]).ok();
        assert!(down.contains("nothing to do"), "{since}: {down}");
        before.assert_same(&node.dump(), since);
        node.pseudobridge(["up"]).ok();
        node.pseudobridge(["down"]).ok();
    }
}

#[test]
fn up_after_down_is_whole() {
    let node = Node::new();
    for _ in 0..3 {
        node.pseudobridge(["up"]).ok();
        assert_whole(&node);
        node.pseudobridge(["down"]).ok();
    }
}

#[test]
fn status_shows_pods_as_they_are() {
    let node = Node::new();
    node.pseudobridge(["up"]).ok();
    let status = Status::of(&node);
    assert_eq!(status.pods(), ["ns1", "ns2"]);
    for (pod, address) in [("ns1", "172.30.30.11"), ("ns2", "172.30.30.12")] {
        let interface = format!("veth-{pod}");
        assert_eq!(status.property(pod, "address"), address);
        assert_eq!(status.property(pod, "interface"), interface);
        assert_eq!(status.property(pod, "datapath"), "tc");
        assert_eq!(
            status.property(pod, "mac"),
            node.pod(pod).mac(&format!("{interface}-pod"))
        );
        assert_eq!(status.property(pod, "gateway_mac"), node.mac(&interface));
    }
    let table = node.pseudobridge(["status"]).ok();
    for part in [
        "ns1",
        "172.30.30.11",
        "veth-ns1",
        "ns2",
        "172.30.30.12",
        "veth-ns2",
        "tc",
    ] {
        assert!(table.contains(part), "no {part} in\n{table}");
    }
}

#[test]
fn every_command_prints_json_on_request() {
    let node = Node::new();
    for command in ["up", "status", "datapath", "down"] {
        let json = node.pseudobridge([command, "-o", "json"]).ok();
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&json);
        assert!(parsed.is_ok(), "{command} -o json: {parsed:?}\n{json}");
    }
}

#[test]
fn status_of_a_node_without_networks_is_empty() {
    let node = Node::new();
    let before = node.dump();
    assert_eq!(Status::of(&node).pods(), [""; 0]);
    node.pseudobridge(["status"]).ok();
    before.assert_same(&node.dump(), "status");
}

#[test]
fn a_route_that_covers_the_subnet_is_no_hindrance() {
    let node = Node::new();
    node.sh("ip link add up0 type veth peer name up1; ip link set up0 up")
        .ok();
    node.sh("ip addr add 10.9.0.2/24 dev up0; ip route add default via 10.9.0.1")
        .ok();
    let before = node.dump();
    node.pseudobridge(["up"]).ok();
    assert_whole(&node);
    node.pseudobridge(["down"]).ok();
    before.assert_same(&node.dump(), "up and down beside a default route");
}

#[test]
fn twenty_pods_come_from_a_file() {
    let node = Node::new();
    let before = node.dump();
    let mut file = String::from(
        "[[network]]\nname = \"blue\"\nsubnet = \"10.88.0.0/24\"\ngateway = \"10.88.0.1\"\n",
    );
    for pod in 1..=20 {
        writeln!(
            file,
            "[[network.pod]]\nname = \"p{pod}\"\naddress = \"10.88.0.{}\"",
            pod + 100
        )
        .unwrap();
    }
    node.write("/run/blue.toml", &file);
    node.pseudobridge(["up", "-f", "/run/blue.toml"]).ok();
    assert_eq!(Status::of(&node).pods().len(), 20);
    for pod in 1..=20 {
        let next = format!("10.88.0.{}", pod % 20 + 101);
        let ping = Ping::send(&node.pod(&format!("p{pod}")), &next, 1);
        assert!(
            ping.lossless() && ping.ttl == [63],
            "p{pod} to {next}: {ping:?}"
        );
    }
    let again = node
        .pseudobridge(["up", "-f", "/run/blue.toml", "--verify", "none"])
        .ok();
    assert!(again.contains("nothing to do"), "{again}");
    node.pseudobridge(["down"]).ok();
    before.assert_same(&node.dump(), "up and down of 20 pods");
}
