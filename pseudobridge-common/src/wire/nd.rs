//! Neighbour discovery (RFC 4861), over `ICMPv6` (RFC 4443).

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Ipv6Address, MacAddress, U16, U32, checksum, copy_mac, ipv6};

/// Where an `ICMPv6` message stands in an untagged frame without extension headers.
pub const OFFSET: usize = ipv6::PAYLOAD_OFFSET;

/// `kind` of a router solicitation.
pub const ROUTER_SOLICITATION: u8 = 133;

/// `kind` of a router advertisement.
pub const ROUTER_ADVERTISEMENT: u8 = 134;

/// `kind` of a neighbour solicitation.
pub const NEIGHBOUR_SOLICITATION: u8 = 135;

/// `kind` of a neighbour advertisement.
pub const NEIGHBOUR_ADVERTISEMENT: u8 = 136;

/// `kind` of a redirect.
pub const REDIRECT: u8 = 137;

/// The hop limit of every message: what has come over a router is none.
pub const HOP_LIMIT: u8 = 255;

/// Flag of an advertisement: the sender is a router.
pub const ROUTER: u32 = 1 << 31;

/// Flag of an advertisement: it answers a solicitation.
pub const SOLICITED: u32 = 1 << 30;

/// Flag of an advertisement: what is known otherwise shall be replaced.
pub const OVERRIDE: u32 = 1 << 29;

/// `kind` of the option with the sender's hardware address.
pub const OPTION_SOURCE: u8 = 1;

/// `kind` of the option with the target's hardware address.
pub const OPTION_TARGET: u8 = 2;

/// A neighbour solicitation or advertisement, without its options.
#[derive(
    Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned,
)]
#[repr(C)]
pub struct Neighbour {
    /// Which of the two it is.
    pub kind: u8,
    /// Always 0.
    pub code: u8,
    /// `ICMPv6` checksum, pseudo-header included.
    pub checksum: U16,
    /// [`ROUTER`], [`SOLICITED`] and [`OVERRIDE`] in an advertisement, else reserved.
    pub flags: U32,
    /// The address that is asked for, or told of.
    pub target: Ipv6Address,
}

/// Bytes of a [`Neighbour`].
pub const NEIGHBOUR_LEN: usize = size_of::<Neighbour>();

/// The first bytes of a router solicitation, after which its options come.
pub const ROUTER_SOLICITATION_LEN: usize = 8;

/// An option of the length that a hardware address of six bytes takes.
#[derive(
    Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned,
)]
#[repr(C)]
pub struct NdOption {
    /// What it is.
    pub kind: u8,
    /// Its length in units of 8 bytes.
    pub len: u8,
    /// Its data.
    pub mac: MacAddress,
}

/// Bytes of an [`NdOption`].
pub const OPTION_LEN: usize = size_of::<NdOption>();

/// A neighbour advertisement with the target's hardware address.
#[derive(
    Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned,
)]
#[repr(C)]
pub struct Advertisement {
    /// The message.
    pub message: Neighbour,
    /// The target's hardware address.
    pub option: NdOption,
}

/// Bytes of an [`Advertisement`].
pub const ADVERTISEMENT_LEN: usize = size_of::<Advertisement>();

impl Advertisement {
    /// Turns a solicitation into the answer to it, but for the checksum; its target stays.
    #[inline(always)]
    pub fn answer(&mut self, mac: &MacAddress, flags: u32) {
        self.message.kind = NEIGHBOUR_ADVERTISEMENT;
        self.message.flags = flags.into();
        self.option.kind = OPTION_TARGET;
        self.option.len = 1;
        copy_mac(&mut self.option.mac, mac);
    }
}

