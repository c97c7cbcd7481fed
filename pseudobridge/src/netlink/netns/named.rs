//! Named namespaces in `/run/netns`, as `ip netns` makes and finds them.
//!
//! A name is a file with a namespace mounted over it. [`create`] leaves, wherever it is cut
//! short, either nothing or a file that holds the owner's mark; a namespace becomes visible only
//! with that mark on its loopback interface. [`state`] tells these from other people's.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::{
        fd::AsRawFd as _,
        unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, Flock, FlockArg},
    libc::O_TMPFILE,
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
    sys::statfs::{NSFS_MAGIC, statfs},
    unistd::linkat,
};

use super::{CURRENT, NetNs, block_on, check_name, on_new_thread, within_async};
use crate::netlink::Error;

/// Where iproute2 keeps named namespaces (`NETNS_RUN_DIR`).
pub const DIRECTORY: &str = "/run/netns";

/// The loopback interface's index in every namespace (`LOOPBACK_IFINDEX` of net/flow.h).
const LOOPBACK: u32 = 1;

/// The longest alias (`IFALIASZ` of linux/if.h, less its end), and so the longest mark.
const MARK_MAX: usize = 255;

const NONE: Option<&Path> = None;

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing: the name is free.
    Absent,
    /// A namespace, with its loopback interface's alias: the owner's mark, if it has one.
    Namespace {
        /// The alias.
        alias: Option<String>,
    },
    /// No namespace: a file. With a line it is what a [`create`] that was cut short has left.
    File {
        /// Its content, if that is a single line that could be a mark.
        line: Option<String>,
    },
}

/// Makes a named namespace with `mark` as the alias of its loopback interface.
///
/// # Errors
///
/// [`is_exists`](Error::is_exists) if the name is taken, by anything. [`Error::Refused`] if a step
/// fails; the name is then free again.
pub fn create(name: &str, mark: &str) -> Result<NetNs, Error> {
    let path = path(name)?;
    let action = || format!("create the network namespace {name}");
    let fail = |error: Errno| Error::system(action(), error);
    if mark.len() > MARK_MAX || mark.contains(['\n', '\0']) {
        return Err(fail(Errno::EINVAL));
    }
    prepare_directory()?;
    make_mount_point(&path, mark).map_err(|error| Error::system(action(), error))?;
    let made = on_new_thread(action, || {
        unshare(CloneFlags::CLONE_NEWNET).map_err(fail)?;
        block_on(async |netlink| netlink.link_set_alias(LOOPBACK, mark).await)??;
        mount(Some(CURRENT), &path, NONE, MsFlags::MS_BIND, NONE).map_err(fail)
    });
    match made.and_then(|()| NetNs::open(&path)) {
        Ok(namespace) => Ok(namespace),
        Err(error) => {
            delete(name)?;
            Err(error)
        }
    }
}

/// Opens a named namespace.
///
/// # Errors
///
/// As [`NetNs::open`].
pub fn open(name: &str) -> Result<NetNs, Error> {
    NetNs::open(path(name)?)
}

/// Deletes a name: unmounts what is on it and removes the file. The namespace itself goes when
/// the last process, socket or mount in it does.
///
/// # Errors
///
/// [`is_missing`](Error::is_missing) if there is no such name.
pub fn delete(name: &str) -> Result<(), Error> {
    let path = path(name)?;
    let fail = |error| Error::system(format!("delete the network namespace {name}"), error);
    // More than one is there if the directory became a mount point of its own after this name.
    loop {
        match umount2(&path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW) {
            Ok(()) => {}
            Err(Errno::EINVAL) => break,
            Err(error) => return Err(fail(error.into())),
        }
    }
    fs::remove_file(&path).map_err(fail)
}

/// The names there are, sorted, whatever they stand for.
///
/// # Errors
///
/// If the directory cannot be read.
pub fn list() -> Result<Vec<String>, Error> {
    let fail = |error| Error::system(format!("list {DIRECTORY}"), error);
    let entries = match fs::read_dir(DIRECTORY) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(fail(error)),
    };
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(fail)?;
    names.sort_unstable();
    Ok(names)
}

/// What a name stands for.
///
/// # Errors
///
/// If it cannot be found out.
pub fn state(name: &str) -> Result<State, Error> {
    let path = path(name)?;
    let fail = |error| Error::system(format!("look at {}", path.display()), error);
    match statfs(&path) {
        Ok(filesystem) if filesystem.filesystem_type() == NSFS_MAGIC => {
            let lo = within_async(&NetNs::open(&path)?, async |netlink| {
                netlink.link_get("lo").await
            })??;
            Ok(State::Namespace {
                alias: lo.and_then(|lo| lo.alias),
            })
        }
        Ok(_) => Ok(State::File {
            line: mark_in(&path).map_err(fail)?,
        }),
        // A symbolic link that leads nowhere takes the name as well.
        Err(_) if path.is_symlink() => Ok(State::File { line: None }),
        Err(Errno::ENOENT) => Ok(State::Absent),
        Err(error) => Err(fail(error.into())),
    }
}

fn path(name: &str) -> Result<PathBuf, Error> {
    check_name("a network namespace", name)?;
    Ok(Path::new(DIRECTORY).join(name))
}

/// Makes the directory, and a shared mount of it, exactly as `ip netns add` does: namespaces
/// mounted and unmounted here are so for all mount namespaces that got the directory from this
/// one. Had we left that to a later `ip netns add`, our mounts would stay beneath its own.
fn prepare_directory() -> Result<(), Error> {
    let fail = |error| Error::system(format!("prepare {DIRECTORY}"), error);
    let directory = Path::new(DIRECTORY);
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(directory)
        .map_err(fail)?;
    // iproute2 takes the same lock, so that only one of us mounts.
    let lock = File::open(directory).map_err(fail)?;
    let _lock =
        Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, error)| fail(error.into()))?;
    let share = || {
        mount(
            NONE,
            directory,
            NONE,
            MsFlags::MS_SHARED | MsFlags::MS_REC,
            NONE,
        )
    };
    match share() {
        Err(Errno::EINVAL) => {
            let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
            mount(Some(directory), directory, NONE, bind, NONE)
                .and_then(|()| share())
                .map_err(|error| fail(error.into()))
        }
        result => result.map_err(|error| fail(error.into())),
    }
}

/// Makes the file with the mark in it, in one step: it has no name before it has its content.
fn make_mount_point(path: &Path, mark: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .custom_flags(O_TMPFILE)
        .mode(0o444)
        .open(DIRECTORY)?;
    writeln!(file, "{mark}")?;
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    linkat(
        AT_FDCWD,
        unnamed.as_str(),
        AT_FDCWD,
        path,
        AtFlags::AT_SYMLINK_FOLLOW,
    )?;
    Ok(())
}

/// The one line of a regular file, if that is all it holds.
fn mark_in(path: &Path) -> io::Result<Option<String>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Ok(None);
    }
    let mut content = Vec::new();
    File::open(path)?
        .take(MARK_MAX as u64 + 2)
        .read_to_end(&mut content)?;
    let line = String::from_utf8(content).ok().and_then(|content| {
        content
            .strip_suffix('\n')
            .filter(|line| !line.contains('\n'))
            .map(str::to_owned)
    });
    Ok(line)
}
