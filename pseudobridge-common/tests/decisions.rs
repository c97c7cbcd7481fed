//! The decision: the table of cases, golden bytes, and what holds for any bytes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use pseudobridge_testing::{MemoryFrame, TestPod, all, tables};
use zerocopy::FromBytes;

use pseudobridge_common::{
    abi::Reason,
    datapath::{Decision, Verdict, decide},
    wire::{
        arp::{ArpPacket, OPERATION_REPLY},
        ethernet::{self, EthernetHeader},
        ipv4::{self, Ipv4Header},
    },
};

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

/// A frame of a case with a few bytes changed, cut or lengthened; or any bytes at all.
fn frames() -> impl Strategy<Value = MemoryFrame> {
    let cases: Vec<_> = all().into_iter().map(|case| case.frame).collect();
    let edits = prop::collection::vec((0usize..60, any::<u8>()), 0..4);
    let mutated =
        (prop::sample::select(cases), edits, 0usize..80).prop_map(|(mut frame, edits, len)| {
            for (offset, value) in edits {
                if let Some(byte) = frame.bytes.get_mut(offset) {
                    *byte = value;
                }
            }
            if len < 70 {
                frame.bytes.resize(len, 0);
            }
            frame
        });
    let arbitrary = (
        prop::collection::vec(any::<u8>(), 0..80),
        prop_oneof![Just(0), any::<u32>()],
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(bytes, gso_size, vlan_tagged, segments_too_big)| MemoryFrame {
                bytes,
                gso_size,
                vlan_tagged,
                segments_too_big,
            },
        );
    prop_oneof![4 => mutated, 1 => arbitrary]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_frame_is_decided_lawfully(frame in frames()) {
        let mut after = frame.clone();
        let decision = decide(&mut after, &tables(), SENDER.ifindex());
        match decision.verdict {
            Verdict::Punt | Verdict::Drop => prop_assert_eq!(after, frame),
            Verdict::Reply => check_reply(&frame, &after)?,
            Verdict::Redirect { ifindex } => check_forwarded(&frame, &after, ifindex)?,
        }
    }
}

fn check_reply(before: &MemoryFrame, after: &MemoryFrame) -> Result<(), TestCaseError> {
    let parse = |frame: &MemoryFrame| {
        let (ethernet, rest) = EthernetHeader::read_from_prefix(&frame.bytes).unwrap();
        (ethernet, ArpPacket::read_from_prefix(rest).unwrap().0)
    };
    let ((asked_by, request), (ethernet, reply)) = (parse(before), parse(after));
    prop_assert_eq!(reply.operation.get(), OPERATION_REPLY);
    prop_assert_eq!(reply.sender_address, request.target_address);
    prop_assert_ne!(
        reply.sender_address,
        SENDER.address(),
        "the pod's own address"
    );
    prop_assert_eq!(reply.sender_mac, SENDER.host_mac());
    prop_assert_eq!(reply.target_mac, SENDER.pod_mac());
    prop_assert_eq!(ethernet.addresses.destination, asked_by.addresses.source);
    prop_assert_eq!(ethernet.addresses.source, SENDER.host_mac());
    let end = ethernet::HEADER_LEN + size_of::<ArpPacket>();
    prop_assert_eq!(&after.bytes[end..], &before.bytes[end..]);
    Ok(())
}

fn check_forwarded(
    before: &MemoryFrame,
    after: &MemoryFrame,
    ifindex: u32,
) -> Result<(), TestCaseError> {
    let header = |frame: &MemoryFrame| {
        Ipv4Header::read_from_prefix(&frame.bytes[ipv4::OFFSET..])
            .unwrap()
            .0
    };
    let (old, new) = (header(before), header(after));
    prop_assert_ne!(ifindex, SENDER.ifindex());
    prop_assert_eq!(old.source, SENDER.address());
    prop_assert!(old.hop.ttl > 1);
    prop_assert_eq!(new.hop.ttl, old.hop.ttl - 1);
    // A full sum over the new header, against the incremental update.
    prop_assert!(old.checksum_is_valid() && new.checksum_is_valid());
    let expected = [
        &after.bytes[..12],
        &before.bytes[12..ipv4::HOP_OFFSET],
        &after.bytes[ipv4::HOP_OFFSET..ipv4::HOP_OFFSET + 4],
        &before.bytes[ipv4::HOP_OFFSET + 4..],
    ];
    prop_assert_eq!(&after.bytes, &expected.concat(), "nothing else may change");
    Ok(())
}
