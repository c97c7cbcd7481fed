//! The programs: loading, pinning, replacing.

use std::collections::BTreeSet;
use std::path::Path;

use aya::programs::{self, ProgramInfo};
use aya::{Ebpf, EbpfLoader};
use pseudobridge_common::abi::{self, Meta};

use super::attach::{update_classifier, update_xdp};
use super::error::Doing as _;
use super::pins::{rename, unpin};
use super::{Error, Hook, OBJECT, Pins, maps, shape};

/// All programs, loaded over the maps of one node.
pub struct Program {
    ebpf: Ebpf,
}

impl Program {
    /// Loads the programs over the pinned maps.
    ///
    /// # Errors
    ///
    /// [`Error::ForeignPin`] where a pin is no map of ours, or when the kernel refuses, with the
    /// verifier's words, a program.
    pub fn load(pins: &Pins) -> Result<Self, Error> {
        for name in abi::maps::ALL {
            if !shape::is_whole(pins, name)? {
                let path = pins.map(name);
                return Err(Error::ForeignPin { path });
            }
        }
        // The maps are there: their size is what it is.
        Self::load_for(pins, abi::DEFAULT_MAX_PODS)
    }

    /// Loads the programs over the maps of `pins`: those that are pinned are used, the others made
    /// for so many pods, and pinned.
    pub(super) fn load_for(pins: &Pins, max_pods: u32) -> Result<Self, Error> {
        let mut loader = EbpfLoader::new();
        for name in abi::maps::ALL {
            loader.map_pin_path(name, pins.map(name));
        }
        for (name, size) in sizes(max_pods) {
            loader.map_max_entries(name, size);
        }
        let ebpf = loader.load(OBJECT).doing("load the BPF object")?;
        let mut loaded = Self { ebpf };
        for hook in Hook::ALL {
            let loading = format!("load the {hook} program");
            match loaded.program(hook)? {
                programs::Program::SchedClassifier(program) => program.load().doing(loading)?,
                programs::Program::Xdp(program) => program.load().doing(loading)?,
                _ => return Err("it is of another kind").doing(loading),
            }
        }
        Ok(loaded)
    }

    /// Makes the pins of a node that has none: maps for so many pods, programs, and whose they are.
    /// A crash in between leaves only [`Pins::incomplete`].
    ///
    /// # Errors
    ///
    /// When the kernel refuses a map or a program, or a pin cannot be made.
    pub fn install(pins: &Pins, netns_cookie: u64, max_pods: u32) -> Result<(), Error> {
        let incomplete = pins.incomplete();
        incomplete.create()?;
        let mut loaded = Self::load_for(&incomplete, max_pods)?;
        let meta = Meta {
            netns_cookie,
            abi_version: abi::VERSION,
            max_pods,
        };
        maps::write_meta(&incomplete, meta)?;
        for hook in Hook::ALL {
            loaded.pin(hook, &incomplete.program(hook))?;
        }
        incomplete.rename_to(pins)
    }

    /// Whether the pinned programs are the same as these, instruction by instruction, and use the
    /// pinned maps.
    ///
    /// # Errors
    ///
    /// When a pin cannot be opened.
    pub fn is_pinned(&mut self, pins: &Pins) -> Result<bool, Error> {
        let maps = shape::ids(pins)?;
        for hook in Hook::ALL {
            let asking = format!("ask for the {hook} program");
            let ours = self.program(hook)?.info().doing(&asking)?;
            let pinned = pinned_info(pins, hook)?;
            // Besides them, each has one for its constants.
            let uses = |program: &ProgramInfo| {
                let used = program.map_ids().doing(&asking)?.unwrap_or_default();
                let used = used.into_iter().filter(|id| maps.contains(id));
                Ok::<_, Error>(used.collect::<BTreeSet<_>>())
            };
            // The kernel computes a tag without the maps.
            if ours.tag() != pinned.tag() || uses(&ours)? != uses(&pinned)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Puts these programs in the place of the pinned ones, inside every pinned link: no packet
    /// passes without a program.
    ///
    /// # Errors
    ///
    /// When a link or a pin cannot be changed.
    pub fn replace(&mut self, pins: &Pins) -> Result<(), Error> {
        self.enter_links(pins)?;
        self.take_pins(pins)
    }

    /// Puts these programs into every pinned link.
    pub(super) fn enter_links(&mut self, pins: &Pins) -> Result<(), Error> {
        for (hook, interfaces) in pins.linked()? {
            let program = self.program(hook)?;
            for interface in interfaces {
                match program {
                    programs::Program::Xdp(program) => update_xdp(program, pins, &interface)?,
                    programs::Program::SchedClassifier(program) => {
                        update_classifier(program, pins, hook, &interface)?;
                    }
                    _ => {
                        let doing = format_args!("attach the {hook} program");
                        return Err("it is of another kind").doing(doing);
                    }
                }
            }
        }
        Ok(())
    }

    /// Pins these programs instead of the ones that are.
    pub(super) fn take_pins(&mut self, pins: &Pins) -> Result<(), Error> {
        for hook in Hook::ALL {
            let next = pins.next_program(hook);
            // Left by a replacement that was cut short here.
            unpin(&next)?;
            self.pin(hook, &next)?;
            rename(&next, &pins.program(hook))?;
        }
        Ok(())
    }

    fn pin(&mut self, hook: Hook, path: &Path) -> Result<(), Error> {
        self.program(hook)?
            .pin(path)
            .doing(format_args!("pin {}", path.display()))
    }

    fn program(&mut self, hook: Hook) -> Result<&mut programs::Program, Error> {
        let program = self.ebpf.program_mut(hook.program());
        program
            .ok_or("it is not there")
            .doing(format_args!("find the {hook} program in the BPF object"))
    }
}

/// The sizes, in entries, of the maps that the number of pods decides on.
pub(super) fn sizes(max_pods: u32) -> [(&'static str, u32); 5] {
    let counters = max_pods.saturating_mul(abi::COUNTERS_PER_POD);
    [
        (abi::maps::PODS_V4, max_pods),
        (abi::maps::PODS_V6, max_pods),
        (abi::maps::PORTS, max_pods),
        (abi::maps::TARGETS, max_pods),
        (abi::maps::COUNTERS, counters),
    ]
}

/// The kernel's id of the program that is pinned for a hook.
///
/// # Errors
///
/// When the pin cannot be opened.
pub fn pinned_id(pins: &Pins, hook: Hook) -> Result<u32, Error> {
    Ok(pinned_info(pins, hook)?.id())
}

fn pinned_info(pins: &Pins, hook: Hook) -> Result<ProgramInfo, Error> {
    let path = pins.program(hook);
    ProgramInfo::from_pin(&path).doing(format_args!("open {}", path.display()))
}
