//! Network interfaces, as `ip link`.

mod xdp;

use std::{
    collections::{HashSet, hash_map::RandomState},
    hash::BuildHasher as _,
    os::fd::{AsFd as _, AsRawFd as _},
};

use netlink_packet_route::{
    RouteNetlinkMessage,
    link::{
        AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoData, InfoKind, InfoVeth, LinkAttribute,
        LinkExtentMask, LinkFlags, LinkInfo, LinkLayerType, LinkMessage,
    },
};
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL};

pub use self::xdp::{Xdp, XdpMode};
use super::{Error, Netlink, netns::NetNs, unexpected};

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Interface index in its namespace.
    pub index: u32,
    /// Interface name.
    pub name: String,
    /// What `ip link set … alias` wrote.
    pub alias: Option<String>,
    /// Device group; 0 is the default one.
    pub group: u32,
    /// Hardware address, if it is one of six bytes as Ethernet's.
    pub mac: Option<[u8; 6]>,
    /// Largest layer 3 packet in bytes.
    pub mtu: u32,
    /// Administratively up (`IFF_UP`).
    pub up: bool,
    /// Running, with its peer up as well where it is a veth (`IFF_LOWER_UP`).
    pub carrier: bool,
    /// Kind of a virtual device, as `veth`.
    pub kind: Option<String>,
    /// Index of the device this one hangs on (`IFLA_LINK`): for a veth its peer's, in the
    /// peer's namespace.
    pub peer_index: Option<u32>,
    /// The namespace of `peer_index` where it is another one, by this namespace's number for it
    /// (-1: it has none).
    pub link_netnsid: Option<i32>,
    /// Index of the bridge, bond or the like that it is a port of.
    pub master: Option<u32>,
    /// Whether its frames are Ethernet's (`ARPHRD_ETHER`).
    pub ethernet: bool,
    /// The XDP program on it, whoever attached it.
    pub xdp: Option<Xdp>,
}

/// One end of a veth pair to be made.
#[derive(Clone, Copy, Debug)]
pub struct VethEnd<'a> {
    /// Interface name, at most 15 bytes.
    pub name: &'a str,
    /// Hardware address.
    pub mac: [u8; 6],
    /// Largest layer 3 packet in bytes.
    pub mtu: u32,
}

/// A veth pair to be made.
#[derive(Clone, Copy, Debug)]
pub struct VethSpec<'a> {
    /// The end in the connection's namespace.
    pub host: VethEnd<'a>,
    /// Device group of the host-side end.
    pub group: u32,
    /// The end in the pod.
    pub pod: VethEnd<'a>,
    /// The pod's namespace.
    pub namespace: &'a NetNs,
}

