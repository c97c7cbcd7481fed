//! Addresses, routes and neighbours.

use std::{
    collections::HashSet,
    net::Ipv4Addr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use ipnet::Ipv4Net;
use pseudobridge::netlink::{
    Address, Error, NeighbourState, Netlink, Route, RouteKind, RouteScope,
    netns::{self, NetNs},
};

use crate::{HOST_MAC, POD_MAC, PROTOCOL, alone, net, veth, with_netlink};

#[test]
fn errors_carry_the_kernels_words() {
    with_netlink(async |netlink| {
        let subnet: Ipv4Net = "172.30.30.0/24".parse().unwrap();
        let error = netlink
            .route_add(&Route::via_device(subnet, 99, PROTOCOL))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot add route 172.30.30.0/24 dev 99 protocol 191: ENODEV: No such device"
        );
        netlink.link_set_up(1).await.unwrap();
        let gateway = Ipv4Addr::new(10, 0, 0, 1);
        let error = netlink
            .route_add(&Route::default_via(gateway, 1, PROTOCOL))
            .await
            .unwrap_err();
        assert!(
            error.to_string().ends_with("(Nexthop has invalid gateway)"),
            "the extended acknowledgement is shown: {error}"
        );
    });
}

#[test]
fn addresses_routes_and_neighbours_come_and_go() {
    with_netlink(async |netlink| {
        let ns1 = netns::create("ns1", "test").unwrap();
        let link = veth(&netlink, "veth-ns1", "eth0", &ns1).await;
        netlink.link_set_up(link.index).await.unwrap();
        let index = link.index;
        let pod_ip = Ipv4Addr::new(172, 30, 30, 11);

        let gateway = Address {
            index,
            address: "172.30.30.1/32".parse().unwrap(),
        };
        netlink.addr_add(&gateway).await.unwrap();
        assert!(netlink.addr_add(&gateway).await.unwrap_err().is_exists());
        assert_eq!(netlink.addr_list().await.unwrap(), [gateway]);
        let local = netlink.route_list().await.unwrap();
        assert_eq!(local.len(), 1, "{local:?}");
        assert_eq!(
            (local[0].table, local[0].kind),
            (Route::LOCAL, RouteKind::Local)
        );

        let pod = Route::via_device(Ipv4Net::from(pod_ip), index, PROTOCOL);
        let subnet = Route::unreachable(net("172.30.30.0/24"), PROTOCOL);
        for route in [&pod, &subnet] {
            netlink.route_add(route).await.unwrap();
            assert!(netlink.route_add(route).await.unwrap_err().is_exists());
            assert!(
                netlink.route_list().await.unwrap().contains(route),
                "{route}"
            );
        }
        // Of another owner, table or metric: not this route.
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
            Route {
                scope: RouteScope::Universe,
                ..pod.clone()
            },
            Route {
                kind: RouteKind::Unreachable,
                oif: None,
                ..pod.clone()
            },
        ] {
            let error = netlink.route_delete(&other).await.unwrap_err();
            assert!(error.is_missing(), "{other}: {error}");
        }
        let distant = Route {
            table: 1000,
            metric: 5,
            ..pod.clone()
        };
        netlink.route_add(&distant).await.unwrap();
        assert!(netlink.route_list().await.unwrap().contains(&distant));
        for route in [&distant, &pod, &subnet] {
            netlink.route_delete(route).await.unwrap();
            assert!(netlink.route_delete(route).await.unwrap_err().is_missing());
        }

        netlink
            .neigh_set_permanent(index, pod_ip, HOST_MAC)
            .await
            .unwrap();
        netlink
            .neigh_set_permanent(index, pod_ip, POD_MAC)
            .await
            .unwrap();
        let neighbours = netlink.neigh_list().await.unwrap();
        assert_eq!(neighbours.len(), 1, "{neighbours:?}");
        let entry = &neighbours[0];
        assert_eq!(
            (entry.index, entry.address, entry.mac),
            (index, pod_ip.into(), Some(POD_MAC))
        );
        assert_eq!(entry.state, NeighbourState::Permanent);
        netlink.neigh_delete(index, pod_ip).await.unwrap();
        assert!(
            netlink
                .neigh_delete(index, pod_ip)
                .await
                .unwrap_err()
                .is_missing()
        );

        netlink.addr_delete(&gateway).await.unwrap();
        assert!(
            netlink
                .addr_delete(&gateway)
                .await
                .unwrap_err()
                .is_missing()
        );
        assert_eq!(netlink.route_list().await.unwrap(), []);
    });
}

#[test]
fn a_pods_default_route() {
    with_netlink(async |netlink| {
        let ns1 = netns::create("ns1", "test").unwrap();
        let link = veth(&netlink, "veth-ns1", "eth0", &ns1).await;
        let pod = Netlink::open_in(&ns1).unwrap();
        let index = link.peer_index.unwrap();
        let address = "172.30.30.11/24".parse().unwrap();
        pod.addr_add(&Address { index, address }).await.unwrap();
        pod.link_set_up(index).await.unwrap();
        let route = Route::default_via(Ipv4Addr::new(172, 30, 30, 1), index, PROTOCOL);
        pod.route_add(&route).await.unwrap();
        let routes = pod.route_list().await.unwrap();
        assert!(routes.contains(&route), "{routes:?}");
        let connected = net("172.30.30.0/24");
        assert!(
            routes
                .iter()
                .any(|route| route.destination == connected && route.protocol == 2)
        );
        assert_eq!(
            netlink.route_list().await.unwrap(),
            [],
            "the node's own table is another"
        );
    });
}

#[test]
fn a_list_is_whole_or_interrupted() {
    alone(|| {
        let here = NetNs::current().unwrap();
        let address = |i: u16| Address {
            index: 1,
            address: Ipv4Net::from(Ipv4Addr::from_bits(0x0a00_0000 | u32::from(i))).into(),
        };
        // Several messages' worth, so that the kernel pauses between them.
        let kept: Vec<Address> = (0..1000).map(address).collect();
        netns::within_async(&here, async |netlink| {
            for address in &kept {
                netlink.addr_add(address).await.unwrap();
            }
        })
        .unwrap();

        let (stop, start) = (AtomicBool::new(false), Instant::now());
        // Takes the first away and adds it at the end, so that the others move along the list.
        let rotate = async |netlink: Netlink| {
            for address in kept.iter().cycle() {
                netlink.addr_delete(address).await.unwrap();
                netlink.addr_add(address).await.unwrap();
                if stop.load(Ordering::Relaxed) || start.elapsed() > Duration::from_secs(10) {
                    return;
                }
            }
        };
        let list = async |netlink: Netlink| {
            for _ in 0..20 {
                match netlink.addr_list().await {
                    Ok(list) => {
                        let seen: HashSet<&Address> = list.iter().collect();
                        assert_eq!(seen.len(), list.len(), "some are there twice");
                        assert!(
                            seen.len() >= kept.len() - 1,
                            "only {} are there",
                            seen.len()
                        );
                    }
                    Err(Error::Interrupted { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        };
        thread::scope(|scope| {
            scope.spawn(|| netns::within_async(&here, rotate).unwrap());
            netns::within_async(&here, list).unwrap();
            stop.store(true, Ordering::Relaxed);
        });
        let list = netns::within_async(&here, async |netlink| netlink.addr_list().await);
        assert_eq!(list.unwrap().unwrap().len(), kept.len());
    });
}
