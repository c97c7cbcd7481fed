//! Generic netlink: the header, attributes and the number of a family.

use std::convert::Infallible;

use rtnetlink::{
    packet_core::{
        NLA_F_NESTED, NLA_HEADER_SIZE, NLM_F_ACK, NetlinkDeserializable, NetlinkHeader,
        NetlinkSerializable, NlasIterator,
    },
    proto::ConnectionHandle,
};

use super::{Error, exchange};

/// `GENL_ID_CTRL` of linux/genetlink.h: the family that tells the numbers of all others.
const CONTROL: u16 = 16;
const CTRL_CMD_GETFAMILY: u8 = 3;
const CTRL_ATTR_FAMILY_ID: u16 = 1;
const CTRL_ATTR_FAMILY_NAME: u16 = 2;
/// The only version there is, of the control family and of ethtool's.
const VERSION: u8 = 1;
/// `struct genlmsghdr`, in bytes: command, version, and two that are reserved.
const HEADER_LEN: usize = 4;

/// A message of generic netlink.
#[derive(Clone, Debug, Default)]
pub(super) struct Generic {
    /// The family's number.
    pub(super) family: u16,
    /// The family's command.
    pub(super) command: u8,
    /// The attributes as they are on the wire.
    pub(super) attributes: Vec<u8>,
}

impl NetlinkDeserializable for Generic {
    type Error = Infallible;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, Infallible> {
        Ok(Self {
            family: header.message_type,
            command: payload.first().copied().unwrap_or_default(),
            attributes: payload.get(HEADER_LEN..).unwrap_or_default().to_owned(),
        })
    }
}

impl NetlinkSerializable for Generic {
    fn message_type(&self) -> u16 {
        self.family
    }

    fn buffer_len(&self) -> usize {
        HEADER_LEN + self.attributes.len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        let header = [self.command, VERSION, 0, 0];
        let bytes = header.iter().chain(&self.attributes);
        for (to, from) in buffer.iter_mut().zip(bytes) {
            *to = *from;
        }
    }
}

/// One attribute, padded.
pub(super) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    // Longer ones than a u16 counts are not made here.
    let length = u16::try_from(NLA_HEADER_SIZE + value.len()).unwrap_or(u16::MAX);
    let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// An attribute that holds others.
pub(super) fn nested(kind: u16, attributes: &[Vec<u8>]) -> Vec<u8> {
    attribute(kind | NLA_F_NESTED, &attributes.concat())
}

/// An attribute that holds a string.
pub(super) fn text(kind: u16, value: &str) -> Vec<u8> {
    attribute(kind, &[value.as_bytes(), &[0]].concat())
}

/// The value of the first attribute of that kind.
pub(super) fn find(attributes: &[u8], kind: u16) -> Option<&[u8]> {
    all(attributes, kind).next()
}

/// The values of all attributes of that kind.
pub(super) fn all(attributes: &[u8], kind: u16) -> impl Iterator<Item = &[u8]> {
    let attributes = NlasIterator::new(attributes).flatten();
    attributes
        .filter(move |attribute| attribute.kind() == kind)
        .filter_map(|attribute| {
            let length = usize::from(attribute.length());
            attribute.into_inner().get(NLA_HEADER_SIZE..length)
        })
}

/// Asks the kernel for something, and returns what it answers.
pub(super) async fn request(
    handle: &ConnectionHandle<Generic>,
    action: &str,
    message: Generic,
) -> Result<Vec<Generic>, Error> {
    let answer = exchange(handle, action, NLM_F_ACK, message).await?;
    Ok(answer.messages)
}

/// The number of the family of that name.
pub(super) async fn family(handle: &ConnectionHandle<Generic>, name: &str) -> Result<u16, Error> {
    let action = format!("find the netlink family {name}");
    let message = Generic {
        family: CONTROL,
        command: CTRL_CMD_GETFAMILY,
        attributes: text(CTRL_ATTR_FAMILY_NAME, name),
    };
    let replies = request(handle, &action, message).await?;
    let id = replies.first().and_then(|reply| {
        let id = find(&reply.attributes, CTRL_ATTR_FAMILY_ID)?;
        Some(u16::from_ne_bytes(id.try_into().ok()?))
    });
    id.ok_or_else(|| Error::NotUnderstood {
        action,
        reason: "it has no number".into(),
    })
}
