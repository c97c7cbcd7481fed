//! Maps for more pods, or fewer, in the place of the present ones.
//!
//! The kernel cannot change a map's size. New maps are made and filled beside the present ones, in
//! `maps-next/`, and programs loaded over them; these are put into every pinned link in place; then
//! the two directories are exchanged, in one step, and the programs' pins replaced. Wherever that
//! is cut short, the next `up` does the rest:
//!
//! - before the exchange, the pins are the old ones, whole. `meta` has the old size. If the new one
//!   is still asked for, all is done anew; if not, [`Program::replace`] puts programs over the old
//!   maps back into the links that have others already.
//! - after it, the maps are the new ones, and some of the pinned programs still use the old ones:
//!   [`Program::replace`] loads those anew.
//!
//! Either way `maps-next/` is there until the end, and [`Program::is_pinned`] says no until then.

use std::fs::File;

use aya::maps::MapData;
use nix::fcntl::{RenameFlags, renameat2};
use pseudobridge_common::abi::{self, Meta};

use super::error::Doing as _;
use super::pins::create_dir;
use super::program::sizes;
use super::{Entries, Error, Maps, Pins, Program, attach, counters, maps};

/// The maps whose size does not hang on the number of pods: they stay.
const SHARED: [&str; 4] = [
    abi::maps::NETWORKS_V4,
    abi::maps::NETWORKS_V6,
    abi::maps::ALLOWED,
    abi::maps::EVENTS,
];

impl Program {
    /// Makes the pinned maps hold so many pods, more or fewer, without losing a packet. What is
    /// counted in the milliseconds between the copy of the counters and the change of the programs
    /// is lost.
    ///
    /// The calling thread must be in the node's network namespace, and nobody else change the maps.
    ///
    /// # Errors
    ///
    /// [`Error::WouldNotFit`] where the entries are too many; nothing is changed then. Otherwise
    /// when the kernel refuses something.
    pub fn grow(pins: &Pins, max_pods: u32) -> Result<(), Error> {
        let entries = Maps::open(pins)?.entries()?;
        require_fit(&entries, &counters::counters(pins)?, max_pods)?;
        let next = pins.with_next_maps();
        // Left by a growth that was cut short.
        pins.remove_next_maps()?;
        create_dir(&next.maps())?;
        let mut loaded = fill(pins, &next, &entries, max_pods).inspect_err(|_| {
            tell_of(pins.remove_next_maps());
        })?;
        loaded.enter_links(pins).inspect_err(|_| {
            tell_of(leave_links(pins));
            tell_of(pins.remove_next_maps());
        })?;
        exchange(pins, &next)?;
        loaded.take_pins(pins)?;
        pins.remove_next_maps()
    }
}

/// Makes and fills the next maps, and loads the programs over them.
fn fill(pins: &Pins, next: &Pins, entries: &Entries, max_pods: u32) -> Result<Program, Error> {
    for name in SHARED {
        let path = next.map(name);
        let map = MapData::from_pin(pins.map(name));
        map.doing(format_args!("open {}", pins.map(name).display()))?
            .pin(&path)
            .doing(format_args!("pin {}", path.display()))?;
    }
    let loaded = Program::load_for(next, max_pods)?;
    let meta = Meta {
        max_pods,
        ..pins.meta()?
    };
    maps::write_meta(next, meta)?;
    let mut filled = Maps::open(next)?;
    for ifindex in &entries.targets {
        match filled.insert_target(*ifindex) {
            Ok(()) => {}
            // The device went while we were copying, and from the present map with it.
            Err(_) if !Maps::open(pins)?.entries()?.targets.contains(ifindex) => {}
            Err(error) => return Err(error),
        }
    }
    for (ifindex, port) in &entries.ports {
        filled.insert_port(*ifindex, *port)?;
    }
    for (address, pod) in &entries.pods {
        filled.insert_pod(*address, *pod)?;
    }
    // Last, so that as little as can be is counted in between.
    counters::copy(pins, next)?;
    Ok(loaded)
}

/// Puts the pinned programs back into the links.
fn leave_links(pins: &Pins) -> Result<(), Error> {
    for (hook, interfaces) in pins.linked()? {
        for interface in interfaces {
            attach::update(pins, hook, &interface)?;
        }
    }
    Ok(())
}

/// Says what went wrong on the way back; why there was a way back is the error that is returned.
fn tell_of(result: Result<(), Error>) {
    if let Err(error) = result {
        tracing::warn!("{error}");
    }
}

/// Each directory gets the other's name at once.
fn exchange(pins: &Pins, next: &Pins) -> Result<(), Error> {
    let (present, next) = (pins.maps(), next.maps());
    let exchanging = format!("exchange {} and {}", present.display(), next.display());
    let root = File::open(pins.root()).doing(&exchanging)?;
    renameat2(&root, &present, &root, &next, RenameFlags::RENAME_EXCHANGE).doing(&exchanging)
}

fn require_fit(
    entries: &Entries,
    counters: &std::collections::BTreeMap<u32, counters::InterfaceCounters>,
    max_pods: u32,
) -> Result<(), Error> {
    let v4 = entries.pods.keys().filter(|one| one.is_ipv4()).count();
    for (map, size) in sizes(max_pods) {
        let has = match map {
            abi::maps::PODS_V4 => v4,
            abi::maps::PODS_V6 => entries.pods.len() - v4,
            abi::maps::PORTS => entries.ports.len(),
            abi::maps::TARGETS => entries.targets.len(),
            _ => counters.values().map(std::collections::BTreeMap::len).sum(),
        };
        let max = usize::try_from(size).unwrap_or(usize::MAX);
        if has > max {
            return Err(Error::WouldNotFit {
                map,
                entries: has,
                max,
                max_pods,
            });
        }
    }
    Ok(())
}
