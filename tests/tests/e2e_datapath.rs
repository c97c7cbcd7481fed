//! Who forwards: BPF alone, the kernel alone, and the change from one to the other.

use tests::lab::Node;
use tests::ping::Ping;
use tests::pseudobridge::{PIN_ROOT, Status, assert_reached, assert_whole, counters};

/// A node with the default topology.
fn up() -> Node {
    let node = Node::new();
    node.pseudobridge(["up"]).ok();
    node
}

/// Turns forwarding and proxy ARP on or off, for the node as a whole and for each veth.
fn set_kernel_path(node: &Node, on: bool) {
    let value = u8::from(on);
    // The flag for all first: writing it resets those of the devices.
    for key in [
        "all/forwarding",
        "veth-ns1/forwarding",
        "veth-ns2/forwarding",
    ] {
        node.sh(format!("echo {value} > /proc/sys/net/ipv4/conf/{key}"))
            .ok();
    }
    if !on {
        node.sh("echo 0 > /proc/sys/net/ipv4/conf/all/proxy_arp")
            .ok();
    }
    for key in ["veth-ns1/proxy_arp", "veth-ns2/proxy_arp"] {
        node.sh(format!("echo {value} > /proc/sys/net/ipv4/conf/{key}"))
            .ok();
    }
}

/// Ten echo requests from ns1 to ns2, all answered.
fn ping_ten(node: &Node) {
    let ping = Ping::send(&node.pod("ns1"), "172.30.30.12", 10);
    assert!(ping.lossless(), "{ping:?}");
}

#[test]
fn each_path_carries_the_pods_alone() {
    let node = up();
    set_kernel_path(&node, false);
    assert_reached(&node);

    // With neither, nothing passes: so the above was BPF's doing, and the below is the kernel's.
    let switched = node.pseudobridge(["datapath", "kernel"]).exits(1);
    assert!(switched.stderr.contains("probes failed"), "{switched}");
    node.pod("ns1").run(["ip", "neigh", "flush", "all"]).ok();
    assert_eq!(Ping::send(&node.pod("ns1"), "172.30.30.12", 3).received, 0);

    set_kernel_path(&node, true);
    assert_reached(&node);
    node.pseudobridge(["datapath", "tc"]).ok();
    assert_reached(&node);
}

#[test]
fn bpf_bypasses_the_nodes_ip_stack() {
    let node = up();
    let before = node.forwarded();
    ping_ten(&node);
    assert_eq!(node.forwarded(), before, "the kernel forwards nothing");

    node.pseudobridge(["datapath", "kernel"]).ok();
    let before = node.forwarded();
    ping_ten(&node);
    assert_eq!(node.forwarded(), before + 20, "ten requests, ten replies");
}

#[test]
fn redirected_packets_do_not_leave_by_the_host_side_veth() {
    let node = up();
    node.write(
        "/run/ping",
        "ip netns exec ns1 ping -c 5 -i 0.1 172.30.30.12",
    );
    let seen = node.capture("veth-ns2", "out", "icmp", "sh /run/ping");
    assert_eq!(seen, [""; 0], "they go straight into the pod");
    let seen = node.capture("veth-ns2", "in", "icmp", "sh /run/ping");
    assert_eq!(seen.len(), 5, "the replies come in: {seen:#?}");
    node.pseudobridge(["datapath", "kernel"]).ok();
    let seen = node.capture("veth-ns2", "out", "icmp", "sh /run/ping");
    assert_eq!(
        seen.len(),
        5,
        "the kernel sends the requests out: {seen:#?}"
    );
}

#[test]
fn arp_answers_are_counted_one_by_one() {
    let node = up();
    let pod = node.pod("ns1");
    pod.run(["ip", "neigh", "flush", "all"]).ok();
    for (target, reason, requests) in [
        ("172.30.30.12", "arp-reply-pod", 3),
        ("172.30.30.1", "arp-reply-gateway", 2),
    ] {
        let before = (
            counters(&node, "ns1", reason),
            counters(&node, "ns2", reason),
        );
        let count = requests.to_string();
        let arping = pod
            .run([
                "arping",
                "-c",
                &count,
                "-w",
                "9",
                "-I",
                "veth-ns1-pod",
                target,
            ])
            .ok();
        let replies = arping.matches(&node.mac("veth-ns1").to_uppercase()).count();
        assert_eq!(
            replies as u64, requests,
            "each answered, with the veth's MAC:\n{arping}"
        );
        assert_eq!(
            counters(&node, "ns1", reason),
            before.0 + requests,
            "{reason} of ns1"
        );
        assert_eq!(counters(&node, "ns2", reason), before.1, "{reason} of ns2");
    }
}

