//! `up` may be killed at any moment: another `up` completes it, and `down` clears it away.

use std::time::Duration;

use tests::lab::{Dump, Node};
use tests::pseudobridge::{assert_whole, binary};

/// Exit code that a shell gives for a child that SIGKILL ended.
const KILLED: &str = "137";

/// Moments at which `up` is killed, spread over the time that it takes.
const MOMENTS: u32 = 24;

/// Starts `up`, kills it after a while, and says whether it was still running then.
fn killed_after(node: &Node, delay: Duration) -> bool {
    let script = "\"$1\" up > /run/up.log 2>&1 & up=$!
        sleep \"$2\"
        kill -9 $up || true
        wait $up || echo $?";
    let delay = delay.as_secs_f64().to_string();
    let code = node
        .run(["sh", "-euc", script, "kill", binary(), &delay])
        .ok();
    match code.trim() {
        "" => false,
        KILLED => true,
        code => panic!(
            "up ended by itself with {code}:\n{}",
            node.sh("cat /run/up.log").ok()
        ),
    }
}

/// What must hold after an `up` that did not finish, done either way.
fn recover(node: &Node, before: &Dump, complete: bool, moment: &str) {
    if complete {
        node.pseudobridge(["up"]).ok();
        assert_whole(node);
    }
    node.pseudobridge(["down"]).ok();
    before.assert_same(
        &node.dump(),
        &format!("up killed {moment}, completed: {complete}"),
    );
}

fn kill_at_moments(complete: bool) {
    let node = Node::new();
    let before = node.dump();
    let up = node.pseudobridge(["up"]);
    let whole = up.elapsed;
    up.ok();
    node.pseudobridge(["down"]).ok();
    let mut killed = 0;
    for moment in 0..MOMENTS {
        let delay = whole * moment / MOMENTS;
        killed += u32::from(killed_after(&node, delay));
        recover(
            &node,
            &before,
            complete,
            &format!("after {delay:?} of {whole:?}"),
        );
    }
    assert!(
        killed > MOMENTS / 2,
        "only {killed} of {MOMENTS} were still running when killed"
    );
}

#[test]
fn up_killed_at_any_moment_is_completed_by_up() {
    kill_at_moments(true);
}

#[test]
fn up_killed_at_any_moment_is_cleared_by_down() {
    kill_at_moments(false);
}

/// Aborts `up` right after its first step, its second, and so on, until it has no more steps.
fn abort_at_steps(complete: bool) {
    let node = Node::new();
    let before = node.dump();
    for step in 1..500 {
        let fault = format!("PSEUDOBRIDGE_FAULT={step}");
        let up = node.run(["env", &fault, binary(), "up"]);
        if up.succeeded() {
            assert!(
                step > 10,
                "up took only {} steps: is the fault honoured?",
                step - 1
            );
            return;
        }
        recover(&node, &before, complete, &format!("at step {step} ({up})"));
    }
    panic!("up never ended");
}

#[test]
fn up_aborted_after_each_step_is_completed_by_up() {
    abort_at_steps(true);
}

#[test]
fn up_aborted_after_each_step_is_cleared_by_down() {
    abort_at_steps(false);
}
