//! Every packet has a reason: the one vocabulary of counters, `status` and the documentation.

use core::fmt;

use zerocopy::{Immutable, IntoBytes, KnownLayout, TryFromBytes};

/// What became of a frame, and why.
///
/// Each reason belongs to one verdict: *punt* hands the frame to the kernel's own path, *drop* ends
/// it, *reply* answers it, *redirect* puts it into the other pod. The numbers are part of the map
/// ABI.
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
#[repr(u32)]
pub enum Reason {
    /// It came in by an interface that is no pod's. (punt)
    UnknownPort = 0,
    /// It ends within the Ethernet header. (punt)
    FrameTooShort = 1,
    /// It carries a VLAN tag. (punt)
    VlanTagged = 2,
    /// It carries a VLAN tag beneath another: who sent what lies beneath cannot be told. (drop)
    VlanStacked = 3,
    /// It is neither ARP nor IPv4. (punt)
    OtherProtocol = 4,
    /// Its hardware destination is not the gateway's address (for ARP: nor broadcast). (punt)
    OtherDestination = 5,
    /// Its hardware source is not the pod's. (drop)
    SpoofedEthernetSource = 6,
    /// It ends within the ARP packet. (punt)
    ArpTooShort = 7,
    /// It is not ARP for IPv4 over Ethernet. (punt)
    ArpMalformed = 8,
    /// Its ARP sender hardware address is not the pod's. (drop)
    SpoofedArpMac = 9,
    /// Its ARP sender address is neither the pod's nor that of a probe. (drop)
    SpoofedArpAddress = 10,
    /// It is ARP, but asks nothing. (punt)
    ArpNotRequest = 11,
    /// It asked for the gateway and was answered. (reply)
    ArpReplyGateway = 12,
    /// It asked for another pod of the network and was answered. (reply)
    ArpReplyPod = 13,
    /// It asked for the pod's own address, which nobody else may claim: silence. (drop)
    ArpOwnAddress = 14,
    /// It asked for an address of the subnet that is no pod's. (punt)
    ArpUnknownPod = 15,
    /// It asked for an address outside the subnet. (punt)
    ArpOffSubnet = 16,
    /// It ends within the IPv4 header. (punt)
    Ipv4TooShort = 17,
    /// Its version is not 4, or its header is shorter than a header can be. (punt)
    Ipv4Malformed = 18,
    /// Its IPv4 source is not the pod's address. (drop)
    SpoofedIpv4Source = 19,
    /// It carries IPv4 options. (punt)
    Ipv4Options = 20,
    /// Its total length does not fit its header or the frame. (punt)
    Ipv4BadLength = 21,
    /// Its header checksum is wrong. (punt)
    Ipv4BadChecksum = 22,
    /// It goes to a multicast group. (punt)
    Ipv4Multicast = 23,
    /// It goes to the limited or the subnet's broadcast address. (punt)
    Ipv4Broadcast = 24,
    /// It goes to the gateway, that is, to the node itself. (punt)
    Ipv4ToGateway = 25,
    /// It goes to the address it comes from. (punt)
    Ipv4OwnAddress = 26,
    /// It goes to an address of the subnet that is no pod's. (punt)
    Ipv4UnknownPod = 27,
    /// It leaves the subnet, where routes, NAT and firewalls are the kernel's. (punt)
    Ipv4OffSubnet = 28,
    /// It has no hop left. (punt)
    Ipv4TtlExpired = 29,
    /// It, or a segment of it, is larger than the target's MTU. (punt)
    Ipv4TooBig = 30,
    /// The target's host-side veth is gone. (punt)
    TargetGone = 31,
    /// It was handed to the other pod's end. (redirect)
    Ipv4Forward = 32,
}

impl Reason {
    /// All reasons, by number.
    pub const ALL: [Self; 33] = [
        Self::UnknownPort,
        Self::FrameTooShort,
        Self::VlanTagged,
        Self::VlanStacked,
        Self::OtherProtocol,
        Self::OtherDestination,
        Self::SpoofedEthernetSource,
        Self::ArpTooShort,
        Self::ArpMalformed,
        Self::SpoofedArpMac,
        Self::SpoofedArpAddress,
        Self::ArpNotRequest,
        Self::ArpReplyGateway,
        Self::ArpReplyPod,
        Self::ArpOwnAddress,
        Self::ArpUnknownPod,
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
        Self::Ipv4OffSubnet,
        Self::Ipv4TtlExpired,
        Self::Ipv4TooBig,
        Self::TargetGone,
        Self::Ipv4Forward,
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
            Self::ArpTooShort => "arp-too-short",
            Self::ArpMalformed => "arp-malformed",
            Self::SpoofedArpMac => "spoofed-arp-mac",
            Self::SpoofedArpAddress => "spoofed-arp-address",
            Self::ArpNotRequest => "arp-not-request",
            Self::ArpReplyGateway => "arp-reply-gateway",
            Self::ArpReplyPod => "arp-reply-pod",
            Self::ArpOwnAddress => "arp-own-address",
            Self::ArpUnknownPod => "arp-unknown-pod",
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
            Self::Ipv4OffSubnet => "ipv4-off-subnet",
            Self::Ipv4TtlExpired => "ipv4-ttl-expired",
            Self::Ipv4TooBig => "ipv4-too-big",
            Self::TargetGone => "target-gone",
            Self::Ipv4Forward => "ipv4-forward",
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
        let next = u32::try_from(Reason::ALL.len()).unwrap();
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
