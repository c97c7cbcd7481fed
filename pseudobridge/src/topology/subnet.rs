//! Which subnets a network may have, and which addresses in them a host.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;
use toml::Spanned;

use super::problem::{Collector, Span};

/// From the largest assigned blocks down to the smallest subnet that has room for a gateway, a
/// pod, and the network's and broadcast addresses.
const PREFIX_LENGTHS: RangeInclusive<u8> = 8..=30;

/// Blocks in which no pod can live, as address, prefix length and name.
const SPECIAL: [(Ipv4Addr, u8, &str); 4] = [
    // RFC 1122, 3.2.1.3: a source only while a host learns its address.
    (Ipv4Addr::UNSPECIFIED, 8, "\"this network\""),
    // The kernel drops these as martians when they arrive on a device (`ip_route_input_slow`).
    (Ipv4Addr::new(127, 0, 0, 0), 8, "loopback"),
    // RFC 3927, 2.7: never forwarded; and the node may need them, for a metadata service.
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(224, 0, 0, 0), 4, "multicast"),
];

/// Whether any address is in both. Of two overlapping prefixes one contains the other.
pub(super) fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

/// Checks a subnet by itself; returns it without host bits, so that more checks can follow.
pub(super) fn check(subnet: &Spanned<Ipv4Net>, problems: &mut Collector) -> Option<Ipv4Net> {
    let (written, span) = (*subnet.get_ref(), subnet.span());
    let (min, max) = (PREFIX_LENGTHS.start(), PREFIX_LENGTHS.end());
    if !PREFIX_LENGTHS.contains(&written.prefix_len()) {
        let what = format!("subnet {written} has a prefix length out of range");
        problems.add(&span, what, format!("write /{min} to /{max}"));
        return None;
    }
    let net = written.trunc();
    if net != written {
        let what = format!("subnet {written} has host bits set");
        problems.add(&span, what, format!("write {net}"));
    }
    for (address, prefix, name) in SPECIAL {
        if overlap(net, Ipv4Net::new_assert(address, prefix)) {
            let what = format!("subnet {net} overlaps with the {name} block {address}/{prefix}");
            problems.add(
                &span,
                what,
                "choose a unicast subnet, such as one of 10.0.0.0/8",
            );
            return None;
        }
    }
    Some(net)
}

/// Checks that `address`, which errors call `noun`, can be a host's in `net`. Without a valid
/// `net` there is nothing to say.
pub(super) fn check_host(
    noun: &str,
    address: Ipv4Addr,
    span: &Span,
    net: Option<Ipv4Net>,
    problems: &mut Collector,
) -> Option<Ipv4Addr> {
    let Some(net) = net else { return Some(address) };
    let fault = if !net.contains(&address) {
        "is outside the subnet"
    } else if address == net.network() {
        "is the network address of"
    } else if address == net.broadcast() {
        "is the broadcast address of"
    } else {
        return Some(address);
    };
    let (first, last) = (host(net.network(), 1), host(net.broadcast(), -1));
    let cure = format!("choose one of {first} to {last}");
    problems.add(span, format!("{noun} {address} {fault} {net}"), cure);
    None
}

/// The address `offset` away from `address`.
fn host(address: Ipv4Addr, offset: i32) -> Ipv4Addr {
    Ipv4Addr::from_bits(address.to_bits().wrapping_add_signed(offset))
}
