//! The IPv4 neighbour table, as `ip neighbour`.

use std::net::Ipv4Addr;

pub use netlink_packet_route::neighbour::NeighbourState;
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage},
};
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_REPLACE};

use super::{Error, Netlink, unexpected};

/// An entry of the neighbour table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Index of the interface it is reached by.
    pub index: u32,
    /// Its address.
    pub address: Ipv4Addr,
    /// Its hardware address, if known and of six bytes.
    pub mac: Option<[u8; 6]>,
    /// What the kernel thinks of it.
    pub state: NeighbourState,
}

impl Netlink {
    /// All entries of the namespace, proxy entries apart.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, or no consistent copy could be had.
    pub async fn neigh_list(&self) -> Result<Vec<Neighbour>, Error> {
        let action = "list neighbours";
        let mut request = NeighbourMessage::default();
        request.header.family = AddressFamily::Inet;
        let replies = self
            .dump(action, RouteNetlinkMessage::GetNeighbour(request))
            .await?;
        replies
            .into_iter()
            .map(|reply| parse(action, &reply))
            .collect()
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
        address: Ipv4Addr,
        mac: [u8; 6],
    ) -> Result<(), Error> {
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
    pub async fn neigh_delete(&self, index: u32, address: Ipv4Addr) -> Result<(), Error> {
        let request = RouteNetlinkMessage::DelNeighbour(entry(index, address));
        self.change(
            format!("delete neighbour {address} of link {index}"),
            0,
            request,
        )
        .await
    }
}

fn entry(index: u32, address: Ipv4Addr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Inet;
    message.header.ifindex = index;
    message.attributes = vec![NeighbourAttribute::Destination(NeighbourAddress::Inet(
        address,
    ))];
    message
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "most attributes are of no use here"
)]
fn parse(action: &str, reply: &RouteNetlinkMessage) -> Result<Neighbour, Error> {
    let RouteNetlinkMessage::NewNeighbour(message) = reply else {
        return Err(unexpected(action, reply));
    };
    let mut address = None;
    let mut mac = None;
    for attribute in &message.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(ip)) => address = Some(*ip),
            NeighbourAttribute::LinkLayerAddress(bytes) => mac = bytes.as_slice().try_into().ok(),
            _ => {}
        }
    }
    Ok(Neighbour {
        index: message.header.ifindex,
        address: address.ok_or_else(|| unexpected(action, reply))?,
        mac,
        state: message.header.state,
    })
}
