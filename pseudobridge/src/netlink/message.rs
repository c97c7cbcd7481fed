//! The message type of a [`Netlink`](super::Netlink) connection.

use std::convert::Infallible;

use netlink_packet_route::RouteNetlinkMessage;
use rtnetlink::packet_core::{
    ErrorMessage, NLA_HEADER_SIZE, NLM_F_ACK_TLVS, NLM_F_CAPPED, NetlinkDeserializable,
    NetlinkHeader, NetlinkSerializable, NlasIterator,
};

/// `NLMSGERR_ATTR_MSG` of linux/netlink.h: the extended acknowledgement's text.
const NLMSGERR_ATTR_MSG: u16 = 1;
/// `RTM_NEWLINK` and `IFLA_IFALIAS` of `linux/rtnetlink.h` and `linux/if_link.h`.
const RTM_NEWLINK: u16 = 16;
const IFLA_IFALIAS: u16 = 20;
/// `struct ifinfomsg`, in bytes.
const LINK_HEADER_LEN: usize = 16;
/// `struct nlmsghdr`, in bytes.
const HEADER_LEN: usize = 16;

/// A message to or from the kernel.
///
/// The connection logs and drops what it cannot decode: a link with a strange alias would be
/// missing from a dump without a trace. This type always decodes and carries the failure.
#[derive(Clone, Debug)]
pub(super) enum Message {
    /// A message that was understood, or is to be sent.
    Known(RouteNetlinkMessage),
    /// A received message that could not be decoded, never one to be sent.
    Unknown {
        /// Its `nlmsg_type`.
        message_type: u16,
        /// Why.
        reason: String,
    },
}

impl NetlinkDeserializable for Message {
    type Error = Infallible;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, Infallible> {
        let message = RouteNetlinkMessage::deserialize(header, payload).or_else(|error| {
            let readable = (header.message_type == RTM_NEWLINK)
                .then(|| with_readable_alias(payload))
                .flatten()
                .ok_or(error)?;
            RouteNetlinkMessage::deserialize(header, &readable)
        });
        Ok(match message {
            Ok(message) => Self::Known(message),
            Err(error) => Self::Unknown {
                message_type: header.message_type,
                reason: error.to_string(),
            },
        })
    }
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        match self {
            Self::Known(message) => message.message_type(),
            Self::Unknown { message_type, .. } => *message_type,
        }
    }

    fn buffer_len(&self) -> usize {
        match self {
            Self::Known(message) => NetlinkSerializable::buffer_len(message),
            Self::Unknown { .. } => 0,
        }
    }

    fn serialize(&self, buffer: &mut [u8]) {
        match self {
            Self::Known(message) => NetlinkSerializable::serialize(message, buffer),
            Self::Unknown { .. } => {}
        }
    }
}

/// A link's message with `?` for each byte of its alias that is not ASCII, if there is one.
///
/// Anyone may give a link of theirs an alias that is no text; ours are ASCII.
fn with_readable_alias(payload: &[u8]) -> Option<Vec<u8>> {
    let mut offset = LINK_HEADER_LEN;
    let alias = NlasIterator::new(payload.get(LINK_HEADER_LEN..)?)
        .flatten()
        .find_map(|attribute| {
            let start = offset + NLA_HEADER_SIZE;
            offset += usize::from(attribute.length()).next_multiple_of(4);
            (attribute.kind() == IFLA_IFALIAS).then(|| start..start + attribute.value().len())
        })?;
    let mut readable = payload.to_owned();
    for byte in readable.get_mut(alias)? {
        if !byte.is_ascii() {
            *byte = b'?';
        }
    }
    Some(readable)
}

/// The text of an `NLMSG_ERROR`'s extended acknowledgement.
///
/// The attributes follow the request, of which only the header is echoed if `NLM_F_CAPPED` is
/// set (`netlink_ack()` in the kernel's `af_netlink.c`).
pub(super) fn extended_ack(header: &NetlinkHeader, error: &ErrorMessage) -> Option<String> {
    if header.flags & NLM_F_ACK_TLVS == 0 {
        return None;
    }
    let echoed = if header.flags & NLM_F_CAPPED == 0 {
        let length = error.header.first_chunk::<4>()?;
        usize::try_from(u32::from_ne_bytes(*length)).ok()?
    } else {
        HEADER_LEN
    };
    let attributes = error.header.get(echoed.next_multiple_of(4)..)?;
    NlasIterator::new(attributes)
        .flatten()
        .find(|attribute| attribute.kind() == NLMSGERR_ATTR_MSG)
        .map(|attribute| {
            String::from_utf8_lossy(attribute.value())
                .trim_end_matches('\0')
                .to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An `NLMSG_ERROR` payload as the kernel sends it: request of `echoed` bytes, then "no".
    fn error(echoed: u32) -> ErrorMessage {
        let mut error = ErrorMessage::default();
        error.header = echoed.to_ne_bytes().to_vec();
        error.header.resize(usize::try_from(echoed).unwrap(), 0);
        error.header.extend(7u16.to_ne_bytes());
        error.header.extend(NLMSGERR_ATTR_MSG.to_ne_bytes());
        error.header.extend(b"no\0\0");
        error
    }

    fn header(flags: u16) -> NetlinkHeader {
        let mut header = NetlinkHeader::default();
        header.flags = flags;
        header
    }

    #[test]
    fn text_follows_a_capped_request() {
        let mut capped = error(16);
        // The echoed header still says how long the request was.
        capped.header[..4].copy_from_slice(&60u32.to_ne_bytes());
        let text = extended_ack(&header(NLM_F_ACK_TLVS | NLM_F_CAPPED), &capped);
        assert_eq!(text.as_deref(), Some("no"));
    }

    #[test]
    fn text_follows_a_whole_request() {
        let text = extended_ack(&header(NLM_F_ACK_TLVS), &error(60));
        assert_eq!(text.as_deref(), Some("no"));
    }

    #[test]
    fn no_text_without_the_flag_or_when_cut_short() {
        assert_eq!(extended_ack(&header(0), &error(16)), None);
        let mut cut = error(16);
        cut.header.truncate(10);
        assert_eq!(
            extended_ack(&header(NLM_F_ACK_TLVS | NLM_F_CAPPED), &cut),
            None
        );
    }

    #[test]
    fn undecodable_messages_are_kept() {
        let mut header = NetlinkHeader::default();
        header.message_type = 16;
        let Ok(message) = Message::deserialize(&header, &[0; 3]);
        assert!(matches!(
            message,
            Message::Unknown {
                message_type: 16,
                ..
            }
        ));
    }
}
