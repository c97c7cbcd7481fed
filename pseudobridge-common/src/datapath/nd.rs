//! Neighbour discovery from a pod (RFC 4861, RFC 4862; what it stands in for is `ndisc_rcv` in
//! net/ipv6/ndisc.c).

use super::{
    Decision, Frame, Query, Tables,
    ipv6::is_own,
    reach::{Reach, address},
};
use crate::{
    abi::{GATEWAY6, Port, Reason},
    wire::{
        Ipv6Address, checksum,
        ethernet::{ALL_NODES_V6, EthernetHeader},
        ipv6::{
            self, ALL_NODES, HopByHop, Ipv6Header, NEXT_FRAGMENT, NEXT_HOP_BY_HOP, NEXT_ICMPV6,
            PAYLOAD_OFFSET, in_prefix, is_link_local, is_multicast, is_solicited_node,
            is_unspecified,
        },
        nd::{
            self, ADVERTISEMENT_LEN, Advertisement, HOP_LIMIT, NEIGHBOUR_ADVERTISEMENT,
            NEIGHBOUR_LEN, NEIGHBOUR_SOLICITATION, NdOption, Neighbour, OFFSET, OPTION_LEN,
            OPTION_SOURCE, OPTION_TARGET, OVERRIDE, REDIRECT, ROUTER, ROUTER_ADVERTISEMENT,
            ROUTER_SOLICITATION, ROUTER_SOLICITATION_LEN, SOLICITED,
        },
    },
};

/// The most options of one message: each has to be read at an offset of its own.
const OPTIONS_MAX: usize = 4;

/// Bytes of a frame with an [`Advertisement`].
#[expect(clippy::cast_possible_truncation, reason = "it is 86")]
const ANSWER_LEN: u32 = (OFFSET + ADVERTISEMENT_LEN) as u32;

/// The payload length of one.
#[expect(clippy::cast_possible_truncation, reason = "it is 32")]
const ANSWER_PAYLOAD: u16 = ADVERTISEMENT_LEN as u16;

/// Decides over neighbour discovery; `None` where the packet is something else.
#[inline(always)]
pub(super) fn decide<F: Frame, T: Tables>(
    frame: &mut F,
    tables: &T,
    port: &Port,
    ethernet: &EthernetHeader,
    header: &Ipv6Header,
    ingress: u32,
) -> Option<Decision> {
    if header.next_header != NEXT_ICMPV6 {
        return hidden(frame, header);
    }
    match *frame.load::<u8>(OFFSET)? {
        ROUTER_ADVERTISEMENT => Some(Decision::drop(Reason::NdRouterAdvertisement)),
        REDIRECT => Some(Decision::drop(Reason::NdRedirect)),
        ROUTER_SOLICITATION => Some(router_solicitation(frame, port, header)),
        kind @ (NEIGHBOUR_SOLICITATION | NEIGHBOUR_ADVERTISEMENT) => Some(neighbour(
            frame, tables, port, ethernet, header, ingress, kind,
        )),
        _ => None,
    }
}

/// The kernel looks for neighbour discovery behind extension headers too, where it is not checked
/// here. Lawful is a listener report, behind one hop-by-hop header, and a fragment, in which the
/// kernel takes no neighbour discovery (RFC 6980). Packets that are routed are out of the question:
/// routers believe only their neighbours.
#[inline(always)]
fn hidden<F: Frame>(frame: &mut F, header: &Ipv6Header) -> Option<Decision> {
    let may_hide = |next| matches!(next, NEXT_HOP_BY_HOP | 43 | 51 | 60 | 135 | 139 | 140);
    if !may_hide(header.next_header) {
        return None;
    }
    let unchecked = Some(Decision::drop(Reason::NdUnchecked));
    let is_of_link = is_link_local(&header.source) || is_unspecified(&header.source);
    if header.next_header != NEXT_HOP_BY_HOP {
        return if is_of_link { unchecked } else { None };
    }
    let hop = frame.load::<HopByHop>(PAYLOAD_OFFSET)?;
    match hop.next_header {
        NEXT_ICMPV6 if hop.header_len == 0 => {
            match *frame.load::<u8>(PAYLOAD_OFFSET + size_of::<HopByHop>())? {
                ROUTER_SOLICITATION..=REDIRECT => unchecked,
                _ => None,
            }
        }
        NEXT_ICMPV6 if is_of_link => unchecked,
        NEXT_FRAGMENT => None,
        next if may_hide(next) && is_of_link => unchecked,
        _ => None,
    }
}

#[inline(always)]
fn router_solicitation<F: Frame>(frame: &mut F, port: &Port, header: &Ipv6Header) -> Decision {
    match options::<F, ROUTER_SOLICITATION_LEN>(frame, port, header) {
        Ok(_) => Decision::punt(Reason::NdNotSolicitation),
        Err(decision) => decision,
    }
}

