//! The table of cases: every branch of the decision, by name.

mod arp;
mod ipv4;
mod ipv6;
mod nd;
mod uplink;
mod vlan;

pub use arp::request as arp_request;
pub use ipv4::{fix_checksum, packet as ipv4_packet};
pub use ipv6::packet as ipv6_packet;
pub use nd::solicitation;

use pseudobridge_common::{
    abi::{Allowed, DROP_UNKNOWN, Network, Pod, Port, Reason},
    datapath::{self, Aligned, Decision, Route, Verdict},
    wire::{Ipv4Address, MacAddress, ethernet::ETHER_TYPE_IPV6},
};

use crate::{MemoryFrame, MemoryTables, Routes, TestPod};

const GATEWAY: Ipv4Address = TestPod::SENDER.gateway();
const SENDER: TestPod = TestPod::SENDER;
const TARGET: TestPod = TestPod::TARGET;
const FRIEND: TestPod = TestPod::FRIEND;
const FOREIGN: TestPod = TestPod::FOREIGN;

/// Index of the uplink of the sender's network.
pub const UPLINK: u32 = 20;

/// An address of the sender's subnet, by its last byte, that is off the node and can be sent to.
pub const REMOTE: u8 = 200;

/// One whose next hop is not known yet.
pub const UNRESOLVED: u8 = 201;

/// The uplink's hardware address.
const UPLINK_MAC: MacAddress = [2, 0, 0, 0, 3, 20];

/// The hardware address of what is beyond the uplink.
const REMOTE_MAC: MacAddress = [2, 0, 0, 0, 4, 20];

/// A frame and what must become of it.
pub struct Case {
    /// What is special about it.
    pub name: &'static str,
    /// Where it came in.
    pub origin: Origin,
    /// The frame.
    pub frame: MemoryFrame,
    /// The decision.
    pub decision: Decision,
}

/// Where a frame comes in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// By the host-side veth of a pod.
    Pod(TestPod),
    /// By the uplink.
    Uplink,
}

impl Origin {
    /// The interface's index.
    #[must_use]
    pub const fn ifindex(self) -> u32 {
        match self {
            Self::Pod(pod) => pod.ifindex(),
            Self::Uplink => UPLINK,
        }
    }
}

impl Case {
    /// Decides over its frame, and rewrites it.
    pub fn decide(&mut self) -> Decision {
        let tables = tables();
        match self.origin {
            Origin::Pod(pod) => datapath::decide(&mut self.frame, &tables, pod.ifindex()),
            Origin::Uplink => datapath::decide_uplink(&mut self.frame, &tables, UPLINK),
        }
    }

    /// The same frame from elsewhere.
    fn from(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }
}

/// The tables that the cases are decided over: four pods of one network, one of another, and one of
/// a third that the first may talk to.
#[must_use]
pub fn tables() -> MemoryTables {
    let mut tables = MemoryTables::default();
    let mask = [255, 255, 255, 0];
    let mut mask6 = [0; 16];
    mask6[..8].fill(0xff);
    for pod in TestPod::ALL {
        let is_first = pod.subnet() == SENDER.subnet();
        let uplink = if is_first { UPLINK } else { 0 };
        tables.ports.insert(
            pod.ifindex(),
            Port {
                pod_mac: pod.pod_mac(),
                host_mac: pod.host_mac(),
                address: pod.address(),
                gateway: pod.gateway(),
                subnet: pod.subnet(),
                mask,
                address6: pod.address6(),
                subnet6: pod.subnet6(),
                mask6,
                uplink,
                flags: if pod == FRIEND { DROP_UNKNOWN } else { 0 },
            },
        );
        let entry = Pod {
            ifindex: pod.ifindex(),
            mtu: pod.mtu(),
            network: pod.subnet(),
            pod_mac: pod.pod_mac(),
            host_mac: pod.host_mac(),
            flags: 0,
        };
        tables.pods_v4.insert(pod.address(), entry);
        tables.pods_v6.insert(pod.address6(), entry);
        if pod != TestPod::GONE {
            tables.targets.insert(pod.ifindex());
        }
        let network = Network {
            network: pod.subnet(),
            gateway: pod.gateway(),
            uplink,
        };
        if pod == SENDER || !is_first {
            tables.networks_v4.push((pod.subnet(), mask, network));
            tables.networks_v6.push((pod.subnet6(), mask6, network));
        }
    }
    let (from, to) = (SENDER.subnet(), FRIEND.subnet());
    tables.allowed = [Allowed { from, to }, Allowed { from: to, to: from }].into();
    tables
}

