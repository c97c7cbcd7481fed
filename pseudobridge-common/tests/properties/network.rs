//! Any network, and frames of a pod in it.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use proptest::prelude::*;
use pseudobridge_common::{
    abi::{self, Pod, Port, Reason},
    datapath::{Decision, decide},
    wire::{Ipv4Address, MacAddress, arp, ipv4},
};
use pseudobridge_testing::{MemoryFrame, MemoryTables, arp_request, fix_checksum, ipv4_packet};

/// The host-side veth of the pod that sends.
pub(crate) const INGRESS: u32 = 7;
/// The host-side veth of the only other pod of its network.
pub(crate) const TARGET: u32 = 8;
/// The host-side veth of a pod of another network.
const FOREIGN: u32 = 9;

/// A network of two pods, and a pod of another network. No two addresses are the same.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    /// Its subnet.
    pub(crate) subnet: Ipv4Net,
    /// The pod that sends.
    pub(crate) port: Port,
    /// Where the other pod is.
    pub(crate) target: (Ipv4Address, Pod),
    /// The address of the pod of another network.
    pub(crate) foreign: Ipv4Address,
    tables: MemoryTables,
}

/// An address, by what it is to a network.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Address {
    Target,
    Gateway,
    Own,
    Foreign,
    SubnetBroadcast,
    Within(u32),
    Any(Ipv4Address),
}

/// Networks of any place and, as far as three hosts fit, any prefix length.
pub(crate) fn networks() -> impl Strategy<Value = Network> {
    let numbers = (any::<u32>(), 8u8..=29, any::<[u32; 3]>(), any::<u32>());
    (numbers, any::<MacAddress>(), 576u32..=9000).prop_filter_map(
        "two hosts have the same address",
        |((base, prefix, hosts, foreign), mac, mtu)| {
            let subnet = Ipv4Net::new(base.into(), prefix).unwrap().trunc();
            let [sender, gateway, target] = hosts.map(|host| within(subnet, host));
            let differ = sender != gateway && gateway != target && target != sender;
            let foreign = Ipv4Addr::from(foreign);
            (differ && !subnet.contains(&foreign)).then(|| {
                let addresses = [sender, gateway, target, foreign.octets()];
                Network::new(subnet, addresses, mac, mtu)
            })
        },
    )
}

pub(crate) fn addresses() -> impl Strategy<Value = Address> {
    prop_oneof![
        2 => Just(Address::Target),
        1 => Just(Address::Gateway),
        1 => Just(Address::Own),
        1 => Just(Address::Foreign),
        1 => Just(Address::SubnetBroadcast),
        1 => Just(Address::Any(ipv4::BROADCAST)),
        2 => any::<u32>().prop_map(Address::Within),
        2 => any::<Ipv4Address>().prop_map(Address::Any),
    ]
}

/// A host of the subnet: neither the first address nor the last.
fn within(subnet: Ipv4Net, host: u32) -> Ipv4Address {
    let usable = u32::from(subnet.hostmask()) - 1;
    let first = u32::from(subnet.network()) + 1;
    Ipv4Addr::from(first + host % usable).octets()
}

impl Network {
    fn new(subnet: Ipv4Net, addresses: [Ipv4Address; 4], mac: MacAddress, mtu: u32) -> Self {
        let [sender, gateway, target, foreign] = addresses;
        // Alike but for the last byte, so that comparing less than all of them shows.
        let mac = |number: u8| {
            let mut mac = mac;
            mac[5] ^= number;
            mac
        };
        let port = Port {
            pod_mac: mac(0),
            host_mac: mac(1),
            address: sender,
            gateway,
            subnet: subnet.network().octets(),
            mask: subnet.netmask().octets(),
            address6: [0; 16],
            subnet6: [0; 16],
            mask6: [0xff; 16],
            uplink: 0,
            flags: 0,
        };
        let pod = |ifindex, number| Pod {
            ifindex,
            mtu,
            network: port.subnet,
            flags: 0,
            pod_mac: mac(number),
            host_mac: mac(number + 1),
        };
        let target = (target, pod(TARGET, 2));
        // A network of one address.
        let network = abi::Network {
            network: foreign,
            gateway: foreign,
            uplink: 0,
        };
        let tables = MemoryTables {
            ports: [(INGRESS, port)].into(),
            pods_v4: [
                (sender, pod(INGRESS, 0)),
                target,
                (foreign, pod(FOREIGN, 4)),
            ]
            .into(),
            targets: [INGRESS, TARGET, FOREIGN].into(),
            networks_v4: vec![(foreign, [255; 4], network)],
            ..MemoryTables::default()
        };
        Self {
            subnet,
            port,
            target,
            foreign,
            tables,
        }
    }

    pub(crate) fn resolve(&self, address: Address) -> Ipv4Address {
        match address {
            Address::Target => self.target.0,
            Address::Gateway => self.port.gateway,
            Address::Own => self.port.address,
            Address::Foreign => self.foreign,
            Address::SubnetBroadcast => self.subnet.broadcast().octets(),
            Address::Within(host) => within(self.subnet, host),
            Address::Any(address) => address,
        }
    }

    /// Decides over a frame that the pod sends, and rewrites it.
    pub(crate) fn decide(&self, frame: &mut MemoryFrame) -> Decision {
        decide(frame, &self.tables, INGRESS)
    }

    /// Into the target.
    pub(crate) fn redirect(&self) -> Decision {
        Decision::redirect(&self.target.1, Reason::Ipv4Forward)
    }

    /// A lawful request, or probe, for an address.
    pub(crate) fn arp(&self, address: Address, probe: bool) -> MemoryFrame {
        arp_request(|ethernet, packet| {
            ethernet.addresses.source = self.port.pod_mac;
            packet.sender_mac = self.port.pod_mac;
            packet.sender_address = if probe {
                arp::PROBE_SENDER
            } else {
                self.port.address
            };
            packet.target_address = self.resolve(address);
        })
    }

    /// A lawful packet with a payload of so many bytes.
    pub(crate) fn ipv4(&self, address: Address, payload: u16) -> MemoryFrame {
        let total = 20 + payload;
        let mut frame = ipv4_packet(|ethernet, header| {
            ethernet.addresses.source = self.port.pod_mac;
            ethernet.addresses.destination = self.port.host_mac;
            header.source = self.port.address;
            header.destination = self.resolve(address);
            header.total_len = total.into();
        });
        frame.bytes.resize(ipv4::OFFSET + usize::from(total), 0);
        fix_checksum(&mut frame);
        frame
    }
}
