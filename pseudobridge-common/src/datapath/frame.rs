//! The frame a decision is about.

use core::ops::Deref;

use crate::wire::{Header, Ipv4Address, Ipv6Address, MacAddress};

/// A received Ethernet frame, as the kernel hands it to a program or a test holds it in memory.
///
/// Offsets count from the first byte of the Ethernet header. They must be constants where the
/// implementation is a BPF program: its verifier wants to see every bound.
pub trait Frame {
    /// Whether the outermost VLAN tag stands in the bytes, as it does before a socket buffer is
    /// made (XDP); else it is beside them.
    const TAGS_IN_BYTES: bool;

    /// Whether frames can be sent out by any device, and not into pods alone.
    const REACHES_UPLINKS: bool;

    /// Bytes of the frame, Ethernet header included; of all segments together for
    /// segmentation-offload packets.
    fn wire_len(&self) -> u32;

    /// Whether the frame stands for several segments (GSO).
    fn is_gso(&self) -> bool;

    /// Whether the frame has a VLAN tag, of whatever VLAN, beside its bytes: the kernel puts the
    /// outermost one there before any program runs (`skb_vlan_untag`, net/core/skbuff.c).
    fn is_vlan_tagged(&self) -> bool;

    /// Whether the kernel takes the frame for one to the interface's own hardware address
    /// (`PACKET_HOST`, `include/uapi/linux/if_packet.h`).
    fn is_to_host(&self) -> bool;

    /// Copies a header out of the frame; `None` where the frame ends before the header does.
    fn load<T: Header>(&mut self, offset: usize) -> Option<Aligned<T>>;

    /// A header of the frame, to be changed in place; `None` where the frame ends before it does.
    fn header_mut<T: Header>(&mut self, offset: usize) -> Option<&mut T>;

    /// Cuts the frame to so many bytes, or fills it up with zeros to them; whether that was done.
    fn resize(&mut self, len: u32) -> bool;

    /// Whether each segment of a GSO packet fits the MTU of the interface `ifindex`.
    fn segments_fit(&mut self, ifindex: u32) -> bool;

    /// Where the node would forward an IPv4 packet.
    fn route_v4(&mut self, query: &Query<Ipv4Address>) -> Route;

    /// Where the node would forward an IPv6 packet.
    fn route_v6(&mut self, query: &Query<Ipv6Address>) -> Route;
}

/// Something that may lie on a BPF program's stack.
///
/// Headers have alignment 1, and the compiler, which may access a packet anywhere, would lay them
/// anywhere on the stack as well; there the verifier refuses what is not aligned.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(align(8))]
pub struct Aligned<T>(pub T);

impl<T> Deref for Aligned<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// A packet to be routed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Query<A> {
    /// Index of the interface that it came in by.
    pub ingress: u32,
    /// Where from.
    pub source: A,
    /// Where to.
    pub destination: A,
    /// Bytes of the packet from its IP header on, to be compared with the route's MTU; 0 where it
    /// is compared otherwise.
    pub len: u16,
}

/// Where a packet would leave the node.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Route {
    /// Nowhere: no route, one that says so, the node itself, or forwarding is off.
    None,
    /// By this device, but not as it is: the next hop's hardware address is unknown yet, or the
    /// packet too big.
    Unready {
        /// Index of the device.
        ifindex: u32,
    },
    /// By this device, with these hardware addresses.
    Ready {
        /// Index of the device.
        ifindex: u32,
        /// The device's.
        source: Aligned<MacAddress>,
        /// The next hop's.
        destination: Aligned<MacAddress>,
    },
}

impl Route {
    /// Whether it leads out of another device than `ingress`.
    #[inline(always)]
    #[must_use]
    pub fn leads_elsewhere(&self, ingress: u32) -> bool {
        match *self {
            Self::None => false,
            Self::Unready { ifindex } | Self::Ready { ifindex, .. } => ifindex != ingress,
        }
    }
}
