//! What is dropped or left to the kernel is told of as it happens.

use serde_json::Value;
use tests::lab::Node;

/// A node with the default topology.
fn up() -> Node {
    let node = Node::new();
    node.pseudobridge(["up"]).ok();
    node
}

/// Runs `pseudobridge monitor` with these arguments while a script runs on the node, again and
/// again until the monitor ends.
fn monitor(node: &Node, arguments: &str, script: &str) -> String {
    node.write(
        "/run/monitor",
        &format!(
            "\"$1\" monitor {arguments} > /run/events & monitor=$!
            while kill -0 $monitor 2>/dev/null; do\n{script}\nsleep 0.1; done
            wait $monitor"
        ),
    );
    node.run(["sh", "-u", "/run/monitor", tests::pseudobridge::binary()])
        .ok();
    node.sh("cat /run/events").ok()
}

/// Sends one UDP packet from ns1 with an address that is not its own.
const SPOOF: &str = "ip netns exec ns1 ip address add 172.30.30.99/32 dev lo 2>/dev/null
    ip netns exec ns1 ping -n -c 1 -W 0.01 -I 172.30.30.99 172.30.30.12 > /dev/null";

#[test]
fn a_spoofed_packet_is_told_of() {
    let node = up();
    let events = monitor(&node, "--count 2 --reason spoofed-ipv4-source", SPOOF);
    assert_eq!(events.lines().count(), 2, "{events}");
    for event in events.lines() {
        for part in [
            "  ns1  veth-ns1  ",
            "  spoofed-ipv4-source (drop)  98 bytes  ",
            "172.30.30.99 > 172.30.30.12 ICMP type 8 code 0",
        ] {
            assert!(event.contains(part), "{part} in {event}");
        }
    }
}

#[test]
fn an_event_is_one_json_object_a_line() {
    let node = up();
    let now = node.run(["date", "-u", "+%Y-%m-%d"]).ok();
    let events = monitor(
        &node,
        "-o json --count 3 --pod ns2 --pod ns1",
        "ip netns exec ns1 arping -c 1 -w 1 -I veth-ns1-pod 172.30.30.77 > /dev/null",
    );
    assert_eq!(events.lines().count(), 3, "{events}");
    for line in events.lines() {
        let event: Value = serde_json::from_str(line).expect("an object");
        assert_eq!(event["pod"], "ns1");
        assert_eq!(event["network"], "default");
        assert_eq!(event["interface"], "veth-ns1");
        assert_eq!(event["reason"], "arp-unknown-pod");
        assert_eq!(event["verdict"], "punt");
        assert_eq!(event["length"], 42);
        assert_eq!(
            event["packet"],
            "ARP who-has 172.30.30.77 tell 172.30.30.11"
        );
        assert!(event["packets"].as_u64().is_some_and(|count| count > 1));
        let time = event["time"].as_str().expect("a time");
        assert_eq!(time.split('T').next(), Some(now.trim()), "{time}");
    }
}

#[test]
fn filters_leave_out_what_is_not_asked_for() {
    let node = up();
    let events = monitor(
        &node,
        "--count 2 --pod ns2",
        &format!(
            "{SPOOF}
            ip netns exec ns2 arping -c 1 -w 1 -I veth-ns2-pod 172.30.30.77 > /dev/null"
        ),
    );
    assert_eq!(events.lines().count(), 2, "{events}");
    assert_eq!(events.matches("  ns2  veth-ns2  ").count(), 2, "{events}");
    let refused = node
        .pseudobridge(["monitor", "--reason", "spoofed-ipv4-sorce"])
        .exits(2);
    assert!(
        refused.stderr.contains("'spoofed-ipv4-source'"),
        "{refused}"
    );
}

/// Past events are not shown, a second monitor is refused, others may change the node meanwhile,
/// and an interrupt is no error.
#[test]
fn one_monitor_watches_from_now_on_until_it_is_interrupted() {
    let node = up();
    for _ in 0..3 {
        node.sh(format!("{SPOOF}; sleep 0.15; true")).ok();
    }
    node.write(
        "/run/watch",
        "\"$1\" monitor > /run/events & monitor=$!
        sleep 1
        \"$1\" monitor --count 1 > /run/second 2>&1 && exit 7
        \"$1\" datapath kernel > /run/switched || exit 8
        kill -INT $monitor
        wait $monitor",
    );
    node.run(["sh", "-u", "/run/watch", tests::pseudobridge::binary()])
        .ok();
    let second = node.sh("cat /run/second").ok();
    assert!(second.contains("only one can at a time"), "{second}");
    let events = node.sh("cat /run/events").ok();
    assert!(!events.contains("spoofed-ipv4-source"), "{events}");
}

#[test]
fn pods_that_come_later_are_known_by_name() {
    let node = up();
    node.write(
        "/run/net.toml",
        "[[network]]
        subnet = \"172.30.30.0/24\"
        gateway = \"172.30.30.1\"
        pods = [
            { name = \"ns1\", address = \"172.30.30.11\" },
            { name = \"late\", address = \"172.30.30.20\" },
        ]",
    );
    let events = monitor(
        &node,
        "--count 1 --pod late",
        "test -e /run/netns/late || \"$1\" up -f /run/net.toml --verify none > /dev/null
        ip netns exec late arping -c 1 -w 1 -I veth-late-pod 172.30.30.77 > /dev/null",
    );
    assert!(events.contains("  late  veth-late  arp-unknown-pod"), "{events}");
}

#[test]
fn a_monitor_ends_when_there_is_nothing_to_watch() {
    let node = Node::new();
    let nothing = node.pseudobridge(["monitor"]).exits(1);
    assert!(nothing.stderr.contains("pseudobridge up"), "{nothing}");
    node.pseudobridge(["up"]).ok();
    node.write(
        "/run/watch",
        "\"$1\" monitor 2> /run/errors & monitor=$!
        sleep 1
        \"$1\" down > /dev/null
        wait $monitor",
    );
    node.run(["sh", "-u", "/run/watch", tests::pseudobridge::binary()])
        .exits(1);
    let errors = node.sh("cat /run/errors").ok();
    assert!(errors.contains("was taken down"), "{errors}");
}
