//! The verification, on a node whose pods are joined by the kernel's proxy ARP.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{net::Ipv4Addr, panic::resume_unwind, thread};

use ipnet::Ipv4Net;
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    unistd::geteuid,
};
use pseudobridge::{
    netlink::{
        Address, Netlink, Route, VethEnd, VethSpec,
        netns::{self, NetNs},
        sysctl,
    },
    verify::{Cause, Endpoint, Report, Verify, probes, verify},
};

const GATEWAY: Ipv4Addr = Ipv4Addr::new(172, 30, 0, 1);

/// Runs a test on a node of its own with `count` pods.
fn with_pods(count: u16, test: impl FnOnce(Vec<Endpoint>) + Send + 'static) {
    assert!(
        geteuid().is_root(),
        "this test makes namespaces: run it as root"
    );
    thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).unwrap();
        let no = None::<&str>;
        mount(no, "/", no, MsFlags::MS_REC | MsFlags::MS_PRIVATE, no).unwrap();
        mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), no).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        let pods = runtime.block_on(async {
            let node = Netlink::open().unwrap();
            let mut pods = Vec::new();
            for i in 0..count {
                pods.push(pod(&node, i).await);
            }
            pods
        });
        test(pods);
    })
    .join()
    .unwrap_or_else(|panic| resume_unwind(panic));
}

async fn pod(node: &Netlink, i: u16) -> Endpoint {
    let [high, low] = i.to_be_bytes();
    let (name, host) = (format!("ns{i}"), format!("veth-ns{i}"));
    let host_mac = [2, 0, 0, 1, high, low];
    let namespace = netns::create(&name, "test").unwrap();
    let pod = Endpoint {
        pod: name,
        netns: namespace.path().into(),
        interface: "eth0".into(),
        mac: [2, 0, 0, 2, high, low],
        address: Ipv4Addr::from_bits(GATEWAY.to_bits() + 10 + u32::from(i)),
        answer_mac: Some(host_mac),
    };
    let spec = VethSpec {
        host: VethEnd {
            name: &host,
            mac: host_mac,
            mtu: 1500,
        },
        group: 7,
        pod: VethEnd {
            name: &pod.interface,
            mac: pod.mac,
            mtu: 1500,
        },
        namespace: &namespace,
    };
    let link = node.veth_create(&spec).await.unwrap();
    let gateway = Address {
        index: link.index,
        address: Ipv4Net::from(GATEWAY).into(),
    };
    node.addr_add(&gateway).await.unwrap();
    for (key, value) in [("proxy_arp", "1"), ("forwarding", "1")] {
        sysctl::write(&["net", "ipv4", "conf", &host, key], value).unwrap();
    }
    sysctl::write(&["net", "ipv4", "neigh", &host, "proxy_delay"], "0").unwrap();
    node.link_set_up(link.index).await.unwrap();
    let route = Route::via_device(Ipv4Net::from(pod.address), link.index, 191);
    node.route_add(&route).await.unwrap();
    node.neigh_set_permanent(link.index, pod.address, pod.mac)
        .await
        .unwrap();

    let inside = Netlink::open_in(&namespace).unwrap();
    let index = link.peer_index.unwrap();
    inside.link_set_up(index).await.unwrap();
    let address = Ipv4Net::new(pod.address, 16).unwrap();
    inside
        .addr_add(&Address {
            index,
            address: address.into(),
        })
        .await
        .unwrap();
    pod
}

fn causes(report: &Report) -> Vec<&Cause> {
    report
        .failures
        .iter()
        .map(|failure| &failure.cause)
        .collect()
}

#[test]
fn every_pair_is_proved() {
    with_pods(3, |pods| {
        let mut steps = Vec::new();
        let plan = probes(&pods, GATEWAY, Verify::All);
        let report = verify(&plan, |done, total| steps.push((done, total))).unwrap();
        assert_eq!(report.failures, []);
        assert_eq!(report.replies.len(), 9);
        assert_eq!(steps, [(3, 9), (6, 9), (9, 9)]);
        for reply in &report.replies {
            let from = pods
                .iter()
                .find(|pod| pod.pod == reply.direction.from.0)
                .unwrap();
            assert_eq!(Some(reply.mac), from.answer_mac);
            let ttl = if reply.direction.to.1 == GATEWAY {
                64
            } else {
                63
            };
            assert_eq!(reply.ttl, ttl, "{}", reply.direction);
        }
    });
}

#[test]
fn the_pods_neighbour_table_is_left_alone() {
    with_pods(2, |pods| {
        let plan = [probes(&pods, GATEWAY, Verify::All).swap_remove(0)];
        let report = verify(&plan, |_, _| {}).unwrap();
        assert_eq!(report.replies.len(), 2);
        let namespace = NetNs::open(&pods[0].netns).unwrap();
        let table = netns::within_async(&namespace, async |netlink| netlink.neigh_list().await);
        let mut table = table.unwrap().unwrap();
        // IPv6 keeps the groups there to which the kernel has reported.
        table.retain(|neighbour| neighbour.address.is_ipv4());
        assert_eq!(table, []);
    });
}

#[test]
fn each_failure_has_its_cause() {
    with_pods(2, |pods| {
        let [first, second] = pods.try_into().unwrap();
        let mut plan = [probes(&[first.clone(), second.clone()], GATEWAY, Verify::All).remove(0)];
        let gateway = plan[0].to.remove(0);

        plan[0].to[0].expect_ttl = Some(64);
        let report = verify(&plan, |_, _| {}).unwrap();
        assert_eq!(
            causes(&report),
            [&Cause::WrongTtl {
                expected: 64,
                found: 63
            }]
        );
        assert_eq!(
            report.failures[0].to_string(),
            "ns0 (172.30.0.11) to ns1 (172.30.0.12): \
             the echo reply has TTL 63 where 64 was expected"
        );

        let answered = first.answer_mac.unwrap();
        plan[0].from.answer_mac = Some([2, 0, 0, 0, 0, 0xff]);
        let report = verify(&plan, |_, _| {}).unwrap();
        let expected = [2, 0, 0, 0, 0, 0xff];
        assert_eq!(causes(&report), [&Cause::WrongMac { expected, answered }]);
        plan[0].from.answer_mac = first.answer_mac;

        let namespace = NetNs::open(&second.netns).unwrap();
        let ignore = ["net", "ipv4", "icmp_echo_ignore_all"];
        netns::within(&namespace, || sysctl::write(&ignore, "1").unwrap()).unwrap();
        let report = verify(&plan, |_, _| {}).unwrap();
        assert_eq!(causes(&report), [&Cause::NoEchoReply { mac: answered }]);

        sysctl::write(&["net", "ipv4", "conf", "veth-ns0", "proxy_arp"], "0").unwrap();
        let report = verify(&plan, |_, _| {}).unwrap();
        assert_eq!(causes(&report), [&Cause::NoArpAnswer]);

        // One bad pod does not keep the others from being tried.
        plan[0].to = vec![gateway];
        let mut gone = plan[0].clone();
        gone.from.netns = "/run/netns/gone".into();
        let mut no_interface = plan[0].clone();
        no_interface.from.interface = "eth7".into();
        let [only] = plan;
        let report = verify(&[gone, no_interface, only], |_, _| {}).unwrap();
        assert_eq!((report.replies.len(), report.failures.len()), (1, 2));
        let text: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
        assert!(
            text.iter()
                .any(|text| text.contains("/run/netns/gone: ENOENT")),
            "{text:?}"
        );
        assert!(
            text.iter()
                .any(|text| text.contains("cannot send on eth7: ")),
            "{text:?}"
        );
    });
}
