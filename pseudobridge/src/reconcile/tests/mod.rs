//! Plans for nodes made by hand: what is there on one side, the steps, as they are printed, on
//! the other.

mod begin;
mod bpf;
mod conflicts;
mod end;
mod mend;
mod own;
mod steps;
mod switch;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use pseudobridge_common::abi;

use super::bpf_state::BpfState;
use super::identity::GROUP;
use super::observe::Inside;
use super::sysctls::SETTINGS;
use super::{DesiredPod, Namespace, Observed, ObservedPod, PROTOCOL, Plan};
use crate::bpf::bpffs::Bpffs;
use crate::bpf::{Attached, Entries, Pinned};
use crate::netlink::{Address, Link, Neighbour, NeighbourState, Route, RouteKind};
use crate::topology::{Datapath, Topology};

/// Cookie of the node.
const COOKIE: u64 = 4097;
/// Index of the node's uplink.
const UPLINK: u32 = 2;
/// Index of the first pod's host-side veth; the others follow.
const FIRST: u32 = 10;
/// Index of the pod's end in each pod.
const INNER: u32 = 2;
/// `RTPROT_KERNEL` and `RTPROT_BOOT` of linux/rtnetlink.h.
const BY_KERNEL: u8 = 2;
const BY_HAND: u8 = 3;

/// What somebody does to a node.
type Hand = fn(&mut Observed);

/// Pods ns1 and ns2 in 172.30.30.0/24.
fn topology() -> Topology {
    Topology::builtin().unwrap()
}

/// The same by the kernel alone.
fn kernel_topology() -> Topology {
    let mut topology = topology();
    topology.set_datapath(Datapath::Kernel);
    topology
}

/// Without its last pod.
fn one_pod() -> Topology {
    let mut topology = topology();
    topology.networks[0].pods.pop();
    topology
}

