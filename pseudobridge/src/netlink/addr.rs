//! Addresses of interfaces, as `ip address`.

use std::net::IpAddr;

use ipnet::IpNet;
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    address::{AddressAttribute, AddressHeaderFlags, AddressMessage},
};
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::{Error, FAMILIES, Netlink, family, unexpected};

/// An address of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The interface's index.
    pub index: u32,
    /// The address with the prefix length of its on-link subnet.
    pub address: IpNet,
}

impl Netlink {
    /// All addresses of the namespace, of both families.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, or no consistent copy could be had.
    pub async fn addr_list(&self) -> Result<Vec<Address>, Error> {
        let action = "list addresses";
        let mut list = Vec::new();
        for family in FAMILIES {
            let mut request = AddressMessage::default();
            request.header.family = family;
            let request = RouteNetlinkMessage::GetAddress(request);
            for reply in self.dump(action, request).await? {
                list.extend(parse(action, family, &reply)?);
            }
        }
        Ok(list)
    }

    /// Adds an address. If its prefix is shorter than a host's, the kernel adds the connected
    /// route as soon as the interface is up. An IPv6 address is not probed for duplicates first
    /// (`nodad`); still the kernel takes a moment to add its local route, on a workqueue of its
    /// own.
    ///
    /// # Errors
    ///
    /// [`is_exists`](Error::is_exists) if the interface has the address already.
    pub async fn addr_add(&self, address: &Address) -> Result<(), Error> {
        let action = format!("add address {} to link {}", address.address, address.index);
        let mut message = address.message();
        if message.header.family == AddressFamily::Inet6 {
            message.header.flags = AddressHeaderFlags::Nodad;
        }
        let request = RouteNetlinkMessage::NewAddress(message);
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
        let address = self.address.addr();
        let mut message = AddressMessage::default();
        message.header.family = family(address);
        message.header.index = self.index;
        message.header.prefix_len = self.address.prefix_len();
        message.attributes = vec![
            AddressAttribute::Local(address),
            AddressAttribute::Address(address),
        ];
        message
    }
}

/// `None` for an address of another family: where the kernel lacks the one that was asked for, it
/// tells of all.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "most attributes are of no use here"
)]
fn parse(
    action: &str,
    family: AddressFamily,
    reply: &RouteNetlinkMessage,
) -> Result<Option<Address>, Error> {
    let RouteNetlinkMessage::NewAddress(message) = reply else {
        return Err(unexpected(action, reply));
    };
    if message.header.family != family {
        return Ok(None);
    }
    // Where both are there and differ, IFA_ADDRESS is the peer's; IFA_LOCAL is always ours. IPv6
    // has IFA_ADDRESS alone.
    let (mut local, mut address) = (None, None);
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(ip) => local = Some(*ip),
            AddressAttribute::Address(ip) => address = Some(*ip),
            _ => {}
        }
    }
    local
        .or(address)
        .and_then(|ip: IpAddr| IpNet::new(ip, message.header.prefix_len).ok())
        .map(|address| {
            Some(Address {
                index: message.header.index,
                address,
            })
        })
        .ok_or_else(|| unexpected(action, reply))
}
