//! IPv6 addresses, routes and neighbours, and what is different about them.

use std::{
    net::Ipv6Addr,
    thread,
    time::{Duration, Instant},
};

use pseudobridge::netlink::{Address, NeighbourState, Netlink, Route, RouteKind, netns, sysctl};

use crate::{HOST_MAC, POD_MAC, PROTOCOL, ip, net, veth, with_netlink};

const GATEWAY: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const POD: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x30, 0, 0, 0, 0, 0, 0x11);

/// Our own routes: the kernel adds many of its own.
async fn ours(netlink: &Netlink) -> Vec<Route> {
    let mut routes = netlink.route_list().await.unwrap();
    routes.retain(|route| route.protocol == PROTOCOL);
    routes
}

#[test]
fn an_address_is_valid_at_once_and_both_families_are_listed() {
    with_netlink(async |netlink| {
        let ns1 = netns::create("ns1", "test").unwrap();
        let index = veth(&netlink, "veth-ns1", "eth0", &ns1).await.index;
        netlink.link_set_addrgenmode_none(index).await.unwrap();
        netlink.link_set_up(index).await.unwrap();
        let [v4, v6] = ["172.30.30.1/32", "fe80::1/64"].map(|text| Address {
            index,
            address: net(text),
        });
        for address in [&v6, &v4] {
            netlink.addr_add(address).await.unwrap();
            assert!(netlink.addr_add(address).await.unwrap_err().is_exists());
        }
        assert_eq!(netlink.addr_list().await.unwrap(), [v4, v6]);
        let shown = ip(&["-6", "address", "show", "dev", "veth-ns1"]);
        assert!(shown.contains("nodad"), "{shown}");
        assert!(!shown.contains("tentative"), "{shown}");
        netlink.addr_delete(&v6).await.unwrap();
        assert!(netlink.addr_delete(&v6).await.unwrap_err().is_missing());
        assert_eq!(netlink.addr_list().await.unwrap(), [v4]);
    });
}

#[test]
fn an_address_with_a_peer_is_our_own() {
    with_netlink(async |netlink| {
        ip(&["link", "add", "d0", "type", "veth", "peer", "d1"]);
        ip(&[
            "address",
            "add",
            "10.0.0.1",
            "peer",
            "10.0.0.2/32",
            "dev",
            "d0",
        ]);
        ip(&[
            "address",
            "add",
            "fd00::1",
            "peer",
            "fd00::2/128",
            "dev",
            "d0",
        ]);
        let list = netlink.addr_list().await.unwrap();
        let addresses: Vec<_> = list.iter().map(|one| one.address).collect();
        assert_eq!(addresses, [net("10.0.0.1/32"), net("fd00::1/128")]);
    });
}

#[test]
fn routes_read_back_as_they_were_made() {
    with_netlink(async |netlink| {
        let ns1 = netns::create("ns1", "test").unwrap();
        let index = veth(&netlink, "veth-ns1", "eth0", &ns1).await.index;
        netlink.link_set_up(index).await.unwrap();
        let pod = Route::via_device(net("fd00:30::11/128"), index, PROTOCOL);
        let subnet = Route::unreachable(net("fd00:30::/64"), PROTOCOL);
        let refused = Route::prohibit(net("fd00:31::/64"), 1000, PROTOCOL);
        let refused4 = Route::prohibit(net("10.31.0.0/24"), 1000, PROTOCOL);
        let routes = [refused4, pod.clone(), subnet.clone(), refused];
        for route in &routes {
            netlink.route_add(route).await.unwrap();
            assert!(netlink.route_add(route).await.unwrap_err().is_exists());
        }
        let list = ours(&netlink).await;
        assert_eq!(list.len(), routes.len(), "{list:?}");
        for route in &routes {
            assert!(list.contains(route), "{route} in {list:?}");
        }
        // Of another owner, table, metric or kind: not this route.
        for other in [
            Route {
                protocol: 4,
                ..pod.clone()
            },
            Route {
                table: 1000,
                ..pod.clone()
            },
            Route {
                metric: 5,
                ..pod.clone()
            },
            Route::unreachable(pod.destination, PROTOCOL),
            Route::via_device(subnet.destination, index, PROTOCOL),
        ] {
            let error = netlink.route_delete(&other).await.unwrap_err();
            assert!(error.is_missing(), "{other}: {error}");
        }
        for route in &routes {
            netlink.route_delete(route).await.unwrap();
            let error = netlink.route_delete(route).await.unwrap_err();
            assert!(error.is_missing(), "{route}: {error}");
        }
        assert_eq!(ours(&netlink).await, []);
    });
}

#[test]
fn a_pods_default_route_goes_by_a_link_local_gateway() {
    with_netlink(async |netlink| {
        let ns1 = netns::create("ns1", "test").unwrap();
        let link = veth(&netlink, "veth-ns1", "eth0", &ns1).await;
        netlink.link_set_up(link.index).await.unwrap();
        let pod = Netlink::open_in(&ns1).unwrap();
        let index = link.peer_index.unwrap();
        let address = net("fd00:30::11/128");
        pod.addr_add(&Address { index, address }).await.unwrap();
        pod.link_set_up(index).await.unwrap();
        let route = Route::default_via(GATEWAY, index, PROTOCOL);
        pod.route_add(&route).await.unwrap();
        assert_eq!(ours(&pod).await, std::slice::from_ref(&route));
        assert_eq!(
            route.to_string(),
            format!("::/0 via fe80::1 dev {index} protocol 191")
        );
        // The address's own route is the kernel's to add, and it does so by and by.
        let start = Instant::now();
        loop {
            let list = pod.route_list().await.unwrap();
            if let Some(local) = list.iter().find(|one| one.kind == RouteKind::Local) {
                assert_eq!(local.table, Route::LOCAL);
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(10), "{list:?}");
            thread::sleep(Duration::from_millis(1));
        }
    });
}

#[test]
fn neighbours_come_and_go() {
    with_netlink(async |netlink| {
        let ns1 = netns::create("ns1", "test").unwrap();
        let index = veth(&netlink, "veth-ns1", "eth0", &ns1).await.index;
        netlink.link_set_up(index).await.unwrap();
        let permanent = async || {
            let mut list = netlink.neigh_list().await.unwrap();
            list.retain(|one| one.state == NeighbourState::Permanent);
            list
        };
        netlink
            .neigh_set_permanent(index, POD, HOST_MAC)
            .await
            .unwrap();
        netlink
            .neigh_set_permanent(index, POD, POD_MAC)
            .await
            .unwrap();
        let list = permanent().await;
        let [entry] = list.as_slice() else {
            panic!("{list:?}")
        };
        assert_eq!(
            (entry.index, entry.address, entry.mac),
            (index, POD.into(), Some(POD_MAC))
        );
        netlink.neigh_delete(index, POD).await.unwrap();
        assert!(
            netlink
                .neigh_delete(index, POD)
                .await
                .unwrap_err()
                .is_missing()
        );
        assert_eq!(permanent().await, []);
    });
}

#[test]
fn a_link_without_ipv6_takes_no_address() {
    with_netlink(async |netlink| {
        let ns1 = netns::create("ns1", "test").unwrap();
        let index = veth(&netlink, "veth-ns1", "eth0", &ns1).await.index;
        sysctl::write(&["net", "ipv6", "conf", "veth-ns1", "disable_ipv6"], "1").unwrap();
        let address = net("fd00:30::1/64");
        let error = netlink.addr_add(&Address { index, address }).await;
        let text = error.unwrap_err().to_string();
        assert!(text.contains("EACCES"), "{text}");
    });
}
