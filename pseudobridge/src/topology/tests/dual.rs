//! IPv6 subnets and addresses.

use super::{Topology, assert_problems, with_network};

/// A dual-stack network of five lines, with `rest` from line 6 on.
fn dual(subnet6: &str, rest: &str) -> String {
    with_network(&format!("subnet6 = {subnet6:?}\n{rest}"))
}

fn pod(name: &str, address: &str, more: &str) -> String {
    format!("[[network.pod]]\nname = \"{name}\"\naddress = \"{address}\"\n{more}\n")
}

#[test]
fn subnets_of_ipv6() {
    for text in ["10.1.0.0/24", "fd00::", "fd00::/129", "fd00:::/64", ""] {
        let expected = format!(
            "5: `subnet6` is {text:?}, no IPv6 subnet; write it like subnet6 = \"fd00:30::/64\""
        );
        assert_problems(&dual(text, ""), &[&expected]);
    }
    let range = "has a prefix length out of range; write /48 to /126";
    let cure = "choose a unicast subnet, such as one of fd00::/8";
    for (subnet, expected) in [
        ("fd00::/47", range.to_owned()),
        ("fd00::/127", range.to_owned()),
        (
            "fd00:1::5/64",
            "has host bits set; write fd00:1::/64".to_owned(),
        ),
        (
            "::/64",
            format!("overlaps with the unspecified block ::/128; {cure}"),
        ),
        (
            "::ffff:10.0.0.0/104",
            format!("overlaps with the IPv4-mapped block ::ffff:0.0.0.0/96; {cure}"),
        ),
        (
            "fe80::/64",
            format!("overlaps with the link-local block fe80::/10; {cure}"),
        ),
        (
            "febf:ffff::/64",
            format!("overlaps with the link-local block fe80::/10; {cure}"),
        ),
        (
            "ff05::/64",
            format!("overlaps with the multicast block ff00::/8; {cure}"),
        ),
    ] {
        let expected = format!("5: subnet6 {subnet} {expected}");
        assert_problems(&dual(subnet, ""), &[&expected]);
    }
    for subnet in ["fd00::/48", "fd00:1::/126", "2001:db8::/64", "fec0::/64"] {
        let parsed = Topology::parse(&dual(subnet, ""), "t.toml").unwrap();
        assert_eq!(parsed.networks[0].subnet6, Some(subnet.parse().unwrap()));
    }
}

#[test]
fn subnets_of_two_networks_do_not_overlap() {
    let two = |subnet6: &str| {
        dual(
            "fd00:1::/64",
            &format!(
                "[[network]]\nname = \"b\"\nsubnet = \"10.2.0.0/24\"\ngateway = \"10.2.0.1\"\n\
                 subnet6 = {subnet6:?}\n"
            ),
        )
    };
    let cure = "give each network addresses of its own";
    for subnet in ["fd00:1::/64", "fd00:1:0:0:8000::/65", "fd00:1::/48"] {
        let expected = format!("10: subnet6 {subnet} overlaps with fd00:1::/64 of line 5; {cure}");
        assert_problems(&two(subnet), &[&expected]);
    }
    assert!(Topology::parse(&two("fd00:1:0:1::/64"), "t.toml").is_ok());
}

#[test]
fn addresses_of_ipv6() {
    for text in ["10.1.0.2", "fd00:1::2/64", "fe80::1%eth0", ""] {
        let expected = format!(
            "9: `address6` is {text:?}, no IPv6 address; write it like address6 = \"fd00:30::11\""
        );
        let key = format!("address6 = {text:?}");
        assert_problems(
            &dual("fd00:1::/64", &pod("p", "10.1.0.2", &key)),
            &[&expected],
        );
    }
    let cure = "choose one of fd00:1::1 to fd00:1::ffff:ffff:ffff:ffff";
    for (address, fault) in [
        ("fd00:2::2", "is outside the subnet"),
        ("fd00:1::", "is the subnet-router anycast address of"),
    ] {
        let expected = format!("9: address6 {address} {fault} fd00:1::/64; {cure}");
        let key = format!("address6 = {address:?}");
        assert_problems(
            &dual("fd00:1::/64", &pod("p", "10.1.0.2", &key)),
            &[&expected],
        );
    }
    // There is no broadcast address: the last one is a host's.
    for address in ["fd00:1::1", "fd00:1::3"] {
        let key = format!("address6 = {address:?}");
        let text = dual("fd00:1::/126", &pod("p", "10.1.0.2", &key));
        let topology = Topology::parse(&text, "t.toml").unwrap();
        assert_eq!(
            topology.networks[0].pods[0].address6,
            Some(address.parse().unwrap())
        );
    }
}

#[test]
fn addresses_of_ipv6_are_unique() {
    let pods = pod("p", "10.1.0.2", "address6 = \"fd00:1::2\"")
        + &pod("q", "10.1.0.3", "address6 = \"fd00:1:0::2\"");
    assert_problems(
        &dual("fd00:1::/64", &pods),
        &["13: address6 fd00:1::2 is taken on line 9; give this pod another address6"],
    );
}

#[test]
fn an_address_of_ipv6_needs_a_subnet() {
    let key = "address6 = \"fd00:1::2\"";
    assert_problems(
        &with_network(&pod("p", "10.1.0.2", key)),
        &["8: address6 fd00:1::2 is in no subnet; \
           give the network a `subnet6`, or take `address6` out"],
    );
    // A subnet that is wrong is one problem, not one more a pod.
    assert_problems(
        &dual("ff00::/64", &pod("p", "10.1.0.2", key)),
        &[
            "5: subnet6 ff00::/64 overlaps with the multicast block ff00::/8; \
           choose a unicast subnet, such as one of fd00::/8",
        ],
    );
}

#[test]
fn ipv6_has_a_least_mtu() {
    let cure = "write 1280 or more, or take the network's `subnet6` out";
    let small = format!("mtu 1279 is too small for IPv6; {cure}");
    assert_problems(
        &dual(
            "fd00:1::/64",
            &("mtu = 1279\n".to_owned() + &pod("p", "10.1.0.2", "")),
        ),
        &[&format!("6: {small}")],
    );
    assert_problems(
        &dual("fd00:1::/64", &pod("p", "10.1.0.2", "mtu = 1279")),
        &[&format!("9: {small}")],
    );
    let least = "mtu = 1280\n".to_owned() + &pod("p", "10.1.0.2", "mtu = 1280");
    assert!(Topology::parse(&dual("fd00:1::/64", &least), "t.toml").is_ok());
    assert!(Topology::parse(&with_network("mtu = 1279"), "t.toml").is_ok());
}
