//! What no frame, however made, may bring about.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use pseudobridge_common::{
    abi::Reason,
    datapath::Verdict,
    wire::{
        arp::{ArpPacket, HARDWARE_ETHERNET, OPERATION_REPLY, OPERATION_REQUEST, PROBE_SENDER},
        ethernet::{self, EthernetHeader},
        ipv4::{self, Ipv4Header},
    },
};
use pseudobridge_testing::{MemoryFrame, fix_checksum};
use zerocopy::FromBytes as _;

use crate::network::{INGRESS, Network, TARGET, addresses, networks};

const CASES: u32 = 8192;

/// A frame that was lawful before a few bytes of it were changed or cut; or any bytes at all.
///
/// The IPv4 checksum is right most of the time: else it alone would stop nearly every packet.
fn frames() -> impl Strategy<Value = (Network, MemoryFrame)> {
    let beside = (
        prop_oneof![3 => Just(0), 1 => any::<u32>()],
        prop::bool::weighted(0.1),
        prop::collection::btree_set(prop::sample::select(&[INGRESS, TARGET][..]), 0..2),
    );
    let edits = prop::collection::vec((0usize..50, any::<u8>()), 0..3);
    let kind = (any::<[bool; 2]>(), addresses(), 0u16..40);
    let made = (kind, edits, 0usize..400, prop::bool::weighted(0.8)).boxed();
    let any_bytes = prop::option::weighted(0.1, prop::collection::vec(any::<u8>(), 0..80));
    (networks(), made, any_bytes, beside).prop_map(|(network, made, any_bytes, beside)| {
        let (([arp, probe], address, payload), edits, len, right) = made;
        let mut frame = if arp {
            network.arp(address, probe)
        } else {
            network.ipv4(address, payload)
        };
        for (offset, value) in edits {
            if let Some(byte) = frame.bytes.get_mut(offset) {
                *byte = value;
            }
        }
        if right && !arp {
            fix_checksum(&mut frame);
        }
        frame.bytes.truncate(len);
        if let Some(bytes) = any_bytes {
            frame.bytes = bytes;
        }
        (frame.gso_size, frame.vlan_tagged, frame.too_big_for) = beside;
        (network, frame)
    })
}

