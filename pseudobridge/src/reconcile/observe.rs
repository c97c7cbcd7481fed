//! What is: the node as the kernel tells it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};

use pseudobridge_common::abi;

use super::bpf_state::BpfState;
use super::identity::{self, GROUP, Mark, Owner, PROTOCOL};
use super::sysctls::SETTINGS;
use super::{DesiredPod, Error};
use crate::bpf::{self, Attached, Pinned, Pins};
use crate::netlink::netns::{self, State};
use crate::netlink::{self, Address, Link, Neighbour, NeighbourState, Netlink, Route, RouteKind};
use crate::topology::{Datapath, Pod, Unknown};

/// The node, and what of it is ours.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Cookie of the node's network namespace.
    pub cookie: u64,
    /// All links of the node.
    pub links: Vec<Link>,
    /// All addresses of the node.
    pub addresses: Vec<Address>,
    /// All routes of the node.
    pub routes: Vec<Route>,
    /// Our pods, by index of the host-side veth.
    pub pods: BTreeMap<u32, ObservedPod>,
    /// Links that were made by us and did not live to get their alias.
    pub orphans: Vec<Link>,
    /// All names of network namespaces.
    pub namespaces: BTreeMap<String, Namespace>,
    /// Programs, maps and pins.
    pub bpf: BpfState,
}

/// What a name of a network namespace stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Namespace {
    /// A namespace that we created for a pod of this node.
    Ours,
    /// What is left where its creation was cut short.
    Leftover,
    /// One that another node of pseudobridge created.
    OtherNodes,
    /// Somebody else's namespace.
    Foreign,
    /// No namespace at all.
    NotNamespace,
}

/// A host-side veth of ours, and what belongs to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ObservedPod {
    /// What its alias says.
    pub owner: Owner,
    /// The host-side veth.
    pub link: Link,
    /// Addresses of the host-side veth: the gateway's.
    pub gateways: Vec<Address>,
    /// Destinations of our routes over it: the pod's address.
    pub addresses: Vec<Ipv4Addr>,
    /// Permanent neighbours on it.
    pub neighbours: Vec<Neighbour>,
    /// What each sysctl of `sysctls::SETTINGS` is; `None` where the link has no such family.
    pub settings: Vec<Option<String>>,
    /// What of ours hangs at its ingress.
    pub attached: Attached,
    /// The pod's end, if it is where the alias says.
    pub inside: Option<Inside>,
}

/// The pod's end of the veth pair, seen from inside the pod.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inside {
    /// The pod's end.
    pub link: Link,
    /// Whether the loopback interface is up.
    pub loopback_up: bool,
    /// Addresses of the pod's end.
    pub addresses: Vec<Address>,
    /// Permanent neighbours of the pod's end.
    pub neighbours: Vec<Neighbour>,
    /// Routes of the main table, over whatever link.
    pub routes: Vec<Route>,
}

/// Reads all of it. The calling thread must be in the node's network namespace, as `netlink` is.
///
/// # Errors
///
/// When something cannot be read, or the pins are not this node's.
pub async fn observe(netlink: &Netlink, pins: &Pins) -> Result<Observed, Error> {
    let cookie = netns::cookie()?;
    let bpf = BpfState::observe(pins, cookie)?;
    let links = netlink.link_list().await?;
    let addresses = netlink.addr_list().await?;
    let routes = netlink.route_list().await?;
    let neighbours = netlink.neigh_list().await?;

    let pinned = match bpf.pinned {
        Pinned::Yes => Some(bpf::pinned_id(pins, bpf::Hook::Tc)?),
        Pinned::No | Pinned::InPart => None,
    };
    let mut pods = BTreeMap::new();
    let mut orphans = Vec::new();
    for link in links.iter().filter(|link| is_veth(link)) {
        let owner = link.alias.as_deref().map(str::parse::<Owner>);
        match owner {
            Some(Ok(owner)) if bears_our_marks(link) => {
                let inside = observe_inside(&owner, link).await?;
                let attached = bpf::attached(pinned, bpf::Hook::Tc, &link.name)?;
                if attached != Attached::No && bpf.pinned == Pinned::No && !bpf.incomplete {
                    return Err(Error::Bpf(bpf::Error::PinnedElsewhere {
                        interface: link.name.clone(),
                        root: pins.root().to_owned(),
                    }));
                }
                let pod = ObservedPod {
                    gateways: on(link, &addresses, |address| address.index),
                    addresses: pod_addresses(link, &routes),
                    neighbours: permanent(link, &neighbours),
                    settings: settings(link)?,
                    attached,
                    inside,
                    owner,
                    link: link.clone(),
                };
                pods.insert(link.index, pod);
            }
            None if is_orphan(link) => orphans.push(link.clone()),
            _ => {}
        }
    }
    let mut namespaces = namespaces(cookie)?;
    for pod in pods.values().filter(|pod| pod.inside.is_some()) {
        // Its mark can be overwritten from inside; what the host-side veth says cannot.
        if let Some(state) = namespaces.get_mut(&pod.owner.netns) {
            *state = Namespace::Ours;
        }
    }
    Ok(Observed {
        cookie,
        links,
        addresses,
        routes,
        pods,
        orphans,
        namespaces,
        bpf,
    })
}

