//! The maps, and the look-ups of a decision over them.
//!
//! What counts entries by pods is declared for the default number; the loader makes them larger or
//! smaller as the topology asks.

use core::borrow::Borrow;

use aya_ebpf::{
    bindings::BPF_F_NO_PREALLOC,
    btf_maps::{Array, DevMapHash, HashMap, LpmTrie, PerCpuHashMap, RingBuf, lpm_trie::Key},
    macros::btf_map,
};
use pseudobridge_common::{
    abi::{
        Allowed, COUNTERS_PER_POD, Counter, CounterKey, DEFAULT_MAX_PODS, EVENTS_BYTES, Event,
        MAX_ALLOWED, MAX_NETWORKS, Meta, Network, Pod, Port,
    },
    datapath::Tables,
    wire::{Ipv4Address, Ipv6Address},
};

const PODS: usize = DEFAULT_MAX_PODS as usize;
const NETWORKS: usize = MAX_NETWORKS as usize;
const NO_PREALLOC: usize = BPF_F_NO_PREALLOC as usize;

/// Room for every pod to meet every reason. Entries are allocated as they are met.
const COUNTERS_MAX: usize = PODS * COUNTERS_PER_POD as usize;

#[btf_map(name = "pods_v4")]
static PODS_V4: HashMap<Ipv4Address, Pod, PODS> = HashMap::new();

#[btf_map(name = "pods_v6")]
static PODS_V6: HashMap<Ipv6Address, Pod, PODS> = HashMap::new();

#[btf_map(name = "ports")]
static PORTS: HashMap<u32, Port, PODS> = HashMap::new();

#[btf_map(name = "targets")]
pub(crate) static TARGETS: DevMapHash<PODS> = DevMapHash::new();

#[btf_map(name = "networks_v4")]
static NETWORKS_V4: LpmTrie<Ipv4Address, Network, NETWORKS> = LpmTrie::new();

#[btf_map(name = "networks_v6")]
static NETWORKS_V6: LpmTrie<Ipv6Address, Network, NETWORKS> = LpmTrie::new();

#[btf_map(name = "allowed")]
static ALLOWED: HashMap<Allowed, u32, { MAX_ALLOWED as usize }, NO_PREALLOC> = HashMap::new();

#[btf_map(name = "counters")]
pub(crate) static COUNTERS: PerCpuHashMap<CounterKey, Counter, COUNTERS_MAX, NO_PREALLOC> =
    PerCpuHashMap::new();

#[btf_map(name = "events")]
pub(crate) static EVENTS: RingBuf<Event, { EVENTS_BYTES as usize }> = RingBuf::new();

/// Read by the loader alone; declared here so that it comes with the object.
#[btf_map(name = "meta")]
static META: Array<Meta, 1> = Array::new();

/// The pinned maps, as a decision sees them.
pub(crate) struct PinnedTables;

/// A hash's key on the stack, aligned as it has to be there.
#[repr(align(8))]
struct Key6(Ipv6Address);

impl Borrow<Ipv6Address> for Key6 {
    #[inline(always)]
    fn borrow(&self) -> &Ipv6Address {
        &self.0
    }
}

/// A trie's key on the stack: the address in it has to be aligned there.
#[repr(C, align(8))]
struct Placed {
    padding: u32,
    key: Key<Ipv6Address>,
}

impl Tables for PinnedTables {
    #[inline(always)]
    fn port(&self, ifindex: u32) -> Option<&Port> {
        // SAFETY: programs only read this map. The loader replaces whole entries, and an entry
        // stays readable until the program ends (RCU); one reused meanwhile is another pod's, whole
        // or torn, for the length of one packet: the same as if the packet had come a moment later.
        unsafe { PORTS.get(ifindex) }
    }

    #[inline(always)]
    fn pod_v4(&self, address: Ipv4Address) -> Option<&Pod> {
        // SAFETY: as for `port`.
        unsafe { PODS_V4.get(address) }
    }

    #[inline(always)]
    fn pod_v6(&self, address: &Ipv6Address) -> Option<&Pod> {
        // SAFETY: as for `port`.
        unsafe { PODS_V6.get(Key6(*address)) }
    }

    #[inline(always)]
    fn network_v4(&self, address: Ipv4Address) -> Option<&Network> {
        NETWORKS_V4.get(&Key::new(32, address))
    }

    #[inline(always)]
    fn network_v6(&self, address: &Ipv6Address) -> Option<&Network> {
        let placed = Placed {
            padding: 0,
            key: Key::new(128, *address),
        };
        NETWORKS_V6.get(&placed.key)
    }

    #[inline(always)]
    fn is_allowed(&self, from: Ipv4Address, to: Ipv4Address) -> bool {
        // SAFETY: only whether there is an entry counts.
        unsafe { ALLOWED.get(Allowed { from, to }) }.is_some()
    }

    #[inline(always)]
    fn is_target(&self, ifindex: u32) -> bool {
        TARGETS.get_ifindex(ifindex).is_some()
    }
}
