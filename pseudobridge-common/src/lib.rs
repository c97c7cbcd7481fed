//! What the BPF programs and the loader share: wire formats, the layout of the maps, and the
//! forwarding decisions themselves.
//!
//! Nothing here touches a kernel interface. [`datapath::decide`] works over two small traits, a
//! [`datapath::Frame`] and [`datapath::Tables`], so the very same code runs inside the kernel, in
//! unit tests on the host, and wherever a packet's fate is to be explained.
#![no_std]
#![forbid(unsafe_code)]
#![expect(
    clippy::inline_always,
    reason = "a BPF program is one function: its verifier then follows every bound"
)]

#[cfg(test)]
extern crate std;

pub mod abi;
pub mod datapath;
pub mod wire;
