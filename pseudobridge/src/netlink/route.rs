//! Routes of both families, as `ip route`.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
pub use netlink_packet_route::route::{RouteScope, RouteType as RouteKind};
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::{RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteProtocol},
};
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::{Error, FAMILIES, Netlink, family, unexpected};

/// `IP6_RT_PRIO_USER`: the metric that the kernel gives to an IPv6 route without one.
const DEFAULT_METRIC6: u32 = 1024;

/// Index of the loopback interface in every namespace, which IPv6 routes that lead nowhere hang on.
const LOOPBACK: u32 = 1;

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where to; `0.0.0.0/0` and `::/0` are the default routes.
    pub destination: IpNet,
    /// The table's number.
    pub table: u32,
    /// Unicast, unreachable, local and so on.
    pub kind: RouteKind,
    /// Who made it: `RTPROT_*`, or a number of one's own.
    pub protocol: u8,
    /// Index of the interface it leaves by. A multipath route has none here, nor has one that
    /// leads nowhere, although IPv6 shows those on the loopback interface.
    pub oif: Option<u32>,
    /// Next router.
    pub gateway: Option<IpAddr>,
    /// How far the destination is: link without a gateway, universe with one. Of IPv6 always
    /// universe.
    pub scope: RouteScope,
    /// Priority against other routes to the same destination: the lower one wins. What is made
    /// here has the kernel's default, 0 for IPv4 and 1024 for IPv6.
    pub metric: u32,
}

impl Route {
    /// `RT_TABLE_MAIN`.
    pub const MAIN: u32 = 254;
    /// `RT_TABLE_LOCAL`, in which the kernel keeps the node's own addresses.
    pub const LOCAL: u32 = 255;

    /// `ip route add DESTINATION dev OIF protocol PROTOCOL`
    #[must_use]
    pub fn via_device(destination: impl Into<IpNet>, oif: u32, protocol: u8) -> Self {
        let destination = destination.into();
        let scope = match destination {
            IpNet::V4(_) => RouteScope::Link,
            IpNet::V6(_) => RouteScope::Universe,
        };
        Self {
            oif: Some(oif),
            scope,
            ..Self::to(destination, RouteKind::Unicast, protocol)
        }
    }

    /// `ip route add unreachable DESTINATION protocol PROTOCOL`
    #[must_use]
    pub fn unreachable(destination: impl Into<IpNet>, protocol: u8) -> Self {
        Self::to(destination.into(), RouteKind::Unreachable, protocol)
    }

    /// `ip route add prohibit DESTINATION table TABLE protocol PROTOCOL`
    #[must_use]
    pub fn prohibit(destination: impl Into<IpNet>, table: u32, protocol: u8) -> Self {
        Self {
            table,
            ..Self::to(destination.into(), RouteKind::Prohibit, protocol)
        }
    }

    /// `ip route add default via GATEWAY dev OIF protocol PROTOCOL`. The gateway may be link-local.
    #[must_use]
    pub fn default_via(gateway: impl Into<IpAddr>, oif: u32, protocol: u8) -> Self {
        let gateway = gateway.into();
        let destination = match gateway {
            IpAddr::V4(_) => IpNet::V4(Ipv4Net::default()),
            IpAddr::V6(_) => IpNet::V6(Ipv6Net::default()),
        };
        Self {
            oif: Some(oif),
            gateway: Some(gateway),
            ..Self::to(destination, RouteKind::Unicast, protocol)
        }
    }

    fn to(destination: IpNet, kind: RouteKind, protocol: u8) -> Self {
        let metric = match destination {
            IpNet::V4(_) => 0,
            IpNet::V6(_) => DEFAULT_METRIC6,
        };
        Self {
            destination,
            table: Self::MAIN,
            kind,
            protocol,
            oif: None,
            gateway: None,
            scope: RouteScope::Universe,
            metric,
        }
    }

    /// Whether what is sent there gets nowhere.
    fn is_dead_end(&self) -> bool {
        matches!(
            self.kind,
            RouteKind::Unreachable | RouteKind::Prohibit | RouteKind::BlackHole | RouteKind::Throw
        )
    }

