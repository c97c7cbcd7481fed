//! Counting: every frame, by the interface that it came in by and what became of it.

use aya_ebpf::bindings::BPF_NOEXIST;
use pseudobridge_common::{
    abi::{Counter, CounterKey, Direction, Reason},
    datapath::{Decision, Verdict},
};

use crate::{
    events::{self, Source},
    maps::COUNTERS,
};

/// Counts one frame that came in by `ingress`: there, and at the pod that it is put into. Tells of
/// it where it is out of the ordinary.
#[inline(always)]
pub(crate) fn account<S: Source>(frame: &mut S, ingress: u32, decision: &Decision) {
    let Decision { verdict, reason } = *decision;
    let bytes = frame.wire_len();
    let counter = count(ingress, reason, Direction::From, bytes);
    if let Verdict::Redirect { ifindex } = verdict {
        count(ifindex, reason, Direction::To, bytes);
    } else if is_told(verdict, reason)
        && let Some(counter) = counter
    {
        events::tell(frame, ingress, reason, counter);
    }
}

/// Whether events are made of it: of drops, of punts, and of addresses found to be in use twice; but
/// not of what passes by in masses on an uplink.
#[inline(always)]
fn is_told(verdict: Verdict, reason: Reason) -> bool {
    match verdict {
        Verdict::Drop => true,
        Verdict::Punt => !matches!(reason, Reason::NotForPod),
        Verdict::Reply => matches!(reason, Reason::ArpConflict | Reason::NdConflict),
        Verdict::Redirect { .. } | Verdict::Transmit { .. } => false,
    }
}

/// Counts one frame of `bytes` bytes, and gives its counter; none where the kernel has no memory for
/// one.
#[inline(always)]
fn count(
    ifindex: u32,
    reason: Reason,
    direction: Direction,
    bytes: u32,
) -> Option<&'static mut Counter> {
    let key = CounterKey {
        ifindex,
        reason,
        direction,
    };
    let counter = match COUNTERS.get_ptr_mut(key) {
        Some(counter) => counter,
        None => first(key)?,
    };
    // SAFETY: the entry is this CPU's own, and programs of one hook do not interrupt each other on a
    // CPU; it stays readable and writable until the program ends (RCU).
    let counter = unsafe { &mut *counter };
    counter.packets += 1;
    counter.bytes += u64::from(bytes);
    Some(counter)
}

/// Makes an entry.
#[inline(always)]
fn first(key: CounterKey) -> Option<*mut Counter> {
    let none = Counter {
        packets: 0,
        bytes: 0,
        quiet_until: 0,
    };
    // Another CPU may make it in between: then it is there, and so is this CPU's part.
    COUNTERS.insert(key, none, u64::from(BPF_NOEXIST)).ok();
    COUNTERS.get_ptr_mut(key)
}
