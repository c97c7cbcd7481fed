//! Policy rules of both families, as `ip rule`.

use std::{io, net::IpAddr};

use ipnet::IpNet;
pub use netlink_packet_route::rule::RuleAction;
use netlink_packet_route::{
    AddressFamily, RouteNetlinkMessage,
    route::RouteProtocol,
    rule::{RuleAttribute, RuleFlags, RuleMessage},
};
use nix::errno::Errno;
use rtnetlink::packet_core::{NLM_F_CREATE, NLM_F_EXCL};

use super::{Error, FAMILIES, Netlink, unexpected};

/// `FIB_RULE_PERMANENT` and the flags that tell whether a named device is there: states, no part
/// of what a rule says.
const STATES: RuleFlags = RuleFlags::Permanent
    .union(RuleFlags::Unresolved)
    .union(RuleFlags::IifDetached)
    .union(RuleFlags::OifDetached);

/// A policy rule: which table is asked about which packets, or what becomes of them at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whether it is IPv6's; else it is IPv4's.
    pub ipv6: bool,
    /// Its place among the rules: the lowest one is asked first.
    pub priority: u32,
    /// Sources that it is about; all, if there is none.
    pub source: Option<IpNet>,
    /// Destinations that it is about.
    pub destination: Option<IpNet>,
    /// Name of the interface by which the packets came.
    pub incoming: Option<String>,
    /// What becomes of them.
    pub action: RuleAction,
    /// The table to be asked, with [`RuleAction::ToTable`]; else 0.
    pub table: u32,
    /// Who made it: `RTPROT_*`, or a number of one's own.
    pub protocol: u8,
    /// Whether it selects by something else as well, as a mark. Such a rule is listed only: it
    /// can be neither added nor deleted.
    pub more: bool,
}

impl Rule {
    /// `ip rule add priority PRIORITY table TABLE protocol PROTOCOL`, to be narrowed down by
    /// `from` and `to`.
    #[must_use]
    pub fn to_table(ipv6: bool, priority: u32, table: u32, protocol: u8) -> Self {
        Self {
            ipv6,
            priority,
            source: None,
            destination: None,
            incoming: None,
            action: RuleAction::ToTable,
            table,
            protocol,
            more: false,
        }
    }

    /// `ip rule add prohibit priority PRIORITY protocol PROTOCOL`, to be narrowed down: what it is
    /// about is refused, and the sender told so.
    #[must_use]
    pub fn prohibit(ipv6: bool, priority: u32, protocol: u8) -> Self {
        Self {
            action: RuleAction::Prohibit,
            ..Self::to_table(ipv6, priority, 0, protocol)
        }
    }

    /// The same for packets of this source alone.
    #[must_use]
    pub fn from(self, source: impl Into<IpNet>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }

    /// The same for packets to this destination alone.
    #[must_use]
    pub fn to(self, destination: impl Into<IpNet>) -> Self {
        Self {
            destination: Some(destination.into()),
            ..self
        }
    }

    fn family(&self) -> AddressFamily {
        if self.ipv6 {
            AddressFamily::Inet6
        } else {
            AddressFamily::Inet
        }
    }

    /// Whether the kernel takes `other` when it is asked to delete this one: what the request does
    /// not name may be anything (`rule_find`, `net/core/fib_rules.c`).
    fn may_delete(&self, other: &Self) -> bool {
        fn named<T: PartialEq>(ours: Option<&T>, theirs: Option<&T>) -> bool {
            ours.is_none() || ours == theirs
        }
        self.priority == other.priority
            && self.action == other.action
            && (self.table == 0 || self.table == other.table)
            && (self.protocol == 0 || self.protocol == other.protocol)
            && named(self.source.as_ref(), other.source.as_ref())
            && named(self.destination.as_ref(), other.destination.as_ref())
            && named(self.incoming.as_ref(), other.incoming.as_ref())
    }

    fn message(&self) -> RuleMessage {
        let mut message = RuleMessage::default();
        message.header.family = self.family();
        message.header.action = self.action;
        let attributes = &mut message.attributes;
        attributes.push(RuleAttribute::Priority(self.priority));
        attributes.push(RuleAttribute::Protocol(RouteProtocol::from(self.protocol)));
        if self.table != 0 {
            attributes.push(RuleAttribute::Table(self.table));
        }
        if let Some(source) = self.source {
            message.header.src_len = source.prefix_len();
            attributes.push(RuleAttribute::Source(source.network()));
        }
        if let Some(destination) = self.destination {
            message.header.dst_len = destination.prefix_len();
            attributes.push(RuleAttribute::Destination(destination.network()));
        }
        let incoming = self.incoming.clone();
        attributes.extend(incoming.map(RuleAttribute::Iifname));
        message
    }
}

