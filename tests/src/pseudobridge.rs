//! The program under test, as built from this workspace, and what it prints for programs.

use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::lab::{Node, Output};
use crate::ping::Ping;

/// Where the tool pins its objects unless told otherwise.
pub const PIN_ROOT: &str = "/sys/fs/bpf/pseudobridge";

/// The path of the `pseudobridge` binary of the profile that this test was built with. It is built
/// first, once a process: `cargo test -p tests` does not, and a stale one would be tested.
///
/// # Panics
/// When it cannot be built.
#[track_caller]
#[must_use]
pub fn binary() -> &'static str {
    static BINARY: OnceLock<Result<String, String>> = OnceLock::new();
    match BINARY.get_or_init(build) {
        Ok(path) => path,
        Err(error) => panic!("no pseudobridge to test: {error}"),
    }
}

fn build() -> Result<String, String> {
    let test = env::current_exe().map_err(|error| error.to_string())?;
    // <target>/<profile>/first-ping, or <target>/<profile>/deps/<test>
    let directory = test.parent().filter(|dir| !dir.ends_with("deps"));
    let profile_dir = directory
        .or_else(|| test.ancestors().nth(2))
        .unwrap_or(Path::new("."));
    let profile = match profile_dir.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let target_dir = profile_dir.parent().unwrap_or(Path::new("."));
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(&cargo)
        .args([
            "build",
            "--package",
            "pseudobridge",
            "--profile",
            profile,
            "--target-dir",
        ])
        .arg(target_dir)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .map_err(|error| format!("cannot run {}: {error}", cargo.display()))?;
    if !built.status.success() {
        return Err(String::from_utf8_lossy(&built.stderr).into_owned());
    }
    let path = profile_dir.join("pseudobridge");
    if !path.is_file() {
        return Err(format!("cargo built it, but not as {}", path.display()));
    }
    Ok(path.display().to_string())
}

impl Node {
    /// Runs `pseudobridge` on the node.
    ///
    /// # Panics
    /// When it cannot be built or started, or does not end in time.
    #[track_caller]
    pub fn pseudobridge(&self, args: impl IntoIterator<Item: AsRef<str>>) -> Output {
        let mut all = vec![binary().to_owned()];
        all.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self.run(all)
    }
}

/// What `pseudobridge status -o json` says. The only place that knows its layout.
#[derive(Debug)]
pub struct Status(Value);

impl Status {
    /// Asks for the status of a node's networks.
    ///
    /// # Panics
    /// When the command fails, or prints something other than JSON.
    #[track_caller]
    #[must_use]
    pub fn of(node: &Node) -> Self {
        let json = node.pseudobridge(["status", "-o", "json"]).ok();
        match serde_json::from_str(&json) {
            Ok(value) => Self(value),
            Err(error) => panic!("status is not JSON: {error}\n{json}"),
        }
    }

    /// A property of a pod, as text: `address`, `interface`, `datapath`, `mac` of its own end,
    /// `gateway_mac` of the host-side veth.
    ///
    /// # Panics
    /// When there is no such pod, or no such property.
    #[track_caller]
    #[must_use]
    pub fn property(&self, pod: &str, key: &str) -> &str {
        match self.pod(pod)[key].as_str() {
            Some(text) => text,
            None => panic!("pod {pod} has no {key} in {:#}", self.0),
        }
    }

    /// How many packets from a pod met this end since `up`; 0 when none is counted.
    ///
    /// # Panics
    /// When there is no such pod, or the counter is no number.
    #[track_caller]
    #[must_use]
    pub fn counter(&self, pod: &str, reason: &str) -> u64 {
        let counter = &self.pod(pod)["counters"][reason]["packets"];
        if counter.is_null() {
            return 0;
        }
        match counter.as_u64() {
            Some(packets) => packets,
            None => panic!("counter {reason} of pod {pod} is {counter}"),
        }
    }

    /// The names of the pods, in the order they are listed.
    #[must_use]
    pub fn pods(&self) -> Vec<&str> {
        self.list().filter_map(|pod| pod["name"].as_str()).collect()
    }

    #[track_caller]
    fn pod(&self, name: &str) -> &Value {
        match self.list().find(|pod| pod["name"] == name) {
            Some(pod) => pod,
            None => panic!("no pod {name} in {:#}", self.0),
        }
    }

    fn list(&self) -> impl Iterator<Item = &Value> {
        self.0["pods"].as_array().into_iter().flatten()
    }
}

/// How many packets from `pod` met `reason`, by the counters that the tool shows.
///
/// # Panics
/// As [`Status::of`] and [`Status::counter`].
#[track_caller]
#[must_use]
pub fn counters(node: &Node, pod: &str, reason: &str) -> u64 {
    Status::of(node).counter(pod, reason)
}

/// Asserts that `node` has the whole of the default topology: nothing is left to do, and the pods
/// reach each other, through one hop, and the gateway.
///
/// # Panics
/// When it has not.
#[track_caller]
pub fn assert_whole(node: &Node) {
    let again = node.pseudobridge(["up"]).ok();
    assert!(
        again.contains("nothing to do"),
        "the network was not whole:\n{again}"
    );
    assert_reached(node);
}

/// Asserts that the pods of the default topology reach each other, through one hop, and the
/// gateway, knowing no neighbour.
///
/// # Panics
/// When they do not.
#[track_caller]
pub fn assert_reached(node: &Node) {
    for (pod, other) in [("ns1", "172.30.30.12"), ("ns2", "172.30.30.11")] {
        let from = node.pod(pod);
        from.run(["ip", "neigh", "flush", "all"]).ok();
        let ping = Ping::send(&from, other, 3);
        assert!(
            ping.lossless() && ping.ttl == [63; 3],
            "{pod} to {other}: {ping:?}"
        );
        let ping = Ping::send(&from, "172.30.30.1", 3);
        assert!(
            ping.lossless() && ping.ttl == [64; 3],
            "{pod} to the gateway: {ping:?}"
        );
    }
}
