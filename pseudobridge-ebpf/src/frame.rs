//! Packet access: the only place that follows pointers into a packet.

use core::ptr;

use aya_ebpf::{
    bindings::{__sk_buff, bpf_check_mtu_flags::BPF_MTU_CHK_SEGS},
    helpers::{bpf_check_mtu, bpf_skb_pull_data},
};
use pseudobridge_common::{
    datapath::Frame,
    wire::{Header, arp, ethernet},
};

/// The longest stretch that a decision reads: an ARP packet.
#[expect(clippy::cast_possible_truncation, reason = "it is 42")]
const LONGEST: u32 = (ethernet::HEADER_LEN + arp::PACKET_LEN) as u32;

/// A socket buffer at tc ingress.
pub(crate) struct SkbFrame {
    skb: *mut __sk_buff,
    // Read once, before anything can make the compiler move the context pointer.
    len: u32,
    gso_size: u32,
    vlan_present: u32,
}

impl SkbFrame {
    /// Takes the context of a tc program.
    #[inline(always)]
    pub(crate) fn new(skb: *mut __sk_buff) -> Self {
        // SAFETY: the kernel hands a tc program a valid context.
        let (len, gso_size, vlan_present) =
            unsafe { ((*skb).len, (*skb).gso_size, (*skb).vlan_present) };
        let mut frame = Self {
            skb,
            len,
            gso_size,
            vlan_present,
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
        let (data, end) = self.bounds();
        if data + offset + size_of::<T>() > end {
            return None;
        }
        Some((data + offset) as *mut T)
    }
}

impl Frame for SkbFrame {
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
    fn load<T: Header>(&mut self, offset: usize) -> Option<T> {
        // SAFETY: `at` checked the bounds; any bytes are a `Header`, of alignment 1.
        self.at::<T>(offset).map(|header| unsafe { *header })
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
}
