//! Test runs of the loaded program: one frame in, the verdict, the counters and the frame out.

use std::collections::BTreeMap;

use aya::maps::{DevMapHash, HashMap, PerCpuHashMap};
use aya::programs::{SchedClassifier, TestRun as _, TestRunOptions};
use aya::{Ebpf, EbpfLoader};
use pseudobridge_common::abi::{self, Counter, CounterKey, PodV4, Port, Reason};
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

/// The tc program, loaded over maps of its own in the calling thread's network namespace.
pub struct LoadedProgram {
    ebpf: Ebpf,
}

/// What came of a test run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// What the program returned: `TC_ACT_*`.
    pub code: i32,
    /// The counters that moved, by reason: by how many frames and bytes.
    pub counted: BTreeMap<Reason, (u64, u64)>,
    /// The frame after the program.
    pub bytes: Vec<u8>,
}

impl LoadedProgram {
    /// Loads the program that is built into `pseudobridge`, and fills its maps from `tables`. The
    /// interfaces that are targets must exist.
    ///
    /// # Errors
    ///
    /// When the kernel refuses it.
    pub fn new(tables: &MemoryTables) -> anyhow::Result<Self> {
        let mut ebpf = EbpfLoader::new().load(pseudobridge::bpf::object())?;
        let mut pods: HashMap<_, [u8; 4], [u8; size_of::<PodV4>()]> =
            map(&mut ebpf, abi::maps::PODS_V4)?.try_into()?;
        for (address, pod) in &tables.pods_v4 {
            pods.insert(address, zerocopy::transmute_ref!(pod), 0)?;
        }
        let mut ports: HashMap<_, u32, [u8; size_of::<Port>()]> =
            map(&mut ebpf, abi::maps::PORTS)?.try_into()?;
        for (ifindex, port) in &tables.ports {
            ports.insert(ifindex, zerocopy::transmute_ref!(port), 0)?;
        }
        let mut targets: DevMapHash<_> = map(&mut ebpf, abi::maps::TARGETS)?.try_into()?;
        for ifindex in &tables.targets {
            targets.insert(*ifindex, *ifindex, None, 0)?;
        }
        let mut loaded = Self { ebpf };
        loaded.program()?.load()?;
        Ok(loaded)
    }

    /// Runs the program over a frame that came in by `ingress`.
    ///
    /// # Errors
    ///
    /// When the kernel will not run it.
    pub fn run(&mut self, frame: &MemoryFrame, ingress: u32) -> anyhow::Result<Outcome> {
        let mut context = [0; SKB_LEN];
        let mut field = |offset: usize, value: u32| {
            context[offset..offset + 4].copy_from_slice(&value.to_ne_bytes());
        };
        field(SKB_IFINDEX, ingress);
        if frame.gso_size != 0 {
            field(SKB_GSO_SIZE, frame.gso_size);
            field(SKB_GSO_SEGS, 2);
        }
        let mut bytes = vec![0; frame.bytes.len()];
        let mut options = TestRunOptions::new();
        options.data_in = Some(&frame.bytes);
        options.data_out = Some(&mut bytes);
        options.ctx_in = Some(&context);
        let before = self.counters(ingress)?;
        let result = self.program()?.test_run(options)?;
        anyhow::ensure!(
            usize::try_from(result.data_size_out)? == frame.bytes.len(),
            "the program changed the frame's length"
        );
        let mut counted = self.counters(ingress)?;
        for (reason, (packets, bytes)) in before {
            let now = counted.entry(reason).or_default();
            *now = (now.0 - packets, now.1 - bytes);
        }
        counted.retain(|_, moved| *moved != (0, 0));
        Ok(Outcome {
            code: result.return_value.cast_signed(),
            counted,
            bytes,
        })
    }

    fn program(&mut self) -> anyhow::Result<&mut SchedClassifier> {
        let program = self.ebpf.program_mut(abi::TC_PROGRAM);
        Ok(program
            .ok_or_else(|| anyhow::anyhow!("no {} in the object", abi::TC_PROGRAM))?
            .try_into()?)
    }

    fn counters(&mut self, ingress: u32) -> anyhow::Result<BTreeMap<Reason, (u64, u64)>> {
        let counters: PerCpuHashMap<_, [u8; size_of::<CounterKey>()], [u8; size_of::<Counter>()]> =
            map(&mut self.ebpf, abi::maps::COUNTERS)?.try_into()?;
        let mut totals = BTreeMap::new();
        for entry in &counters {
            let (key, per_cpu) = entry?;
            let key = CounterKey::try_read_from_bytes(key.as_bytes())
                .map_err(|error| anyhow::anyhow!("a counter's key: {error:?}"))?;
            if key.ifindex != ingress {
                continue;
            }
            let total: &mut (u64, u64) = totals.entry(key.reason).or_default();
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

fn map<'a>(ebpf: &'a mut Ebpf, name: &str) -> anyhow::Result<&'a mut aya::maps::Map> {
    ebpf.map_mut(name)
        .ok_or_else(|| anyhow::anyhow!("no map {name} in the object"))
}
