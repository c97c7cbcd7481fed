//! Wire formats, one file a protocol.
//!
//! Every header is a plain `repr(C)` struct of byte arrays and big-endian integers: alignment 1,
//! no padding, any bit pattern valid. That is what [`Header`] asks for, and what lets a header be
//! read from a packet in one bounds check.

pub mod arp;
pub mod checksum;
pub mod ethernet;
pub mod ipv4;
pub mod ipv6;
pub mod nd;

pub use zerocopy::byteorder::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// A hardware address as it stands on the wire.
pub type MacAddress = [u8; 6];

/// An IPv4 address in network byte order.
pub type Ipv4Address = [u8; 4];

/// An IPv6 address in network byte order.
pub type Ipv6Address = [u8; 16];

/// Copies a hardware address.
///
/// In two pieces that are registers' size: a copy of six bytes is compiled byte by byte for BPF.
#[inline(always)]
pub fn copy_mac(to: &mut MacAddress, from: &MacAddress) {
    to[..4].copy_from_slice(&from[..4]);
    to[4..].copy_from_slice(&from[4..]);
}

/// Anything that can be copied out of, and into, a packet byte for byte.
pub trait Header: FromBytes + IntoBytes + Immutable + KnownLayout + Unaligned + Copy {}

impl<T: FromBytes + IntoBytes + Immutable + KnownLayout + Unaligned + Copy> Header for T {}
