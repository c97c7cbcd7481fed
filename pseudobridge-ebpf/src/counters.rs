//! Counting: every frame, by the pod that sent it and what became of it.

use aya_ebpf::bindings::BPF_NOEXIST;
use pseudobridge_common::abi::{Counter, CounterKey, Reason};

use crate::maps::COUNTERS;

/// Counts one frame of `bytes` bytes from the pod behind the host-side veth `ifindex`.
#[inline(always)]
pub(crate) fn count(ifindex: u32, reason: Reason, bytes: u32) {
    let key = CounterKey { ifindex, reason };
    let bytes = u64::from(bytes);
    if let Some(counter) = COUNTERS.get_ptr_mut(key) {
        // SAFETY: the entry is this CPU's own, and programs of one hook do not interrupt each
        // other on a CPU; it stays readable and writable until the program ends (RCU).
        let counter = unsafe { &mut *counter };
        counter.packets += 1;
        counter.bytes += bytes;
        return;
    }
    let first = Counter { packets: 1, bytes };
    if COUNTERS.insert(key, first, u64::from(BPF_NOEXIST)).is_ok() {
        return;
    }
    // Another CPU made the entry in between, with a zero for this one.
    if let Some(counter) = COUNTERS.get_ptr_mut(key) {
        // SAFETY: as above.
        unsafe { *counter = first };
    }
}
