//! What a decision may look up.

use crate::{
    abi::{Network, Pod, Port},
    wire::{Ipv4Address, Ipv6Address},
};

/// The node's knowledge of its pods.
pub trait Tables {
    /// The pod behind the host-side veth `ifindex`.
    fn port(&self, ifindex: u32) -> Option<&Port>;

    /// The pod that has `address`, of whatever network.
    fn pod_v4(&self, address: Ipv4Address) -> Option<&Pod>;

    /// The pod that has `address`, of whatever network.
    fn pod_v6(&self, address: &Ipv6Address) -> Option<&Pod>;

    /// The network in whose subnet `address` lies.
    fn network_v4(&self, address: Ipv4Address) -> Option<&Network>;

    /// The network in whose subnet `address` lies.
    fn network_v6(&self, address: &Ipv6Address) -> Option<&Network>;

    /// Whether pods of the one network may send to the other, which is another one.
    fn is_allowed(&self, from: Ipv4Address, to: Ipv4Address) -> bool;

    /// Whether the host-side veth `ifindex` still exists.
    fn is_target(&self, ifindex: u32) -> bool;
}
