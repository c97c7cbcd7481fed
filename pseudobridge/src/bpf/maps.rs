//! The pinned maps that the loader fills.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::xdp::XdpMapError;
use aya::maps::{Array, DevMapHash, HashMap, Map, MapData, MapError};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use pseudobridge_common::abi::{self, Allowed, Meta, Network, Pod, Port};
use pseudobridge_common::wire::{Ipv4Address, Ipv6Address};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::error::Doing as _;
use super::{Error, Pins, shape};

/// A map value of the ABI, as aya wants it.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(super) struct Plain<T>(pub(super) T);

// SAFETY: any bytes are a `T` (`FromBytes`), and a `T` has no padding to leak (`IntoBytes`).
unsafe impl<T: FromBytes + IntoBytes + Immutable + Copy + 'static> aya::Pod for Plain<T> {}

/// The maps of one node.
pub struct Maps {
    pods_v4: HashMap<MapData, Ipv4Address, Plain<Pod>>,
    pods_v6: HashMap<MapData, Ipv6Address, Plain<Pod>>,
    ports: HashMap<MapData, u32, Plain<Port>>,
    targets: DevMapHash<MapData>,
    networks_v4: LpmTrie<MapData, Ipv4Address, Plain<Network>>,
    networks_v6: LpmTrie<MapData, Ipv6Address, Plain<Network>>,
    allowed: HashMap<MapData, Plain<Allowed>, u32>,
    max_pods: u32,
}

/// All that the maps say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Entries {
    /// How each address is reached.
    pub pods: BTreeMap<IpAddr, Pod>,
    /// Who sends by each host-side veth, by its index.
    pub ports: BTreeMap<u32, Port>,
    /// The host-side veths that may be redirected to, by index.
    pub targets: Vec<u32>,
    /// Who each subnet belongs to.
    pub networks: BTreeMap<IpNet, Network>,
    /// Which network may send to which other: from, to.
    pub allowed: BTreeSet<(Ipv4Addr, Ipv4Addr)>,
}

impl Maps {
    /// Opens the pinned maps.
    ///
    /// # Errors
    ///
    /// When one is missing, or is not of the type and sizes that it must be of.
    pub fn open(pins: &Pins) -> Result<Self, Error> {
        Ok(Self {
            pods_v4: open(pins, abi::maps::PODS_V4, HashMap::try_from)?,
            pods_v6: open(pins, abi::maps::PODS_V6, HashMap::try_from)?,
            ports: open(pins, abi::maps::PORTS, HashMap::try_from)?,
            targets: open(pins, abi::maps::TARGETS, DevMapHash::try_from)?,
            networks_v4: open(pins, abi::maps::NETWORKS_V4, LpmTrie::try_from)?,
            networks_v6: open(pins, abi::maps::NETWORKS_V6, LpmTrie::try_from)?,
            allowed: open(pins, abi::maps::ALLOWED, HashMap::try_from)?,
            max_pods: max_pods(pins)?,
        })
    }

    /// Reads all of them.
    ///
    /// # Errors
    ///
    /// When the kernel will not let them be read, or what is in them is none of our doing.
    pub fn entries(&self) -> Result<Entries, Error> {
        let pods_v4 = read(abi::maps::PODS_V4, self.pods_v4.iter())?;
        let pods_v4 = pods_v4.map(|(address, pod)| (Ipv4Addr::from(address).into(), pod.0));
        let pods_v6 = read(abi::maps::PODS_V6, self.pods_v6.iter())?;
        let pods_v6 = pods_v6.map(|(address, pod)| (Ipv6Addr::from(address).into(), pod.0));
        let ports = read(abi::maps::PORTS, self.ports.iter())?;
        let mut networks = BTreeMap::new();
        for (key, network) in read(abi::maps::NETWORKS_V4, self.networks_v4.iter())? {
            let subnet = subnet(abi::maps::NETWORKS_V4, Ipv4Addr::from(key.data()), &key)?;
            networks.insert(subnet, network.0);
        }
        for (key, network) in read(abi::maps::NETWORKS_V6, self.networks_v6.iter())? {
            let subnet = subnet(abi::maps::NETWORKS_V6, Ipv6Addr::from(key.data()), &key)?;
            networks.insert(subnet, network.0);
        }
        let allowed = read(abi::maps::ALLOWED, self.allowed.iter())?;
        let allowed = allowed.map(|(pair, _)| (pair.0.from.into(), pair.0.to.into()));
        Ok(Entries {
            pods: pods_v4.chain(pods_v6).collect(),
            ports: ports.map(|(ifindex, port)| (ifindex, port.0)).collect(),
            targets: self
                .targets
                .keys()
                .collect::<Result<_, _>>()
                .doing(format_args!("read the map {}", abi::maps::TARGETS))?,
            networks,
            allowed: allowed.collect(),
        })
    }

