//! The laboratory itself: a test is worth what its node is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use tests::by_hand;
use tests::lab::{Node, eventually};

/// What `act` panics with.
fn panic_of<T>(act: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| drop(act()))).expect_err("it did not panic");
    panic
        .downcast_ref::<String>()
        .expect("a formatted message")
        .clone()
}

#[test]
fn two_nodes_may_use_the_same_names() {
    let (one, two) = (Node::new(), Node::new());
    for node in [&one, &two] {
        node.sh("ip netns add ns1; ip link add veth-ns1 type veth peer name p netns ns1")
            .ok();
        node.sh("mkdir /sys/fs/bpf/pseudobridge").ok();
        node.pod("ns1")
            .sh("ip link show p; ls -d /sys/fs/bpf/pseudobridge")
            .ok();
    }
    assert_ne!(one.mac("veth-ns1"), two.mac("veth-ns1"));
}

#[test]
fn settings_are_the_kernels_defaults_whatever_the_machine_has() {
    let node = Node::new();
    node.sh("ip link add one type veth peer name other").ok();
    let read = |key: &str| {
        node.sh(format!("cat /proc/sys/net/ipv4/{key}"))
            .ok()
            .trim()
            .to_owned()
    };
    for key in [
        "ip_forward",
        "conf/all/rp_filter",
        "conf/one/forwarding",
        "conf/one/rp_filter",
    ] {
        assert_eq!(read(key), "0", "{key}");
    }
    node.sh("echo 7 > /proc/sys/net/ipv4/neigh/one/proxy_delay")
        .ok();
    node.default_neighbour_settings(&["one"]);
    assert_eq!(read("neigh/one/proxy_delay"), "80", "0.8 s");
    assert_eq!(read("icmp_ratelimit"), "0", "no limit");
}

#[test]
fn without_bpffs_there_is_none() {
    let mounts = Node::without_bpffs().sh("cat /proc/mounts").ok();
    assert!(!mounts.contains(" /sys/fs/bpf bpf "), "{mounts}");
}

#[test]
fn to_a_program_its_mounts_are_the_initial_ones() {
    let ids = Node::new()
        .sh("readlink /proc/1/ns/mnt /proc/self/ns/mnt")
        .ok();
    let ids: Vec<&str> = ids.lines().collect();
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn a_hang_is_killed_and_says_what_ran() {
    let node = Node::new();
    let script = "echo begun; sleep 30";
    let message = panic_of(|| node.run_for(Duration::from_millis(300), ["sh", "-c", script]));
    assert!(
        message.contains("$ sh -c echo begun; sleep 30"),
        "{message}"
    );
    assert!(
        message.contains("\nbegun\n") && message.contains("still running"),
        "{message}"
    );
}

#[test]
fn a_process_left_behind_does_not_hold_the_caller() {
    let node = Node::new();
    let start = Instant::now();
    node.sh("sleep 15 &").ok();
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn processes_end_with_their_node() {
    // A length of sleep that no other process on the machine has.
    let length = format!("300.{}", std::process::id());
    let count = || {
        let mut pgrep = std::process::Command::new("pgrep");
        let output = pgrep
            .args(["-c", "-f", &format!("^sleep {length}$")])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let node = Node::new();
    node.sh(format!("sleep {length} &")).ok();
    assert_eq!(count(), "1");
    drop(node);
    assert!(eventually(|| count() == "0"), "it outlives its node");
}

#[test]
fn a_dump_shows_each_kind_of_change() {
    let node = Node::new();
    node.sh("ip netns add ns1; ip link add one type veth peer name other; ip link set one up")
        .ok();
    node.sh("ip link set other up; ip addr add 10.9.0.1/24 dev one")
        .ok();
    let before = node.dump();
    before.assert_same(&node.dump(), "nothing");
    for (change, undo) in [
        ("ip link set one alias x", "ip link set one alias ''"),
        (
            "ip addr add 10.9.0.2/32 dev one",
            "ip addr del 10.9.0.2/32 dev one",
        ),
        (
            "ip route add 10.8.0.0/16 dev one table 7",
            "ip route flush table 7",
        ),
        (
            "ip rule add from 10.7.0.0/16 table 7",
            "ip rule del from 10.7.0.0/16 table 7",
        ),
        (
            "ip neigh add 10.9.0.3 lladdr 02:00:00:00:00:03 dev one",
            "ip neigh del 10.9.0.3 dev one",
        ),
        (
            "ip neigh add proxy 10.9.0.4 dev one",
            "ip neigh del proxy 10.9.0.4 dev one",
        ),
        ("tc qdisc add dev one clsact", "tc qdisc del dev one clsact"),
        (
            "echo 1 > /proc/sys/net/ipv4/conf/one/proxy_arp",
            "echo 0 > /proc/sys/net/ipv4/conf/one/proxy_arp",
        ),
        ("ip netns add ns2", "ip netns del ns2"),
        ("echo mark > /run/netns/ns3", "rm /run/netns/ns3"),
        ("mount -t tmpfs tmpfs /mnt", "umount /mnt"),
        ("mkdir /sys/fs/bpf/x", "rmdir /sys/fs/bpf/x"),
        (
            "bpftool map create /sys/fs/bpf/m type hash key 4 value 4 entries 1 name m",
            "rm /sys/fs/bpf/m",
        ),
        (
            "ip -n ns1 link set lo alias x",
            "ip -n ns1 link set lo alias ''",
        ),
    ] {
        node.sh(change).ok();
        let message = panic_of(|| before.assert_same(&node.dump(), change));
        assert!(
            message.contains("\n+") || message.contains("\n-"),
            "{message}"
        );
        node.sh(undo).ok();
        before.assert_same(&node.dump(), &format!("{change}; {undo}"));
    }
}

#[test]
fn a_dump_names_pinned_objects() {
    let node = Node::new();
    node.sh("bpftool map create /sys/fs/bpf/m type hash key 4 value 8 entries 3 name mine")
        .ok();
    let dump = node.dump();
    let lines: Vec<&str> = dump.lines_with("\"mine\"").collect();
    assert_eq!(lines.len(), 1, "{dump}");
    assert!(
        lines[0].contains("bytes_value 8") && lines[0].contains("/sys/fs/bpf/m"),
        "{dump}"
    );
}

#[test]
fn a_capture_sees_what_passes_while_its_script_runs() {
    let node = Node::new();
    by_hand::up(&node);
    node.write(
        "/run/ping",
        "ip netns exec ns1 ping -c 3 -i 0.1 172.30.30.12",
    );
    node.sh("sh /run/ping").ok();
    for (direction, packets) in [("in", 3), ("out", 3)] {
        let seen = node.capture("veth-ns2", direction, "icmp", "sh /run/ping");
        assert_eq!(seen.len(), packets, "{direction}: {seen:#?}");
    }
    let seen = node.capture(
        "veth-ns2",
        "out",
        "icmp[icmptype] = icmp-echoreply",
        "sh /run/ping",
    );
    assert_eq!(seen, [""; 0], "replies come in by veth-ns2");
}
