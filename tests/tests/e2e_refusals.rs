//! What `up` must not take over, and what it cannot do: one line that names it and a cure, and
//! nothing changed.

use tests::lab::{Node, Output};
use tests::pseudobridge::{PIN_ROOT, assert_whole, binary};

/// Asserts that a command was refused: exit code 1, nothing done to report, and one error that
/// contains each of `named` and one of `cures`.
#[track_caller]
fn assert_refused(output: Output, named: &[&str], cures: &[&str]) {
    let output = output.exits(1);
    assert_eq!(output.stdout, "", "{output}");
    assert!(output.stderr.starts_with("error: "), "{output}");
    assert_eq!(
        output.stderr.matches("error: ").count(),
        1,
        "not one error:\n{output}"
    );
    for name in named {
        assert!(
            output.stderr.contains(name),
            "it does not name {name}:\n{output}"
        );
    }
    let helps = cures.iter().any(|cure| output.stderr.contains(cure));
    assert!(helps, "none of the cures {cures:?}:\n{output}");
}

/// Something on the node before `up`, made by nobody the tool knows.
struct Foreign {
    made_by: &'static str,
    named: &'static [&'static str],
    cures: &'static [&'static str],
}

/// A device for foreign addresses and routes to stand on.
const DEVICE: &str = "ip link add foreign0 type veth peer name foreign1 && \
                      ip link set foreign1 up && ip link set foreign0 up";

const FOREIGN: &[Foreign] = &[
    Foreign {
        made_by: "ip netns add ns1",
        named: &["ns1"],
        cures: &["ip netns delete ns1", "ip netns del ns1", "netns ="],
    },
    Foreign {
        made_by: "mkdir -p /run/netns && echo something > /run/netns/ns2",
        named: &["/run/netns/ns2"],
        cures: &["remove", "rm ", "delete"],
    },
    Foreign {
        made_by: "ip link add veth-ns1 type veth peer name elsewhere",
        named: &["veth-ns1"],
        cures: &["ip link delete", "ip link del", "rename", "interface ="],
    },
    Foreign {
        made_by: "ip route add 172.30.30.0/24 dev foreign0",
        named: &["172.30.30.0/24", "foreign0"],
        cures: &["ip route delete", "ip route del", "subnet"],
    },
    Foreign {
        made_by: "ip route add blackhole 172.30.30.0/24",
        named: &["172.30.30.0/24"],
        cures: &["ip route delete", "ip route del", "subnet"],
    },
    Foreign {
        made_by: "ip route add 172.30.30.12/32 dev foreign0",
        named: &["172.30.30.12", "foreign0"],
        cures: &["ip route delete", "ip route del", "subnet"],
    },
    Foreign {
        made_by: "ip route add 172.30.30.64/26 dev foreign0",
        named: &["172.30.30.64/26", "foreign0"],
        cures: &["ip route delete", "ip route del", "subnet"],
    },
    Foreign {
        made_by: "ip addr add 172.30.30.200/32 dev foreign0",
        named: &["172.30.30.200", "foreign0"],
        cures: &[
            "ip address delete",
            "ip addr del",
            "ip address del",
            "subnet",
        ],
    },
    Foreign {
        made_by: "ip addr add 172.30.30.1/24 dev foreign0",
        named: &["172.30.30.1", "foreign0"],
        cures: &[
            "ip address delete",
            "ip addr del",
            "ip address del",
            "subnet",
        ],
    },
    Foreign {
        made_by: "mkdir -p /sys/fs/bpf/pseudobridge/maps && bpftool map create \
                  /sys/fs/bpf/pseudobridge/maps/pods_v4 type hash key 4 value 4 entries 1 name f",
        named: &[PIN_ROOT],
        cures: &["--pin-root", "remove", "rm "],
    },
];

