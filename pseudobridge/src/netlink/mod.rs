//! Links, addresses, routes, rules, neighbours, device features, namespaces and sysctls, with the verbs of ip(8).
//!
//! The only place that talks netlink. There is no policy here: callers say what is to be, this
//! module asks the kernel for it and returns the kernel's answer.
//!
//! Addresses are in network byte order wherever they are byte arrays; interface indexes and
//! netlink numbers are the host's.

mod addr;
mod error;
mod feature;
mod generic;
mod link;
mod message;
mod neigh;
pub mod netns;
mod route;
mod rule;
pub mod sysctl;

use std::{fmt::Debug, io, net::IpAddr, sync::Arc};

use futures_util::StreamExt as _;
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::{
    packet_core::{
        NLM_F_ACK, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkDeserializable,
        NetlinkHeader, NetlinkMessage, NetlinkPayload, NetlinkSerializable,
    },
    proto::{ConnectionHandle, new_connection},
    sys::{AsyncSocket as _, SocketAddr, protocols::NETLINK_ROUTE},
};
use tokio::sync::Mutex;

pub use self::{
    addr::Address,
    error::Error,
    feature::{Feature, Features},
    link::{Link, VethEnd, VethSpec, Xdp, XdpMode},
    neigh::{Neighbour, NeighbourState},
    route::{Route, RouteKind, RouteScope},
    rule::{Rule, RuleAction},
};
use self::{
    message::{Message, extended_ack},
    netns::NetNs,
};

/// How often an inconsistent dump is asked for again.
const DUMP_TRIES: u32 = 10;

/// The families whose tables are read.
const FAMILIES: [AddressFamily; 2] = [AddressFamily::Inet, AddressFamily::Inet6];

/// A connection to one network namespace.
///
/// Clones share the connection, and requests may be made concurrently. The namespace lives at
/// least as long as the last clone.
#[derive(Clone, Debug)]
pub struct Netlink {
    handle: ConnectionHandle<Message>,
    /// The kernel makes one dump at a time on a socket, and refuses a second with `EBUSY`.
    dumping: Arc<Mutex<()>>,
}

impl Netlink {
    /// Opens a connection to the network namespace of the calling thread.
    ///
    /// # Errors
    ///
    /// If the socket cannot be made.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled: the connection runs there, as a task.
    pub fn open() -> Result<Self, Error> {
        Self::connect().map_err(|error| Error::system("open a netlink socket".into(), error))
    }

    /// Opens a connection to another network namespace. The calling thread stays where it is:
    /// a netlink socket belongs to the namespace in which it was made, wherever it is used.
    ///
    /// # Errors
    ///
    /// If the namespace cannot be entered (`CAP_SYS_ADMIN`) or the socket cannot be made.
    ///
    /// # Panics
    ///
    /// As [`open`](Self::open).
    pub fn open_in(namespace: &NetNs) -> Result<Self, Error> {
        let runtime = tokio::runtime::Handle::current();
        netns::within(namespace, || {
            let _runtime = runtime.enter();
            Self::open()
        })?
    }

    fn connect() -> io::Result<Self> {
        Ok(Self {
            handle: connect(NETLINK_ROUTE)?,
            dumping: Arc::default(),
        })
    }

    /// Asks for a change and waits until the kernel has made it.
    async fn change(
        &self,
        action: String,
        flags: u16,
        message: RouteNetlinkMessage,
    ) -> Result<(), Error> {
        self.request(action, flags, message).await.map(drop)
    }

