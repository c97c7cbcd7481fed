//! Reading the counters.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use aya::maps::{MapError, PerCpuHashMap};
use pseudobridge_common::abi::{self, Counter, CounterKey, Reason};
use zerocopy::TryFromBytes as _;

use super::error::Doing as _;
use super::maps::{self, Plain, unless_missing};
use super::{Error, Pins};

/// The key as bytes: a reason is not any number, so it is parsed after it is read.
type KeyBytes = [u8; size_of::<CounterKey>()];

type Counters = PerCpuHashMap<aya::maps::MapData, KeyBytes, Plain<Counter>>;

/// A counter over all CPUs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Totals {
    /// Frames; a segmentation-offload packet is one.
    pub packets: u64,
    /// Bytes of these frames, Ethernet header included.
    pub bytes: u64,
}

impl AddAssign<&Counter> for Totals {
    fn add_assign(&mut self, counter: &Counter) {
        self.packets += counter.packets;
        self.bytes += counter.bytes;
    }
}

/// All counters, by index of the host-side veth that the frames came in by.
///
/// # Errors
///
/// When the map cannot be read, or counts for a reason that this version does not know.
pub fn counters(pins: &Pins) -> Result<BTreeMap<u32, BTreeMap<Reason, Totals>>, Error> {
    let reading = format!("read the map {}", abi::maps::COUNTERS);
    let map = open(pins)?;
    let mut counters: BTreeMap<u32, BTreeMap<Reason, Totals>> = BTreeMap::new();
    for key in map.keys() {
        let bytes = key.doing(&reading)?;
        let per_cpu = match map.get(&bytes, 0) {
            // The pod went while we were reading.
            Err(MapError::KeyNotFound) => continue,
            other => other.doing(&reading)?,
        };
        let key = CounterKey::try_read_from_bytes(&bytes)
            .map_err(|_| format!("unknown reason in key {bytes:?}"))
            .doing(&reading)?;
        let totals = counters
            .entry(key.ifindex)
            .or_default()
            .entry(key.reason)
            .or_default();
        for counter in per_cpu.iter() {
            *totals += &counter.0;
        }
    }
    Ok(counters)
}

/// Removes the counters of a host-side veth that is gone, so that their room is free again.
///
/// # Errors
///
/// When the map cannot be written.
pub fn forget_counters(pins: &Pins, ifindex: u32) -> Result<(), Error> {
    let mut map = open(pins)?;
    for reason in Reason::ALL {
        let key = CounterKey { ifindex, reason };
        let key = zerocopy::transmute!(key);
        let clearing = format_args!("clear the map {}", abi::maps::COUNTERS);
        unless_missing(map.remove(&key)).doing(clearing)?;
    }
    Ok(())
}

fn open(pins: &Pins) -> Result<Counters, Error> {
    maps::open(pins, abi::maps::COUNTERS, PerCpuHashMap::try_from)
}
