//! Debian's packages.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

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

/// Installs packages.
#[derive(Debug, Default)]
pub(super) struct Apt {
    /// Whether the package lists have been fetched.
    updated: bool,
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
        ensure!(
            process::find("apt-get").is_some(),
            "no apt-get here: install what these Debian packages have: {list}"
        );
        if !self.updated {
            let update = apt_get(true)?;
            process::watch("apt-get update", { update }.arg("update"))?;
            self.updated = true;
        }
        let absent = without_candidate(packages)?;
        ensure!(
            absent.is_empty(),
            "no package source has {}: the sources in /etc/apt must name bookworm, bookworm-updates \
             and bookworm-security (deb http://deb.debian.org/debian-security bookworm-security main)",
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

/// Those of the packages that no package source has.
fn without_candidate<'a>(packages: &[&'a str]) -> Result<Vec<&'a str>> {
    let policy = process::output(
        Command::new("apt-cache")
            .arg("policy")
            .args(packages)
            .env("LC_ALL", "C"),
    )?;
    Ok(packages
        .iter()
        .copied()
        .filter(|package| !has_candidate(&policy, package))
        .collect())
}

/// Reads the output of `apt-cache policy`.
fn has_candidate(policy: &str, package: &str) -> bool {
    let heading = format!("{package}:");
    policy
        .lines()
        .skip_while(|line| *line != heading)
        .find_map(|line| line.strip_prefix("  Candidate: "))
        .is_some_and(|candidate| candidate != "(none)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_are_read_from_their_own_package() {
        let policy = "gone:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n\
                      there:\n  Installed: (none)\n  Candidate: 1.2-3\n  Version table:\n";
        assert!(has_candidate(policy, "there"));
        assert!(!has_candidate(policy, "gone"));
        assert!(!has_candidate(policy, "unheard-of"));
    }
}
