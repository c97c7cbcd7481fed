//! The tc program: loading, pinning, attaching, replacing.

use std::path::Path;

use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::tc::TcAttachOptions;
use aya::programs::{LinkOrder, ProgramError, ProgramInfo, SchedClassifier, TcAttachType};
use aya::sys::SyscallError;
use aya::{Ebpf, EbpfLoader};
use pseudobridge_common::abi::{self, Meta};

use super::error::Doing as _;
use super::pins::{rename, unpin};
use super::{Error, OBJECT, Pins, maps};

/// The tc program, loaded over the maps of one node.
pub struct Program {
    ebpf: Ebpf,
}

/// What hangs on an interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Attached {
    /// No program of ours.
    No,
    /// The pinned program, by a pinned link.
    Yes,
    /// A program of ours, but not the pinned one: a replacement that was cut short.
    Outdated,
}

/// Makes sure that the kernel has tcx links.
///
/// # Errors
///
/// [`Error::NoTcx`] where it has not.
pub fn require_tcx() -> Result<(), Error> {
    match SchedClassifier::query_tcx("lo", TcAttachType::Ingress) {
        Ok(_) => Ok(()),
        Err(ProgramError::SyscallError(error)) if has_no_tcx(&error) => {
            let release = nix::sys::utsname::uname()
                .map(|names| names.release().to_string_lossy().into_owned())
                .doing("ask for the kernel's version")?;
            Err(Error::NoTcx { release })
        }
        Err(error) => Err(error).doing("ask for the programs on the interface lo"),
    }
}

impl Program {
    /// Loads the program over the maps of `pins`: those that are pinned are used, the others made
    /// and pinned.
    ///
    /// # Errors
    ///
    /// When the kernel refuses a map or, with the verifier's words, the program.
    pub fn load(pins: &Pins) -> Result<Self, Error> {
        let mut loader = EbpfLoader::new();
        for name in abi::maps::ALL {
            loader.map_pin_path(name, pins.map(name));
        }
        let mut ebpf = loader.load(OBJECT).doing("load the BPF object")?;
        program(&mut ebpf)?.load().doing("load the tc program")?;
        Ok(Self { ebpf })
    }

    /// Makes the pins of a node that has none: maps, program, and whose they are. A crash in
    /// between leaves only [`Pins::incomplete`].
    ///
    /// # Errors
    ///
    /// As [`Program::load`], or when a pin cannot be made.
    pub fn install(pins: &Pins, netns_cookie: u64) -> Result<(), Error> {
        let incomplete = pins.incomplete();
        incomplete.create()?;
        let mut loaded = Self::load(&incomplete)?;
        let meta = Meta {
            netns_cookie,
            abi_version: abi::VERSION,
            reserved: 0,
        };
        maps::write_meta(&incomplete, meta)?;
        loaded.pin(&incomplete.program())?;
        incomplete.rename_to(pins)
    }

    /// Whether the pinned program is the same as this one, instruction by instruction.
    ///
    /// # Errors
    ///
    /// When the pin cannot be opened.
    pub fn is_pinned(&mut self, pins: &Pins) -> Result<bool, Error> {
        let ours = program(&mut self.ebpf)?.info();
        let ours = ours.doing("ask for the tc program")?;
        Ok(ours.tag() == pinned_info(pins)?.tag())
    }

    /// Puts this program in the place of the pinned one, inside every pinned link: no packet passes
    /// without a program.
    ///
    /// # Errors
    ///
    /// When a link or the pin cannot be changed.
    pub fn replace(&mut self, pins: &Pins) -> Result<(), Error> {
        for interface in pins.linked_interfaces()? {
            update_link(program(&mut self.ebpf)?, pins, &interface)?;
        }
        let next = pins.next_program();
        // Left by a replacement that was cut short here.
        unpin(&next)?;
        self.pin(&next)?;
        rename(&next, &pins.program())
    }

    fn pin(&mut self, path: &Path) -> Result<(), Error> {
        program(&mut self.ebpf)?
            .pin(path)
            .doing(format_args!("pin {}", path.display()))
    }
}

