//! The loader of pseudobridge.

pub mod bpf;
pub mod netlink;
pub mod topology;
