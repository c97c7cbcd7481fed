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
    let timeouts = || tcp(&ns1, "TCPTimeouts");
    thread::scope(|scope| {
        let ping = scope.spawn(|| ping_until_done(&ns1, NS2));
        let flood = Flood::start(&from, &to, CALM, 64);
        let before = timeouts();
        let stream = Stream::start(&from, &to);
        change();
        let stream = stream.finish();
        let timeouts = timeouts() - before;
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
            timeouts,
        }
    })
}

/// What became of the traffic.
#[derive(Debug)]
struct Seen {
    ping: Ping,
    flood: Flooded,
    stream: Streamed,
    /// How often the stream's sender waited in vain: so much for a lost segment.
    timeouts: u64,
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
        // Between two datapaths packets overtake each other, which a sender may take for loss and
        // send once more; but none was waited for in vain.
        assert_eq!(self.timeouts, 0, "{what}: {:?}", self.stream);
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

/// A counter of a pod's TCP, of `TcpExt` in /proc/net/netstat.
fn tcp(pod: &Pod<'_>, name: &str) -> u64 {
    let script = format!(
        "awk '/^TcpExt:/ {{
            if (!seen) {{ for (i = 1; i <= NF; i++) at[$i] = i; seen = 1 }} else print $at[\"{name}\"]
        }}' /proc/net/netstat"
    );
    let text = pod.sh(script).ok();
    match text.trim().parse() {
        Ok(number) => number,
        Err(error) => panic!("{name}: {text:?}: {error}"),
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
        "longest stall of a stream: {:?} while switched {SWITCHES} times in {took:?}, {:?} in a control run",
        switched.stream.longest_stall, control.stream.longest_stall,
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
