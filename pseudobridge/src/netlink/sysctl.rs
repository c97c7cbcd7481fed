//! Settings under `/proc/sys`, of the network namespace of the calling thread.
//!
//! For another namespace call them by [`within`](super::netns::within). Keys are given by their
//! components, as `["net", "ipv4", "conf", device, "proxy_arp"]`: a device's name may contain
//! dots.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{Error, netns::check_name};

const ROOT: &str = "/proc/sys";

/// Reads a sysctl, without the line's end.
///
/// # Errors
///
/// [`Error::NoSysctl`] if there is none of that key, [`Error::Refused`] if it cannot be read.
pub fn read(key: &[&str]) -> Result<String, Error> {
    fs::read_to_string(path(key)?)
        .map(|value| value.trim_end_matches('\n').to_owned())
        .map_err(|error| failure("read", key, error))
}

/// Writes a sysctl.
///
/// # Errors
///
/// [`Error::NoSysctl`] if there is none of that key, [`Error::Refused`] if it cannot be written:
/// `EINVAL` for a value out of range, `EROFS` in a container whose `/proc/sys` is read-only.
pub fn write(key: &[&str], value: &str) -> Result<(), Error> {
    OpenOptions::new()
        .write(true)
        .open(path(key)?)
        .and_then(|mut file| file.write_all(value.as_bytes()))
        .map_err(|error| failure(&format!("write {value} to"), key, error))
}

fn path(key: &[&str]) -> Result<PathBuf, Error> {
    key.iter()
        .try_fold(Path::new(ROOT).to_owned(), |path, component| {
            check_name("a part of a sysctl's key", component)?;
            Ok(path.join(component))
        })
}

fn failure(verb: &str, key: &[&str], error: io::Error) -> Error {
    let key = key.join("/");
    if error.kind() == io::ErrorKind::NotFound {
        Error::NoSysctl { key }
    } else {
        Error::sysctl(format!("{verb} sysctl {key}"), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_kept_whole() {
        let path = path(&["net", "ipv4", "conf", "eth0.100", "proxy_arp"]).unwrap();
        assert_eq!(
            path,
            Path::new("/proc/sys/net/ipv4/conf/eth0.100/proxy_arp")
        );
    }

    #[test]
    fn components_cannot_leave_the_tree() {
        for bad in ["..", ".", "", "a/b", "/etc/passwd"] {
            assert!(
                matches!(read(&["net", bad]), Err(Error::BadName { .. })),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn reads_and_tells_a_missing_key() {
        let value = read(&["net", "ipv4", "conf", "lo", "forwarding"]).unwrap();
        assert!(value == "0" || value == "1", "{value:?}");
        let error = read(&["net", "ipv4", "conf", "no-such-dev", "forwarding"]).unwrap_err();
        assert!(error.is_missing());
        assert!(
            error
                .to_string()
                .contains("net/ipv4/conf/no-such-dev/forwarding"),
            "{error}"
        );
    }
}
