//! Debian's packages.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::{process, root};

/// apt's options: no questions, nothing removed or installed beyond what is asked for, a stalled
/// connection given up, another apt waited for.
const OPTIONS: &[&str] = &[
    "--yes",
    "--no-install-recommends",
    "--no-remove",
    "-oAcquire::Retries=1",
    "-oAcquire::http::Timeout=30",
    "-oAcquire::https::Timeout=30",
    "-oDPkg::Lock::Timeout=120",
];

/// Seconds that fetching the lists, and fetching packages, may take.
const DOWNLOAD_LIMIT: u32 = 600;

/// What is told when a package, or one that is new enough, is missing.
pub(super) const SOURCES: &str = "the sources in /etc/apt must name bookworm and bookworm-security: \
     deb http://deb.debian.org/debian-security bookworm-security main";

/// Installs packages.
#[derive(Debug, Default)]
pub(super) struct Apt {
    /// How fetching the package lists ended, if they have been fetched.
    updated: Option<Result<(), String>>,
}

impl Apt {
    /// Installs packages.
    ///
    /// # Errors
    ///
    /// When this is no Debian, there is no way to become root, no package source has a package, or
    /// apt fails.
    pub(super) fn install(&mut self, packages: &[&str]) -> Result<()> {
        let list = packages.join(" ");
        let candidates = self.candidates(packages)?;
        let absent: Vec<_> = packages
            .iter()
            .copied()
            .filter(|name| !candidates.contains_key(*name))
            .collect();
        if let Some(Err(why)) = self.updated.as_ref().filter(|_| !absent.is_empty()) {
            bail!(
                "the package lists have no {}, and cannot be fetched: {why}",
                absent.join(" ")
            );
        }
        ensure!(
            absent.is_empty(),
            "no package source has {}: {SOURCES}",
            absent.join(" ")
        );
        // Fetched apart: that may be ended when it takes long, unpacking may not.
        let mut fetch = apt_get(true)?;
        fetch.args(["install", "--download-only"]).args(packages);
        process::watch(&format!("fetching {list}"), &mut fetch)?;
        let mut install = apt_get(false)?;
        install.arg("install").args(packages);
        process::watch(&format!("installing {list}"), &mut install)
    }

    /// The versions that would be installed, of those packages that a package source has.
    ///
    /// # Errors
    ///
    /// When this is no Debian, or there is no way to become root.
    pub(super) fn candidates(&mut self, packages: &[&str]) -> Result<BTreeMap<String, String>> {
        ensure!(
            process::find("apt-get").is_some(),
            "no apt-get here: install what these Debian packages have: {}",
            packages.join(" ")
        );
        if self.updated.is_none() {
            let mut update = apt_get(true)?;
            update.args(["update", "-oAPT::Update::Error-Mode=any"]);
            // One source of several may have failed, or the lists there be good enough.
            let done = process::watch("apt-get update", &mut update);
            self.updated = Some(done.map_err(|why| format!("{why:#}")));
        }
        let mut policy = Command::new("apt-cache");
        policy.arg("policy").args(packages).env("LC_ALL", "C");
        Ok(read_candidates(&process::output(&mut policy)?))
    }
}

/// The versions of those of the packages that are installed; none at all where this is no Debian.
pub(super) fn versions(packages: &[&str]) -> Result<BTreeMap<String, String>> {
    if process::find("dpkg-query").is_none() {
        return Ok(BTreeMap::new());
    }
    let mut query = Command::new("dpkg-query");
    query.args([
        "--show",
        "--showformat=${db:Status-Status} ${Package} ${Version}\n",
    ]);
    // Fails when a package is not known, yet prints the others.
    let output = query
        .args(packages)
        .output()
        .context("running dpkg-query")?;
    let text = String::from_utf8(output.stdout).context("output of dpkg-query")?;
    Ok(text
        .lines()
        .filter_map(|line| line.strip_prefix("installed ")?.split_once(' '))
        .map(|(package, version)| (package.to_owned(), version.to_owned()))
        .collect())
}

fn apt_get(limited: bool) -> Result<Command> {
    let mut command = root::command(&["DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"])?;
    if limited {
        command.args(process::limited(DOWNLOAD_LIMIT));
    }
    command.arg("apt-get").args(OPTIONS);
    Ok(command)
}

/// Reads the output of `apt-cache policy`: package and candidate, where there is one.
fn read_candidates(policy: &str) -> BTreeMap<String, String> {
    let mut candidates = BTreeMap::new();
    let mut package = "";
    for line in policy.lines() {
        if !line.starts_with(' ') {
            package = line.trim_end_matches(':');
        } else if let Some(version) = line.strip_prefix("  Candidate: ")
            && version != "(none)"
        {
            candidates.insert(package.to_owned(), version.to_owned());
        }
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_belong_to_their_package() {
        let policy = "gone:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n\
                      there:\n  Installed: 1.1-1\n  Candidate: 1.2-3\n  Version table:\n";
        let expected = BTreeMap::from([("there".to_owned(), "1.2-3".to_owned())]);
        assert_eq!(read_candidates(policy), expected);
    }
}
