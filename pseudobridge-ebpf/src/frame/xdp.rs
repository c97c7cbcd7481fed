//! A frame at an XDP hook.

use core::ptr;

use aya_ebpf::{
    bindings::xdp_md,
    helpers::{bpf_xdp_adjust_tail, bpf_xdp_load_bytes, generated::bpf_xdp_get_buff_len},
};
use pseudobridge_common::{
    abi::EVENT_HEAD,
    datapath::{Aligned, Frame, Query, Route},
    wire::{Header, Ipv4Address, Ipv6Address},
};

use super::{fib, header_in};
use crate::events::Source;

/// A frame before a socket buffer is made of it, or, on a veth, out of one.
pub(crate) struct XdpFrame {
    xdp: *mut xdp_md,
    len: u32,
}

impl XdpFrame {
    /// Takes the context of an XDP program.
    #[inline(always)]
    pub(crate) fn new(xdp: *mut xdp_md) -> Self {
        // SAFETY: the kernel hands an XDP program a valid context.
        let len = unsafe { bpf_xdp_get_buff_len(xdp) };
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a frame is no longer than 4 GiB"
        )]
        let len = len as u32;
        Self { xdp, len }
    }

    /// First byte and end of the first buffer; headers that lie in another are not read.
    #[inline(always)]
    fn bounds(&self) -> (usize, usize) {
        // SAFETY: the context is valid. Volatile, because a compiler that knows both could drop the
        // check that the verifier wants to see.
        unsafe {
            (
                ptr::read_volatile(&raw const (*self.xdp).data) as usize,
                ptr::read_volatile(&raw const (*self.xdp).data_end) as usize,
            )
        }
    }
}

impl Frame for XdpFrame {
    const TAGS_IN_BYTES: bool = true;
    const REACHES_UPLINKS: bool = false;

    #[inline(always)]
    fn wire_len(&self) -> u32 {
        self.len
    }

    #[inline(always)]
    fn is_gso(&self) -> bool {
        false
    }

    #[inline(always)]
    fn is_vlan_tagged(&self) -> bool {
        false
    }

    #[inline(always)]
    fn is_to_host(&self) -> bool {
        // Nobody has looked yet; what depends on it is left to the tc program.
        false
    }

    #[inline(always)]
    fn load<T: Header>(&mut self, offset: usize) -> Option<Aligned<T>> {
        // SAFETY: the bounds are checked; any bytes are a `Header`, of alignment 1.
        header_in::<T>(self.bounds(), offset).map(|header| unsafe { Aligned(*header) })
    }

    #[inline(always)]
    fn header_mut<T: Header>(&mut self, offset: usize) -> Option<&mut T> {
        let header = header_in::<T>(self.bounds(), offset)?;
        // SAFETY: the bounds are checked, and the buffer is the program's own. Any bytes are a
        // `Header`, of alignment 1. What moves the packet takes `self` again, and so ends this
        // borrow.
        Some(unsafe { &mut *header })
    }

    #[inline(always)]
    fn resize(&mut self, len: u32) -> bool {
        let delta = len.wrapping_sub(self.len).cast_signed();
        if delta == 0 {
            return true;
        }
        // SAFETY: the context is valid; pointers into the packet are taken anew each time.
        let done = unsafe { bpf_xdp_adjust_tail(self.xdp, delta) } == 0;
        if done {
            self.len = len;
        }
        done
    }

    #[inline(always)]
    fn segments_fit(&mut self, _ifindex: u32) -> bool {
        false
    }

    #[inline(always)]
    fn route_v4(&mut self, query: &Query<Ipv4Address>) -> Route {
        fib::look_up_v4(self.xdp.cast(), query)
    }

    #[inline(always)]
    fn route_v6(&mut self, query: &Query<Ipv6Address>) -> Route {
        fib::look_up_v6(self.xdp.cast(), query)
    }
}

impl Source for XdpFrame {
    #[inline(always)]
    unsafe fn copy_head(&mut self, to: *mut [u8; EVENT_HEAD], len: u32) -> bool {
        // SAFETY: the context is valid, and the caller says so of `to`.
        unsafe { bpf_xdp_load_bytes(self.xdp, 0, to.cast(), len) == 0 }
    }
}
