//! The state of a node as comparable text.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;
use similar::TextDiff;

use super::Node;

const SCRIPT: &str = include_str!("dump.sh");

/// What of a BPF object is its identity and its make; the rest counts, or names its holders.
const BPF_KEYS: &[&str] = &[
    "type",
    "id",
    "name",
    "tag",
    "map_ids",
    "bytes_key",
    "bytes_value",
    "max_entries",
    "prog_id",
    "ifindex",
    "devname",
    "attach_type",
    "error",
];

/// Links, addresses, routes, rules, neighbours, qdiscs and sysctls of the node and of each of its
/// named namespaces; those namespaces, mounts, the BPF file system and the objects pinned in it.
/// One fact a line, sorted within its section; without counters, ages and what the kernel
/// numbers anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dump(String);

impl Dump {
    #[track_caller]
    pub(super) fn take(node: &Node) -> Self {
        let mut text = sorted(&node.run(script("network")).ok(), "node");
        text += &sorted(&node.run(script("machine")).ok(), "node");
        text += &sorted(&pinned(&node.run(script("pinned")).ok()), "node");
        for name in namespaces(&text) {
            text += &sorted(
                &node.pod(&name).run(script("network")).ok(),
                &format!("pod {name}"),
            );
        }
        Self(text)
    }

    /// Fails with the differing lines unless `later` is the same state.
    ///
    /// # Panics
    /// When the two differ; `since` says what happened between them.
    #[track_caller]
    pub fn assert_same(&self, later: &Self, since: &str) {
        assert!(
            self == later,
            "the node is not as before {since}:\n{}",
            self.diff(later)
        );
    }

    /// The lines of the dump that contain `part`.
    pub fn lines_with<'dump>(&'dump self, part: &'dump str) -> impl Iterator<Item = &'dump str> {
        self.0.lines().filter(move |line| line.contains(part))
    }

    /// Kind (`prog`, `map` or `link`) and id of each object pinned below a directory.
    #[must_use]
    pub fn pinned_below(&self, directory: &str) -> Vec<(&str, &str)> {
        let pins = self.0.lines().filter_map(|line| {
            let (kind, rest) = line.split_once(' ')?;
            let is_below = rest.strip_prefix(directory)?.starts_with('/');
            let id = rest.split_once(" id ")?.1.split(' ').next()?;
            is_below.then_some((kind, id))
        });
        pins.collect()
    }

    fn diff(&self, later: &Self) -> String {
        TextDiff::from_lines(&self.0, &later.0)
            .unified_diff()
            .context_radius(1)
            .header("before", "after")
            .to_string()
    }
}

impl fmt::Display for Dump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn script(part: &str) -> [&str; 5] {
    ["sh", "-c", SCRIPT, "dump", part]
}

/// Sorts the lines of each section, and says in each heading whose it is.
fn sorted(text: &str, owner: &str) -> String {
    let mut out = Vec::new();
    for section in text.split("== ").filter(|section| !section.is_empty()) {
        let mut lines = section.lines();
        out.push(format!("== {owner}: {}", lines.next().unwrap_or_default()));
        out.extend(
            lines
                .collect::<BTreeSet<_>>()
                .into_iter()
                .map(str::to_owned),
        );
    }
    out.join("\n") + "\n"
}

/// The pinned objects without what changes by itself, as a section.
#[track_caller]
fn pinned(listed: &str) -> String {
    let mut out = "== pinned BPF objects\n".to_owned();
    for line in listed.lines() {
        let (place, json) = line.split_at(line.find('{').unwrap_or(line.len()));
        let object: Value = match serde_json::from_str(json) {
            Ok(object) => object,
            Err(error) => panic!("bpftool printed no JSON of a pin: {error}\n{line}"),
        };
        let facts = BPF_KEYS.iter().filter(|key| !object[**key].is_null());
        let facts: Vec<_> = facts.map(|key| format!("{key} {}", object[*key])).collect();
        out += place;
        out += &facts.join(" ");
        out.push('\n');
    }
    out
}

fn namespaces(text: &str) -> Vec<String> {
    let named = text
        .lines()
        .filter_map(|line| line.strip_prefix("/run/netns/"));
    named
        .filter_map(|line| Some(line.split_once(" namespace ")?.0.to_owned()))
        .collect()
}
