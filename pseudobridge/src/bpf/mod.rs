//! BPF: where pins live, the programs and the maps. The only place that talks to aya.

pub mod bpffs;
mod counters;
mod error;
mod maps;
mod pins;
mod program;

pub use counters::{Totals, counters, forget_counters};
pub use error::Error;
pub use maps::{Entries, Maps};
pub use pins::{Pinned, Pins};
pub use program::{Attached, Program, attach, attached, detach, pinned_id, require_tcx, update};

/// The object with all programs and maps, as the build script compiled it.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/pseudobridge.bpf.o"));

/// The object, for those who run its programs on packets of their own.
#[must_use]
pub fn object() -> &'static [u8] {
    OBJECT
}
