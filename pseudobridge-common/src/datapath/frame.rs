//! The frame a decision is about.

use crate::wire::Header;

/// A received Ethernet frame, as the kernel hands it to a program or a test holds it in memory.
///
/// Offsets count from the first byte of the Ethernet header. They must be constants where the
/// implementation is a BPF program: its verifier wants to see every bound.
pub trait Frame {
    /// Bytes of the frame, Ethernet header included; of all segments together for
    /// segmentation-offload packets.
    fn wire_len(&self) -> u32;

    /// Whether the frame stands for several segments (GSO).
    fn is_gso(&self) -> bool;

    /// Whether the frame has a VLAN tag, of whatever VLAN, beside its bytes: the kernel puts the
    /// outermost one there before any program runs (`skb_vlan_untag`, net/core/skbuff.c).
    fn is_vlan_tagged(&self) -> bool;

    /// Copies a header out of the frame; `None` where the frame ends before the header does.
    fn load<T: Header>(&mut self, offset: usize) -> Option<T>;

    /// A header of the frame, to be changed in place; `None` where the frame ends before it does.
    fn header_mut<T: Header>(&mut self, offset: usize) -> Option<&mut T>;

    /// Whether each segment of a GSO packet fits the MTU of the interface `ifindex`.
    fn segments_fit(&mut self, ifindex: u32) -> bool;
}
