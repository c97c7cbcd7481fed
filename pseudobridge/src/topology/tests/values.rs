//! Values that are wrong by themselves.

use super::{Topology, assert_problems, with_network};

#[test]
fn values_of_the_wrong_type() {
    for (line, expected) in [
        (
            "mtu = \"1500\"",
            "5: `mtu` is a string; write it like mtu = 1500",
        ),
        (
            "mtu = 1500.0",
            "5: `mtu` is a float; write it like mtu = 1500",
        ),
        (
            "mtu = true",
            "5: `mtu` is a boolean; write it like mtu = 1500",
        ),
        (
            "mtu = [1500]",
            "5: `mtu` is an array; write it like mtu = 1500",
        ),
        (
            "mtu = 2026-01-01",
            "5: `mtu` is a date or time; write it like mtu = 1500",
        ),
        (
            "mtu = 9223372036854775808",
            "5: `mtu` is 9223372036854775808: number too large to fit in target type; \
             write it like mtu = 1500",
        ),
        (
            "pod_prefix = \"/32\"",
            "5: `pod_prefix` is a string; write it like pod_prefix = 32",
        ),
    ] {
        assert_problems(&with_network(line), &[expected]);
    }
    assert_problems(
        &format!("datapath = \"ebpf\"\n{}", with_network("")),
        &[
            "1: `datapath` is \"ebpf\", no datapath (kernel, tc, xdp, xdp-generic); \
           write it like datapath = \"tc\"",
        ],
    );
}

fn pod(lines: &str) -> String {
    with_network(&format!("[[network.pod]]\n{lines}\n"))
}

