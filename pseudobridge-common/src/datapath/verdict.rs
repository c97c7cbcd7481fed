//! What a decision comes to.

use crate::abi::Reason;

/// What is to be done with a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// Hand it, untouched, to the kernel's own path.
    Punt,
    /// End it here.
    Drop,
    /// Send it back out of the interface that it came in by: it has become the answer.
    Reply,
    /// Put it into the pod behind this host-side veth.
    Redirect {
        /// Index of the host-side veth of the target.
        ifindex: u32,
    },
}

/// A verdict, and why.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Decision {
    /// What is to be done.
    pub verdict: Verdict,
    /// Why, for the counters.
    pub reason: Reason,
}

impl Decision {
    /// Leave it to the kernel.
    #[inline(always)]
    #[must_use]
    pub const fn punt(reason: Reason) -> Self {
        Self {
            verdict: Verdict::Punt,
            reason,
        }
    }

    /// Forbid it.
    #[inline(always)]
    #[must_use]
    pub const fn drop(reason: Reason) -> Self {
        Self {
            verdict: Verdict::Drop,
            reason,
        }
    }

    /// Answer it.
    #[inline(always)]
    #[must_use]
    pub const fn reply(reason: Reason) -> Self {
        Self {
            verdict: Verdict::Reply,
            reason,
        }
    }

    /// Deliver it.
    #[inline(always)]
    #[must_use]
    pub const fn redirect(ifindex: u32, reason: Reason) -> Self {
        Self {
            verdict: Verdict::Redirect { ifindex },
            reason,
        }
    }
}
