//! Keys and values of the maps that the loader fills.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::wire::{Ipv4Address, Ipv6Address, MacAddress};

/// What is known of the pod behind a host-side veth; keyed by the veth's index.
///
/// Everything that a sender check and an answer need, in one look-up.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct Port {
    /// Hardware address of the pod's end: the only one that the pod may send from.
    pub pod_mac: MacAddress,
    /// Hardware address of the host-side veth: the gateway's, as this pod sees it.
    pub host_mac: MacAddress,
    /// The pod's IPv4 address: the only one that it may send from.
    pub address: Ipv4Address,
    /// The network's IPv4 gateway.
    pub gateway: Ipv4Address,
    /// The network's IPv4 subnet, host bits zero. No two networks have the same: it names the
    /// network wherever one is named.
    pub subnet: Ipv4Address,
    /// The subnet's mask.
    pub mask: Ipv4Address,
    /// The pod's IPv6 address, `::` where it has none.
    pub address6: Ipv6Address,
    /// The network's IPv6 subnet, `::` where it has none.
    pub subnet6: Ipv6Address,
    /// The mask of the IPv6 subnet: all ones where there is none, so that nothing lies in it.
    pub mask6: Ipv6Address,
    /// Index of the device by which addresses of the subnet that are off the node are reached, 0
    /// where there is none.
    pub uplink: u32,
    /// [`DROP_UNKNOWN`], or 0.
    pub flags: u32,
}

const _: () = assert!(size_of::<Port>() == 84 && align_of::<Port>() == 4);

/// Flag of a [`Port`]: what is for an address of the subnet that is nobody's is dropped, where it
/// otherwise goes to the kernel.
pub const DROP_UNKNOWN: u32 = 1;

/// How a packet reaches a pod; keyed by one of the pod's addresses.
///
/// Subnets do not overlap, so the address alone names the pod.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct Pod {
    /// Index of the pod's host-side veth.
    pub ifindex: u32,
    /// Largest IP packet that the pod takes, in bytes.
    pub mtu: u32,
    /// Its network, by [`Port::subnet`].
    pub network: Ipv4Address,
    /// Hardware address of the pod's end: where the frame goes.
    pub pod_mac: MacAddress,
    /// Hardware address of the host-side veth: where the frame comes from.
    pub host_mac: MacAddress,
    /// [`SAME_NAMESPACE`], or 0.
    pub flags: u32,
}

const _: () = assert!(size_of::<Pod>() == 28 && align_of::<Pod>() == 4);

/// Flag of a [`Pod`]: the pod's end is in the node's own namespace, into which
/// `bpf_redirect_peer` does not deliver.
pub const SAME_NAMESPACE: u32 = 1;

/// Who a prefix belongs to; the value of the `networks` tries.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct Network {
    /// The network, by [`Port::subnet`].
    pub network: Ipv4Address,
    /// Its IPv4 gateway.
    pub gateway: Ipv4Address,
    /// Index of the device by which addresses of the subnet that are off the node are reached, 0
    /// where there is none.
    pub uplink: u32,
}

const _: () = assert!(size_of::<Network>() == 12 && align_of::<Network>() == 4);

/// A network that may send to another; the key of the map `allowed`, whose values are always 1.
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    FromBytes,
    Hash,
    Immutable,
    IntoBytes,
    KnownLayout,
    Ord,
    PartialEq,
    PartialOrd,
)]
#[repr(C)]
pub struct Allowed {
    /// Who sends, by [`Port::subnet`].
    pub from: Ipv4Address,
    /// To whom, by [`Port::subnet`].
    pub to: Ipv4Address,
}

const _: () = assert!(size_of::<Allowed>() == 8 && align_of::<Allowed>() == 1);

/// Whose maps these are; the one entry of the `meta` map.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct Meta {
    /// Cookie of the node's network namespace (`SO_NETNS_COOKIE`): unique until reboot.
    pub netns_cookie: u64,
    /// [`VERSION`](super::VERSION) of the loader that filled the maps.
    pub abi_version: u32,
    /// Pods that the maps hold.
    pub max_pods: u32,
}

const _: () = assert!(size_of::<Meta>() == 16 && align_of::<Meta>() == 8);
