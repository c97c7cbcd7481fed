//! The decision: the table of cases, and golden bytes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeSet;

use pseudobridge_common::{
    abi::Reason,
    datapath::{Decision, Verdict, decide},
};
use pseudobridge_testing::{MemoryFrame, Origin, TestPod, XdpMemoryFrame, all, tables};

const SENDER: TestPod = TestPod::SENDER;

#[test]
fn every_case_comes_to_its_decision() {
    for mut case in all() {
        let before = case.frame.clone();
        let decision = case.decide();
        assert_eq!(decision, case.decision, "{}", case.name);
        let rewritten = !matches!(decision.verdict, Verdict::Punt | Verdict::Drop);
        assert_eq!(case.frame != before, rewritten, "{}: bytes", case.name);
    }
}

/// In front of the tc program, XDP takes the same decisions or leaves them to it.
#[test]
fn xdp_decides_the_same_or_passes_on() {
    let mut passed_on = BTreeSet::new();
    for case in all() {
        let Origin::Pod(pod) = case.origin else {
            continue;
        };
        let mut frame = XdpMemoryFrame(case.frame.clone());
        let decision = decide(&mut frame, &tables(), pod.ifindex());
        let mut on_tc = case.frame.clone();
        let expected = decide(&mut on_tc, &tables(), pod.ifindex());
        if decision.verdict == Verdict::Punt {
            assert_eq!(frame.0, case.frame, "{}", case.name);
            if expected.verdict != Verdict::Punt {
                passed_on.insert(case.name);
            }
        } else if !case.frame.vlan_tagged && case.frame.too_big_for.is_empty() {
            assert_eq!((decision, frame.0), (expected, on_tc), "{}", case.name);
        }
    }
    let passed_on: Vec<_> = passed_on.into_iter().collect();
    assert_eq!(
        passed_on,
        [
            // Segments do not reach XDP as such; here they have no length.
            "ipv4-big-tcp",
            "ipv4-to-remote",
            "ipv4-to-remote-from-friend",
            "ipv6-big-tcp",
            "ipv6-to-remote",
            "service-vlan-in-bytes",
            "vlan-in-bytes",
            "vlan-stacked",
        ]
    );
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
fn an_advertisement_has_golden_bytes() {
    let mut frame = named("nd-pod");
    decide(&mut frame, &tables(), SENDER.ifindex());
    let golden: [&[u8]; 7] = [
        &[2, 0, 0, 0, 1, 11, 2, 0, 0, 0, 2, 11, 0x86, 0xdd],
        &[0x60, 0, 0, 0, 0, 32, 58, 255],
        &[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0xfd, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 11],
        &[136, 0, 0x38, 0xc2, 0x40, 0, 0, 0],
        &[0xfd, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 12],
        &[2, 1, 2, 0, 0, 0, 2, 11],
    ];
    assert_eq!(frame.bytes, golden.concat());
}

#[test]
fn a_conflict_is_told_to_all_nodes() {
    let mut frame = named("nd-probe-pod");
    assert_eq!(frame.bytes.len(), 78, "no option");
    decide(&mut frame, &tables(), SENDER.ifindex());
    let golden: [&[u8]; 7] = [
        &[0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 2, 11, 0x86, 0xdd],
        &[0x60, 0, 0, 0, 0, 32, 58, 255],
        &[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        &[136, 0, 0x76, 0xe8, 0, 0, 0, 0],
        &[0xfd, 0, 0, 0, 0, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 12],
        &[2, 1, 2, 0, 0, 0, 2, 11],
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
