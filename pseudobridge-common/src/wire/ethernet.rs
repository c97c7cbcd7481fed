//! Ethernet II (IEEE 802.3 clause 3).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{MacAddress, U16, copy_mac};

/// The broadcast hardware address.
pub const BROADCAST: MacAddress = [0xff; 6];

/// Where IPv6's all-nodes group goes (RFC 2464, section 7).
pub const ALL_NODES_V6: MacAddress = [0x33, 0x33, 0, 0, 0, 1];

/// `EtherType` of IPv4.
pub const ETHER_TYPE_IPV4: u16 = 0x0800;

/// `EtherType` of ARP.
pub const ETHER_TYPE_ARP: u16 = 0x0806;

/// `EtherType` of IPv6.
pub const ETHER_TYPE_IPV6: u16 = 0x86dd;

/// `EtherType` of an 802.1Q tag.
pub const ETHER_TYPE_VLAN: u16 = 0x8100;

/// `EtherType` of an 802.1ad service tag.
pub const ETHER_TYPE_SERVICE_VLAN: u16 = 0x88a8;

/// Bytes of an Ethernet header.
pub const HEADER_LEN: usize = size_of::<EthernetHeader>();

/// The two addresses that a forwarded or answered frame gets anew.
#[derive(
    Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned,
)]
#[repr(C)]
pub struct EthernetAddresses {
    /// Who is to take the frame.
    pub destination: MacAddress,
    /// Who sent the frame.
    pub source: MacAddress,
}

impl EthernetAddresses {
    /// Takes new addresses.
    #[inline(always)]
    pub fn set(&mut self, destination: &MacAddress, source: &MacAddress) {
        copy_mac(&mut self.destination, destination);
        copy_mac(&mut self.source, source);
    }
}

/// An Ethernet II header without a tag.
#[derive(
    Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned,
)]
#[repr(C)]
pub struct EthernetHeader {
    /// Destination and source.
    pub addresses: EthernetAddresses,
    /// What the payload is.
    pub ether_type: U16,
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 14] = [
        0x5a, 0x9a, 0x10, 0xbb, 0xcf, 0x7c, 0xe6, 0xd3, 0xf6, 0xab, 0xe0, 0x09, 0x08, 0x06,
    ];

    fn header() -> EthernetHeader {
        EthernetHeader {
            addresses: EthernetAddresses {
                destination: [0x5a, 0x9a, 0x10, 0xbb, 0xcf, 0x7c],
                source: [0xe6, 0xd3, 0xf6, 0xab, 0xe0, 0x09],
            },
            ether_type: ETHER_TYPE_ARP.into(),
        }
    }

    #[test]
    fn parses_golden_bytes() {
        assert_eq!(EthernetHeader::read_from_bytes(&BYTES).unwrap(), header());
    }

    #[test]
    fn emits_golden_bytes() {
        assert_eq!(header().as_bytes(), BYTES);
    }
}
