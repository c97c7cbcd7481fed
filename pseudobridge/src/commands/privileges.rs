//! Which privileges a command takes.

use anyhow::{Context as _, Result, bail};
use caps::{CapSet, Capability};

/// What each privilege is for.
const NEEDED: [(Capability, &str); 4] = [
    (Capability::CAP_NET_ADMIN, "links, routes and programs"),
    (Capability::CAP_BPF, "BPF maps and programs"),
    (Capability::CAP_SYS_ADMIN, "pods' network namespaces"),
    (Capability::CAP_NET_RAW, "the verification's packets"),
];

/// Makes sure that this process may do what the command is about to do.
///
/// # Errors
///
/// One line that names the privileges that are missing, and the cure.
pub(super) fn require() -> Result<()> {
    let held =
        caps::read(None, CapSet::Effective).context("cannot read this process's privileges")?;
    let missing = NEEDED.iter().filter(|(needed, _)| !held.contains(needed));
    let missing: Vec<_> = missing
        .map(|(capability, purpose)| format!("{capability} ({purpose})"))
        .collect();
    if !missing.is_empty() {
        bail!(
            "missing privilege: {}; run it as root, for example by sudo",
            missing.join(", ")
        );
    }
    Ok(())
}
