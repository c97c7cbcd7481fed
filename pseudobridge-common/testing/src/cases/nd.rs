//! Neighbour discovery from a pod.

use pseudobridge_common::{
    abi::{GATEWAY6, Reason},
    wire::{
        Ipv6Address, checksum,
        ethernet::EthernetHeader,
        ipv6::{self, Ipv6Header},
        nd::{self, NdOption, Neighbour},
    },
};
use zerocopy::IntoBytes as _;

use super::{
    Case, FRIEND, Origin, REMOTE, SENDER, TARGET, cut, drop, frame, ipv6 as packets, punt, reply,
};
use crate::{MemoryFrame, TestPod};

/// The parts of a message.
pub struct Parts {
    /// The Ethernet header.
    pub ethernet: EthernetHeader,
    /// The IPv6 header; its length is made right after.
    pub header: Ipv6Header,
    /// The message; its checksum is made right after.
    pub message: Neighbour,
    /// Its options.
    pub options: Vec<u8>,
}

impl Parts {
    /// Asks for another address, by its solicited-node group.
    fn ask(&mut self, target: Ipv6Address) {
        self.message.target = target;
        self.header.destination = group(target);
        self.ethernet.addresses.destination = group_mac(target);
    }

    /// Asks before using it (RFC 4862, section 5.4.2).
    fn probe(&mut self, target: Ipv6Address) {
        self.ask(target);
        self.header.source = ipv6::UNSPECIFIED;
        self.options.clear();
    }

    fn option(&mut self, kind: u8, len: u8, mac: [u8; 6]) {
        let option = NdOption { kind, len, mac };
        self.options.extend_from_slice(option.as_bytes());
    }
}

fn group(target: Ipv6Address) -> Ipv6Address {
    let mut group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0];
    group[13..].copy_from_slice(&target[13..]);
    group
}

fn group_mac(target: Ipv6Address) -> [u8; 6] {
    [0x33, 0x33, 0xff, target[13], target[14], target[15]]
}

