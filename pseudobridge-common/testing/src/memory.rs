//! A frame and tables in memory.

use std::collections::{BTreeMap, BTreeSet};

use pseudobridge_common::{
    abi::{Allowed, Network, Pod, Port},
    datapath::{Aligned, Frame, Query, Route, Tables},
    wire::{Header, Ipv4Address, Ipv6Address, ipv4, ipv6},
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
    /// Whether it was for another station than the interface that it came in by.
    pub to_other_host: bool,
    /// Indices of the interfaces whose MTU the segments do not fit.
    pub too_big_for: BTreeSet<u32>,
    /// Where the node would forward packets to.
    pub routes: Routes,
}

/// Routes of single addresses; others have none.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Routes {
    /// Of IPv4.
    pub v4: BTreeMap<Ipv4Address, Route>,
    /// Of IPv6.
    pub v6: BTreeMap<Ipv6Address, Route>,
}

impl Frame for MemoryFrame {
    const TAGS_IN_BYTES: bool = false;
    const REACHES_UPLINKS: bool = true;

    fn wire_len(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }

    fn is_gso(&self) -> bool {
        self.gso_size != 0
    }

    fn is_vlan_tagged(&self) -> bool {
        self.vlan_tagged
    }

    fn is_to_host(&self) -> bool {
        !self.to_other_host
    }

    fn load<T: Header>(&mut self, offset: usize) -> Option<Aligned<T>> {
        let bytes = self.bytes.get(offset..)?;
        Some(Aligned(T::read_from_prefix(bytes).ok()?.0))
    }

    fn header_mut<T: Header>(&mut self, offset: usize) -> Option<&mut T> {
        let bytes = self.bytes.get_mut(offset..)?;
        Some(T::mut_from_prefix(bytes).ok()?.0)
    }

    fn resize(&mut self, len: u32) -> bool {
        let Ok(len) = usize::try_from(len) else {
            return false;
        };
        self.bytes.resize(len, 0);
        true
    }

    fn segments_fit(&mut self, ifindex: u32) -> bool {
        !self.too_big_for.contains(&ifindex)
    }

    fn route_v4(&mut self, query: &Query<Ipv4Address>) -> Route {
        let route = self.routes.v4.get(&query.destination);
        route.copied().unwrap_or(Route::None)
    }

    fn route_v6(&mut self, query: &Query<Ipv6Address>) -> Route {
        let route = self.routes.v6.get(&query.destination);
        route.copied().unwrap_or(Route::None)
    }
}

/// The same frame at an XDP hook.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct XdpMemoryFrame(pub MemoryFrame);

impl Frame for XdpMemoryFrame {
    const TAGS_IN_BYTES: bool = true;
    const REACHES_UPLINKS: bool = false;

    fn wire_len(&self) -> u32 {
        self.0.wire_len()
    }

    fn is_gso(&self) -> bool {
        false
    }

    fn is_vlan_tagged(&self) -> bool {
        false
    }

    fn is_to_host(&self) -> bool {
        false
    }

    fn load<T: Header>(&mut self, offset: usize) -> Option<Aligned<T>> {
        self.0.load(offset)
    }

    fn header_mut<T: Header>(&mut self, offset: usize) -> Option<&mut T> {
        self.0.header_mut(offset)
    }

    fn resize(&mut self, len: u32) -> bool {
        self.0.resize(len)
    }

    fn segments_fit(&mut self, _ifindex: u32) -> bool {
        false
    }

    fn route_v4(&mut self, query: &Query<Ipv4Address>) -> Route {
        self.0.route_v4(query)
    }

    fn route_v6(&mut self, query: &Query<Ipv6Address>) -> Route {
        self.0.route_v6(query)
    }
}

/// Tables in memory.
#[derive(Clone, Debug, Default)]
pub struct MemoryTables {
    /// By index of the host-side veth.
    pub ports: BTreeMap<u32, Port>,
    /// By address.
    pub pods_v4: BTreeMap<Ipv4Address, Pod>,
    /// By address.
    pub pods_v6: BTreeMap<Ipv6Address, Pod>,
    /// By subnet and its mask; no two overlap.
    pub networks_v4: Vec<(Ipv4Address, Ipv4Address, Network)>,
    /// By subnet and its mask; no two overlap.
    pub networks_v6: Vec<(Ipv6Address, Ipv6Address, Network)>,
    /// Who may send to whom.
    pub allowed: BTreeSet<Allowed>,
    /// Indices of the host-side veths that exist.
    pub targets: BTreeSet<u32>,
}

impl Tables for MemoryTables {
    fn port(&self, ifindex: u32) -> Option<&Port> {
        self.ports.get(&ifindex)
    }

    fn pod_v4(&self, address: Ipv4Address) -> Option<&Pod> {
        self.pods_v4.get(&address)
    }

    fn pod_v6(&self, address: &Ipv6Address) -> Option<&Pod> {
        self.pods_v6.get(address)
    }

    fn network_v4(&self, address: Ipv4Address) -> Option<&Network> {
        let mut networks = self.networks_v4.iter();
        let found = networks.find(|(subnet, mask, _)| ipv4::in_subnet(address, *subnet, *mask));
        found.map(|(_, _, network)| network)
    }

    fn network_v6(&self, address: &Ipv6Address) -> Option<&Network> {
        let mut networks = self.networks_v6.iter();
        let found = networks.find(|(subnet, mask, _)| ipv6::in_prefix(address, subnet, mask));
        found.map(|(_, _, network)| network)
    }

    fn is_allowed(&self, from: Ipv4Address, to: Ipv4Address) -> bool {
        self.allowed.contains(&Allowed { from, to })
    }

    fn is_target(&self, ifindex: u32) -> bool {
        self.targets.contains(&ifindex)
    }
}
