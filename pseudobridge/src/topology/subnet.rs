//! Which subnets a network may have, and which addresses in them a host.

use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;
use toml::Spanned;

use super::problem::Collector;

/// From the largest assigned blocks down to the smallest subnet that has room for a gateway, a
/// pod, and the network's and broadcast addresses.
const PREFIX_LENGTHS: RangeInclusive<u8> = 8..=30;

/// Blocks in which no pod can live, with their names.
const SPECIAL: [(Ipv4Net, &str); 4] = [
    // RFC 1122, 3.2.1.3: a source only while a host learns its address.
    (block(0, 0, 8), "\"this network\""),
    // The kernel drops these as martians when they arrive on a device (`ip_route_input_slow`).
    (block(127, 0, 8), "loopback"),
    // RFC 3927, 2.7: never forwarded; and the node may need them, for a metadata service.
    (block(169, 254, 16), "link-local"),
    (block(224, 0, 4), "multicast"),
];

const fn block(a: u8, b: u8, prefix_len: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, 0, 0), prefix_len)
}

/// Whether any address is in both. Of two overlapping prefixes one contains the other.
pub(super) fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

/// Checks a subnet by itself; returns it without host bits, so that more checks can follow.
pub(super) fn check(subnet: &Spanned<Ipv4Net>, problems: &mut Collector) -> Option<Ipv4Net> {
    let (written, span) = (*subnet.get_ref(), subnet.span());
    if !PREFIX_LENGTHS.contains(&written.prefix_len()) {
        let (min, max) = (PREFIX_LENGTHS.start(), PREFIX_LENGTHS.end());
        let what = format!("subnet {written} has a prefix length out of range");
        problems.add(&span, what, format!("write /{min} to /{max}"));
        return None;
    }
    let net = written.trunc();
    if net != written {
        let what = format!("subnet {written} has host bits set");
        problems.add(&span, what, format!("write {net}"));
    }
    for (block, name) in SPECIAL {
        if overlap(net, block) {
            let what = format!("subnet {net} overlaps with the {name} block {block}");
            let cure = "choose a unicast subnet, such as one of 10.0.0.0/8";
            problems.add(&span, what, cure);
            return None;
        }
    }
    Some(net)
}

/// Checks that `host`, which errors call `noun`, can be a host's address in `net`. Without a valid
/// `net` there is nothing to say.
pub(super) fn check_host(
    noun: &str,
    host: Spanned<Ipv4Addr>,
    net: Option<Ipv4Net>,
    problems: &mut Collector,
) -> Option<Spanned<Ipv4Addr>> {
    let Some(net) = net else { return Some(host) };
    let address = *host.get_ref();
    let fault = if !net.contains(&address) {
        "is outside the subnet"
    } else if address == net.network() {
        "is the network address of"
    } else if address == net.broadcast() {
        "is the broadcast address of"
    } else {
        return Some(host);
    };
    let first = Ipv4Addr::from_bits(net.network().to_bits() + 1);
    let last = Ipv4Addr::from_bits(net.broadcast().to_bits() - 1);
    let what = format!("{noun} {address} {fault} {net}");
    let cure = format!("choose one of {first} to {last}");
    problems.add(&host.span(), what, cure);
    None
}
