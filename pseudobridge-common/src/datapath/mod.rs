//! The pure forwarding decision.
//!
//! When in doubt, a frame is punted to the kernel, which has the same network configured beneath.
//! Only what is forbidden is dropped. Nothing is forwarded here that the kernel would have held
//! back: what it would not take (a wrong version, a bad checksum, lengths that do not fit, a frame
//! for another station) is punted and ends there.
//!
//! What is forbidden is looked for first, so that no oddity by which a frame is punted is a way
//! around it: a source that is not the pod's, or a network that it may not talk to. A VLAN tag is
//! none either. The kernel takes a frame of VLAN 0, a priority tag, for an untagged one
//! (`__netif_receive_skb_core`, net/core/dev.c). So a tagged frame passes the same checks, and is
//! punted only then.

mod arp;
mod frame;
mod ipv4;
mod ipv6;
mod nd;
mod reach;
mod tables;
mod uplink;
mod verdict;

pub use frame::{Aligned, Frame, Query, Route};
pub use tables::Tables;
pub use uplink::decide_uplink;
pub use verdict::{Decision, Verdict};

use crate::{
    abi::Reason,
    wire::ethernet::{
        ETHER_TYPE_ARP, ETHER_TYPE_IPV4, ETHER_TYPE_IPV6, ETHER_TYPE_SERVICE_VLAN, ETHER_TYPE_VLAN,
        EthernetHeader,
    },
};

/// Decides what becomes of a frame that came in by the host-side veth `ingress`, and rewrites the
/// frame accordingly: into the answer on [`Verdict::Reply`], for its next hop on
/// [`Verdict::Redirect`] and [`Verdict::Transmit`]. On any other verdict the frame is as it was.
#[inline(always)]
pub fn decide<F: Frame, T: Tables>(frame: &mut F, tables: &T, ingress: u32) -> Decision {
    let Some(port) = tables.port(ingress) else {
        return Decision::punt(Reason::UnknownPort);
    };
    let Some(ethernet) = frame.load::<EthernetHeader>(0) else {
        return Decision::punt(Reason::FrameTooShort);
    };
    if ethernet.addresses.source != port.pod_mac {
        return Decision::drop(Reason::SpoofedEthernetSource);
    }
    match ethernet.ether_type.get() {
        ETHER_TYPE_IPV4 => ipv4::decide(frame, tables, port, &ethernet, ingress),
        ETHER_TYPE_IPV6 => ipv6::decide(frame, tables, port, &ethernet, ingress),
        ETHER_TYPE_ARP => arp::decide(frame, tables, port, &ethernet, ingress),
        // The tc program beneath sees the same frame with its tag taken off.
        ETHER_TYPE_VLAN | ETHER_TYPE_SERVICE_VLAN if F::TAGS_IN_BYTES => {
            Decision::punt(Reason::VlanTagged)
        }
        // The kernel has put the outer tag beside the bytes, so this is an inner one. Were both of
        // VLAN 0, the kernel would look beneath, where nothing has been checked.
        ETHER_TYPE_VLAN | ETHER_TYPE_SERVICE_VLAN => Decision::drop(Reason::VlanStacked),
        _ if frame.is_vlan_tagged() => Decision::punt(Reason::VlanTagged),
        _ => Decision::punt(Reason::OtherProtocol),
    }
}
