//! How each step is said.

use std::path::PathBuf;
use std::sync::Arc;

use super::{PROTOCOL, bare, ip, net, topology};
use crate::netlink::Route;
use crate::reconcile::sysctls::SETTINGS;
use crate::reconcile::{Change, DesiredPod, InnerChange, Step};

#[test]
fn of_the_node() {
    let bpffs = || PathBuf::from("/sys/fs/bpf");
    let veth = |index: u32, name: &str| (index, name.to_owned());
    for (step, expected) in [
        (
            Step::MountBpffs(bpffs()),
            "mount a BPF filesystem at /sys/fs/bpf",
        ),
        (
            Step::RemoveIncomplete,
            "remove the pins of an unfinished installation",
        ),
        (
            Step::Install(64),
            "load the programs, pin them and their maps for 64 pods",
        ),
        (Step::Replace, "replace the programs in place"),
        (
            Step::AddUnreachable(net("10.1.0.0/16")),
            "add route unreachable 10.1.0.0/16",
        ),
        (
            Step::Detach("veth-a".to_owned()),
            "detach the tc program from veth-a",
        ),
        (
            Step::ForgetAddress(ip("10.1.0.2").into()),
            "remove 10.1.0.2 from the maps",
        ),
        (Step::ForgetPort(7), "remove interface 7 from the maps"),
        (
            Step::DeleteLinks(vec![veth(7, "veth-a"), veth(8, "veth-b")]),
            "delete veth veth-a, veth-b",
        ),
        (
            Step::DeleteNamespace("a".to_owned()),
            "delete network namespace a",
        ),
        (
            Step::DeleteRoute(Route::unreachable(net("10.1.0.0/16"), PROTOCOL)),
            "delete route 10.1.0.0/16",
        ),
        (Step::RemovePins, "remove links, program and maps"),
        (
            Step::Unmount(bpffs()),
            "unmount the BPF filesystem at /sys/fs/bpf",
        ),
    ] {
        assert_eq!(step.to_string(), expected);
    }
}

#[test]
fn of_a_pod() {
    let pod = Arc::new(DesiredPod::all(&topology(), &bare()).remove(0));
    for (change, expected) in [
        (Change::CreateNamespace, "create network namespace ns1"),
        (
            Change::CreateVeth,
            "create veth veth-ns1, peer veth-ns1-pod in ns1",
        ),
        (
            Change::Set(SETTINGS[0]),
            "set net.ipv6.conf.veth-ns1.disable_ipv6 = 1",
        ),
        (Change::SetHostMtu, "set veth-ns1 mtu 1500"),
        (
            Change::AddGateway,
            "add address 172.30.30.1/32 dev veth-ns1",
        ),
        (Change::Enter, "enter ns1, 172.30.30.11, into the maps"),
        (Change::Attach, "attach the tc program to veth-ns1"),
        (Change::Update, "update the tc program of veth-ns1"),
        (Change::HostUp, "set veth-ns1 up"),
        (
            Change::SetNeighbour,
            "set neighbour 172.30.30.11 dev veth-ns1 permanent",
        ),
        (Change::AddRoute, "add route 172.30.30.11/32 dev veth-ns1"),
        (Change::Inside(InnerChange::LoopbackUp), "in ns1: set lo up"),
        (
            Change::Inside(InnerChange::SetMtu),
            "in ns1: set veth-ns1-pod mtu 1500",
        ),
        (
            Change::Inside(InnerChange::AddAddress),
            "in ns1: add address 172.30.30.11/24 dev veth-ns1-pod",
        ),
        (
            Change::Inside(InnerChange::Up),
            "in ns1: set veth-ns1-pod up",
        ),
        (
            Change::Inside(InnerChange::SetGateway),
            "in ns1: set neighbour 172.30.30.1 dev veth-ns1-pod permanent",
        ),
        (
            Change::Inside(InnerChange::AddGatewayRoute),
            "in ns1: add route 172.30.30.1/32 dev veth-ns1-pod",
        ),
        (
            Change::Inside(InnerChange::AddDefaultRoute),
            "in ns1: add route default via 172.30.30.1",
        ),
    ] {
        let step = Step::Pod(Arc::clone(&pod), change);
        assert_eq!(step.to_string(), expected);
    }
}
