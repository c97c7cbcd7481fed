//! `up` where there is nothing yet.

use std::path::PathBuf;

use super::{bare, kernel_topology, topology, up};
use crate::bpf::bpffs::Bpffs;
use crate::reconcile::sysctls::SETTINGS;

const INSTALL: &str = "load the programs, pin them and their maps for 4096 pods";

/// Each pod's steps with BPF, its settings apart, in any order.
const POD: [&str; 15] = [
    "create network namespace ns1",
    "create veth veth-ns1, peer veth-ns1-pod in ns1",
    "add address 172.30.30.1/32 dev veth-ns1",
    "enter ns1, 172.30.30.11, into the maps",
    "attach the tc program to veth-ns1",
    "set veth-ns1 up",
    "set neighbour 172.30.30.11 dev veth-ns1 permanent",
    "add route 172.30.30.11/32 dev veth-ns1",
    "in ns1: set lo up",
    "in ns1: add address 172.30.30.11/24 dev veth-ns1-pod",
    "in ns1: set veth-ns1-pod up",
    "in ns1: set neighbour 172.30.30.1 dev veth-ns1-pod permanent",
    "in ns1: add route default via 172.30.30.1",
    "add route unreachable 172.30.30.0/24",
    INSTALL,
];

fn settings() -> Vec<String> {
    let settings = SETTINGS.iter();
    settings
        .map(|setting| format!("set {}", setting.describe("veth-ns1")))
        .collect()
}

/// The steps that name the first pod or nobody.
fn without_ns2(steps: Vec<String>) -> Vec<String> {
    let is_other = |step: &String| step.contains("ns2") || step.contains("172.30.30.12");
    steps.into_iter().filter(|step| !is_other(step)).collect()
}

#[test]
fn every_step_is_taken_once() {
    let mut expected = settings();
    expected.extend(POD.map(str::to_owned));
    expected.push("enter the network 172.30.30.0/24 into the maps".to_owned());
    expected.sort();
    let steps = up(&topology(), &bare());
    let mut first = without_ns2(steps.clone());
    first.sort();
    assert_eq!(first, expected);

    let of_pods = expected.len() - 3;
    assert_eq!(steps.len(), 3 + 2 * of_pods, "{steps:#?}");
}

#[test]
fn each_step_comes_after_what_it_needs() {
    let steps = up(&topology(), &bare());
    let position = |wanted: &str| {
        let position = steps.iter().position(|step| step == wanted);
        position.unwrap_or_else(|| panic!("no {wanted:?} in {steps:#?}"))
    };
    let [
        namespace,
        veth,
        gateway,
        enter,
        attach,
        host_up,
        neighbour,
        route,
        loopback,
        address,
        pod_up,
        pods_neighbour,
        default,
        unreachable,
        install,
    ] = POD.map(position);
    let settings: Vec<_> = settings().iter().map(|step| position(step)).collect();
    let first_of_ns2 = position("create network namespace ns2");

    assert!(install < namespace, "no pod before its guard");
    assert!(unreachable < namespace, "no address before its net");
    assert!(namespace < veth);
    assert!(settings.is_sorted(), "what shuts comes before what opens");
    for setting in &settings {
        assert!((veth..host_up).contains(setting));
    }
    for before_up in [gateway, enter, attach] {
        assert!((veth..host_up).contains(&before_up));
    }
    assert!(enter < attach, "a program without entries refuses the pod");
    // The kernel refuses routes over a link that is down, and drops neighbours with it.
    for after_up in [neighbour, route] {
        assert!((host_up..pod_up).contains(&after_up));
    }
    assert!(loopback < pod_up && address < pod_up);
    assert!(
        pod_up < pods_neighbour && pod_up < default,
        "both need the link up"
    );
    assert!(default < first_of_ns2, "one pod after another");
}

#[test]
fn the_kernel_alone_needs_no_bpf() {
    let mut node = bare();
    node.bpf.bpffs = Bpffs::Missing(PathBuf::from("/sys/fs/bpf"));
    let without_bpf = up(&kernel_topology(), &node);
    let is_bpf = |step: &String| {
        ["maps", "program", "BPF"]
            .iter()
            .any(|word| step.contains(word))
    };
    let mut expected = up(&topology(), &node);
    expected.retain(|step| !is_bpf(step));
    assert_eq!(without_bpf, expected);
}

#[test]
fn a_pod_without_a_subnet_needs_a_route_to_its_gateway() {
    let mut narrow = topology();
    narrow.networks[0].pod_prefix = 32;
    let steps = without_ns2(up(&narrow, &bare()));
    let last = &steps[steps.len() - 5..];
    assert_eq!(
        last,
        [
            "in ns1: add address 172.30.30.11/32 dev veth-ns1-pod",
            "in ns1: set veth-ns1-pod up",
            "in ns1: set neighbour 172.30.30.1 dev veth-ns1-pod permanent",
            "in ns1: add route 172.30.30.1/32 dev veth-ns1-pod",
            "in ns1: add route default via 172.30.30.1",
        ]
    );
}

#[test]
fn where_pins_can_be_comes_first() {
    let mut node = bare();
    node.bpf.bpffs = Bpffs::Missing(PathBuf::from("/sys/fs/bpf"));
    node.bpf.incomplete = true;
    let expected = [
        "mount a BPF filesystem at /sys/fs/bpf",
        "remove the pins of an unfinished installation",
        INSTALL,
    ];
    assert_eq!(up(&topology(), &node)[..3], expected);
}
