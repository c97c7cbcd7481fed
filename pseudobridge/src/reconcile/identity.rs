//! By what we know our own: link group, route protocol, alias, mark and hardware addresses.
//!
//! - Every host-side veth is in the link group [`GROUP`] and bears an alias, [`Owner`].
//! - Every route that we add has the protocol number [`PROTOCOL`].
//! - The loopback interface of every namespace that we create bears a [`Mark`] as its alias.
//! - A link can get its alias only after it was made. Until then its group and its hardware
//!   address, which follows from its name, tell whose it is.

use std::fmt;
use std::str::FromStr;

/// Link group of our host-side veths: "pb".
pub const GROUP: u32 = 0x7062;

/// Protocol number of our routes (`rtm_protocol`): "p". Free in iproute2's list and in FRR's.
pub const PROTOCOL: u8 = 112;

/// What the schemas begin with; the number is theirs.
const SCHEMA: &str = "pseudobridge/1";

/// Who a host-side veth belongs to; its alias.
///
/// `pseudobridge/1 network=NAME pod=NAME netns=NAME origin=created`
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owner {
    /// The network's name.
    pub network: String,
    /// The pod's name.
    pub pod: String,
    /// The name of the pod's network namespace.
    pub netns: String,
}

/// By whom a namespace was created, and under which name; the alias of its loopback interface.
///
/// `pseudobridge/1 node=COOKIE netns=NAME`
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mark {
    /// Cookie of the node's network namespace: names of namespaces are shared by nodes.
    pub node: u64,
    /// Its name: another one, as `ip netns attach` gives, is not ours.
    pub netns: String,
}

/// The text is not of our schema.
#[derive(Debug, thiserror::Error)]
#[error("not an alias of pseudobridge")]
pub struct NotOurs;

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            network,
            pod,
            netns,
        } = self;
        write!(
            f,
            "{SCHEMA} network={network} pod={pod} netns={netns} origin=created"
        )
    }
}

impl FromStr for Owner {
    type Err = NotOurs;

    fn from_str(alias: &str) -> Result<Self, NotOurs> {
        let [network, pod, netns, origin] =
            fields(alias, ["network=", "pod=", "netns=", "origin="])?;
        if origin != "created" {
            return Err(NotOurs);
        }
        Ok(Self {
            network,
            pod,
            netns,
        })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, netns } = self;
        write!(f, "{SCHEMA} node={node} netns={netns}")
    }
}

impl FromStr for Mark {
    type Err = NotOurs;

    fn from_str(alias: &str) -> Result<Self, NotOurs> {
        let [node, netns] = fields(alias, ["node=", "netns="])?;
        let node = node.parse().map_err(|_| NotOurs)?;
        Ok(Self { node, netns })
    }
}

/// The values of exactly these keys, in this order, after the schema.
fn fields<const N: usize>(alias: &str, keys: [&str; N]) -> Result<[String; N], NotOurs> {
    let mut words = alias.split(' ');
    if words.next() != Some(SCHEMA) {
        return Err(NotOurs);
    }
    let mut values = [const { String::new() }; N];
    for (key, value) in keys.into_iter().zip(&mut values) {
        let word = words.next().and_then(|word| word.strip_prefix(key));
        word.ok_or(NotOurs)?.clone_into(value);
    }
    match words.next() {
        None => Ok(values),
        Some(_) => Err(NotOurs),
    }
}

/// The hardware address of a host-side veth: the same whenever the pod is made anew, so that
/// nobody's neighbour entry for the gateway goes stale.
#[must_use]
pub fn host_mac(interface: &str) -> [u8; 6] {
    mac(&["host", interface])
}

/// The hardware address of a pod's end.
#[must_use]
pub fn pod_mac(interface: &str, pod_interface: &str) -> [u8; 6] {
    mac(&["pod", interface, pod_interface])
}

/// A locally administered unicast address from 40 bits of a hash.
fn mac(parts: &[&str]) -> [u8; 6] {
    let mut address = [0x0a; 6];
    address[1..].copy_from_slice(&fnv1a(parts).to_be_bytes()[3..]);
    address
}

/// FNV-1a, 64 bits: fixed for all time, unlike the standard library's hashes.
fn fnv1a(parts: &[&str]) -> u64 {
    let bytes = parts
        .iter()
        .flat_map(|part| part.bytes().chain(std::iter::once(0)));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner() -> Owner {
        Owner {
            network: "default".to_owned(),
            pod: "ns1".to_owned(),
            netns: "ns1".to_owned(),
        }
    }

    #[test]
    fn an_owner_survives_the_kernel() {
        let alias = "pseudobridge/1 network=default pod=ns1 netns=ns1 origin=created";
        assert_eq!(owner().to_string(), alias);
        assert_eq!(alias.parse::<Owner>().unwrap(), owner());
    }

    #[test]
    fn a_mark_survives_the_kernel() {
        let mark = Mark {
            node: 4097,
            netns: "ns1".to_owned(),
        };
        let alias = "pseudobridge/1 node=4097 netns=ns1";
        assert_eq!(mark.to_string(), alias);
        assert_eq!(alias.parse::<Mark>().unwrap(), mark);
    }

    #[test]
    fn other_aliases_are_not_ours() {
        for alias in [
            "",
            "uplink to rack 4",
            "pseudobridge/2 network=default pod=ns1 netns=ns1 origin=created",
            "pseudobridge/1 network=default pod=ns1 netns=ns1",
            "pseudobridge/1 network=default pod=ns1 netns=ns1 origin=created more",
            "pseudobridge/1 pod=ns1 network=default netns=ns1 origin=created",
            "pseudobridge/1 network=default pod=ns1 netns=ns1 origin=found",
        ] {
            assert!(alias.parse::<Owner>().is_err(), "{alias:?}");
            assert!(alias.parse::<Mark>().is_err(), "{alias:?}");
        }
    }

    #[test]
    fn the_longest_names_fit_an_alias() {
        let name = "n".repeat(crate::topology::MAX_NAME);
        let owner = Owner {
            network: name.clone(),
            pod: name.clone(),
            netns: name.clone(),
        };
        let mark = Mark {
            node: u64::MAX,
            netns: name,
        };
        // IFALIASZ of linux/if.h, less the terminating zero.
        assert!(owner.to_string().len() <= 255, "{owner}");
        assert!(mark.to_string().len() <= 255, "{mark}");
    }

    #[test]
    fn hardware_addresses_are_stable_local_and_distinct() {
        let addresses = [
            host_mac("veth-ns1"),
            host_mac("veth-ns2"),
            pod_mac("veth-ns1", "veth-ns1-pod"),
            pod_mac("veth-ns2", "veth-ns1-pod"),
        ];
        for (index, address) in addresses.iter().enumerate() {
            assert_eq!(address[0] & 0b11, 0b10, "local, not a group");
            assert!(!addresses[..index].contains(address));
        }
        assert_eq!(addresses[0], host_mac("veth-ns1"));
    }
}
