//! Test runs of the loaded programs: one frame in, the verdict, the counters and the frame out.

use std::collections::BTreeMap;

use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{DevMapHash, HashMap, PerCpuHashMap};
use aya::programs::{SchedClassifier, TestRun as _, TestRunOptions, TestRunResult, Xdp};
use aya::{Ebpf, EbpfLoader};
use pseudobridge_common::abi::{
    self, Allowed, Counter, CounterKey, Direction, Network, Pod, Port, Reason,
};
use pseudobridge_testing::{MemoryFrame, MemoryTables};
use zerocopy::{FromBytes as _, IntoBytes as _, TryFromBytes as _};

/// Bytes of `struct __sk_buff` (include/uapi/linux/bpf.h).
const SKB_LEN: usize = 192;
/// Where its field `ifindex` is.
const SKB_IFINDEX: usize = 40;
/// Where its field `gso_segs` is.
const SKB_GSO_SEGS: usize = 164;
/// Where its field `gso_size` is.
const SKB_GSO_SIZE: usize = 176;

/// Bytes of `struct xdp_md` (include/uapi/linux/bpf.h).
const XDP_LEN: usize = 24;
/// Where its field `data_end` is.
const XDP_DATA_END: usize = 4;
/// Where its field `ingress_ifindex` is.
const XDP_INGRESS: usize = 12;

/// Room for what a program may add to a frame.
const ROOM: usize = 256;

/// The programs, loaded over maps of their own in the calling thread's network namespace.
pub struct LoadedPrograms {
    ebpf: Ebpf,
}

/// One of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Hook {
    /// tc at a host-side veth.
    Tc,
    /// XDP at a host-side veth.
    Xdp,
    /// tc at an uplink.
    Uplink,
}

/// Frames and bytes, by interface, direction and reason.
pub type Counted = BTreeMap<(u32, Direction, Reason), (u64, u64)>;

/// What came of a test run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// What the program returned: `TC_ACT_*` or `XDP_*`.
    pub code: i32,
    /// The counters that moved, by interface, direction and reason: by how many frames and bytes.
    pub counted: Counted,
    /// The frame after the program.
    pub bytes: Vec<u8>,
}

impl LoadedPrograms {
    /// Loads the programs that are built into `pseudobridge`, and fills their maps from `tables`.
    /// The interfaces that are targets must exist.
    ///
    /// # Errors
    ///
    /// When the kernel refuses them.
    pub fn new(tables: &MemoryTables) -> anyhow::Result<Self> {
        let mut ebpf = EbpfLoader::new().load(pseudobridge::bpf::object())?;
        fill(&mut ebpf, tables)?;
        let mut loaded = Self { ebpf };
        for hook in [Hook::Tc, Hook::Uplink] {
            loaded.classifier(hook)?.load()?;
        }
        loaded.xdp()?.load()?;
        Ok(loaded)
    }

    /// Runs a program over a frame that came in by `ingress`.
    ///
    /// # Errors
    ///
    /// When the kernel will not run it.
    pub fn run(
        &mut self,
        hook: Hook,
        frame: &MemoryFrame,
        ingress: u32,
    ) -> anyhow::Result<Outcome> {
        let before = self.counters()?;
        let mut bytes = vec![0; frame.bytes.len() + ROOM];
        let mut options = TestRunOptions::new();
        options.data_in = Some(&frame.bytes);
        options.data_out = Some(&mut bytes);
        let result = match hook {
            Hook::Tc | Hook::Uplink => {
                let context = skb(frame, ingress)?;
                options.ctx_in = Some(&context);
                self.classifier(hook)?.test_run(options)?
            }
            Hook::Xdp => {
                let context = xdp_md(frame, ingress)?;
                options.ctx_in = Some(&context);
                self.xdp()?.test_run(options)?
            }
        };
        let TestRunResult {
            return_value,
            data_size_out,
            ..
        } = result;
        bytes.truncate(usize::try_from(data_size_out)?);
        let mut counted = self.counters()?;
        for (key, (packets, bytes)) in before {
            let now = counted.entry(key).or_default();
            *now = (now.0 - packets, now.1 - bytes);
        }
        counted.retain(|_, moved| *moved != (0, 0));
        Ok(Outcome {
            code: return_value.cast_signed(),
            counted,
            bytes,
        })
    }

    fn classifier(&mut self, hook: Hook) -> anyhow::Result<&mut SchedClassifier> {
        let name = match hook {
            Hook::Uplink => abi::programs::UPLINK,
            Hook::Tc | Hook::Xdp => abi::programs::TC,
        };
        let program = self.ebpf.program_mut(name);
        Ok(program
            .ok_or_else(|| anyhow::anyhow!("no {name} in the object"))?
            .try_into()?)
    }