    /// Makes a pod known: as a target, as a sender, and, last, by its addresses.
    ///
    /// The calling thread must be in the node's network namespace: the kernel looks up devices
    /// there.
    ///
    /// # Errors
    ///
    /// [`Error::MapFull`], or what the kernel says.
    pub fn insert(&mut self, addresses: &[IpAddr], pod: Pod, port: Port) -> Result<(), Error> {
        self.insert_target(pod.ifindex)?;
        self.insert_port(pod.ifindex, port)?;
        let mut addresses = addresses.iter();
        addresses.try_for_each(|address| self.insert_pod(*address, pod))
    }

    /// Makes a host-side veth known as a target.
    pub(super) fn insert_target(&mut self, ifindex: u32) -> Result<(), Error> {
        let name = abi::maps::TARGETS;
        let inserted = self.targets.insert(ifindex, ifindex, None, 0);
        inserted.map_err(|error| match error {
            XdpMapError::MapError(error) => self.full_of_pods(name, error),
            other @ XdpMapError::ChainedProgramNotSupported => {
                Error::failed(format_args!("fill the map {name}"), other)
            }
        })
    }

    /// Makes a host-side veth known as a sender.
    pub(super) fn insert_port(&mut self, ifindex: u32, port: Port) -> Result<(), Error> {
        let inserted = self.ports.insert(ifindex, Plain(port), 0);
        inserted.map_err(|error| self.full_of_pods(abi::maps::PORTS, error))
    }

    /// Makes a pod known by an address.
    pub(super) fn insert_pod(&mut self, address: IpAddr, pod: Pod) -> Result<(), Error> {
        let (name, inserted) = match address {
            IpAddr::V4(address) => (
                abi::maps::PODS_V4,
                self.pods_v4.insert(address.octets(), Plain(pod), 0),
            ),
            IpAddr::V6(address) => (
                abi::maps::PODS_V6,
                self.pods_v6.insert(address.octets(), Plain(pod), 0),
            ),
        };
        inserted.map_err(|error| self.full_of_pods(name, error))
    }

    /// Forgets an address.
    ///
    /// # Errors
    ///
    /// What the kernel says; an address that is not there is fine.
    pub fn remove_address(&mut self, address: IpAddr) -> Result<(), Error> {
        let (name, removed) = match address {
            IpAddr::V4(address) => (abi::maps::PODS_V4, self.pods_v4.remove(&address.octets())),
            IpAddr::V6(address) => (abi::maps::PODS_V6, self.pods_v6.remove(&address.octets())),
        };
        unless_missing(removed).doing(format_args!("remove {address} from the map {name}"))
    }

    /// Forgets a host-side veth, as a sender and as a target.
    ///
    /// # Errors
    ///
    /// What the kernel says; one that is not there is fine.
    pub fn remove_port(&mut self, ifindex: u32) -> Result<(), Error> {
        unless_missing(self.ports.remove(&ifindex)).doing(format_args!(
            "remove {ifindex} from the map {}",
            abi::maps::PORTS
        ))?;
        unless_missing(self.targets.remove(ifindex)).doing(format_args!(
            "remove {ifindex} from the map {}",
            abi::maps::TARGETS
        ))
    }

    /// Says who a subnet belongs to.
    ///
    /// # Errors
    ///
    /// [`Error::MapFull`], or what the kernel says.
    pub fn insert_network(&mut self, subnet: IpNet, network: Network) -> Result<(), Error> {
        let network = Plain(network);
        let (name, inserted) = match subnet {
            IpNet::V4(subnet) => (
                abi::maps::NETWORKS_V4,
                self.networks_v4.insert(&key_v4(subnet), network, 0),
            ),
            IpNet::V6(subnet) => (
                abi::maps::NETWORKS_V6,
                self.networks_v6.insert(&key_v6(subnet), network, 0),
            ),
        };
        let cure = "take a network away first";
        inserted.map_err(|error| refused(name, abi::MAX_NETWORKS, cure, error))
    }

    /// Forgets who a subnet belongs to.
    ///
    /// # Errors
    ///
    /// What the kernel says; a subnet that is not there is fine.
    pub fn remove_network(&mut self, subnet: IpNet) -> Result<(), Error> {
        let (name, removed) = match subnet {
            IpNet::V4(subnet) => (
                abi::maps::NETWORKS_V4,
                self.networks_v4.remove(&key_v4(subnet)),
            ),
            IpNet::V6(subnet) => (
                abi::maps::NETWORKS_V6,
                self.networks_v6.remove(&key_v6(subnet)),
            ),
        };
        unless_missing(removed).doing(format_args!("remove {subnet} from the map {name}"))
    }

