//! Nothing is lost while the datapath is switched, or its programs are replaced.

use std::thread;
use std::time::{Duration, Instant};

use tests::lab::{Node, Pod};
use tests::ping::Ping;
use tests::traffic::{End, Flood, Flooded, Stream, Streamed};

/// Two pods.
const TOPOLOGY: &str = r#"
[[network]]
name = "default"
subnet = "172.30.30.0/24"
gateway = "172.30.30.1"

[[network.pod]]
name = "ns1"
address = "172.30.30.11"

[[network.pod]]
name = "ns2"
address = "172.30.30.12"
"#;

/// How often the datapath is switched, to and fro.
const SWITCHES: usize = 20;

const NS1: &str = "172.30.30.11";
const NS2: &str = "172.30.30.12";

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

/// A flood, a stream, and `ping` at its fastest, all while `change` happens.
fn during<T: Send>(node: &Node, change: impl FnOnce() -> T + Send) -> Seen {
    let (ns1, ns2) = (node.pod("ns1"), node.pod("ns2"));
    let (from, to) = (End::new(&ns1, NS1), End::new(&ns2, NS2));
    node.sh("rm -f /run/done").ok();
    let retransmitted = || retransmitted(&ns1) + retransmitted(&ns2);
    thread::scope(|scope| {
        let ping = scope.spawn(|| ping_until_done(&ns1, NS2));
        let flood = Flood::start(&from, &to, CALM, 64);
        let before = retransmitted();
        let stream = Stream::start(&from, &to);
        change();
        let stream = stream.finish();
        let retransmitted = retransmitted() - before;
        let flood = flood.finish();
        node.sh("touch /run/done").ok();
        let ping = match ping.join() {
            Ok(ping) => ping,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        Seen {
            ping,
            flood,
            stream,
            retransmitted,
        }
    })
}

/// What became of the traffic.
#[derive(Debug)]
struct Seen {
    ping: Ping,
    flood: Flooded,
    stream: Streamed,
    retransmitted: u64,
}

impl Seen {
    #[track_caller]
    fn assert_lossless(&self, what: &str) {
        assert!(
            self.flood.sent > u64::from(CALM),
            "{what}: {:?}",
            self.flood
        );
        assert!(self.flood.lost.is_empty(), "{what}: {:?}", self.flood);
        let Ping { sent, received, .. } = self.ping;
        assert!(self.ping.lossless(), "{what}: {received} of {sent}");
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
        for datapath in ["kernel", "tc"].into_iter().cycle().take(SWITCHES) {
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
        switched.stream.longest_stall,
        SWITCHES,
        control.stream.longest_stall,
        switched.retransmitted,
        control.retransmitted,
    );
    // A lost segment would take the retransmission timer, at least 200 ms.
    assert!(
        switched.retransmitted <= control.retransmitted,
        "{switched:?}\n{control:?}"
    );
}

/// What is lost at a rate at which queues fill was lost at a queue that says so.
#[test]
fn at_full_speed_each_lost_packet_is_accounted_for() {
    let node = up();
    let (ns1, ns2) = (node.pod("ns1"), node.pod("ns2"));
    let before = dropped(&node, &ns2);
    let flood = Flood::start(&End::new(&ns1, NS1), &End::new(&ns2, NS2), FAST, 64);
    for datapath in ["kernel", "tc", "kernel", "tc"] {
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
