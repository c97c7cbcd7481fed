//! Packet access: the only place that follows pointers into a packet.

mod fib;
mod skb;
mod xdp;

pub(crate) use skb::SkbFrame;
pub(crate) use xdp::XdpFrame;

use pseudobridge_common::wire::Header;

/// The place of a header between the first byte and the end of what can be read, if there is room
/// for it.
#[inline(always)]
fn header_in<T: Header>((data, end): (usize, usize), offset: usize) -> Option<*mut T> {
    if data + offset + size_of::<T>() > end {
        return None;
    }
    Some((data + offset) as *mut T)
}
