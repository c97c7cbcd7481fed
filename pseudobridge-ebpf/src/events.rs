//! Events: a frame that met something out of the ordinary is told of, now and then.

use aya_ebpf::helpers::generated::bpf_ktime_get_coarse_ns;
use pseudobridge_common::{
    abi::{Counter, EVENT_HEAD, EVENT_INTERVAL, Event, Reason},
    datapath::Frame,
};

use crate::maps::EVENTS;

/// A frame whose first bytes can be copied elsewhere.
pub(crate) trait Source: Frame {
    /// Copies `len` bytes, at least 1 and at most [`EVENT_HEAD`]; whether that was done.
    ///
    /// # Safety
    ///
    /// `to` must be writable.
    unsafe fn copy_head(&mut self, to: *mut [u8; EVENT_HEAD], len: u32) -> bool;
}

/// Tells of a frame, unless the same counter did so a moment ago on this CPU: no flood of frames
/// becomes a flood of events, and none hides the events of other pods, or of other reasons.
#[inline(always)]
pub(crate) fn tell<S: Source>(frame: &mut S, ifindex: u32, reason: Reason, counter: &mut Counter) {
    // SAFETY: takes nothing.
    let time = unsafe { bpf_ktime_get_coarse_ns() };
    if time < counter.quiet_until {
        return;
    }
    counter.quiet_until = time + EVENT_INTERVAL;
    // A full ring is one that nobody reads.
    let Some(mut entry) = EVENTS.reserve(0) else {
        return;
    };
    let wire_len = frame.wire_len();
    let event = entry.write(Event {
        time,
        packets: counter.packets,
        ifindex,
        reason,
        head_len: 0,
        wire_len,
        head: [0; EVENT_HEAD],
        reserved: [0; 6],
    });
    #[expect(clippy::cast_possible_truncation, reason = "it is 86")]
    let len = if wire_len < EVENT_HEAD as u32 {
        wire_len
    } else {
        EVENT_HEAD as u32
    };
    // SAFETY: the place is in the entry.
    if len > 0 && unsafe { frame.copy_head(&raw mut event.head, len) } {
        #[expect(clippy::cast_possible_truncation, reason = "it is at most 86")]
        let len = len as u16;
        event.head_len = len;
    }
    entry.submit(0);
}
