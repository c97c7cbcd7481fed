//! Another datapath for the pods that there are.

use super::{Hand, bare, finished, in_ns1, kernel_topology, lines, ns1, topology};
use crate::bpf::Attached;
use crate::reconcile::{self, DesiredPod, Observed};
use crate::topology::Datapath;

fn switch(datapath: Datapath, node: &Observed) -> Vec<String> {
    lines(&reconcile::switch(datapath, node, true).unwrap())
}

#[test]
fn to_the_program() {
    let expected = [
        "load the programs, pin them and their maps for 4096 pods",
        "enter the network 172.30.30.0/24 into the maps",
        "enter ns1, 172.30.30.11, into the maps",
        "attach the tc program to veth-ns1",
        "enter ns2, 172.30.30.12, into the maps",
        "attach the tc program to veth-ns2",
    ];
    assert_eq!(
        switch(Datapath::Tc, &finished(&kernel_topology())),
        expected
    );
}

#[test]
fn to_the_kernel() {
    let expected = [
        "detach the tc program from veth-ns1",
        "detach the tc program from veth-ns2",
    ];
    assert_eq!(switch(Datapath::Kernel, &finished(&topology())), expected);
}

#[test]
fn to_what_it_is_already() {
    assert!(switch(Datapath::Tc, &finished(&topology())).is_empty());
    assert!(switch(Datapath::Kernel, &finished(&kernel_topology())).is_empty());
    assert!(switch(Datapath::Kernel, &bare()).is_empty());
}

#[test]
fn only_what_is_missing_is_attached() {
    let mut node = finished(&topology());
    ns1(&mut node).attached = Attached::No;
    node.bpf.linked.retain(|name| name != "veth-ns1");
    let expected = ["attach the tc program to veth-ns1"];
    assert_eq!(switch(Datapath::Tc, &node), expected);
    let expected = ["detach the tc program from veth-ns2"];
    assert_eq!(switch(Datapath::Kernel, &node), expected);
}

#[test]
fn an_older_program_is_replaced() {
    let plan = reconcile::switch(Datapath::Tc, &finished(&topology()), false).unwrap();
    assert_eq!(lines(&plan), ["replace the programs in place"]);
}

#[test]
fn a_pod_is_read_back_as_it_was_meant() {
    let mut topology = topology();
    topology.networks[0].pods[0].mtu = 1400;
    for pod_prefix in [24, 32] {
        topology.networks[0].pod_prefix = pod_prefix;
        let node = finished(&topology);
        let read: Vec<_> = node
            .pods
            .values()
            .map(|pod| pod.desired(&node).unwrap())
            .collect();
        assert_eq!(read, DesiredPod::all(&topology, &bare()));
    }
}

#[test]
fn what_only_up_can_know_is_not_guessed() {
    type Case = (&'static str, Hand);
    let cases: &[Case] = &[
        ("end of the veth", |node| ns1(node).inside = None),
        ("route", |node| ns1(node).addresses.clear()),
        ("gateway address", |node| ns1(node).gateways.clear()),
        ("address", |node| in_ns1(node).addresses.clear()),
        ("hardware address", |node| ns1(node).link.mac = Some([2; 6])),
        ("hardware address", |node| {
            in_ns1(node).link.mac = Some([2; 6]);
        }),
        ("subnet's route", |node| {
            node.routes.retain(|route| route.oif.is_some());
        }),
    ];
    for (what, spoil) in cases {
        let mut node = finished(&topology());
        spoil(&mut node);
        let error = reconcile::switch(Datapath::Tc, &node, true).unwrap_err();
        let expected = format!("pod ns1 has lost its {what}; run `pseudobridge up` to mend it");
        assert_eq!(error.to_string(), expected);
    }
}
