//! Frames and tables in memory, and a table of cases with the decision that each must come to.
//!
//! The tests of `pseudobridge-common` and the test runs of the loaded programs use the same cases, so
//! that the two cannot come to differ unnoticed.

mod cases;
mod memory;

pub use cases::{Case, all, arp_request, fix_checksum, ipv4_packet, tables};
pub use memory::{MemoryFrame, MemoryTables};

use pseudobridge_common::wire::{Ipv4Address, MacAddress};

/// A pod of the test network, by the number that everything about it is derived from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TestPod(pub u8);

impl TestPod {
    /// The one that sends.
    pub const SENDER: Self = Self(11);
    /// The one that is sent to.
    pub const TARGET: Self = Self(12);
    /// One with an MTU of 1400 bytes.
    pub const NARROW: Self = Self(13);
    /// One whose host-side veth is gone, though its entry is still there.
    pub const GONE: Self = Self(14);
    /// One of another network.
    pub const FOREIGN: Self = Self(15);

    /// Its address: in 172.30.30.0/24, but for [`FOREIGN`](Self::FOREIGN) in 172.30.31.0/24.
    #[must_use]
    pub const fn address(self) -> Ipv4Address {
        [172, 30, self.subnet()[2], self.0]
    }

    /// The gateway of its network.
    #[must_use]
    pub const fn gateway(self) -> Ipv4Address {
        [172, 30, self.subnet()[2], 1]
    }

    /// The subnet of its network, of 24 bits.
    #[must_use]
    pub const fn subnet(self) -> Ipv4Address {
        let third = if self.0 == Self::FOREIGN.0 { 31 } else { 30 };
        [172, 30, third, 0]
    }

    /// The hardware address of its end.
    #[must_use]
    pub const fn pod_mac(self) -> MacAddress {
        [2, 0, 0, 0, 1, self.0]
    }

    /// The hardware address of its host-side veth.
    #[must_use]
    pub const fn host_mac(self) -> MacAddress {
        [2, 0, 0, 0, 2, self.0]
    }

    /// The index of its host-side veth.
    #[must_use]
    pub const fn ifindex(self) -> u32 {
        self.0 as u32
    }

    /// Its MTU in bytes.
    #[must_use]
    pub const fn mtu(self) -> u32 {
        if self.0 == Self::NARROW.0 { 1400 } else { 1500 }
    }
}
