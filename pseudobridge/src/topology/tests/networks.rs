//! What networks say of their neighbours and of the way to them.

use super::{Datapath, Topology, assert_problems, with_network};

/// Networks of five lines each: header, name, subnet, gateway, and what is given.
fn networks(list: &[(&str, &str)]) -> String {
    let networks = list.iter().zip(1..).map(|((name, more), n)| {
        format!(
            "[[network]]\nname = \"{name}\"\nsubnet = \"10.{n}.0.0/24\"\n\
             gateway = \"10.{n}.0.1\"\n{more}\n"
        )
    });
    networks.collect()
}

fn allowed(topology: &Topology) -> Vec<Vec<&str>> {
    let networks = topology.networks.iter();
    networks
        .map(|one| one.allow.iter().map(String::as_str).collect())
        .collect()
}

#[test]
fn what_one_network_allows_is_open_both_ways() {
    let text = networks(&[
        ("a", "allow = [\"d\", \"b\", \"d\"]"),
        ("b", "allow = [\"a\"]"),
        ("c", ""),
        ("d", ""),
    ]);
    let topology = Topology::parse(&text, "t.toml").unwrap();
    let none = Vec::new();
    assert_eq!(
        allowed(&topology),
        [vec!["b", "d"], vec!["a"], none, vec!["a"]]
    );
    for (a, b, is_open) in [
        ("a", "d", true),
        ("d", "a", true),
        ("a", "b", true),
        ("c", "c", true),
        // Through a third network nothing is open.
        ("b", "d", false),
        ("a", "c", false),
        ("c", "a", false),
        ("e", "e", false),
    ] {
        assert_eq!(topology.allows(a, b), is_open, "{a} to {b}");
    }
}

#[test]
fn only_other_networks_of_the_file_can_be_allowed() {
    assert_problems(
        &networks(&[
            ("blue", "allow = [\"gren\", \"blue\", \"x\"]"),
            ("green", ""),
        ]),
        &[
            "5: `allow` names \"gren\", no network of this file; did you mean \"green\"?",
            "5: `allow` names \"blue\", the network itself; \
             take it out, the pods of one network talk to each other anyway",
            "5: `allow` names \"x\", no network of this file; \
             add that [[network]], or take it out",
        ],
    );
    // A network that is there, and wrong in another way, is no stranger.
    let text = networks(&[("a", "allow = [\"b\"]"), ("b", "mtu = 1")]);
    assert_problems(
        &text,
        &["10: mtu 1 is out of range; write 68 to 65535 bytes"],
    );
    for (value, expected) in [
        (
            "\"b\"",
            "5: `allow` is a string; write it like allow = [\"green\"]",
        ),
        (
            "[1]",
            "5: `allow` holds an integer; write it like allow = [\"green\"]",
        ),
    ] {
        assert_problems(&with_network(&format!("allow = {value}")), &[expected]);
    }
}

#[test]
fn each_network_may_have_its_own_datapath() {
    let text = networks(&[("a", "datapath = \"xdp\""), ("b", "")]);
    let mut topology = Topology::parse(&text, "t.toml").unwrap();
    let datapaths = |topology: &Topology| {
        let networks = topology.networks.iter();
        networks.map(|one| one.datapath).collect::<Vec<_>>()
    };
    assert_eq!(datapaths(&topology), [Datapath::Xdp, Datapath::Tc]);
    topology.set_datapath(Datapath::Kernel);
    assert_eq!(topology.datapath, Datapath::Kernel);
    assert_eq!(datapaths(&topology), [Datapath::Kernel; 2]);
    assert_problems(
        &with_network("datapath = \"XDP\""),
        &[
            "5: `datapath` is \"XDP\", no datapath (kernel, tc, xdp, xdp-generic); \
           write it like datapath = \"tc\"",
        ],
    );
}

#[test]
fn unknown_addresses() {
    assert_problems(
        &with_network("unknown = \"reject\""),
        &["5: `unknown` is \"reject\", no choice (kernel, drop); \
           write it like unknown = \"drop\""],
    );
    assert_problems(
        &with_network("unknown = true"),
        &["5: `unknown` is a boolean; write it like unknown = \"drop\""],
    );
}

#[test]
fn uplinks_are_interfaces_of_the_node() {
    for (name, fault) in [
        ("", "is empty"),
        ("eth0-0123456789a", "has 16 bytes"),
        ("eth0:1", "has a ':'"),
        ("a/b", "has a '/'"),
        ("eth 0", "has a ' '"),
        ("..", "leads nowhere"),
        ("lo", "leads nowhere"),
    ] {
        let cure = "name an interface, as `ip link` shows it";
        let expected = format!("5: uplink {name:?} {fault}; {cure}");
        assert_problems(&with_network(&format!("uplink = {name:?}")), &[&expected]);
    }
    // The same device for two networks, and one of VLAN 100.
    let eth0 = "uplink = \"eth0.100\"";
    assert!(Topology::parse(&networks(&[("a", eth0), ("b", eth0)]), "t.toml").is_ok());
}

#[test]
fn an_uplink_is_no_pods_veth() {
    let pod = "[[network.pod]]\nname = \"p\"\naddress = \"10.1.0.2\"\n";
    let expected = |line| {
        format!(
            "5: uplink \"veth-p\" is the host-side interface of the pod on line {line}; \
             name the device that leads off the node"
        )
    };
    let text = with_network(&("uplink = \"veth-p\"\n".to_owned() + pod));
    assert_problems(&text, &[&expected(7)]);
    // The pod of a later network as well, by the name that it sets.
    let text = networks(&[("a", "uplink = \"veth-p\""), ("b", "")])
        + &pod.replace("10.1", "10.2").replace("\"p\"", "\"q\"")
        + "interface = \"veth-p\"\n";
    assert_problems(&text, &[&expected(14)]);
}

#[test]
fn sizes_of_the_maps() {
    for max_pods in ["0", "65537", "-1", "4294967297"] {
        assert_problems(
            &format!("max_pods = {max_pods}\n{}", with_network("")),
            &[&format!(
                "1: max_pods {max_pods} is out of range; write 1 to 65536"
            )],
        );
    }
    for max_pods in [1, 65536] {
        let text = format!("max_pods = {max_pods}\n{}", with_network(""));
        assert_eq!(Topology::parse(&text, "t.toml").unwrap().max_pods, max_pods);
    }
}