/// The sum over an [`Advertisement`] without its checksum.
#[inline(always)]
#[must_use]
pub fn advertisement_sum(target: &Ipv6Address, mac: &MacAddress, flags: u32) -> u64 {
    let option = [OPTION_TARGET, 1, mac[0], mac[1]];
    checksum::words(&[NEIGHBOUR_ADVERTISEMENT, 0, 0, 0])
        + checksum::words(&flags.to_be_bytes())
        + checksum::words(target)
        + checksum::words(&option)
        + checksum::words(&[mac[2], mac[3], mac[4], mac[5]])
}

/// The sum over what `ICMPv6`'s checksum covers besides the message (RFC 8200, section 8.1).
#[inline(always)]
#[must_use]
pub fn pseudo_header(source: &Ipv6Address, destination: &Ipv6Address, len: u16) -> u64 {
    checksum::words(source)
        + checksum::words(destination)
        + u64::from(len.to_be())
        + u64::from(u16::from(ipv6::NEXT_ICMPV6).to_be())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: [u8; 8] = [0xfd, 0, 0, 0x30, 0, 0, 0, 0];

    fn address(last: u8) -> Ipv6Address {
        let mut address = [0; 16];
        address[..8].copy_from_slice(&PREFIX);
        address[15] = last;
        address
    }

    #[rustfmt::skip]
    const SOLICITATION: [u8; 32] = [
        135, 0, 0x7b, 0xf7, 0, 0, 0, 0,
        0xfd, 0, 0, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12,
        1, 1, 2, 0, 0, 0, 1, 0x11,
    ];

    #[rustfmt::skip]
    const ADVERTISEMENT: [u8; 32] = [
        136, 0, 0xcb, 0x76, 0x60, 0, 0, 0,
        0xfd, 0, 0, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12,
        2, 1, 0x52, 0x54, 0, 0, 0, 0x11,
    ];

    const MAC: MacAddress = [0x52, 0x54, 0, 0, 0, 0x11];
    const FLAGS: u32 = SOLICITED | OVERRIDE;

    /// RFC 1071 as it is written: 16 bits at a time, most significant byte first.
    fn reference(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], pair[1]]));
        }
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u16::try_from(sum).unwrap()
    }

    #[test]
    fn parses_and_emits_golden_bytes() {
        let parsed = Neighbour::read_from_prefix(&SOLICITATION).unwrap().0;
        let expected = Neighbour {
            kind: NEIGHBOUR_SOLICITATION,
            code: 0,
            checksum: 0x7bf7.into(),
            flags: 0.into(),
            target: address(0x12),
        };
        assert_eq!(parsed, expected);
        assert_eq!(expected.as_bytes(), &SOLICITATION[..24]);
        let option = NdOption::read_from_bytes(&SOLICITATION[24..]).unwrap();
        assert_eq!((option.kind, option.len), (OPTION_SOURCE, 1));
        assert_eq!(option.mac, [2, 0, 0, 0, 1, 0x11]);
    }

    #[test]
    fn answers_with_golden_bytes() {
        let mut packet = Advertisement::read_from_bytes(&SOLICITATION).unwrap();
        packet.answer(&MAC, FLAGS);
        packet.message.checksum = 0xcb76.into();
        assert_eq!(packet.as_bytes(), ADVERTISEMENT);
    }

    #[test]
    fn the_sum_is_that_of_the_bytes() {
        let mut bytes = ADVERTISEMENT;
        bytes[2..4].fill(0);
        let sum = advertisement_sum(&address(0x12), &MAC, FLAGS);
        assert_eq!(checksum::fold(sum), reference(&bytes).to_be());
    }

    #[test]
    fn the_checksum_covers_the_pseudo_header() {
        let (source, destination) = (address(0x12), address(0x11));
        let whole = [
            &source[..],
            &destination,
            &[0, 0, 0, 32, 0, 0, 0, 58],
            &ADVERTISEMENT,
        ];
        let total = pseudo_header(&source, &destination, 32) + checksum::words(&ADVERTISEMENT);
        assert_eq!(checksum::fold(total), reference(&whole.concat()).to_be());
        assert_eq!(checksum::fold(total), 0xffff, "it is right");
    }
}
