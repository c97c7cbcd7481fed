//! The loader of pseudobridge.

pub mod bpf;
pub mod topology;
