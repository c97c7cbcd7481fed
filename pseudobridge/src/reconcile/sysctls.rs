//! The sysctls of a host-side veth.

use std::path::Path;

use crate::netlink::{Error, sysctl};

/// The smallest MTU in bytes with which the kernel keeps IPv6 on an interface (RFC 8200,
/// section 5; `addrconf_notify` of net/ipv6/addrconf.c).
pub(super) const IPV6_MIN_MTU: u32 = 1280;

/// A sysctl of one interface: `net.FAMILY.KIND.INTERFACE.KEY`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Setting {
    /// `ipv4` or `ipv6`.
    pub family: &'static str,
    /// `conf` or `neigh`.
    pub kind: &'static str,
    /// The last part of the key.
    pub key: &'static str,
    /// What it shall be.
    pub value: &'static str,
}

const fn conf(family: &'static str, key: &'static str, value: &'static str) -> Setting {
    Setting {
        family,
        kind: "conf",
        key,
        value,
    }
}

/// In the order in which they are written: what shuts the node off from the pod comes before what
/// opens it.
pub(super) const SETTINGS: [Setting; 13] = [
    // The network is IPv4: nothing that a pod sends shall give the node addresses or routes.
    conf("ipv6", "disable_ipv6", "1"),
    conf("ipv6", "accept_ra", "0"),
    conf("ipv6", "autoconf", "0"),
    conf("ipv6", "accept_redirects", "0"),
    conf("ipv4", "accept_redirects", "0"),
    // A pod's neighbour is always the gateway: there is no shorter way to point out.
    conf("ipv4", "send_redirects", "0"),
    conf("ipv4", "rp_filter", "1"),
    // Would answer for the pod's own address, and so break its duplicate detection.
    conf("ipv4", "proxy_arp_pvlan", "0"),
    // Proxy ARP is refused between devices of one medium (`arp_fwd_proxy`, net/ipv4/arp.c).
    conf("ipv4", "medium_id", "0"),
    conf("ipv4", "proxy_arp", "1"),
    // Else every first answer waits up to 0.8 s (`pneigh_enqueue`, net/core/neighbour.c).
    Setting {
        family: "ipv4",
        kind: "neigh",
        key: "proxy_delay",
        value: "0",
    },
    conf("ipv4", "arp_ignore", "0"),
    conf("ipv4", "forwarding", "1"),
];

impl Setting {
    /// What it is now; `None` where the interface has no such family.
    ///
    /// The calling thread must be in the node's network namespace.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn read(&self, interface: &str) -> Result<Option<String>, Error> {
        match sysctl::read(&self.path(interface)) {
            Err(Error::NoSysctl { .. }) if self.family_is_absent(interface) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Sets it.
    ///
    /// The calling thread must be in the node's network namespace.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(&self, interface: &str) -> Result<(), Error> {
        match sysctl::write(&self.path(interface), self.value) {
            Err(Error::NoSysctl { .. }) if self.family_is_absent(interface) => Ok(()),
            other => other,
        }
    }

    /// As sysctl(8) takes it, with `interface` in place.
    #[must_use]
    pub fn describe(&self, interface: &str) -> String {
        format!("{} = {}", self.path(interface).join("."), self.value)
    }

    fn path<'a>(&self, interface: &'a str) -> [&'a str; 5] {
        ["net", self.family, self.kind, interface, self.key]
    }

    /// There is no IPv6 on an interface whose MTU is below [`IPV6_MIN_MTU`], nor on any where the
    /// kernel was booted without it.
    fn family_is_absent(&self, interface: &str) -> bool {
        let family = Path::new("/proc/sys/net/ipv6/conf").join(interface);
        self.family == "ipv6" && !family.exists()
    }
}
