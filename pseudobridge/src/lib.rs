//! The loader of pseudobridge.

pub mod bpf;
pub mod cli;
pub mod netlink;
pub mod output;
pub mod topology;
