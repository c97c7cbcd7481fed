//! Keys and values of the maps that the loader fills.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use crate::wire::{Ipv4Address, MacAddress};

/// What is known of the pod behind a host-side veth; keyed by the veth's index.
///
/// Everything that a sender check and an ARP answer need, in one look-up.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct Port {
    /// Hardware address of the pod's end: the only one that the pod may send from.
    pub pod_mac: MacAddress,
    /// Hardware address of the host-side veth: the gateway's, as this pod sees it.
    pub host_mac: MacAddress,
    /// The pod's own address: the only one that it may send from.
    pub address: Ipv4Address,
    /// The network's gateway.
    pub gateway: Ipv4Address,
    /// The network's subnet, host bits zero.
    pub subnet: Ipv4Address,
    /// The subnet's mask.
    pub mask: Ipv4Address,
}

const _: () = assert!(size_of::<Port>() == 28 && align_of::<Port>() == 1);

/// How a packet reaches a pod; keyed by the pod's IPv4 address.
///
/// Subnets do not overlap, so the address alone names the pod.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct PodV4 {
    /// Index of the pod's host-side veth.
    pub ifindex: u32,
    /// Largest IPv4 packet that the pod takes, in bytes.
    pub mtu: u32,
    /// Hardware address of the pod's end: where the frame goes.
    pub pod_mac: MacAddress,
    /// Hardware address of the host-side veth: where the frame comes from.
    pub host_mac: MacAddress,
}

const _: () = assert!(size_of::<PodV4>() == 20 && align_of::<PodV4>() == 4);

/// Whose maps these are; the one entry of the `meta` map.
#[derive(Clone, Copy, Debug, Eq, FromBytes, Immutable, IntoBytes, KnownLayout, PartialEq)]
#[repr(C)]
pub struct Meta {
    /// Cookie of the node's network namespace (`SO_NETNS_COOKIE`): unique until reboot.
    pub netns_cookie: u64,
    /// [`VERSION`](super::VERSION) of the loader that filled the maps.
    pub abi_version: u32,
    /// Always 0.
    pub reserved: u32,
}

const _: () = assert!(size_of::<Meta>() == 16 && align_of::<Meta>() == 8);
