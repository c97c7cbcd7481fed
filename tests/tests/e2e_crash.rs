//! `up` and `down` may be killed at any moment: another `up` completes the network, and `down`
//! clears it away.

use std::time::Duration;

use tests::lab::Node;
use tests::pseudobridge::{assert_whole, binary};

/// Exit code that a shell gives for a child that SIGKILL ended.
const KILLED: &str = "137";

/// Into how many moments the time that a command takes is divided.
const MOMENTS: u32 = 30;

/// Starts a command, kills it after a while, and says whether it was still running then.
fn killed_after(node: &Node, verb: &str, delay: Duration) -> bool {
    let script = "\"$1\" \"$2\" > /run/log 2>&1 & pid=$!
        sleep \"$3\"
        kill -9 $pid || true
        wait $pid || echo $?";
    let delay = delay.as_secs_f64().to_string();
    let args = ["sh", "-euc", script, "kill", binary(), verb, &delay];
    match node.run(args).ok().trim() {
        "" => false,
        KILLED => true,
        code => panic!(
            "{verb} ended by itself with {code}:\n{}",
            node.sh("cat /run/log").ok()
        ),
    }
}

/// Kills a command at moments ever later, until it has ended before; each time, `recover` must
/// leave the node as it was before `prepare`.
fn kill_at_moments(verb: &str, prepare: impl Fn(&Node), recover: impl Fn(&Node)) {
    let node = Node::new();
    let before = node.dump();
    prepare(&node);
    let once = node.pseudobridge([verb]);
    let step = once.elapsed / MOMENTS;
    once.ok();
    recover(&node);
    let (mut moment, mut survived) = (0, 0);
    while survived < 3 {
        let delay = step * moment;
        prepare(&node);
        let killed = killed_after(&node, verb, delay);
        recover(&node);
        before.assert_same(&node.dump(), &format!("{verb} killed after {delay:?}"));
        survived = if killed { 0 } else { survived + 1 };
        moment += 1;
    }
    assert!(
        moment > MOMENTS / 3,
        "{verb} was over after {moment} moments of {step:?}"
    );
}

fn up(node: &Node) {
    node.pseudobridge(["up"]).ok();
}

fn down(node: &Node) {
    node.pseudobridge(["down"]).ok();
}

fn up_and_down(node: &Node) {
    up(node);
    assert_whole(node);
    down(node);
}

#[test]
fn up_killed_at_any_moment_is_completed_by_up() {
    kill_at_moments("up", |_| (), up_and_down);
}

#[test]
fn up_killed_at_any_moment_is_cleared_by_down() {
    kill_at_moments("up", |_| (), down);
}

#[test]
fn down_killed_at_any_moment_is_completed_by_down() {
    kill_at_moments("down", up, down);
}
