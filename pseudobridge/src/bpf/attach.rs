//! Attaching: links, pinned, that hold a program on an interface.

use aya::programs::links::{FdLink, PinnedLink};
use aya::programs::tc::TcAttachOptions;
use aya::programs::{
    LinkOrder, ProgramError, ProgramInfo, SchedClassifier, TcAttachType, Xdp, xdp,
};
use aya::sys::SyscallError;
use aya_obj::programs::XdpAttachType;
use nix::errno::Errno;

use super::error::Doing as _;
use super::pins::unpin;
use super::{Error, Hook, Pins, XdpMode};

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
        Err(ProgramError::SyscallError(error)) if is(&error, Errno::EINVAL) => {
            let release = nix::sys::utsname::uname()
                .map(|names| names.release().to_string_lossy().into_owned())
                .doing("ask for the kernel's version")?;
            Err(Error::NoTcx { release })
        }
        Err(error) => Err(error).doing("ask for the programs on the interface lo"),
    }
}

/// What of ours hangs at the tc ingress of an interface, given the id of the program that is pinned
/// for `hook`, if there is one. XDP hooks are asked by netlink: [`attached_xdp`].
///
/// # Errors
///
/// When the kernel will not tell.
pub fn attached(pinned: Option<u32>, hook: Hook, interface: &str) -> Result<Attached, Error> {
    let programs = match SchedClassifier::query_tcx(interface, TcAttachType::Ingress) {
        Ok((_revision, programs)) => programs,
        // No tcx, no program.
        Err(ProgramError::SyscallError(error)) if is(&error, Errno::EINVAL) => Vec::new(),
        Err(error) => {
            return Err(error).doing(format_args!(
                "ask for the programs on the interface {interface}"
            ));
        }
    };
    if programs.iter().any(|one| Some(one.id()) == pinned) {
        return Ok(Attached::Yes);
    }
    // The kernel keeps 15 bytes of a name.
    let ours = hook.program().as_bytes();
    let ours = ours.get(..15).unwrap_or(ours);
    let mut names = programs.iter().map(ProgramInfo::name);
    if names.any(|name| name == ours) {
        return Ok(Attached::Outdated);
    }
    Ok(Attached::No)
}

/// What of ours hangs at the XDP hook of an interface: given the id of the pinned program, that of
/// the one which netlink says hangs there (`IFLA_XDP_PROG_ID`), and whether a link for it is pinned.
/// As long as one is, nobody else can hang a program there; and ours hang by pinned links alone.
#[must_use]
pub fn attached_xdp(pinned: Option<u32>, hanging: Option<u32>, is_linked: bool) -> Attached {
    match hanging {
        Some(hanging) if Some(hanging) == pinned => Attached::Yes,
        Some(_) if is_linked => Attached::Outdated,
        Some(_) | None => Attached::No,
    }
}

/// Hangs the pinned program on an interface, and pins the link: at a tc ingress after the programs
/// of others; at the XDP hook natively, as [`attach_xdp`].
///
/// # Errors
///
/// When the kernel refuses the link or the pin.
pub fn attach(pins: &Pins, hook: Hook, interface: &str) -> Result<(), Error> {
    if hook == Hook::Xdp {
        return attach_xdp(pins, interface, XdpMode::Native);
    }
    // A link whose interface is gone is no use any more.
    unpin(&pins.link(hook, interface))?;
    let attaching = format!("attach the {hook} program to {interface}");
    let mut program = pinned_classifier(pins, hook)?;
    let link = program
        .attach_with_options(
            interface,
            TcAttachType::Ingress,
            TcAttachOptions::TcxOrder(LinkOrder::default()),
        )
        .and_then(|id| program.take_link(id))
        .doing(&attaching)?;
    let link = FdLink::try_from(link).doing(&attaching)?;
    pin(pins, hook, interface, link)
}

/// Hangs the pinned XDP program on an interface, and pins the link.
///
/// # Errors
///
/// [`Error::NativeXdpRefused`] where the driver will not, [`Error::XdpTaken`] where another program
/// hangs, or when the kernel refuses the link or the pin.
pub fn attach_xdp(pins: &Pins, interface: &str, mode: XdpMode) -> Result<(), Error> {
    unpin(&pins.link(Hook::Xdp, interface))?;
    let attaching = format!("attach the xdp program to {interface} ({mode})");
    let mut program = pinned_xdp(pins)?;
    let flags = match mode {
        XdpMode::Native => xdp::XdpMode::Driver,
        XdpMode::Generic => xdp::XdpMode::Skb,
    };
    let refused = |reason: String| match mode {
        XdpMode::Native => Error::NativeXdpRefused {
            interface: interface.to_owned(),
            reason,
        },
        XdpMode::Generic => Error::failed(&attaching, reason),
    };
    let link = match program.attach(interface, flags) {
        Ok(id) => program.take_link(id).doing(&attaching)?,
        Err(ProgramError::SyscallError(error)) => {
            let errno = errno(&error);
            if matches!(errno, Errno::EBUSY | Errno::EEXIST) {
                let interface = interface.to_owned();
                return Err(Error::XdpTaken { interface });
            }
            return match why(errno) {
                Some(reason) => Err(refused(reason.to_owned())),
                None => Err(error).doing(&attaching),
            };
        }
        // Refused once as a link, and once more as aya tried it without one.
        Err(error @ ProgramError::XdpError(_)) => return Err(refused(said(&error))),
        Err(error) => return Err(error).doing(&attaching),
    };
    // Without a link, as aya then attaches it, it would hang on without a pin: dropped, it is off
    // again.
    match FdLink::try_from(link) {
        Ok(link) => pin(pins, Hook::Xdp, interface, link),
        Err(_) => Err(refused(
            "the kernel has no links for XDP programs there".to_owned(),
        )),
    }
}

