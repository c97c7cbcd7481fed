//! The frames that are sent, and what is understood of those that come back.

use std::{io, net::Ipv4Addr};

use bytes::{BufMut as _, Bytes, BytesMut, buf::Writer};
use etherparse::{
    ArpEthIpv4Packet, ArpOperation, Icmpv4Type, LinkSlice, NetSlice, PacketBuilder, SlicedPacket,
    TransportSlice,
};

use super::Endpoint;

const BROADCAST: [u8; 6] = [0xff; 6];
const TTL: u8 = 64;
const PAYLOAD: &[u8] = b"pseudobridge";
/// Ethernet, IPv4, ICMP and the payload; an ARP request is shorter.
const CAPACITY: usize = 14 + 20 + 8 + PAYLOAD.len();

/// A frame that answers one of ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// An ARP reply.
    Arp {
        /// The address asked for.
        address: Ipv4Addr,
        /// Who has it.
        mac: [u8; 6],
    },
    /// An ICMP echo reply.
    Echo {
        /// Who sent it.
        address: Ipv4Addr,
        /// Its time to live on arrival.
        ttl: u8,
        /// The request's sequence number.
        sequence: u16,
        /// Whether checksums and payload are right. A packet socket gets frames before the
        /// kernel has looked at them.
        sound: bool,
    },
}

/// An ARP request (RFC 826) for `address`.
pub(super) fn arp_request(from: &Endpoint, address: Ipv4Addr) -> io::Result<Bytes> {
    let request = ArpEthIpv4Packet {
        operation: ArpOperation::REQUEST,
        sender_mac: from.mac,
        sender_ipv4: from.address.octets(),
        target_mac: [0; 6],
        target_ipv4: address.octets(),
    };
    let builder = PacketBuilder::ethernet2(from.mac, BROADCAST).arp(request.into());
    written(|writer| builder.write(writer))
}

/// An ICMP echo request (RFC 792) to `address` by way of `mac`.
pub(super) fn echo_request(
    from: &Endpoint,
    mac: [u8; 6],
    address: Ipv4Addr,
    id: u16,
    sequence: u16,
) -> io::Result<Bytes> {
    let builder = PacketBuilder::ethernet2(from.mac, mac)
        .ipv4(from.address.octets(), address.octets(), TTL)
        .icmpv4_echo_request(id, sequence);
    written(|writer| builder.write(writer, PAYLOAD))
}

fn written<E>(write: impl FnOnce(&mut Writer<BytesMut>) -> Result<(), E>) -> io::Result<Bytes>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let mut writer = BytesMut::with_capacity(CAPACITY).writer();
    write(&mut writer).map_err(io::Error::other)?;
    Ok(writer.into_inner().freeze())
}

