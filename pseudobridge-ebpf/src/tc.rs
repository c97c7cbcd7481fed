//! The tc programs: ingress of the host-side veths and of uplinks, by tcx.

use aya_ebpf::{
    bindings::{__sk_buff, TC_ACT_SHOT, TC_ACT_UNSPEC},
    helpers::{bpf_redirect, bpf_redirect_peer},
    macros::classifier,
    programs::TcContext,
};
use pseudobridge_common::datapath::{self, Decision, Verdict};

use crate::{counters, frame::SkbFrame, maps::PinnedTables};

/// On to the next program of the hook, and then the kernel (`TCX_NEXT`, include/uapi/linux/bpf.h).
const NEXT: i32 = TC_ACT_UNSPEC;

#[classifier]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes it so")]
fn pseudobridge_tc(context: TcContext) -> i32 {
    run(context.skb.skb, datapath::decide)
}

#[classifier]
#[expect(clippy::needless_pass_by_value, reason = "the macro passes it so")]
fn pseudobridge_uplink(context: TcContext) -> i32 {
    run(context.skb.skb, datapath::decide_uplink)
}

#[inline(always)]
fn run(
    skb: *mut __sk_buff,
    decide: impl FnOnce(&mut SkbFrame, &PinnedTables, u32) -> Decision,
) -> i32 {
    // SAFETY: the kernel hands a tc program a valid context.
    let ingress = unsafe { (*skb).ifindex };
    let mut frame = SkbFrame::new(skb);
    let decision = decide(&mut frame, &PinnedTables, ingress);
    counters::account(&mut frame, ingress, &decision);
    match decision.verdict {
        Verdict::Punt => NEXT,
        Verdict::Drop => TC_ACT_SHOT,
        // Not by `bpf_redirect_peer`, so that a capture on the node shows the answer as well.
        // SAFETY: plain values.
        Verdict::Reply => code(unsafe { bpf_redirect(ingress, 0) }),
        // SAFETY: plain values.
        Verdict::Redirect { ifindex } => code(unsafe { bpf_redirect_peer(ifindex, 0) }),
        // SAFETY: plain values.
        Verdict::Transmit { ifindex } => code(unsafe { bpf_redirect(ifindex, 0) }),
    }
}

/// What a redirecting helper returns is a `TC_ACT_*`, and so what the program returns.
#[expect(clippy::cast_possible_truncation, reason = "TC_ACT_* are small")]
#[inline(always)]
fn code(action: i64) -> i32 {
    action as i32
}
