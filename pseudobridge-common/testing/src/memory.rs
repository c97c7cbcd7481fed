//! A frame and tables in memory.

use std::collections::{BTreeMap, BTreeSet};

use pseudobridge_common::{
    abi::{PodV4, Port},
    datapath::{Frame, Tables},
    wire::{Header, Ipv4Address},
};

/// A frame in memory, with what the kernel would know about it besides its bytes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct MemoryFrame {
    /// The bytes, from the Ethernet header on.
    pub bytes: Vec<u8>,
    /// Bytes of each segment above the network header, 0 where the frame is just one.
    pub gso_size: u32,
    /// Whether a VLAN tag came beside the bytes.
    pub vlan_tagged: bool,
    /// Indices of the interfaces whose MTU the segments do not fit.
    pub too_big_for: BTreeSet<u32>,
}

impl Frame for MemoryFrame {
    fn wire_len(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }

    fn is_gso(&self) -> bool {
        self.gso_size != 0
    }

    fn is_vlan_tagged(&self) -> bool {
        self.vlan_tagged
    }

    fn load<T: Header>(&mut self, offset: usize) -> Option<T> {
        let bytes = self.bytes.get(offset..)?;
        Some(T::read_from_prefix(bytes).ok()?.0)
    }

    fn header_mut<T: Header>(&mut self, offset: usize) -> Option<&mut T> {
        let bytes = self.bytes.get_mut(offset..)?;
        Some(T::mut_from_prefix(bytes).ok()?.0)
    }

    fn segments_fit(&mut self, ifindex: u32) -> bool {
        !self.too_big_for.contains(&ifindex)
    }
}

/// Tables in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryTables {
    /// By index of the host-side veth.
    pub ports: BTreeMap<u32, Port>,
    /// By address.
    pub pods_v4: BTreeMap<Ipv4Address, PodV4>,
    /// Indices of the host-side veths that exist.
    pub targets: BTreeSet<u32>,
}

impl Tables for MemoryTables {
    fn port(&self, ifindex: u32) -> Option<&Port> {
        self.ports.get(&ifindex)
    }

    fn pod_v4(&self, address: Ipv4Address) -> Option<&PodV4> {
        self.pods_v4.get(&address)
    }

    fn is_target(&self, ifindex: u32) -> bool {
        self.targets.contains(&ifindex)
    }
}
