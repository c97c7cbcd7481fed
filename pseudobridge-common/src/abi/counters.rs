//! Keys and values of the `counters` map, and the events: what the programs fill.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, TryFromBytes};

use super::Reason;

/// Which way a counted frame went, seen from the interface that it is counted for.
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    Hash,
    Immutable,
    IntoBytes,
    KnownLayout,
    Ord,
    PartialEq,
    PartialOrd,
    TryFromBytes,
)]
#[repr(u16)]
pub enum Direction {
    /// It came from the pod, or in by the uplink.
    From = 0,
    /// It was put into the pod.
    To = 1,
}

impl Direction {
    /// Both.
    pub const ALL: [Self; 2] = [Self::From, Self::To];

    /// The name by which commands and documentation know it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::From => "from",
            Self::To => "to",
        }
    }
}

/// What a counter counts: the frames from or to one pod that met one end.
#[derive(Clone, Copy, Debug, Eq, Immutable, IntoBytes, KnownLayout, PartialEq, TryFromBytes)]
#[repr(C)]
pub struct CounterKey {
    /// Index of the host-side veth, or of the uplink.
    pub ifindex: u32,
    /// What became of them.
    pub reason: Reason,
    /// Which way they went.
    pub direction: Direction,
}

const _: () = assert!(size_of::<CounterKey>() == 8 && align_of::<CounterKey>() == 4);

/// Entries of the `counters` map for each pod: it can meet every reason from its side, and the
/// forwarding ones from the other.
#[expect(clippy::cast_possible_truncation, reason = "it is 73")]
pub const COUNTERS_PER_POD: u32 = Reason::ALL.len() as u32 + 8;

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
    /// Before this time no other event is sent for this counter on this CPU: nanoseconds of
    /// `CLOCK_MONOTONIC`.
    pub quiet_until: u64,
}

const _: () = assert!(size_of::<Counter>() == 24 && align_of::<Counter>() == 8);

/// At most one event an interval is sent for each counter and CPU: nanoseconds.
pub const EVENT_INTERVAL: u64 = 100_000_000;

/// Bytes of the ring of events.
pub const EVENTS_BYTES: u32 = 1 << 18;

/// The first bytes of a frame that an event carries.
pub const EVENT_HEAD: usize = 86;

/// A frame that was dropped, punted, or showed an address to be in use twice.
#[derive(Clone, Copy, Debug, Eq, Immutable, IntoBytes, KnownLayout, PartialEq, TryFromBytes)]
#[repr(C)]
pub struct Event {
    /// When: nanoseconds of `CLOCK_MONOTONIC`, some milliseconds coarse.
    pub time: u64,
    /// How many frames this CPU has counted for the same reason: a gap to the event before tells
    /// how many went without one.
    pub packets: u64,
    /// Index of the interface that the frame came in by.
    pub ifindex: u32,
    /// What became of it.
    pub reason: Reason,
    /// How many bytes of `head` are the frame's.
    pub head_len: u16,
    /// Bytes of the frame, Ethernet header included.
    pub wire_len: u32,
    /// The frame's first bytes.
    pub head: [u8; EVENT_HEAD],
    /// Always 0.
    pub reserved: [u8; 6],
}

const _: () = assert!(size_of::<Event>() == 120 && align_of::<Event>() == 8);