    /// Lets a network send to another. Networks are named by their IPv4 subnets' addresses.
    ///
    /// # Errors
    ///
    /// [`Error::MapFull`], or what the kernel says.
    pub fn allow(&mut self, from: Ipv4Addr, to: Ipv4Addr) -> Result<(), Error> {
        let inserted = self.allowed.insert(pair(from, to), 1, 0);
        let cure = "allow fewer networks to talk to each other";
        inserted.map_err(|error| refused(abi::maps::ALLOWED, abi::MAX_ALLOWED, cure, error))
    }

    /// No longer lets a network send to another.
    ///
    /// # Errors
    ///
    /// What the kernel says; a pair that is not there is fine.
    pub fn forbid(&mut self, from: Ipv4Addr, to: Ipv4Addr) -> Result<(), Error> {
        unless_missing(self.allowed.remove(&pair(from, to))).doing(format_args!(
            "remove {from} to {to} from the map {}",
            abi::maps::ALLOWED
        ))
    }

    fn full_of_pods(&self, map: &'static str, error: MapError) -> Error {
        let cure = "raise `max_pods` in the topology file, or take a pod away first";
        refused(map, self.max_pods, cure, error)
    }
}

/// How many pods the pinned maps hold.
///
/// # Errors
///
/// When the map `meta` cannot be read.
pub fn max_pods(pins: &Pins) -> Result<u32, Error> {
    Ok(pins.meta()?.max_pods)
}

/// Says whose maps these are.
pub(super) fn write_meta(pins: &Pins, meta: Meta) -> Result<(), Error> {
    let mut map: Array<_, Plain<Meta>> = open(pins, abi::maps::META, Array::try_from)?;
    map.set(0, Plain(meta), 0).doing("write the map meta")
}

/// Opens a pinned map that has to be what its name says.
pub(super) fn open<T>(
    pins: &Pins,
    name: &str,
    typed: impl FnOnce(Map) -> Result<T, MapError>,
) -> Result<T, Error> {
    let path = pins.map(name);
    if !shape::is_whole(pins, name)? {
        return Err(Error::ForeignPin { path });
    }
    let map = MapData::from_pin(&path).and_then(Map::from_map_data);
    map.and_then(typed)
        .doing(format_args!("open the map {}", path.display()))
}

/// All entries of a map.
fn read<T>(
    name: &str,
    entries: impl Iterator<Item = Result<T, MapError>>,
) -> Result<impl Iterator<Item = T>, Error> {
    let entries = entries.collect::<Result<Vec<_>, _>>();
    Ok(entries
        .doing(format_args!("read the map {name}"))?
        .into_iter())
}

fn key_v4(subnet: Ipv4Net) -> Key<Ipv4Address> {
    Key::new(subnet.prefix_len().into(), subnet.network().octets())
}

fn key_v6(subnet: Ipv6Net) -> Key<Ipv6Address> {
    Key::new(subnet.prefix_len().into(), subnet.network().octets())
}

fn subnet<K: aya::Pod>(
    map: &str,
    address: impl Into<IpAddr>,
    key: &Key<K>,
) -> Result<IpNet, Error> {
    let subnet = u8::try_from(key.prefix_len()).map_err(|_| ipnet::PrefixLenError);
    subnet
        .and_then(|length| IpNet::new(address.into(), length))
        .doing(format_args!("read the map {map}"))
}

fn pair(from: Ipv4Addr, to: Ipv4Addr) -> Plain<Allowed> {
    Plain(Allowed {
        from: from.octets(),
        to: to.octets(),
    })
}

fn refused(map: &'static str, max: u32, cure: &'static str, error: MapError) -> Error {
    if let MapError::SyscallError(syscall) = &error
        // The second is what the tries say.
        && matches!(syscall.io_error.raw_os_error(), Some(nix::libc::E2BIG | nix::libc::ENOSPC))
    {
        return Error::MapFull { map, max, cure };
    }
    Error::failed(format_args!("fill the map {map}"), error)
}

/// That an entry was not there is fine where it was to go.
pub(super) fn unless_missing(result: Result<(), MapError>) -> Result<(), MapError> {
    match result {
        Err(MapError::SyscallError(syscall))
            if syscall.io_error.kind() == io::ErrorKind::NotFound =>
        {
            Ok(())
        }
        other => other,
    }
}