/// A solicitation or an advertisement.
#[inline(always)]
fn neighbour<F: Frame, T: Tables>(
    frame: &mut F,
    tables: &T,
    port: &Port,
    ethernet: &EthernetHeader,
    header: &Ipv6Header,
    ingress: u32,
    kind: u8,
) -> Decision {
    let Some(message) = frame.load::<Neighbour>(OFFSET) else {
        return Decision::punt(Reason::NdMalformed);
    };
    let options = match options::<F, NEIGHBOUR_LEN>(frame, port, header) {
        Ok(options) => options,
        Err(decision) => return decision,
    };
    let target = &message.target;
    if kind == NEIGHBOUR_ADVERTISEMENT {
        let is_of_link = is_link_local(target) && !ipv6::equal(target, &GATEWAY6);
        return if is_own(target, port) || is_of_link {
            Decision::punt(Reason::NdNotSolicitation)
        } else {
            Decision::drop(Reason::SpoofedNdTarget)
        };
    }
    if frame.is_vlan_tagged() {
        return Decision::punt(Reason::VlanTagged);
    }
    if !is_valid(header, ethernet, port, &message, &options) {
        return Decision::punt(Reason::NdMalformed);
    }

    let is_probe = is_unspecified(&header.source);
    let (reason, flags) = if ipv6::equal(target, &GATEWAY6) {
        (Reason::NdReplyGateway, ROUTER | OVERRIDE)
    } else if is_own(target, port) {
        return Decision::drop(Reason::NdOwnAddress);
    } else if !in_prefix(target, &port.subnet6, &port.mask6) {
        return Decision::punt(Reason::NdOffSubnet);
    } else if tables.pod_v6(target).is_some() {
        (Reason::NdReplyPod, 0)
    } else {
        let query = Query {
            ingress,
            source: port.address6,
            destination: *target,
            len: 0,
        };
        if !frame.route_v6(&query).leads_elsewhere(ingress) {
            return Decision::unknown(
                Reach::own(port).drop_unknown,
                Reason::NdUnknownPod,
                Reason::NdUnknownDropped,
            );
        }
        (Reason::NdReplyRemote, 0)
    };
    if is_probe {
        // To all nodes, and not as an answer (RFC 4861, section 7.2.4).
        answer(frame, port, target, None, flags, Reason::NdConflict)
    } else {
        answer(
            frame,
            port,
            target,
            Some(&header.source),
            flags | SOLICITED,
            reason,
        )
    }
}

/// What is said by a message's options.
struct Options {
    /// Their sum, for the checksum.
    sum: u64,
    /// Whether one gives the sender's hardware address.
    has_source: bool,
}

/// Reads the options of a message whose other part is `LEN` bytes long; none may give another
/// hardware address than the pod's.
#[inline(always)]
fn options<F: Frame, const LEN: usize>(
    frame: &mut F,
    port: &Port,
    header: &Ipv6Header,
) -> Result<Options, Decision> {
    let len = usize::from(header.payload_len.get());
    if len < LEN {
        return Err(Decision::punt(Reason::NdMalformed));
    }
    let rest = len - LEN;
    if rest > OPTIONS_MAX * OPTION_LEN || !rest.is_multiple_of(OPTION_LEN) {
        return Err(Decision::drop(Reason::NdUnchecked));
    }
    let mut options = Options {
        sum: 0,
        has_source: false,
    };
    for index in 0..OPTIONS_MAX {
        if index * OPTION_LEN >= rest {
            break;
        }
        let Some(option) = frame.load::<NdOption>(OFFSET + LEN + index * OPTION_LEN) else {
            return Err(Decision::punt(Reason::NdMalformed));
        };
        if option.len != 1 {
            return Err(Decision::drop(Reason::NdUnchecked));
        }
        if matches!(option.kind, OPTION_SOURCE | OPTION_TARGET) && option.mac != port.pod_mac {
            return Err(Decision::drop(Reason::SpoofedNdMac));
        }
        options.has_source |= option.kind == OPTION_SOURCE;
        let bytes: [u8; OPTION_LEN] = zerocopy::transmute!(*option);
        options.sum += checksum::words(&bytes);
    }
    Ok(options)
}

/// What the kernel, too, would take for a solicitation (RFC 4861, section 7.1.1).
#[inline(always)]
fn is_valid(
    header: &Ipv6Header,
    ethernet: &EthernetHeader,
    port: &Port,
    message: &Neighbour,
    options: &Options,
) -> bool {
    let (target, destination) = (&message.target, &header.destination);
    let to = ethernet.addresses.destination;
    let to_group = is_solicited_node(destination, target);
    let bytes: [u8; NEIGHBOUR_LEN] = zerocopy::transmute!(*message);
    let sum = nd::pseudo_header(&header.source, destination, header.payload_len.get())
        + checksum::words(&bytes)
        + options.sum;
    header.hop_limit == HOP_LIMIT
        && message.code == 0
        && !is_multicast(target)
        && (to_group || ipv6::equal(destination, target))
        && (to == port.host_mac || to_group && to[..2] == ALL_NODES_V6[..2])
        && (!is_unspecified(&header.source) || to_group && !options.has_source)
        && checksum::fold(sum) == 0xffff
}

/// Turns the frame into the advertisement of `target`, to `to` or to all nodes.
#[inline(always)]
fn answer<F: Frame>(
    frame: &mut F,
    port: &Port,
    target: &Ipv6Address,
    to: Option<&Ipv6Address>,
    flags: u32,
    reason: Reason,
) -> Decision {
    if !frame.resize(ANSWER_LEN) {
        return Decision::punt(Reason::NdMalformed);
    }
    let destination = to.unwrap_or(&ALL_NODES);
    let sum = nd::pseudo_header(&GATEWAY6, destination, ANSWER_PAYLOAD)
        + nd::advertisement_sum(target, &port.host_mac, flags);
    let Some(packet) = frame.header_mut::<Advertisement>(OFFSET) else {
        return Decision::punt(Reason::NdMalformed);
    };
    packet.answer(&port.host_mac, flags);
    packet.message.checksum = u16::from_be(!checksum::fold(sum)).into();
    if let Some(header) = frame.header_mut::<Ipv6Header>(ipv6::OFFSET) {
        header.payload_len = ANSWER_PAYLOAD.into();
        header.destination = *destination;
        header.source = GATEWAY6;
    }
    let hardware = if to.is_some() {
        &port.pod_mac
    } else {
        &ALL_NODES_V6
    };
    address(frame, hardware, &port.host_mac);
    Decision::reply(reason)
}
