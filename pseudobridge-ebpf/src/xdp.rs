//! The XDP program: a layer in front of the tc program, on host-side veths.
//!
//! It does what it is sure of. What it would punt it passes on uncounted, for the tc program to
//! decide: that one sees segmentation offload, VLAN tags and uplinks as well.

use aya_ebpf::{
    bindings::xdp_action::{XDP_ABORTED, XDP_DROP, XDP_PASS, XDP_TX},
    macros::xdp,
    programs::XdpContext,
};
use pseudobridge_common::datapath::{self, Verdict};

use crate::{
    counters,
    frame::XdpFrame,
    maps::{PinnedTables, TARGETS},
};

#[xdp(frags)]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes it so")]
fn pseudobridge_xdp(context: XdpContext) -> u32 {
    // SAFETY: the kernel hands an XDP program a valid context.
    let ingress = unsafe { (*context.ctx).ingress_ifindex };
    let mut frame = XdpFrame::new(context.ctx);
    let decision = datapath::decide(&mut frame, &PinnedTables, ingress);
    if decision.verdict == Verdict::Punt {
        return XDP_PASS;
    }
    counters::account(&mut frame, ingress, &decision);
    match decision.verdict {
        Verdict::Punt => XDP_PASS,
        Verdict::Drop => XDP_DROP,
        Verdict::Reply => XDP_TX,
        Verdict::Redirect { ifindex } | Verdict::Transmit { ifindex } => {
            // The decision has looked it up, so that a miss is a matter of nanoseconds.
            let (Ok(action) | Err(action)) = TARGETS.redirect(ifindex, u64::from(XDP_ABORTED));
            action
        }
    }
}
