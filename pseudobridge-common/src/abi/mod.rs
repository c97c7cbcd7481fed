//! The contract between the BPF programs, the loader, and whoever reads the pinned maps.
//!
//! Layouts are fixed: no implicit padding, addresses in network byte order as arrays, everything
//! else in the machine's byte order. Any change to a name, a layout or a [`Reason`]'s number
//! raises [`VERSION`].

mod counters;
mod entries;
mod reason;

pub use counters::{
    COUNTERS_PER_POD, Counter, CounterKey, Direction, EVENT_HEAD, EVENT_INTERVAL, EVENTS_BYTES,
    Event,
};
pub use entries::{Allowed, DROP_UNKNOWN, Meta, Network, Pod, Port, SAME_NAMESPACE};
pub use reason::Reason;

use crate::wire::Ipv6Address;

/// Version of everything in this module. Kept in the `meta` map.
pub const VERSION: u32 = 2;

/// The IPv6 gateway of every pod: `fe80::1`, on each host-side veth.
pub const GATEWAY6: Ipv6Address = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// Pods that the maps hold unless the topology says otherwise.
pub const DEFAULT_MAX_PODS: u32 = 4096;

/// The most pods that the maps can be made for.
pub const MAX_MAX_PODS: u32 = 65_536;

/// Networks that the maps hold.
pub const MAX_NETWORKS: u32 = 1024;

/// Pairs of networks, in one direction each, that the maps hold.
pub const MAX_ALLOWED: u32 = 65_536;

/// Names of the programs: in the object, and in the kernel as far as 15 bytes reach.
pub mod programs {
    /// At the tc ingress of every host-side veth.
    pub const TC: &str = "pseudobridge_tc";
    /// At the XDP hook of host-side veths, in front of [`TC`].
    pub const XDP: &str = "pseudobridge_xdp";
    /// At the tc ingress of uplinks.
    pub const UPLINK: &str = "pseudobridge_uplink";
}

/// Names of the maps: in the object, in the kernel, and of their pins. At most 15 bytes.
pub mod maps {
    /// Hash: IPv4 address of a pod → [`Pod`](super::Pod).
    pub const PODS_V4: &str = "pods_v4";
    /// Hash: IPv6 address of a pod → [`Pod`](super::Pod).
    pub const PODS_V6: &str = "pods_v6";
    /// Hash: index of a host-side veth → [`Port`](super::Port).
    pub const PORTS: &str = "ports";
    /// Hash of devices: index of a host-side veth → itself, as long as it exists. The kernel
    /// removes a device that goes away, so that a packet is never redirected into nothing.
    pub const TARGETS: &str = "targets";
    /// Trie: IPv4 subnet → [`Network`](super::Network).
    pub const NETWORKS_V4: &str = "networks_v4";
    /// Trie: IPv6 subnet → [`Network`](super::Network).
    pub const NETWORKS_V6: &str = "networks_v6";
    /// Hash: [`Allowed`](super::Allowed) → 1.
    pub const ALLOWED: &str = "allowed";
    /// Per-CPU hash: [`CounterKey`](super::CounterKey) → [`Counter`](super::Counter).
    pub const COUNTERS: &str = "counters";
    /// Ring of [`Event`](super::Event)s.
    pub const EVENTS: &str = "events";
    /// Array of one: [`Meta`](super::Meta).
    pub const META: &str = "meta";

    /// All of them.
    pub const ALL: [&str; 10] = [
        PODS_V4,
        PODS_V6,
        PORTS,
        TARGETS,
        NETWORKS_V4,
        NETWORKS_V6,
        ALLOWED,
        COUNTERS,
        EVENTS,
        META,
    ];
}
