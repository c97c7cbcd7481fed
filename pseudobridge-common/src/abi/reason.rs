//! Every packet has a reason: the one vocabulary of counters, events, commands and documentation.

use core::fmt;

use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

/// What became of a frame, and why.
///
/// Each reason belongs to one verdict: *punt* hands the frame to the kernel's own path, *drop* ends
/// it, *reply* answers it, *redirect* puts it into the other pod or out by the uplink. The numbers
/// are part of the map ABI.
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    Hash,
    Immutable,
    IntoBytes,
    KnownLayout,
    Ord,
    PartialEq,
    PartialOrd,
    TryFromBytes,
)]
#[repr(u16)]
pub enum Reason {
    /// It came in by an interface that is no pod's. (punt)
    UnknownPort = 0,
    /// It ends within the Ethernet header. (punt)
    FrameTooShort = 1,
    /// It carries a VLAN tag. (punt)
    VlanTagged = 2,
    /// It carries a VLAN tag beneath another: who sent what lies beneath cannot be told. (drop)
    VlanStacked = 3,
    /// It is neither ARP nor IPv4 nor IPv6. (punt)
    OtherProtocol = 4,
    /// Its hardware destination is not the gateway's address (for ARP: nor broadcast). (punt)
    OtherDestination = 5,
    /// Its hardware source is not the pod's. (drop)
    SpoofedEthernetSource = 6,
    /// It goes to a network that its own may not talk to. (drop)
    Isolated = 7,
    /// The target's host-side veth is gone. (punt)
    TargetGone = 8,
    /// It ends within the ARP packet. (punt)
    ArpTooShort = 9,
    /// It is not ARP for IPv4 over Ethernet. (punt)
    ArpMalformed = 10,
    /// Its ARP sender hardware address is not the pod's. (drop)
    SpoofedArpMac = 11,
    /// Its ARP sender address is neither the pod's nor that of a probe. (drop)
    SpoofedArpAddress = 12,
    /// It is ARP, but asks nothing. (punt)
    ArpNotRequest = 13,
    /// It asked for the gateway and was answered. (reply)
    ArpReplyGateway = 14,
    /// It asked for another pod of the network and was answered. (reply)
    ArpReplyPod = 15,
    /// It asked for an address of the subnet that is off the node, and was answered. (reply)
    ArpReplyRemote = 16,
    /// It probed for an address that is in use, and was told so. (reply)
    ArpConflict = 17,
    /// It asked for the pod's own address, which nobody else may claim: silence. (drop)
    ArpOwnAddress = 18,
    /// It asked for an address of the subnet that is nobody's. (punt)
    ArpUnknownPod = 19,
    /// The same, where the network drops what is unknown. (drop)
    ArpUnknownDropped = 20,
    /// It asked for an address outside the subnet. (punt)
    ArpOffSubnet = 21,
    /// It ends within the IPv4 header. (punt)
    Ipv4TooShort = 22,
    /// Its version is not 4, or its header is shorter than a header can be. (punt)
    Ipv4Malformed = 23,
    /// Its IPv4 source is not the pod's address. (drop)
    SpoofedIpv4Source = 24,
    /// It carries IPv4 options. (punt)
    Ipv4Options = 25,
    /// Its total length does not fit its header or the frame. (punt)
    Ipv4BadLength = 26,
    /// Its header checksum is wrong. (punt)
    Ipv4BadChecksum = 27,
    /// It goes to a multicast group. (punt)
    Ipv4Multicast = 28,
    /// It goes to the limited or the subnet's broadcast address. (punt)
    Ipv4Broadcast = 29,
    /// It goes to the gateway, that is, to the node itself. (punt)
    Ipv4ToGateway = 30,
    /// It goes to the address it comes from. (punt)
    Ipv4OwnAddress = 31,
    /// It goes to an address of the subnet that is nobody's. (punt)
    Ipv4UnknownPod = 32,
    /// The same, where the network drops what is unknown. (drop)
    Ipv4UnknownDropped = 33,
    /// It leaves the subnet, where routes, NAT and firewalls are the kernel's. (punt)
    Ipv4OffSubnet = 34,
    /// It has no hop left. (punt)
    Ipv4TtlExpired = 35,
    /// It, or a segment of it, is larger than the target's MTU. (punt)
    Ipv4TooBig = 36,
    /// It goes to a remote address of the subnet that the kernel has yet to resolve or to reach. (punt)
    Ipv4NoNeighbour = 37,
    /// It was handed to the other pod's end. (redirect)
    Ipv4Forward = 38,
    /// It was sent out by the uplink, to a remote address of the subnet. (redirect)
    Ipv4ToUplink = 39,
    /// It ends within the IPv6 header. (punt)
    Ipv6TooShort = 40,
    /// Its version is not 6. (punt)
    Ipv6Malformed = 41,
    /// Its IPv6 source is neither the pod's address nor one of its link alone. (drop)
    SpoofedIpv6Source = 42,
    /// It carries hop-by-hop options. (punt)
    Ipv6Options = 43,
    /// Its payload length does not fit the frame. (punt)
    Ipv6BadLength = 44,
    /// It goes to a multicast group. (punt)
    Ipv6Multicast = 45,
    /// It comes from or goes to an address of the link: to the node itself. (punt)
    Ipv6LinkLocal = 46,
    /// It goes to the address it comes from. (punt)
    Ipv6OwnAddress = 47,
    /// It goes to an address of the subnet that is nobody's. (punt)
    Ipv6UnknownPod = 48,
    /// The same, where the network drops what is unknown. (drop)
    Ipv6UnknownDropped = 49,
    /// It leaves the subnet, where routes, NAT and firewalls are the kernel's. (punt)
    Ipv6OffSubnet = 50,
    /// It has no hop left. (punt)
    Ipv6HopLimitExpired = 51,
    /// It, or a segment of it, is larger than the target's MTU. (punt)
    Ipv6TooBig = 52,
    /// It goes to a remote address of the subnet that the kernel has yet to resolve or to reach. (punt)
    Ipv6NoNeighbour = 53,
    /// It was handed to the other pod's end. (redirect)
    Ipv6Forward = 54,
    /// It was sent out by the uplink, to a remote address of the subnet. (redirect)
    Ipv6ToUplink = 55,
    /// It is neighbour discovery, and not valid: a length, code, hop limit, checksum or destination. (punt)
    NdMalformed = 56,
    /// It is neighbour discovery whose sender cannot be told: more or longer options than can be checked, or hidden behind an extension header. (drop)
    NdUnchecked = 57,
    /// It is neighbour discovery that gives another hardware address than the pod's. (drop)
    SpoofedNdMac = 58,
    /// It advertises an address that is not the pod's. (drop)
    SpoofedNdTarget = 59,
    /// It is a router advertisement: no pod is a router. (drop)
    NdRouterAdvertisement = 60,
    /// It is a redirect: no pod is a router. (drop)
    NdRedirect = 61,
    /// It is lawful neighbour discovery, but asks for no neighbour. (punt)
    NdNotSolicitation = 62,
    /// It asked for the gateway and was answered. (reply)
    NdReplyGateway = 63,
    /// It asked for another pod of the network and was answered. (reply)
    NdReplyPod = 64,
    /// It asked for an address of the subnet that is off the node, and was answered. (reply)
    NdReplyRemote = 65,
    /// It asked, before using it, for an address that is in use, and was told so. (reply)
    NdConflict = 66,
    /// It asked for the pod's own address, which nobody else may claim: silence. (drop)
    NdOwnAddress = 67,
    /// It asked for an address of the subnet that is nobody's. (punt)
    NdUnknownPod = 68,
    /// The same, where the network drops what is unknown. (drop)
    NdUnknownDropped = 69,
    /// It asked for an address outside the subnet. (punt)
    NdOffSubnet = 70,
    /// It came in by the uplink with the address of a pod of this node. (drop)
    SpoofedUplinkSource = 71,
    /// It came in by the uplink and is not for a pod, or not from its subnet. (punt)
    NotForPod = 72,
}

