//! IPv4 addresses of interfaces, as `ip address`.

use std::net::IpAddr;

use ipnet::Ipv4Net;
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressMessage},
};
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::{Error, Netlink, unexpected};

/// An IPv4 address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The interface's index.
    pub index: u32,
    /// The address with the prefix length of its on-link subnet.
    pub address: Ipv4Net,
}

impl Netlink {
    /// All IPv4 addresses of the namespace.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, or no consistent copy could be had.
    pub async fn addr_list(&self) -> Result<Vec<Address>, Error> {
        let action = "list addresses";
        let mut request = AddressMessage::default();
        request.header.family = AddressFamily::Inet;
        let replies = self
            .dump(action, RouteNetlinkMessage::GetAddress(request))
            .await?;
        replies
            .into_iter()
            .map(|reply| parse(action, &reply))
            .collect()
    }

    /// Adds an address. If its prefix is shorter than 32, the kernel adds the connected route as
    /// soon as the interface is up.
    ///
    /// # Errors
    ///
    /// [`is_exists`](Error::is_exists) if the interface has the address already.
    pub async fn addr_add(&self, address: &Address) -> Result<(), Error> {
        let action = format!("add address {} to link {}", address.address, address.index);
        let request = RouteNetlinkMessage::NewAddress(address.message());
        self.change(action, NLM_F_CREATE | NLM_F_EXCL, request)
            .await
    }

    /// Deletes an address, and with it the connected route.
    ///
    /// # Errors
    ///
    /// [`is_missing`](Error::is_missing) if the interface does not have it.
    pub async fn addr_delete(&self, address: &Address) -> Result<(), Error> {
        let action = format!(
            "delete address {} of link {}",
            address.address, address.index
        );
        self.change(
            action,
            0,
            RouteNetlinkMessage::DelAddress(address.message()),
        )
        .await
    }
}

impl Address {
    fn message(&self) -> AddressMessage {
        let address = IpAddr::V4(self.address.addr());
        let mut message = AddressMessage::default();
        message.header.family = AddressFamily::Inet;
        message.header.index = self.index;
        message.header.prefix_len = self.address.prefix_len();
        message.attributes = vec![
            AddressAttribute::Local(address),
            AddressAttribute::Address(address),
        ];
        message
    }
}

fn parse(action: &str, reply: &RouteNetlinkMessage) -> Result<Address, Error> {
    let RouteNetlinkMessage::NewAddress(message) = reply else {
        return Err(unexpected(action, reply));
    };
    // IFA_ADDRESS is the peer's on a point-to-point interface; IFA_LOCAL is always ours.
    message
        .attributes
        .iter()
        .find_map(|attribute| {
            let AddressAttribute::Local(IpAddr::V4(local)) = attribute else {
                return None;
            };
            Ipv4Net::new(*local, message.header.prefix_len).ok()
        })
        .map(|address| Address {
            index: message.header.index,
            address,
        })
        .ok_or_else(|| unexpected(action, reply))
}