    /// Reads a table, again if it changed meanwhile, so that the copy returned is consistent.
    async fn dump(
        &self,
        action: &str,
        message: RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>, Error> {
        let _alone = self.dumping.lock().await;
        for _ in 0..DUMP_TRIES {
            let answer = self.exchange(action, NLM_F_DUMP, message.clone()).await?;
            if !answer.interrupted {
                return Ok(answer.messages);
            }
        }
        Err(Error::Interrupted {
            action: action.into(),
            tries: DUMP_TRIES,
        })
    }

    /// Asks for something that is answered by messages and then acknowledged.
    async fn request(
        &self,
        action: String,
        flags: u16,
        message: RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>, Error> {
        Ok(self
            .exchange(&action, NLM_F_ACK | flags, message)
            .await?
            .messages)
    }

    async fn exchange(
        &self,
        action: &str,
        flags: u16,
        message: RouteNetlinkMessage,
    ) -> Result<Answer<RouteNetlinkMessage>, Error> {
        let answer = exchange(&self.handle, action, flags, Message::Known(message)).await?;
        let known = answer.messages.into_iter().map(|message| match message {
            Message::Known(message) => Ok(message),
            Message::Unknown {
                message_type,
                reason,
            } => Err(Error::NotUnderstood {
                action: action.into(),
                reason: format!("message type {message_type}: {reason}"),
            }),
        });
        Ok(Answer {
            messages: known.collect::<Result<_, _>>()?,
            interrupted: answer.interrupted,
        })
    }
}

/// What came back for a request.
struct Answer<M> {
    messages: Vec<M>,
    interrupted: bool,
}

/// Opens a socket of a netlink protocol in the network namespace of the calling thread, with a
/// task that serves it.
fn connect<M>(protocol: isize) -> io::Result<ConnectionHandle<M>>
where
    M: Debug + NetlinkSerializable + NetlinkDeserializable + Unpin + Send + 'static,
{
    // Nothing is subscribed to, so there are no unsolicited messages to listen for.
    let (mut connection, handle, _) = new_connection::<M>(protocol)?;
    // Acknowledgements are passed on, so that a connection which dies is told from one that has
    // answered.
    connection.set_forward_ack(true);
    connection.set_forward_done(true);
    let socket = connection.socket_mut().socket_mut();
    socket.set_ext_ack(true)?;
    socket.set_cap_ack(true)?;
    socket.set_netlink_get_strict_chk(true)?;
    tokio::spawn(connection);
    Ok(handle)
}

/// Sends a request and reads its answer to the end: a dump that is not over would block the next.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the payloads are non-exhaustive"
)]
async fn exchange<M: Debug>(
    handle: &ConnectionHandle<M>,
    action: &str,
    flags: u16,
    message: M,
) -> Result<Answer<M>, Error> {
    let closed = || Error::Closed {
        action: action.into(),
    };
    let payload = NetlinkPayload::InnerMessage(message);
    let mut request = NetlinkMessage::new(NetlinkHeader::default(), payload);
    request.header.flags = NLM_F_REQUEST | flags;
    let mut replies = handle
        .request(request, SocketAddr::new(0, 0))
        .map_err(|_| closed())?;

    let mut answer = Answer {
        messages: Vec::new(),
        interrupted: false,
    };
    while let Some(reply) = replies.next().await {
        answer.interrupted |= reply.header.flags & NLM_F_DUMP_INTR != 0;
        let (code, detail) = match reply.payload {
            NetlinkPayload::InnerMessage(message) => {
                answer.messages.push(message);
                continue;
            }
            NetlinkPayload::Error(error) => (error.raw_code(), extended_ack(&reply.header, &error)),
            NetlinkPayload::Done(done) => (done.code, None),
            other => {
                let reason = format!("unexpected {other:?}");
                return Err(Error::NotUnderstood {
                    action: action.into(),
                    reason,
                });
            }
        };
        return match code {
            0 => Ok(answer),
            code => Err(Error::netlink(action.into(), -code, detail)),
        };
    }
    Err(closed())
}

/// The family of an address.
fn family(address: IpAddr) -> AddressFamily {
    match address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    }
}

/// An answer of another kind than was asked for.
fn unexpected(action: &str, message: &RouteNetlinkMessage) -> Error {
    Error::NotUnderstood {
        action: action.into(),
        reason: format!("unexpected message {message:?}"),
    }
}
