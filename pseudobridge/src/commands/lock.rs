//! One command at a time changes a node.

use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use nix::sys::socket::{getsockopt, sockopt};

/// An abstract socket address: it belongs to the network namespace, as a node does, and is free
/// again as soon as its holder ends, however it ends.
const NAME: &str = "pseudobridge";

/// How long another command may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Held by the command that changes the node, until dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _held: UnixListener,
}

impl Lock {
    /// Waits for the node to be ours alone.
    ///
    /// # Errors
    ///
    /// When another process, which is named, holds it for too long.
    pub(super) fn take() -> Result<Self> {
        let address = SocketAddr::from_abstract_name(NAME)?;
        let since = Instant::now();
        loop {
            match UnixListener::bind_addr(&address) {
                Ok(held) => return Ok(Self { _held: held }),
                Err(error) if error.kind() != ErrorKind::AddrInUse => {
                    return Err(error).context("cannot lock the node");
                }
                Err(_) if since.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(20)),
                Err(_) => bail!(
                    "{} has been changing this node for {} s; wait for it, or end it",
                    holder(&address),
                    PATIENCE.as_secs()
                ),
            }
        }
    }
}

/// Who listens at the address.
fn holder(address: &SocketAddr) -> String {
    let peer = UnixStream::connect_addr(address)
        .map_err(anyhow::Error::from)
        .and_then(|stream| Ok(getsockopt(&stream, sockopt::PeerCredentials)?));
    match peer {
        Ok(peer) => format!("process {}", peer.pid()),
        Err(_) => "another process".to_owned(),
    }
}