impl std::fmt::Display for Rule {
    /// As `ip rule` would show it, with numbers for names.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let family = if self.ipv6 { "IPv6" } else { "IPv4" };
        write!(f, "{family} rule {}: from ", self.priority)?;
        match self.source {
            Some(source) => write!(f, "{source}")?,
            None => write!(f, "all")?,
        }
        if let Some(destination) = self.destination {
            write!(f, " to {destination}")?;
        }
        if let Some(incoming) = &self.incoming {
            write!(f, " iif {incoming}")?;
        }
        if self.action == RuleAction::ToTable {
            write!(f, " lookup {}", self.table)?;
        } else {
            write!(f, " {}", format!("{:?}", self.action).to_lowercase())?;
        }
        write!(f, " protocol {}", self.protocol)?;
        if self.more {
            write!(f, " and more")?;
        }
        Ok(())
    }
}

impl Netlink {
    /// The rules of both families, each in the order in which they are asked.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, or no consistent copy could be had.
    pub async fn rule_list(&self) -> Result<Vec<Rule>, Error> {
        let mut list = Vec::new();
        for family in FAMILIES {
            list.extend(self.rules_of(family).await?);
        }
        Ok(list)
    }

    async fn rules_of(&self, family: AddressFamily) -> Result<Vec<Rule>, Error> {
        let action = "list rules";
        let mut request = RuleMessage::default();
        request.header.family = family;
        let request = RouteNetlinkMessage::GetRule(request);
        let replies = match self.dump(action, request).await {
            // A kernel without that family, or without rules for it.
            Err(error)
                if matches!(error.errno(), Some(Errno::EAFNOSUPPORT | Errno::EOPNOTSUPP)) =>
            {
                return Ok(Vec::new());
            }
            other => other?,
        };
        let mut list = Vec::new();
        for reply in &replies {
            list.extend(parse(action, family, reply)?);
        }
        Ok(list)
    }

    /// Adds a rule.
    ///
    /// # Errors
    ///
    /// [`is_exists`](Error::is_exists) if there is the same one, or one of that priority which
    /// names a source, destination or interface where this one does not.
    pub async fn rule_add(&self, rule: &Rule) -> Result<(), Error> {
        let action = format!("add {rule}");
        check(&action, rule)?;
        let request = RouteNetlinkMessage::NewRule(rule.message());
        self.change(action, NLM_F_CREATE | NLM_F_EXCL, request)
            .await
    }

    /// Deletes exactly this rule.
    ///
    /// # Errors
    ///
    /// [`is_missing`](Error::is_missing) if there is none like it; [`Error::InTheWay`] if the kernel
    /// would delete another one in its place, because that stands before it and is the same but
    /// for what ours does not name.
    pub async fn rule_delete(&self, rule: &Rule) -> Result<(), Error> {
        let action = format!("delete {rule}");
        check(&action, rule)?;
        let rules = self.rules_of(rule.family()).await?;
        if !rules.contains(rule) {
            return Err(Error::netlink(action, Errno::ENOENT as i32, None));
        }
        let first = rules.iter().find(|other| rule.may_delete(other));
        if let Some(other) = first.filter(|other| *other != rule) {
            let other = other.to_string();
            return Err(Error::InTheWay { action, other });
        }
        let request = RouteNetlinkMessage::DelRule(rule.message());
        self.change(action, 0, request).await
    }
}

fn check(action: &str, rule: &Rule) -> Result<(), Error> {
    let fits = |net: &Option<IpNet>| {
        net.is_none_or(|net| matches!(net.addr(), IpAddr::V6(_)) == rule.ipv6)
    };
    if rule.more || !fits(&rule.source) || !fits(&rule.destination) {
        let cause = io::Error::from(Errno::EINVAL);
        return Err(Error::system(action.into(), cause));
    }
    Ok(())
}

/// `None` for a rule of another family: where the kernel lacks one, it tells of all.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else there is, it selects by more"
)]
fn parse(
    action: &str,
    family: AddressFamily,
    reply: &RouteNetlinkMessage,
) -> Result<Option<Rule>, Error> {
    let RouteNetlinkMessage::NewRule(message) = reply else {
        return Err(unexpected(action, reply));
    };
    let header = &message.header;
    if header.family != family {
        return Ok(None);
    }
    let net = |address: &IpAddr, prefix_len| {
        IpNet::new(*address, prefix_len).map_err(|_| unexpected(action, reply))
    };
    let is_ipv6 = family == AddressFamily::Inet6;
    let mut rule = Rule::to_table(is_ipv6, 0, u32::from(header.table), 0);
    rule.action = header.action;
    rule.more = header.tos != 0 || !STATES.contains(header.flags);
    for attribute in &message.attributes {
        match attribute {
            RuleAttribute::Priority(priority) => rule.priority = *priority,
            RuleAttribute::Table(table) => rule.table = *table,
            RuleAttribute::Protocol(protocol) => rule.protocol = (*protocol).into(),
            RuleAttribute::Iifname(name) => rule.incoming = Some(name.clone()),
            RuleAttribute::Source(address) => rule.source = Some(net(address, header.src_len)?),
            RuleAttribute::Destination(address) => {
                rule.destination = Some(net(address, header.dst_len)?);
            }
            // What every rule has when it suppresses nothing.
            RuleAttribute::SuppressPrefixLen(u32::MAX)
            | RuleAttribute::SuppressIfGroup(u32::MAX) => {}
            _ => rule.more = true,
        }
    }
    Ok(Some(rule))
}
