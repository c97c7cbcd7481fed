//! What can go wrong with BPF.

use std::fmt::Display;
use std::path::PathBuf;

/// Why something about BPF could not be done. Names the thing and, where there is one, the cure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel has no tcx links.
    #[error(
        "this kernel ({release}) cannot attach programs by tcx links, which came with Linux 6.6; \
         boot a newer one, or use the kernel's own path: `pseudobridge up --datapath kernel`"
    )]
    NoTcx {
        /// What `uname -r` says.
        release: String,
    },

    /// There is no BPF filesystem, and one mounted here would vanish with the command.
    #[error(
        "no BPF filesystem at {} in this mount namespace, which is a passing one (as `ip netns \
         exec` makes); pins made in it would be lost. Enter the node by its network namespace \
         alone:\n  {command}",
        .mount_point.display()
    )]
    PassingMountNamespace {
        /// Where it was looked for.
        mount_point: PathBuf,
        /// A command that works.
        command: String,
    },

    /// The pin root is no place for pins.
    #[error(
        "{} is not in a directory of a BPF filesystem; choose a --pin-root such as \
         /sys/fs/bpf/second-node",
        .root.display()
    )]
    NotBpffs {
        /// The pin root.
        root: PathBuf,
    },

    /// The pin root's name is none for a BPF filesystem.
    #[error(
        "{} cannot be a --pin-root: names on a BPF filesystem have no dot in them, and those that \
         end with -incomplete are for installations that were cut short; choose another one",
        .root.display()
    )]
    BadName {
        /// The pin root.
        root: PathBuf,
    },

    /// The node's programs are pinned somewhere else.
    #[error(
        "the program on {interface} is not pinned under {}; name the --pin-root that this node was \
         brought up with",
        .root.display()
    )]
    PinnedElsewhere {
        /// Where the program hangs.
        interface: String,
        /// The pin root that was named.
        root: PathBuf,
    },

    /// The pin root holds something that is not ours.
    #[error(
        "{} is not a pin of pseudobridge; remove it, or choose another place by --pin-root",
        .path.display()
    )]
    ForeignPin {
        /// The stranger.
        path: PathBuf,
    },

    /// The pins do not tell whose they are.
    #[error(
        "the pins under {} have lost the map `meta`, which says whose they are; choose another \
         place by --pin-root, or, if no node uses them, remove them: rm -r {}",
        .root.display(), .root.display()
    )]
    Nameless {
        /// The pin root.
        root: PathBuf,
    },

    /// The pins belong to another node.
    #[error(
        "the pins under {} belong to another network namespace (cookie {theirs}, this one's is \
         {ours}); choose another place by --pin-root, or, if that node is gone, remove them: \
         rm -r {}",
        .root.display(), .root.display()
    )]
    OtherNode {
        /// The pin root.
        root: PathBuf,
        /// Whose they are.
        theirs: u64,
        /// Who we are.
        ours: u64,
    },

    /// The pins were made by a version with another map layout.
    #[error(
        "the maps under {} have layout version {theirs}, this pseudobridge has {ours}; take the \
         network down with the version that made it, then `up` again",
        .root.display()
    )]
    OtherVersion {
        /// The pin root.
        root: PathBuf,
        /// Their version.
        theirs: u32,
        /// Our version.
        ours: u32,
    },

    /// A map is full.
    #[error("the map {map} is full ({max} entries): {cure}")]
    MapFull {
        /// The map.
        map: &'static str,
        /// What it holds.
        max: u32,
        /// What to do: for maps of pods, to raise `max_pods`.
        cure: &'static str,
    },

    /// The maps are to become too small.
    #[error(
        "the map {map} has {entries} entries, {max} would fit with `max_pods` = {max_pods}: take \
         pods away first, or leave `max_pods` as it was"
    )]
    WouldNotFit {
        /// The map.
        map: &'static str,
        /// What it has.
        entries: usize,
        /// What it would hold.
        max: usize,
        /// The size that was asked for.
        max_pods: u32,
    },

    /// The driver will not run our XDP program.
    #[error(
        "{interface} takes no native XDP program: {reason}; choose the datapath `xdp-generic`, or \
         `tc`"
    )]
    NativeXdpRefused {
        /// The interface.
        interface: String,
        /// Why not.
        reason: String,
    },

    /// Somebody else's XDP program hangs on the interface, of which there can be but one.
    #[error(
        "another XDP program hangs on {interface}: take it off (`ip link set dev {interface} xdp \
         off`), or choose the datapath `tc`"
    )]
    XdpTaken {
        /// The interface.
        interface: String,
    },

    /// Somebody else reads the events.
    #[error(
        "another process reads the events of {}, and only one can at a time: end it first",
        .root.display()
    )]
    EventsTaken {
        /// The pin root.
        root: PathBuf,
    },

    /// The kernel, or the filesystem, refused something.
    #[error("cannot {doing}: {reason}")]
    Failed {
        /// What was attempted, on what.
        doing: String,
        /// Why not, down to the first cause.
        reason: String,
    },
}

/// Says what was being done when an error came about.
pub(super) trait Doing<T> {
    /// `what` as in "cannot *load the tc program*: …"; formatted only when it went wrong.
    fn doing(self, what: impl Display) -> Result<T, Error>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> Doing<T> for Result<T, E> {
    fn doing(self, what: impl Display) -> Result<T, Error> {
        self.map_err(|error| Error::failed(what, error))
    }
}

impl Error {
    /// Something was being done when an error came about.
    pub(super) fn failed(
        what: impl Display,
        error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        let error = error.into();
        let mut reason = error.to_string();
        let mut cause = error.source();
        while let Some(deeper) = cause {
            let deeper_reason = deeper.to_string();
            // Some errors repeat their cause, or are nothing but it.
            if !reason.ends_with(&deeper_reason) {
                reason = format!("{reason}: {deeper_reason}");
            }
            cause = deeper.source();
        }
        Self::Failed {
            doing: what.to_string(),
            reason,
        }
    }
}
