//! The rules that hold between the values of a file, and the defaults that follow from them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Debug;
use std::hash::Hash;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use toml::Spanned;

use super::file::{File, NetworkTable, PodTable};
use super::problem::{Collector, Span};
use super::{DEFAULT_MTU, MAX_PODS, Network, Pod, Topology, names, subnet};

/// The MTU in bytes that a veth takes: `ETH_MIN_MTU` to `ETH_MAX_MTU` of the kernel's
/// `include/uapi/linux/if_ether.h`.
const MTU_RANGE: std::ops::RangeInclusive<u32> = 68..=65535;

/// Checks `file` and fills in its defaults. The result counts only when no problem was added.
pub(super) fn check(file: File, problems: &mut Collector) -> Topology {
    if file.networks.is_empty() && problems.is_empty() {
        let cure = "add a [[network]] with name, subnet and gateway, \
                    or leave -f out for the built-in topology";
        problems.add(&(0..0), "there is no network", cure);
    }
    let mut checker = Checker::new(problems);
    let networks = file
        .networks
        .into_iter()
        .filter_map(|table| checker.network(table))
        .collect();
    Topology {
        datapath: file.datapath.map(Spanned::into_inner).unwrap_or_default(),
        networks,
    }
}

/// What must be unique on the node, with the place that took it.
#[derive(Debug)]
struct Claims<T>(HashMap<T, Span>);

impl<T: Clone + Debug + Eq + Hash> Claims<T> {
    fn new() -> Self {
        Self(HashMap::new())
    }

    /// Takes `value` for its place; `None`, and a problem, when another place has it.
    fn claim(
        &mut self,
        value: Spanned<T>,
        noun: &str,
        cure: &str,
        problems: &mut Collector,
    ) -> Option<Spanned<T>> {
        match self.0.entry(value.get_ref().clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(value.span());
                Some(value)
            }
            Entry::Occupied(taken) => {
                let line = problems.line(taken.get());
                let what = format!("{noun} {:?} is taken on line {line}", taken.key());
                problems.add(&value.span(), what, cure);
                None
            }
        }
    }
}

struct Checker<'p> {
    problems: &'p mut Collector,
    networks: Claims<String>,
    subnets: Vec<Spanned<Ipv4Net>>,
    pods: Claims<String>,
    addresses: Claims<Ipv4Addr>,
    namespaces: Claims<String>,
    interfaces: Claims<String>,
    pod_count: usize,
}

/// What a network gives to its pods; `None` where the file is wrong about it.
struct Parent {
    subnet: Option<Ipv4Net>,
    gateway: Option<Ipv4Addr>,
    mtu: Option<u32>,
}

impl<'p> Checker<'p> {
    fn new(problems: &'p mut Collector) -> Self {
        Self {
            problems,
            networks: Claims::new(),
            subnets: Vec::new(),
            pods: Claims::new(),
            addresses: Claims::new(),
            namespaces: Claims::new(),
            interfaces: Claims::new(),
            pod_count: 0,
        }
    }

    fn network(&mut self, table: NetworkTable) -> Option<Network> {
        let name = table.name.and_then(|name| self.network_name(name));
        let subnet = table.subnet.and_then(|subnet| self.subnet(&subnet));
        let gateway = table
            .gateway
            .and_then(|gateway| subnet::check_host("gateway", gateway, subnet, self.problems));
        let mtu = self.mtu(table.mtu.as_ref(), Some(DEFAULT_MTU));
        let pod_prefix = subnet.and_then(|net| self.pod_prefix(table.pod_prefix.as_ref(), net));
        let parent = Parent {
            subnet,
            gateway: gateway.as_ref().map(|gateway| *gateway.get_ref()),
            mtu,
        };
        let pods = table
            .pods
            .into_iter()
            .filter_map(|pod| self.pod(pod, &parent))
            .collect();
        Some(Network {
            name: name?.into_inner(),
            subnet: subnet?,
            gateway: gateway?.into_inner(),
            pod_prefix: pod_prefix?,
            pods,
        })
    }

    fn network_name(&mut self, name: Spanned<String>) -> Option<Spanned<String>> {
        let name = names::check("network name", name, self.problems)?;
        let cure = "give this network another name";
        self.networks
            .claim(name, "network name", cure, self.problems)
    }

    fn subnet(&mut self, subnet: &Spanned<Ipv4Net>) -> Option<Ipv4Net> {
        let net = subnet::check(subnet, self.problems)?;
        if let Some(other) = self
            .subnets
            .iter()
            .find(|other| subnet::overlap(net, *other.get_ref()))
        {
            let (other, line) = (other.get_ref(), self.problems.line(&other.span()));
            let what = format!("subnet {net} overlaps with {other} of line {line}");
            let cure = "give each network addresses of its own";
            self.problems.add(&subnet.span(), what, cure);
        }
        self.subnets.push(Spanned::new(subnet.span(), net));
        Some(net)
    }

