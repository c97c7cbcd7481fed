//! What a decision may look up.

use crate::{
    abi::{PodV4, Port},
    wire::Ipv4Address,
};

/// The node's knowledge of its pods.
pub trait Tables {
    /// The pod behind the host-side veth `ifindex`.
    fn port(&self, ifindex: u32) -> Option<&Port>;

    /// The pod that has `address`, of whatever network.
    fn pod_v4(&self, address: Ipv4Address) -> Option<&PodV4>;

    /// Whether the host-side veth `ifindex` still exists.
    fn is_target(&self, ifindex: u32) -> bool;
}
