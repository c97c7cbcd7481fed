//! Nothing is lost while the datapath is switched, or its programs are replaced.

use std::thread;
use std::time::{Duration, Instant};

use tests::lab::{Node, Pod};
use tests::ping::Ping;
use tests::traffic::{End, Flood, Flooded, Stream, Streamed};

/// Two pods of both families.
const TOPOLOGY: &str = r#"
[[network]]
name = "default"
subnet = "172.30.30.0/24"
gateway = "172.30.30.1"
subnet6 = "fd00:30::/64"

[[network.pod]]
name = "ns1"
address = "172.30.30.11"
address6 = "fd00:30::11"

[[network.pod]]
name = "ns2"
address = "172.30.30.12"
address6 = "fd00:30::12"
"#;

/// Every change from one datapath to another, and 20 in all.
const SWITCHES: [&str; 20] = [
    "kernel", "tc", "xdp", "kernel", "xdp", "tc", "kernel", "tc", "xdp", "tc", "xdp", "kernel",
    "xdp", "kernel", "tc", "kernel", "xdp", "tc", "xdp", "tc",
];

const NS1: [&str; 2] = ["172.30.30.11", "fd00:30::11"];
const NS2: [&str; 2] = ["172.30.30.12", "fd00:30::12"];

/// Packets a second that a program is expected to carry without anybody falling behind.
const CALM: u32 = 1_000;

/// Packets a second at which queues fill.
const FAST: u32 = 50_000;

fn up() -> Node {
    let node = Node::new();
    node.write("/run/net.toml", TOPOLOGY);
    node.pseudobridge(["up", "-f", "/run/net.toml"]).ok();
    node
}

