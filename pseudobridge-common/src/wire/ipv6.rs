//! IPv6 (RFC 8200).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Ipv6Address, U16, U32, ethernet};

/// Bytes of an IPv6 header.
pub const HEADER_LEN: usize = size_of::<Ipv6Header>();

/// Where an IPv6 header stands in an untagged frame.
pub const OFFSET: usize = ethernet::HEADER_LEN;

/// Where the hop limit stands in an untagged frame.
pub const HOP_LIMIT_OFFSET: usize = OFFSET + 7;

/// Where what follows the IPv6 header stands in an untagged frame.
pub const PAYLOAD_OFFSET: usize = OFFSET + HEADER_LEN;

/// `next_header` of hop-by-hop options.
pub const NEXT_HOP_BY_HOP: u8 = 0;

/// `next_header` of TCP.
pub const NEXT_TCP: u8 = 6;

/// `next_header` of a fragment.
pub const NEXT_FRAGMENT: u8 = 44;

/// `next_header` of `ICMPv6`.
pub const NEXT_ICMPV6: u8 = 58;

/// `next_header` where nothing follows.
pub const NEXT_NONE: u8 = 59;

/// The unspecified address.
pub const UNSPECIFIED: Ipv6Address = [0; 16];

/// All nodes of the link.
pub const ALL_NODES: Ipv6Address = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// An IPv6 header.
#[derive(
    Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned,
)]
#[repr(C)]
pub struct Ipv6Header {
    /// Version in the upper four bits, then traffic class and flow label.
    pub version_class_flow: U32,
    /// Bytes after this header; 0 in a packet over 64 KiB.
    pub payload_len: U16,
    /// What follows.
    pub next_header: u8,
    /// Hops left.
    pub hop_limit: u8,
    /// Source address.
    pub source: Ipv6Address,
    /// Destination address.
    pub destination: Ipv6Address,
}

/// A hop-by-hop header with nothing but a jumbo payload option (RFC 2675): what the kernel puts
/// into a segmentation-offload packet over 64 KiB (`struct hop_jumbo_hdr`, include/net/ipv6.h).
#[derive(
    Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned,
)]
#[repr(C)]
pub struct HopByHop {
    /// What follows.
    pub next_header: u8,
    /// Length in units of 8 bytes, the first 8 not counted.
    pub header_len: u8,
    /// Type of the first option.
    pub option_type: u8,
    /// Length of the first option's data in bytes.
    pub option_len: u8,
    /// The first four bytes of the option's data: for a jumbo payload its length.
    pub option_data: U32,
}

/// `option_type` of a jumbo payload.
pub const OPTION_JUMBO: u8 = 0xc2;

impl Ipv6Header {
    /// The version field: 6, or the header is not IPv6.
    #[inline(always)]
    #[must_use]
    pub fn version(&self) -> u8 {
        self.version_class_flow.as_bytes()[0] >> 4
    }
}

impl HopByHop {
    /// Whether it is what the kernel makes for BIG TCP (`ipv6_has_hopopt_jumbo`).
    #[inline(always)]
    #[must_use]
    pub const fn is_big_tcp(&self) -> bool {
        self.next_header == NEXT_TCP
            && self.header_len == 0
            && self.option_type == OPTION_JUMBO
            && self.option_len == 4
    }
}

/// Whether `address` lies in `prefix` of the given mask.
#[inline(always)]
#[must_use]
pub fn in_prefix(address: &Ipv6Address, prefix: &Ipv6Address, mask: &Ipv6Address) -> bool {
    let [a, b] = halves(address);
    let [mask_a, mask_b] = halves(mask);
    [a & mask_a, b & mask_b] == halves(prefix)
}

/// Whether two addresses are the same: compared by registers, not byte by byte.
#[inline(always)]
#[must_use]
pub fn equal(one: &Ipv6Address, other: &Ipv6Address) -> bool {
    halves(one) == halves(other)
}

/// Whether `address` is `::`.
#[inline(always)]
#[must_use]
pub fn is_unspecified(address: &Ipv6Address) -> bool {
    halves(address) == [0; 2]
}

/// Whether `address` is a multicast group (RFC 4291, section 2.7).
#[inline(always)]
#[must_use]
pub const fn is_multicast(address: &Ipv6Address) -> bool {
    address[0] == 0xff
}