#[test]
fn addresses_that_are_none() {
    for text in [
        "10.1.0",
        "10.1.0.2/24",
        "10.1.0.256",
        "10.01.0.2",
        "fd00::2",
        "",
    ] {
        let expected = format!(
            "7: `address` is {text:?}, no IPv4 address; write it like address = \"172.30.30.11\""
        );
        assert_problems(
            &pod(&format!("name = \"p\"\naddress = {text:?}")),
            &[&expected],
        );
    }
    for text in [
        "10.1.0.0",
        "10.1.0.0/33",
        "fd00::/64",
        "10.1.0.0/255.255.255.0",
        "",
    ] {
        let file = with_network("").replace("10.1.0.0/24", text);
        let expected = format!(
            "3: `subnet` is {text:?}, no IPv4 subnet; write it like subnet = \"172.30.30.0/24\""
        );
        assert_problems(&file, &[&expected]);
    }
    assert_problems(
        &with_network("").replace("10.1.0.1", "gw"),
        &[r#"4: `gateway` is "gw", no IPv4 address; write it like gateway = "172.30.30.1""#],
    );
}

fn network(subnet: &str, gateway: &str) -> String {
    with_network("")
        .replace("10.1.0.0/24", subnet)
        .replace("10.1.0.1", gateway)
}

#[test]
fn subnets() {
    for (subnet, gateway, expected) in [
        (
            "10.1.0.5/24",
            "10.1.0.1",
            "3: subnet 10.1.0.5/24 has host bits set; write 10.1.0.0/24",
        ),
        (
            "10.0.0.0/7",
            "10.0.0.1",
            "3: subnet 10.0.0.0/7 has a prefix length out of range; write /8 to /30",
        ),
        (
            "10.1.0.0/31",
            "10.1.0.1",
            "3: subnet 10.1.0.0/31 has a prefix length out of range; write /8 to /30",
        ),
        (
            "0.0.0.0/8",
            "0.0.0.1",
            "3: subnet 0.0.0.0/8 overlaps with the \"this network\" block 0.0.0.0/8; \
             choose a unicast subnet, such as one of 10.0.0.0/8",
        ),
        (
            "127.5.0.0/16",
            "127.5.0.1",
            "3: subnet 127.5.0.0/16 overlaps with the loopback block 127.0.0.0/8; \
             choose a unicast subnet, such as one of 10.0.0.0/8",
        ),
        (
            "169.0.0.0/8",
            "169.0.0.1",
            "3: subnet 169.0.0.0/8 overlaps with the link-local block 169.254.0.0/16; \
             choose a unicast subnet, such as one of 10.0.0.0/8",
        ),
        (
            "239.1.1.0/24",
            "239.1.1.1",
            "3: subnet 239.1.1.0/24 overlaps with the multicast block 224.0.0.0/4; \
             choose a unicast subnet, such as one of 10.0.0.0/8",
        ),
    ] {
        assert_problems(&network(subnet, gateway), &[expected]);
    }
    for (subnet, gateway) in [
        ("10.0.0.0/8", "10.0.0.1"),
        ("10.1.0.0/30", "10.1.0.2"),
        ("169.253.0.0/16", "169.253.0.1"),
    ] {
        let parsed = Topology::parse(&network(subnet, gateway), "t.toml").unwrap();
        assert_eq!(parsed.networks[0].subnet.to_string(), subnet);
    }
}

#[test]
fn gateways() {
    let cure = "choose one of 10.1.0.1 to 10.1.0.254";
    for (gateway, fault) in [
        ("10.1.1.1", "is outside the subnet"),
        ("10.1.0.0", "is the network address of"),
        ("10.1.0.255", "is the broadcast address of"),
    ] {
        let expected = format!("4: gateway {gateway} {fault} 10.1.0.0/24; {cure}");
        assert_problems(&network("10.1.0.0/24", gateway), &[&expected]);
    }
}

#[test]
fn mtus_and_prefix_lengths() {
    for mtu in ["67", "65536", "0", "-1", "4294967364"] {
        let expected = format!("mtu {mtu} is out of range; write 68 to 65535 bytes");
        assert_problems(
            &with_network(&format!("mtu = {mtu}")),
            &[&format!("5: {expected}")],
        );
        let pod = pod(&format!(
            "name = \"p\"\naddress = \"10.1.0.2\"\nmtu = {mtu}"
        ));
        assert_problems(&pod, &[&format!("8: {expected}")]);
    }
    for mtu in [68, 65535] {
        let text = pod(&format!(
            "name = \"p\"\naddress = \"10.1.0.2\"\nmtu = {mtu}"
        ));
        assert_eq!(
            Topology::parse(&text, "t.toml").unwrap().networks[0].pods[0].mtu,
            mtu
        );
    }
    for prefix in ["16", "31", "0", "-24", "280"] {
        let expected =
            format!("5: pod_prefix {prefix} is neither the subnet's nor 32; write 24 or 32");
        assert_problems(
            &with_network(&format!("pod_prefix = {prefix}")),
            &[&expected],
        );
    }
}

#[test]
fn names() {
    let long = "n".repeat(64);
    let cure = "use 1 to 63 of A-Z a-z 0-9 _ and -, with no - in front";
    for (name, fault) in [
        ("", "is empty"),
        (long.as_str(), "has 64 bytes"),
        ("a.b", "has a '.'"),
        ("..", "has a '.'"),
        ("a/b", "has a '/'"),
        ("a b", "has a ' '"),
        ("a\nb", "has a '\\n'"),
        ("é", "has a 'é'"),
        ("-a", "begins with '-'"),
    ] {
        assert_problems(
            &with_network("").replace("\"a\"", &format!("{name:?}")),
            &[&format!("2: network name {name:?} {fault}; {cure}")],
        );
        // One problem: what derives from a bad name is not looked at.
        assert_problems(
            &pod(&format!("name = {name:?}\naddress = \"10.1.0.2\"")),
            &[&format!("6: pod name {name:?} {fault}; {cure}")],
        );
        assert_problems(
            &pod(&format!(
                "name = \"p\"\naddress = \"10.1.0.2\"\nnetns = {name:?}"
            )),
            &[&format!("8: network namespace {name:?} {fault}; {cure}")],
        );
    }
    let longest = "n".repeat(63);
    let text = pod(&format!(
        "name = {longest:?}\naddress = \"10.1.0.2\"\ninterface = \"i\"\npod_interface = \"eth0\""
    ));
    assert_eq!(
        Topology::parse(&text, "t.toml").unwrap().networks[0].pods[0].netns,
        longest
    );
}

#[test]
fn interface_names() {
    let cure = "use 1 to 15 of A-Z a-z 0-9 _ and -, with no - in front";
    let kernel = "choose another name";
    for (name, fault, cure) in [
        ("", "is empty", cure),
        ("veth-0123456789a", "has 16 bytes", cure),
        ("eth0.100", "has a '.'", cure),
        ("eth0:1", "has a ':'", cure),
        ("-veth", "begins with '-'", cure),
        ("lo", "is reserved by the kernel", kernel),
        ("all", "is reserved by the kernel", kernel),
        ("default", "is reserved by the kernel", kernel),
    ] {
        for key in ["interface", "pod_interface"] {
            // The other one is fine, so that only this one speaks.
            let other = if key == "interface" {
                "pod_interface"
            } else {
                "interface"
            };
            assert_problems(
                &pod(&format!(
                    "name = \"p\"\naddress = \"10.1.0.2\"\n{other} = \"x\"\n{key} = {name:?}"
                )),
                &[&format!("9: {key} {name:?} {fault}; {cure}")],
            );
        }
    }
    let fits = pod("name = \"p\"\naddress = \"10.1.0.2\"\n\
         interface = \"veth-0123456789\"\npod_interface = \"eth0-0123456789\"");
    assert!(Topology::parse(&fits, "t.toml").is_ok());
}

#[test]
fn default_interface_names_that_do_not_fit() {
    for (name, expected) in [
        (
            "frontend-10",
            "6: the default `interface` \"veth-frontend-10\" has 16 bytes; \
             set `interface` to a name of 1 to 15 bytes",
        ),
        (
            "front-1",
            "6: the default `pod_interface` \"veth-front-1-pod\" has 16 bytes; \
             set `pod_interface` to a name of 1 to 15 bytes",
        ),
    ] {
        assert_problems(
            &pod(&format!("name = {name:?}\naddress = \"10.1.0.2\"")),
            &[expected],
        );
    }
    let fits = pod("name = \"front1\"\naddress = \"10.1.0.2\"");
    let topology = Topology::parse(&fits, "t.toml").unwrap();
    assert_eq!(
        topology.networks[0].pods[0].pod_interface,
        "veth-front1-pod"
    );
}