impl Netlink {
    /// All interfaces of the namespace.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, or no consistent copy could be had.
    pub async fn link_list(&self) -> Result<Vec<Link>, Error> {
        let action = "list links";
        let mut request = LinkMessage::default();
        request.attributes = vec![LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats])];
        let replies = self
            .dump(action, RouteNetlinkMessage::GetLink(request))
            .await?;
        replies
            .into_iter()
            .map(|reply| parse(action, reply))
            .collect()
    }

    /// The interface of that name, if there is one.
    ///
    /// # Errors
    ///
    /// If the kernel refuses for another reason than that there is none.
    pub async fn link_get(&self, name: &str) -> Result<Option<Link>, Error> {
        let action = format!("get link {name}");
        let mut request = LinkMessage::default();
        request.attributes = vec![
            LinkAttribute::IfName(name.into()),
            LinkAttribute::ExtMask(vec![LinkExtentMask::SkipStats]),
        ];
        match self
            .request(action.clone(), 0, RouteNetlinkMessage::GetLink(request))
            .await
        {
            Ok(replies) => replies
                .into_iter()
                .next()
                .map(|reply| parse(&action, reply))
                .transpose(),
            Err(error) if error.is_missing() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a veth pair, both ends down, the pod's end in the pod's namespace from the start.
    /// Names, MACs, MTUs and the group are part of the one request, so a pair is never seen
    /// without them. An alias cannot be: the kernel ignores `IFLA_IFALIAS` on creation.
    ///
    /// # Errors
    ///
    /// [`is_exists`](Error::is_exists) if either name is taken.
    pub async fn veth_create(&self, spec: &VethSpec<'_>) -> Result<Link, Error> {
        let mut peer = LinkMessage::default();
        peer.attributes = end(&spec.pod);
        peer.attributes
            .push(LinkAttribute::NetNsFd(spec.namespace.as_fd().as_raw_fd()));

        let mut request = LinkMessage::default();
        request.attributes = end(&spec.host);
        request.attributes.push(LinkAttribute::Group(spec.group));
        request.attributes.push(LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::Veth),
            LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
        ]));

        let VethSpec {
            host,
            pod,
            namespace,
            ..
        } = spec;
        let action = format!(
            "create veth {} with {} in {}",
            host.name,
            pod.name,
            namespace.path().display()
        );
        let request = RouteNetlinkMessage::NewLink(request);
        self.change(action.clone(), NLM_F_CREATE | NLM_F_EXCL, request)
            .await?;
        self.link_get(host.name)
            .await?
            .ok_or_else(|| Error::NotUnderstood {
                action,
                reason: "the link was gone as soon as it was made".into(),
            })
    }

    /// Sets the interface up.
    ///
    /// # Errors
    ///
    /// If the kernel refuses; [`is_missing`](Error::is_missing) if there is no such link. So for
    /// all setters below.
    pub async fn link_set_up(&self, index: u32) -> Result<(), Error> {
        self.set_flags(format!("set link {index} up"), index, LinkFlags::Up)
            .await
    }

    /// Sets the interface down.
    ///
    /// # Errors
    ///
    /// As [`link_set_up`](Self::link_set_up).
    pub async fn link_set_down(&self, index: u32) -> Result<(), Error> {
        self.set_flags(format!("set link {index} down"), index, LinkFlags::empty())
            .await
    }

    /// Sets the interface's alias, at most 255 bytes.
    ///
    /// # Errors
    ///
    /// As [`link_set_up`](Self::link_set_up).
    pub async fn link_set_alias(&self, index: u32, alias: &str) -> Result<(), Error> {
        let action = format!("set alias of link {index} to {alias:?}");
        self.set(action, index, LinkAttribute::IfAlias(alias.into()))
            .await
    }

    /// Sets the largest layer 3 packet, in bytes.
    ///
    /// # Errors
    ///
    /// As [`link_set_up`](Self::link_set_up).
    pub async fn link_set_mtu(&self, index: u32, mtu: u32) -> Result<(), Error> {
        self.set(
            format!("set MTU of link {index} to {mtu}"),
            index,
            LinkAttribute::Mtu(mtu),
        )
        .await
    }

    /// Moves the interface to a device group.
    ///
    /// # Errors
    ///
    /// As [`link_set_up`](Self::link_set_up).
    pub async fn link_set_group(&self, index: u32, group: u32) -> Result<(), Error> {
        let action = format!("move link {index} to group {group}");
        self.set(action, index, LinkAttribute::Group(group)).await
    }

    /// Keeps the kernel from giving the interface IPv6 addresses of its own
    /// (`addrgenmode none`).
    ///
    /// # Errors
    ///
    /// As [`link_set_up`](Self::link_set_up); `EAFNOSUPPORT` on a kernel without IPv6.
    pub async fn link_set_addrgenmode_none(&self, index: u32) -> Result<(), Error> {
        let mode = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
        let attribute = LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![mode])]);
        self.set(
            format!("set addrgenmode none on link {index}"),
            index,
            attribute,
        )
        .await
    }

    /// Deletes the interface, with its peer if it is a veth. Waits for the kernel to let go of
    /// it, some 20 ms: for many, use [`link_delete_many`](Self::link_delete_many).
    ///
    /// # Errors
    ///
    /// As [`link_set_up`](Self::link_set_up); `EOPNOTSUPP` for one that is not virtual.
    pub async fn link_delete(&self, index: u32) -> Result<(), Error> {
        let mut request = LinkMessage::default();
        request.header.index = index;
        let request = RouteNetlinkMessage::DelLink(request);
        self.change(format!("delete link {index}"), 0, request)
            .await
    }

    /// Deletes the interfaces at once, so that the kernel waits once for all of them.
    ///
    /// That takes deletion by group. The group is one of this call's own: a random number, seen
    /// to be empty before and to hold exactly `indexes` after they were moved there, so that no
    /// other interface is deleted with them. A call that is cut short leaves some of them in that
    /// group, their aliases untouched. Those already gone are passed over.
    ///
    /// # Errors
    ///
    /// If an interface cannot be moved, if another one joins the group meanwhile, or if one of
    /// them is not virtual. Nothing is deleted then.
    pub async fn link_delete_many(&self, indexes: &[u32]) -> Result<(), Error> {
        match indexes {
            [] => return Ok(()),
            [index] => {
                return match self.link_delete(*index).await {
                    Err(error) if error.is_missing() => Ok(()),
                    result => result,
                };
            }
            _ => {}
        }
        let group = self.unused_group().await?;
        for &index in indexes {
            match self.link_set_group(index, group).await {
                Err(error) if error.is_missing() => {}
                result => result?,
            }
        }
        let ours: HashSet<u32> = indexes.iter().copied().collect();
        let mut members = self.link_list().await?;
        members.retain(|link| link.group == group);
        if let Some(foreign) = members.iter().find(|link| !ours.contains(&link.index)) {
            return Err(Error::NotUnderstood {
                action: format!("delete {} links by group {group}", indexes.len()),
                reason: format!("{} was moved to that group by someone else", foreign.name),
            });
        }
        if members.is_empty() {
            return Ok(());
        }
        let mut request = LinkMessage::default();
        request.attributes = vec![LinkAttribute::Group(group)];
        let action = format!("delete {} links by group {group}", members.len());
        self.change(action, 0, RouteNetlinkMessage::DelLink(request))
            .await
    }

    /// A random group that no interface is in.
    async fn unused_group(&self) -> Result<u32, Error> {
        let taken: HashSet<u32> = self
            .link_list()
            .await?
            .iter()
            .map(|link| link.group)
            .collect();
        // The hasher's keys are random, and so is its value for anything. A high bit keeps clear
        // of the groups that people number by hand.
        loop {
            let [a, b, c, d, ..] = RandomState::new().hash_one(()).to_ne_bytes();
            let group = u32::from_ne_bytes([a, b, c, d]) >> 2 | 1 << 30;
            if !taken.contains(&group) {
                return Ok(group);
            }
        }
    }

    async fn set(&self, action: String, index: u32, attribute: LinkAttribute) -> Result<(), Error> {
        let mut request = LinkMessage::default();
        request.header.index = index;
        request.attributes = vec![attribute];
        self.change(action, 0, RouteNetlinkMessage::SetLink(request))
            .await
    }

    async fn set_flags(&self, action: String, index: u32, flags: LinkFlags) -> Result<(), Error> {
        let mut request = LinkMessage::default();
        request.header.index = index;
        request.header.flags = flags;
        request.header.change_mask = LinkFlags::Up;
        self.change(action, 0, RouteNetlinkMessage::SetLink(request))
            .await
    }
}

