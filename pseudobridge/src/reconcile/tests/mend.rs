//! `up` where one thing is missing or different: the steps that mend it, and no other.

use super::{
    BY_HAND, FIRST, Hand, address, bare, finished, in_ns1, ip, kernel_topology, net, ns1, put_name,
    topology, up,
};
use crate::netlink::{NeighbourState, Route};
use crate::reconcile::sysctls::SETTINGS;
use crate::reconcile::{Namespace, Observed, ObservedPod, PROTOCOL};
use crate::topology::Topology;

type Case = (&'static str, Hand, &'static [&'static str]);

/// What is mended where it is.
const MENDED: &[Case] = &[
    (
        "the subnet's route",
        |node| node.routes.retain(|route| route.oif.is_some()),
        &["add route unreachable 172.30.30.0/24"],
    ),
    (
        "the host's MTU",
        |node| ns1(node).link.mtu = 1400,
        &["set veth-ns1 mtu 1500"],
    ),
    (
        "the gateway's address",
        |node| ns1(node).gateways.clear(),
        &["add address 172.30.30.1/32 dev veth-ns1"],
    ),
    (
        "the host's end is down, and so without routes and neighbours",
        |node| {
            let pod = ns1(node);
            pod.link.up = false;
            pod.addresses.clear();
            pod.neighbours.clear();
        },
        &[
            "set veth-ns1 up",
            "set neighbour 172.30.30.11 dev veth-ns1 permanent",
            "add route 172.30.30.11/32 dev veth-ns1",
        ],
    ),
    (
        "no neighbour",
        |node| ns1(node).neighbours.clear(),
        &["set neighbour 172.30.30.11 dev veth-ns1 permanent"],
    ),
    (
        "the neighbour's MAC",
        |node| ns1(node).neighbours[0].mac = Some([2; 6]),
        &["set neighbour 172.30.30.11 dev veth-ns1 permanent"],
    ),
    (
        "the neighbour's address",
        |node| ns1(node).neighbours[0].address = ip("172.30.30.99").into(),
        &["set neighbour 172.30.30.11 dev veth-ns1 permanent"],
    ),
    (
        "no route",
        |node| ns1(node).addresses.clear(),
        &["add route 172.30.30.11/32 dev veth-ns1"],
    ),
    (
        "loopback is down",
        |node| in_ns1(node).loopback_up = false,
        &["in ns1: set lo up"],
    ),
    (
        "the pod's MTU",
        |node| in_ns1(node).link.mtu = 1400,
        &["in ns1: set veth-ns1-pod mtu 1500"],
    ),
    (
        "the pod has no address",
        |node| in_ns1(node).addresses.clear(),
        &["in ns1: add address 172.30.30.11/24 dev veth-ns1-pod"],
    ),
    (
        "the pod's end is down, and so without routes and neighbours",
        |node| {
            in_ns1(node).link.up = false;
            in_ns1(node).routes.clear();
            in_ns1(node).neighbours.clear();
        },
        &[
            "in ns1: set veth-ns1-pod up",
            "in ns1: set neighbour 172.30.30.1 dev veth-ns1-pod permanent",
            "in ns1: add route default via 172.30.30.1",
        ],
    ),
    (
        "the pod takes another station for its gateway",
        |node| in_ns1(node).neighbours[0].mac = Some([2; 6]),
        &["in ns1: set neighbour 172.30.30.1 dev veth-ns1-pod permanent"],
    ),
    (
        "the pod's default route",
        |node| {
            in_ns1(node).routes.retain(|route| route.gateway.is_none());
        },
        &["in ns1: add route default via 172.30.30.1"],
    ),
    (
        "the pod's default route, beside one that comes after it",
        |node| {
            let default = in_ns1(node).routes.last_mut().unwrap();
            default.oif = Some(7);
            default.metric = 50;
        },
        &["in ns1: add route default via 172.30.30.1"],
    ),
    (
        "a leftover of nobody's",
        |node| put_name(node, "old", Namespace::Leftover),
        &["delete network namespace old"],
    ),
    (
        "a namespace of a pod that is gone",
        |node| put_name(node, "old", Namespace::Ours),
        &["delete network namespace old"],
    ),
    (
        "the route of a network that is gone",
        |node| {
            node.routes
                .push(Route::unreachable(net("10.9.0.0/16"), PROTOCOL));
        },
        &["delete route 10.9.0.0/16"],
    ),
    (
        "a link that has no alias yet",
        |node| node.orphans.push(super::link(99, "veth-ns3", Some("veth"))),
        &["delete veth veth-ns3"],
    ),
];

/// What is none of our business.
const LEFT_ALONE: &[(&str, Hand)] = &[
    ("another address of the pod's own", |node| {
        in_ns1(node).addresses.push(address(2, "10.1.1.1/24"));
    }),
    ("another address of the host-side veth", |node| {
        let gateways = &mut ns1(node).gateways;
        gateways.insert(0, address(FIRST, "10.1.1.1/24"));
    }),
    ("a neighbour of another pod's", |node| {
        let mut other = ns1(node).neighbours[0].clone();
        other.address = ip("172.30.30.99").into();
        other.state = NeighbourState::Permanent;
        ns1(node).neighbours.push(other);
    }),
    ("settings of a family that the kernel has not", |node| {
        ns1(node).settings[0] = None;
    }),
    ("a default route that the pod has made its own", |node| {
        let by_ours = in_ns1(node).routes.pop().unwrap();
        let oif = Some(7);
        in_ns1(node).routes.push(Route { oif, ..by_ours });
    }),
    ("a default route of another metric", |node| {
        in_ns1(node).routes.last_mut().unwrap().metric = 50;
    }),
    ("namespaces of others", |node| {
        for (name, state) in [
            ("theirs", Namespace::Foreign),
            ("next", Namespace::OtherNodes),
            ("file", Namespace::NotNamespace),
        ] {
            put_name(node, name, state);
        }
    }),
    ("a route of others behind a pod's own", |node| {
        let route = Route::via_device(net("172.30.30.11/32"), FIRST, BY_HAND);
        node.routes.push(Route {
            metric: 50,
            ..route
        });
    }),
    ("a route of others over our link", |node| {
        let route = Route::via_device(net("172.30.30.64/32"), FIRST, BY_HAND);
        node.routes.push(route);
    }),
];

#[test]
fn one_thing_is_mended_and_nothing_else() {
    // Without BPF, of which `bpf` tells.
    for (what, spoil, expected) in MENDED {
        let mut node = finished(&kernel_topology());
        spoil(&mut node);
        assert_eq!(up(&kernel_topology(), &node), *expected, "{what}");
    }
}

#[test]
fn what_others_add_is_left_alone() {
    for (what, add) in LEFT_ALONE {
        let mut node = finished(&topology());
        add(&mut node);
        assert!(up(&topology(), &node).is_empty(), "{what}");
    }
}

#[test]
fn every_setting_is_mended() {
    for (index, setting) in SETTINGS.iter().enumerate() {
        let mut node = finished(&topology());
        ns1(&mut node).settings[index] = Some("7".to_owned());
        let expected = format!("set {}", setting.describe("veth-ns1"));
        assert_eq!(up(&topology(), &node), [expected]);
    }
}

#[test]
fn a_pod_without_neighbours_gets_its_gateway_route_back() {
    let mut narrow = kernel_topology();
    narrow.networks[0].pod_prefix = 32;
    let mut node = finished(&narrow);
    in_ns1(&mut node)
        .routes
        .retain(|route| route.gateway.is_some());
    let expected = "in ns1: add route 172.30.30.1/32 dev veth-ns1-pod";
    assert_eq!(up(&narrow, &node), [expected]);
}

#[test]
fn another_mtu_is_set_everywhere() {
    let mut topology = topology();
    let node = finished(&topology);
    topology.networks[0].pods[0].mtu = 9000;
    let expected = [
        "set veth-ns1 mtu 9000",
        "enter ns1, 172.30.30.11, into the maps",
        "in ns1: set veth-ns1-pod mtu 9000",
    ];
    assert_eq!(up(&topology, &node), expected);
}

/// A growing network is never without an `unreachable` route.
#[test]
fn another_subnet_is_covered_throughout() {
    let mut topology = kernel_topology();
    topology.networks[0].pod_prefix = 32;
    let node = finished(&topology);
    topology.networks[0].subnet = net("172.30.30.0/25");
    let expected = [
        "add route unreachable 172.30.30.0/25",
        "delete route 172.30.30.0/24",
    ];
    assert_eq!(up(&topology, &node), expected);
}

/// Takes the first pod's link away, with all that is on it.
fn lose(node: &mut Observed) -> ObservedPod {
    node.links.retain(|link| link.index != FIRST);
    node.addresses.retain(|address| address.index != FIRST);
    node.routes.retain(|route| route.oif != Some(FIRST));
    node.pods.remove(&FIRST).unwrap()
}

/// The steps that make the first pod, as on a bare node; with its namespace if that is not there.
fn made_anew(topology: &Topology, namespace_is_there: bool) -> Vec<String> {
    let mut node = finished(topology);
    lose(&mut node);
    if !namespace_is_there {
        node.namespaces.remove("ns1");
    }
    up(topology, &node)
}

#[test]
fn a_pod_that_cannot_be_mended_is_made_anew() {
    let cases: &[(&str, Hand)] = &[
        ("another name", |node| {
            ns1(node).owner.pod = "old".to_owned();
        }),
        ("another network", |node| {
            ns1(node).owner.network = "old".to_owned();
        }),
        ("another address", |node| {
            ns1(node).addresses = vec![ip("172.30.30.99")];
        }),
        ("a second address", |node| {
            ns1(node).addresses.push(ip("172.30.30.99"));
        }),
        ("another gateway", |node| {
            ns1(node).gateways = vec![address(FIRST, "172.30.30.2/32")];
        }),
        (
            "a gateway with a subnet, which is routed to the pod",
            |node| {
                ns1(node).gateways = vec![address(FIRST, "172.30.30.1/24")];
            },
        ),
        ("another MAC", |node| ns1(node).link.mac = Some([2; 6])),
        ("another MAC inside", |node| {
            in_ns1(node).link.mac = Some([2; 6]);
        }),
        ("another name inside", |node| {
            in_ns1(node).link.name = "eth0".to_owned();
        }),
        ("the pod's end is elsewhere", |node| ns1(node).inside = None),
        ("another prefix inside", |node| {
            in_ns1(node).addresses = vec![address(2, "172.30.30.11/32")];
        }),
        ("its old address inside, the route being lost", |node| {
            ns1(node).addresses.clear();
            in_ns1(node).addresses = vec![address(2, "172.30.30.99/24")];
        }),
        ("no IPv6, which would come back open", |node| {
            ns1(node).link.mtu = 1279;
        }),
    ];
    let topology = kernel_topology();
    let mut expected = vec!["delete veth veth-ns1".to_owned()];
    expected.extend(made_anew(&topology, true));
    for (what, spoil) in cases {
        let mut node = finished(&topology);
        spoil(&mut node);
        assert_eq!(up(&topology, &node), expected, "{what}");
    }
}

#[test]
fn a_small_mtu_is_mended_where_there_was_no_ipv6_to_be() {
    let mut topology = kernel_topology();
    topology.networks[0].pods[0].mtu = 1200;
    let mut node = finished(&topology);
    ns1(&mut node).link.mtu = 1000;
    assert_eq!(up(&topology, &node), ["set veth-ns1 mtu 1200"]);
}

#[test]
fn a_lost_namespace_is_made_anew_with_its_pod() {
    let topology = kernel_topology();
    let mut node = finished(&topology);
    ns1(&mut node).inside = None;
    node.namespaces.remove("ns1");
    let mut expected = vec!["delete veth veth-ns1".to_owned()];
    expected.extend(made_anew(&topology, false));
    assert_eq!(up(&topology, &node), expected);
}

#[test]
fn what_was_cut_short_is_deleted_and_made_anew() {
    let topology = kernel_topology();
    let mut node = bare();
    put_name(&mut node, "ns1", Namespace::Leftover);
    let mut expected = vec!["delete network namespace ns1".to_owned()];
    expected.extend(up(&topology, &bare()));
    assert_eq!(up(&topology, &node), expected, "the file of a namespace");

    let mut node = finished(&topology);
    let pod = lose(&mut node);
    node.links.push(pod.link.clone());
    node.orphans.push(pod.link);
    let mut expected = vec!["delete veth veth-ns1".to_owned()];
    expected.extend(made_anew(&topology, true));
    assert_eq!(up(&topology, &node), expected, "a veth without its alias");
}
