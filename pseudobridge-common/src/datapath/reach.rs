//! What both families of addresses share: which networks a pod may send to, and how its packets are
//! delivered there.

use super::{Decision, Frame, Tables};
use crate::{
    abi::{DROP_UNKNOWN, Network, Pod, Port, Reason},
    wire::{MacAddress, ethernet::EthernetAddresses},
};

/// Where a destination lies, seen from a pod.
#[derive(Clone, Copy)]
pub(super) struct Reach {
    /// In a network, its own or one that it may talk to.
    pub(super) is_inside: bool,
    /// Whether what is for nobody there is dropped.
    pub(super) drop_unknown: bool,
    /// The device to addresses that are off the node, 0 where there is none.
    pub(super) uplink: u32,
}

impl Reach {
    /// In the pod's own subnet.
    #[inline(always)]
    pub(super) const fn own(port: &Port) -> Self {
        Self {
            is_inside: true,
            drop_unknown: port.flags & DROP_UNKNOWN != 0,
            uplink: port.uplink,
        }
    }

    /// Elsewhere: `network` is the one that the destination lies in. `None` where the pod may not
    /// send there. Decided by prefixes, so that a pod that no map has room for is isolated too.
    #[inline(always)]
    pub(super) fn other<T: Tables>(
        tables: &T,
        port: &Port,
        network: Option<&Network>,
    ) -> Option<Self> {
        let Some(network) = network else {
            return Some(Self {
                is_inside: false,
                drop_unknown: false,
                uplink: 0,
            });
        };
        // A pod without an address of this family may have its own network's prefix there.
        let is_own = network.network == port.subnet;
        (is_own || tables.is_allowed(port.subnet, network.network)).then_some(Self {
            is_inside: true,
            drop_unknown: false,
            uplink: network.uplink,
        })
    }
}

/// Writes the hardware addresses of the way into a pod, and sends the frame there.
#[inline(always)]
pub(super) fn deliver<F: Frame>(frame: &mut F, pod: &Pod, reason: Reason) -> Decision {
    address(frame, &pod.pod_mac, &pod.host_mac);
    Decision::redirect(pod, reason)
}

/// Writes the frame's hardware addresses. The later bytes of the frame are there already, so these
/// are too.
#[inline(always)]
pub(super) fn address<F: Frame>(frame: &mut F, destination: &MacAddress, source: &MacAddress) {
    if let Some(addresses) = frame.header_mut::<EthernetAddresses>(0) {
        addresses.set(destination, source);
    }
}