/// Puts the pinned program into a link that holds an older one.
///
/// # Errors
///
/// When the link cannot be changed.
pub fn update(pins: &Pins, hook: Hook, interface: &str) -> Result<(), Error> {
    match hook {
        Hook::Xdp => update_xdp(&mut pinned_xdp(pins)?, pins, interface),
        Hook::Tc | Hook::Uplink => {
            update_classifier(&mut pinned_classifier(pins, hook)?, pins, hook, interface)
        }
    }
}

/// Takes the program off an interface.
///
/// # Errors
///
/// When the pin cannot be removed.
pub fn detach(pins: &Pins, hook: Hook, interface: &str) -> Result<(), Error> {
    unpin(&pins.link(hook, interface))
}

/// Puts a tc program into a pinned link.
pub(super) fn update_classifier(
    program: &mut SchedClassifier,
    pins: &Pins,
    hook: Hook,
    interface: &str,
) -> Result<(), Error> {
    let replacing = format!("replace the {hook} program of {interface}");
    let link = PinnedLink::from_pin(pins.link(hook, interface)).doing(&replacing)?;
    let link = FdLink::from(link).try_into().doing(&replacing)?;
    // Ours to keep no longer: the pin does.
    let updated = program
        .attach_to_link(link)
        .and_then(|id| program.take_link(id).map(drop));
    unless_severed(updated, pins, hook, interface)
}

/// Puts an XDP program into a pinned link.
pub(super) fn update_xdp(program: &mut Xdp, pins: &Pins, interface: &str) -> Result<(), Error> {
    let replacing = format!("replace the xdp program of {interface}");
    let link = PinnedLink::from_pin(pins.link(Hook::Xdp, interface)).doing(&replacing)?;
    let link = FdLink::from(link).try_into().doing(&replacing)?;
    let updated = program
        .attach_to_link(link)
        .and_then(|id| program.take_link(id).map(drop));
    unless_severed(updated, pins, Hook::Xdp, interface)
}

/// A link that hangs on nothing any more is no use: its interface is gone, or somebody detached it
/// (`tcx_link_update`, kernel/bpf/tcx.c; `bpf_xdp_link_update`, net/core/dev.c). If the interface
/// is still there, a new one is attached.
fn unless_severed(
    updated: Result<(), ProgramError>,
    pins: &Pins,
    hook: Hook,
    interface: &str,
) -> Result<(), Error> {
    match updated {
        Err(ProgramError::SyscallError(error)) if is(&error, Errno::ENOLINK) => {
            unpin(&pins.link(hook, interface))
        }
        other => other.doing(format_args!("replace the {hook} program of {interface}")),
    }
}

fn pin(pins: &Pins, hook: Hook, interface: &str, link: FdLink) -> Result<(), Error> {
    let path = pins.link(hook, interface);
    link.pin(&path)
        .doing(format_args!("pin {}", path.display()))?;
    Ok(())
}

fn pinned_classifier(pins: &Pins, hook: Hook) -> Result<SchedClassifier, Error> {
    let path = pins.program(hook);
    SchedClassifier::from_pin(&path).doing(format_args!("open {}", path.display()))
}

fn pinned_xdp(pins: &Pins) -> Result<Xdp, Error> {
    let path = pins.program(Hook::Xdp);
    Xdp::from_pin(&path, XdpAttachType::Interface).doing(format_args!("open {}", path.display()))
}

/// What a driver's refusal means, which the kernel tells only in the log that netlink has and links
/// have not. `None` for what is no refusal of a driver.
fn why(errno: Errno) -> Option<&'static str> {
    let reasons = [
        (Errno::EOPNOTSUPP, "its driver has none"),
        (Errno::ERANGE, "the MTU is too large for its driver"),
        (
            Errno::ENOSPC,
            "it has fewer receiving queues than the other end has sending ones",
        ),
    ];
    let mut reasons = reasons.into_iter();
    Some(reasons.find(|(of, _)| *of == errno)?.1)
}

/// An error down to its first cause.
fn said(error: &ProgramError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

fn errno(error: &SyscallError) -> Errno {
    Errno::from_raw(error.io_error.raw_os_error().unwrap_or_default())
}

fn is(error: &SyscallError, expected: Errno) -> bool {
    errno(error) == expected
}