/// What the node would do with packets to addresses off the node.
fn routes() -> Routes {
    let ready = Route::Ready {
        ifindex: UPLINK,
        source: Aligned(UPLINK_MAC),
        destination: Aligned(REMOTE_MAC),
    };
    let unready = Route::Unready { ifindex: UPLINK };
    let (remote, unresolved) = (TestPod(REMOTE), TestPod(UNRESOLVED));
    Routes {
        v4: [(remote.address(), ready), (unresolved.address(), unready)].into(),
        v6: [(remote.address6(), ready), (unresolved.address6(), unready)].into(),
    }
}

/// All cases.
#[must_use]
pub fn all() -> Vec<Case> {
    let mut cases = frames();
    cases.extend(arp::packets());
    cases.extend(arp::spoofed());
    cases.extend(ipv4::packets());
    cases.extend(ipv4::segments());
    cases.extend(ipv4::spoofed());
    cases.extend(ipv4::destinations());
    cases.extend(ipv4::networks());
    cases.extend(ipv6::packets());
    cases.extend(ipv6::destinations());
    cases.extend(ipv6::networks());
    cases.extend(nd::solicitations());
    cases.extend(nd::others());
    cases.extend(uplink::packets());
    cases.extend(vlan::tagged());
    cases
}

fn frames() -> Vec<Case> {
    vec![
        punt(
            "empty",
            cut(arp::request(|_, _| {}), 0),
            Reason::FrameTooShort,
        ),
        punt(
            "short-ethernet",
            cut(arp::request(|_, _| {}), 13),
            Reason::FrameTooShort,
        ),
        punt(
            "lldp",
            ipv4::packet(|ethernet, _| ethernet.ether_type = 0x88cc.into()),
            Reason::OtherProtocol,
        ),
        drop(
            "spoofed-ethernet-source",
            ipv4::packet(|ethernet, _| ethernet.addresses.source[5] ^= 1),
            Reason::SpoofedEthernetSource,
        ),
        drop(
            "spoofed-ethernet-source-arp",
            arp::request(|ethernet, _| ethernet.addresses.source = TARGET.pod_mac()),
            Reason::SpoofedEthernetSource,
        ),
    ]
}

fn frame(parts: &[&[u8]]) -> MemoryFrame {
    MemoryFrame {
        bytes: parts.concat(),
        routes: routes(),
        ..MemoryFrame::default()
    }
}

fn cut(mut frame: MemoryFrame, len: usize) -> MemoryFrame {
    frame.bytes.truncate(len);
    frame
}

fn case(name: &'static str, frame: MemoryFrame, verdict: Verdict, reason: Reason) -> Case {
    Case {
        name,
        origin: Origin::Pod(SENDER),
        frame,
        decision: Decision { verdict, reason },
    }
}

fn punt(name: &'static str, frame: MemoryFrame, reason: Reason) -> Case {
    case(name, frame, Verdict::Punt, reason)
}

fn drop(name: &'static str, frame: MemoryFrame, reason: Reason) -> Case {
    case(name, frame, Verdict::Drop, reason)
}

fn reply(name: &'static str, frame: MemoryFrame, reason: Reason) -> Case {
    case(name, frame, Verdict::Reply, reason)
}

fn forward(name: &'static str, frame: MemoryFrame, pod: TestPod) -> Case {
    let ifindex = pod.ifindex();
    let reason = if frame.bytes[12..14] == ETHER_TYPE_IPV6.to_be_bytes() {
        Reason::Ipv6Forward
    } else {
        Reason::Ipv4Forward
    };
    case(name, frame, Verdict::Redirect { ifindex }, reason)
}

fn transmit(name: &'static str, frame: MemoryFrame, reason: Reason) -> Case {
    let verdict = Verdict::Transmit { ifindex: UPLINK };
    case(name, frame, verdict, reason)
}