/// A solicitation by the sender for the target, edited.
pub fn solicitation(edit: impl FnOnce(&mut Parts)) -> MemoryFrame {
    let (ethernet, header) = packets::headers(|_, header| {
        header.next_header = ipv6::NEXT_ICMPV6;
        header.hop_limit = nd::HOP_LIMIT;
    });
    let message = Neighbour {
        kind: nd::NEIGHBOUR_SOLICITATION,
        code: 0,
        checksum: 0.into(),
        flags: 0.into(),
        target: TARGET.address6(),
    };
    let mut parts = Parts {
        ethernet,
        header,
        message,
        options: Vec::new(),
    };
    parts.ask(TARGET.address6());
    parts.option(nd::OPTION_SOURCE, 1, SENDER.pod_mac());
    edit(&mut parts);
    let len = nd::NEIGHBOUR_LEN + parts.options.len();
    parts.header.payload_len = u16::try_from(len).unwrap_or(u16::MAX).into();
    let sum = nd::pseudo_header(
        &parts.header.source,
        &parts.header.destination,
        parts.header.payload_len.get(),
    );
    let bytes: [u8; nd::NEIGHBOUR_LEN] = zerocopy::transmute!(parts.message);
    let options = parts.options.chunks(4).map(|word| {
        let mut padded = [0; 4];
        padded[..word.len()].copy_from_slice(word);
        checksum::words(&padded)
    });
    let sum = sum + checksum::words(&bytes) + options.sum::<u64>();
    parts.message.checksum = u16::from_be(!checksum::fold(sum)).into();
    frame(&[
        parts.ethernet.as_bytes(),
        parts.header.as_bytes(),
        parts.message.as_bytes(),
        &parts.options,
    ])
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn solicitations() -> Vec<Case> {
    let ask = |target: Ipv6Address| solicitation(move |parts| parts.ask(target));
    let probe = |target: Ipv6Address| solicitation(move |parts| parts.probe(target));
    let malformed =
        |name, edit: fn(&mut Parts)| punt(name, solicitation(edit), Reason::NdMalformed);
    let mut nobody = SENDER.address6();
    nobody[15] = 99;
    let outside = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let mut bad_checksum = solicitation(|_| {});
    bad_checksum.bytes[nd::OFFSET + 2] ^= 1;
    let unicast = |target: Ipv6Address| {
        solicitation(move |parts| {
            parts.message.target = target;
            parts.header.destination = target;
            parts.ethernet.addresses.destination = SENDER.host_mac();
        })
    };
    vec![
        reply("nd-pod", ask(TARGET.address6()), Reason::NdReplyPod),
        reply("nd-gateway", ask(GATEWAY6), Reason::NdReplyGateway),
        reply(
            "nd-pod-unicast",
            unicast(TARGET.address6()),
            Reason::NdReplyPod,
        ),
        reply(
            "nd-gateway-unicast",
            unicast(GATEWAY6),
            Reason::NdReplyGateway,
        ),
        reply(
            "nd-remote",
            ask(TestPod(REMOTE).address6()),
            Reason::NdReplyRemote,
        ),
        reply(
            "nd-link-local-source",
            solicitation(|parts| parts.header.source = SENDER.link_local()),
            Reason::NdReplyPod,
        ),
        reply(
            "nd-without-option",
            solicitation(|parts| parts.options.clear()),
            Reason::NdReplyPod,
        ),
        reply(
            "nd-nonce",
            solicitation(|parts| parts.option(14, 1, [1, 2, 3, 4, 5, 6])),
            Reason::NdReplyPod,
        ),
        reply("nd-probe-pod", probe(TARGET.address6()), Reason::NdConflict),
        reply("nd-probe-gateway", probe(GATEWAY6), Reason::NdConflict),
        reply(
            "nd-probe-remote",
            probe(TestPod(REMOTE).address6()),
            Reason::NdConflict,
        ),
        reply(
            "nd-probe-nonce",
            solicitation(|parts| {
                parts.probe(TARGET.address6());
                parts.option(14, 1, [1, 2, 3, 4, 5, 6]);
            }),
            Reason::NdConflict,
        ),
        drop(
            "nd-own-address",
            ask(SENDER.address6()),
            Reason::NdOwnAddress,
        ),
        drop(
            "nd-own-probe",
            probe(SENDER.address6()),
            Reason::NdOwnAddress,
        ),
        punt(
            "nd-own-link-local-probe",
            probe(SENDER.link_local()),
            Reason::NdOffSubnet,
        ),
        punt("nd-unknown-pod", ask(nobody), Reason::NdUnknownPod),
        punt("nd-unknown-probe", probe(nobody), Reason::NdUnknownPod),
        punt("nd-off-subnet", ask(outside), Reason::NdOffSubnet),
        drop(
            "nd-unknown-dropped",
            solicitation(|parts| {
                let mut target = FRIEND.address6();
                target[15] = 99;
                parts.ask(target);
                parts.header.source = FRIEND.address6();
                parts.ethernet.addresses.source = FRIEND.pod_mac();
                parts.options.clear();
            }),
            Reason::NdUnknownDropped,
        )
        .from(Origin::Pod(FRIEND)),
        malformed("nd-hops", |parts| parts.header.hop_limit = 254),
        malformed("nd-code", |parts| parts.message.code = 1),
        malformed("nd-group-as-target", |parts| {
            parts.message.target = ipv6::ALL_NODES;
        }),
        malformed("nd-other-group", |parts| {
            parts.header.destination = ipv6::ALL_NODES;
        }),
        malformed("nd-other-station", |parts| {
            parts.ethernet.addresses.destination = TARGET.host_mac();
        }),
        malformed("nd-probe-with-source", |parts| {
            parts.probe(TARGET.address6());
            parts.option(nd::OPTION_SOURCE, 1, SENDER.pod_mac());
        }),
        punt("nd-bad-checksum", bad_checksum, Reason::NdMalformed),
        punt(
            "nd-short",
            cut(solicitation(|_| {}), 77),
            Reason::NdMalformed,
        ),
        punt(
            "nd-short-option",
            cut(solicitation(|_| {}), 85),
            Reason::NdMalformed,
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "it is a table")]
pub(super) fn others() -> Vec<Case> {
    let kind = |kind: u8| solicitation(move |parts| parts.message.kind = kind);
    let advertise = |target: Ipv6Address| {
        solicitation(move |parts| {
            parts.message.kind = nd::NEIGHBOUR_ADVERTISEMENT;
            parts.message.target = target;
        })
    };
    let hidden = |name, edit: fn(&mut MemoryFrame)| {
        let mut frame = solicitation(|parts| parts.header.source = SENDER.link_local());
        edit(&mut frame);
        drop(name, frame, Reason::NdUnchecked)
    };
    // A listener report: behind a router alert, of which the kernel makes the most.
    let mut report = solicitation(|parts| {
        parts.header.source = SENDER.link_local();
        parts.header.next_header = ipv6::NEXT_HOP_BY_HOP;
    });
    report.bytes[ipv6::PAYLOAD_OFFSET..][..9].copy_from_slice(&[58, 0, 5, 2, 0, 0, 1, 0, 143]);
    let mut short = solicitation(|_| {});
    short.bytes[ipv6::OFFSET + 5] = 23;
    vec![
        punt(
            "nd-advertisement",
            advertise(SENDER.address6()),
            Reason::NdNotSolicitation,
        ),
        punt(
            "nd-advertisement-link-local",
            advertise(SENDER.link_local()),
            Reason::NdNotSolicitation,
        ),
        drop(
            "nd-advertisement-spoofed",
            advertise(TARGET.address6()),
            Reason::SpoofedNdTarget,
        ),
        drop(
            "nd-advertisement-spoofed-gateway",
            advertise(GATEWAY6),
            Reason::SpoofedNdTarget,
        ),
        punt(
            "nd-router-solicitation",
            kind(nd::ROUTER_SOLICITATION).tap(|bytes| {
                // Two words shorter than it was made: an option stands where the target was.
                bytes.truncate(nd::OFFSET + nd::ROUTER_SOLICITATION_LEN);
                bytes.extend([1, 1]);
                bytes.extend(SENDER.pod_mac());
                bytes[ipv6::OFFSET + 5] = 16;
            }),
            Reason::NdNotSolicitation,
        ),
        drop(
            "nd-router-solicitation-spoofed",
            kind(nd::ROUTER_SOLICITATION).tap(|bytes| {
                bytes.truncate(nd::OFFSET + nd::ROUTER_SOLICITATION_LEN);
                bytes.extend([1, 1]);
                bytes.extend(TARGET.pod_mac());
                bytes[ipv6::OFFSET + 5] = 16;
            }),
            Reason::SpoofedNdMac,
        ),
        drop(
            "nd-router-advertisement",
            kind(nd::ROUTER_ADVERTISEMENT),
            Reason::NdRouterAdvertisement,
        ),
        drop("nd-redirect", kind(nd::REDIRECT), Reason::NdRedirect),
        drop(
            "nd-spoofed-source",
            solicitation(|parts| {
                parts.options.clear();
                parts.option(nd::OPTION_SOURCE, 1, TARGET.pod_mac());
            }),
            Reason::SpoofedNdMac,
        ),
        drop(
            "nd-spoofed-later-option",
            solicitation(|parts| parts.option(nd::OPTION_TARGET, 1, TARGET.pod_mac())),
            Reason::SpoofedNdMac,
        ),
        drop(
            "nd-long-option",
            solicitation(|parts| {
                parts.options[1] = 2;
                parts.options.extend([0; 8]);
            }),
            Reason::NdUnchecked,
        ),
        drop(
            "nd-odd-option",
            solicitation(|parts| parts.options.extend([1, 1, 0, 0])),
            Reason::NdUnchecked,
        ),
        drop(
            "nd-many-options",
            solicitation(|parts| {
                for _ in 0..4 {
                    parts.option(14, 1, [0; 6]);
                }
            }),
            Reason::NdUnchecked,
        ),
        punt("nd-length-below-message", short, Reason::NdMalformed),
        hidden("nd-behind-hop-by-hop", |frame| {
            frame.bytes[ipv6::OFFSET + 6] = ipv6::NEXT_HOP_BY_HOP;
            frame.bytes[ipv6::PAYLOAD_OFFSET..][..9].copy_from_slice(&[
                58,
                0,
                5,
                2,
                0,
                0,
                1,
                0,
                nd::ROUTER_ADVERTISEMENT,
            ]);
        }),
        hidden("nd-behind-long-hop-by-hop", |frame| {
            frame.bytes[ipv6::OFFSET + 6] = ipv6::NEXT_HOP_BY_HOP;
            frame.bytes[ipv6::PAYLOAD_OFFSET..][..2].copy_from_slice(&[58, 1]);
        }),
        hidden("nd-behind-two-headers", |frame| {
            frame.bytes[ipv6::OFFSET + 6] = ipv6::NEXT_HOP_BY_HOP;
            frame.bytes[ipv6::PAYLOAD_OFFSET..][..2].copy_from_slice(&[60, 0]);
        }),
        hidden("nd-behind-destination-options", |frame| {
            frame.bytes[ipv6::OFFSET + 6] = 60;
        }),
        punt("nd-listener-report", report, Reason::Ipv6Multicast),
    ]
}

/// Changes of a frame's bytes.
trait Tap {
    fn tap(self, edit: impl FnOnce(&mut Vec<u8>)) -> Self;
}

impl Tap for MemoryFrame {
    fn tap(mut self, edit: impl FnOnce(&mut Vec<u8>)) -> Self {
        edit(&mut self.bytes);
        self
    }
}
