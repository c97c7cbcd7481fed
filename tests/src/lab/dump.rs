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
    "pinned",
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
        for kind in ["prog", "map", "link"] {
            text += &sorted(&pinned(node, kind), "node");
        }
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

/// The objects of one kind that are pinned in a BPF file system that the node sees: programs and
/// maps belong to the whole machine, pins do not.
#[track_caller]
fn pinned(node: &Node, kind: &str) -> String {
    let json = node
        .run(["bpftool", "--json", "--bpffs", kind, "show"])
        .ok();
    let objects: Vec<Value> = match serde_json::from_str(&json) {
        Ok(objects) => objects,
        Err(error) => panic!("bpftool {kind} show: {error}\n{json}"),
    };
    let mut out = vec![format!("== pinned {kind}s")];
    for object in objects {
        if object["pinned"]
            .as_array()
            .is_some_and(|paths| !paths.is_empty())
        {
            let facts = BPF_KEYS.iter().filter(|key| !object[**key].is_null());
            let facts: Vec<_> = facts.map(|key| format!("{key} {}", object[*key])).collect();
            out.push(facts.join(" "));
        }
    }
    out.join("\n") + "\n"
}

fn namespaces(text: &str) -> Vec<String> {
    let named = text
        .lines()
        .filter_map(|line| line.strip_prefix("/run/netns/"));
    named
        .filter_map(|line| Some(line.split_once(" namespace ")?.0.to_owned()))
        .collect()
}