fn end(end: &VethEnd<'_>) -> Vec<LinkAttribute> {
    vec![
        LinkAttribute::IfName(end.name.into()),
        LinkAttribute::Address(end.mac.to_vec()),
        LinkAttribute::Mtu(end.mtu),
    ]
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "most attributes are of no use here"
)]
fn parse(action: &str, reply: RouteNetlinkMessage) -> Result<Link, Error> {
    let RouteNetlinkMessage::NewLink(message) = reply else {
        return Err(unexpected(action, &reply));
    };
    let mut link = Link {
        index: message.header.index,
        name: String::new(),
        alias: None,
        group: 0,
        mac: None,
        mtu: 0,
        up: message.header.flags.contains(LinkFlags::Up),
        carrier: message.header.flags.contains(LinkFlags::LowerUp),
        kind: None,
        peer_index: None,
        link_netnsid: None,
        master: None,
        ethernet: message.header.link_layer_type == LinkLayerType::Ether,
        xdp: None,
    };
    for attribute in message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name = name,
            LinkAttribute::IfAlias(alias) => link.alias = Some(alias),
            LinkAttribute::Group(group) => link.group = group,
            LinkAttribute::Address(mac) => link.mac = mac.try_into().ok(),
            LinkAttribute::Mtu(mtu) => link.mtu = mtu,
            LinkAttribute::Link(index) => link.peer_index = Some(index),
            LinkAttribute::LinkNetNsId(id) => link.link_netnsid = Some(id),
            LinkAttribute::Controller(index) => link.master = Some(index),
            LinkAttribute::Xdp(xdp) => link.xdp = xdp::parse(&xdp),
            LinkAttribute::LinkInfo(infos) => {
                link.kind = infos.into_iter().find_map(|info| match info {
                    LinkInfo::Kind(kind) => Some(kind.to_string()),
                    _ => None,
                });
            }
            _ => {}
        }
    }
    Ok(link)
}
