//! ARP for IPv4 over Ethernet (RFC 826; probes and announcements: RFC 5227).

use core::mem;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Ipv4Address, MacAddress, U16, copy_mac, ethernet};

/// Hardware type of Ethernet.
pub const HARDWARE_ETHERNET: u16 = 1;

/// Hardware type of IEEE 802 networks, which the kernel takes for Ethernet as well.
pub const HARDWARE_IEEE_802: u16 = 6;

/// Operation: who has the target address?
pub const OPERATION_REQUEST: u16 = 1;

/// Operation: I have the sender address.
pub const OPERATION_REPLY: u16 = 2;

/// The sender address of a probe (RFC 5227 section 2.1.1).
pub const PROBE_SENDER: Ipv4Address = [0; 4];

/// Bytes of an ARP packet for IPv4 over Ethernet.
pub const PACKET_LEN: usize = size_of::<ArpPacket>();

/// An ARP packet for IPv4 over Ethernet.
#[derive(
    Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq, Unaligned,
)]
#[repr(C)]
pub struct ArpPacket {
    /// [`HARDWARE_ETHERNET`] or [`HARDWARE_IEEE_802`] here.
    pub hardware_type: U16,
    /// Always [`ethernet::ETHER_TYPE_IPV4`] here.
    pub protocol_type: U16,
    /// Always 6 here.
    pub hardware_len: u8,
    /// Always 4 here.
    pub protocol_len: u8,
    /// Request, reply, or something else.
    pub operation: U16,
    /// Hardware address of the sender.
    pub sender_mac: MacAddress,
    /// IPv4 address of the sender, [`PROBE_SENDER`] in a probe.
    pub sender_address: Ipv4Address,
    /// Hardware address of the target; of no meaning in a request.
    pub target_mac: MacAddress,
    /// IPv4 address that is asked for.
    pub target_address: Ipv4Address,
}

impl ArpPacket {
    /// Whether this is ARP for IPv4 over Ethernet at all.
    ///
    /// By the rules of the kernel's `arp_process` (net/ipv4/arp.c): a packet that the kernel would
    /// act on must not pass here as something else.
    #[inline(always)]
    #[must_use]
    pub fn is_ipv4_over_ethernet(&self) -> bool {
        let hardware_type = self.hardware_type.get();
        self.protocol_type.get() == ethernet::ETHER_TYPE_IPV4
            && self.hardware_len == 6
            && self.protocol_len == 4
            && (hardware_type == HARDWARE_ETHERNET || hardware_type == HARDWARE_IEEE_802)
    }

    /// Turns this request into its answer: the target address is at `mac`.
    ///
    /// Like the kernel's `arp_process`, the answer goes to the request's sender, and is of type
    /// [`HARDWARE_ETHERNET`] whatever the request was.
    #[inline(always)]
    pub fn answer(&mut self, mac: &MacAddress) {
        self.hardware_type = HARDWARE_ETHERNET.into();
        self.operation = OPERATION_REPLY.into();
        copy_mac(&mut self.target_mac, &self.sender_mac);
        copy_mac(&mut self.sender_mac, mac);
        mem::swap(&mut self.sender_address, &mut self.target_address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: [u8; 28] = [
        0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01, // Ethernet, IPv4, request
        0xe6, 0xd3, 0xf6, 0xab, 0xe0, 0x09, 172, 30, 30, 11, // sender
        0, 0, 0, 0, 0, 0, 172, 30, 30, 12, // target
    ];
    const REPLY: [u8; 28] = [
        0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x02, // Ethernet, IPv4, reply
        0x5a, 0x9a, 0x10, 0xbb, 0xcf, 0x7c, 172, 30, 30, 12, // sender
        0xe6, 0xd3, 0xf6, 0xab, 0xe0, 0x09, 172, 30, 30, 11, // target
    ];

    fn request() -> ArpPacket {
        ArpPacket {
            hardware_type: HARDWARE_ETHERNET.into(),
            protocol_type: ethernet::ETHER_TYPE_IPV4.into(),
            hardware_len: 6,
            protocol_len: 4,
            operation: OPERATION_REQUEST.into(),
            sender_mac: [0xe6, 0xd3, 0xf6, 0xab, 0xe0, 0x09],
            sender_address: [172, 30, 30, 11],
            target_mac: [0; 6],
            target_address: [172, 30, 30, 12],
        }
    }

    #[test]
    fn parses_golden_bytes() {
        assert_eq!(ArpPacket::read_from_bytes(&REQUEST).unwrap(), request());
    }

    #[test]
    fn emits_golden_bytes() {
        assert_eq!(request().as_bytes(), REQUEST);
    }

    #[test]
    fn answers_with_golden_bytes() {
        let mut packet = request();
        packet.answer(&[0x5a, 0x9a, 0x10, 0xbb, 0xcf, 0x7c]);
        assert_eq!(packet.as_bytes(), REPLY);
    }

    #[test]
    fn answers_an_ieee_802_request_as_ethernet() {
        let mut packet = request();
        packet.hardware_type = HARDWARE_IEEE_802.into();
        packet.answer(&[0x5a, 0x9a, 0x10, 0xbb, 0xcf, 0x7c]);
        assert_eq!(packet.as_bytes(), REPLY);
    }

    #[test]
    fn knows_ipv4_over_ethernet() {
        let mut ieee_802 = request();
        ieee_802.hardware_type = HARDWARE_IEEE_802.into();
        assert!(request().is_ipv4_over_ethernet() && ieee_802.is_ipv4_over_ethernet());
        for (offset, value) in [(0, 1), (1, 2), (1, 7), (2, 0x86), (4, 8), (5, 16)] {
            let mut bytes = REQUEST;
            bytes[offset] = value;
            let packet = ArpPacket::read_from_bytes(&bytes).unwrap();
            assert!(!packet.is_ipv4_over_ethernet(), "byte {offset} = {value}");
        }
    }
}
