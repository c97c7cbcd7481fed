//! One command at a time changes what is ours on a machine, and nobody looks at it half-changed.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// Root's alone, so that nobody else can hold it; one for all nodes, which may share a pin root
/// and do share the names of namespaces. It stays, empty of meaning, until the machine restarts.
const PATH: &str = "/run/pseudobridge.lock";

/// How long another command may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Held until dropped, or until the process ends, however it does.
#[derive(Debug)]
pub(super) struct Lock {
    _held: Flock<File>,
}

impl Lock {
    /// Waits until no other command changes or looks.
    ///
    /// # Errors
    ///
    /// When another process, which is named, holds it for too long.
    pub(super) fn to_change() -> Result<Self> {
        let mut held = wait(FlockArg::LockExclusiveNonblock)?;
        let note = format!("{}\n", std::process::id());
        held.set_len(0)
            .and_then(|()| held.rewind())
            .and_then(|()| held.write_all(note.as_bytes()))
            .with_context(|| format!("cannot write {PATH}"))?;
        Ok(Self { _held: held })
    }

    /// Waits until no other command changes.
    ///
    /// # Errors
    ///
    /// As [`Lock::to_change`].
    pub(super) fn to_look() -> Result<Self> {
        let held = wait(FlockArg::LockSharedNonblock)?;
        Ok(Self { _held: held })
    }

    /// Does not wait: `None` while another command changes.
    ///
    /// # Errors
    ///
    /// When there can be no lock.
    pub(super) fn to_look_at_once() -> Result<Option<Self>> {
        match Flock::lock(open()?, FlockArg::LockSharedNonblock) {
            Ok(held) => Ok(Some(Self { _held: held })),
            Err((_, Errno::EWOULDBLOCK)) => Ok(None),
            Err((_, error)) => Err(error).with_context(|| format!("cannot lock {PATH}")),
        }
    }
}

fn open() -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(PATH)
        .with_context(|| format!("cannot open {PATH}"))
}

fn wait(how: FlockArg) -> Result<Flock<File>> {
    let mut file = open()?;
    let since = Instant::now();
    loop {
        match Flock::lock(file, how) {
            Ok(held) => return Ok(held),
            Err((back, Errno::EWOULDBLOCK)) if since.elapsed() < PATIENCE => {
                file = back;
                thread::sleep(Duration::from_millis(20));
            }
            Err((mut back, Errno::EWOULDBLOCK)) => {
                let mut holder = String::new();
                back.read_to_string(&mut holder)
                    .with_context(|| format!("cannot read {PATH}"))?;
                bail!(
                    "another pseudobridge (process {}) has been at work for {} s; wait for it, or \
                     end it",
                    holder.trim(),
                    PATIENCE.as_secs()
                );
            }
            Err((_, error)) => return Err(error).with_context(|| format!("cannot lock {PATH}")),
        }
    }
}
