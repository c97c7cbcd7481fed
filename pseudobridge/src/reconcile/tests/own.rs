//! By what we know our own, and what is written of it.

use super::{COOKIE, bare, ip, link, topology};
use crate::netlink::netns::State;
use crate::reconcile::identity::{GROUP, host_mac, pod_mac};
use crate::reconcile::observe::{bears_our_marks, classify, is_orphan};
use crate::reconcile::{DesiredPod, Namespace};

#[test]
fn a_name_is_ours_by_its_mark() {
    let ours = || Some(format!("pseudobridge/1 node={COOKIE} netns=ns1"));
    let theirs = || Some("pseudobridge/1 node=1 netns=ns1".to_owned());
    let namespace = |alias| State::Namespace { alias };
    let file = |line| State::File { line };
    for (name, state, expected) in [
        ("ns1", State::Absent, None),
        ("ns1", namespace(None), Some(Namespace::Foreign)),
        ("ns1", namespace(ours()), Some(Namespace::Ours)),
        ("ns1", namespace(theirs()), Some(Namespace::OtherNodes)),
        ("ns1", file(None), Some(Namespace::NotNamespace)),
        ("ns1", file(ours()), Some(Namespace::Leftover)),
        ("ns1", file(theirs()), Some(Namespace::NotNamespace)),
        // As `ip netns attach` names a namespace of ours once more.
        ("web", namespace(ours()), Some(Namespace::Foreign)),
        ("web", file(ours()), Some(Namespace::NotNamespace)),
    ] {
        let what = format!("{name}: {state:?}");
        assert_eq!(classify(name, state, COOKIE), expected, "{what}");
    }
}

#[test]
fn a_link_without_alias_is_ours_by_group_and_address() {
    let mut orphan = link(10, "veth-ns1", Some("veth"));
    orphan.mac = Some(host_mac("veth-ns1"));
    assert!(!is_orphan(&orphan), "another group");
    orphan.group = GROUP;
    assert!(is_orphan(&orphan));
    orphan.mac = Some(host_mac("veth-ns2"));
    assert!(!is_orphan(&orphan), "another address");
}

#[test]
fn an_alias_alone_makes_no_link_ours() {
    let mut link = link(10, "veth-p", Some("veth"));
    assert!(!bears_our_marks(&link));
    link.group = GROUP;
    assert!(bears_our_marks(&link));
    link.group = 4711;
    link.mac = Some(host_mac("veth-p"));
    assert!(
        bears_our_marks(&link),
        "on its way to be deleted with others"
    );
    link.name = "eth9".to_owned();
    assert!(!bears_our_marks(&link));
}

#[test]
fn a_pod_is_entered_by_its_index() {
    let [ns1, _] = &DesiredPod::all(&topology(), &bare())[..] else {
        panic!("the built-in topology has two pods");
    };
    let (pod, port) = ns1.entries(10);
    assert_eq!((pod.ifindex, pod.mtu), (10, 1500));
    assert_eq!(port.address, ip("172.30.30.11").octets());
    assert_eq!(port.gateway, ip("172.30.30.1").octets());
    assert_eq!(port.subnet, ip("172.30.30.0").octets());
    assert_eq!(port.mask, ip("255.255.255.0").octets());
    let macs = (pod_mac("veth-ns1", "veth-ns1-pod"), host_mac("veth-ns1"));
    assert_eq!((pod.pod_mac, pod.host_mac), macs);
    assert_eq!((port.pod_mac, port.host_mac), macs);
}
