//! One case a rule: the file, and every line that it must bring.

mod docs;
mod dual;
mod networks;
mod rules;
mod syntax;
mod values;

use super::{
    DEFAULT_MAX_PODS, Datapath, LoadError, MAX_MAX_PODS, MAX_NETWORKS, Problems, Topology, Unknown,
};

fn problems(text: &str) -> Problems {
    Topology::parse(text, "t.toml").expect_err("the file must be refused")
}

/// Asserts that `text` brings exactly the problems `expected`, each `LINE: what; cure`.
fn assert_problems(text: &str, expected: &[&str]) {
    let printed = problems(text).to_string();
    let expected: Vec<_> = expected
        .iter()
        .map(|line| format!("t.toml:{line}"))
        .collect();
    assert_eq!(
        printed.lines().collect::<Vec<_>>(),
        expected,
        "for the file\n{text}"
    );
}

/// A file with the valid network of lines 1 to 4, and `rest` from line 5 on.
fn with_network(rest: &str) -> String {
    format!("[[network]]\nname = \"a\"\nsubnet = \"10.1.0.0/24\"\ngateway = \"10.1.0.1\"\n{rest}")
}

#[test]
fn the_builtin_topology_is_two_pods() {
    let topology = Topology::builtin().unwrap();
    assert_eq!(topology.datapath, Datapath::Tc);
    let [network] = topology.networks.as_slice() else {
        panic!("{topology:?}")
    };
    assert_eq!(network.name, "default");
    assert_eq!(network.subnet.to_string(), "172.30.30.0/24");
    assert_eq!(network.gateway.to_string(), "172.30.30.1");
    assert_eq!(network.pod_prefix, 24);
    let [ns1, ns2] = network.pods.as_slice() else {
        panic!("{network:?}")
    };
    assert_eq!(ns1.name, "ns1");
    assert_eq!(ns1.address.to_string(), "172.30.30.11");
    assert_eq!(ns1.netns, "ns1");
    assert_eq!(ns1.interface, "veth-ns1");
    assert_eq!(ns1.pod_interface, "veth-ns1-pod");
    assert_eq!(ns1.mtu, 1500);
    assert_eq!(ns2.address.to_string(), "172.30.30.12");
    assert_eq!(ns2.pod_interface, "veth-ns2-pod");
}

/// The built-in file without the comment sign `sign` in front of keys, and how many had it.
fn uncommented(sign: &str) -> (String, usize) {
    let keys = include_str!("../default.toml").lines().map(|line| {
        let bare = line.strip_prefix(sign);
        let key = bare.and_then(|bare| bare.split_once(" = "));
        match (bare, key) {
            (Some(bare), Some((key, _))) if !key.contains(' ') => (bare, 1),
            _ => (line, 0),
        }
    });
    let (lines, counts): (Vec<_>, Vec<_>) = keys.unzip();
    (lines.join("\n"), counts.iter().sum())
}

/// The built-in file is the reference of all keys: what it says about defaults must be true.
#[test]
fn the_commented_keys_of_the_builtin_file_are_the_defaults() {
    let (text, count) = uncommented("# ");
    assert_eq!(
        Topology::parse(&text, "t.toml").unwrap(),
        Topology::builtin().unwrap()
    );
    assert_eq!(count, 11, "each key with a default once a table");
}

#[test]
fn the_examples_of_the_builtin_file_are_valid() {
    let (text, count) = uncommented("#~ ");
    assert_eq!(count, 3);
    let topology = Topology::parse(&text, "t.toml").unwrap();
    let network = &topology.networks[0];
    assert_eq!(network.subnet6, Some("fd00:30::/64".parse().unwrap()));
    assert_eq!(network.uplink.as_deref(), Some("eth0"));
    assert_eq!(
        network.pods[0].address6,
        Some("fd00:30::11".parse().unwrap())
    );
    assert_eq!(network.pods[1].address6, None, "it may be left out");
}

