//! Network namespaces: entering them, and named ones as `ip netns` keeps them.
//!
//! Everything here blocks. Namespaces are entered by threads made for it and ended after it, so
//! no thread of a pool ever comes back in the wrong one.

use std::{
    fs::File,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    },
    panic::resume_unwind,
    path::{Path, PathBuf},
    thread,
};

use nix::{
    libc::O_NONBLOCK,
    sched::{CloneFlags, setns},
    sys::{
        socket::{AddressFamily, SockFlag, SockType, getsockopt, socket},
        statfs::{NSFS_MAGIC, fstatfs},
    },
};

use super::{Error, Netlink};

mod named;

pub use self::named::{DIRECTORY, State, create, delete, list, open, state};

/// The calling thread's own namespace, whichever it is.
const CURRENT: &str = "/proc/thread-self/ns/net";

/// An open network namespace. It lives as long as this value.
#[derive(Debug)]
pub struct NetNs {
    file: File,
    path: PathBuf,
    /// Device and inode in the nsfs: a namespace's identity as long as it lives.
    identity: (u64, u64),
}

impl NetNs {
    /// Opens the namespace that is mounted at `path`, or a process's (`/proc/PID/ns/net`).
    ///
    /// # Errors
    ///
    /// [`Error::NotNamespace`] if the path is something else, [`Error::Refused`] if it cannot be
    /// opened.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, Error> {
        let path = path.into();
        let action = || format!("open the network namespace {}", path.display());
        // A named pipe in its place would else be waited for.
        let file = File::options()
            .read(true)
            .custom_flags(O_NONBLOCK)
            .open(&path)
            .map_err(|error| Error::system(action(), error))?;
        let filesystem = fstatfs(&file).map_err(|error| Error::system(action(), error))?;
        if filesystem.filesystem_type() != NSFS_MAGIC {
            return Err(Error::NotNamespace {
                path: path.display().to_string(),
            });
        }
        let metadata = file
            .metadata()
            .map_err(|error| Error::system(action(), error))?;
        Ok(Self {
            file,
            path,
            identity: (metadata.dev(), metadata.ino()),
        })
    }

    /// Opens the namespace of the calling thread.
    ///
    /// # Errors
    ///
    /// If `/proc` is not mounted.
    pub fn current() -> Result<Self, Error> {
        Self::open(CURRENT)
    }

    /// The path it was opened by.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether both are the same namespace, by whatever paths they were opened.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.identity == other.identity
    }
}

impl AsFd for NetNs {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Runs `f` in the namespace, on a thread of its own, and waits for it.
///
/// # Errors
///
/// If the namespace cannot be entered: that takes `CAP_SYS_ADMIN`.
///
/// # Panics
///
/// If `f` does.
pub fn within<T: Send>(namespace: &NetNs, f: impl FnOnce() -> T + Send) -> Result<T, Error> {
    let action = || format!("enter the network namespace {}", namespace.path.display());
    on_new_thread(action, || {
        setns(namespace, CloneFlags::CLONE_NEWNET)
            .map_err(|error| Error::system(action(), error))?;
        Ok(f())
    })
}

/// Runs an asynchronous `f` in the namespace, with a connection to it, on a thread and a runtime
/// of their own, and waits for it. For netlink alone [`Netlink::open_in`] is cheaper; this is for
/// what must also *be* there, as reading sysctls.
///
/// # Errors
///
/// If the namespace cannot be entered, or a runtime or connection cannot be made.
///
/// # Panics
///
/// If `f` does.
pub fn within_async<T: Send>(
    namespace: &NetNs,
    f: impl AsyncFnOnce(Netlink) -> T + Send,
) -> Result<T, Error> {
    within(namespace, || block_on(f))?
}

/// Runs `f` with a connection to the calling thread's namespace.
fn block_on<T>(f: impl AsyncFnOnce(Netlink) -> T) -> Result<T, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|error| Error::system("start a runtime".into(), error))?;
    runtime.block_on(async { Ok(f(Netlink::open()?).await) })
}

fn on_new_thread<T: Send>(
    action: impl Fn() -> String,
    f: impl FnOnce() -> Result<T, Error> + Send,
) -> Result<T, Error> {
    thread::scope(|scope| {
        thread::Builder::new()
            .name("netns".into())
            .spawn_scoped(scope, f)
            .map_err(|error| Error::system(format!("start a thread to {}", action()), error))?
            .join()
            .unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// The cookie of the calling thread's namespace: a number that no other namespace has had since
/// the machine was started (`SO_NETNS_COOKIE`, Linux 5.14).
///
/// # Errors
///
/// On an older kernel, with `ENOPROTOOPT`.
pub fn cookie() -> Result<u64, Error> {
    let action = "get the network namespace's cookie";
    socket(
        AddressFamily::Unix,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    )
    .and_then(|socket| getsockopt(&socket, sockopt::NetNsCookie))
    .map_err(|error| Error::system(action.into(), error))
}

mod sockopt {
    use nix::{getsockopt_impl, libc, sockopt_impl};

    sockopt_impl!(
        NetNsCookie,
        GetOnly,
        libc::SOL_SOCKET,
        libc::SO_NETNS_COOKIE,
        u64
    );
}

/// Checks that a name is one component of a path, before it becomes part of one.
pub(super) fn check_name(role: &'static str, name: &str) -> Result<(), Error> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        return Err(Error::BadName {
            role,
            name: name.into(),
        });
    }
    Ok(())
}
