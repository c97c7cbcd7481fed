//! The table of cases: every branch of the decision, by name.

mod arp;
mod ipv4;
mod vlan;

pub use arp::request as arp_request;
pub use ipv4::{fix_checksum, packet as ipv4_packet};

use pseudobridge_common::{
    abi::{PodV4, Port, Reason},
    datapath::{Decision, Verdict},
    wire::Ipv4Address,
};

use crate::{MemoryFrame, MemoryTables, TestPod};

const GATEWAY: Ipv4Address = TestPod::SENDER.gateway();
const SENDER: TestPod = TestPod::SENDER;
const TARGET: TestPod = TestPod::TARGET;

/// A frame from [`TestPod::SENDER`] and what must become of it.
pub struct Case {
    /// What is special about it.
    pub name: &'static str,
    /// The frame.
    pub frame: MemoryFrame,
    /// The decision.
    pub decision: Decision,
}

/// The tables that the cases are decided over: four pods of one network, and one of another.
#[must_use]
pub fn tables() -> MemoryTables {
    let mut tables = MemoryTables::default();
    for pod in [
        SENDER,
        TARGET,
        TestPod::NARROW,
        TestPod::GONE,
        TestPod::FOREIGN,
    ] {
        tables.ports.insert(
            pod.ifindex(),
            Port {
                pod_mac: pod.pod_mac(),
                host_mac: pod.host_mac(),
                address: pod.address(),
                gateway: pod.gateway(),
                subnet: pod.subnet(),
                mask: [255, 255, 255, 0],
            },
        );
        tables.pods_v4.insert(
            pod.address(),
            PodV4 {
                ifindex: pod.ifindex(),
                mtu: pod.mtu(),
                pod_mac: pod.pod_mac(),
                host_mac: pod.host_mac(),
            },
        );
        if pod != TestPod::GONE {
            tables.targets.insert(pod.ifindex());
        }
    }
    tables
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
    cases.extend(vlan::tagged());
    cases
}

fn frames() -> Vec<Case> {
    let mut ipv6 = ipv4::packet(|ethernet, _| ethernet.ether_type = 0x86dd.into());
    ipv6.bytes.extend([0; 40]);
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
        punt("ipv6", ipv6, Reason::OtherProtocol),
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
    case(
        name,
        frame,
        Verdict::Redirect { ifindex },
        Reason::Ipv4Forward,
    )
}