#[test]
fn foreign_things_are_named_and_left_alone() {
    for Foreign {
        made_by,
        named,
        cures,
    } in FOREIGN
    {
        let node = Node::new();
        node.sh(format!("{DEVICE} && {made_by}")).ok();
        let before = node.dump();
        assert_refused(node.pseudobridge(["up"]), named, cures);
        before.assert_same(&node.dump(), &format!("up refused because of `{made_by}`"));
        assert_refused(node.pseudobridge(["up", "--dry-run"]), named, cures);
        let down = node.pseudobridge(["down"]);
        if named.contains(&PIN_ROOT) {
            // What is pinned where ours would be could be anything.
            assert_refused(down, named, cures);
        } else {
            down.ok();
        }
        before.assert_same(&node.dump(), &format!("down beside `{made_by}`"));
    }
}

#[test]
fn down_leaves_what_came_after_up_and_is_foreign() {
    let node = Node::new();
    node.sh(DEVICE).ok();
    let before = node.dump();
    node.pseudobridge(["up"]).ok();
    node.sh("ip netns add mine; ip route add 10.77.0.0/16 dev foreign0")
        .ok();
    node.sh("mkdir /sys/fs/bpf/mine").ok();
    node.pseudobridge(["down"]).ok();
    node.sh("ip netns del mine && ip route del 10.77.0.0/16 && rmdir /sys/fs/bpf/mine")
        .ok();
    before.assert_same(&node.dump(), "up and down around foreign things");
}

#[test]
fn without_privileges_one_line_names_the_missing_one() {
    let node = Node::new();
    // A home directory may be closed to the user who tries.
    node.run(["install", "-m", "755", binary(), "/run/pseudobridge"])
        .ok();
    let before = node.dump();
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=-all",
    ];
    for command in ["up", "down"] {
        let output = node.run(nobody.iter().chain(&["/run/pseudobridge", command]));
        assert_eq!(output.stderr.trim_end().lines().count(), 1, "{output}");
        assert_refused(output, &["CAP_NET_ADMIN"], &["root", "sudo"]);
    }
    // Root in name only, as in a container.
    let without = [
        "setpriv",
        "--inh-caps=-net_admin",
        "--bounding-set=-net_admin",
    ];
    let output = node.run(without.iter().chain(&["/run/pseudobridge", "up"]));
    assert_refused(output, &["CAP_NET_ADMIN"], &["root", "sudo", "container"]);
    before.assert_same(&node.dump(), "up without privileges");
}

#[test]
fn usage_errors_exit_with_2() {
    let node = Node::new();
    let before = node.dump();
    for args in [
        &[][..],
        &["upp"],
        &["up", "--nonsense"],
        &["up", "--datapath", "pigeon"],
        &["up", "--verify", "some"],
        &["datapath", "pigeon"],
        &["status", "-o", "yaml"],
    ] {
        let output = node.pseudobridge(args).exits(2);
        assert!(output.stderr.contains("--help"), "{output}");
    }
    before.assert_same(&node.dump(), "usage errors");
}

const NETWORK: &str = "[[network]]\nname = \"blue\"\nsubnet = \"10.88.0.0/24\"\n";

/// What follows [`NETWORK`] in a wrong file, the line of it that is wrong, and what is said.
const WRONG: &[(&str, u32, &[&str])] = &[
    (
        "gateway = \"10.88.1.1\"\n",
        4,
        &["10.88.1.1", "10.88.0.0/24"],
    ),
    (
        "gateway = \"10.88.0.255\"\n",
        4,
        &["10.88.0.255", "broadcast"],
    ),
    (
        "gateway = \"10.88.0.1\"\nmtuu = 9000\n",
        5,
        &["mtuu", "mtu"],
    ),
    (
        "gateway = \"10.88.0.1\"\n[[network.pod]]\nname = \"a\"\naddress = \"10.88.0.1\"\n",
        7,
        &["10.88.0.1", "gateway"],
    ),
    (
        "gateway = \"10.88.0.1\"\n[[network.pod]]\nname = \"a-very-long-name\"\n\
         address = \"10.88.0.2\"\n",
        6,
        &["veth-a-very-long-name", "15", "set `interface`"],
    ),
];

