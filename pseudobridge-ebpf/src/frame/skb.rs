//! A socket buffer at tc ingress.

use core::ptr;

use aya_ebpf::{
    bindings::{__sk_buff, bpf_check_mtu_flags::BPF_MTU_CHK_SEGS},
    helpers::{bpf_check_mtu, bpf_skb_change_tail, bpf_skb_load_bytes, bpf_skb_pull_data},
};
use pseudobridge_common::{
    abi::EVENT_HEAD,
    datapath::{Aligned, Frame, Query, Route},
    wire::{Header, Ipv4Address, Ipv6Address, nd},
};

use super::{fib, header_in};
use crate::events::Source;

/// The longest stretch that a decision reads: neighbour discovery with four options.
#[expect(clippy::cast_possible_truncation, reason = "it is 110")]
const LONGEST: u32 = (nd::OFFSET + nd::NEIGHBOUR_LEN + 4 * nd::OPTION_LEN) as u32;

/// `PACKET_HOST` of `include/uapi/linux/if_packet.h`.
const PACKET_HOST: u32 = 0;

/// A socket buffer at tc ingress.
pub(crate) struct SkbFrame {
    skb: *mut __sk_buff,
    // Read once, before anything can make the compiler move the context pointer.
    len: u32,
    gso_size: u32,
    vlan_present: u32,
    pkt_type: u32,
}

impl SkbFrame {
    /// Takes the context of a tc program.
    #[inline(always)]
    pub(crate) fn new(skb: *mut __sk_buff) -> Self {
        // SAFETY: the kernel hands a tc program a valid context.
        let (len, gso_size, vlan_present, pkt_type) = unsafe {
            (
                (*skb).len,
                (*skb).gso_size,
                (*skb).vlan_present,
                (*skb).pkt_type,
            )
        };
        let mut frame = Self {
            skb,
            len,
            gso_size,
            vlan_present,
            pkt_type,
        };
        frame.make_linear();
        frame
    }

    /// Makes the headers readable where the linear part of the buffer is shorter than they are: a
    /// packet socket leaves all but the Ethernet header of a frame of more than a page in fragments
    /// (`packet_alloc_skb`, `net/packet/af_packet.c`).
    #[inline(always)]
    fn make_linear(&mut self) {
        let (data, end) = self.bounds();
        let wanted = if self.len < LONGEST {
            self.len
        } else {
            LONGEST
        };
        if data + wanted as usize > end {
            // A failure (no memory) leaves the frame short, and so punted.
            // SAFETY: the context is valid; pointers into the packet are taken anew each time.
            unsafe { bpf_skb_pull_data(self.skb, wanted) };
        }
    }

    /// First byte and end of the linear part.
    #[inline(always)]
    fn bounds(&self) -> (usize, usize) {
        // SAFETY: the context is valid. Volatile, because a compiler that knows both could drop the
        // check that the verifier wants to see.
        unsafe {
            (
                ptr::read_volatile(&raw const (*self.skb).data) as usize,
                ptr::read_volatile(&raw const (*self.skb).data_end) as usize,
            )
        }
    }

    /// The place of a header, if the linear part reaches over it.
    #[inline(always)]
    fn at<T: Header>(&self, offset: usize) -> Option<*mut T> {
        header_in(self.bounds(), offset)
    }
}

impl Frame for SkbFrame {
    const TAGS_IN_BYTES: bool = false;
    const REACHES_UPLINKS: bool = true;

    #[inline(always)]
    fn wire_len(&self) -> u32 {
        self.len
    }

    #[inline(always)]
    fn is_gso(&self) -> bool {
        self.gso_size != 0
    }

    #[inline(always)]
    fn is_vlan_tagged(&self) -> bool {
        self.vlan_present != 0
    }

    #[inline(always)]
    fn is_to_host(&self) -> bool {
        self.pkt_type == PACKET_HOST
    }

    #[inline(always)]
    fn load<T: Header>(&mut self, offset: usize) -> Option<Aligned<T>> {
        // SAFETY: `at` checked the bounds; any bytes are a `Header`, of alignment 1.
        self.at::<T>(offset)
            .map(|header| unsafe { Aligned(*header) })
    }

    #[inline(always)]
    fn header_mut<T: Header>(&mut self, offset: usize) -> Option<&mut T> {
        let header = self.at::<T>(offset)?;
        // SAFETY: `at` checked the bounds, and the kernel unclones the buffer of a program that
        // writes. Any bytes are a `Header`, of alignment 1. What moves the packet takes `self`
        // again, and so ends this borrow.
        Some(unsafe { &mut *header })
    }

    #[inline(always)]
    fn resize(&mut self, len: u32) -> bool {
        if self.len == len {
            return true;
        }
        // SAFETY: the context is valid; pointers into the packet are taken anew each time.
        let done = unsafe { bpf_skb_change_tail(self.skb, len, 0) } == 0;
        if done {
            self.len = len;
        }
        done
    }

    #[inline(always)]
    fn segments_fit(&mut self, ifindex: u32) -> bool {
        let mut mtu = 0;
        // SAFETY: the context is valid, and `mtu` outlives the call.
        let result = unsafe {
            bpf_check_mtu(
                self.skb.cast(),
                ifindex,
                &raw mut mtu,
                0,
                u64::from(BPF_MTU_CHK_SEGS),
            )
        };
        result == 0
    }

    #[inline(always)]
    fn route_v4(&mut self, query: &Query<Ipv4Address>) -> Route {
        fib::look_up_v4(self.skb.cast(), query)
    }

    #[inline(always)]
    fn route_v6(&mut self, query: &Query<Ipv6Address>) -> Route {
        fib::look_up_v6(self.skb.cast(), query)
    }
}

impl Source for SkbFrame {
    #[inline(always)]
    unsafe fn copy_head(&mut self, to: *mut [u8; EVENT_HEAD], len: u32) -> bool {
        // SAFETY: the context is valid, and the caller says so of `to`.
        unsafe { bpf_skb_load_bytes(self.skb.cast(), 0, to.cast(), len) == 0 }
    }
}