    fn message(&self) -> RouteMessage {
        let mut message = RouteMessage::default();
        message.header.address_family = family(self.destination.addr());
        message.header.destination_prefix_length = self.destination.prefix_len();
        message.header.protocol = RouteProtocol::from(self.protocol);
        message.header.scope = self.scope;
        message.header.kind = self.kind;
        let attributes = &mut message.attributes;
        // RTA_TABLE carries every number, the header's field only those below 256.
        attributes.push(RouteAttribute::Table(self.table));
        let destination = self.destination.network();
        attributes.push(RouteAttribute::Destination(route_address(destination)));
        attributes.extend(self.oif.map(RouteAttribute::Oif));
        let gateway = self.gateway.map(route_address);
        attributes.extend(gateway.map(RouteAttribute::Gateway));
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
    /// The routes of both families and of all tables, the local ones included.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, or no consistent copy could be had.
    pub async fn route_list(&self) -> Result<Vec<Route>, Error> {
        let action = "list routes";
        let mut list = Vec::new();
        for family in FAMILIES {
            let mut request = RouteMessage::default();
            request.header.address_family = family;
            let request = RouteNetlinkMessage::GetRoute(request);
            for reply in self.dump(action, request).await? {
                list.extend(parse(action, family, reply)?);
            }
        }
        Ok(list)
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

    /// Deletes exactly this route: table, kind, protocol, scope, metric and next hop must be the
    /// same. Of IPv6 routes of one metric to one destination over one device, the kernel does not
    /// tell those with a gateway from the one without.
    ///
    /// # Errors
    ///
    /// [`is_missing`](Error::is_missing) if there is no such route.
    pub async fn route_delete(&self, route: &Route) -> Result<(), Error> {
        let mut message = route.message();
        if message.header.address_family == AddressFamily::Inet6 && route.is_dead_end() {
            // It does not look at the kind either (`ip6_route_del`): the device tells it.
            message.attributes.push(RouteAttribute::Oif(LOOPBACK));
        }
        let request = RouteNetlinkMessage::DelRoute(message);
        self.change(format!("delete route {route}"), 0, request)
            .await
    }
}

fn route_address(address: IpAddr) -> RouteAddress {
    match address {
        IpAddr::V4(address) => RouteAddress::Inet(address),
        IpAddr::V6(address) => RouteAddress::Inet6(address),
    }
}

/// `None` for what is no entry of a table of that family: where the kernel lacks the family, it
/// tells of all, and among IPv6 routes it may tell of what it has learnt about a path.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "most attributes are of no use here"
)]
fn parse(
    action: &str,
    family: AddressFamily,
    reply: RouteNetlinkMessage,
) -> Result<Option<Route>, Error> {
    let RouteNetlinkMessage::NewRoute(message) = reply else {
        return Err(unexpected(action, &reply));
    };
    let header = &message.header;
    if header.address_family != family || header.flags.contains(RouteFlags::Cloned) {
        return Ok(None);
    }
    let default = match family {
        AddressFamily::Inet6 => IpNet::V6(Ipv6Net::default()),
        _ => IpNet::V4(Ipv4Net::default()),
    };
    let mut destination = default.addr();
    let mut route = Route {
        scope: header.scope,
        metric: 0,
        ..Route::to(default, header.kind, header.protocol.into())
    };
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(to)) => destination = (*to).into(),
            RouteAttribute::Destination(RouteAddress::Inet6(to)) => destination = (*to).into(),
            RouteAttribute::Table(table) => route.table = *table,
            RouteAttribute::Oif(index) => route.oif = Some(*index),
            RouteAttribute::Gateway(RouteAddress::Inet(to)) => route.gateway = Some((*to).into()),
            RouteAttribute::Gateway(RouteAddress::Inet6(to)) => route.gateway = Some((*to).into()),
            RouteAttribute::Priority(metric) => route.metric = *metric,
            _ => {}
        }
    }
    if route.is_dead_end() {
        route.oif = None;
    }
    route.destination = IpNet::new(destination, header.destination_prefix_length)
        .map_err(|_| unexpected(action, &RouteNetlinkMessage::NewRoute(message.clone())))?;
    Ok(Some(route))
}
