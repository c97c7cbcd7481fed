//! BPF: where pins live, the programs and the maps. The only place that talks to aya.

mod attach;
pub mod bpffs;
mod counters;
mod error;
mod events;
mod grow;
mod hook;
mod maps;
mod pins;
mod program;
mod shape;

pub use attach::{
    Attached, attach, attach_xdp, attached, attached_xdp, detach, require_tcx, update,
};
pub use counters::{InterfaceCounters, Totals, counters, forget_counters};
pub use error::Error;
pub use events::Events;
pub use hook::{Hook, XdpMode};
pub use maps::{Entries, Maps, max_pods};
pub use pins::{Pinned, Pins};
pub use program::{Program, pinned_id};

/// The object with all programs and maps, as the build script compiled it.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/pseudobridge.bpf.o"));

/// The object, for those who run its programs on packets of their own.
#[must_use]
pub fn object() -> &'static [u8] {
    OBJECT
}