    fn xdp(&mut self) -> anyhow::Result<&mut Xdp> {
        let name = abi::programs::XDP;
        let program = self.ebpf.program_mut(name);
        Ok(program
            .ok_or_else(|| anyhow::anyhow!("no {name} in the object"))?
            .try_into()?)
    }

    fn counters(&mut self) -> anyhow::Result<Counted> {
        let counters: PerCpuHashMap<_, [u8; size_of::<CounterKey>()], [u8; size_of::<Counter>()]> =
            map(&mut self.ebpf, abi::maps::COUNTERS)?.try_into()?;
        let mut totals = BTreeMap::new();
        for entry in &counters {
            let (key, per_cpu) = entry?;
            let key = CounterKey::try_read_from_bytes(key.as_bytes())
                .map_err(|error| anyhow::anyhow!("a counter's key: {error:?}"))?;
            let total: &mut (u64, u64) = totals
                .entry((key.ifindex, key.direction, key.reason))
                .or_default();
            for counter in per_cpu.iter() {
                let counter = Counter::read_from_bytes(counter.as_bytes())
                    .map_err(|error| anyhow::anyhow!("a counter: {error:?}"))?;
                total.0 += counter.packets;
                total.1 += counter.bytes;
            }
        }
        Ok(totals)
    }
}

fn fill(ebpf: &mut Ebpf, tables: &MemoryTables) -> anyhow::Result<()> {
    let mut pods: HashMap<_, [u8; 4], [u8; size_of::<Pod>()]> =
        map(ebpf, abi::maps::PODS_V4)?.try_into()?;
    for (address, pod) in &tables.pods_v4 {
        pods.insert(address, zerocopy::transmute_ref!(pod), 0)?;
    }
    let mut pods: HashMap<_, [u8; 16], [u8; size_of::<Pod>()]> =
        map(ebpf, abi::maps::PODS_V6)?.try_into()?;
    for (address, pod) in &tables.pods_v6 {
        pods.insert(address, zerocopy::transmute_ref!(pod), 0)?;
    }
    let mut ports: HashMap<_, u32, [u8; size_of::<Port>()]> =
        map(ebpf, abi::maps::PORTS)?.try_into()?;
    for (ifindex, port) in &tables.ports {
        ports.insert(ifindex, zerocopy::transmute_ref!(port), 0)?;
    }
    let mut networks: LpmTrie<_, [u8; 4], [u8; size_of::<Network>()]> =
        map(ebpf, abi::maps::NETWORKS_V4)?.try_into()?;
    for (subnet, mask, network) in &tables.networks_v4 {
        let key = Key::new(u32::from_be_bytes(*mask).leading_ones(), *subnet);
        networks.insert(&key, zerocopy::transmute_ref!(network), 0)?;
    }
    let mut networks: LpmTrie<_, [u8; 16], [u8; size_of::<Network>()]> =
        map(ebpf, abi::maps::NETWORKS_V6)?.try_into()?;
    for (subnet, mask, network) in &tables.networks_v6 {
        let key = Key::new(u128::from_be_bytes(*mask).leading_ones(), *subnet);
        networks.insert(&key, zerocopy::transmute_ref!(network), 0)?;
    }
    let mut allowed: HashMap<_, [u8; size_of::<Allowed>()], u32> =
        map(ebpf, abi::maps::ALLOWED)?.try_into()?;
    for pair in &tables.allowed {
        allowed.insert(zerocopy::transmute_ref!(pair), 1, 0)?;
    }
    let mut targets: DevMapHash<_> = map(ebpf, abi::maps::TARGETS)?.try_into()?;
    for ifindex in &tables.targets {
        targets.insert(*ifindex, *ifindex, None, 0)?;
    }
    Ok(())
}

fn skb(frame: &MemoryFrame, ingress: u32) -> anyhow::Result<[u8; SKB_LEN]> {
    anyhow::ensure!(!frame.vlan_tagged, "a test run cannot set a tag");
    let mut context = [0; SKB_LEN];
    let mut field = |offset: usize, value: u32| {
        context[offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
    };
    field(SKB_IFINDEX, ingress);
    if frame.gso_size != 0 {
        field(SKB_GSO_SIZE, frame.gso_size);
        field(SKB_GSO_SEGS, 2);
    }
    Ok(context)
}

fn xdp_md(frame: &MemoryFrame, ingress: u32) -> anyhow::Result<[u8; XDP_LEN]> {
    let mut context = [0; XDP_LEN];
    let mut field = |offset: usize, value: u32| {
        context[offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
    };
    field(XDP_DATA_END, u32::try_from(frame.bytes.len())?);
    field(XDP_INGRESS, ingress);
    Ok(context)
}

fn map<'a>(ebpf: &'a mut Ebpf, name: &str) -> anyhow::Result<&'a mut aya::maps::Map> {
    ebpf.map_mut(name)
        .ok_or_else(|| anyhow::anyhow!("no map {name} in the object"))
}