impl Reason {
    /// All reasons, by number.
    pub const ALL: [Self; 73] = [
        Self::UnknownPort,
        Self::FrameTooShort,
        Self::VlanTagged,
        Self::VlanStacked,
        Self::OtherProtocol,
        Self::OtherDestination,
        Self::SpoofedEthernetSource,
        Self::Isolated,
        Self::TargetGone,
        Self::ArpTooShort,
        Self::ArpMalformed,
        Self::SpoofedArpMac,
        Self::SpoofedArpAddress,
        Self::ArpNotRequest,
        Self::ArpReplyGateway,
        Self::ArpReplyPod,
        Self::ArpReplyRemote,
        Self::ArpConflict,
        Self::ArpOwnAddress,
        Self::ArpUnknownPod,
        Self::ArpUnknownDropped,
        Self::ArpOffSubnet,
        Self::Ipv4TooShort,
        Self::Ipv4Malformed,
        Self::SpoofedIpv4Source,
        Self::Ipv4Options,
        Self::Ipv4BadLength,
        Self::Ipv4BadChecksum,
        Self::Ipv4Multicast,
        Self::Ipv4Broadcast,
        Self::Ipv4ToGateway,
        Self::Ipv4OwnAddress,
        Self::Ipv4UnknownPod,
        Self::Ipv4UnknownDropped,
        Self::Ipv4OffSubnet,
        Self::Ipv4TtlExpired,
        Self::Ipv4TooBig,
        Self::Ipv4NoNeighbour,
        Self::Ipv4Forward,
        Self::Ipv4ToUplink,
        Self::Ipv6TooShort,
        Self::Ipv6Malformed,
        Self::SpoofedIpv6Source,
        Self::Ipv6Options,
        Self::Ipv6BadLength,
        Self::Ipv6Multicast,
        Self::Ipv6LinkLocal,
        Self::Ipv6OwnAddress,
        Self::Ipv6UnknownPod,
        Self::Ipv6UnknownDropped,
        Self::Ipv6OffSubnet,
        Self::Ipv6HopLimitExpired,
        Self::Ipv6TooBig,
        Self::Ipv6NoNeighbour,
        Self::Ipv6Forward,
        Self::Ipv6ToUplink,
        Self::NdMalformed,
        Self::NdUnchecked,
        Self::SpoofedNdMac,
        Self::SpoofedNdTarget,
        Self::NdRouterAdvertisement,
        Self::NdRedirect,
        Self::NdNotSolicitation,
        Self::NdReplyGateway,
        Self::NdReplyPod,
        Self::NdReplyRemote,
        Self::NdConflict,
        Self::NdOwnAddress,
        Self::NdUnknownPod,
        Self::NdUnknownDropped,
        Self::NdOffSubnet,
        Self::SpoofedUplinkSource,
        Self::NotForPod,
    ];