#[test]
fn a_wrong_file_is_named_by_line_and_nothing_is_touched() {
    let node = Node::new();
    let before = node.dump();
    for (rest, line, said) in WRONG {
        node.write("/run/wrong.toml", &format!("{NETWORK}{rest}"));
        let output = node.pseudobridge(["up", "-f", "/run/wrong.toml"]).exits(1);
        let at = format!("/run/wrong.toml:{line}: ");
        let error = output.stderr.lines().find(|error| error.contains(&at));
        let error = error.unwrap_or_else(|| panic!("no line with {at}\n{output}"));
        for part in *said {
            assert!(error.contains(part), "no {part} in\n{error}");
        }
    }
    let absent = node.pseudobridge(["up", "-f", "/run/absent.toml"]);
    assert_refused(absent, &["/run/absent.toml"], &["path", "-f"]);
    before.assert_same(&node.dump(), "wrong files");
}

#[test]
fn in_a_throw_away_mount_namespace_the_way_in_is_told_and_works() {
    let node = Node::new();
    node.sh("ip netns add work").ok();
    let before = node.dump();
    // Here /sys is a new one, without a BPF file system, and gone with the command.
    let output = node.run(["ip", "netns", "exec", "work", binary(), "up"]);
    let stderr = output.stderr.clone();
    assert_refused(output, &["/sys/fs/bpf"], &["nsenter --net=/run/netns/work"]);
    before.assert_same(&node.dump(), "up by `ip netns exec`");

    let told = &stderr[stderr.find("nsenter --net=").unwrap()..];
    let told = told.split(['`', '\n']).next().unwrap();
    let directory = binary().rsplit_once('/').unwrap().0;
    node.sh(format!("PATH=$PATH:{directory} {told}")).ok();
    node.sh("ip netns exec ns1 ping -c 1 172.30.30.12").ok();
    node.sh(format!(
        "PATH=$PATH:{directory} {}",
        told.replace(" up", " down")
    ))
    .ok();
    before.assert_same(&node.dump(), "up and down by `nsenter --net=`");
}

#[test]
fn without_bpffs_on_the_machine_itself_up_mounts_it() {
    let node = Node::without_bpffs();
    let before = node.dump();
    node.pseudobridge(["up"]).ok();
    node.sh("grep -q ' /sys/fs/bpf bpf ' /proc/mounts").ok();
    assert_whole(&node);
    node.pseudobridge(["down"]).ok();
    before.assert_same(
        &node.dump(),
        "up and down on a node without a BPF file system",
    );
}

const OTHER: &str = r#"
[[network]]
name = "other"
subnet = "172.30.31.0/24"
gateway = "172.30.31.1"
[[network.pod]]
name = "other1"
address = "172.30.31.11"
[[network.pod]]
name = "other2"
address = "172.30.31.12"
"#;

#[test]
fn pins_of_another_node_are_refused_and_a_pin_root_of_its_own_helps() {
    let node = Node::new();
    node.sh("ip netns add second").ok();
    let before = node.dump();
    node.pseudobridge(["up"]).ok();
    node.write("/run/other.toml", OTHER);

    let second = node.pod("second");
    let up = [binary(), "up", "-f", "/run/other.toml"];
    assert_refused(second.run(up), &[PIN_ROOT], &["--pin-root"]);

    let root = ["--pin-root", "/sys/fs/bpf/second"];
    second.run(up.iter().chain(&root)).ok();
    node.sh("ip netns exec other1 ping -c 1 172.30.31.12").ok();
    assert_whole(&node);
    second.run([binary(), "down"].iter().chain(&root)).ok();
    assert_whole(&node);
    node.pseudobridge(["down"]).ok();
    before.assert_same(
        &node.dump(),
        "up and down of two nodes on one BPF file system",
    );
}
