//! What stands in the way: named, with a cure, and all of it at once.

use super::{
    BY_HAND, FIRST, Hand, UPLINK, address, bare, finished, link, net, put_name, topology, up,
};
use crate::netlink::{Route, RouteKind};
use crate::reconcile::{self, Namespace, Observed, PROTOCOL};

fn conflicts(node: &Observed) -> Vec<String> {
    let conflicts = reconcile::up(&topology(), node, true).unwrap_err();
    conflicts.to_string().lines().map(str::to_owned).collect()
}

fn route(destination: &str) -> Route {
    Route::via_device(net(destination), UPLINK, BY_HAND)
}

type Case = (Hand, &'static str);

const NAMES: &[Case] = &[
    (
        |node| put_name(node, "ns1", Namespace::Foreign),
        "network namespace ns1 exists and is not ours; \
         remove it (ip netns del ns1), or give pod ns1 another `netns`",
    ),
    (
        |node| put_name(node, "ns1", Namespace::OtherNodes),
        "network namespace ns1 belongs to another node of pseudobridge; \
         take that node's network down, or give pod ns1 another `netns`",
    ),
    (
        |node| put_name(node, "ns1", Namespace::NotNamespace),
        "/run/netns/ns1 exists and is no network namespace; \
         remove it (ip netns del ns1), or give pod ns1 another `netns`",
    ),
    (
        |node| node.links.push(link(7, "veth-ns1", Some("veth"))),
        "interface veth-ns1 exists and is not ours; \
         remove it (ip link del veth-ns1), or give pod ns1 another `interface`",
    ),
];

const SUBNETS: &[Case] = &[
    (
        |node| node.addresses.push(address(UPLINK, "172.30.30.5/16")),
        "address 172.30.30.5/16 of eth0 lies in 172.30.30.0/24, the subnet of network default; \
         remove it (ip address del 172.30.30.5/16 dev eth0), or choose another `subnet`",
    ),
    (
        // The address says it all.
        |node| {
            node.addresses.push(address(UPLINK, "172.30.30.5/24"));
            node.routes.push(route("172.30.30.0/24"));
        },
        "address 172.30.30.5/24 of eth0 lies in 172.30.30.0/24, the subnet of network default; \
         remove it (ip address del 172.30.30.5/24 dev eth0), or choose another `subnet`",
    ),
    (
        |node| node.routes.push(route("172.30.30.0/24")),
        "route 172.30.30.0/24 dev eth0 exists and is not ours; \
         it collides with 172.30.30.0/24, the subnet of network default; \
         remove it (ip route del 172.30.30.0/24 dev eth0), or choose another `subnet`",
    ),
    (
        |node| node.routes.push(route("172.30.30.11/32")),
        "route 172.30.30.11/32 dev eth0 exists and is not ours; \
         it collides with 172.30.30.0/24, the subnet of network default; \
         remove it (ip route del 172.30.30.11/32 dev eth0), or choose another `subnet`",
    ),
    (
        |node| {
            node.routes.push(Route {
                table: 100,
                metric: 50,
                kind: RouteKind::BlackHole,
                oif: None,
                ..route("172.30.30.0/25")
            });
        },
        "route blackhole 172.30.30.0/25 table 100 metric 50 exists and is not ours; \
         it collides with 172.30.30.0/24, the subnet of network default; \
         remove it (ip route del blackhole 172.30.30.0/25 table 100 metric 50), \
         or choose another `subnet`",
    ),
    (
        // Our number alone makes no route ours.
        |node| {
            node.routes.push(Route {
                protocol: PROTOCOL,
                ..route("172.30.30.11/32")
            });
        },
        "route 172.30.30.11/32 dev eth0 exists and is not ours; \
         it collides with 172.30.30.0/24, the subnet of network default; \
         remove it (ip route del 172.30.30.11/32 dev eth0), or choose another `subnet`",
    ),
];

#[test]
fn each_is_named_with_a_cure() {
    for (add, expected) in NAMES.iter().chain(SUBNETS) {
        let mut node = bare();
        add(&mut node);
        assert_eq!(conflicts(&node), [*expected]);
    }
}

#[test]
fn all_are_told_at_once() {
    let mut node = bare();
    let (of_name, name) = NAMES[0];
    let (of_link, link) = NAMES[3];
    let (of_subnet, subnet) = SUBNETS[2];
    for add in [of_subnet, of_link, of_name] {
        add(&mut node);
    }
    assert_eq!(conflicts(&node), [name, link, subnet]);
}

/// A pod's own route could not be added.
#[test]
fn a_route_in_the_place_of_a_pods_own_is_one() {
    let mut node = finished(&topology());
    node.routes.retain(|route| route.oif != Some(FIRST));
    super::ns1(&mut node).addresses.clear();
    let theirs = Route::via_device(net("172.30.30.11/32"), 11, BY_HAND);
    node.routes.push(theirs);
    let expected = "route 172.30.30.11/32 dev veth-ns2 exists and is not ours; \
        it collides with 172.30.30.0/24, the subnet of network default; \
        remove it (ip route del 172.30.30.11/32 dev veth-ns2), or choose another `subnet`";
    assert_eq!(conflicts(&node), [expected]);
}

#[test]
fn what_is_not_in_the_way_is_none() {
    let cases: &[(&str, Hand)] = &[
        ("a wider route", |node| {
            node.routes.push(route("172.30.0.0/16"));
        }),
        ("a route beside it", |node| {
            node.routes.push(route("172.30.31.0/24"));
        }),
        ("an address beside it", |node| {
            node.addresses.push(address(UPLINK, "172.30.31.1/16"));
        }),
        ("another link", |node| {
            node.links.push(link(7, "veth-other", Some("veth")));
        }),
        ("another namespace", |node| {
            put_name(node, "theirs", Namespace::Foreign);
        }),
    ];
    let expected = up(&topology(), &bare());
    for (what, add) in cases {
        let mut node = bare();
        add(&mut node);
        assert_eq!(up(&topology(), &node), expected, "{what}");
    }
}
