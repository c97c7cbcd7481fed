//! Reading the counters.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use aya::maps::{MapError, PerCpuHashMap};
use pseudobridge_common::abi::{self, Counter, CounterKey, Direction, Reason};
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

/// The counters of one interface, by which way the frames went and what became of them.
pub type InterfaceCounters = BTreeMap<(Direction, Reason), Totals>;

/// All counters, by index of the host-side veth, or of the uplink.
///
/// # Errors
///
/// When the map cannot be read, or counts for a reason that this version does not know.
pub fn counters(pins: &Pins) -> Result<BTreeMap<u32, InterfaceCounters>, Error> {
    let reading = format!("read the map {}", abi::maps::COUNTERS);
    let map = open(pins)?;
    let mut counters: BTreeMap<u32, InterfaceCounters> = BTreeMap::new();
    for key in map.keys() {
        let bytes = key.doing(&reading)?;
        let per_cpu = match map.get(&bytes, 0) {
            // The pod went while we were reading.
            Err(MapError::KeyNotFound) => continue,
            other => other.doing(&reading)?,
        };
        let key = CounterKey::try_read_from_bytes(&bytes)
            .map_err(|_| format!("unknown reason or direction in key {bytes:?}"))
            .doing(&reading)?;
        let totals = counters
            .entry(key.ifindex)
            .or_default()
            .entry((key.direction, key.reason))
            .or_default();
        for counter in per_cpu.iter() {
            *totals += &counter.0;
        }
    }
    Ok(counters)
}

/// Removes the counters of an interface that is gone, so that their room is free again.
///
/// # Errors
///
/// When the map cannot be written.
pub fn forget_counters(pins: &Pins, ifindex: u32) -> Result<(), Error> {
    let mut map = open(pins)?;
    for direction in Direction::ALL {
        for reason in Reason::ALL {
            let key = CounterKey {
                ifindex,
                reason,
                direction,
            };
            let key = zerocopy::transmute!(key);
            let clearing = format_args!("clear the map {}", abi::maps::COUNTERS);
            unless_missing(map.remove(&key)).doing(clearing)?;
        }
    }
    Ok(())
}

/// Puts what one node's map has counted into a map that has counted nothing yet.
pub(super) fn copy(from: &Pins, to: &Pins) -> Result<(), Error> {
    let copying = format!("copy the map {}", abi::maps::COUNTERS);
    let (from, mut to) = (open(from)?, open(to)?);
    for key in from.keys() {
        let key = key.doing(&copying)?;
        let values = from.get(&key, 0).doing(&copying)?;
        to.insert(key, values, 0).doing(&copying)?;
    }
    Ok(())
}

fn open(pins: &Pins) -> Result<Counters, Error> {
    maps::open(pins, abi::maps::COUNTERS, PerCpuHashMap::try_from)
}
