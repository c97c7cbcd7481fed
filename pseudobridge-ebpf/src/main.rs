//! The BPF programs of pseudobridge.
//!
//! They only turn contexts into frames and verdicts into kernel codes; what becomes of a packet is
//! decided in `pseudobridge_common::datapath`.
#![no_std]
#![no_main]
#![expect(
    clippy::inline_always,
    reason = "a BPF program is one function: its verifier then follows every bound"
)]

mod counters;
mod events;
mod frame;
mod maps;
mod tc;
mod xdp;

#[cfg(not(test))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    // Never reached: the verifier refuses a program that could loop here.
    loop {}
}

/// Helpers that redirect packets are open to any licence; declared so that tracing ones are too.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
