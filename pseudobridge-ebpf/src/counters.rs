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
    match verdict {
        Verdict::Redirect { ifindex } => {
            count(ingress, reason, Direction::From, bytes);
            count(ifindex, reason, Direction::To, bytes);
        }
        Verdict::Transmit { .. } => {
            count(ingress, reason, Direction::From, bytes);
        }
        Verdict::Reply if !matches!(reason, Reason::ArpConflict | Reason::NdConflict) => {
            count(ingress, reason, Direction::From, bytes);
        }
        // By far the most of what comes in by an uplink.
        Verdict::Punt if matches!(reason, Reason::NotForPod) => {
            count(ingress, reason, Direction::From, bytes);
        }
        Verdict::Punt | Verdict::Drop | Verdict::Reply => {
            if let Some(counter) = count(ingress, reason, Direction::From, bytes) {
                events::tell(frame, ingress, reason, counter);
            }
        }
    }
}

/// Counts one frame of `bytes` bytes. The counter, where it is an old one: the first frame of each
/// kind goes without.
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
    if COUNTERS.get_ptr_mut(key).is_none() {
        // Another CPU may make the entry in between: so much the better.
        let none = Counter {
            packets: 0,
            bytes: 0,
            quiet_until: 0,
        };
        let _ = COUNTERS.insert(key, none, u64::from(BPF_NOEXIST));
    }
    let counter = COUNTERS.get_ptr_mut(key)?;
    // SAFETY: the entry is this CPU's own, and programs of one hook do not interrupt each other on a
    // CPU; it stays readable and writable until the program ends (RCU).
    let counter = unsafe { &mut *counter };
    counter.packets += 1;
    counter.bytes += u64::from(bytes);
    Some(counter)
}
