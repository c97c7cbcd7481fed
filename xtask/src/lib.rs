//! Finds what compiles for BPF, and compiles the BPF object with it.
//!
//! A library apart from the `cargo xtask` command because pseudobridge's build script uses it too.

pub mod bpf_object;
pub mod toolchain;
