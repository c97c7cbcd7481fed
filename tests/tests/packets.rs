//! The loaded programs come to the same decisions as the code on the host, byte for byte.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeMap;
use std::process::Command;

use nix::sched::{CloneFlags, unshare};
use pseudobridge_common::abi::Direction;
use pseudobridge_common::datapath::{Decision, Verdict, decide};
use pseudobridge_testing::{
    self as testing, Case, MemoryFrame, Origin, REMOTE, TestPod, UNRESOLVED, UPLINK, XdpMemoryFrame,
};
use tests::packets::{Hook, LoadedPrograms, Outcome};

/// What no test run of a socket buffer can stand for, and why. Those too short never reach a
/// program; `e2e_wire` sends the others for real, as it does frames with a tag beside the bytes,
/// which a test run cannot set.
const NOT_RUNNABLE: [(&str, &str); 11] = [
    ("empty", "a frame has an Ethernet header"),
    ("short-ethernet", "a frame has an Ethernet header"),
    ("uplink-short-ethernet", "a frame has an Ethernet header"),
    ("ipv4-short", "a test run wants a whole IPv4 header"),
    ("uplink-ipv4-short", "a test run wants a whole IPv4 header"),
    ("ipv6-short", "a test run wants a whole IPv6 header"),
    ("ipv4-gso-too-big", "a test run has no transport header"),
    ("ipv6-gso-too-big", "a test run has no transport header"),
    (
        "ipv4-gso-too-big-for-uplink",
        "a test run has no transport header",
    ),
    (
        "ipv6-gso-too-big-for-uplink",
        "a test run has no transport header",
    ),
    (
        "uplink-ipv4-other-station",
        "a test run takes the device that it names for the target",
    ),
];

/// `TC_ACT_*` of `include/uapi/linux/pkt_cls.h`.
const NEXT: i32 = -1;
const SHOT: i32 = 2;
const REDIRECT: i32 = 7;

/// `enum xdp_action` of `include/uapi/linux/bpf.h`.
const XDP_DROP: i32 = 1;
const XDP_PASS: i32 = 2;
const XDP_TX: i32 = 3;
const XDP_REDIRECT: i32 = 4;

#[test]
fn every_case_comes_to_its_decision_in_the_kernel_too() {
    let mut programs = load();
    let mut ran = 0;
    for case in runnable() {
        let mut expected = Case {
            frame: case.frame.clone(),
            ..case
        };
        let decision = expected.decide();
        assert_eq!(decision, case.decision, "{}: on the host", case.name);
        let hook = match case.origin {
            Origin::Pod(_) => Hook::Tc,
            Origin::Uplink => Hook::Uplink,
        };
        let outcome = run(&mut programs, hook, &case);
        let code = match decision.verdict {
            Verdict::Punt => NEXT,
            Verdict::Drop => SHOT,
            Verdict::Reply | Verdict::Redirect { .. } | Verdict::Transmit { .. } => REDIRECT,
        };
        assert_eq!(outcome.code, code, "{}: verdict", case.name);
        check(&outcome, &case, &expected.frame, decision);
        ran += 1;
    }
    assert!(ran > 180, "only {ran} cases");
}

/// What XDP passes on, it has neither counted nor changed.
#[test]
fn xdp_comes_to_the_decisions_of_the_host() {
    let mut programs = load();
    let (mut ran, mut passed) = (0, 0);
    for case in testing::all() {
        let Origin::Pod(pod) = case.origin else {
            continue;
        };
        if case.frame.bytes.len() < 14 {
            continue;
        }
        let mut frame = XdpMemoryFrame(case.frame.clone());
        let decision = decide(&mut frame, &testing::tables(), pod.ifindex());
        let outcome = run(&mut programs, Hook::Xdp, &case);
        let code = match decision.verdict {
            Verdict::Punt => XDP_PASS,
            Verdict::Drop => XDP_DROP,
            Verdict::Reply => XDP_TX,
            Verdict::Redirect { .. } | Verdict::Transmit { .. } => XDP_REDIRECT,
        };
        assert_eq!(outcome.code, code, "{}: verdict", case.name);
        if decision.verdict == Verdict::Punt {
            passed += 1;
            assert_eq!(outcome.counted, BTreeMap::new(), "{}", case.name);
            assert_eq!(outcome.bytes, case.frame.bytes, "{}", case.name);
        } else {
            check(&outcome, &case, &frame.0, decision);
        }
        ran += 1;
    }
    assert!(
        ran > 160 && passed > 40,
        "{passed} of {ran} cases passed on"
    );
}

