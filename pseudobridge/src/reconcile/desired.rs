//! A pod as it shall be, with what its network says of it.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use pseudobridge_common::abi::{self, Port};

use super::identity::{self, Mark, Owner};
use super::{Observed, networks};
use crate::topology::{Datapath, Pod, Topology, Unknown};

/// Everything that has to be known to make one pod.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DesiredPod {
    /// The network's name.
    pub network: String,
    /// The network's subnet.
    pub subnet: Ipv4Net,
    /// The network's gateway.
    pub gateway: Ipv4Addr,
    /// Prefix length that the pod configures.
    pub pod_prefix: u8,
    /// What becomes of what the network's pods send to addresses of nobody.
    pub unknown: Unknown,
    /// Index of the device by which the network is reached from off the node, 0 where there is none.
    pub uplink: u32,
    /// Who forwards what the pod sends.
    pub datapath: Datapath,
    /// The pod itself.
    pub pod: Pod,
}

impl DesiredPod {
    /// All pods of a topology.
    #[must_use]
    pub fn all(topology: &Topology, node: &Observed) -> Vec<Self> {
        let of_network = |network: &crate::topology::Network| {
            let network = network.clone();
            let uplink = network.uplink.as_deref();
            let uplink = uplink.map_or(0, |name| networks::index(node, name));
            network.pods.clone().into_iter().map(move |pod| Self {
                network: network.name.clone(),
                subnet: network.subnet,
                gateway: network.gateway,
                pod_prefix: network.pod_prefix,
                unknown: network.unknown,
                uplink,
                datapath: network.datapath,
                pod,
            })
        };
        topology.networks.iter().flat_map(of_network).collect()
    }

    /// The alias of its host-side veth.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner {
            network: self.network.clone(),
            pod: self.pod.name.clone(),
            netns: self.pod.netns.clone(),
        }
    }

    /// The mark on its namespace, on the node with this cookie.
    #[must_use]
    pub fn mark(&self, node: u64) -> Mark {
        Mark {
            node,
            netns: self.pod.netns.clone(),
        }
    }

    /// Hardware address of the host-side veth.
    #[must_use]
    pub fn host_mac(&self) -> [u8; 6] {
        identity::host_mac(&self.pod.interface)
    }

    /// Hardware address of the pod's end.
    #[must_use]
    pub fn pod_mac(&self) -> [u8; 6] {
        identity::pod_mac(&self.pod.interface, &self.pod.pod_interface)
    }

    /// Its address as one of its subnet, with the prefix length it configures.
    #[must_use]
    pub fn address(&self) -> Ipv4Net {
        // The topology was checked: a prefix is at most 32.
        Ipv4Net::new_assert(self.pod.address, self.pod_prefix)
    }

    /// Its entries in the maps, once its host-side veth has the index `ifindex`.
    #[must_use]
    pub fn entries(&self, ifindex: u32) -> (abi::Pod, Port) {
        let pod = abi::Pod {
            ifindex,
            mtu: self.pod.mtu,
            network: self.subnet.network().octets(),
            flags: 0,
            pod_mac: self.pod_mac(),
            host_mac: self.host_mac(),
        };
        let port = Port {
            pod_mac: self.pod_mac(),
            host_mac: self.host_mac(),
            address: self.pod.address.octets(),
            gateway: self.gateway.octets(),
            subnet: self.subnet.network().octets(),
            mask: self.subnet.netmask().octets(),
            address6: [0; 16],
            subnet6: [0; 16],
            mask6: [0xff; 16],
            uplink: self.uplink,
            flags: match self.unknown {
                Unknown::Kernel => 0,
                Unknown::Drop => abi::DROP_UNKNOWN,
            },
        };
        (pod, port)
    }
}
