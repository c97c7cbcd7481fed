//! A pod of a node.

use std::time::Duration;

use super::command::Output;
use super::node::{DEADLINE, Node};
use pseudobridge::netlink::netns::{self, NetNs};

/// A network namespace of a [`Node`], under the node's mounts: its BPF file system can be seen.
#[derive(Debug)]
pub struct Pod<'node> {
    node: &'node Node,
    netns: String,
    path: String,
}

impl<'node> Pod<'node> {
    pub(super) fn new(node: &'node Node, name: &str) -> Self {
        Self {
            node,
            netns: format!("--net=/run/netns/{name}"),
            path: format!("/proc/{}/root/run/netns/{name}", node.pid()),
        }
    }
}

impl Pod<'_> {
    /// Runs a command in the pod's network namespace, for at most [`DEADLINE`].
    ///
    /// # Panics
    /// As [`Node::run`].
    #[track_caller]
    pub fn run(&self, args: impl IntoIterator<Item: AsRef<str>>) -> Output {
        self.run_for(DEADLINE, args)
    }

    /// Runs a command in the pod's network namespace, for at most `limit`.
    ///
    /// # Panics
    /// As [`Node::run`].
    #[track_caller]
    pub fn run_for(&self, limit: Duration, args: impl IntoIterator<Item: AsRef<str>>) -> Output {
        self.node
            .enter(&["nsenter", &self.netns, "--"], args, limit)
    }

    /// Runs a line, or a script, of shell in the pod's network namespace.
    ///
    /// # Panics
    /// As [`Node::run`].
    #[track_caller]
    pub fn sh(&self, script: impl AsRef<str>) -> Output {
        self.run(["sh", "-c", script.as_ref()])
    }

    /// Runs `f` on a thread in the pod's network namespace, for what no command does.
    ///
    /// # Panics
    /// When the namespace cannot be entered, or if `f` does.
    #[track_caller]
    pub fn within<T: Send>(&self, f: impl FnOnce() -> T + Send) -> T {
        let namespace = NetNs::open(self.path.as_str());
        match namespace.and_then(|namespace| netns::within(&namespace, f)) {
            Ok(result) => result,
            Err(error) => panic!("{error}"),
        }
    }

    /// The MAC address of a device of the pod, as `ip` prints it.
    ///
    /// # Panics
    /// When there is no such device.
    #[track_caller]
    #[must_use]
    pub fn mac(&self, device: &str) -> String {
        mac(&self.run(show_mac(device)).ok())
    }
}

/// The command whose output [`mac`] reads.
pub(super) fn show_mac(device: &str) -> [&str; 6] {
    ["ip", "-brief", "link", "show", "dev", device]
}

/// The third column of `ip -brief link`.
pub(super) fn mac(line: &str) -> String {
    line.split_whitespace()
        .nth(2)
        .unwrap_or_default()
        .to_owned()
}
