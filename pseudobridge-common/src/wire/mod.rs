//! Wire formats, one file a protocol.
//!
//! Every header is a plain `repr(C)` struct of byte arrays and big-endian integers: alignment 1,
//! no padding, any bit pattern valid. That is what [`Header`] asks for, and what lets a header be
//! read from a packet in one bounds check.

pub mod arp;
pub mod checksum;
pub mod ethernet;
pub mod ipv4;

pub use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, Unaligned};

/// A hardware address as it stands on the wire.
pub type MacAddress = [u8; 6];

/// An IPv4 address in network byte order.
pub type Ipv4Address = [u8; 4];

/// Anything that can be copied out of, and into, a packet byte for byte.
pub trait Header: FromBytes + IntoBytes + Immutable + Unaligned + Copy {}

impl<T: FromBytes + IntoBytes + Immutable + Unaligned + Copy> Header for T {}