#[test]
fn any_frame_is_decided_lawfully() {
    let (replies, redirects) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(ProptestConfig::with_cases(CASES));
    let result = runner.run(&frames(), |(network, frame)| {
        let mut after = frame.clone();
        match network.decide(&mut after).verdict {
            Verdict::Punt | Verdict::Drop => prop_assert_eq!(after, frame),
            Verdict::Reply => {
                replies.set(replies.get() + 1);
                check_reply(&network, &frame, &after)?;
            }
            Verdict::Redirect { ifindex } => {
                redirects.set(redirects.get() + 1);
                prop_assert_eq!(ifindex, TARGET);
                check_forwarded(&network, &frame, &after)?;
            }
            Verdict::Transmit { .. } => prop_assert!(false, "there is no uplink"),
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    // Else the test would say little.
    for (name, met) in [("replies", replies.get()), ("redirects", redirects.get())] {
        assert!(met > CASES / 50, "{met} {name} of {CASES} frames");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn a_tag_is_no_way_around((network, frame) in frames()) {
        let decide = |vlan_tagged| {
            let mut frame = MemoryFrame { vlan_tagged, ..frame.clone() };
            (network.decide(&mut frame), frame)
        };
        let ((untagged, _), (tagged, after)) = (decide(false), decide(true));
        prop_assert_eq!(after, MemoryFrame { vlan_tagged: true, ..frame });
        if matches!(untagged.reason, Reason::ArpOwnAddress | Reason::NdOwnAddress) {
            // Dropped for its target, not for its sender.
            prop_assert_eq!(tagged.reason, Reason::VlanTagged);
        } else if untagged.verdict == Verdict::Drop {
            prop_assert_eq!(tagged, untagged);
        } else {
            prop_assert_eq!(tagged.verdict, Verdict::Punt);
        }
    }
}

fn check_reply(
    network: &Network,
    before: &MemoryFrame,
    after: &MemoryFrame,
) -> Result<(), TestCaseError> {
    let port = &network.port;
    let parse = |frame: &MemoryFrame| {
        let (ethernet, rest) = EthernetHeader::read_from_prefix(&frame.bytes).unwrap();
        (ethernet, ArpPacket::read_from_prefix(rest).unwrap().0)
    };
    let ((asked_by, request), (ethernet, reply)) = (parse(before), parse(after));
    prop_assert!(!before.vlan_tagged);
    prop_assert_eq!(asked_by.addresses.source, port.pod_mac);
    prop_assert!([ethernet::BROADCAST, port.host_mac].contains(&asked_by.addresses.destination));
    prop_assert_eq!(request.operation.get(), OPERATION_REQUEST);
    prop_assert_eq!(request.sender_mac, port.pod_mac);
    prop_assert!([port.address, PROBE_SENDER].contains(&request.sender_address));
    prop_assert!([port.gateway, network.target.0].contains(&request.target_address));

    prop_assert_eq!(reply.hardware_type.get(), HARDWARE_ETHERNET);
    prop_assert_eq!(reply.operation.get(), OPERATION_REPLY);
    prop_assert_eq!(reply.sender_address, request.target_address);
    prop_assert_eq!(reply.sender_mac, port.host_mac);
    prop_assert_eq!(reply.target_address, request.sender_address);
    prop_assert_eq!(reply.target_mac, port.pod_mac);
    prop_assert_eq!(ethernet.addresses.destination, port.pod_mac);
    prop_assert_eq!(ethernet.addresses.source, port.host_mac);
    let end = ethernet::HEADER_LEN + size_of::<ArpPacket>();
    prop_assert_eq!(&after.bytes[end..], &before.bytes[end..]);
    Ok(())
}

fn check_forwarded(
    network: &Network,
    before: &MemoryFrame,
    after: &MemoryFrame,
) -> Result<(), TestCaseError> {
    let (port, (address, pod)) = (&network.port, &network.target);
    let parse = |frame: &MemoryFrame| {
        let (ethernet, rest) = EthernetHeader::read_from_prefix(&frame.bytes).unwrap();
        (ethernet, Ipv4Header::read_from_prefix(rest).unwrap().0)
    };
    let ((came, old), (went, new)) = (parse(before), parse(after));
    prop_assert!(!before.vlan_tagged);
    prop_assert_eq!(came.addresses.source, port.pod_mac);
    prop_assert_eq!(came.addresses.destination, port.host_mac);
    prop_assert_eq!(old.version_ihl, 0x45);
    prop_assert_eq!(old.source, port.address);
    prop_assert_eq!(&old.destination, address);
    prop_assert!(old.hop.ttl > 1);
    let total = usize::from(old.total_len.get());
    prop_assert!(ipv4::OFFSET + total <= before.bytes.len());
    if before.gso_size == 0 {
        prop_assert!(total >= 20 && total <= usize::try_from(pod.mtu).unwrap());
    } else {
        prop_assert!(!before.too_big_for.contains(&pod.ifindex));
    }

    prop_assert_eq!(went.addresses.destination, pod.pod_mac);
    prop_assert_eq!(went.addresses.source, pod.host_mac);
    prop_assert_eq!(new.hop.ttl, old.hop.ttl - 1);
    // A full sum over the new header, against the incremental update.
    prop_assert!(old.checksum_is_valid() && new.checksum_is_valid());
    let expected = [
        &after.bytes[..12],
        &before.bytes[12..ipv4::HOP_OFFSET],
        &[after.bytes[ipv4::HOP_OFFSET], old.hop.protocol],
        &after.bytes[ipv4::HOP_OFFSET + 2..ipv4::HOP_OFFSET + 4],
        &before.bytes[ipv4::HOP_OFFSET + 4..],
    ];
    prop_assert_eq!(&after.bytes, &expected.concat(), "nothing else may change");
    Ok(())
}
