//! Packet formats, map ABI and the pure forwarding decisions of pseudobridge.
#![no_std]
#![forbid(unsafe_code)]
