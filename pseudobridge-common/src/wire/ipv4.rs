//! IPv4 (RFC 791).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Ipv4Address, U16, checksum, ethernet};

/// Bytes of an IPv4 header without options.
pub const HEADER_LEN: usize = size_of::<Ipv4Header>();

/// `version_ihl` of a version 4 header without options.
pub const VERSION_4_NO_OPTIONS: u8 = 0x45;

/// Where an IPv4 header stands in an untagged frame.
pub const OFFSET: usize = ethernet::HEADER_LEN;

/// Where [`Hop`] stands in an untagged frame.
pub const HOP_OFFSET: usize = OFFSET + 8;

/// The limited broadcast address (RFC 919).
pub const BROADCAST: Ipv4Address = [255; 4];

/// An IPv4 header as far as it always reaches.
#[derive(
    Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned,
)]
#[repr(C)]
pub struct Ipv4Header {
    /// Version in the upper, header length in 32-bit words in the lower four bits.
    pub version_ihl: u8,
    /// Differentiated services and congestion notification.
    pub traffic_class: u8,
    /// Bytes of header and payload; 0 in a segmentation-offload packet over 64 KiB (BIG TCP).
    pub total_len: U16,
    /// Identification of fragments.
    pub identification: U16,
    /// Flags and fragment offset.
    pub fragment: U16,
    /// What a router changes.
    pub hop: Hop,
    /// Source address.
    pub source: Ipv4Address,
    /// Destination address.
    pub destination: Ipv4Address,
}

/// The four bytes of an IPv4 header that change at each hop.
#[derive(
    Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned,
)]
#[repr(C)]
pub struct Hop {
    /// Hops left.
    pub ttl: u8,
    /// Protocol of the payload: in the same 16-bit checksum word as the TTL.
    pub protocol: u8,
    /// Header checksum.
    pub checksum: U16,
}

impl Ipv4Header {
    /// The version field: 4, or the header is not IPv4.
    #[inline(always)]
    #[must_use]
    pub const fn version(&self) -> u8 {
        self.version_ihl >> 4
    }

    /// Bytes that the header claims for itself.
    #[inline(always)]
    #[must_use]
    pub const fn header_len(&self) -> usize {
        (self.version_ihl & 0x0f) as usize * 4
    }

    /// Whether the checksum of a header without options is right.
    #[inline(always)]
    #[must_use]
    pub fn checksum_is_valid(&self) -> bool {
        let bytes: [u8; HEADER_LEN] = zerocopy::transmute!(*self);
        checksum::fold(checksum::words(&bytes)) == 0xffff
    }
}

impl Hop {
    /// One hop further: TTL less one, and the checksum adjusted for it (RFC 1624 equation 3).
    ///
    /// The caller has made sure that the TTL is not 0.
    #[inline(always)]
    #[must_use]
    pub fn forwarded(self) -> Self {
        let ttl = self.ttl.wrapping_sub(1);
        let before = u16::from_be_bytes([self.ttl, self.protocol]);
        let after = u16::from_be_bytes([ttl, self.protocol]);
        Self {
            ttl,
            checksum: checksum::updated(self.checksum.get(), before, after).into(),
            ..self
        }
    }
}

/// Whether `address` lies in `subnet` of the given mask.
#[inline(always)]
#[must_use]
pub fn in_subnet(address: Ipv4Address, subnet: Ipv4Address, mask: Ipv4Address) -> bool {
    u32::from_ne_bytes(address) & u32::from_ne_bytes(mask) == u32::from_ne_bytes(subnet)
}

/// Whether `address` is the directed broadcast address of its subnet.
#[inline(always)]
#[must_use]
pub fn is_subnet_broadcast(address: Ipv4Address, mask: Ipv4Address) -> bool {
    u32::from_ne_bytes(address) | u32::from_ne_bytes(mask) == u32::MAX
}

/// Whether `address` is a multicast group (RFC 5771).
#[inline(always)]
#[must_use]
pub const fn is_multicast(address: Ipv4Address) -> bool {
    address[0] & 0xf0 == 0xe0
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: [u8; 20] = [
        0x45, 0x00, 0x00, 0x54, 0x1c, 0x46, 0x40, 0x00, 0x40, 0x01, 0x8a, 0x0f, 172, 30, 30, 11,
        172, 30, 30, 12,
    ];

    fn header() -> Ipv4Header {
        Ipv4Header {
            version_ihl: VERSION_4_NO_OPTIONS,
            traffic_class: 0,
            total_len: 84.into(),
            identification: 0x1c46.into(),
            fragment: 0x4000.into(),
            hop: Hop {
                ttl: 64,
                protocol: 1,
                checksum: 0x8a0f.into(),
            },
            source: [172, 30, 30, 11],
            destination: [172, 30, 30, 12],
        }
    }

    #[test]
    fn parses_golden_bytes() {
        let parsed = Ipv4Header::read_from_bytes(&BYTES).unwrap();
        assert_eq!(parsed, header());
        assert_eq!((parsed.version(), parsed.header_len()), (4, 20));
    }

    #[test]
    fn emits_golden_bytes() {
        assert_eq!(header().as_bytes(), BYTES);
    }

    #[test]
    fn tells_a_good_checksum_from_a_bad_one() {
        assert!(header().checksum_is_valid());
        for offset in 0..BYTES.len() {
            let mut bytes = BYTES;
            bytes[offset] ^= 0x10;
            let broken = Ipv4Header::read_from_bytes(&bytes).unwrap();
            assert!(!broken.checksum_is_valid(), "byte {offset} changed");
        }
    }

    #[test]
    fn a_hop_keeps_the_checksum_right() {
        let hop = header().hop.forwarded();
        assert_eq!((hop.ttl, hop.protocol, hop.checksum.get()), (63, 1, 0x8b0f));
        assert!(Ipv4Header { hop, ..header() }.checksum_is_valid());
    }

    #[test]
    fn knows_multicast() {
        assert!(is_multicast([224, 0, 0, 1]) && is_multicast([239, 255, 255, 255]));
        assert!(!is_multicast([223, 0, 0, 1]) && !is_multicast([240, 0, 0, 1]));
    }

    #[test]
    fn a_subnet_ends_where_its_mask_says() {
        let subnet = [172, 30, 30, 0];
        for (mask, last, next) in [
            ([255, 255, 254, 0], [172, 30, 31, 255], [172, 30, 32, 0]),
            ([255, 255, 255, 0], [172, 30, 30, 255], [172, 30, 31, 0]),
            ([255, 255, 255, 252], [172, 30, 30, 3], [172, 30, 30, 4]),
        ] {
            assert!(in_subnet(subnet, subnet, mask) && in_subnet(last, subnet, mask));
            assert!(!in_subnet(next, subnet, mask), "{next:?}");
            assert!(is_subnet_broadcast(last, mask), "{last:?}");
            let before = [last[0], last[1], last[2], last[3] - 1];
            assert!(!is_subnet_broadcast(before, mask), "{before:?}");
        }
        // The last address of a /24 within it is nothing special in a /23.
        assert!(!is_subnet_broadcast([172, 30, 30, 255], [255, 255, 254, 0]));
    }
}
