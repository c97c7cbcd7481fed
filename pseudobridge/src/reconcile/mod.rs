//! From what is to what shall be: observe, plan, apply.
//!
//! There is no state but the kernel's. [`observe`] reads it, [`Plan`] compares it with the desired
//! state without touching anything, [`apply`] does the steps of the plan one after another. Each
//! step is complete or absent when a process is killed, so that the next observation understands
//! whatever is left, and the next plan goes on from there.

mod apply;
mod bpf_state;
mod changes;
mod conflict;
mod desired;
pub mod identity;
mod networks;
mod observe;
mod plan;
mod step;
mod sysctls;
#[cfg(test)]
mod tests;

pub use apply::apply;
pub use conflict::{Conflict, Conflicts};
pub use desired::DesiredPod;
pub use identity::PROTOCOL;
pub use observe::{Inside, Namespace, Observed, ObservedPod, observe};
pub use plan::{Plan, down, switch, up};
pub use step::{Change, InnerChange, Step};

/// Why the node could not be observed or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that is not ours stands where ours shall be.
    #[error(transparent)]
    Conflicts(#[from] Conflicts),

    /// Links, addresses, routes, namespaces or sysctls.
    #[error(transparent)]
    Netlink(#[from] crate::netlink::Error),

    /// Programs, maps and pins.
    #[error(transparent)]
    Bpf(#[from] crate::bpf::Error),

    /// A pod of ours lacks something that only `up` can know.
    #[error("pod {pod} has lost its {what}; run `pseudobridge up` to mend it")]
    Incomplete {
        /// The pod.
        pod: String,
        /// What is missing.
        what: &'static str,
    },
}