/// Whether `address` is a unicast address of the link (RFC 4291, section 2.5.6).
#[inline(always)]
#[must_use]
pub const fn is_link_local(address: &Ipv6Address) -> bool {
    address[0] == 0xfe && address[1] & 0xc0 == 0x80
}

/// Whether `group` is the solicited-node group of `address` (RFC 4291, section 2.7.1).
#[inline(always)]
#[must_use]
pub fn is_solicited_node(group: &Ipv6Address, address: &Ipv6Address) -> bool {
    let [scope, rest] = halves(group);
    let [_, of_address] = halves(address);
    let last_three = 0x00ff_ffff_u64.to_be();
    scope == 0xff02_u64.rotate_right(16).to_be()
        && rest & !last_three == 0x0000_0001_ff00_0000_u64.to_be()
        && (rest ^ of_address) & last_three == 0
}

#[inline(always)]
fn halves(address: &Ipv6Address) -> [u64; 2] {
    zerocopy::transmute!(*address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip]
    const BYTES: [u8; 40] = [
        0x60, 0x0a, 0xbc, 0xde, 0x00, 0x40, 58, 64,
        0xfd, 0, 0, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x11,
        0xfd, 0, 0, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12,
    ];

    fn address(last: u8) -> Ipv6Address {
        [0xfd, 0, 0, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]
    }

    fn header() -> Ipv6Header {
        Ipv6Header {
            version_class_flow: 0x600a_bcde.into(),
            payload_len: 64.into(),
            next_header: NEXT_ICMPV6,
            hop_limit: 64,
            source: address(0x11),
            destination: address(0x12),
        }
    }

    #[test]
    fn parses_golden_bytes() {
        let parsed = Ipv6Header::read_from_bytes(&BYTES).unwrap();
        assert_eq!(parsed, header());
        assert_eq!(parsed.version(), 6);
        assert_eq!(BYTES[HOP_LIMIT_OFFSET - OFFSET], parsed.hop_limit);
    }

    #[test]
    fn emits_golden_bytes() {
        assert_eq!(header().as_bytes(), BYTES);
    }

    #[test]
    fn a_jumbo_payload_is_told_from_other_options() {
        let bytes = [6, 0, 0xc2, 4, 0, 2, 0, 0];
        let hop = HopByHop::read_from_bytes(&bytes).unwrap();
        assert!(hop.is_big_tcp());
        assert_eq!(hop.option_data.get(), 0x20000);
        assert_eq!(hop.as_bytes(), bytes);
        for (offset, value) in [(0, 17), (1, 1), (2, 5), (3, 2)] {
            let mut other = bytes;
            other[offset] = value;
            let other = HopByHop::read_from_bytes(&other).unwrap();
            assert!(!other.is_big_tcp(), "byte {offset} = {value}");
        }
    }

    #[test]
    fn a_prefix_ends_where_its_mask_says() {
        let mut mask = [0; 16];
        mask[..8].fill(0xff);
        let prefix = address(0);
        assert!(in_prefix(&address(0xff), &prefix, &mask));
        let mut next = address(1);
        next[7] = 1;
        assert!(!in_prefix(&next, &prefix, &mask));
        mask[8] = 0x80;
        let mut upper = address(1);
        upper[8] = 0x80;
        assert!(!in_prefix(&upper, &prefix, &mask));
        upper[8] = 0x7f;
        assert!(in_prefix(&upper, &prefix, &mask));
    }

    #[test]
    fn knows_scopes() {
        let link_local = |second| {
            let mut address = address(1);
            (address[0], address[1]) = (0xfe, second);
            is_link_local(&address)
        };
        assert!(link_local(0x80) && link_local(0xbf));
        assert!(!link_local(0x7f) && !link_local(0xc0) && !is_link_local(&address(1)));
        assert!(is_multicast(&ALL_NODES) && !is_multicast(&address(1)));
        assert!(is_unspecified(&UNSPECIFIED) && !is_unspecified(&address(1)));
        assert!(equal(&address(1), &address(1)) && !equal(&address(1), &address(2)));
    }

    #[test]
    fn knows_solicited_node_groups() {
        let group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0x12];
        assert!(is_solicited_node(&group, &address(0x12)));
        assert!(!is_solicited_node(&group, &address(0x13)));
        assert!(!is_solicited_node(&ALL_NODES, &address(1)));
    }
}
