//! The loaded program comes to the same decisions as the code on the host, byte for byte.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::process::Command;

use nix::sched::{CloneFlags, unshare};
use pseudobridge_common::datapath::{Decision, Verdict, decide};
use pseudobridge_testing::{self as testing, Case, MemoryFrame, TestPod};
use tests::packets::LoadedProgram;

/// What no test run can stand for, and why. The first two never reach a program; `e2e_wire` sends
/// the others for real, as it does frames with a tag beside the bytes, which a test run cannot set.
const NOT_RUNNABLE: [(&str, &str); 4] = [
    ("empty", "a frame has an Ethernet header"),
    ("short-ethernet", "a frame has an Ethernet header"),
    ("ipv4-short", "a test run wants a whole IPv4 header"),
    ("ipv4-gso-too-big", "a test run has no transport header"),
];

/// `TC_ACT_*` of `include/uapi/linux/pkt_cls.h`.
const NEXT: i32 = -1;
const SHOT: i32 = 2;
const REDIRECT: i32 = 7;

#[test]
fn every_case_comes_to_its_decision_in_the_kernel_too() {
    let mut program = load();
    let mut ran = 0;
    for case in runnable() {
        let mut expected = case.frame.clone();
        let decision = decide(&mut expected, &testing::tables(), TestPod::SENDER.ifindex());
        assert_eq!(decision, case.decision, "{}: on the host", case.name);
        check(&mut program, case.name, &case.frame, &expected, decision);
        ran += 1;
    }
    assert!(ran > 60, "only {ran} cases");
}

#[test]
fn the_kernel_refuses_what_is_no_frame() {
    let mut program = load();
    for name in ["empty", "short-ethernet", "ipv4-short"] {
        let case = testing::all().into_iter().find(|case| case.name == name);
        let result = program.run(&case.unwrap().frame, TestPod::SENDER.ifindex());
        assert!(result.is_err(), "{name}");
    }
}

#[test]
fn counters_add_up_over_repeated_frames() {
    let mut program = load();
    let case = runnable().find(|case| case.name == "arp-pod").unwrap();
    for _ in 0..10 {
        let outcome = program.run(&case.frame, TestPod::SENDER.ifindex()).unwrap();
        assert_eq!(outcome.counted[&case.decision.reason], (1, 42));
    }
}

fn check(
    program: &mut LoadedProgram,
    name: &str,
    frame: &MemoryFrame,
    expected: &MemoryFrame,
    decision: Decision,
) {
    let outcome = match program.run(frame, TestPod::SENDER.ifindex()) {
        Ok(outcome) => outcome,
        Err(error) => panic!("{name}: {error:#}"),
    };
    let code = match decision.verdict {
        Verdict::Punt => NEXT,
        Verdict::Drop => SHOT,
        Verdict::Reply | Verdict::Redirect { .. } => REDIRECT,
    };
    assert_eq!(outcome.code, code, "{name}: verdict");
    let bytes = u64::try_from(frame.bytes.len()).unwrap();
    let counted = [(decision.reason, (1, bytes))].into();
    assert_eq!(outcome.counted, counted, "{name}: reason");
    assert_eq!(outcome.bytes, expected.bytes, "{name}: bytes");
}

fn runnable() -> impl Iterator<Item = Case> {
    let cases = testing::all();
    for (name, _) in NOT_RUNNABLE {
        assert!(cases.iter().any(|case| case.name == name), "no case {name}");
    }
    let is_runnable = |case: &Case| {
        !case.frame.vlan_tagged && !NOT_RUNNABLE.iter().any(|(name, _)| case.name == *name)
    };
    cases.into_iter().filter(is_runnable)
}

/// Loads the program in a network namespace of this thread's own, with veths for the pods.
fn load() -> LoadedProgram {
    assert!(
        nix::unistd::geteuid().is_root(),
        "loading programs takes root: run `cargo xtask test`"
    );
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    let tables = testing::tables();
    for index in &tables.targets {
        let commands = [
            format!("link add pod{index} index {index} type veth peer name end{index}"),
            format!("link set pod{index} up"),
            format!("link set end{index} up"),
        ];
        for command in commands {
            let status = Command::new("ip").args(command.split(' ')).status();
            assert!(status.unwrap().success(), "ip {command}");
        }
    }
    LoadedProgram::new(&tables).unwrap()
}
