//! The loader of pseudobridge.

pub mod netlink;
pub mod verify;