#[test]
fn what_the_file_writes_goes_before_the_defaults() {
    let text = r#"
datapath = "kernel"
max_pods = 10
[[network]]
name = "blue"
subnet = "10.2.0.0/16"
gateway = "10.2.255.254"
subnet6 = "fd00:2::/48"
mtu = 9000
pod_prefix = 32
datapath = "xdp-generic"
uplink = "bond0.7"
unknown = "drop"
allow = ["empty"]
[[network.pod]]
name = "db"
address = "10.2.0.10"
address6 = "fd00:2::a"
netns = "database"
interface = "db0"
pod_interface = "eth0"
mtu = 1400
[[network.pod]]
name = "web"
address = "10.2.0.11"
interface = "web0"
[[network]]
name = "empty"
subnet = "10.3.0.0/30"
gateway = "10.3.0.1"
"#;
    let topology = Topology::parse(text, "t.toml").unwrap();
    assert_eq!(
        (topology.datapath, topology.max_pods),
        (Datapath::Kernel, 10)
    );
    let [blue, empty] = topology.networks.as_slice() else {
        panic!("{topology:?}")
    };
    assert_eq!((blue.pod_prefix, empty.pod_prefix), (32, 30));
    assert_eq!(
        (blue.datapath, empty.datapath),
        (Datapath::XdpGeneric, Datapath::Kernel)
    );
    assert_eq!(
        (blue.unknown, empty.unknown),
        (Unknown::Drop, Unknown::Kernel)
    );
    assert_eq!(
        (blue.uplink.as_deref(), &empty.uplink),
        (Some("bond0.7"), &None)
    );
    assert_eq!(blue.subnet6, Some("fd00:2::/48".parse().unwrap()));
    let [db, web] = blue.pods.as_slice() else {
        panic!("{blue:?}")
    };
    assert_eq!(
        (db.netns.as_str(), db.interface.as_str()),
        ("database", "db0")
    );
    assert_eq!((db.pod_interface.as_str(), db.mtu), ("eth0", 1400));
    assert_eq!(db.address6, Some("fd00:2::a".parse().unwrap()));
    assert_eq!(
        (web.netns.as_str(), web.interface.as_str()),
        ("web", "web0")
    );
    assert_eq!((web.pod_interface.as_str(), web.mtu), ("web0-pod", 9000));
    assert!(empty.pods.is_empty());
}

/// `count` pods in 10.0.0.0/8, four lines each from line 5 on.
fn many_pods(count: usize) -> String {
    let pods = (0..count).map(|n| {
        let address = format!("10.{}.{}.{}", 1 + n / 65536, n / 256 % 256, n % 256);
        format!(
            "[[network.pod]]\nname = \"p{n}\"\naddress = \"{address}\"\npod_interface = \"e\"\n"
        )
    });
    let network = "[[network]]\nname = \"a\"\nsubnet = \"10.0.0.0/8\"\ngateway = \"10.0.0.1\"\n";
    network.to_owned() + &pods.collect::<String>()
}

/// Pods that the maps have no room for are still pods, of the kernel's.
#[test]
fn more_pods_than_the_maps_hold_are_no_error() {
    let topology = Topology::parse(&many_pods(4097), "t.toml").unwrap();
    assert_eq!(topology.max_pods, DEFAULT_MAX_PODS);
    assert_eq!(topology.networks[0].pods.len(), 4097);
    let beyond_all = MAX_MAX_PODS as usize + 1;
    let text = format!("max_pods = {MAX_MAX_PODS}\n{}", many_pods(beyond_all));
    let topology = Topology::parse(&text, "t.toml").unwrap();
    assert_eq!(topology.max_pods, MAX_MAX_PODS);
    assert_eq!(topology.networks[0].pods.len(), beyond_all);
}

/// `count` networks of four lines each.
fn many_networks(count: usize) -> String {
    let networks = (0..count).map(|n| {
        let block = format!("10.{}.{}", n / 256, n % 256);
        format!(
            "[[network]]\nname = \"n{n}\"\nsubnet = \"{block}.0/24\"\ngateway = \"{block}.1\"\n"
        )
    });
    networks.collect()
}

#[test]
fn networks_have_a_limit() {
    let topology = Topology::parse(&many_networks(MAX_NETWORKS), "t.toml").unwrap();
    assert_eq!(topology.networks.len(), 1024);
    // Line 4 × 1024 + 1: the table header of the first one too many; said once.
    assert_problems(
        &many_networks(MAX_NETWORKS + 3),
        &["4097: more than 1024 networks in all; \
           take networks out, or spread them over more nodes"],
    );
}

#[test]
fn a_file_is_read_from_disk() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("net.toml");
    std::fs::write(&path, include_str!("../default.toml")).unwrap();
    assert_eq!(Topology::load(&path).unwrap(), Topology::builtin().unwrap());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("none.toml");
    let error = Topology::load(&path).unwrap_err();
    assert!(matches!(error, LoadError::Read { .. }));
    let expected = format!(
        "cannot read topology file {}: No such file or directory (os error 2); \
         check its path and permissions",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn bytes_that_are_no_text_are_placed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("latin1.toml");
    std::fs::write(&path, b"# fine\n# caf\xe9\n").unwrap();
    let expected = format!(
        "{}:2: a byte here is not UTF-8; save the file as UTF-8",
        path.display()
    );
    assert_eq!(Topology::load(&path).unwrap_err().to_string(), expected);
}