fn net(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn address(index: u32, text: &str) -> Address {
    Address {
        index,
        address: net(text).into(),
    }
}

fn link(index: u32, name: &str, kind: Option<&str>) -> Link {
    Link {
        index,
        name: name.to_owned(),
        alias: None,
        group: 0,
        mac: None,
        mtu: 1500,
        up: true,
        carrier: true,
        kind: kind.map(str::to_owned),
        peer_index: None,
        link_netnsid: None,
        master: None,
        ethernet: true,
        xdp: None,
    }
}

/// A node with an uplink, and nothing of ours.
fn bare() -> Observed {
    let local = Route {
        kind: RouteKind::Local,
        table: Route::LOCAL,
        ..Route::via_device(net("192.0.2.10/32"), UPLINK, BY_KERNEL)
    };
    Observed {
        cookie: COOKIE,
        links: vec![link(1, "lo", None), link(UPLINK, "eth0", None)],
        addresses: vec![address(1, "127.0.0.1/8"), address(UPLINK, "192.0.2.10/24")],
        routes: vec![
            Route::default_via(ip("192.0.2.1"), UPLINK, BY_HAND),
            Route::via_device(net("192.0.2.0/24"), UPLINK, BY_KERNEL),
            local,
        ],
        pods: [].into(),
        orphans: Vec::new(),
        namespaces: [].into(),
        bpf: BpfState {
            bpffs: Bpffs::Mounted,
            pinned: Pinned::No,
            incomplete: false,
            entries: Entries::default(),
            max_pods: None,
            uplinks: BTreeMap::new(),
            linked: Vec::new(),
            own_mount: None,
        },
    }
}

/// A node on which all of a topology is as it should be.
fn finished(topology: &Topology) -> Observed {
    let mut node = bare();
    for network in &topology.networks {
        node.routes
            .push(Route::unreachable(network.subnet, PROTOCOL));
    }
    if topology.datapath != Datapath::Kernel {
        node.bpf.pinned = Pinned::Yes;
        node.bpf.max_pods = Some(topology.max_pods);
        for network in &topology.networks {
            let entry = abi::Network {
                network: network.subnet.network().octets(),
                gateway: network.gateway.octets(),
                uplink: 0,
            };
            let subnet = network.subnet.into();
            node.bpf.entries.networks.insert(subnet, entry);
        }
    }
    for (index, desired) in (FIRST..).zip(DesiredPod::all(topology, &bare())) {
        add_pod(&mut node, index, &desired, topology.datapath);
    }
    node
}

fn add_pod(node: &mut Observed, index: u32, desired: &DesiredPod, datapath: Datapath) {
    let pod = &desired.pod;
    let host = Link {
        alias: Some(desired.owner().to_string()),
        group: GROUP,
        mac: Some(desired.host_mac()),
        mtu: pod.mtu,
        peer_index: Some(INNER),
        ..link(index, &pod.interface, Some("veth"))
    };
    let gateway = Address {
        index,
        address: Ipv4Net::from(desired.gateway).into(),
    };
    let local = Route {
        kind: RouteKind::Local,
        table: Route::LOCAL,
        ..Route::via_device(Ipv4Net::from(desired.gateway), index, BY_KERNEL)
    };
    let attached = match datapath {
        Datapath::Kernel => Attached::No,
        Datapath::Tc | Datapath::Xdp | Datapath::XdpGeneric => {
            let (entry, port) = desired.entries(index);
            node.bpf.entries.pods.insert(pod.address.into(), entry);
            node.bpf.entries.ports.insert(index, port);
            node.bpf.entries.targets.push(index);
            node.bpf.linked.push(pod.interface.clone());
            Attached::Yes
        }
    };
    let observed = ObservedPod {
        owner: desired.owner(),
        link: host.clone(),
        gateways: vec![gateway],
        addresses: vec![pod.address],
        neighbours: vec![Neighbour {
            index,
            address: pod.address.into(),
            mac: Some(desired.pod_mac()),
            state: NeighbourState::Permanent,
        }],
        settings: SETTINGS
            .iter()
            .map(|setting| Some(setting.value.to_owned()))
            .collect(),
        attached,
        inside: Some(inside(index, desired)),
    };
    node.links.push(host);
    node.addresses.push(gateway);
    let route = Route::via_device(Ipv4Net::from(pod.address), index, PROTOCOL);
    node.routes.extend([local, route]);
    node.pods.insert(index, observed);
    put_name(node, &pod.netns, Namespace::Ours);
}

fn inside(host: u32, desired: &DesiredPod) -> Inside {
    let pod = &desired.pod;
    let on_link = match desired.pod_prefix {
        32 => Route::via_device(Ipv4Net::from(desired.gateway), INNER, PROTOCOL),
        _ => Route::via_device(desired.subnet, INNER, BY_KERNEL),
    };
    Inside {
        link: Link {
            mac: Some(desired.pod_mac()),
            mtu: pod.mtu,
            peer_index: Some(host),
            ..link(INNER, &pod.pod_interface, Some("veth"))
        },
        loopback_up: true,
        addresses: vec![Address {
            index: INNER,
            address: desired.address().into(),
        }],
        neighbours: vec![Neighbour {
            index: INNER,
            address: desired.gateway.into(),
            mac: Some(desired.host_mac()),
            state: NeighbourState::Permanent,
        }],
        routes: vec![
            on_link,
            Route::default_via(desired.gateway, INNER, PROTOCOL),
        ],
    }
}

/// Gives a name of a network namespace a meaning.
fn put_name(node: &mut Observed, name: &str, state: Namespace) {
    node.namespaces.insert(name.to_owned(), state);
}

/// The pod on `veth-ns1`.
fn ns1(node: &mut Observed) -> &mut ObservedPod {
    node.pods.get_mut(&FIRST).unwrap()
}

/// The same from inside.
fn in_ns1(node: &mut Observed) -> &mut Inside {
    ns1(node).inside.as_mut().unwrap()
}

fn lines(plan: &Plan) -> Vec<String> {
    plan.steps.iter().map(ToString::to_string).collect()
}

/// The steps of `up`, which nothing stands in the way of.
fn up(topology: &Topology, node: &Observed) -> Vec<String> {
    lines(&super::up(topology, node, true).unwrap())
}

#[test]
fn a_finished_network_needs_nothing() {
    let mut narrow = topology();
    narrow.networks[0].pod_prefix = 32;
    for topology in [topology(), kernel_topology(), one_pod(), narrow] {
        assert!(up(&topology, &finished(&topology)).is_empty());
    }
}
