//! One node: its life, and what can be done on it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::command::{self, Output};
use super::dump::Dump;
use super::pod::{Pod, mac, show_mac};
use super::requirements::check;

/// How long a command may take unless the caller says otherwise.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// The first process of a node. It prints its process id as the machine counts it, and ends when
/// its input does, so when the test ends in whatever way, or else after ten minutes.
const INIT: &str = "read -r pid _ </proc/self/stat; echo $pid; exec timeout 600 cat";

/// Captures packets while a script runs.
const CAPTURE: &str = include_str!("capture.sh");

/// The kernel's own neighbour settings (net/ipv4/arp.c, `arp_tbl`) where a machine may have others.
const NEIGHBOUR_DEFAULTS: &[(&str, u32)] = &[
    ("base_reachable_time_ms", 30_000),
    ("delay_first_probe_time", 5),
    ("mcast_solicit", 3),
    ("proxy_delay", 80), // hundredths of a second
    ("proxy_qlen", 64),
    ("retrans_time_ms", 1_000),
    ("ucast_solicit", 3),
];

/// What makes a node of the fresh namespaces.
const SETUP: &str = include_str!("setup.sh");

/// A machine for one test: `lo` is up, `/proc`, `/sys`, `/sys/fs/bpf` and `/run` are its own,
/// IPv4 settings are the kernel's defaults, ICMP is not rate-limited. Its first process lives in
/// its mount namespace, so to a program within this is the initial one.
///
/// Dropping it ends every process in it; the namespaces go with them.
#[derive(Debug)]
pub struct Node {
    holder: Child,
    pid: String,
}

impl Node {
    /// A node with a BPF file system at `/sys/fs/bpf`.
    ///
    /// # Panics
    /// When the machine lacks what [`check`] looks for, or the node cannot be set up.
    #[track_caller]
    #[must_use]
    pub fn new() -> Self {
        Self::set_up("bpffs")
    }

    /// A node on which nobody has mounted a BPF file system.
    ///
    /// # Panics
    /// As [`Node::new`].
    #[track_caller]
    #[must_use]
    pub fn without_bpffs() -> Self {
        Self::set_up("none")
    }

    #[track_caller]
    fn set_up(bpffs: &str) -> Self {
        if let Err(missing) = check() {
            panic!("{missing}");
        }
        let (holder, pid) = match hold() {
            Ok(held) => held,
            Err(error) => panic!("cannot make a node's namespaces: {error}"),
        };
        let node = Self { holder, pid };
        node.run(["sh", "-c", SETUP, "setup", bpffs]).ok();
        node
    }

    /// The process that holds the node's namespaces.
    pub(super) fn pid(&self) -> &str {
        &self.pid
    }

    /// Runs a command on the node, for at most [`DEADLINE`].
    ///
    /// # Panics
    /// When it cannot be started or does not end in time.
    #[track_caller]
    pub fn run(&self, args: impl IntoIterator<Item: AsRef<str>>) -> Output {
        self.run_for(DEADLINE, args)
    }

    /// Runs a command on the node, for at most `limit`.
    ///
    /// # Panics
    /// As [`Node::run`].
    #[track_caller]
    pub fn run_for(&self, limit: Duration, args: impl IntoIterator<Item: AsRef<str>>) -> Output {
        self.enter(&[], args, limit)
    }

    /// Runs a line, or a script, of shell on the node.
    ///
    /// # Panics
    /// As [`Node::run`].
    #[track_caller]
    pub fn sh(&self, script: impl AsRef<str>) -> Output {
        self.run(["sh", "-c", script.as_ref()])
    }

