//! Rules between the values of a file.

use super::{Topology, assert_problems, with_network};

/// A pod of four lines: its header, name, address, and `more`.
fn pod(name: &str, address: &str, more: &str) -> String {
    format!("[[network.pod]]\nname = \"{name}\"\naddress = \"{address}\"\n{more}\n")
}

/// Two pods from line 5 and from line 9 on.
fn two_pods(first: [&str; 3], second: [&str; 3]) -> String {
    with_network(
        &[first, second]
            .map(|[name, address, more]| pod(name, address, more))
            .concat(),
    )
}

#[test]
fn network_names_are_unique() {
    let second = "[[network]]\nname = \"a\"\nsubnet = \"10.2.0.0/24\"\ngateway = \"10.2.0.1\"\n";
    assert_problems(
        &with_network(second),
        &["6: network name \"a\" is taken on line 2; give this network another name"],
    );
}

#[test]
fn pod_names_are_unique_over_all_networks() {
    // One problem: the namespace and interfaces that derive from the name are not counted again.
    assert_problems(
        &two_pods(["p", "10.1.0.2", ""], ["p", "10.1.0.3", ""]),
        &["10: pod name \"p\" is taken on line 6; give this pod another name"],
    );
    let second = "[[network]]\nname = \"b\"\nsubnet = \"10.2.0.0/24\"\ngateway = \"10.2.0.1\"\n"
        .to_owned()
        + &pod("p", "10.2.0.2", "");
    assert_problems(
        &with_network(&(pod("p", "10.1.0.2", "") + &second)),
        &["14: pod name \"p\" is taken on line 6; give this pod another name"],
    );
}

#[test]
fn pod_addresses_are_unique() {
    assert_problems(
        &two_pods(["p", "10.1.0.2", ""], ["q", "10.1.0.2", ""]),
        &["11: address 10.1.0.2 is taken on line 7; give this pod another address"],
    );
}

#[test]
fn each_pod_has_a_namespace_of_its_own() {
    let cure = "set `netns` to another, each pod has its own";
    assert_problems(
        &two_pods(
            ["p", "10.1.0.2", "netns = \"x\""],
            ["q", "10.1.0.3", "netns = \"x\""],
        ),
        &[&format!(
            "12: network namespace \"x\" is taken on line 8; {cure}"
        )],
    );
    // Against a default, which stands where the pod's name does.
    assert_problems(
        &two_pods(["p", "10.1.0.2", ""], ["q", "10.1.0.3", "netns = \"p\""]),
        &[&format!(
            "12: network namespace \"p\" is taken on line 6; {cure}"
        )],
    );
    assert_problems(
        &two_pods(["p", "10.1.0.2", "netns = \"q\""], ["q", "10.1.0.3", ""]),
        &[&format!(
            "10: network namespace \"q\" is taken on line 8; {cure}"
        )],
    );
}

#[test]
fn host_side_interfaces_are_unique_and_pod_interfaces_need_not_be() {
    let cure = "set `interface` to another name";
    assert_problems(
        &two_pods(
            ["p", "10.1.0.2", "interface = \"x\""],
            ["q", "10.1.0.3", "interface = \"x\""],
        ),
        &[&format!(
            "12: host-side interface \"x\" is taken on line 8; {cure}"
        )],
    );
    assert_problems(
        &two_pods(
            ["p", "10.1.0.2", ""],
            ["q", "10.1.0.3", "interface = \"veth-p\""],
        ),
        &[&format!(
            "12: host-side interface \"veth-p\" is taken on line 6; {cure}"
        )],
    );
    let eth0 = "pod_interface = \"eth0\"";
    let text = two_pods(["p", "10.1.0.2", eth0], ["q", "10.1.0.3", eth0]);
    let pods = &Topology::parse(&text, "t.toml").unwrap().networks[0].pods;
    assert!(pods.iter().all(|pod| pod.pod_interface == "eth0"));
    // The two ends of a pair are in two namespaces, so one name may serve for both.
    let both = "interface = \"x\"\npod_interface = \"x\"";
    let text = with_network(&pod("p", "10.1.0.2", both));
    assert_eq!(
        Topology::parse(&text, "t.toml").unwrap().networks[0].pods[0].interface,
        "x"
    );
}

#[test]
fn pod_addresses_are_hosts_of_the_subnet() {
    let cure = "choose one of 10.1.0.1 to 10.1.0.254";
    for (address, fault) in [
        ("10.1.1.2", "is outside the subnet"),
        ("10.1.0.0", "is the network address of"),
        ("10.1.0.255", "is the broadcast address of"),
    ] {
        let expected = format!("7: address {address} {fault} 10.1.0.0/24; {cure}");
        assert_problems(&with_network(&pod("p", address, "")), &[&expected]);
    }
    assert_problems(
        &with_network(&pod("p", "10.1.0.1", "")),
        &["7: address 10.1.0.1 is the network's gateway; give this pod another address"],
    );
    assert!(Topology::parse(&with_network(&pod("p", "10.1.0.254", "")), "t.toml").is_ok());
}

#[test]
fn subnets_of_two_networks_do_not_overlap() {
    let other = |subnet: &str| {
        let gateway = "10.1.0.129";
        with_network(&format!(
            "[[network]]\nname = \"b\"\nsubnet = \"{subnet}\"\ngateway = \"{gateway}\"\n"
        ))
    };
    let cure = "give each network addresses of its own";
    for subnet in ["10.1.0.0/24", "10.1.0.128/25", "10.0.0.0/8"] {
        let expected = format!("7: subnet {subnet} overlaps with 10.1.0.0/24 of line 3; {cure}");
        assert_problems(&other(subnet), &[&expected]);
    }
    let beside = other("10.1.1.0/24").replace("10.1.0.129", "10.1.1.1");
    assert_eq!(
        Topology::parse(&beside, "t.toml").unwrap().networks.len(),
        2
    );
}

/// What is wrong with a network must not hide what is wrong with its pods, nor invent problems.
#[test]
fn all_problems_come_at_once_in_the_order_of_lines() {
    let text = "\
[[network]]
subnet = \"10.1.0.9/24\"
gateway = \"10.1.0.0\"
name = \"a.b\"
[[network.pod]]
mtu = 9
address = \"10.1.0.9\"
name = \"p\"
[[network.pod]]
interface = \"lo\"
name = \"q\"
address = \"10.9.0.9\"
[[network]]
name = \"c\"
subnet = \"127.0.0.0/8\"
gateway = \"10.1.0.1\"
[[network.pod]]
name = \"r\"
address = \"1.2.3.4\"
";
    assert_problems(
        text,
        &[
            "2: subnet 10.1.0.9/24 has host bits set; write 10.1.0.0/24",
            "3: gateway 10.1.0.0 is the network address of 10.1.0.0/24; \
             choose one of 10.1.0.1 to 10.1.0.254",
            "4: network name \"a.b\" has a '.'; use 1 to 63 of A-Z a-z 0-9 _ and -, \
             with no - in front",
            "6: mtu 9 is out of range; write 68 to 65535 bytes",
            "10: interface \"lo\" is reserved by the kernel; choose another name",
            "12: address 10.9.0.9 is outside the subnet 10.1.0.0/24; \
             choose one of 10.1.0.1 to 10.1.0.254",
            "15: subnet 127.0.0.0/8 overlaps with the loopback block 127.0.0.0/8; \
             choose a unicast subnet, such as one of 10.0.0.0/8",
        ],
    );
}