/// Floods of both families, a stream of each, and `ping` at its fastest, all while `change` happens.
fn during<T: Send>(node: &Node, change: impl FnOnce() -> T + Send) -> Seen {
    let (ns1, ns2) = (node.pod("ns1"), node.pod("ns2"));
    let ends = |at: usize| (End::new(&ns1, NS1[at]), End::new(&ns2, NS2[at]));
    node.sh("rm -f /run/done").ok();
    let retransmitted = || retransmitted(&ns1) + retransmitted(&ns2);
    thread::scope(|scope| {
        let pings = [NS2[0], NS2[1]].map(|to| {
            let ns1 = &ns1;
            scope.spawn(move || ping_until_done(ns1, to))
        });
        let floods = [0, 1].map(|at| Flood::start(&ends(at).0, &ends(at).1, CALM, 64));
        let before = retransmitted();
        let streams = [0, 1].map(|at| Stream::start(&ends(at).0, &ends(at).1));
        change();
        let streams = streams.map(Stream::finish);
        let retransmitted = retransmitted() - before;
        let floods = floods.map(Flood::finish);
        node.sh("touch /run/done").ok();
        let pings = pings.map(|ping| match ping.join() {
            Ok(ping) => ping,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        Seen {
            pings,
            floods,
            streams,
            retransmitted,
        }
    })
}

/// What became of the traffic.
#[derive(Debug)]
struct Seen {
    pings: [Ping; 2],
    floods: [Flooded; 2],
    streams: [Streamed; 2],
    retransmitted: u64,
}

impl Seen {
    #[track_caller]
    fn assert_lossless(&self, what: &str) {
        for flood in &self.floods {
            assert!(flood.sent > u64::from(CALM), "{what}: {flood:?}");
            assert!(flood.lost.is_empty(), "{what}: {flood:?}");
        }
        for ping in &self.pings {
            assert!(
                ping.lossless(),
                "{what}: {} of {}",
                ping.received,
                ping.sent
            );
        }
    }

    fn stall(&self) -> Duration {
        let stalls = self.streams.iter().map(|stream| stream.longest_stall);
        stalls.max().unwrap_or_default()
    }
}

/// Asks 1,000 times a second until /run/done appears.
fn ping_until_done(pod: &Pod<'_>, to: &str) -> Ping {
    let script = format!(
        "ping -n -q -i 0.001 -W 3 {to} & ping=$!
        while [ ! -e /run/done ]; do sleep 0.1; done
        kill -INT $ping; wait $ping"
    );
    Ping::of(&pod.run_for(Duration::from_mins(2), ["sh", "-c", &script]))
}

/// How many TCP segments a pod has sent once more.
fn retransmitted(pod: &Pod<'_>) -> u64 {
    let text = pod
        .sh("awk '/^Tcp: [0-9]/ { print $13 }' /proc/net/snmp")
        .ok();
    match text.trim().parse() {
        Ok(number) => number,
        Err(error) => panic!("{text:?}: {error}"),
    }
}

#[test]
fn twenty_switches_lose_nothing() {
    let node = up();
    let start = Instant::now();
    let switched = during(&node, || {
        for datapath in SWITCHES {
            node.pseudobridge(["datapath", datapath]).ok();
        }
    });
    let took = start.elapsed();
    switched.assert_lossless("switched");
    // The same with nothing happening, for as long: on a machine with few processors a stream
    // stands still at times for no fault of the network.
    let control = during(&node, || thread::sleep(took));
    control.assert_lossless("control");
    println!(
        "longest stall of a stream: {:?} while switched {} times in {took:?}, {:?} in a control run; \
         retransmitted {} and {}",
        switched.stall(),
        SWITCHES.len(),
        control.stall(),
        switched.retransmitted,
        control.retransmitted,
    );
    // A lost segment would take the retransmission timer, at least 200 ms.
    assert!(
        switched.retransmitted <= control.retransmitted,
        "{switched:?}\n{control:?}"
    );
}

/// The program that is pinned is replaced by itself, loaded anew under another name.
#[test]
fn growing_maps_and_replacing_programs_loses_nothing() {
    let node = up();
    for datapath in ["tc", "xdp"] {
        node.pseudobridge(["datapath", datapath]).ok();
        let program = || {
            let pin = "/sys/fs/bpf/pseudobridge/programs/tc";
            let shown = node.run(["bpftool", "prog", "show", "pinned", pin]).ok();
            shown.split(':').next().unwrap_or_default().to_owned()
        };
        let before = program();
        let seen = during(&node, || {
            for max_pods in [8192, 64, 4096] {
                let file = format!("datapath = \"{datapath}\"\nmax_pods = {max_pods}\n{TOPOLOGY}");
                node.write("/run/other.toml", &file);
                node.pseudobridge(["up", "-f", "/run/other.toml"]).ok();
            }
        });
        seen.assert_lossless(datapath);
        assert_ne!(program(), before, "{datapath}: a program took its place");
    }
}

/// What is lost at a rate at which queues fill was lost at a queue that says so.
#[test]
fn at_full_speed_each_lost_packet_is_accounted_for() {
    let node = up();
    let (ns1, ns2) = (node.pod("ns1"), node.pod("ns2"));
    let before = dropped(&node, &ns2);
    let flood = Flood::start(&End::new(&ns1, NS1[0]), &End::new(&ns2, NS2[0]), FAST, 64);
    for datapath in ["kernel", "tc", "xdp", "tc"] {
        node.pseudobridge(["datapath", datapath]).ok();
    }
    let flooded = flood.finish();
    let queues: u64 = dropped(&node, &ns2) - before;
    let lost = u64::try_from(flooded.lost.len()).unwrap_or(u64::MAX);
    println!(
        "{} packets sent at {FAST} a second, {lost} lost, {queues} of them at queues that were full",
        flooded.sent
    );
    assert!(flooded.sent > 10_000, "{flooded:?}");
    assert!(
        lost <= queues,
        "lost {lost}, {queues} at queues: {:?}",
        flooded.lost
    );
}

/// Packets that queues had no room for: the receiver's socket, the CPUs' backlogs, the veths.
fn dropped(node: &Node, pod: &Pod<'_>) -> u64 {
    let socket = "awk '/^Udp: [0-9]/ { print $6 }' /proc/net/snmp";
    let backlog =
        "awk '{ print $2 }' /proc/net/softnet_stat | while read hex; do echo $((0x$hex)); done";
    let veths = "cat /sys/class/net/veth-*/statistics/[rt]x_dropped";
    let mut sum = 0;
    let texts = [
        pod.sh(socket).ok(),
        node.sh(backlog).ok(),
        node.sh(veths).ok(),
        pod.sh("ip -s -j link | tr -d ' ' | grep -o '\"dropped\":[0-9]*' | cut -d: -f2")
            .ok(),
    ];
    for line in texts.iter().flat_map(|text| text.lines()) {
        sum += match line.trim().parse::<u64>() {
            Ok(number) => number,
            Err(error) => panic!("{line:?}: {error}"),
        };
    }
    sum
}
