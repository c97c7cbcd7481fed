//! Asking the kernel's routing tables (`bpf_fib_lookup`, net/core/filter.c).

use core::{ffi::c_void, mem, ptr};

use aya_ebpf::{
    bindings::{
        BPF_FIB_LKUP_RET_FRAG_NEEDED, BPF_FIB_LKUP_RET_NO_NEIGH, BPF_FIB_LKUP_RET_SUCCESS,
        bpf_fib_lookup as Parameters,
    },
    helpers::bpf_fib_lookup,
};
use pseudobridge_common::{
    datapath::{Aligned, Query, Route},
    wire::{Ipv4Address, Ipv6Address, MacAddress},
};

/// `AF_INET` of include/linux/socket.h.
const AF_INET: u8 = 2;
/// `AF_INET6` of include/linux/socket.h.
const AF_INET6: u8 = 10;

#[inline(always)]
pub(super) fn look_up_v4(context: *mut c_void, query: &Query<Ipv4Address>) -> Route {
    let mut parameters = parameters(AF_INET, query);
    parameters.__bindgen_anon_3.ipv4_src = u32::from_ne_bytes(query.source);
    parameters.__bindgen_anon_4.ipv4_dst = u32::from_ne_bytes(query.destination);
    look_up(context, &mut parameters)
}

#[inline(always)]
pub(super) fn look_up_v6(context: *mut c_void, query: &Query<Ipv6Address>) -> Route {
    let mut parameters = parameters(AF_INET6, query);
    parameters.__bindgen_anon_3.ipv6_src = words(query.source);
    parameters.__bindgen_anon_4.ipv6_dst = words(query.destination);
    look_up(context, &mut parameters)
}

#[inline(always)]
fn parameters<A>(family: u8, query: &Query<A>) -> Parameters {
    // SAFETY: zero is a value of each of its integers.
    let mut parameters: Parameters = unsafe { mem::zeroed() };
    parameters.family = family;
    parameters.ifindex = query.ingress;
    parameters.__bindgen_anon_1.tot_len = query.len;
    parameters
}

#[inline(always)]
fn words(address: Ipv6Address) -> [u32; 4] {
    // SAFETY: both are 16 bytes without padding, of which any are either.
    unsafe { mem::transmute(address) }
}

#[inline(always)]
fn look_up(context: *mut c_void, parameters: &mut Parameters) -> Route {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "it is 64"
    )]
    const LEN: i32 = size_of::<Parameters>() as i32;
    // SAFETY: the context is valid, and the parameters outlive the call.
    let result = unsafe { bpf_fib_lookup(context, parameters, LEN, 0) };
    let ifindex = parameters.ifindex;
    match u32::try_from(result) {
        Ok(BPF_FIB_LKUP_RET_SUCCESS) => Route::Ready {
            ifindex,
            source: source_of(parameters),
            destination: destination_of(parameters),
        },
        Ok(BPF_FIB_LKUP_RET_NO_NEIGH | BPF_FIB_LKUP_RET_FRAG_NEEDED) => Route::Unready { ifindex },
        _ => Route::None,
    }
}

// The hardware addresses lie at offsets 52 and 58 of the parameters. They are read in pieces that are
// aligned there, since the compiler would take any, and the verifier refuses that on the stack.

#[inline(always)]
fn source_of(parameters: &Parameters) -> Aligned<MacAddress> {
    let place = (&raw const parameters.smac).cast::<u8>();
    // SAFETY: four bytes at an offset that 4 divides, and two that follow.
    let (a, b) = unsafe {
        (
            ptr::read_volatile(place.cast::<u32>()),
            ptr::read_volatile(place.add(4).cast::<u16>()),
        )
    };
    let ([a, b, c, d], [e, f]) = (a.to_ne_bytes(), b.to_ne_bytes());
    Aligned([a, b, c, d, e, f])
}

#[inline(always)]
fn destination_of(parameters: &Parameters) -> Aligned<MacAddress> {
    let place = (&raw const parameters.dmac).cast::<u8>();
    // SAFETY: two bytes at an offset that 2 divides, and four at one that 4 divides.
    let (a, b) = unsafe {
        (
            ptr::read_volatile(place.cast::<u16>()),
            ptr::read_volatile(place.add(2).cast::<u32>()),
        )
    };
    let ([a, b], [c, d, e, f]) = (a.to_ne_bytes(), b.to_ne_bytes());
    Aligned([a, b, c, d, e, f])
}
