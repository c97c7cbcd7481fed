//! The contract between the BPF programs, the loader, and whoever reads the pinned maps.
//!
//! Layouts are fixed: no implicit padding, addresses in network byte order as arrays, everything
//! else in the machine's byte order. Any change to a name, a layout or a [`Reason`]'s number
//! raises [`VERSION`].

mod counters;
mod entries;
mod reason;

pub use counters::{Counter, CounterKey};
pub use entries::{Meta, PodV4, Port};
pub use reason::Reason;

/// Version of everything in this module. Kept in the `meta` map.
pub const VERSION: u32 = 1;

/// The tc program that runs at the ingress of every host-side veth.
pub const TC_PROGRAM: &str = "pseudobridge_tc";

/// Pods that the maps hold.
pub const MAX_PODS: u32 = 4096;

/// Names of the maps: in the object, in the kernel, and of their pins. At most 15 bytes.
pub mod maps {
    /// Hash: IPv4 address of a pod → [`PodV4`](super::PodV4).
    pub const PODS_V4: &str = "pods_v4";
    /// Hash: index of a host-side veth → [`Port`](super::Port).
    pub const PORTS: &str = "ports";
    /// Hash of devices: index of a host-side veth → itself, as long as it exists. The kernel
    /// removes a device that goes away, so that a packet is never redirected into nothing.
    pub const TARGETS: &str = "targets";
    /// Per-CPU hash: [`CounterKey`](super::CounterKey) → [`Counter`](super::Counter).
    pub const COUNTERS: &str = "counters";
    /// Array of one: [`Meta`](super::Meta).
    pub const META: &str = "meta";

    /// All of them.
    pub const ALL: [&str; 5] = [PODS_V4, PORTS, TARGETS, COUNTERS, META];
}
