//! The desired state: the networks and pods that a topology file describes.
//!
//! A file is read as a whole and checked as a whole before anything on the node is touched. All
//! that is wrong with it is reported at once, each problem by file, line and cure. Nothing here
//! looks at the node: whether a name is free *there* is for the plan to find out.

mod check;
mod claims;
mod datapath;
mod file;
mod names;
mod problem;
mod subnet;
#[cfg(test)]
mod tests;
mod unknown;

use std::fs::File;
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use ipnet::{Ipv4Net, Ipv6Net};

pub use datapath::{Datapath, UnknownDatapath};
pub use names::MAX_NAME;
pub use problem::{Problem, Problems};
pub use unknown::Unknown;

/// How many pods the maps hold when the file does not say.
pub const DEFAULT_MAX_PODS: u32 = 4096;

/// The most pods that maps can be made for.
pub const MAX_MAX_PODS: u32 = 65536;

/// The most networks of one file.
pub const MAX_NETWORKS: usize = 1024;

/// The longest topology file in bytes: more than 65,536 pods with every key take.
const MAX_FILE: u64 = 32 << 20;

/// MTU in bytes of a veth when the file names none, the kernel's own default for Ethernet.
pub const DEFAULT_MTU: u32 = 1500;

/// What one node shall have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// Who forwards between the pods of the networks that do not say.
    pub datapath: Datapath,
    /// How many pods the maps hold, 1 to [`MAX_MAX_PODS`]. There may be more pods than that: those
    /// beyond are the kernel's alone.
    pub max_pods: u32,
    /// The networks, in the order of the file; at least one.
    pub networks: Vec<Network>,
}

/// One subnet, or one of each family, whose pods share no layer 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Its name, unique on the node.
    pub name: String,
    /// Its subnet, without host bits; overlaps with no other network's.
    pub subnet: Ipv4Net,
    /// The node's address on every host-side veth: a host address of the subnet and no pod's.
    pub gateway: Ipv4Addr,
    /// Its IPv6 subnet, if it is dual-stack, likewise. The gateway there is link-local.
    pub subnet6: Option<Ipv6Net>,
    /// IPv4 prefix length with which pods configure their address: the subnet's, or 32.
    pub pod_prefix: u8,
    /// Who forwards between its pods: what it says itself, else the topology's.
    pub datapath: Datapath,
    /// The device by which remote addresses of the subnets are reached.
    pub uplink: Option<String>,
    /// What becomes of traffic to addresses of the subnets that are nobody's.
    pub unknown: Unknown,
    /// The other networks that it may talk to, in the order of the file. Always mutual: each of
    /// them lists this one.
    pub allow: Vec<String>,
    /// Its pods, in the order of the file; there may be none.
    pub pods: Vec<Pod>,
}

/// One veth pair into one network namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its name, unique on the node.
    pub name: String,
    /// Its address: a host address of the network's subnet, unique, and not the gateway.
    pub address: Ipv4Addr,
    /// Its IPv6 address: one of the network's `subnet6`, unique.
    pub address6: Option<Ipv6Addr>,
    /// The named network namespace (`ip netns`) that holds this pod and no other.
    pub netns: String,
    /// The host-side veth, unique on the node.
    pub interface: String,
    /// The pod's end of the veth pair, in its namespace.
    pub pod_interface: String,
    /// MTU in bytes of both ends.
    pub mtu: u32,
}

/// Why a topology could not be had from a file.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could not be read at all.
    #[error("cannot read topology file {}: {error}; check its path and permissions", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the kernel said.
        error: std::io::Error,
    },
    /// The file was read, and is wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
}

impl Topology {
    /// The topology to use when no file is given: pods `ns1` (172.30.30.11) and `ns2`
    /// (172.30.30.12) in 172.30.30.0/24.
    ///
    /// # Errors
    ///
    /// None in practice: the built-in file passes through the same checks as any other, and the
    /// tests hold it to them.
    pub fn builtin() -> Result<Self, Problems> {
        Self::parse(include_str!("default.toml"), "built-in topology")
    }

    /// Reads and checks the file at `path`; the only input or output of this module.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not UTF-8, or has problems: see [`Topology::parse`].
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let bytes = read(path).map_err(|error| LoadError::Read {
            path: path.to_owned(),
            error,
        })?;
        let file_name = path.display().to_string();
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| Problems::not_utf8(&file_name, &bytes, error))?;
        Ok(Self::parse(text, &file_name)?)
    }

    /// Checks `text`, the content of a topology file that is called `file_name` in errors.
    ///
    /// # Errors
    ///
    /// All problems of the file at once. Only when it is no TOML, the syntax errors come alone:
    /// past them there is nothing certain to check.
    pub fn parse(text: &str, file_name: &str) -> Result<Self, Problems> {
        let mut problems = problem::Collector::new(text);
        let file = file::read(text, &mut problems);
        let topology = check::check(file, &mut problems);
        problems.finish(file_name)?;
        Ok(topology)
    }

    /// Lets `datapath` forward in all networks, whatever the file says.
    pub fn set_datapath(&mut self, datapath: Datapath) {
        self.datapath = datapath;
        for network in &mut self.networks {
            network.datapath = datapath;
        }
    }

    /// Whether pods of network `a` may talk to pods of network `b`, by name: they are one network,
    /// or one of them allows the other. Mutual.
    #[must_use]
    pub fn allows(&self, a: &str, b: &str) -> bool {
        let mut networks = self.networks.iter();
        networks.any(|one| one.name == a && (a == b || one.allow.iter().any(|to| to == b)))
    }
}

/// Reads a file that is no longer than a topology can be: a device may have no end.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut start = File::open(path)?.take(MAX_FILE + 1);
    start.read_to_end(&mut bytes)?;
    if start.limit() == 0 {
        return Err(io::Error::other(format!(
            "it is longer than {MAX_FILE} bytes"
        )));
    }
    Ok(bytes)
}
