//! The rules that hold between the values of a file, and the defaults that follow from them.

mod pod;

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

use ipnet::{Ipv4Net, Ipv6Net};
use toml::Spanned;

use self::pod::Parent;
use super::claims::Claims;
use super::file::{ALIKE, File, NetworkTable};
use super::problem::Collector;
use super::subnet::{self, Subnet};
use super::{
    DEFAULT_MAX_PODS, DEFAULT_MTU, Datapath, MAX_MAX_PODS, MAX_NETWORKS, Network, Topology, names,
};

/// The MTU in bytes that a veth takes: `ETH_MIN_MTU` to `ETH_MAX_MTU` of the kernel's
/// `include/uapi/linux/if_ether.h`.
const MTU_RANGE: RangeInclusive<u32> = 68..=65535;

/// The smallest MTU in bytes with IPv6 (RFC 8200, 5): below it, the kernel takes IPv6 off the
/// device.
const MIN_MTU6: u32 = 1280;

/// Checks `file` and fills in its defaults. The result counts only when no problem was added.
pub(super) fn check(file: File, problems: &mut Collector) -> Topology {
    if file.networks.is_empty() && problems.is_empty() {
        let cure = "add a [[network]] with name, subnet and gateway, \
                    or leave -f out for the built-in topology";
        problems.add(&(0..0), "there is no network", cure);
    }
    let max_pods = max_pods(file.max_pods.as_ref(), problems);
    if let Some(beyond) = file.networks.get(MAX_NETWORKS) {
        let what = format!("more than {MAX_NETWORKS} networks in all");
        let cure = "take networks out, or spread them over more nodes";
        problems.add(&beyond.span, what, cure);
    }
    let names = file.networks.iter().filter_map(|table| table.name.as_ref());
    let mut checker = Checker {
        problems,
        datapath: file.datapath.map(Spanned::into_inner).unwrap_or_default(),
        written: names.map(|name| name.get_ref().clone()).collect(),
        names: Claims::new(),
        subnets: Vec::new(),
        subnets6: Vec::new(),
        uplinks: Vec::new(),
        pods: Claims::new(),
        addresses: Claims::new(),
        addresses6: Claims::new(),
        namespaces: Claims::new(),
        interfaces: Claims::new(),
    };
    let networks = file.networks.into_iter().take(MAX_NETWORKS);
    let mut networks: Vec<_> = networks
        .filter_map(|table| checker.network(table))
        .collect();
    checker.check_uplinks();
    open_both_ways(&mut networks);
    Topology {
        datapath: checker.datapath,
        max_pods,
        networks,
    }
}

fn max_pods(written: Option<&Spanned<i64>>, problems: &mut Collector) -> u32 {
    let Some(written) = written else {
        return DEFAULT_MAX_PODS;
    };
    let number = u32::try_from(*written.get_ref());
    number
        .ok()
        .filter(|number| (1..=MAX_MAX_PODS).contains(number))
        .unwrap_or_else(|| {
            let what = format!("max_pods {} is out of range", written.get_ref());
            let cure = format!("write 1 to {MAX_MAX_PODS}");
            problems.add(&written.span(), what, cure);
            DEFAULT_MAX_PODS
        })
}

/// Completes each network's `allow` by the networks that allow it, in the order of the file.
fn open_both_ways(networks: &mut [Network]) {
    let pairs: BTreeSet<(String, String)> = networks
        .iter()
        .flat_map(|network| {
            let to = network.allow.iter();
            to.map(|to| (network.name.clone(), to.clone()))
        })
        .flat_map(|(from, to)| [(from.clone(), to.clone()), (to, from)])
        .collect();
    if pairs.is_empty() {
        return;
    }
    let names: Vec<_> = networks.iter().map(|one| one.name.clone()).collect();
    for network in networks {
        let opened = |other: &&String| pairs.contains(&(network.name.clone(), (*other).clone()));
        network.allow = names.iter().filter(opened).cloned().collect();
    }
}

struct Checker<'p> {
    problems: &'p mut Collector,
    /// The file's datapath, for networks that name none.
    datapath: Datapath,
    /// All names of networks, be they wrong in other ways: `allow` may name a later one.
    written: BTreeSet<String>,
    names: Claims<String>,
    subnets: Vec<Spanned<Ipv4Net>>,
    subnets6: Vec<Spanned<Ipv6Net>>,
    uplinks: Vec<Spanned<String>>,
    pods: Claims<String>,
    addresses: Claims<Ipv4Addr>,
    addresses6: Claims<Ipv6Addr>,
    namespaces: Claims<String>,
    interfaces: Claims<String>,
}

