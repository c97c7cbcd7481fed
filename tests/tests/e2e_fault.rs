//! `up` may be aborted after any step: `PSEUDOBRIDGE_FAULT=N` ends it right after the N-th.

use tests::lab::Node;
use tests::pseudobridge::{assert_whole, binary};

/// Aborts `up` right after its first step, its second, and so on, until it has no more steps.
fn abort_at_steps(recover: impl Fn(&Node)) {
    let node = Node::new();
    let before = node.dump();
    for step in 1..500 {
        let fault = format!("PSEUDOBRIDGE_FAULT={step}");
        let up = node.run(["env", &fault, binary(), "up"]);
        if up.succeeded() {
            assert!(step > 10, "only {} steps: is the fault honoured?", step - 1);
            return;
        }
        recover(&node);
        before.assert_same(&node.dump(), &format!("up aborted after step {step}"));
    }
    panic!("up never ended");
}

#[test]
fn up_aborted_after_each_step_is_completed_by_up() {
    abort_at_steps(|node| {
        node.pseudobridge(["up"]).ok();
        assert_whole(node);
        node.pseudobridge(["down"]).ok();
    });
}

#[test]
fn up_aborted_after_each_step_is_cleared_by_down() {
    abort_at_steps(|node| {
        node.pseudobridge(["down"]).ok();
    });
}
