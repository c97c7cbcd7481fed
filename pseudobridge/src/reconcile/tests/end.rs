//! `down`, and the undoing of an `up` that failed.

use std::path::PathBuf;

use super::{
    BY_HAND, FIRST, bare, finished, ip, kernel_topology, lines, net, ns1, one_pod, put_name,
    topology,
};
use crate::bpf::{Attached, Pinned};
use crate::netlink::Route;
use crate::reconcile::{self, Namespace, Observed};

fn down(node: &Observed) -> Vec<String> {
    lines(&reconcile::down(node, None))
}

/// What takes away what was not there before.
fn undo(node: &Observed, before: &Observed) -> Vec<String> {
    lines(&reconcile::down(node, Some(before)))
}

#[test]
fn everything_of_ours_goes() {
    let mut node = finished(&topology());
    node.bpf.own_mount = Some(PathBuf::from("/sys/fs/bpf"));
    node.bpf.incomplete = true;
    let expected = [
        "delete veth veth-ns1, veth-ns2",
        "delete network namespace ns1",
        "delete network namespace ns2",
        "delete route 172.30.30.0/24",
        "remove the pins of an unfinished installation",
        "remove links, program and maps",
        "unmount the BPF filesystem at /sys/fs/bpf",
    ];
    assert_eq!(down(&node), expected);
}

#[test]
fn without_bpf_there_is_nothing_to_unpin() {
    let expected = [
        "delete veth veth-ns1, veth-ns2",
        "delete network namespace ns1",
        "delete network namespace ns2",
        "delete route 172.30.30.0/24",
    ];
    assert_eq!(down(&finished(&kernel_topology())), expected);
}

#[test]
fn where_nothing_is_nothing_goes() {
    assert!(down(&bare()).is_empty());
}

#[test]
fn what_others_have_stays() {
    let mut node = bare();
    for (name, state) in [
        ("theirs", Namespace::Foreign),
        ("next", Namespace::OtherNodes),
        ("file", Namespace::NotNamespace),
    ] {
        put_name(&mut node, name, state);
    }
    node.routes
        .push(Route::unreachable(net("10.9.0.0/16"), BY_HAND));
    let elsewhere = Route {
        table: 100,
        ..Route::unreachable(net("10.9.0.0/16"), reconcile::PROTOCOL)
    };
    node.routes.push(elsewhere);
    assert!(down(&node).is_empty());
}

#[test]
fn what_was_cut_short_goes() {
    let mut node = bare();
    put_name(&mut node, "ns1", Namespace::Leftover);
    node.orphans
        .push(super::link(FIRST, "veth-ns1", Some("veth")));
    node.bpf.incomplete = true;
    let expected = [
        "delete veth veth-ns1",
        "delete network namespace ns1",
        "remove the pins of an unfinished installation",
    ];
    assert_eq!(down(&node), expected);
}

#[test]
fn an_undone_first_up_leaves_nothing() {
    let mut node = finished(&topology());
    node.bpf.own_mount = Some(PathBuf::from("/sys/fs/bpf"));
    let mut before = bare();
    before.bpf.bpffs = crate::bpf::bpffs::Bpffs::Missing(PathBuf::from("/sys/fs/bpf"));
    assert_eq!(undo(&node, &before), down(&node));
}

#[test]
fn an_undone_up_leaves_what_was_there() {
    let mut before = finished(&one_pod());
    before.bpf.own_mount = Some(PathBuf::from("/sys/fs/bpf"));
    let mut node = finished(&topology());
    node.bpf.own_mount.clone_from(&before.bpf.own_mount);
    let expected = [
        "delete veth veth-ns2",
        "remove 172.30.30.12 from the maps",
        "detach the tc program from veth-ns2",
        "remove interface 11 from the maps",
        "delete network namespace ns2",
    ];
    assert_eq!(undo(&node, &before), expected);
    assert!(undo(&node, &node).is_empty());
}

/// A pod gets its route only after its entry.
#[test]
fn an_undone_up_forgets_an_address_that_has_no_route_yet() {
    let mut node = finished(&topology());
    let pod = node.pods.get_mut(&11).unwrap();
    pod.addresses.clear();
    pod.attached = Attached::No;
    node.bpf.linked.retain(|name| name != "veth-ns2");
    let expected = [
        "delete veth veth-ns2",
        "remove 172.30.30.12 from the maps",
        "remove interface 11 from the maps",
        "delete network namespace ns2",
    ];
    assert_eq!(undo(&node, &finished(&one_pod())), expected);
}

#[test]
fn an_undone_up_takes_its_routes_and_pins_back() {
    let before = finished(&kernel_topology());
    let mut node = before.clone();
    node.bpf.pinned = Pinned::Yes;
    node.routes
        .push(Route::unreachable(net("10.9.0.0/16"), reconcile::PROTOCOL));
    let expected = ["delete route 10.9.0.0/16", "remove links, program and maps"];
    assert_eq!(undo(&node, &before), expected);
}

#[test]
fn an_undone_up_takes_back_the_namespace_that_it_put_in_place_of_a_leftover() {
    let mut before = bare();
    put_name(&mut before, "ns1", Namespace::Leftover);
    assert!(undo(&before, &before).is_empty());
    let mut node = bare();
    put_name(&mut node, "ns1", Namespace::Ours);
    assert_eq!(undo(&node, &before), ["delete network namespace ns1"]);
}

#[test]
fn a_half_made_network_goes() {
    let mut node = finished(&topology());
    ns1(&mut node).inside = None;
    node.pods.remove(&11);
    node.bpf.linked.clear();
    node.bpf.entries.pods.remove(&ip("172.30.30.12").into());
    node.bpf.entries.ports.remove(&11);
    node.bpf.entries.targets.clear();
    let expected = [
        "delete veth veth-ns1",
        "delete network namespace ns1",
        "delete network namespace ns2",
        "delete route 172.30.30.0/24",
        "remove links, program and maps",
    ];
    assert_eq!(down(&node), expected);
}
