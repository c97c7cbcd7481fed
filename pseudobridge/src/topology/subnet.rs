//! Which subnets a network may have, and which addresses in them a host.

use std::fmt::Display;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use ipnet::{Ipv4Net, Ipv6Net};
use toml::Spanned;

use super::problem::Collector;

/// A subnet of one of the two families, with what is allowed in it.
pub(super) trait Subnet: Copy + Display + PartialEq + 'static {
    /// Its addresses.
    type Host: Copy + Display;
    /// Its key in the file, and its name in errors.
    const KEY: &'static str;
    /// The prefix lengths it may have.
    const PREFIX_LENGTHS: RangeInclusive<u8>;
    /// Blocks in which no pod can live, with their names.
    const SPECIAL: &'static [(Self, &'static str)];
    /// What to do about a subnet in one of them.
    const CURE: &'static str;

    fn prefix_len(self) -> u8;
    /// The same without host bits.
    fn trunc(self) -> Self;
    fn covers(self, other: Self) -> bool;
    /// Why `host` can be no host's address here, as words before the subnet.
    fn fault(self, host: Self::Host) -> Option<&'static str>;
    /// The first and the last address that a host can have.
    fn hosts(self) -> [Self::Host; 2];
}

impl Subnet for Ipv4Net {
    type Host = Ipv4Addr;
    const KEY: &'static str = "subnet";
    /// From the largest assigned blocks down to the smallest subnet that has room for a gateway, a
    /// pod, and the network's and broadcast addresses.
    const PREFIX_LENGTHS: RangeInclusive<u8> = 8..=30;
    const SPECIAL: &'static [(Self, &'static str)] = &[
        // RFC 1122, 3.2.1.3: a source only while a host learns its address.
        (v4(0, 0, 8), "\"this network\""),
        // The kernel drops these as martians when they arrive on a device
        // (`ip_route_input_slow`).
        (v4(127, 0, 8), "loopback"),
        // RFC 3927, 2.7: never forwarded; and the node may need them, for a metadata service.
        (v4(169, 254, 16), "link-local"),
        (v4(224, 0, 4), "multicast"),
    ];
    const CURE: &'static str = "choose a unicast subnet, such as one of 10.0.0.0/8";

    fn prefix_len(self) -> u8 {
        Ipv4Net::prefix_len(&self)
    }

    fn trunc(self) -> Self {
        Ipv4Net::trunc(&self)
    }

    fn covers(self, other: Self) -> bool {
        self.contains(&other)
    }

    fn fault(self, host: Ipv4Addr) -> Option<&'static str> {
        if !self.contains(&host) {
            Some("is outside the subnet")
        } else if host == self.network() {
            Some("is the network address of")
        } else if host == self.broadcast() {
            Some("is the broadcast address of")
        } else {
            None
        }
    }

    fn hosts(self) -> [Ipv4Addr; 2] {
        let (first, last) = (self.network().to_bits(), self.broadcast().to_bits());
        [first + 1, last - 1].map(Ipv4Addr::from_bits)
    }
}

impl Subnet for Ipv6Net {
    type Host = Ipv6Addr;
    const KEY: &'static str = "subnet6";
    /// From a site's block down to the smallest subnet that has room for two pods beside the
    /// subnet-router anycast address.
    const PREFIX_LENGTHS: RangeInclusive<u8> = 48..=126;
    const SPECIAL: &'static [(Self, &'static str)] = &[
        (v6(Ipv6Addr::UNSPECIFIED, 128), "unspecified"),
        (v6(Ipv6Addr::LOCALHOST, 128), "loopback"),
        // RFC 4038, 4.2: such addresses are never on the wire.
        (v6(Ipv6Addr::from_bits(0xffff << 32), 96), "IPv4-mapped"),
        // RFC 4291, 2.5.6: never forwarded; and the gateway's address is one of them.
        (v6(Ipv6Addr::from_bits(0xfe80 << 112), 10), "link-local"),
        (v6(Ipv6Addr::from_bits(0xff00 << 112), 8), "multicast"),
    ];
    const CURE: &'static str = "choose a unicast subnet, such as one of fd00::/8";

    fn prefix_len(self) -> u8 {
        Ipv6Net::prefix_len(&self)
    }

    fn trunc(self) -> Self {
        Ipv6Net::trunc(&self)
    }

    fn covers(self, other: Self) -> bool {
        self.contains(&other)
    }

    fn fault(self, host: Ipv6Addr) -> Option<&'static str> {
        if !self.contains(&host) {
            Some("is outside the subnet")
        } else if host == self.network() {
            // RFC 4291, 2.6.1: every router of the subnet has it, the node as well.
            Some("is the subnet-router anycast address of")
        } else {
            None
        }
    }

    fn hosts(self) -> [Ipv6Addr; 2] {
        let first = Ipv6Addr::from_bits(self.network().to_bits() + 1);
        [first, self.broadcast()]
    }
}

const fn v4(a: u8, b: u8, prefix_len: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, 0, 0), prefix_len)
}

const fn v6(address: Ipv6Addr, prefix_len: u8) -> Ipv6Net {
    Ipv6Net::new_assert(address, prefix_len)
}

/// Whether any address is in both. Of two overlapping prefixes one contains the other.
pub(super) fn overlap<N: Subnet>(a: N, b: N) -> bool {
    a.covers(b) || b.covers(a)
}

/// Checks a subnet by itself; returns it without host bits, so that more checks can follow.
pub(super) fn check<N: Subnet>(subnet: &Spanned<N>, problems: &mut Collector) -> Option<N> {
    let (key, written, span) = (N::KEY, *subnet.get_ref(), subnet.span());
    if !N::PREFIX_LENGTHS.contains(&written.prefix_len()) {
        let (min, max) = N::PREFIX_LENGTHS.into_inner();
        let what = format!("{key} {written} has a prefix length out of range");
        problems.add(&span, what, format!("write /{min} to /{max}"));
        return None;
    }
    let net = written.trunc();
    if net != written {
        let what = format!("{key} {written} has host bits set");
        problems.add(&span, what, format!("write {net}"));
    }
    for (block, name) in N::SPECIAL {
        if overlap(net, *block) {
            let what = format!("{key} {net} overlaps with the {name} block {block}");
            problems.add(&span, what, N::CURE);
            return None;
        }
    }
    Some(net)
}

/// Checks that `host`, which errors call `noun`, can be a host's address in `net`. Without a valid
/// `net` there is nothing to say.
pub(super) fn check_host<N: Subnet>(
    noun: &str,
    host: Spanned<N::Host>,
    net: Option<N>,
    problems: &mut Collector,
) -> Option<Spanned<N::Host>> {
    let Some(net) = net else { return Some(host) };
    let Some(fault) = net.fault(*host.get_ref()) else {
        return Some(host);
    };
    let what = format!("{noun} {} {fault} {net}", host.get_ref());
    let [first, last] = net.hosts();
    let cure = format!("choose one of {first} to {last}");
    problems.add(&host.span(), what, cure);
    None
}
