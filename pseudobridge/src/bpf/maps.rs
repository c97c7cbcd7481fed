//! The pinned maps that the loader fills.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;

use aya::Pod;
use aya::maps::xdp::XdpMapError;
use aya::maps::{Array, DevMapHash, HashMap, Map, MapData, MapError};
use pseudobridge_common::abi::{self, Meta, PodV4, Port};
use pseudobridge_common::wire::Ipv4Address;
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::error::Doing as _;
use super::{Error, Pins};

/// A map value of the ABI, as aya wants it.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(super) struct Plain<T>(pub(super) T);

// SAFETY: any bytes are a `T` (`FromBytes`), and a `T` has no padding to leak (`IntoBytes`).
unsafe impl<T: FromBytes + IntoBytes + Immutable + Copy + 'static> Pod for Plain<T> {}

/// The maps of one node.
pub struct Maps {
    pods_v4: HashMap<MapData, Ipv4Address, Plain<PodV4>>,
    ports: HashMap<MapData, u32, Plain<Port>>,
    targets: DevMapHash<MapData>,
}

/// All that the maps say.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Entries {
    /// How each address is reached.
    pub pods_v4: BTreeMap<Ipv4Addr, PodV4>,
    /// Who sends by each host-side veth, by its index.
    pub ports: BTreeMap<u32, Port>,
    /// The host-side veths that may be redirected to, by index.
    pub targets: Vec<u32>,
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
            ports: open(pins, abi::maps::PORTS, HashMap::try_from)?,
            targets: open(pins, abi::maps::TARGETS, DevMapHash::try_from)?,
        })
    }

    /// Reads all of them.
    ///
    /// # Errors
    ///
    /// When the kernel will not let them be read.
    pub fn entries(&self) -> Result<Entries, Error> {
        let pods_v4 = self.pods_v4.iter().map(|entry| {
            let (address, pod) = entry?;
            Ok((Ipv4Addr::from(address), pod.0))
        });
        let ports = self.ports.iter().map(|entry| {
            let (ifindex, port) = entry?;
            Ok((ifindex, port.0))
        });
        Ok(Entries {
            pods_v4: pods_v4
                .collect::<Result<_, MapError>>()
                .doing(format_args!("read the map {}", abi::maps::PODS_V4))?,
            ports: ports
                .collect::<Result<_, MapError>>()
                .doing(format_args!("read the map {}", abi::maps::PORTS))?,
            targets: self
                .targets
                .keys()
                .collect::<Result<_, _>>()
                .doing(format_args!("read the map {}", abi::maps::TARGETS))?,
        })
    }

    /// Makes a pod known: as a target, as a sender, and, last, as an address.
    ///
    /// The calling thread must be in the node's network namespace: the kernel looks up devices
    /// there.
    ///
    /// # Errors
    ///
    /// [`Error::MapFull`], or what the kernel says.
    pub fn insert(&mut self, address: Ipv4Addr, pod: PodV4, port: Port) -> Result<(), Error> {
        let ifindex = pod.ifindex;
        self.targets
            .insert(ifindex, ifindex, None, 0)
            .map_err(|error| match error {
                XdpMapError::MapError(error) => refused(abi::maps::TARGETS, error),
                other @ XdpMapError::ChainedProgramNotSupported => {
                    Error::failed("fill the map targets", other)
                }
            })?;
        self.ports
            .insert(ifindex, Plain(port), 0)
            .map_err(|error| refused(abi::maps::PORTS, error))?;
        self.pods_v4
            .insert(address.octets(), Plain(pod), 0)
            .map_err(|error| refused(abi::maps::PODS_V4, error))
    }

    /// Forgets an address.
    ///
    /// # Errors
    ///
    /// What the kernel says; an address that is not there is fine.
    pub fn remove_address(&mut self, address: Ipv4Addr) -> Result<(), Error> {
        unless_missing(self.pods_v4.remove(&address.octets())).doing(format_args!(
            "remove {address} from the map {}",
            abi::maps::PODS_V4
        ))
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
}

/// Says whose maps these are.
pub(super) fn write_meta(pins: &Pins, meta: Meta) -> Result<(), Error> {
    let mut map: Array<_, Plain<Meta>> = open(pins, abi::maps::META, Array::try_from)?;
    map.set(0, Plain(meta), 0).doing("write the map meta")
}

pub(super) fn open<T>(
    pins: &Pins,
    name: &str,
    typed: impl FnOnce(Map) -> Result<T, MapError>,
) -> Result<T, Error> {
    let path = pins.map(name);
    let map = MapData::from_pin(&path).and_then(Map::from_map_data);
    map.and_then(typed)
        .doing(format_args!("open the map {}", path.display()))
}

fn refused(map: &'static str, error: MapError) -> Error {
    if let MapError::SyscallError(syscall) = &error
        && syscall.io_error.raw_os_error() == Some(nix::libc::E2BIG)
    {
        return Error::MapFull {
            map,
            max: abi::MAX_PODS,
        };
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
