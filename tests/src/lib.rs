//! The laboratory in which pseudobridge is tried: disposable nodes in namespaces of their own, the
//! shell commands that the tool stands in for, and the helpers that the tests share.
//!
//! It is test code: what cannot go on panics at the caller's line, with the command and its output.
#![forbid(unsafe_code)]

pub mod by_hand;
pub mod lab;
pub mod packets;
pub mod ping;
pub mod pseudobridge;
pub mod stats;
pub mod traffic;
