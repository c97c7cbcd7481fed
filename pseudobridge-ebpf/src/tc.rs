//! The tc program: ingress of the host-side veths, by tcx.

use aya_ebpf::{
    bindings::{TC_ACT_SHOT, TC_ACT_UNSPEC},
    helpers::{bpf_redirect, bpf_redirect_peer},
    macros::classifier,
    programs::TcContext,
};
use pseudobridge_common::datapath::{self, Frame, Verdict};

use crate::{counters, frame::SkbFrame, maps::PinnedTables};

/// On to the next program of the hook, and then the kernel (`TCX_NEXT`, include/uapi/linux/bpf.h).
const NEXT: i32 = TC_ACT_UNSPEC;

#[classifier]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes it so")]
fn pseudobridge_tc(context: TcContext) -> i32 {
    let skb = context.skb.skb;
    // SAFETY: the kernel hands a tc program a valid context.
    let ingress = unsafe { (*skb).ifindex };
    let mut frame = SkbFrame::new(skb);
    let decision = datapath::decide(&mut frame, &PinnedTables, ingress);
    counters::count(ingress, decision.reason, frame.wire_len());
    match decision.verdict {
        Verdict::Punt => NEXT,
        Verdict::Drop => TC_ACT_SHOT,
        // Not by `bpf_redirect_peer`, so that a capture on the node shows the answer as well.
        // SAFETY: plain values.
        Verdict::Reply => code(unsafe { bpf_redirect(ingress, 0) }),
        // SAFETY: plain values.
        Verdict::Redirect { ifindex } => code(unsafe { bpf_redirect_peer(ifindex, 0) }),
    }
}

/// What a redirecting helper returns is a `TC_ACT_*`, and so what the program returns.
#[expect(clippy::cast_possible_truncation, reason = "TC_ACT_* are small")]
#[inline(always)]
fn code(action: i64) -> i32 {
    action as i32
}
