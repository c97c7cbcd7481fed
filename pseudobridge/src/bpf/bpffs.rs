//! The BPF filesystem that pins live on.
//!
//! It belongs to a mount namespace, whereas a node is a network namespace. `ip netns exec` enters
//! both, the mount namespace being one that ends with the command: pins made there are lost. So a
//! missing bpffs is mounted only where nothing tells that the mount namespace is a passing one.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statfs::{BPF_FS_MAGIC, statfs};
use nix::unistd::getppid;
use procfs::process::{MountInfo, Process};

use super::error::Doing as _;
use super::pins::INCOMPLETE;
use super::{Error, Pins};

/// Where a BPF filesystem is by convention.
const CONVENTIONAL: &str = "/sys/fs/bpf";

/// The source we give a mount of our own, by which `down` knows it again.
const SOURCE: &str = "pseudobridge";

/// What the kernel itself puts on every BPF filesystem (kernel/bpf/preload).
const PRELOADED: [&str; 2] = ["maps.debug", "progs.debug"];

/// Whether pins can be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Bpffs {
    /// A BPF filesystem is mounted above the pin root.
    Mounted,
    /// None is, and one may be mounted at this place.
    Missing(PathBuf),
}

/// Looks for the BPF filesystem above `root`.
///
/// # Errors
///
/// [`Error::NotBpffs`] and [`Error::BadName`] where the pin root cannot lie on one, [`Error::PassingMountNamespace`] where
/// one is missing and must not be mounted.
pub fn find(root: &Path) -> Result<Bpffs, Error> {
    let root = root.to_owned();
    let (Some(parent), Some(name)) = (root.parent(), root.file_name()) else {
        return Err(Error::NotBpffs { root });
    };
    // "Dots in names are reserved" (`bpf_lookup`, kernel/bpf/inode.c).
    let name = name.as_encoded_bytes();
    if name.contains(&b'.') || name.ends_with(INCOMPLETE.as_bytes()) {
        return Err(Error::BadName { root });
    }
    if is_bpffs(parent)? {
        return Ok(Bpffs::Mounted);
    }
    let mount_point = Path::new(CONVENTIONAL);
    if parent != mount_point {
        return Err(Error::NotBpffs { root });
    }
    if mount_namespace_is_passing()? {
        return Err(Error::PassingMountNamespace {
            mount_point: mount_point.to_owned(),
            command: command_that_works()?,
        });
    }
    Ok(Bpffs::Missing(mount_point.to_owned()))
}

/// Mounts a BPF filesystem.
///
/// # Errors
///
/// What mount(2) says.
pub fn mount_at(mount_point: &Path) -> Result<(), Error> {
    mount(
        Some(SOURCE),
        mount_point,
        Some("bpf"),
        MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC,
        Some("mode=700"),
    )
    .doing(format_args!(
        "mount a BPF filesystem at {}",
        mount_point.display()
    ))
}

/// The mount that we made, if nothing but our own pins is on it.
///
/// # Errors
///
/// When the mount table or the mount cannot be read.
pub fn ours_alone(pins: &Pins) -> Result<Option<PathBuf>, Error> {
    let ours = mounts()?.into_iter().find(|mount| {
        mount.fs_type == "bpf"
            && mount.mount_source.as_deref() == Some(SOURCE)
            && mount.mount_point == Path::new(CONVENTIONAL)
    });
    let Some(ours) = ours else {
        return Ok(None);
    };
    let reading = format!("read {}", ours.mount_point.display());
    for entry in fs::read_dir(&ours.mount_point).doing(&reading)? {
        let path = entry.doing(&reading)?.path();
        let is_preloaded = PRELOADED.iter().any(|name| path.ends_with(name));
        if !is_preloaded && path != pins.root() && path != pins.incomplete().root() {
            return Ok(None);
        }
    }
    Ok(Some(ours.mount_point))
}

/// Takes a mount away.
///
/// # Errors
///
/// What umount(2) says.
pub fn unmount(mount_point: &Path) -> Result<(), Error> {
    umount2(mount_point, MntFlags::empty()).doing(format_args!(
        "unmount the BPF filesystem at {}",
        mount_point.display()
    ))
}

fn is_bpffs(path: &Path) -> Result<bool, Error> {
    match statfs(path) {
        Ok(stat) => Ok(stat.filesystem_type() == BPF_FS_MAGIC),
        Err(nix::Error::ENOENT) => Ok(false),
        Err(error) => Err(error).doing(format_args!("look at {}", path.display())),
    }
}

fn mounts() -> Result<Vec<MountInfo>, Error> {
    let table = Process::myself().and_then(|process| process.mountinfo());
    Ok(table.doing("read the mount table")?.0)
}

/// Tells by process 1, or, where that cannot be looked at, by a second sysfs over /sys. When
/// nothing tells, it is not.
fn mount_namespace_is_passing() -> Result<bool, Error> {
    let ours = fs::metadata("/proc/self/ns/mnt");
    let initial = fs::metadata("/proc/1/ns/mnt");
    if let (Ok(ours), Ok(initial)) = (ours, initial) {
        return Ok((ours.dev(), ours.ino()) != (initial.dev(), initial.ino()));
    }
    let over_sys = mounts()?
        .iter()
        .filter(|mount| mount.fs_type == "sysfs" && mount.mount_point == Path::new("/sys"))
        .count();
    Ok(over_sys > 1)
}

/// How to start in this network namespace without a mount namespace of one's own.
fn command_that_works() -> Result<String, Error> {
    let looking = "look at this network namespace";
    let ours = fs::metadata("/proc/self/ns/net").doing(looking)?;
    // Of the caller, which is still there when this process is not.
    let mut path = format!("/proc/{}/ns/net", getppid());
    let named = match fs::read_dir("/run/netns") {
        Ok(named) => Some(named),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).doing(looking),
    };
    for entry in named.into_iter().flatten() {
        let entry = entry.doing(looking)?;
        // A name that leads nowhere is not that of this namespace.
        let Ok(theirs) = fs::metadata(entry.path()) else {
            continue;
        };
        if (theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino()) {
            path = entry.path().display().to_string();
        }
    }
    let arguments: Vec<_> = std::env::args().collect();
    Ok(format!("nsenter --net={path} {}", arguments.join(" ")))
}
