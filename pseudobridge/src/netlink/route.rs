//! IPv4 routes, as `ip route`.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
pub use netlink_packet_route::route::{RouteScope, RouteType as RouteKind};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{RouteAddress, RouteAttribute, RouteMessage, RouteProtocol},
};
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::{Error, Netlink, unexpected};

/// An IPv4 route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to; `0.0.0.0/0` is the default route.
    pub destination: Ipv4Net,
    /// The table's number.
    pub table: u32,
    /// Unicast, unreachable, local and so on.
    pub kind: RouteKind,
    /// Who made it: `RTPROT_*`, or a number of one's own.
    pub protocol: u8,
    /// Index of the interface it leaves by. A multipath route has none here.
    pub oif: Option<u32>,
    /// Next router.
    pub gateway: Option<Ipv4Addr>,
    /// How far the destination is: link without a gateway, universe with one.
    pub scope: RouteScope,
    /// Priority against other routes to the same destination: the lower one wins.
    pub metric: u32,
}

impl Route {
    /// `RT_TABLE_MAIN`.
    pub const MAIN: u32 = 254;
    /// `RT_TABLE_LOCAL`, in which the kernel keeps the node's own addresses.
    pub const LOCAL: u32 = 255;

    /// `ip route add DESTINATION dev OIF protocol PROTOCOL`
    #[must_use]
    pub fn via_device(destination: Ipv4Net, oif: u32, protocol: u8) -> Self {
        Self {
            oif: Some(oif),
            ..Self::to(destination, RouteKind::Unicast, RouteScope::Link, protocol)
        }
    }

    /// `ip route add unreachable DESTINATION protocol PROTOCOL`
    #[must_use]
    pub fn unreachable(destination: Ipv4Net, protocol: u8) -> Self {
        Self::to(
            destination,
            RouteKind::Unreachable,
            RouteScope::Universe,
            protocol,
        )
    }

    /// `ip route add default via GATEWAY dev OIF protocol PROTOCOL`
    #[must_use]
    pub fn default_via(gateway: Ipv4Addr, oif: u32, protocol: u8) -> Self {
        Self {
            oif: Some(oif),
            gateway: Some(gateway),
            ..Self::to(
                Ipv4Net::default(),
                RouteKind::Unicast,
                RouteScope::Universe,
                protocol,
            )
        }
    }

    fn to(destination: Ipv4Net, kind: RouteKind, scope: RouteScope, protocol: u8) -> Self {
        Self {
            destination,
            table: Self::MAIN,
            kind,
            protocol,
            oif: None,
            gateway: None,
            scope,
            metric: 0,
        }
    }

    fn message(&self) -> RouteMessage {
        let mut message = RouteMessage::default();
        message.header.address_family = AddressFamily::Inet;
        message.header.destination_prefix_length = self.destination.prefix_len();
        message.header.protocol = RouteProtocol::from(self.protocol);
        message.header.scope = self.scope;
        message.header.kind = self.kind;
        let attributes = &mut message.attributes;
        // RTA_TABLE carries every number, the header's field only those below 256.
        attributes.push(RouteAttribute::Table(self.table));
        attributes.push(RouteAttribute::Destination(RouteAddress::Inet(
            self.destination.network(),
        )));
        attributes.extend(self.oif.map(RouteAttribute::Oif));
        attributes.extend(
            self.gateway
                .map(|to| RouteAttribute::Gateway(RouteAddress::Inet(to))),
        );
        if self.metric != 0 {
            attributes.push(RouteAttribute::Priority(self.metric));
        }
        message
    }
}

impl std::fmt::Display for Route {
    /// As `ip route` would show it, with numbers for names.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.kind != RouteKind::Unicast {
            write!(f, "{} ", format!("{:?}", self.kind).to_lowercase())?;
        }
        write!(f, "{}", self.destination)?;
        if let Some(gateway) = self.gateway {
            write!(f, " via {gateway}")?;
        }
        if let Some(oif) = self.oif {
            write!(f, " dev {oif}")?;
        }
        if self.table != Self::MAIN {
            write!(f, " table {}", self.table)?;
        }
        write!(f, " protocol {}", self.protocol)
    }
}

impl Netlink {
    /// The IPv4 routes of all tables, the local one included.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, or no consistent copy could be had.
    pub async fn route_list(&self) -> Result<Vec<Route>, Error> {
        let action = "list routes";
        let mut request = RouteMessage::default();
        request.header.address_family = AddressFamily::Inet;
        let replies = self
            .dump(action, RouteNetlinkMessage::GetRoute(request))
            .await?;
        replies
            .into_iter()
            .map(|reply| parse(action, reply))
            .collect()
    }

    /// Adds a route.
    ///
    /// # Errors
    ///
    /// [`is_exists`](Error::is_exists) if the table has a route of the same destination and
    /// metric, be it to another place or of another kind.
    pub async fn route_add(&self, route: &Route) -> Result<(), Error> {
        let request = RouteNetlinkMessage::NewRoute(route.message());
        self.change(
            format!("add route {route}"),
            NLM_F_CREATE | NLM_F_EXCL,
            request,
        )
        .await
    }

    /// Deletes exactly this route: table, kind, protocol, scope and next hop must be the same.
    ///
    /// # Errors
    ///
    /// [`is_missing`](Error::is_missing) if there is no such route.
    pub async fn route_delete(&self, route: &Route) -> Result<(), Error> {
        let request = RouteNetlinkMessage::DelRoute(route.message());
        self.change(format!("delete route {route}"), 0, request)
            .await
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "most attributes are of no use here"
)]
fn parse(action: &str, reply: RouteNetlinkMessage) -> Result<Route, Error> {
    let RouteNetlinkMessage::NewRoute(message) = reply else {
        return Err(unexpected(action, &reply));
    };
    let header = &message.header;
    let mut destination = Ipv4Addr::UNSPECIFIED;
    let mut route = Route::to(
        Ipv4Net::default(),
        header.kind,
        header.scope,
        header.protocol.into(),
    );
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(to)) => destination = *to,
            RouteAttribute::Table(table) => route.table = *table,
            RouteAttribute::Oif(index) => route.oif = Some(*index),
            RouteAttribute::Gateway(RouteAddress::Inet(to)) => route.gateway = Some(*to),
            RouteAttribute::Priority(metric) => route.metric = *metric,
            _ => {}
        }
    }
    route.destination = Ipv4Net::new(destination, header.destination_prefix_length)
        .map_err(|_| unexpected(action, &RouteNetlinkMessage::NewRoute(message.clone())))?;
    Ok(route)
}
