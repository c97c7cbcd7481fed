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
            source: address_at(parameters, SOURCE),
            destination: address_at(parameters, DESTINATION),
        },
        Ok(BPF_FIB_LKUP_RET_NO_NEIGH | BPF_FIB_LKUP_RET_FRAG_NEEDED) => Route::Unready { ifindex },
        _ => Route::None,
    }
}

/// Where the source address lies in the parameters, in units of two bytes.
const SOURCE: usize = mem::offset_of!(Parameters, smac) / 2;

/// Where the destination address lies.
const DESTINATION: usize = mem::offset_of!(Parameters, dmac) / 2;

/// A hardware address of the parameters, read in pieces that are aligned: the compiler would take any,
/// and the verifier refuses that on the stack.
#[inline(always)]
fn address_at(parameters: &Parameters, place: usize) -> Aligned<MacAddress> {
    let words = ptr::from_ref(parameters).cast::<[u16; size_of::<Parameters>() / 2]>();
    // SAFETY: they are 64 bytes of integers, and aligned to more than two.
    let word = |index| unsafe { ptr::read_volatile(&raw const (*words)[place + index]) };
    let [first, second, third] = [word(0), word(1), word(2)].map(u16::to_ne_bytes);
    Aligned([first[0], first[1], second[0], second[1], third[0], third[1]])
}
