//! Device features, as `ethtool -k` and `ethtool -K`.

use std::{collections::BTreeMap, io};

use rtnetlink::{proto::ConnectionHandle, sys::protocols::NETLINK_GENERIC};

use super::{
    Error, connect,
    generic::{self, Generic, all, attribute, find, nested, text},
    netns::{self, NetNs},
};

/// Constants of `linux/ethtool_netlink.h`.
const ETHTOOL_MSG_FEATURES_GET: u8 = 11;
const ETHTOOL_MSG_FEATURES_SET: u8 = 12;
const ETHTOOL_A_FEATURES_HEADER: u16 = 1;
const ETHTOOL_A_FEATURES_HW: u16 = 2;
const ETHTOOL_A_FEATURES_WANTED: u16 = 3;
const ETHTOOL_A_FEATURES_ACTIVE: u16 = 4;
const ETHTOOL_A_HEADER_DEV_INDEX: u16 = 1;
const ETHTOOL_A_HEADER_FLAGS: u16 = 3;
const ETHTOOL_FLAG_OMIT_REPLY: u32 = 2;
const ETHTOOL_A_BITSET_BITS: u16 = 3;
const ETHTOOL_A_BITSET_BITS_BIT: u16 = 1;
const ETHTOOL_A_BITSET_BIT_NAME: u16 = 2;
const ETHTOOL_A_BITSET_BIT_VALUE: u16 = 3;

/// A feature of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Feature {
    /// Whether it is on.
    pub on: bool,
    /// Whether it can be changed. Some depend on others all the same.
    pub changeable: bool,
}

/// A connection to one network namespace, for the features of its devices.
///
/// Clones share the connection.
#[derive(Clone, Debug)]
pub struct Features {
    handle: ConnectionHandle<Generic>,
    /// The number of ethtool's family.
    family: u16,
}

impl Features {
    /// Opens a connection to the network namespace of the calling thread.
    ///
    /// # Errors
    ///
    /// If the socket cannot be made, or the kernel has no `ethtool` family (before Linux 5.6).
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub async fn open() -> Result<Self, Error> {
        Self::find(socket()?).await
    }

    /// Opens a connection to another network namespace. The calling thread stays where it is.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and if the namespace cannot be entered.
    ///
    /// # Panics
    ///
    /// As [`open`](Self::open).
    pub async fn open_in(namespace: &NetNs) -> Result<Self, Error> {
        let runtime = tokio::runtime::Handle::current();
        let handle = netns::within(namespace, || {
            let _runtime = runtime.enter();
            socket()
        })??;
        Self::find(handle).await
    }

    async fn find(handle: ConnectionHandle<Generic>) -> Result<Self, Error> {
        let family = generic::family(&handle, "ethtool").await?;
        Ok(Self { handle, family })
    }

    /// All features of a device, by the kernel's names, as `rx-gro` and
    /// `tx-checksum-ip-generic`.
    ///
    /// # Errors
    ///
    /// If the kernel refuses; [`is_missing`](Error::is_missing) if there is no such device.
    pub async fn get(&self, index: u32) -> Result<BTreeMap<String, Feature>, Error> {
        let action = format!("read the features of link {index}");
        let message = self.message(ETHTOOL_MSG_FEATURES_GET, &[header(index, 0)]);
        let replies = generic::request(&self.handle, &action, message).await?;
        let attributes = replies.first().map(|reply| reply.attributes.as_slice());
        let bits = |kind| bits(find(attributes?, kind)?);
        // What can be changed is told of every feature, what is on only where it is.
        let (Some(known), Some(active)) =
            (bits(ETHTOOL_A_FEATURES_HW), bits(ETHTOOL_A_FEATURES_ACTIVE))
        else {
            let reason = "there are no features in it".into();
            return Err(Error::NotUnderstood { action, reason });
        };
        let feature = |(name, changeable): (String, bool)| {
            let on = active.contains_key(&name);
            (name, Feature { on, changeable })
        };
        Ok(known.into_iter().map(feature).collect())
    }

    /// Turns features of a device on or off, those that are named alone.
    ///
    /// # Errors
    ///
    /// If the kernel refuses, does not know a name, or keeps a feature as it was;
    /// [`is_missing`](Error::is_missing) if there is no such device.
    pub async fn set(&self, index: u32, wanted: &[(&str, bool)]) -> Result<(), Error> {
        if wanted.is_empty() {
            return Ok(());
        }
        let words: Vec<_> = wanted.iter().map(|(name, on)| word(name, *on)).collect();
        let action = format!("set the features of link {index} to {}", words.join(", "));
        let bits: Vec<_> = wanted
            .iter()
            .map(|(name, on)| {
                let name = text(ETHTOOL_A_BITSET_BIT_NAME, name);
                let value = on.then(|| attribute(ETHTOOL_A_BITSET_BIT_VALUE, &[]));
                let parts: Vec<_> = [name].into_iter().chain(value).collect();
                nested(ETHTOOL_A_BITSET_BITS_BIT, &parts)
            })
            .collect();
        let bits = nested(ETHTOOL_A_BITSET_BITS, &bits);
        let wish = nested(ETHTOOL_A_FEATURES_WANTED, &[bits]);
        let header = header(index, ETHTOOL_FLAG_OMIT_REPLY);
        let message = self.message(ETHTOOL_MSG_FEATURES_SET, &[header, wish]);
        generic::request(&self.handle, &action, message).await?;

        // What the device cannot do is no error of the request.
        let now = self.get(index).await?;
        let kept = wanted
            .iter()
            .find(|(name, on)| now.get(*name).is_none_or(|feature| feature.on != *on));
        match kept {
            Some((name, on)) => {
                let reason = format!("the device keeps {}", word(name, !on));
                Err(Error::system(action, io::Error::other(reason)))
            }
            None => Ok(()),
        }
    }

    fn message(&self, command: u8, attributes: &[Vec<u8>]) -> Generic {
        Generic {
            family: self.family,
            command,
            attributes: attributes.concat(),
        }
    }
}

fn word(name: &str, on: bool) -> String {
    format!("{name} {}", if on { "on" } else { "off" })
}

fn socket() -> Result<ConnectionHandle<Generic>, Error> {
    connect(NETLINK_GENERIC)
        .map_err(|error| Error::system("open a generic netlink socket".into(), error))
}

fn header(index: u32, flags: u32) -> Vec<u8> {
    let index = attribute(ETHTOOL_A_HEADER_DEV_INDEX, &index.to_ne_bytes());
    let flags = attribute(ETHTOOL_A_HEADER_FLAGS, &flags.to_ne_bytes());
    nested(ETHTOOL_A_FEATURES_HEADER, &[index, flags])
}

/// The named bits of a bitset, each with whether it is set.
fn bits(bitset: &[u8]) -> Option<BTreeMap<String, bool>> {
    let bits = all(
        find(bitset, ETHTOOL_A_BITSET_BITS)?,
        ETHTOOL_A_BITSET_BITS_BIT,
    );
    Some(
        bits.filter_map(|bit| {
            let name = find(bit, ETHTOOL_A_BITSET_BIT_NAME)?;
            let name = String::from_utf8_lossy(name);
            let is_set = find(bit, ETHTOOL_A_BITSET_BIT_VALUE).is_some();
            Some((name.trim_end_matches('\0').to_owned(), is_set))
        })
        .collect(),
    )
}
