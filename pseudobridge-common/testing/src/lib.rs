//! Frames and tables in memory, and a table of cases with the decision that each must come to.
//!
//! The tests of `pseudobridge-common` and the test runs of the loaded programs use the same cases, so
//! that the two cannot come to differ unnoticed.

mod cases;
mod memory;

pub use cases::{
    Case, Origin, REMOTE, UNRESOLVED, UPLINK, all, arp_request, fix_checksum, ipv4_packet,
    ipv6_packet, solicitation, tables,
};
pub use memory::{MemoryFrame, MemoryTables, Routes, XdpMemoryFrame};

use pseudobridge_common::wire::{Ipv4Address, Ipv6Address, MacAddress};

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
    /// One of another network, which the sender's may not talk to.
    pub const FOREIGN: Self = Self(15);
    /// One of a network that the sender's may talk to, and that drops what is unknown.
    pub const FRIEND: Self = Self(16);

    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::SENDER,
        Self::TARGET,
        Self::NARROW,
        Self::GONE,
        Self::FOREIGN,
        Self::FRIEND,
    ];

    /// Its address: in 172.30.30.0/24, but for [`FOREIGN`](Self::FOREIGN) in 172.30.31.0/24 and
    /// [`FRIEND`](Self::FRIEND) in 172.30.32.0/24.
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
        let third = match self {
            Self::FOREIGN => 31,
            Self::FRIEND => 32,
            Self(_) => 30,
        };
        [172, 30, third, 0]
    }

    /// Its IPv6 address: in `fd00:0:0:1e::/64`, or the like for other networks.
    #[must_use]
    pub const fn address6(self) -> Ipv6Address {
        let mut address = self.subnet6();
        address[15] = self.0;
        address
    }

    /// The IPv6 subnet of its network, of 64 bits.
    #[must_use]
    pub const fn subnet6(self) -> Ipv6Address {
        let third = self.subnet()[2];
        [0xfd, 0, 0, 0, 0, 0, 0, third, 0, 0, 0, 0, 0, 0, 0, 0]
    }

    /// The link-local address that its kernel gives it.
    #[must_use]
    pub const fn link_local(self) -> Ipv6Address {
        let mut address = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xaa, 0];
        address[15] = self.0;
        address
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
