//! The loader of pseudobridge.

pub mod bpf;
pub mod cli;
pub mod commands;
pub mod netlink;
pub mod output;
pub mod reconcile;
pub mod topology;
pub mod verify;
