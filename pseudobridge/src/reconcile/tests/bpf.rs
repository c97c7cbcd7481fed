//! Maps, links and programs that are not as they should be.

use super::{FIRST, Hand, finished, ip, kernel_topology, lines, ns1, one_pod, topology, up};
use crate::bpf::{Attached, Entries, Pinned};
use crate::reconcile;

const NETWORK: &str = "enter the network 172.30.30.0/24 into the maps";
const ENTER: &str = "enter ns1, 172.30.30.11, into the maps";
const ATTACH: &str = "attach the tc program to veth-ns1";
const UPDATE: &str = "update the tc program of veth-ns1";
const DETACH: &str = "detach the tc program from veth-ns1";

/// Index of no link.
const GONE: u32 = 99;

#[test]
fn one_thing_is_mended_and_nothing_else() {
    type Case = (&'static str, Hand, &'static [&'static str]);
    let cases: &[Case] = &[
        (
            "no entry by address",
            |node| {
                let pods = &mut node.bpf.entries.pods;
                pods.retain(|_, pod| pod.ifindex != FIRST);
            },
            &[ENTER],
        ),
        (
            "another MTU",
            |node| {
                let mut pods = node.bpf.entries.pods.values_mut();
                pods.find(|pod| pod.ifindex == FIRST).unwrap().mtu = 1400;
            },
            &[ENTER],
        ),
        (
            "no port",
            |node| node.bpf.entries.ports.retain(|port, _| *port != FIRST),
            &[ENTER],
        ),
        (
            "another port",
            |node| node.bpf.entries.ports.get_mut(&FIRST).unwrap().mask = [255; 4],
            &[ENTER],
        ),
        (
            "no target",
            |node| node.bpf.entries.targets.retain(|target| *target != FIRST),
            &[ENTER],
        ),
        (
            "not attached",
            |node| {
                ns1(node).attached = Attached::No;
                node.bpf.linked.retain(|name| name != "veth-ns1");
            },
            &[ATTACH],
        ),
        (
            "attached, but not the pinned program",
            |node| ns1(node).attached = Attached::Outdated,
            &[UPDATE],
        ),
        (
            "an address of nobody's",
            |node| {
                let mut pod = node.bpf.entries.pods[&ip("172.30.30.11").into()];
                pod.ifindex = GONE;
                node.bpf.entries.pods.insert(ip("172.30.30.99").into(), pod);
            },
            &["remove 172.30.30.99 from the maps"],
        ),
        (
            "a port of nobody's",
            |node| {
                let port = node.bpf.entries.ports[&FIRST];
                node.bpf.entries.ports.insert(GONE, port);
            },
            &["remove interface 99 from the maps"],
        ),
        (
            "a target of nobody's",
            |node| node.bpf.entries.targets.push(GONE),
            &["remove interface 99 from the maps"],
        ),
        (
            "a link of nobody's",
            |node| node.bpf.linked.push("veth-old".to_owned()),
            &["detach the tc program from veth-old"],
        ),
    ];
    for (what, spoil, expected) in cases {
        let mut node = finished(&topology());
        spoil(&mut node);
        assert_eq!(up(&topology(), &node), *expected, "{what}");
    }
}

#[test]
fn a_stale_entry_of_a_pod_is_replaced() {
    let mut node = finished(&topology());
    let pods = &mut node.bpf.entries.pods;
    pods.get_mut(&ip("172.30.30.11").into()).unwrap().ifindex = GONE;
    let expected = ["remove 172.30.30.11 from the maps", ENTER];
    assert_eq!(up(&topology(), &node), expected);
}

#[test]
fn pins_that_are_there_in_part_are_made_anew() {
    let mut node = finished(&topology());
    node.bpf.pinned = Pinned::InPart;
    node.bpf.entries = Entries::default();
    node.pods
        .values_mut()
        .for_each(|pod| pod.attached = Attached::No);
    let expected = [
        "remove links, program and maps",
        "load the programs, pin them and their maps for 4096 pods",
        NETWORK,
        ENTER,
        ATTACH,
        "enter ns2, 172.30.30.12, into the maps",
        "attach the tc program to veth-ns2",
    ];
    assert_eq!(up(&topology(), &node), expected);
}

/// As long as a link is there, its program knows its pod; once it is gone, nothing counts for it.
#[test]
fn a_pod_that_is_not_in_the_topology_goes_and_the_others_stay() {
    let node = finished(&topology());
    let expected = [
        "delete veth veth-ns2",
        "remove 172.30.30.12 from the maps",
        "detach the tc program from veth-ns2",
        "remove interface 11 from the maps",
        "delete network namespace ns2",
    ];
    assert_eq!(up(&one_pod(), &node), expected);
}

#[test]
fn a_pod_made_anew_leaves_nothing_of_the_old_one_in_the_maps() {
    let mut node = finished(&topology());
    ns1(&mut node).inside = None;
    let steps = up(&topology(), &node);
    let expected = [
        "delete veth veth-ns1",
        "remove 172.30.30.11 from the maps",
        DETACH,
        "remove interface 10 from the maps",
        "create veth veth-ns1, peer veth-ns1-pod in ns1",
    ];
    assert_eq!(steps[..5], expected);
    assert!(
        [ENTER, ATTACH]
            .iter()
            .all(|step| steps.contains(&(*step).to_owned()))
    );
}

/// The counters have no other trace in the maps.
#[test]
fn a_pod_that_was_not_entered_is_forgotten_all_the_same() {
    let mut node = finished(&topology());
    node.bpf.entries = Entries::default();
    let steps = up(&one_pod(), &node);
    assert!(
        steps.contains(&"remove interface 11 from the maps".to_owned()),
        "{steps:#?}"
    );
}

#[test]
fn an_older_program_is_replaced_once() {
    let node = finished(&topology());
    let plan = reconcile::up(&topology(), &node, false).unwrap();
    assert_eq!(lines(&plan), ["replace the programs in place"]);
}

#[test]
fn a_replacement_that_was_cut_short_is_finished() {
    let mut node = finished(&topology());
    ns1(&mut node).attached = Attached::Outdated;
    let plan = reconcile::up(&topology(), &node, false).unwrap();
    assert_eq!(lines(&plan), ["replace the programs in place", UPDATE]);
}

#[test]
fn the_kernel_takes_over_from_the_program() {
    let node = finished(&topology());
    let expected = [DETACH, "detach the tc program from veth-ns2"];
    assert_eq!(up(&kernel_topology(), &node), expected);
}

/// Entered all the same, so that the program can take over at once.
#[test]
fn the_kernel_needs_entries_where_something_is_pinned() {
    let mut node = finished(&kernel_topology());
    node.bpf.pinned = Pinned::Yes;
    let expected = [NETWORK, ENTER, "enter ns2, 172.30.30.12, into the maps"];
    assert_eq!(up(&kernel_topology(), &node), expected);
}

#[test]
fn the_kernel_leaves_a_removed_pod_detached_once() {
    let mut topology = one_pod();
    topology.set_datapath(kernel_topology().datapath);
    let steps = up(&topology, &finished(&super::topology()));
    let detached: Vec<_> = steps
        .iter()
        .filter(|step| step.starts_with("detach"))
        .collect();
    assert_eq!(detached, ["detach the tc program from veth-ns2", DETACH]);
}

#[test]
fn the_program_takes_over_from_the_kernel() {
    let node = finished(&kernel_topology());
    let expected = [
        "load the programs, pin them and their maps for 4096 pods",
        NETWORK,
        ENTER,
        ATTACH,
        "enter ns2, 172.30.30.12, into the maps",
        "attach the tc program to veth-ns2",
    ];
    assert_eq!(up(&topology(), &node), expected);
}
