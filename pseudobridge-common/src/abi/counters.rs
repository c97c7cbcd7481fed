//! Keys and values of the `counters` map, which the programs fill.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, TryFromBytes};

use super::Reason;

/// What a counter counts: the frames from one pod that met one end.
#[derive(Clone, Copy, Debug, Eq, Immutable, IntoBytes, KnownLayout, PartialEq, TryFromBytes)]
#[repr(C)]
pub struct CounterKey {
    /// Index of the host-side veth that the frames came in by.
    pub ifindex: u32,
    /// What became of them.
    pub reason: Reason,
}

const _: () = assert!(size_of::<CounterKey>() == 8 && align_of::<CounterKey>() == 4);

/// One CPU's share of a counter.
#[derive(
    Clone, Copy, Debug, Default, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq,
)]
#[repr(C)]
pub struct Counter {
    /// Frames; a segmentation-offload packet is one.
    pub packets: u64,
    /// Bytes of these frames, Ethernet header included.
    pub bytes: u64,
}

const _: () = assert!(size_of::<Counter>() == 16 && align_of::<Counter>() == 8);