impl Observed {
    /// Our `unreachable` routes: one for the subnet of each network.
    pub fn unreachable(&self) -> impl Iterator<Item = &Route> {
        self.routes
            .iter()
            .filter(|route| is_ours(route) && route.kind == RouteKind::Unreachable)
    }
}

impl ObservedPod {
    /// The gateway's address on the host-side veth, on which others may have put theirs too.
    #[must_use]
    pub fn gateway(&self, node: &Observed) -> Option<Ipv4Addr> {
        let subnet = self.subnet(node)?;
        let mut addresses = self.gateways.iter().filter_map(|one| v4(one.address));
        let gateway = addresses.find(|one| one.prefix_len() == 32 && subnet.contains(one));
        gateway.map(|one| one.addr())
    }

    /// The subnet that its address is in, by the `unreachable` route that covers it.
    #[must_use]
    pub fn subnet(&self, node: &Observed) -> Option<Ipv4Net> {
        let address = self.addresses.first()?;
        let mut subnets = node.unreachable().filter_map(|route| v4(route.destination));
        subnets.find(|subnet| subnet.contains(address))
    }

    /// What it was made from, read back from what was made.
    ///
    /// # Errors
    ///
    /// [`Error::Incomplete`] when something of it is missing.
    pub fn desired(&self, node: &Observed) -> Result<DesiredPod, Error> {
        let lost = |what| Error::Incomplete {
            pod: self.owner.pod.clone(),
            what,
        };
        let inside = self
            .inside
            .as_ref()
            .ok_or_else(|| lost("end of the veth"))?;
        let address = *self.addresses.first().ok_or_else(|| lost("route"))?;
        let own = inside
            .addresses
            .iter()
            .find(|one| one.address.addr() == address);
        let subnet = self.subnet(node).ok_or_else(|| lost("subnet's route"))?;
        let gateway = self.gateway(node).ok_or_else(|| lost("gateway address"))?;
        let port = node.bpf.entries.ports.get(&self.link.index);
        let drops = port.is_some_and(|port| port.flags & abi::DROP_UNKNOWN != 0);
        let desired = DesiredPod {
            uplink: port.map_or(0, |port| port.uplink),
            datapath: match self.attached {
                Attached::No => Datapath::Kernel,
                Attached::Yes | Attached::Outdated => Datapath::Tc,
            },
            unknown: if drops {
                Unknown::Drop
            } else {
                Unknown::Kernel
            },
            network: self.owner.network.clone(),
            subnet,
            gateway,
            pod_prefix: own.ok_or_else(|| lost("address"))?.address.prefix_len(),
            pod: Pod {
                name: self.owner.pod.clone(),
                address,
                address6: None,
                netns: self.owner.netns.clone(),
                interface: self.link.name.clone(),
                pod_interface: inside.link.name.clone(),
                mtu: self.link.mtu,
            },
        };
        let macs = (self.link.mac, inside.link.mac);
        if macs != (Some(desired.host_mac()), Some(desired.pod_mac())) {
            return Err(lost("hardware address"));
        }
        Ok(desired)
    }
}

/// We make no links but veths: an alias or a group of ours on another one is not by us.
fn is_veth(link: &Link) -> bool {
    link.kind.as_deref() == Some("veth")
}

