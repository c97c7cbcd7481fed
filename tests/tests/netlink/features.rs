//! Device features.

use pseudobridge::netlink::{Features, netns};

use crate::{veth, with_netlink};

/// What XDP needs to be changed on a pod's end.
const NAMES: [&str; 4] = [
    "rx-gro",
    "tx-checksum-ip-generic",
    "tx-vlan-hw-insert",
    "tx-vlan-stag-hw-insert",
];

#[test]
fn features_are_read_and_set_by_name_in_the_pod() {
    with_netlink(async |netlink| {
        let ns1 = netns::create("ns1", "test").unwrap();
        let link = veth(&netlink, "veth-ns1", "eth0", &ns1).await;
        let index = link.peer_index.unwrap();
        let features = Features::open_in(&ns1).await.unwrap();
        let before = features.get(index).await.unwrap();
        for name in NAMES {
            assert!(before[name].changeable, "{name}: {before:?}");
        }
        assert!(before["tx-checksum-ip-generic"].on);
        assert!(!before["rx-gro"].on, "off where nobody asked for it");
        let fixed = before.values().filter(|feature| !feature.changeable);
        assert!(fixed.count() > 10, "all that the kernel knows are listed");

        let wanted = NAMES.map(|name| (name, name == "rx-gro"));
        features.set(index, &wanted).await.unwrap();
        let now = features.get(index).await.unwrap();
        for (name, on) in wanted {
            assert_eq!(now[name].on, on, "{name}");
        }
        // Nothing else was changed but what depends on these.
        assert_eq!(now["highdma"], before["highdma"]);
        assert_eq!(now["rx-gro-list"], before["rx-gro-list"]);

        let back = NAMES.map(|name| (name, before[name].on));
        features.set(index, &back).await.unwrap();
        assert_eq!(features.get(index).await.unwrap(), before);
        features.set(index, &[]).await.unwrap();

        // The other end has its own.
        let host = Features::open().await.unwrap();
        host.set(link.index, &[("rx-gro", true)]).await.unwrap();
        assert!(host.get(link.index).await.unwrap()["rx-gro"].on);
        assert_eq!(features.get(index).await.unwrap(), before);
    });
}

#[test]
fn what_cannot_be_set_is_an_error() {
    with_netlink(async |netlink| {
        let ns1 = netns::create("ns1", "test").unwrap();
        let link = veth(&netlink, "veth-ns1", "eth0", &ns1).await;
        let features = Features::open().await.unwrap();
        let error = features.get(9999).await.unwrap_err();
        assert!(error.is_missing(), "{error}");
        let index = link.index;
        let error = features.set(index, &[("rx-nonsense", true)]).await;
        let text = error.unwrap_err().to_string();
        let action = format!("cannot set the features of link {index} to rx-nonsense on: ");
        assert!(text.starts_with(&action), "{text}");
        // One that veth does not have.
        let error = features.set(index, &[("rx-hashing", true)]).await;
        assert_eq!(
            error.unwrap_err().to_string(),
            format!(
                "cannot set the features of link {index} to rx-hashing on: \
                 the device keeps rx-hashing off"
            )
        );
    });
}