#[test]
fn the_kernel_refuses_what_is_no_frame() {
    let mut programs = load();
    for name in ["empty", "short-ethernet", "ipv4-short", "ipv6-short"] {
        let case = testing::all().into_iter().find(|case| case.name == name);
        let result = programs.run(Hook::Tc, &case.unwrap().frame, TestPod::SENDER.ifindex());
        assert!(result.is_err(), "{name}");
    }
}

#[test]
fn counters_add_up_over_repeated_frames() {
    let mut programs = load();
    let case = runnable().find(|case| case.name == "arp-pod").unwrap();
    for _ in 0..10 {
        let outcome = run(&mut programs, Hook::Tc, &case);
        let key = (case.origin.ifindex(), Direction::From, case.decision.reason);
        assert_eq!(outcome.counted[&key], (1, 42));
    }
}

#[track_caller]
fn run(programs: &mut LoadedPrograms, hook: Hook, case: &Case) -> Outcome {
    match programs.run(hook, &case.frame, case.origin.ifindex()) {
        Ok(outcome) => outcome,
        Err(error) => panic!("{}: {error:#}", case.name),
    }
}

/// Counters and bytes.
fn check(outcome: &Outcome, case: &Case, expected: &MemoryFrame, decision: Decision) {
    let name = case.name;
    assert_eq!(outcome.bytes, expected.bytes, "{name}: bytes");
    let reason = decision.reason;
    // Counted as long as it has become: an advertisement may be longer than the solicitation.
    let bytes = u64::try_from(expected.bytes.len()).unwrap();
    let mut counted = BTreeMap::new();
    counted.insert((case.origin.ifindex(), Direction::From, reason), (1, bytes));
    if let Verdict::Redirect { ifindex } = decision.verdict {
        counted.insert((ifindex, Direction::To, reason), (1, bytes));
    }
    assert_eq!(outcome.counted, counted, "{name}: reason");
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

/// Loads the programs in a network namespace of this thread's own, with veths for the pods and the
/// uplink, and the routes of the cases.
fn load() -> LoadedPrograms {
    assert!(
        nix::unistd::geteuid().is_root(),
        "loading programs takes root: run `cargo xtask test`"
    );
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    let tables = testing::tables();
    sh("sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    for index in tables.targets.iter().chain([&UPLINK]) {
        sh(&format!(
            "ip link add pod{index} index {index} address 02:00:00:00:03:{index:02x} type veth \
             peer name end{index}
             ip link set pod{index} up
             ip link set end{index} up"
        ));
    }
    let remote = TestPod(REMOTE);
    for (resolved, pod) in [(true, remote), (false, TestPod(UNRESOLVED))] {
        let address = std::net::Ipv4Addr::from(pod.address());
        let address6 = std::net::Ipv6Addr::from(pod.address6());
        for address in [address.to_string(), address6.to_string()] {
            sh(&format!("ip route add {address} dev pod{UPLINK}"));
            if resolved {
                sh(&format!(
                    "ip neigh add {address} lladdr 02:00:00:00:04:14 dev pod{UPLINK} nud permanent"
                ));
            }
        }
    }
    LoadedPrograms::new(&tables).unwrap()
}

#[track_caller]
fn sh(script: &str) {
    let status = Command::new("sh").args(["-eu", "-c", script]).status();
    assert!(status.unwrap().success(), "{script}");
}
