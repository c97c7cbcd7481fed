//! The loader of pseudobridge.

pub mod netlink;
