//! `up` and `down` may be killed at any system call by which they change something: before the
//! first one, before the second one, and so on, until there are no more of that kind.

use tests::lab::Node;
use tests::pseudobridge::{assert_whole, binary};

/// Kills a command before its N-th call of any of `calls` on one thread, for each N, by strace's
/// fault injection. After every other kill `down` must leave the node as it was; in between,
/// another `up` must make the network whole.
fn kill_at_each(verb: &[&str], calls: &str, least: u32, prepare: impl Fn(&Node)) {
    let node = Node::new();
    let before = node.dump();
    for number in 1..1000 {
        prepare(&node);
        let survived = survives_kill_at(&node, verb, calls, number);
        if number % 2 == 0 {
            node.pseudobridge(["up"]).ok();
            assert_whole(&node);
        }
        node.pseudobridge(["down"]).ok();
        before.assert_same(
            &node.dump(),
            &format!("{verb:?} killed at {calls} number {number}"),
        );
        if survived {
            assert!(number > least, "only {} calls of {calls}", number - 1);
            return;
        }
    }
    panic!("{verb:?} never ended");
}

/// Whether the command ends before it comes to that call.
fn survives_kill_at(node: &Node, verb: &[&str], calls: &str, number: u32) -> bool {
    let trace = format!("--trace={calls}");
    let inject = format!("--inject={calls}:signal=SIGKILL:when={number}");
    let strace = [
        "strace",
        "--follow-forks",
        "--output=/dev/null",
        &trace,
        &inject,
        binary(),
    ];
    let output = node.run(strace.iter().chain(verb));
    if !output.succeeded() {
        // Killed, and not failed: then it would say why.
        assert_eq!(output.stderr, "", "{output}");
    }
    output.succeeded()
}

fn kill_up_at_each(calls: &str, least: u32) {
    kill_at_each(&["up", "--verify", "none"], calls, least, |_| ());
}

#[test]
fn up_at_netlink_requests() {
    kill_up_at_each("sendto", 40);
}

#[test]
fn up_at_bpf_commands() {
    kill_up_at_each("bpf", 20);
}

#[test]
fn up_at_files_and_mounts() {
    kill_up_at_each("mkdir,mount,linkat,rename,unlink", 3);
}

#[test]
fn up_at_settings() {
    kill_up_at_each("write", 20);
}

#[test]
fn down_at_netlink_requests_files_and_mounts() {
    let calls = "sendto,umount2,rename,unlink,rmdir";
    kill_at_each(&["down"], calls, 8, |node| {
        node.pseudobridge(["up", "--verify", "none"]).ok();
    });
}