/// What of ours hangs on an interface, given the id of the pinned program, if there is one.
///
/// # Errors
///
/// When the kernel will not tell.
pub fn attached(pinned: Option<u32>, interface: &str) -> Result<Attached, Error> {
    let programs = match SchedClassifier::query_tcx(interface, TcAttachType::Ingress) {
        Ok((_revision, programs)) => programs,
        // No tcx, no program.
        Err(ProgramError::SyscallError(error)) if has_no_tcx(&error) => Vec::new(),
        Err(error) => {
            return Err(error).doing(format_args!(
                "ask for the programs on the interface {interface}"
            ));
        }
    };
    if programs.iter().any(|one| Some(one.id()) == pinned) {
        return Ok(Attached::Yes);
    }
    let mut names = programs.iter().map(ProgramInfo::name);
    if names.any(|name| name == abi::TC_PROGRAM.as_bytes()) {
        return Ok(Attached::Outdated);
    }
    Ok(Attached::No)
}

/// The kernel's id of the pinned program.
///
/// # Errors
///
/// When the pin cannot be opened.
pub fn pinned_id(pins: &Pins) -> Result<u32, Error> {
    Ok(pinned_info(pins)?.id())
}

fn has_no_tcx(error: &SyscallError) -> bool {
    error.io_error.raw_os_error() == Some(nix::libc::EINVAL)
}

/// Hangs the pinned program on an interface, after those of others, and pins the link.
///
/// # Errors
///
/// When the kernel refuses the link or the pin.
pub fn attach(pins: &Pins, interface: &str) -> Result<(), Error> {
    let path = pins.link(interface);
    // A link whose interface is gone is no use any more.
    unpin(&path)?;
    let attaching = format!("attach the tc program to {interface}");
    let mut program = pinned(pins)?;
    let link = program
        .attach_with_options(
            interface,
            TcAttachType::Ingress,
            TcAttachOptions::TcxOrder(LinkOrder::default()),
        )
        .and_then(|id| program.take_link(id))
        .doing(&attaching)?;
    let link = FdLink::try_from(link).doing(&attaching)?;
    link.pin(&path)
        .doing(format_args!("pin {}", path.display()))?;
    Ok(())
}

/// Puts the pinned program into a link that holds an older one.
///
/// # Errors
///
/// When the link cannot be changed.
pub fn update(pins: &Pins, interface: &str) -> Result<(), Error> {
    update_link(&mut pinned(pins)?, pins, interface)
}

/// Takes the program off an interface.
///
/// # Errors
///
/// When the pin cannot be removed.
pub fn detach(pins: &Pins, interface: &str) -> Result<(), Error> {
    unpin(&pins.link(interface))
}

fn update_link(program: &mut SchedClassifier, pins: &Pins, interface: &str) -> Result<(), Error> {
    let replacing = format!("replace the tc program of {interface}");
    let link = PinnedLink::from_pin(pins.link(interface)).doing(&replacing)?;
    let link = FdLink::from(link).try_into().doing(&replacing)?;
    match program.attach_to_link(link) {
        // Ours to keep no longer: the pin does.
        Ok(id) => program.take_link(id).map(drop).doing(&replacing),
        // It hangs on nothing any more; if its interface is still there, a new one is attached.
        Err(ProgramError::SyscallError(error)) if is_severed(&error) => {
            unpin(&pins.link(interface))
        }
        Err(error) => Err(error).doing(&replacing),
    }
}

/// The link's interface is gone, or somebody detached it (`tcx_link_update`, kernel/bpf/tcx.c).
fn is_severed(error: &SyscallError) -> bool {
    error.io_error.raw_os_error() == Some(nix::libc::ENOLINK)
}

fn program(ebpf: &mut Ebpf) -> Result<&mut SchedClassifier, Error> {
    let finding = "find the tc program in the BPF object";
    let program = ebpf.program_mut(abi::TC_PROGRAM);
    let program = program.ok_or("it is not there").doing(finding)?;
    program.try_into().doing(finding)
}

fn pinned(pins: &Pins) -> Result<SchedClassifier, Error> {
    let path = pins.program();
    SchedClassifier::from_pin(&path).doing(format_args!("open {}", path.display()))
}

fn pinned_info(pins: &Pins) -> Result<ProgramInfo, Error> {
    pinned(pins)?.info().doing("ask for the pinned tc program")
}
