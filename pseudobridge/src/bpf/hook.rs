//! Where on an interface our programs hang.

use std::fmt;

use pseudobridge_common::abi;

/// A place for one of our programs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Hook {
    /// The tc ingress of a host-side veth.
    Tc,
    /// The XDP hook of a host-side veth, in front of its tc ingress.
    Xdp,
    /// The tc ingress of an uplink.
    Uplink,
}

/// Who runs an XDP program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum XdpMode {
    /// The driver, before there is a socket buffer.
    Native,
    /// The network stack, which every driver has.
    Generic,
}

impl Hook {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tc, Self::Xdp, Self::Uplink];

    /// Its word: the name of the program's pin, and what those of links begin with.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tc => "tc",
            Self::Xdp => "xdp",
            Self::Uplink => "uplink",
        }
    }

    /// Name of its program in the object.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::Tc => abi::programs::TC,
            Self::Xdp => abi::programs::XDP,
            Self::Uplink => abi::programs::UPLINK,
        }
    }

    /// Whose link a pin is, and of which interface, by the pin's name.
    pub(super) fn of_link(pin: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|hook| {
            let interface = pin.strip_prefix(hook.as_str())?.strip_prefix('-')?;
            Some((hook, interface))
        })
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for XdpMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Native => "native",
            Self::Generic => "generic",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_links_pin_names_its_hook_and_interface() {
        assert_eq!(Hook::of_link("tc-veth-a"), Some((Hook::Tc, "veth-a")));
        assert_eq!(Hook::of_link("xdp-tc-0"), Some((Hook::Xdp, "tc-0")));
        assert_eq!(Hook::of_link("uplink-eth0"), Some((Hook::Uplink, "eth0")));
        for other in ["tc", "tcx-eth0", "eth0", "-eth0"] {
            assert_eq!(Hook::of_link(other), None, "{other}");
        }
    }
}