    /// The pod whose network namespace has this name on the node.
    #[must_use]
    pub fn pod<'node>(&'node self, name: &str) -> Pod<'node> {
        Pod::new(self, name)
    }

    /// Gives devices of the node the kernel's own IPv4 neighbour settings. A new device takes the
    /// machine's: those have no default that belongs to a network namespace.
    ///
    /// # Panics
    /// When there is no such device.
    #[track_caller]
    pub fn default_neighbour_settings(&self, devices: &[&str]) {
        for device in devices {
            for (key, value) in NEIGHBOUR_DEFAULTS {
                self.sh(format!(
                    "echo {value} > /proc/sys/net/ipv4/neigh/{device}/{key}"
                ))
                .ok();
            }
        }
    }

    /// The MAC address of a device of the node, as `ip` prints it.
    ///
    /// # Panics
    /// When there is no such device.
    #[track_caller]
    #[must_use]
    pub fn mac(&self, device: &str) -> String {
        mac(&self.run(show_mac(device)).ok())
    }

    /// How many packets the node's own IPv4 stack has forwarded (`Ip: ForwDatagrams`).
    ///
    /// # Panics
    /// When the kernel does not say.
    #[track_caller]
    #[must_use]
    pub fn forwarded(&self) -> u64 {
        let snmp = self.sh("grep ^Ip: /proc/net/snmp").ok();
        match forwarded(&snmp) {
            Some(count) => count,
            None => panic!("no ForwDatagrams in\n{snmp}"),
        }
    }

    /// The packets that a filter of pcap-filter(7) lets through, one a line, as they pass a device
    /// of the node while a script runs there; `direction` is `in` or `out`.
    ///
    /// # Panics
    /// When the capture or the script fails.
    #[track_caller]
    #[must_use]
    pub fn capture(
        &self,
        device: &str,
        direction: &str,
        filter: &str,
        script: &str,
    ) -> Vec<String> {
        let args = [
            "sh", "-c", CAPTURE, "capture", device, direction, filter, script,
        ];
        let printed = self.run(args).ok();
        // Interrupted, tcpdump ends the line, even where there is none.
        printed
            .lines()
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Writes a file on the node, under `/run` for it to be the node's own.
    ///
    /// # Panics
    /// When it cannot be written.
    #[track_caller]
    pub fn write(&self, path: &str, text: &str) {
        self.run(["sh", "-c", r#"printf %s "$2" > "$1""#, "write", path, text])
            .ok();
    }

    /// Everything that can be compared of the node's state.
    ///
    /// # Panics
    /// When it cannot be read.
    #[track_caller]
    #[must_use]
    pub fn dump(&self) -> Dump {
        Dump::take(self)
    }

    /// Runs a command in the node's namespaces, entering by `further` those that are within.
    #[track_caller]
    pub(super) fn enter(
        &self,
        further: &[&str],
        args: impl IntoIterator<Item: AsRef<str>>,
        limit: Duration,
    ) -> Output {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid, "--net", "--mount", "--pid", "--"]);
        command.args(further);
        let mut shown = Vec::new();
        for arg in args {
            command.arg(arg.as_ref());
            shown.push(abridged(arg.as_ref()));
        }
        // What the test inherited (cargo's variables, a locale) is not the node's.
        command
            .env_clear()
            .env("LC_ALL", "C")
            .envs(std::env::vars_os().filter(|(k, _)| k == "PATH"));
        command::run(&mut command, shown.join(" "), limit)
    }
}

impl Default for Node {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // `unshare --kill-child` takes the node's first process with it, and that all the others.
        if let Err(error) = self.holder.kill().and_then(|()| self.holder.wait()) {
            eprintln!("cannot end the node held by process {}: {error}", self.pid);
        }
    }
}

/// `ForwDatagrams` of a line of names and a line of values.
fn forwarded(snmp: &str) -> Option<u64> {
    let (names, values) = snmp.split_once('\n')?;
    let mut columns = names.split_whitespace().zip(values.split_whitespace());
    columns
        .find(|(name, _)| *name == "ForwDatagrams")?
        .1
        .parse()
        .ok()
}

/// An argument as messages show it: of a long script, how it begins.
fn abridged(arg: &str) -> String {
    match arg.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &arg[..end]),
        None => arg.to_owned(),
    }
}

/// Starts the process that holds a node's namespaces, and reads its process id.
fn hold() -> std::io::Result<(Child, String)> {
    let mut holder = Command::new("unshare")
        .args([
            "--net",
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child",
        ])
        .args(["--", "sh", "-c", INIT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut pid = String::new();
    if let Some(stdout) = holder.stdout.take() {
        BufReader::new(stdout).read_line(&mut pid)?;
    }
    if pid.is_empty() {
        let status = holder.wait()?;
        return Err(std::io::Error::other(format!(
            "unshare ended early ({status})"
        )));
    }
    Ok((holder, pid.trim().to_owned()))
}
