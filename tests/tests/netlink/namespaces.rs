//! Namespaces and sysctls.

use std::{
    fs,
    os::fd::{AsFd as _, AsRawFd as _},
};

use pseudobridge::netlink::{
    Error,
    netns::{self, NetNs, State},
    sysctl,
};

use crate::{alone, ip};

#[test]
fn a_namespace_goes_through_its_states() {
    alone(|| {
        assert_eq!(netns::list().unwrap(), [""; 0]);
        assert_eq!(netns::state("ns1").unwrap(), State::Absent);
        let made = netns::create("ns1", "mark of test").unwrap();
        let alias = Some("mark of test".to_owned());
        assert_eq!(netns::state("ns1").unwrap(), State::Namespace { alias });
        assert!(made.is_same(&netns::open("ns1").unwrap()));
        assert!(!made.is_same(&NetNs::current().unwrap()));

        let taken = netns::create("ns1", "mark of test").unwrap_err();
        assert!(taken.is_exists(), "{taken}");
        assert!(
            made.is_same(&netns::open("ns1").unwrap()),
            "and it is untouched"
        );

        // As `ip netns` sees and makes them.
        assert_eq!(ip(&["netns", "list"]).lines().count(), 1);
        ip(&["netns", "add", "ns2"]);
        assert_eq!(
            netns::state("ns2").unwrap(),
            State::Namespace { alias: None }
        );
        fs::write("/run/netns/left", "mark of test\n").unwrap();
        let line = Some("mark of test".to_owned());
        assert_eq!(netns::state("left").unwrap(), State::File { line });
        fs::write("/run/netns/other", "some\nlines\n").unwrap();
        fs::create_dir("/run/netns/directory").unwrap();
        for name in ["other", "directory"] {
            assert_eq!(
                netns::state(name).unwrap(),
                State::File { line: None },
                "{name}"
            );
            let error = netns::open(name).unwrap_err();
            assert!(matches!(error, Error::NotNamespace { .. }), "{error}");
        }
        assert!(
            netns::create("left", "mark of test")
                .unwrap_err()
                .is_exists()
        );
        assert_eq!(
            netns::list().unwrap(),
            ["directory", "left", "ns1", "ns2", "other"]
        );

        for name in ["ns1", "ns2", "left"] {
            netns::delete(name).unwrap();
            assert_eq!(netns::state(name).unwrap(), State::Absent);
            assert!(netns::delete(name).unwrap_err().is_missing());
        }
        assert_eq!(
            ip(&["netns", "list"]).lines().count(),
            2,
            "the file and the directory"
        );
    });
}

#[test]
fn a_name_cannot_leave_the_directory() {
    for name in ["", ".", "..", "../x", "a/b", "/etc/passwd"] {
        for result in [netns::create(name, "m").map(drop), netns::delete(name)] {
            assert!(matches!(result, Err(Error::BadName { .. })), "{name:?}");
        }
    }
}

#[test]
fn a_mark_that_cannot_be_an_alias_makes_nothing() {
    alone(|| {
        // A mark that the alias cannot hold is refused before anything is made.
        assert!(netns::create("ns1", &"x".repeat(256)).is_err());
        assert!(netns::create("ns1", "two\nlines").is_err());
        assert_eq!(netns::state("ns1").unwrap(), State::Absent);
    });
}

#[test]
fn within_is_there_and_back() {
    alone(|| {
        let here = netns::cookie().unwrap();
        let ns1 = netns::create("ns1", "test").unwrap();
        let there = netns::within(&ns1, || netns::cookie().unwrap()).unwrap();
        assert_ne!(here, there);
        assert_eq!(here, netns::cookie().unwrap());
        let alias = netns::within_async(&ns1, async |netlink| {
            netlink.link_get("lo").await.unwrap().unwrap().alias
        });
        assert_eq!(alias.unwrap().as_deref(), Some("test"));
        let fd = format!("/proc/thread-self/fd/{}", ns1.as_fd().as_raw_fd());
        assert!(NetNs::open(&fd).unwrap().is_same(&ns1));
    });
}

#[test]
fn sysctls_are_the_namespaces_own() {
    alone(|| {
        let ns1 = netns::create("ns1", "test").unwrap();
        let key = ["net", "ipv4", "conf", "lo", "proxy_arp"];
        netns::within(&ns1, || sysctl::write(&key, "1").unwrap()).unwrap();
        assert_eq!(
            netns::within(&ns1, || sysctl::read(&key).unwrap()).unwrap(),
            "1"
        );
        assert_eq!(sysctl::read(&key).unwrap(), "0");

        let missing = sysctl::write(&["net", "ipv4", "conf", "veth-ns1", "proxy_arp"], "1");
        let missing = missing.unwrap_err();
        assert!(matches!(missing, Error::NoSysctl { .. }), "{missing}");
        assert!(
            missing
                .to_string()
                .contains("net/ipv4/conf/veth-ns1/proxy_arp")
        );
        let refused = sysctl::write(&["net", "ipv4", "ip_default_ttl"], "1000").unwrap_err();
        assert!(!refused.is_missing());
        assert!(refused.to_string().contains("EINVAL"), "{refused}");
    });
}
