//! What a decision comes to.

use crate::abi::{Pod, Reason, SAME_NAMESPACE};

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
    /// Send it out of this device: a host-side veth whose pod is in the node's own namespace, or an
    /// uplink.
    Transmit {
        /// Index of the device.
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

    /// Deliver it to a pod.
    #[inline(always)]
    #[must_use]
    pub const fn redirect(pod: &Pod, reason: Reason) -> Self {
        let ifindex = pod.ifindex;
        let verdict = if pod.flags & SAME_NAMESPACE == 0 {
            Verdict::Redirect { ifindex }
        } else {
            Verdict::Transmit { ifindex }
        };
        Self { verdict, reason }
    }

    /// Send it out of a device.
    #[inline(always)]
    #[must_use]
    pub const fn transmit(ifindex: u32, reason: Reason) -> Self {
        Self {
            verdict: Verdict::Transmit { ifindex },
            reason,
        }
    }

    /// Punt or drop, as the network has it, what is for nobody.
    #[inline(always)]
    #[must_use]
    pub(super) const fn unknown(drop: bool, punted: Reason, dropped: Reason) -> Self {
        if drop {
            Self::drop(dropped)
        } else {
            Self::punt(punted)
        }
    }
}
