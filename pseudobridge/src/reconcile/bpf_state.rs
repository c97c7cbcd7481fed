//! What is of BPF: the filesystem, the pins, what the maps say, and where programs hang.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::Error;
use crate::bpf::bpffs::{self, Bpffs};
use crate::bpf::{self, Attached, Entries, Hook, Maps, Pinned, Pins};

/// BPF as it is.
#[derive(Clone, Debug)]
pub struct BpfState {
    /// The filesystem for the pins, or why there can be none.
    pub bpffs: Bpffs,
    /// Whether maps and program are pinned.
    pub pinned: Pinned,
    /// Whether an installation was cut short.
    pub incomplete: bool,
    /// What the maps say; empty where nothing is pinned.
    pub entries: Entries,
    /// Pods that the maps hold, where they are pinned.
    pub max_pods: Option<u32>,
    /// Uplinks with a pinned link, and what of ours hangs there.
    pub uplinks: BTreeMap<String, Attached>,
    /// Interfaces with a pinned link.
    pub linked: Vec<String>,
    /// The mount that we made, if nothing but our own pins is on it.
    pub own_mount: Option<PathBuf>,
}

impl BpfState {
    pub(super) fn observe(pins: &Pins, cookie: u64) -> Result<Self, Error> {
        let bpffs = bpffs::find(pins.root())?;
        let pinned = match bpffs {
            Bpffs::Mounted => pins.look(cookie)?,
            Bpffs::Missing(_) => Pinned::No,
        };
        let (entries, linked) = match pinned {
            Pinned::Yes => (Maps::open(pins)?.entries()?, linked(pins)?),
            Pinned::InPart => (Entries::default(), linked(pins)?),
            Pinned::No => (Entries::default(), Vec::new()),
        };
        let is_whole = pinned == Pinned::Yes;
        Ok(Self {
            max_pods: is_whole.then(|| bpf::max_pods(pins)).transpose()?,
            uplinks: uplinks(pins, is_whole)?,
            incomplete: pins.look_at_incomplete()?,
            own_mount: bpffs::ours_alone(pins)?,
            bpffs,
            pinned,
            entries,
            linked,
        })
    }
}

/// What hangs at the ingress of each device that has a pinned link; nothing where the device is gone.
fn uplinks(pins: &Pins, is_whole: bool) -> Result<BTreeMap<String, Attached>, Error> {
    if !is_whole {
        return Ok(BTreeMap::new());
    }
    let pinned = Some(bpf::pinned_id(pins, Hook::Uplink)?);
    let names = pins.linked()?.remove(&Hook::Uplink).unwrap_or_default();
    let attached = names.into_iter().map(|name| {
        let is_there = nix::net::if_::if_nametoindex(name.as_str()).is_ok();
        let attached = if is_there {
            bpf::attached(pinned, Hook::Uplink, &name)?
        } else {
            Attached::No
        };
        Ok((name, attached))
    });
    attached.collect()
}

fn linked(pins: &Pins) -> Result<Vec<String>, bpf::Error> {
    Ok(pins.linked()?.remove(&Hook::Tc).unwrap_or_default())
}
