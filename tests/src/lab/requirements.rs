//! What the laboratory needs of the machine it runs on.

use std::env;
use std::process::Command;
use std::sync::OnceLock;

/// The commands that nodes and tests call, with the Debian package that brings each.
const TOOLS: &[(&str, &str)] = &[
    ("arping", "iputils-arping"),
    ("bpftool", "bpftool"),
    ("find", "findutils"),
    ("grep", "grep"),
    ("ip", "iproute2"),
    ("mount", "mount"),
    ("nsenter", "util-linux"),
    ("pgrep", "procps"),
    ("ping", "iputils-ping"),
    ("sed", "sed"),
    ("setpriv", "util-linux"),
    ("strace", "strace"),
    ("tc", "iproute2"),
    ("tcpdump", "tcpdump"),
    ("timeout", "coreutils"),
    ("unshare", "util-linux"),
];

/// Why no node can be made on this machine.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Missing {
    /// Namespaces, mounts and BPF are root's.
    #[error("not root: run the tests by `cargo xtask test`, which asks sudo where it must")]
    Root,
    /// Commands that are not on PATH, each with its package.
    #[error("not on PATH: {0}; install what is missing by `cargo xtask setup`")]
    Tools(String),
    /// Another program of the same name, with other options and other exit codes.
    #[error("`arping` is not that of iputils: `cargo xtask setup` installs iputils-arping")]
    Arping,
}

/// Looks for root and for every tool, once a process.
///
/// # Errors
/// [`Missing`], which names what is missing and the cure.
pub fn check() -> Result<(), Missing> {
    static FOUND: OnceLock<Result<(), Missing>> = OnceLock::new();
    FOUND.get_or_init(look).clone()
}

fn look() -> Result<(), Missing> {
    if !nix::unistd::geteuid().is_root() {
        return Err(Missing::Root);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = |tool: &str| env::split_paths(&path).any(|dir| dir.join(tool).is_file());
    let missing: Vec<String> = TOOLS
        .iter()
        .filter(|(tool, _)| !on_path(tool))
        .map(|(tool, package)| format!("{tool} (package {package})"))
        .collect();
    if !missing.is_empty() {
        return Err(Missing::Tools(missing.join(", ")));
    }
    let version = Command::new("arping")
        .arg("-V")
        .output()
        .map_err(|_| Missing::Arping)?;
    if !String::from_utf8_lossy(&version.stdout).contains("iputils") {
        return Err(Missing::Arping);
    }
    Ok(())
}