impl Checker<'_> {
    fn network(&mut self, table: NetworkTable) -> Option<Network> {
        let allow = self.allow(table.allow, table.name.as_ref());
        let name = table.name.and_then(|name| self.network_name(name));
        let subnet = table.subnet.and_then(|subnet| {
            let net = subnet::check(&subnet, self.problems)?;
            no_overlap(&mut self.subnets, net, &subnet, self.problems);
            Some(net)
        });
        let is_dual = table.subnet6.is_some();
        let subnet6 = table.subnet6.and_then(|subnet| {
            let net = subnet::check(&subnet, self.problems)?;
            no_overlap(&mut self.subnets6, net, &subnet, self.problems);
            Some(net)
        });
        let gateway = table
            .gateway
            .and_then(|gateway| subnet::check_host("gateway", gateway, subnet, self.problems));
        let mtu = self.mtu(table.mtu.as_ref(), Some(DEFAULT_MTU), is_dual);
        let pod_prefix = subnet.and_then(|net| self.pod_prefix(table.pod_prefix.as_ref(), net));
        let uplink = table.uplink.and_then(|uplink| {
            let uplink = names::check_uplink(uplink, self.problems)?;
            self.uplinks.push(uplink.clone());
            Some(uplink.into_inner())
        });
        let parent = Parent {
            subnet,
            is_dual,
            subnet6,
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
            subnet6,
            pod_prefix: pod_prefix?,
            datapath: table.datapath.map_or(self.datapath, Spanned::into_inner),
            uplink,
            unknown: table.unknown.map(Spanned::into_inner).unwrap_or_default(),
            allow,
            pods,
        })
    }

    fn network_name(&mut self, name: Spanned<String>) -> Option<Spanned<String>> {
        let name = names::check("network name", name, self.problems)?;
        let cure = "give this network another name";
        self.names.claim(name, "network name", cure, self.problems)
    }

    /// The networks that `allow` names, less those that are none.
    fn allow(&mut self, allow: Vec<Spanned<String>>, own: Option<&Spanned<String>>) -> Vec<String> {
        let mut known = Vec::new();
        for other in allow {
            let (name, span) = (other.get_ref(), other.span());
            if own.is_some_and(|own| own.get_ref() == name) {
                let what = format!("`allow` names {name:?}, the network itself");
                let cure = "take it out, the pods of one network talk to each other anyway";
                self.problems.add(&span, what, cure);
            } else if self.written.contains(name) {
                known.push(other.into_inner());
            } else {
                let likeness = |one: &&String| strsim::jaro_winkler(name, one);
                let others = self.written.iter();
                let others = others.filter(|one| own.is_none_or(|own| own.get_ref() != *one));
                let nearest = others.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
                let cure = match nearest.filter(|one| likeness(one) > ALIKE) {
                    Some(nearest) => format!("did you mean {nearest:?}?"),
                    None => "add that [[network]], or take it out".to_owned(),
                };
                let what = format!("`allow` names {name:?}, no network of this file");
                self.problems.add(&span, what, cure);
            }
        }
        known
    }

    /// An uplink in place of a pod's veth would take the pod's traffic for another node's.
    fn check_uplinks(&mut self) {
        for uplink in &self.uplinks {
            let Some(place) = self.interfaces.place(uplink.get_ref()) else {
                continue;
            };
            let line = self.problems.line(place);
            let what = format!(
                "uplink {:?} is the host-side interface of the pod on line {line}",
                uplink.get_ref()
            );
            let cure = "name the device that leads off the node";
            self.problems.add(&uplink.span(), what, cure);
        }
    }

    /// The MTU that is written, else `default`.
    fn mtu(
        &mut self,
        written: Option<&Spanned<i64>>,
        default: Option<u32>,
        is_dual: bool,
    ) -> Option<u32> {
        let Some(mtu) = written else { return default };
        let number = u32::try_from(*mtu.get_ref());
        let valid = number.ok().filter(|bytes| MTU_RANGE.contains(bytes));
        let (what, cure) = match valid {
            Some(bytes) if is_dual && bytes < MIN_MTU6 => (
                format!("mtu {bytes} is too small for IPv6"),
                format!("write {MIN_MTU6} or more, or take the network's `subnet6` out"),
            ),
            Some(bytes) => return Some(bytes),
            None => {
                let (min, max) = (MTU_RANGE.start(), MTU_RANGE.end());
                (
                    format!("mtu {} is out of range", mtu.get_ref()),
                    format!("write {min} to {max} bytes"),
                )
            }
        };
        self.problems.add(&mtu.span(), what, cure);
        None
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
}

/// Adds `net`, which is written as `subnet`, to `others`, with a problem if it overlaps with one.
fn no_overlap<N: Subnet>(
    others: &mut Vec<Spanned<N>>,
    net: N,
    subnet: &Spanned<N>,
    problems: &mut Collector,
) {
    let overlapping = others
        .iter()
        .find(|other| subnet::overlap(net, *other.get_ref()));
    if let Some(other) = overlapping {
        let (other, line) = (other.get_ref(), problems.line(&other.span()));
        let what = format!("{} {net} overlaps with {other} of line {line}", N::KEY);
        let cure = "give each network addresses of its own";
        problems.add(&subnet.span(), what, cure);
    }
    others.push(Spanned::new(subnet.span(), net));
}
