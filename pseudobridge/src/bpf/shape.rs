//! What every map must be like: the kernel opens any map by any pin, and aya asks no further.

use std::collections::BTreeSet;
use std::fs;

use aya::maps::{MapInfo, MapType};
use pseudobridge_common::abi::{
    self, Allowed, Counter, CounterKey, Meta, Network, Pod, Port, maps,
};
use pseudobridge_common::wire::{Ipv4Address, Ipv6Address};

use super::error::Doing as _;
use super::{Error, Pins};

/// Bytes of a trie's prefix length, before the address.
const PREFIX_LEN: usize = size_of::<u32>();

/// Bytes of `struct bpf_devmap_val` (include/uapi/linux/bpf.h).
const DEVMAP_VALUE: usize = 8;

/// Type, and bytes of key and value, of the map with this name.
fn shape(name: &str) -> Option<(MapType, usize, usize)> {
    Some(match name {
        maps::PODS_V4 => (MapType::Hash, size_of::<Ipv4Address>(), size_of::<Pod>()),
        maps::PODS_V6 => (MapType::Hash, size_of::<Ipv6Address>(), size_of::<Pod>()),
        maps::PORTS => (MapType::Hash, size_of::<u32>(), size_of::<Port>()),
        maps::TARGETS => (MapType::DevMapHash, size_of::<u32>(), DEVMAP_VALUE),
        maps::NETWORKS_V4 => {
            let key = PREFIX_LEN + size_of::<Ipv4Address>();
            (MapType::LpmTrie, key, size_of::<Network>())
        }
        maps::NETWORKS_V6 => {
            let key = PREFIX_LEN + size_of::<Ipv6Address>();
            (MapType::LpmTrie, key, size_of::<Network>())
        }
        maps::ALLOWED => (MapType::Hash, size_of::<Allowed>(), size_of::<u32>()),
        maps::COUNTERS => {
            let key = size_of::<CounterKey>();
            (MapType::PerCpuHash, key, size_of::<Counter>())
        }
        maps::EVENTS => (MapType::RingBuf, 0, 0),
        maps::META => (MapType::Array, size_of::<u32>(), size_of::<Meta>()),
        _ => return None,
    })
}

/// Whether all maps are pinned, and each is what its name says.
pub(super) fn are_whole(pins: &Pins) -> Result<bool, Error> {
    for name in abi::maps::ALL {
        if !is_whole(pins, name)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether this map is pinned, and is what its name says.
pub(super) fn is_whole(pins: &Pins, name: &str) -> Result<bool, Error> {
    let path = pins.map(name);
    let looking = format!("look at {}", path.display());
    if !fs::exists(&path).doing(&looking)? {
        return Ok(false);
    }
    let info = info(pins, name)?;
    let sizes = |info: &MapInfo| Some((info.key_size(), info.value_size()));
    let (kind, key, value) = shape(name).ok_or("no map of ours").doing(&looking)?;
    let expected = (u32::try_from(key), u32::try_from(value));
    let has_sizes = match expected {
        (Ok(key), Ok(value)) => sizes(&info) == Some((key, value)),
        _ => false,
    };
    // A type that aya does not know is not ours.
    Ok(has_sizes && info.map_type().is_ok_and(|found| found == kind))
}

/// The kernel's ids of the pinned maps.
pub(super) fn ids(pins: &Pins) -> Result<BTreeSet<u32>, Error> {
    let ids = abi::maps::ALL.into_iter();
    ids.map(|name| Ok(info(pins, name)?.id())).collect()
}

/// What the kernel says of a pinned map.
pub(super) fn info(pins: &Pins, name: &str) -> Result<MapInfo, Error> {
    let path = pins.map(name);
    MapInfo::from_pin(&path).doing(format_args!("open the map {}", path.display()))
}