/// Made by us, and killed before the alias: our group, and the address that follows from the name.
pub(super) fn is_orphan(link: &Link) -> bool {
    link.group == GROUP && link.mac == Some(identity::host_mac(&link.name))
}

/// An alias can be copied. Ours is also in our group, or, where a deletion of many was cut short,
/// has the hardware address that follows from its name.
pub(super) fn bears_our_marks(link: &Link) -> bool {
    link.group == GROUP || link.mac == Some(identity::host_mac(&link.name))
}

fn on<T: Clone>(link: &Link, all: &[T], index: impl Fn(&T) -> u32) -> Vec<T> {
    let ours = all.iter().filter(|one| index(one) == link.index);
    ours.cloned().collect()
}

fn pod_addresses(link: &Link, routes: &[Route]) -> Vec<Ipv4Addr> {
    let ours = routes.iter().filter(|route| {
        is_ours(route) && route.oif == Some(link.index) && route.destination.prefix_len() == 32
    });
    ours.filter_map(|route| v4(route.destination))
        .map(|net| net.addr())
        .collect()
}

fn v4(net: IpNet) -> Option<Ipv4Net> {
    match net {
        IpNet::V4(net) => Some(net),
        IpNet::V6(_) => None,
    }
}

/// We add routes to the main table alone.
fn is_ours(route: &Route) -> bool {
    route.protocol == PROTOCOL && route.table == Route::MAIN
}

fn permanent(link: &Link, neighbours: &[Neighbour]) -> Vec<Neighbour> {
    let mut ours = on(link, neighbours, |neighbour| neighbour.index);
    ours.retain(|neighbour| neighbour.state == NeighbourState::Permanent);
    ours
}

fn settings(link: &Link) -> Result<Vec<Option<String>>, Error> {
    let values = SETTINGS.iter().map(|setting| setting.read(&link.name));
    Ok(values.collect::<Result<_, _>>()?)
}

/// The other end of `host`, provided that it is in the namespace that the alias names.
async fn observe_inside(owner: &Owner, host: &Link) -> Result<Option<Inside>, Error> {
    let namespace = match netns::open(&owner.netns) {
        Ok(namespace) => namespace,
        Err(error) if error.is_missing() => return Ok(None),
        Err(netlink::Error::NotNamespace { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let netlink = Netlink::open_in(&namespace)?;
    let links = netlink.link_list().await?;
    // An index alone could be any link's: the peer of the pod's end must be this host-side veth.
    let peer = links
        .iter()
        .find(|link| Some(link.index) == host.peer_index && link.peer_index == Some(host.index));
    let Some(link) = peer else {
        return Ok(None);
    };
    let loopback = links.iter().find(|link| link.name == "lo");
    let mut routes = netlink.route_list().await?;
    routes.retain(|route| route.table == Route::MAIN);
    Ok(Some(Inside {
        loopback_up: loopback.is_some_and(|link| link.up),
        addresses: on(link, &netlink.addr_list().await?, |address| address.index),
        neighbours: permanent(link, &netlink.neigh_list().await?),
        routes,
        link: link.clone(),
    }))
}

fn namespaces(cookie: u64) -> Result<BTreeMap<String, Namespace>, Error> {
    let mut namespaces = BTreeMap::new();
    for name in netns::list()? {
        if let Some(state) = classify(&name, netns::state(&name)?, cookie) {
            namespaces.insert(name, state);
        }
    }
    Ok(namespaces)
}

/// `None` for a name that is gone by now.
pub(super) fn classify(name: &str, state: State, cookie: u64) -> Option<Namespace> {
    // Somebody may have given a namespace of ours a second name, which is theirs.
    let mark = |text: Option<String>| {
        let mark = text?.parse::<Mark>().ok()?;
        (mark.netns == name).then_some(mark)
    };
    Some(match state {
        State::Absent => return None,
        State::Namespace { alias } => match mark(alias) {
            Some(mark) if mark.node == cookie => Namespace::Ours,
            Some(_) => Namespace::OtherNodes,
            None => Namespace::Foreign,
        },
        State::File { line } => match mark(line) {
            Some(mark) if mark.node == cookie => Namespace::Leftover,
            _ => Namespace::NotNamespace,
        },
    })
}
