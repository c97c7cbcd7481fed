//! Which privileges a command takes.

use anyhow::{Context as _, Result, bail};
use caps::{CapSet, Capability};

/// A privilege, and what it is for.
type Privilege = (Capability, &'static str);

const NET_ADMIN: Privilege = (Capability::CAP_NET_ADMIN, "links, routes and programs");
const BPF: Privilege = (Capability::CAP_BPF, "BPF maps and programs");
const SYS_ADMIN: Privilege = (Capability::CAP_SYS_ADMIN, "pods' network namespaces");
const NET_RAW: Privilege = (Capability::CAP_NET_RAW, "the verification's packets");

/// What it takes to see what there is.
pub(super) const LOOK: [Privilege; 3] = [NET_ADMIN, BPF, SYS_ADMIN];

/// What it takes to change it, and to verify that.
pub(super) const CHANGE: [Privilege; 4] = [NET_ADMIN, BPF, SYS_ADMIN, NET_RAW];

/// Makes sure that this process may do what the command is about to do.
///
/// # Errors
///
/// One line that names the privileges that are missing, and the cure.
pub(super) fn require(needed: &[Privilege]) -> Result<()> {
    let held =
        caps::read(None, CapSet::Effective).context("cannot read this process's privileges")?;
    let missing = needed.iter().filter(|(needed, _)| !held.contains(needed));
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