#[test]
fn forwarded_packets_are_counted_one_by_one() {
    let node = up();
    let of = |pod| counters(&node, pod, "ipv4-forward");
    let before = (of("ns1"), of("ns2"));
    ping_ten(&node);
    assert_eq!(
        (of("ns1"), of("ns2")),
        (before.0 + 10, before.1 + 10),
        "requests, replies"
    );
    node.pseudobridge(["datapath", "kernel"]).ok();
    ping_ten(&node);
    assert_eq!(
        (of("ns1"), of("ns2")),
        (before.0 + 10, before.1 + 10),
        "the kernel's are not ours"
    );
}

#[test]
fn maps_are_pinned_and_dump_with_field_names() {
    let node = up();
    let pins = node.run(["ls", &format!("{PIN_ROOT}/maps")]).ok();
    assert_eq!(
        pins.split_whitespace().collect::<Vec<_>>(),
        [
            "allowed",
            "counters",
            "events",
            "meta",
            "networks_v4",
            "networks_v6",
            "pods_v4",
            "pods_v6",
            "ports",
            "targets"
        ]
    );
    for (map, fields, entries) in [
        (
            "pods_v4",
            &["ifindex", "mtu", "network", "pod_mac", "host_mac", "flags"][..],
            2,
        ),
        (
            "ports",
            &[
                "pod_mac", "host_mac", "address", "gateway", "subnet", "mask", "address6",
                "subnet6", "mask6", "uplink", "flags",
            ],
            2,
        ),
        ("meta", &["netns_cookie", "abi_version", "max_pods"], 1),
    ] {
        let pin = format!("{PIN_ROOT}/maps/{map}");
        let dump = node.run(["bpftool", "map", "dump", "pinned", &pin]).ok();
        assert_eq!(dump.matches("\"key\":").count(), entries, "{map}: {dump}");
        for field in fields {
            let named = dump.matches(&format!("\"{field}\":")).count();
            assert_eq!(named, entries, "{field} of {map}: {dump}");
        }
    }
    let links = node.run(["ls", &format!("{PIN_ROOT}/links")]).ok();
    assert_eq!(links.lines().count(), 2, "one a host-side veth: {links}");
    let programs = node.run(["ls", &format!("{PIN_ROOT}/programs")]).ok();
    assert_eq!(programs, "tc\nuplink\nxdp\n");
}

#[test]
fn datapath_shows_and_switches_and_touches_nothing_else() {
    let node = up();
    let show = || node.pseudobridge(["datapath"]).ok();
    assert!(show().contains("tc"), "{}", show());
    let with_bpf = network_of(&node);

    node.pseudobridge(["datapath", "kernel"]).ok();
    assert!(show().contains("kernel"), "{}", show());
    assert_eq!(Status::of(&node).property("ns1", "datapath"), "kernel");
    assert_eq!(
        network_of(&node),
        with_bpf,
        "links, addresses, routes, neighbours and sysctls"
    );

    node.pseudobridge(["datapath", "tc"]).ok();
    assert_eq!(Status::of(&node).property("ns1", "datapath"), "tc");
    assert_eq!(network_of(&node), with_bpf);
    let again = node.pseudobridge(["datapath", "tc"]).ok();
    assert!(again.contains("nothing to do"), "{again}");
    assert_reached(&node);
}

/// The part of a node's dump that no BPF object is in.
fn network_of(node: &Node) -> String {
    let dump = node.dump().to_string();
    dump.split("== ")
        .filter(|section| !section.contains("BPF") && !section.contains("pinned"))
        .collect()
}

#[test]
fn switching_loses_nothing() {
    let node = up();
    node.write(
        "/run/switch",
        "ip netns exec ns1 ping -n -c 300 -i 0.01 -W 3 172.30.30.12 > /run/pings & ping=$!
        for datapath in kernel tc kernel tc; do sleep 0.4; \"$1\" datapath $datapath; done
        wait $ping",
    );
    node.run(["sh", "-eu", "/run/switch", tests::pseudobridge::binary()])
        .ok();
    let pings = Ping::of(&node.sh("cat /run/pings"));
    assert_eq!((pings.sent, pings.received), (300, 300));
}

#[test]
fn a_topology_may_ask_for_the_kernel() {
    let node = Node::new();
    let before = node.dump();
    node.pseudobridge(["up", "--datapath", "kernel"]).ok();
    assert_eq!(Status::of(&node).property("ns2", "datapath"), "kernel");
    assert_reached(&node);
    let start = node.forwarded();
    ping_ten(&node);
    assert_eq!(node.forwarded(), start + 20);
    node.pseudobridge(["down"]).ok();
    before.assert_same(&node.dump(), "up --datapath kernel and down");
}

#[test]
fn pods_still_talk_when_every_pin_is_gone_and_up_repairs() {
    let node = up();
    node.run(["rm", "-r", PIN_ROOT]).ok();
    assert_reached(&node);
    node.pseudobridge(["up"]).ok();
    assert_whole(&node);
    let before = node.forwarded();
    ping_ten(&node);
    assert_eq!(node.forwarded(), before, "BPF carries again");
}
