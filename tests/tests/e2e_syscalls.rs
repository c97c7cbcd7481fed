//! `up` may be killed at any system call by which it changes something: before the first one,
//! before the second one, and so on, until it has no more of that kind.

use tests::lab::Node;
use tests::pseudobridge::{assert_whole, binary};

/// Kills `up` before its N-th call of any of `calls` on one thread, for each N, by strace's fault
/// injection. After every other kill `down` must leave the node as it was; in between, another
/// `up` must make the network whole.
fn kill_at_each(calls: &str, least: u32) {
    let node = Node::new();
    let before = node.dump();
    for number in 1..1000 {
        if survives_kill_at(&node, calls, number) {
            assert!(number > least, "only {} calls of {calls}", number - 1);
            return;
        }
        if number % 2 == 0 {
            node.pseudobridge(["up"]).ok();
            assert_whole(&node);
        }
        node.pseudobridge(["down"]).ok();
        before.assert_same(
            &node.dump(),
            &format!("up killed at {calls} number {number}"),
        );
    }
    panic!("up never ended");
}

/// Whether `up` ends before it comes to that call.
fn survives_kill_at(node: &Node, calls: &str, number: u32) -> bool {
    let trace = format!("--trace={calls}");
    let inject = format!("--inject={calls}:signal=SIGKILL:when={number}");
    let strace = [
        "strace",
        "--follow-forks",
        "--output=/dev/null",
        &trace,
        &inject,
    ];
    let up = [binary(), "up", "--verify", "none"];
    let output = node.run(strace.into_iter().chain(up));
    if !output.succeeded() {
        // Killed, and not failed: then it would say why.
        assert_eq!(output.stderr, "", "{output}");
    }
    output.succeeded()
}

#[test]
fn at_netlink_requests() {
    kill_at_each("sendto", 40);
}

#[test]
fn at_bpf_commands() {
    kill_at_each("bpf", 20);
}

#[test]
fn at_files_and_mounts() {
    kill_at_each("mkdir,mount,linkat,rename,unlink", 3);
}

#[test]
fn at_settings() {
    kill_at_each("write", 20);
}