    /// The MTU that is written, else `default`.
    fn mtu(&mut self, written: Option<&Spanned<i64>>, default: Option<u32>) -> Option<u32> {
        let Some(mtu) = written else { return default };
        match u32::try_from(*mtu.get_ref()) {
            Ok(bytes) if MTU_RANGE.contains(&bytes) => Some(bytes),
            Ok(_) | Err(_) => {
                let (min, max) = (MTU_RANGE.start(), MTU_RANGE.end());
                let what = format!("mtu {} is out of range", mtu.get_ref());
                let cure = format!("write {min} to {max} bytes");
                self.problems.add(&mtu.span(), what, cure);
                None
            }
        }
    }

    fn pod_prefix(&mut self, written: Option<&Spanned<i64>>, net: Ipv4Net) -> Option<u8> {
        let Some(prefix) = written else {
            return Some(net.prefix_len());
        };
        let valid = [net.prefix_len(), 32]
            .into_iter()
            .find(|len| i64::from(*len) == *prefix.get_ref());
        if valid.is_none() {
            let (is, subnets) = (prefix.get_ref(), net.prefix_len());
            let what = format!("pod_prefix {is} is neither the subnet's nor 32");
            let cure = format!("write {subnets} or 32");
            self.problems.add(&prefix.span(), what, cure);
        }
        valid
    }

    fn pod(&mut self, table: PodTable, parent: &Parent) -> Option<Pod> {
        self.pod_count += 1;
        if self.pod_count == MAX_PODS + 1 {
            let what = format!("more than {MAX_PODS} pods in all");
            let cure = "take pods out, or spread them over more nodes";
            self.problems.add(&table.span, what, cure);
        }
        let name = table.name.and_then(|name| self.pod_name(name));
        let name_ref = name.as_ref();
        let address = table
            .address
            .and_then(|address| self.address(address, parent));
        let netns = self.netns(table.netns, name_ref);
        let interface = self.interface(table.interface, name_ref);
        let pod_interface = self.pod_interface(table.pod_interface, interface.as_ref());
        let mtu = self.mtu(table.mtu.as_ref(), parent.mtu);
        Some(Pod {
            name: name?.into_inner(),
            address: address?.into_inner(),
            netns: netns?.into_inner(),
            interface: interface?.into_inner(),
            pod_interface: pod_interface?.into_inner(),
            mtu: mtu?,
        })
    }

    /// `None` for a name that is taken as well: what derives from it would be taken too.
    fn pod_name(&mut self, name: Spanned<String>) -> Option<Spanned<String>> {
        let name = names::check("pod name", name, self.problems)?;
        let cure = "give this pod another name";
        self.pods.claim(name, "pod name", cure, self.problems)
    }

    fn address(
        &mut self,
        address: Spanned<Ipv4Addr>,
        parent: &Parent,
    ) -> Option<Spanned<Ipv4Addr>> {
        let address = subnet::check_host("address", address, parent.subnet, self.problems)?;
        let cure = "give this pod another address";
        if parent.gateway == Some(*address.get_ref()) {
            let what = format!("address {} is the network's gateway", address.get_ref());
            self.problems.add(&address.span(), what, cure);
            return None;
        }
        self.addresses
            .claim(address, "address", cure, self.problems)
    }

    fn netns(
        &mut self,
        written: Option<Spanned<String>>,
        pod: Option<&Spanned<String>>,
    ) -> Option<Spanned<String>> {
        let noun = "network namespace";
        let name = match written {
            Some(name) => names::check(noun, name, self.problems)?,
            None => pod?.clone(),
        };
        let cure = "set `netns` to another, each pod has its own";
        self.namespaces.claim(name, noun, cure, self.problems)
    }

    fn interface(
        &mut self,
        written: Option<Spanned<String>>,
        pod: Option<&Spanned<String>>,
    ) -> Option<Spanned<String>> {
        let derive = |pod: &String| format!("veth-{pod}");
        let name = names::check_interface("interface", written, pod, derive, self.problems)?;
        let cure = "set `interface` to another name";
        self.interfaces
            .claim(name, "host-side interface", cure, self.problems)
    }

    fn pod_interface(
        &mut self,
        written: Option<Spanned<String>>,
        interface: Option<&Spanned<String>>,
    ) -> Option<Spanned<String>> {
        let derive = |interface: &String| format!("{interface}-pod");
        names::check_interface("pod_interface", written, interface, derive, self.problems)
    }
}
