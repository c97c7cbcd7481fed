//! One step of a plan: complete or absent, and said in one line.

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use pseudobridge_common::abi;

use super::DesiredPod;
use super::sysctls::Setting;
use crate::netlink::Route;

/// A step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// Mount a BPF filesystem.
    MountBpffs(PathBuf),
    /// Remove the pins of an installation that was cut short.
    RemoveIncomplete,
    /// Load the program and pin it with its maps.
    Install(u32),
    /// Make maps of another size, and put the programs over them into the place of the others.
    Grow(u32),
    /// Put this version's program into the place of the pinned one.
    Replace,
    /// Keep unassigned addresses of a subnet from being answered for, or routed elsewhere.
    AddUnreachable(Ipv4Net),
    /// Say whose a prefix is.
    EnterNetwork(IpNet, abi::Network),
    /// Forget whose it is.
    ForgetNetwork(IpNet),
    /// Let one network send to another, by their subnets.
    Allow(Ipv4Addr, Ipv4Addr),
    /// Let it no longer.
    Forbid(Ipv4Addr, Ipv4Addr),
    /// Hang the uplink program on a device.
    AttachUplink(String),
    /// Put the pinned uplink program into a link that still has an older one.
    UpdateUplink(String),
    /// Take the uplink program off a device.
    DetachUplink(String),
    /// Do something for a pod.
    Pod(Arc<DesiredPod>, Change),
    /// Take the program off an interface.
    Detach(String),
    /// Remove an address from the maps.
    ForgetAddress(std::net::IpAddr),
    /// Remove a host-side veth from the maps, with its counters.
    ForgetPort(u32),
    /// Delete host-side veths, each with its pod's end.
    DeleteLinks(Vec<(u32, String)>),
    /// Delete a network namespace that we created, or what is left of its creation.
    DeleteNamespace(String),
    /// Delete a route of ours.
    DeleteRoute(Route),
    /// Remove all pins, and with them links, program and maps.
    RemovePins,
    /// Unmount the BPF filesystem that we mounted.
    Unmount(PathBuf),
}

/// What is done for a pod.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    /// Create its network namespace.
    CreateNamespace,
    /// Create its veth pair, down.
    CreateVeth,
    /// Set a sysctl of the host-side veth.
    Set(Setting),
    /// Set the host-side veth's MTU.
    SetHostMtu,
    /// Give the host-side veth the gateway's address.
    AddGateway,
    /// Enter it into the maps.
    Enter,
    /// Attach the program to the host-side veth.
    Attach,
    /// Put the pinned program into a link that still has an older one.
    Update,
    /// Set the host-side veth up.
    HostUp,
    /// Make its address a permanent neighbour of the host-side veth.
    SetNeighbour,
    /// Route its address over the host-side veth.
    AddRoute,
    /// Do something inside its network namespace.
    Inside(InnerChange),
}

/// What is done for a pod inside its network namespace.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum InnerChange {
    /// Set the loopback interface up.
    LoopbackUp,
    /// Set the MTU of the pod's end.
    SetMtu,
    /// Give the pod's end its address.
    AddAddress,
    /// Set the pod's end up.
    Up,
    /// Make the gateway a permanent neighbour of the pod's end.
    SetGateway,
    /// Route the gateway's address over the pod's end, where the prefix length does not.
    AddGatewayRoute,
    /// Route everything else by the gateway.
    AddDefaultRoute,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MountBpffs(path) => write!(f, "mount a BPF filesystem at {}", path.display()),
            Self::RemoveIncomplete => write!(f, "remove the pins of an unfinished installation"),
            Self::Install(max_pods) => {
                write!(
                    f,
                    "load the programs, pin them and their maps for {max_pods} pods"
                )
            }
            Self::Grow(max_pods) => write!(f, "make maps for {max_pods} pods"),
            Self::EnterNetwork(subnet, _) => write!(f, "enter the network {subnet} into the maps"),
            Self::ForgetNetwork(subnet) => {
                write!(f, "remove the network {subnet} from the maps")
            }
            Self::Allow(from, to) => write!(f, "let the network {from} talk to {to}"),
            Self::Forbid(from, to) => write!(f, "isolate the network {from} from {to}"),
            Self::AttachUplink(name) => write!(f, "attach the uplink program to {name}"),
            Self::UpdateUplink(name) => write!(f, "update the uplink program of {name}"),
            Self::DetachUplink(name) => write!(f, "detach the uplink program from {name}"),
            Self::Replace => write!(f, "replace the programs in place"),
            Self::AddUnreachable(subnet) => write!(f, "add route unreachable {subnet}"),
            Self::Pod(pod, change) => change.describe(pod, f),
            Self::Detach(interface) => write!(f, "detach the tc program from {interface}"),
            Self::ForgetAddress(address) => write!(f, "remove {address} from the maps"),
            Self::ForgetPort(ifindex) => write!(f, "remove interface {ifindex} from the maps"),
            Self::DeleteLinks(links) => {
                let names: Vec<_> = links.iter().map(|(_, name)| name.as_str()).collect();
                write!(f, "delete veth {}", names.join(", "))
            }
            Self::DeleteNamespace(name) => write!(f, "delete network namespace {name}"),
            Self::DeleteRoute(route) => {
                write!(f, "delete route {}", route.destination)
            }
            Self::RemovePins => write!(f, "remove links, program and maps"),
            Self::Unmount(path) => write!(f, "unmount the BPF filesystem at {}", path.display()),
        }
    }
}

impl Change {
    fn describe(&self, desired: &DesiredPod, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DesiredPod { gateway, pod, .. } = desired;
        let (host, name) = (&pod.interface, &pod.name);
        match self {
            Self::CreateNamespace => write!(f, "create network namespace {}", pod.netns),
            Self::CreateVeth => write!(
                f,
                "create veth {host}, peer {} in {}",
                pod.pod_interface, pod.netns
            ),
            Self::Set(setting) => write!(f, "set {}", setting.describe(host)),
            Self::SetHostMtu => write!(f, "set {host} mtu {}", pod.mtu),
            Self::AddGateway => write!(f, "add address {gateway}/32 dev {host}"),
            Self::Enter => write!(f, "enter {name}, {}, into the maps", pod.address),
            Self::Attach => write!(f, "attach the tc program to {host}"),
            Self::Update => write!(f, "update the tc program of {host}"),
            Self::HostUp => write!(f, "set {host} up"),
            Self::SetNeighbour => write!(f, "set neighbour {} dev {host} permanent", pod.address),
            Self::AddRoute => write!(f, "add route {}/32 dev {host}", pod.address),
            Self::Inside(change) => {
                write!(f, "in {}: ", pod.netns)?;
                change.describe(desired, f)
            }
        }
    }
}

impl InnerChange {
    fn describe(self, desired: &DesiredPod, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DesiredPod { gateway, pod, .. } = desired;
        let interface = &pod.pod_interface;
        match self {
            Self::LoopbackUp => write!(f, "set lo up"),
            Self::SetMtu => write!(f, "set {interface} mtu {}", pod.mtu),
            Self::AddAddress => write!(f, "add address {} dev {interface}", desired.address()),
            Self::Up => write!(f, "set {interface} up"),
            Self::SetGateway => write!(f, "set neighbour {gateway} dev {interface} permanent"),
            Self::AddGatewayRoute => write!(f, "add route {gateway}/32 dev {interface}"),
            Self::AddDefaultRoute => write!(f, "add route default via {gateway}"),
        }
    }
}