/// Understands a received frame, if it is an answer to a request of `from` with echo id `id`.
pub(super) fn parse(frame: &[u8], from: &Endpoint, id: u16) -> Option<Answer> {
    let packet = SlicedPacket::from_ethernet(frame).ok()?;
    let Some(LinkSlice::Ethernet2(ethernet)) = packet.link else {
        return None;
    };
    if ethernet.destination() != from.mac {
        return None;
    }
    match packet.net? {
        NetSlice::Arp(arp) => {
            let arp = arp.to_packet().try_eth_ipv4().ok()?;
            let ours = arp.operation == ArpOperation::REPLY
                && arp.target_mac == from.mac
                && arp.target_ipv4_addr() == from.address;
            ours.then(|| Answer::Arp {
                address: arp.sender_ipv4_addr(),
                mac: arp.sender_mac,
            })
        }
        NetSlice::Ipv4(ipv4) => {
            let header = ipv4.header().to_header();
            let Some(TransportSlice::Icmpv4(icmp)) = packet.transport else {
                return None;
            };
            let kind = icmp.icmp_type();
            let Icmpv4Type::EchoReply(echo) = kind else {
                return None;
            };
            if echo.id != id || header.destination != from.address.octets() {
                return None;
            }
            Some(Answer::Echo {
                address: header.source.into(),
                ttl: header.time_to_live,
                sequence: echo.seq,
                sound: header.header_checksum == header.calc_header_checksum()
                    && icmp.checksum() == kind.calc_checksum(icmp.payload())
                    && icmp.payload() == PAYLOAD,
            })
        }
        NetSlice::Ipv6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: u16 = 0x1234;
    const THEIR_MAC: [u8; 6] = [2, 0, 0, 0, 0, 9];
    const THEIRS: Ipv4Addr = Ipv4Addr::new(172, 30, 30, 12);

    fn pod() -> Endpoint {
        Endpoint {
            pod: "ns1".into(),
            netns: "/run/netns/ns1".into(),
            interface: "veth-ns1-pod".into(),
            mac: [2, 0, 0, 0, 0, 1],
            address: Ipv4Addr::new(172, 30, 30, 11),
            answer_mac: None,
        }
    }

    #[rustfmt::skip]
    const ARP_REQUEST: [u8; 42] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 0x08, 0x06,
        0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x01,
        2, 0, 0, 0, 0, 1, 172, 30, 30, 11,
        0, 0, 0, 0, 0, 0, 172, 30, 30, 12,
    ];

    fn arp_reply() -> Vec<u8> {
        #[rustfmt::skip]
        let reply = [
            2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x08, 0x06,
            0x00, 0x01, 0x08, 0x00, 6, 4, 0x00, 0x02,
            2, 0, 0, 0, 0, 9, 172, 30, 30, 12,
            2, 0, 0, 0, 0, 1, 172, 30, 30, 11,
        ];
        reply.to_vec()
    }

    fn echo_reply(id: u16, ttl: u8, payload: &[u8]) -> Vec<u8> {
        let builder = PacketBuilder::ethernet2(THEIR_MAC, pod().mac)
            .ipv4(THEIRS.octets(), pod().address.octets(), ttl)
            .icmpv4_echo_reply(id, 2);
        let mut frame = Vec::new();
        builder.write(&mut frame, payload).unwrap();
        frame
    }

    #[test]
    fn the_arp_request_is_byte_for_byte() {
        assert_eq!(&arp_request(&pod(), THEIRS).unwrap()[..], ARP_REQUEST);
    }

    #[test]
    fn the_echo_request_is_byte_for_byte() {
        #[rustfmt::skip]
        let expected = [
            2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 0x08, 0x00,
            0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 1, 0xa6, 0x81, 172, 30, 30, 11, 172, 30, 30, 12,
            8, 0, 0x78, 0x35, 0x12, 0x34, 0, 2,
        ];
        let frame = echo_request(&pod(), THEIR_MAC, THEIRS, ID, 2).unwrap();
        assert_eq!(frame[42..], *PAYLOAD);
        assert_eq!(frame[..42], expected);
    }

    #[test]
    fn answers_are_understood() {
        let answer = Answer::Arp {
            address: THEIRS,
            mac: THEIR_MAC,
        };
        assert_eq!(parse(&arp_reply(), &pod(), ID), Some(answer));
        let answer = Answer::Echo {
            address: THEIRS,
            ttl: 63,
            sequence: 2,
            sound: true,
        };
        assert_eq!(
            parse(&echo_reply(ID, 63, PAYLOAD), &pod(), ID),
            Some(answer)
        );
    }

    #[test]
    fn damage_is_seen() {
        let damaged = Some(Answer::Echo {
            address: THEIRS,
            ttl: 63,
            sequence: 2,
            sound: false,
        });
        // IPv4 header checksum, ICMP checksum, payload.
        for offset in [24, 36, 42] {
            let mut frame = echo_reply(ID, 63, PAYLOAD);
            frame[offset] ^= 0x10;
            assert_eq!(parse(&frame, &pod(), ID), damaged, "byte {offset}");
        }
        assert_eq!(parse(&echo_reply(ID, 63, b"short"), &pod(), ID), damaged);
    }

    #[test]
    fn other_frames_are_not_for_us() {
        assert_eq!(parse(&ARP_REQUEST, &pod(), ID), None, "a request");
        assert_eq!(
            parse(&echo_reply(ID + 1, 63, PAYLOAD), &pod(), ID),
            None,
            "another's echo"
        );
        // Ethernet destination, ARP operation, target MAC, target address.
        for offset in [5, 21, 37, 41] {
            let mut frame = arp_reply();
            frame[offset] ^= 0x10;
            assert_eq!(parse(&frame, &pod(), ID), None, "byte {offset}");
        }
        for length in 0..arp_reply().len() {
            assert_eq!(
                parse(&arp_reply()[..length], &pod(), ID),
                None,
                "{length} bytes"
            );
        }
    }
}
