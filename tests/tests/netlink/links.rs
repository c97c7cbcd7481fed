//! Interfaces.

use std::{
    collections::HashSet,
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use nix::mount::{MsFlags, mount};
use pseudobridge::netlink::{Link, Netlink, netns};

use tokio::task::JoinSet;

use crate::{GROUP, HOST_MAC, POD_MAC, ip, spec, veth, with_netlink};

#[test]
fn veth_is_made_whole_and_straight_in_the_pod() {
    with_netlink(async |netlink| {
        let ns1 = netns::create("ns1", "test").unwrap();
        let link = veth(&netlink, "veth-ns1", "eth0", &ns1).await;
        assert_eq!(
            link,
            Link {
                index: link.index,
                name: "veth-ns1".into(),
                alias: None,
                group: GROUP,
                mac: Some(HOST_MAC),
                mtu: 1400,
                up: false,
                carrier: false,
                kind: Some("veth".into()),
                peer_index: link.peer_index,
                link_netnsid: Some(0),
                master: None,
                ethernet: true,
                xdp: None,
            }
        );
        let pod = Netlink::open_in(&ns1).unwrap();
        let end = pod.link_get("eth0").await.unwrap().unwrap();
        assert_eq!(Some(end.index), link.peer_index);
        assert_eq!(
            (end.mac, end.mtu, end.up, end.group),
            (Some(POD_MAC), 1400, false, 0)
        );
        assert_eq!(
            netlink.link_get("eth0").await.unwrap(),
            None,
            "it was never here"
        );

        let again = netlink
            .veth_create(&spec("veth-ns1", "eth1", &ns1))
            .await
            .unwrap_err();
        assert!(again.is_exists(), "{again}");
        let text = again.to_string();
        assert!(
            text.starts_with("cannot create veth veth-ns1 with eth1 in /run/netns/ns1: EEXIST")
        );
    });
}

#[test]
fn link_settings_are_seen_again() {
    with_netlink(async |netlink| {
        let ns1 = netns::create("ns1", "test").unwrap();
        let link = veth(&netlink, "veth-ns1", "eth0", &ns1).await;
        netlink
            .link_set_alias(link.index, "pseudobridge:net/ns1")
            .await
            .unwrap();
        netlink.link_set_mtu(link.index, 9000).await.unwrap();
        netlink.link_set_group(link.index, 7).await.unwrap();
        netlink.link_set_addrgenmode_none(link.index).await.unwrap();
        netlink.link_set_up(link.index).await.unwrap();
        let pod = Netlink::open_in(&ns1).unwrap();
        let peer = link.peer_index.unwrap();
        pod.link_set_up(peer).await.unwrap();

        let list = netlink.link_list().await.unwrap();
        let seen = list.iter().find(|other| other.index == link.index).unwrap();
        assert_eq!(
            Some(seen),
            netlink.link_get("veth-ns1").await.unwrap().as_ref()
        );
        assert_eq!(seen.alias.as_deref(), Some("pseudobridge:net/ns1"));
        assert_eq!(
            (seen.mtu, seen.group, seen.up, seen.carrier),
            (9000, 7, true, true)
        );
        let conf = "/proc/thread-self/net/if_inet6";
        assert!(
            !fs::read_to_string(conf).unwrap().contains("veth-ns1"),
            "no address was made"
        );

        netlink.link_set_down(link.index).await.unwrap();
        let down = netlink.link_get("veth-ns1").await.unwrap().unwrap();
        assert_eq!((down.up, down.carrier), (false, false));

        netlink.link_delete(link.index).await.unwrap();
        assert_eq!(netlink.link_get("veth-ns1").await.unwrap(), None);
        assert_eq!(pod.link_get("eth0").await.unwrap(), None);
        let gone = netlink.link_set_up(link.index).await.unwrap_err();
        assert!(gone.is_missing(), "{gone}");
    });
}

#[test]
fn many_links_are_deleted_at_once_and_no_others() {
    with_netlink(async |netlink| {
        let ns1 = netns::create("ns1", "test").unwrap();
        let mut indexes = Vec::new();
        for i in 0..101 {
            let (host, pod) = (format!("veth-{i}"), format!("pod-{i}"));
            let link = veth(&netlink, &host, &pod, &ns1).await;
            indexes.push(link.index);
        }
        // The last one is not to be deleted, although it is in the same shared group.
        let kept = indexes.pop().unwrap();
        netlink.link_delete(indexes[0]).await.unwrap();
        let start = Instant::now();
        netlink.link_delete_many(&indexes).await.unwrap();
        let took = start.elapsed();
        println!("99 links deleted at once in {took:?}");
        assert!(
            took < Duration::from_secs(1),
            "as slow as one by one: {took:?}"
        );
        let left = netlink.link_list().await.unwrap();
        let left: Vec<u32> = left
            .iter()
            .map(|link| link.index)
            .filter(|&index| index != 1)
            .collect();
        assert_eq!(left, [kept]);
        netlink.link_delete_many(&indexes).await.unwrap();
    });
}

#[test]
fn an_alias_that_is_no_text_hides_nothing() {
    with_netlink(async |netlink| {
        let ns1 = netns::create("ns1", "test").unwrap();
        let link = veth(&netlink, "veth-ns1", "eth0", &ns1).await;
        let none = None::<&str>;
        mount(Some("sysfs"), "/sys", Some("sysfs"), MsFlags::empty(), none).unwrap();
        fs::write("/sys/class/net/veth-ns1/ifalias", b"caf\xe9").unwrap();
        let expected = Link {
            alias: Some("caf?".into()),
            ..link
        };
        assert!(netlink.link_list().await.unwrap().contains(&expected));
        assert_eq!(netlink.link_get("veth-ns1").await.unwrap(), Some(expected));
    });
}

#[test]
fn ports_of_bridges_and_layers_are_told() {
    with_netlink(async |netlink| {
        ip(&["link", "add", "br0", "type", "bridge"]);
        ip(&["link", "add", "veth0", "type", "veth", "peer", "veth1"]);
        ip(&["link", "set", "veth0", "master", "br0"]);
        ip(&["tuntap", "add", "tun0", "mode", "tun"]);
        let get = async |name| netlink.link_get(name).await.unwrap().unwrap();
        let bridge = get("br0").await;
        assert_eq!(get("veth0").await.master, Some(bridge.index));
        assert_eq!((bridge.master, get("veth1").await.master), (None, None));
        assert!(bridge.ethernet);
        assert!(!get("tun0").await.ethernet);
        assert!(!get("lo").await.ethernet);
    });
}

#[test]
fn requests_run_concurrently_and_lists_stay_whole() {
    with_netlink(async |netlink| {
        let ns1 = Arc::new(netns::create("ns1", "test").unwrap());
        for i in 0..50 {
            veth(&netlink, &format!("kept-{i}"), &format!("kept-{i}"), &ns1).await;
        }
        let mut tasks = JoinSet::new();
        for i in 0..50 {
            let (netlink, ns1) = (netlink.clone(), ns1.clone());
            tasks.spawn(async move {
                let link = veth(&netlink, &format!("veth-{i}"), &format!("pod-{i}"), &ns1).await;
                netlink.link_set_up(link.index).await.unwrap();
                // A dump that this burst has broken up would lack some of these.
                let list = netlink.link_list().await.unwrap();
                assert_eq!(
                    list.iter()
                        .filter(|link| link.name.starts_with("kept-"))
                        .count(),
                    50
                );
                link.index
            });
        }
        let made: HashSet<u32> = tasks.join_all().await.into_iter().collect();
        assert_eq!(made.len(), 50);
        let up = netlink
            .link_list()
            .await
            .unwrap()
            .into_iter()
            .filter(|link| link.up);
        assert_eq!(up.map(|link| link.index).collect::<HashSet<u32>>(), made);
    });
}
