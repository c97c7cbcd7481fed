//! The commands that tests and people use on a pod network.

use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use super::apt::{self, Apt};
use super::{Report, report_installed};
use crate::process;

/// One of Debian's packages, and the commands it is wanted for.
type Package = (&'static str, &'static [&'static str]);

/// What a person looks at a running network with, as `up` tells them to.
pub(super) const TO_LOOK: &[Package] = &[
    ("bpftool", &["bpftool"]),
    ("iproute2", &["bridge", "ip", "ss", "tc"]),
    ("iputils-ping", &["ping"]),
];

/// What the tests and measurements want besides.
pub(super) const TO_TEST: &[Package] = &[
    ("ethtool", &["ethtool"]),
    ("iperf3", &["iperf3"]),
    ("iputils-arping", &["arping"]),
    ("mount", &["mount", "umount"]),
    ("nftables", &["nft"]),
    ("procps", &["pgrep", "ps", "sysctl"]),
    ("strace", &["strace"]),
    ("tcpdump", &["tcpdump"]),
    ("util-linux", &["nsenter", "setpriv", "unshare"]),
];

/// Finds or installs them all.
///
/// # Errors
///
/// When some are missing and cannot be installed, or still are missing then.
pub(super) fn ensure(packages: &[Package], report: &Report, apt: &mut Apt) -> Result<()> {
    let since = Instant::now();
    let (present, absent): (Vec<_>, Vec<_>) = packages
        .iter()
        .partition(|(_, commands)| missing(commands).is_empty());
    print(&present, |name, version| {
        report.found(name, version, since);
    })?;
    if absent.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = absent.iter().map(|(name, _)| *name).collect();
    apt.install(&names)
        .with_context(|| format!("commands ({})", names.join(" ")))?;
    let still: Vec<_> = absent
        .iter()
        .flat_map(|(_, commands)| missing(commands))
        .collect();
    ensure!(
        still.is_empty(),
        "installed {}, and still missing: {still:?}",
        names.join(" ")
    );
    print(&absent, |name, version| {
        report_installed(name, version, since);
    })
}

/// Prints each package with its version, or with where its first command is if it is no package.
fn print(packages: &[&Package], line: impl Fn(&str, &str)) -> Result<()> {
    let names: Vec<_> = packages.iter().map(|(name, _)| *name).collect();
    let versions = apt::versions(&names)?;
    for (name, commands) in packages {
        let path = commands.first().and_then(|command| process::find(command));
        let path = path
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        line(name, versions.get(*name).unwrap_or(&path));
    }
    Ok(())
}

/// Those of the commands that are not there.
fn missing<'a>(commands: &[&'a str]) -> Vec<&'a str> {
    commands
        .iter()
        .copied()
        .filter(|command| process::find(command).is_none())
        .collect()
}
