//! Which names a file may give.

use toml::Spanned;

use super::problem::Collector;

/// Longest name in bytes of a network, a pod or a network namespace: that of a DNS label
/// (RFC 1123), as orchestrators name pods.
pub const MAX_NAME: usize = 63;

/// Longest interface name in bytes: `IFNAMSIZ` of include/uapi/linux/if.h without its final NUL.
const MAX_INTERFACE: usize = 15;

/// Names that no veth can have: `lo` is in each namespace, and the kernel refuses those that
/// /proc/sys/net/ipv4/conf has for itself (`sysctl_dev_name_is_allowed`).
const RESERVED_INTERFACES: [&str; 3] = ["all", "default", "lo"];

/// What is wrong with `name`, if anything.
///
/// Stricter than the kernel, which forbids only `/`, `:` and blanks in an interface: names become
/// files under bpffs, where `.` is reserved, and words of command lines, where a `-` in front
/// makes an option.
fn fault(name: &str, max: usize) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if let Some(other) = name.chars().find(|c| !allowed(*c)) {
        Some(format!("has a {other:?}"))
    } else if name.is_empty() {
        Some("is empty".to_owned())
    } else if name.len() > max {
        Some(format!("has {} bytes", name.len()))
    } else if name.starts_with('-') {
        Some("begins with '-'".to_owned())
    } else {
        None
    }
}

fn cure(max: usize) -> String {
    format!("use 1 to {max} of A-Z a-z 0-9 _ and -, with no - in front")
}

/// Checks the name of a network, pod or network namespace, which errors call `noun`.
pub(super) fn check(
    noun: &str,
    name: Spanned<String>,
    problems: &mut Collector,
) -> Option<Spanned<String>> {
    let Some(fault) = fault(name.get_ref(), MAX_NAME) else {
        return Some(name);
    };
    let what = format!("{noun} {:?} {fault}", name.get_ref());
    problems.add(&name.span(), what, cure(MAX_NAME));
    None
}

/// The interface name that is written for `key`, else the one derived from `base`, checked.
pub(super) fn check_interface(
    key: &str,
    written: Option<Spanned<String>>,
    base: Option<&Spanned<String>>,
    derive: impl FnOnce(&String) -> String,
    problems: &mut Collector,
) -> Option<Spanned<String>> {
    let derived = written.is_none();
    let name = written.or_else(|| base.map(|b| Spanned::new(b.span(), derive(b.get_ref()))))?;
    let text = name.get_ref();
    let (fault, cure) = if RESERVED_INTERFACES.contains(&text.as_str()) {
        (
            "is reserved by the kernel".to_owned(),
            "choose another name".to_owned(),
        )
    } else if let Some(fault) = fault(text, MAX_INTERFACE) {
        (fault, cure(MAX_INTERFACE))
    } else {
        return Some(name);
    };
    if derived {
        let what = format!("the default `{key}` {text:?} {fault}");
        let cure = format!("set `{key}` to a name of 1 to {MAX_INTERFACE} bytes");
        problems.add(&name.span(), what, cure);
    } else {
        problems.add(&name.span(), format!("{key} {text:?} {fault}"), cure);
    }
    None
}

/// Checks the name of an interface that is not made by us: what the kernel takes
/// (`dev_valid_name`), in ASCII. A VLAN device's name has a dot.
pub(super) fn check_uplink(
    name: Spanned<String>,
    problems: &mut Collector,
) -> Option<Spanned<String>> {
    let text = name.get_ref();
    let allowed = |c: char| c.is_ascii_graphic() && c != '/' && c != ':';
    let fault = if let Some(other) = text.chars().find(|c| !allowed(*c)) {
        format!("has a {other:?}")
    } else if text.is_empty() {
        "is empty".to_owned()
    } else if text.len() > MAX_INTERFACE {
        format!("has {} bytes", text.len())
    } else if text == "." || text == ".." || RESERVED_INTERFACES.contains(&text.as_str()) {
        "leads nowhere".to_owned()
    } else {
        return Some(name);
    };
    let what = format!("uplink {text:?} {fault}");
    let cure = "name an interface, as `ip link` shows it";
    problems.add(&name.span(), what, cure);
    None
}
