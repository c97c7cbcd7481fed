//! What can go wrong at the border to the kernel.

use std::io;

use nix::errno::Errno;

/// A failure to read or change the kernel's networking state.
///
/// Every message begins with what was attempted, as `cannot add route 172.30.30.0/24: …`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused a request or a system call failed.
    #[error("cannot {action}: {}", refusal(cause, detail.as_deref(), capability))]
    Refused {
        /// What was attempted, as an infinitive with its object.
        action: String,
        /// The error number, positive.
        cause: io::Error,
        /// The kernel's extended acknowledgement, where it sent one.
        detail: Option<String>,
        /// What the caller needs where `cause` says that permission is missing.
        capability: &'static str,
    },
    /// A table changed each time it was read (`NLM_F_DUMP_INTR`), so no copy of it is whole.
    #[error(
        "cannot {action}: it changed while being read, {tries} times in a row; \
         try again when there are fewer changes"
    )]
    Interrupted {
        /// What was attempted.
        action: String,
        /// How often.
        tries: u32,
    },
    /// The kernel sent something that has no place in the answer, or that cannot be decoded.
    /// It is an error, not skipped: an incomplete picture would be acted upon.
    #[error("cannot {action}: the kernel's answer is not understood: {reason}")]
    NotUnderstood {
        /// What was attempted.
        action: String,
        /// The decoder's reason.
        reason: String,
    },
    /// The kernel cannot tell the object from another one that stands before it.
    #[error("cannot {action}: the kernel would take {other} in its place; delete that one first")]
    InTheWay {
        /// What was attempted.
        action: String,
        /// The other one.
        other: String,
    },
    /// The connection's socket failed, or its task ended with the runtime.
    #[error("cannot {action}: the netlink connection is closed; open a new one")]
    Closed {
        /// What was attempted.
        action: String,
    },
    /// A sysctl does not exist for this device or on this kernel.
    #[error(
        "there is no sysctl {key}: check that the interface still exists, \
         else this kernel is too old for the setting or built without it"
    )]
    NoSysctl {
        /// The key, its components joined by `/`.
        key: String,
    },
    /// A path that should be a network namespace is something else.
    #[error("{path} is not a network namespace; remove it or name another")]
    NotNamespace {
        /// The path.
        path: String,
    },
    /// A name that cannot be one component of a path.
    #[error(
        "{name:?} cannot be {role}: it must be one path component, without '/' and not \".\" or \"..\""
    )]
    BadName {
        /// What the name was for.
        role: &'static str,
        /// The name.
        name: String,
    },
}

impl Error {
    /// A netlink request that the kernel answered with `errno` and perhaps a text.
    pub(super) fn netlink(action: String, errno: i32, detail: Option<String>) -> Self {
        Self::Refused {
            action,
            cause: io::Error::from_raw_os_error(errno),
            detail,
            capability: "CAP_NET_ADMIN",
        }
    }

    /// A failed system call or file operation.
    pub(crate) fn system(action: String, cause: impl Into<io::Error>) -> Self {
        Self::Refused {
            action,
            cause: cause.into(),
            detail: None,
            capability: "CAP_SYS_ADMIN",
        }
    }

    /// A sysctl that is there but could not be read or written.
    pub(super) fn sysctl(action: String, cause: io::Error) -> Self {
        Self::Refused {
            action,
            cause,
            detail: None,
            capability: "CAP_NET_ADMIN",
        }
    }

    /// The error number, if the kernel gave one.
    #[must_use]
    pub fn errno(&self) -> Option<Errno> {
        if let Self::Refused { cause, .. } = self {
            cause.raw_os_error().map(Errno::from_raw)
        } else {
            None
        }
    }

    /// Whether an object of that name or key is there already. It need not be identical:
    /// a route of another kind to the same destination is refused in the same way.
    #[must_use]
    pub fn is_exists(&self) -> bool {
        self.errno() == Some(Errno::EEXIST)
    }

    /// Whether the object to be changed or removed is not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::NoSysctl { .. })
            || matches!(
                self.errno(),
                Some(Errno::ENODEV | Errno::ENOENT | Errno::ESRCH | Errno::EADDRNOTAVAIL)
            )
    }
}

fn refusal(cause: &io::Error, detail: Option<&str>, capability: &str) -> String {
    let mut text = match cause.raw_os_error() {
        Some(errno) => Errno::from_raw(errno).to_string(),
        None => cause.to_string(),
    };
    if let Some(detail) = detail {
        text = format!("{text} ({detail})");
    }
    match cause.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EPERM) => text = format!("{text}; {capability} is missing, run as root"),
        Some(Errno::EACCES) => text = format!("{text}; run as root"),
        _ => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_object_errno_and_kernel_text() {
        let error = Error::netlink(
            "add route 172.30.30.0/24".into(),
            Errno::EEXIST as i32,
            Some("Route exists".into()),
        );
        assert_eq!(
            error.to_string(),
            "cannot add route 172.30.30.0/24: EEXIST: File exists (Route exists)"
        );
        assert!(error.is_exists());
        assert!(!error.is_missing());
    }

    #[test]
    fn names_the_missing_capability() {
        let error = Error::netlink("delete link veth-ns1".into(), Errno::EPERM as i32, None);
        assert_eq!(
            error.to_string(),
            "cannot delete link veth-ns1: EPERM: Operation not permitted; \
             CAP_NET_ADMIN is missing, run as root"
        );
        let error = Error::system("enter the network namespace ns1".into(), Errno::EPERM);
        assert!(
            error
                .to_string()
                .ends_with("CAP_SYS_ADMIN is missing, run as root")
        );
    }

    #[test]
    fn tells_what_is_missing_from_what_is_refused() {
        for errno in [
            Errno::ENODEV,
            Errno::ENOENT,
            Errno::ESRCH,
            Errno::EADDRNOTAVAIL,
        ] {
            assert!(Error::netlink(String::new(), errno as i32, None).is_missing());
        }
        assert!(Error::NoSysctl { key: String::new() }.is_missing());
        assert!(!Error::netlink(String::new(), Errno::EINVAL as i32, None).is_missing());
    }
}
