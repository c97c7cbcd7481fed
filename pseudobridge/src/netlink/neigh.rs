//! The neighbour tables of both families, as `ip neighbour`.

use std::net::IpAddr;

pub use netlink_packet_route::neighbour::NeighbourState;
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage},
};
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_REPLACE};

use super::{Error, FAMILIES, Netlink, family, unexpected};

/// An entry of a neighbour table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Index of the interface it is reached by.
    pub index: u32,
    /// Its address.
    pub address: IpAddr,
    /// Its hardware address, if known and of six bytes.
    pub mac: Option<[u8; 6]>,
    /// What the kernel thinks of it.
    pub state: NeighbourState,
}

impl Netlink {
    /// All entries of the namespace, of both families, proxy entries apart.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, or no consistent copy could be had.
    pub async fn neigh_list(&self) -> Result<Vec<Neighbour>, Error> {
        let action = "list neighbours";
        let mut list = Vec::new();
        for family in FAMILIES {
            let mut request = NeighbourMessage::default();
            request.header.family = family;
            let request = RouteNetlinkMessage::GetNeighbour(request);
            for reply in self.dump(action, request).await? {
                list.extend(parse(action, family, &reply)?);
            }
        }
        Ok(list)
    }

    /// Makes the entry, or changes the one there is, to this MAC for good: it is neither probed
    /// nor aged.
    ///
    /// # Errors
    ///
    /// If the kernel refuses; `ENOBUFS` when the neighbour table is full (`gc_thresh3`).
    pub async fn neigh_set_permanent(
        &self,
        index: u32,
        address: impl Into<IpAddr>,
        mac: [u8; 6],
    ) -> Result<(), Error> {
        let address = address.into();
        let mut request = entry(index, address);
        request.header.state = NeighbourState::Permanent;
        request
            .attributes
            .push(NeighbourAttribute::LinkLayerAddress(mac.to_vec()));
        let action = format!("set neighbour {address} of link {index}");
        let request = RouteNetlinkMessage::NewNeighbour(request);
        self.change(action, NLM_F_CREATE | NLM_F_REPLACE, request)
            .await
    }

    /// Deletes the entry.
    ///
    /// # Errors
    ///
    /// [`is_missing`](Error::is_missing) if there is none.
    pub async fn neigh_delete(&self, index: u32, address: impl Into<IpAddr>) -> Result<(), Error> {
        let address = address.into();
        let request = RouteNetlinkMessage::DelNeighbour(entry(index, address));
        self.change(
            format!("delete neighbour {address} of link {index}"),
            0,
            request,
        )
        .await
    }
}

fn entry(index: u32, address: IpAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = family(address);
    message.header.ifindex = index;
    let destination = match address {
        IpAddr::V4(address) => NeighbourAddress::Inet(address),
        IpAddr::V6(address) => NeighbourAddress::Inet6(address),
    };
    message.attributes = vec![NeighbourAttribute::Destination(destination)];
    message
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "most attributes are of no use here"
)]
fn parse(
    action: &str,
    family: AddressFamily,
    reply: &RouteNetlinkMessage,
) -> Result<Option<Neighbour>, Error> {
    let RouteNetlinkMessage::NewNeighbour(message) = reply else {
        return Err(unexpected(action, reply));
    };
    // Where the kernel lacks a family, it tells of all.
    if message.header.family != family {
        return Ok(None);
    }
    let mut address: Option<IpAddr> = None;
    let mut mac = None;
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(ip)) => {
                address = Some((*ip).into());
            }
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(ip)) => {
                address = Some((*ip).into());
            }
            NeighbourAttribute::LinkLayerAddress(bytes) => mac = bytes.as_slice().try_into().ok(),
            _ => {}
        }
    }
    Ok(Some(Neighbour {
        index: message.header.ifindex,
        address: address.ok_or_else(|| unexpected(action, reply))?,
        mac,
        state: message.header.state,
    }))
}
