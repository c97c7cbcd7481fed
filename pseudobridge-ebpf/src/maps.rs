//! The maps, and the look-ups of a decision over them.

use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    btf_maps::{Array, DevMapHash, HashMap, PerCpuHashMap},
    macros::btf_map,
};
use pseudobridge_common::{
    abi::{Counter, CounterKey, MAX_PODS, Meta, PodV4, Port, Reason},
    datapath::Tables,
    wire::Ipv4Address,
};

const PODS: usize = MAX_PODS as usize;

/// Room for every pod to meet every reason. Entries are allocated as they are met.
const COUNTERS_MAX: usize = PODS * Reason::ALL.len();

#[btf_map(name = "pods_v4")]
static PODS_V4: HashMap<Ipv4Address, PodV4, PODS> = HashMap::new();

#[btf_map(name = "ports")]
static PORTS: HashMap<u32, Port, PODS> = HashMap::new();

#[btf_map(name = "targets")]
static TARGETS: DevMapHash<PODS> = DevMapHash::new();

#[btf_map(name = "counters")]
pub(crate) static COUNTERS: PerCpuHashMap<
    CounterKey,
    Counter,
    COUNTERS_MAX,
    { BPF_F_NO_PREALLOC as usize },
> = PerCpuHashMap::new();

/// Read by the loader alone; declared here so that it comes with the object.
#[btf_map(name = "meta")]
static META: Array<Meta, 1> = Array::new();

/// The pinned maps, as a decision sees them.
pub(crate) struct PinnedTables;

impl Tables for PinnedTables {
    #[inline(always)]
    fn port(&self, ifindex: u32) -> Option<&Port> {
        // SAFETY: programs only read this map. The loader replaces whole entries, and an entry
        // stays readable until the program ends (RCU); one reused meanwhile is another pod's, whole
        // or torn, for the length of one packet: the same as if the packet had come a moment later.
        unsafe { PORTS.get(ifindex) }
    }

    #[inline(always)]
    fn pod_v4(&self, address: Ipv4Address) -> Option<&PodV4> {
        // SAFETY: as for `port`.
        unsafe { PODS_V4.get(address) }
    }

    #[inline(always)]
    fn is_target(&self, ifindex: u32) -> bool {
        TARGETS.get_ifindex(ifindex).is_some()
    }
}