    /// The name by which commands, metrics and documentation know it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnknownPort => "unknown-port",
            Self::FrameTooShort => "frame-too-short",
            Self::VlanTagged => "vlan-tagged",
            Self::VlanStacked => "vlan-stacked",
            Self::OtherProtocol => "other-protocol",
            Self::OtherDestination => "other-destination",
            Self::SpoofedEthernetSource => "spoofed-ethernet-source",
            Self::Isolated => "isolated",
            Self::TargetGone => "target-gone",
            Self::ArpTooShort => "arp-too-short",
            Self::ArpMalformed => "arp-malformed",
            Self::SpoofedArpMac => "spoofed-arp-mac",
            Self::SpoofedArpAddress => "spoofed-arp-address",
            Self::ArpNotRequest => "arp-not-request",
            Self::ArpReplyGateway => "arp-reply-gateway",
            Self::ArpReplyPod => "arp-reply-pod",
            Self::ArpReplyRemote => "arp-reply-remote",
            Self::ArpConflict => "arp-conflict",
            Self::ArpOwnAddress => "arp-own-address",
            Self::ArpUnknownPod => "arp-unknown-pod",
            Self::ArpUnknownDropped => "arp-unknown-dropped",
            Self::ArpOffSubnet => "arp-off-subnet",
            Self::Ipv4TooShort => "ipv4-too-short",
            Self::Ipv4Malformed => "ipv4-malformed",
            Self::SpoofedIpv4Source => "spoofed-ipv4-source",
            Self::Ipv4Options => "ipv4-options",
            Self::Ipv4BadLength => "ipv4-bad-length",
            Self::Ipv4BadChecksum => "ipv4-bad-checksum",
            Self::Ipv4Multicast => "ipv4-multicast",
            Self::Ipv4Broadcast => "ipv4-broadcast",
            Self::Ipv4ToGateway => "ipv4-to-gateway",
            Self::Ipv4OwnAddress => "ipv4-own-address",
            Self::Ipv4UnknownPod => "ipv4-unknown-pod",
            Self::Ipv4UnknownDropped => "ipv4-unknown-dropped",
            Self::Ipv4OffSubnet => "ipv4-off-subnet",
            Self::Ipv4TtlExpired => "ipv4-ttl-expired",
            Self::Ipv4TooBig => "ipv4-too-big",
            Self::Ipv4NoNeighbour => "ipv4-no-neighbour",
            Self::Ipv4Forward => "ipv4-forward",
            Self::Ipv4ToUplink => "ipv4-to-uplink",
            Self::Ipv6TooShort => "ipv6-too-short",
            Self::Ipv6Malformed => "ipv6-malformed",
            Self::SpoofedIpv6Source => "spoofed-ipv6-source",
            Self::Ipv6Options => "ipv6-options",
            Self::Ipv6BadLength => "ipv6-bad-length",
            Self::Ipv6Multicast => "ipv6-multicast",
            Self::Ipv6LinkLocal => "ipv6-link-local",
            Self::Ipv6OwnAddress => "ipv6-own-address",
            Self::Ipv6UnknownPod => "ipv6-unknown-pod",
            Self::Ipv6UnknownDropped => "ipv6-unknown-dropped",
            Self::Ipv6OffSubnet => "ipv6-off-subnet",
            Self::Ipv6HopLimitExpired => "ipv6-hop-limit-expired",
            Self::Ipv6TooBig => "ipv6-too-big",
            Self::Ipv6NoNeighbour => "ipv6-no-neighbour",
            Self::Ipv6Forward => "ipv6-forward",
            Self::Ipv6ToUplink => "ipv6-to-uplink",
            Self::NdMalformed => "nd-malformed",
            Self::NdUnchecked => "nd-unchecked",
            Self::SpoofedNdMac => "spoofed-nd-mac",
            Self::SpoofedNdTarget => "spoofed-nd-target",
            Self::NdRouterAdvertisement => "nd-router-advertisement",
            Self::NdRedirect => "nd-redirect",
            Self::NdNotSolicitation => "nd-not-solicitation",
            Self::NdReplyGateway => "nd-reply-gateway",
            Self::NdReplyPod => "nd-reply-pod",
            Self::NdReplyRemote => "nd-reply-remote",
            Self::NdConflict => "nd-conflict",
            Self::NdOwnAddress => "nd-own-address",
            Self::NdUnknownPod => "nd-unknown-pod",
            Self::NdUnknownDropped => "nd-unknown-dropped",
            Self::NdOffSubnet => "nd-off-subnet",
            Self::SpoofedUplinkSource => "spoofed-uplink-source",
            Self::NotForPod => "not-for-pod",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, string::String};

    use super::*;

    #[test]
    fn all_are_listed_once_by_number() {
        for (number, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, number, "{reason}");
        }
        let next = u16::try_from(Reason::ALL.len()).unwrap();
        assert!(
            Reason::try_read_from_bytes(&next.to_ne_bytes()).is_err(),
            "a reason is missing from ALL"
        );
    }

    #[test]
    fn names_are_the_variants_in_kebab_case() {
        let names: BTreeSet<_> = Reason::ALL.map(Reason::as_str).into();
        assert_eq!(names.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            let mut kebab = String::new();
            for (index, letter) in std::format!("{reason:?}").char_indices() {
                if letter.is_ascii_uppercase() && index > 0 {
                    kebab.push('-');
                }
                kebab.push(letter.to_ascii_lowercase());
            }
            assert_eq!(reason.as_str(), kebab);
        }
    }
}
