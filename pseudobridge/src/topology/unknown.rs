//! The word for what becomes of traffic to addresses that are nobody's.

use std::fmt;

/// What becomes of packets, ARP requests and neighbour solicitations for addresses of a network's
/// subnets that no pod has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Unknown {
    /// They are left to the kernel, which answers that there is no route.
    #[default]
    Kernel,
    /// They are dropped.
    Drop,
}

impl Unknown {
    /// Both, in the order in which errors list them.
    pub const ALL: &[Self] = &[Self::Kernel, Self::Drop];

    /// The word for it in the topology file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Drop => "drop",
        }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
