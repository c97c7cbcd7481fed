//! The word for who forwards between pods.

use std::fmt;
use std::str::FromStr;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::{Deserialize, Serialize};

/// Who forwards between the pods of a node.
///
/// Written by the same words in the topology file, on the command line and in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(into = "&str", try_from = "String")]
pub enum Datapath {
    /// The kernel alone: routes and proxy ARP.
    Kernel,
    /// BPF programs at the tc ingress of each host-side veth, with [`Datapath::Kernel`] beneath.
    #[default]
    Tc,
    /// BPF programs in front of [`Datapath::Tc`], run by the veth driver itself (native XDP).
    Xdp,
    /// The same programs, run by the kernel's generic XDP: for tests, and where native is not to
    /// be had.
    XdpGeneric,
}

impl Datapath {
    /// Every datapath, in the order in which help and errors list them.
    pub const ALL: &[Self] = &[Self::Kernel, Self::Tc, Self::Xdp, Self::XdpGeneric];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Tc => "tc",
            Self::Xdp => "xdp",
            Self::XdpGeneric => "xdp-generic",
        }
    }

    /// All words, for an error to list.
    pub(super) fn words() -> String {
        Self::ALL
            .iter()
            .map(|datapath| datapath.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl fmt::Display for Datapath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is no [`Datapath`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no datapath; write one of: {words}", words = Datapath::words())]
pub struct UnknownDatapath(String);

impl FromStr for Datapath {
    type Err = UnknownDatapath;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().find(|datapath| datapath.as_str() == word);
        known
            .copied()
            .ok_or_else(|| UnknownDatapath(word.to_owned()))
    }
}

impl From<Datapath> for &'static str {
    fn from(datapath: Datapath) -> Self {
        datapath.as_str()
    }
}

impl TryFrom<String> for Datapath {
    type Error = UnknownDatapath;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        word.parse()
    }
}

impl ValueEnum for Datapath {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Kernel => "The kernel alone: routes and proxy ARP",
            Self::Tc => "BPF programs at the tc ingress, with the kernel beneath",
            Self::Xdp => "BPF programs by native XDP, with tc beneath",
            Self::XdpGeneric => "The same by generic XDP, where native is not to be had",
        };
        Some(PossibleValue::new(self.as_str()).help(help))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for datapath in Datapath::ALL {
            assert_eq!(datapath.to_string().parse(), Ok(*datapath));
            let json = serde_json::to_string(datapath).unwrap();
            assert_eq!(json, format!("\"{datapath}\""));
            assert_eq!(serde_json::from_str::<Datapath>(&json).unwrap(), *datapath);
        }
    }

    #[test]
    fn another_word_is_answered_with_the_list() {
        let error = "TC".parse::<Datapath>().unwrap_err();
        assert_eq!(
            error.to_string(),
            r#""TC" is no datapath; write one of: kernel, tc, xdp, xdp-generic"#
        );
    }
}
