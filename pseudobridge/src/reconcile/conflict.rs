//! What stands in the way: things of others where ours shall be.

use std::fmt;

use ipnet::{IpNet, Ipv4Net};

use super::{DesiredPod, Namespace, Observed, PROTOCOL, networks};
use crate::netlink::{Route, RouteKind};
use crate::topology::{Network, Topology};

/// Something that is not ours where something of ours shall be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Conflict {
    /// What it is.
    pub what: String,
    /// What to do about it.
    pub cure: String,
}

/// All that stands in the way. Nothing was changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub struct Conflicts(pub Vec<Conflict>);

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.what, self.cure)
    }
}

impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, conflict) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{conflict}")?;
        }
        Ok(())
    }
}

/// Everything on the node that a topology collides with.
pub(super) fn find(topology: &Topology, pods: &[DesiredPod], node: &Observed) -> Vec<Conflict> {
    let of_pods = pods.iter().flat_map(|pod| {
        let namespace = namespace(pod, node);
        namespace.into_iter().chain(link(pod, node))
    });
    let of_networks = topology.networks.iter().flat_map(|network| {
        let addresses = addresses(network, node);
        // An address brings routes with it: one word for both.
        if addresses.is_empty() {
            routes(network, node)
        } else {
            addresses
        }
    });
    let uplinks = topology.networks.iter().filter_map(|one| uplink(one, node));
    of_pods.chain(of_networks).chain(uplinks).collect()
}

/// Only what is there already, and has hardware addresses, can be an uplink.
fn uplink(network: &Network, node: &Observed) -> Option<Conflict> {
    let name = network.uplink.as_ref()?;
    let fault = match node.links.iter().find(|link| link.name == *name) {
        None => "does not exist",
        Some(link) if is_on_ours(link.index, node) => "is the host-side veth of a pod",
        Some(link) if !link.ethernet => "is no Ethernet device",
        Some(_) if name.contains('.') => "has a dot in its name, which pins cannot have",
        Some(_) => return None,
    };
    Some(Conflict {
        what: format!("{name}, the uplink of network {}, {fault}", network.name),
        cure: "name another `uplink`, or none".to_owned(),
    })
}

fn namespace(pod: &DesiredPod, node: &Observed) -> Option<Conflict> {
    let name = &pod.pod.netns;
    let remove = format!("remove it (ip netns del {name})");
    let (what, first) = match node.namespaces.get(name)? {
        Namespace::Ours | Namespace::Leftover => return None,
        Namespace::Foreign => (
            format!("network namespace {name} exists and is not ours"),
            remove,
        ),
        Namespace::OtherNodes => (
            format!("network namespace {name} belongs to another node of pseudobridge"),
            "take that node's network down".to_owned(),
        ),
        Namespace::NotNamespace => (
            format!("/run/netns/{name} exists and is no network namespace"),
            remove,
        ),
    };
    let cure = format!("{first}, or give pod {} another `netns`", pod.pod.name);
    Some(Conflict { what, cure })
}

fn link(pod: &DesiredPod, node: &Observed) -> Option<Conflict> {
    let name = &pod.pod.interface;
    let link = node.links.iter().find(|link| link.name == *name)?;
    (!is_on_ours(link.index, node)).then(|| Conflict {
        what: format!("interface {name} exists and is not ours"),
        cure: format!(
            "remove it (ip link del {name}), or give pod {} another `interface`",
            pod.pod.name
        ),
    })
}

fn addresses(network: &Network, node: &Observed) -> Vec<Conflict> {
    let foreign = node.addresses.iter().filter(|address| {
        IpNet::from(network.subnet).contains(&address.address.addr())
            && !is_on_ours(address.index, node)
    });
    let conflict = |address: &crate::netlink::Address| {
        let interface = interface_name(node, address.index);
        Conflict {
            what: format!(
                "address {} of {interface} lies in {}, the subnet of network {}",
                address.address, network.subnet, network.name
            ),
            cure: format!(
                "remove it (ip address del {} dev {interface}), or choose another `subnet`",
                address.address
            ),
        }
    };
    foreign.map(conflict).collect()
}

/// Routes to the subnet, or to a part of it. Those to more than it, as the default route, are
/// what the subnet's own route is more specific than.
fn routes(network: &Network, node: &Observed) -> Vec<Conflict> {
    let is_pod = |destination: IpNet| {
        let mut pods = network.pods.iter();
        pods.any(|pod| IpNet::from(Ipv4Net::from(pod.address)) == destination)
    };
    let is_ours = |route: &Route| {
        let by_us = route.protocol == PROTOCOL && route.table == Route::MAIN;
        let over_ours = route.oif.is_some_and(|oif| is_on_ours(oif, node));
        // Over our links others may add what they like, but not in the place of a pod's route.
        let is_elsewhere =
            || route.table != Route::MAIN || route.metric != 0 || !is_pod(route.destination);
        let over_uplink = || {
            let uplink = network.uplink.as_deref();
            let index = uplink.map_or(0, |name| networks::index(node, name));
            index != 0 && route.oif == Some(index) && is_elsewhere()
        };
        if over_uplink() {
            true
        } else if over_ours {
            by_us || is_elsewhere()
        } else {
            by_us && route.kind == RouteKind::Unreachable
        }
    };
    let foreign = node.routes.iter().filter(|route| {
        IpNet::from(network.subnet).contains(&route.destination) && !is_ours(route)
    });
    let conflict = |route: &Route| {
        let name = describe(route, node);
        Conflict {
            what: format!(
                "route {name} exists and is not ours; it collides with {}, the subnet of network \
                 {}",
                network.subnet, network.name
            ),
            cure: format!("remove it (ip route del {name}), or choose another `subnet`"),
        }
    };
    foreign.map(conflict).collect()
}

/// As `ip route del` takes it: precisely enough to leave a route of ours beside it alone.
fn describe(route: &Route, node: &Observed) -> String {
    let kind = (route.kind != RouteKind::Unicast).then(|| format!("{:?}", route.kind));
    let device = |oif| format!("dev {}", interface_name(node, oif));
    let words = [
        kind.map(|kind| kind.to_lowercase()),
        Some(route.destination.to_string()),
        route.oif.map(device),
        (route.table != Route::MAIN).then(|| format!("table {}", route.table)),
        (route.metric != 0).then(|| format!("metric {}", route.metric)),
    ];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn interface_name(node: &Observed, index: u32) -> String {
    let link = node.links.iter().find(|link| link.index == index);
    link.map_or_else(|| "another interface".to_owned(), |link| link.name.clone())
}

/// Whether the link is ours, be it one that has lost its alias and is about to go.
fn is_on_ours(index: u32, node: &Observed) -> bool {
    node.pods.contains_key(&index) || node.orphans.iter().any(|orphan| orphan.index == index)
}
