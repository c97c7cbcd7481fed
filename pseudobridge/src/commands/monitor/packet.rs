//! A packet in one line, from its first bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{
    ArpOperation, ArpPacketSlice, IpNumber, LaxNetSlice, LaxSlicedPacket, LinkSlice, TransportSlice,
};

use crate::output::Mac;

/// Describes a frame of which `head` is the beginning.
pub(super) fn describe(head: &[u8]) -> String {
    let Ok(packet) = LaxSlicedPacket::from_ethernet(head) else {
        return format!("{} bytes of an Ethernet header", head.len());
    };
    let mut line = String::new();
    for vlan in packet.vlan_ids() {
        line.push_str(&format!("vlan {} ", vlan.value()));
    }
    line.push_str(&match &packet.net {
        Some(LaxNetSlice::Arp(arp)) => describe_arp(arp),
        Some(LaxNetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let addresses = (
                header.source_addr().into(),
                header.destination_addr().into(),
            );
            describe_ip(addresses, ip.payload_ip_number(), packet.transport.as_ref())
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let header = ip.header();
            let addresses = (
                header.source_addr().into(),
                header.destination_addr().into(),
            );
            describe_ip(addresses, ip.payload().ip_number, packet.transport.as_ref())
        }
        None => describe_ethernet(&packet),
    });
    line
}

fn describe_arp(arp: &ArpPacketSlice<'_>) -> String {
    let sender = address(arp.sender_protocol_addr());
    match arp.operation() {
        ArpOperation::REQUEST => {
            let target = address(arp.target_protocol_addr());
            format!("ARP who-has {target} tell {sender}")
        }
        ArpOperation::REPLY => {
            let mac = arp.sender_hw_addr().try_into();
            let mac = mac.map_or_else(|_| "?".to_owned(), |mac| Mac(mac).to_string());
            format!("ARP {sender} is-at {mac}")
        }
        ArpOperation(other) => format!("ARP operation {other} of {sender}"),
    }
}

fn describe_ip(
    (source, destination): (IpAddr, IpAddr),
    protocol: IpNumber,
    transport: Option<&TransportSlice<'_>>,
) -> String {
    let ports = |from, to| Some(format!("{from} > {to}"));
    let (protocol, detail) = match transport {
        Some(TransportSlice::Udp(udp)) => {
            let ports = ports(udp.source_port(), udp.destination_port());
            ("UDP".to_owned(), ports)
        }
        Some(TransportSlice::Tcp(tcp)) => {
            let ports = ports(tcp.source_port(), tcp.destination_port());
            ("TCP".to_owned(), ports)
        }
        Some(TransportSlice::Icmpv4(icmp)) => {
            let kind = format!("type {} code {}", icmp.type_u8(), icmp.code_u8());
            ("ICMP".to_owned(), Some(kind))
        }
        Some(TransportSlice::Icmpv6(icmp)) => {
            let kind = neighbour_discovery(icmp.type_u8(), icmp.payload());
            let other = || format!("type {} code {}", icmp.type_u8(), icmp.code_u8());
            ("ICMPv6".to_owned(), Some(kind.unwrap_or_else(other)))
        }
        Some(TransportSlice::Igmp(_)) | None => {
            let number = || format!("protocol {}", protocol.0);
            let name = protocol.keyword_str().map(str::to_owned);
            (name.unwrap_or_else(number), None)
        }
    };
    let mut line = format!("{source} > {destination} {protocol}");
    if let Some(detail) = detail {
        line.push(' ');
        line.push_str(&detail);
    }
    line
}

/// Neighbour discovery (RFC 4861); `None` for other messages.
fn neighbour_discovery(kind: u8, payload: &[u8]) -> Option<String> {
    let name = match kind {
        133 => return Some("router-solicitation".to_owned()),
        134 => return Some("router-advertisement".to_owned()),
        135 => "neighbour-solicitation",
        136 => "neighbour-advertisement",
        137 => return Some("redirect".to_owned()),
        _ => return None,
    };
    let target = payload.get(..16).map_or_else(|| "?".to_owned(), address);
    Some(format!("{name} {target}"))
}

fn describe_ethernet(packet: &LaxSlicedPacket<'_>) -> String {
    let payload = packet.ether_payload();
    let kind = payload.map_or_else(String::new, |payload| {
        format!(" ethertype {:#06x}", payload.ether_type.0)
    });
    match &packet.link {
        Some(LinkSlice::Ethernet2(link)) => {
            let (source, destination) = (Mac(link.source()), Mac(link.destination()));
            format!("{source} > {destination}{kind}")
        }
        Some(_) | None => format!("no Ethernet header{kind}"),
    }
}

fn address(bytes: &[u8]) -> String {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Ipv4Addr::from(bytes).to_string();
    }
    let bytes = <[u8; 16]>::try_from(bytes);
    bytes.map_or_else(
        |_| "?".to_owned(),
        |bytes| Ipv6Addr::from(bytes).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;

    const FROM: [u8; 6] = [0x0a, 0, 0, 0, 0, 1];
    const TO: [u8; 6] = [0x0a, 0, 0, 0, 0, 2];

    fn udp() -> Vec<u8> {
        let builder = PacketBuilder::ethernet2(FROM, TO)
            .ipv4([172, 30, 30, 11], [172, 30, 30, 12], 64)
            .udp(40_000, 53);
        let mut bytes = Vec::new();
        builder.write(&mut bytes, &[0; 300]).unwrap();
        bytes
    }

    #[test]
    fn a_head_is_enough() {
        let expected = "172.30.30.11 > 172.30.30.12 UDP 40000 > 53";
        assert_eq!(describe(&udp()[..86]), expected);
        assert_eq!(describe(&udp()[..42]), expected);
        assert_eq!(describe(&udp()[..40]), "172.30.30.11 > 172.30.30.12 UDP");
    }

    #[test]
    fn arp_asks_and_answers() {
        let mut request = [TO, FROM].concat();
        request.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
        request.extend(FROM);
        request.extend([172, 30, 30, 11]);
        request.extend([0; 6]);
        request.extend([172, 30, 30, 12]);
        assert_eq!(
            describe(&request),
            "ARP who-has 172.30.30.12 tell 172.30.30.11"
        );
        request[21] = 2;
        assert_eq!(
            describe(&request),
            "ARP 172.30.30.11 is-at 0a:00:00:00:00:01"
        );
    }

    #[test]
    fn neighbour_solicitations_name_their_target() {
        let target: Ipv6Addr = "fd00:30::12".parse().unwrap();
        let builder = PacketBuilder::ethernet2(FROM, TO)
            .ipv6([0xfd; 16], [0xfe; 16], 255)
            .icmpv6_raw(135, 0, [0; 4]);
        let mut bytes = Vec::new();
        builder.write(&mut bytes, &target.octets()).unwrap();
        let line = describe(&bytes);
        let end = "ICMPv6 neighbour-solicitation fd00:30::12";
        assert!(line.ends_with(end), "{line}");
    }

    #[test]
    fn what_is_no_ip_shows_its_ethertype() {
        let mut frame = [TO, FROM].concat();
        frame.extend([0x88, 0xcc, 1, 2]);
        assert_eq!(
            describe(&frame),
            "0a:00:00:00:00:01 > 0a:00:00:00:00:02 ethertype 0x88cc"
        );
        assert_eq!(describe(&frame[..5]), "5 bytes of an Ethernet header");
    }

    #[test]
    fn every_beginning_of_a_packet_has_a_line() {
        let packet = udp();
        for length in 0..=packet.len() {
            assert!(!describe(&packet[..length]).is_empty(), "{length}");
        }
    }
}
