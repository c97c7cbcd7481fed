//! The decision: the table of cases, and golden bytes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeSet;

use pseudobridge_common::{
    abi::Reason,
    datapath::{Decision, Verdict, decide},
};
use pseudobridge_testing::{MemoryFrame, TestPod, all, tables};

const SENDER: TestPod = TestPod::SENDER;

#[test]
fn every_case_comes_to_its_decision() {
    let tables = tables();
    for mut case in all() {
        let before = case.frame.clone();
        let decision = decide(&mut case.frame, &tables, SENDER.ifindex());
        assert_eq!(decision, case.decision, "{}", case.name);
        let rewritten = matches!(decision.verdict, Verdict::Reply | Verdict::Redirect { .. });
        assert_eq!(case.frame != before, rewritten, "{}: bytes", case.name);
    }
}

#[test]
fn the_cases_meet_every_reason() {
    let met: BTreeSet<_> = all().iter().map(|case| case.decision.reason).collect();
    // The one that no frame from a pod can meet.
    let others = BTreeSet::from([Reason::UnknownPort]);
    assert_eq!(&BTreeSet::from(Reason::ALL) - &met, others);
}

#[test]
fn case_names_are_unique() {
    let cases = all();
    let names: BTreeSet<_> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len());
}

#[test]
fn a_frame_from_elsewhere_is_punted() {
    let mut frame = named("ipv4");
    let decision = decide(&mut frame, &tables(), 99);
    assert_eq!(decision, Decision::punt(Reason::UnknownPort));
}

#[test]
fn a_reply_has_golden_bytes() {
    let mut frame = named("arp-pod");
    decide(&mut frame, &tables(), SENDER.ifindex());
    let golden: [&[u8]; 4] = [
        &[2, 0, 0, 0, 1, 11, 2, 0, 0, 0, 2, 11, 0x08, 0x06],
        &[0, 1, 0x08, 0, 6, 4, 0, 2],
        &[2, 0, 0, 0, 2, 11, 172, 30, 30, 12],
        &[2, 0, 0, 0, 1, 11, 172, 30, 30, 11],
    ];
    assert_eq!(frame.bytes, golden.concat());
}

#[test]
fn a_forwarded_packet_has_golden_bytes() {
    let mut frame = named("ipv4");
    decide(&mut frame, &tables(), SENDER.ifindex());
    let golden: [&[u8]; 5] = [
        &[2, 0, 0, 0, 1, 12, 2, 0, 0, 0, 2, 12, 0x08, 0x00],
        &[0x45, 0, 0, 28, 0x1c, 0x46, 0, 0, 63, 17, 0xcb, 0x37],
        &[172, 30, 30, 11],
        &[172, 30, 30, 12],
        b"payload!",
    ];
    assert_eq!(frame.bytes, golden.concat());
}

fn named(name: &str) -> MemoryFrame {
    let case = all().into_iter().find(|case| case.name == name);
    case.unwrap().frame
}
