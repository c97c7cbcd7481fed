//! The file as it is written: tables and keys of the right types, each with its place.
//!
//! Walks the parsed document rather than deserializing it, because serde stops at the first error
//! and a user wants all of them. What the values mean to each other is for [`super::check`].

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{Ipv4Net, Ipv6Net};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Collector, Span};
use super::{Datapath, Unknown};

/// What to do about a line that the parser cannot read.
const SYNTAX_CURE: &str = "write one [[table]] or key = value a line, with text in quotes";

/// The Jaro-Winkler similarity above which one word was meant as another: "adress" and
/// "pod-prefix" are above it for the keys they resemble, "vlan" and "mac" for none.
pub(super) const ALIKE: f64 = 0.8;

/// The whole file. A key that is absent or was reported as wrong is `None`.
#[derive(Debug, Default)]
pub(super) struct File {
    pub(super) datapath: Option<Spanned<Datapath>>,
    pub(super) max_pods: Option<Spanned<i64>>,
    pub(super) networks: Vec<NetworkTable>,
}

/// One `[[network]]`.
#[derive(Debug)]
pub(super) struct NetworkTable {
    /// Where the table begins.
    pub(super) span: Span,
    pub(super) name: Option<Spanned<String>>,
    pub(super) subnet: Option<Spanned<Ipv4Net>>,
    pub(super) gateway: Option<Spanned<Ipv4Addr>>,
    pub(super) subnet6: Option<Spanned<Ipv6Net>>,
    pub(super) mtu: Option<Spanned<i64>>,
    pub(super) pod_prefix: Option<Spanned<i64>>,
    pub(super) datapath: Option<Spanned<Datapath>>,
    pub(super) uplink: Option<Spanned<String>>,
    pub(super) unknown: Option<Spanned<Unknown>>,
    pub(super) allow: Vec<Spanned<String>>,
    pub(super) pods: Vec<PodTable>,
}

/// One `[[network.pod]]`.
#[derive(Debug)]
pub(super) struct PodTable {
    pub(super) name: Option<Spanned<String>>,
    pub(super) address: Option<Spanned<Ipv4Addr>>,
    pub(super) address6: Option<Spanned<Ipv6Addr>>,
    pub(super) netns: Option<Spanned<String>>,
    pub(super) interface: Option<Spanned<String>>,
    pub(super) pod_interface: Option<Spanned<String>>,
    pub(super) mtu: Option<Spanned<i64>>,
}

/// What may stand in a table: its title, and each key with an example line for errors.
struct Schema {
    title: &'static str,
    keys: &'static [(&'static str, &'static str)],
}

static FILE: Schema = Schema {
    title: "the file",
    keys: &[
        ("datapath", r#"datapath = "tc""#),
        ("max_pods", "max_pods = 4096"),
        ("network", "[[network]]"),
    ],
};

static NETWORK: Schema = Schema {
    title: "[[network]]",
    keys: &[
        ("name", r#"name = "default""#),
        ("subnet", r#"subnet = "172.30.30.0/24""#),
        ("gateway", r#"gateway = "172.30.30.1""#),
        ("subnet6", r#"subnet6 = "fd00:30::/64""#),
        ("mtu", "mtu = 1500"),
        ("pod_prefix", "pod_prefix = 32"),
        ("datapath", r#"datapath = "tc""#),
        ("uplink", r#"uplink = "eth0""#),
        ("unknown", r#"unknown = "drop""#),
        ("allow", r#"allow = ["green"]"#),
        ("pod", "[[network.pod]]"),
    ],
};

static POD: Schema = Schema {
    title: "[[network.pod]]",
    keys: &[
        ("name", r#"name = "ns1""#),
        ("address", r#"address = "172.30.30.11""#),
        ("address6", r#"address6 = "fd00:30::11""#),
        ("netns", r#"netns = "ns1""#),
        ("interface", r#"interface = "veth-ns1""#),
        ("pod_interface", r#"pod_interface = "eth0""#),
        ("mtu", "mtu = 1500"),
    ],
};

impl Schema {
    fn example(&self, key: &str) -> &'static str {
        self.keys
            .iter()
            .find(|(name, _)| *name == key)
            .map_or("", |(_, example)| example)
    }

    fn has(&self, key: &str) -> bool {
        self.keys.iter().any(|(name, _)| *name == key)
    }
}

/// Reads `text`. Syntax errors are reported alone, with an empty file: what the parser guesses
/// behind them would only bring wrong complaints.
pub(super) fn read(text: &str, problems: &mut Collector) -> File {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or_default();
        let what = format!("not TOML: {}", error.message());
        problems.add(&span, what, SYNTAX_CURE);
    }
    if !errors.is_empty() {
        return File::default();
    }
    let mut table = Table::new(&FILE, document, problems);
    let file = File {
        datapath: table.datapath(),
        max_pods: table.integer("max_pods"),
        networks: table
            .tables("network")
            .into_iter()
            .map(|t| network(t, table.problems))
            .collect(),
    };
    table.finish();
    file
}

fn network(table: Spanned<DeTable<'_>>, problems: &mut Collector) -> NetworkTable {
    let mut table = Table::new(&NETWORK, table, problems);
    for key in ["name", "subnet", "gateway"] {
        table.require(key);
    }
    let network = NetworkTable {
        span: table.span.clone(),
        name: table.text("name"),
        subnet: table.parsed("subnet", "IPv4 subnet"),
        gateway: table.parsed("gateway", "IPv4 address"),
        subnet6: table.parsed("subnet6", "IPv6 subnet"),
        mtu: table.integer("mtu"),
        pod_prefix: table.integer("pod_prefix"),
        datapath: table.datapath(),
        uplink: table.text("uplink"),
        unknown: table.unknown(),
        allow: table.texts("allow"),
        pods: table
            .tables("pod")
            .into_iter()
            .map(|t| pod(t, table.problems))
            .collect(),
    };
    table.finish();
    network
}

fn pod(table: Spanned<DeTable<'_>>, problems: &mut Collector) -> PodTable {
    let mut table = Table::new(&POD, table, problems);
    for key in ["name", "address"] {
        table.require(key);
    }
    let pod = PodTable {
        name: table.text("name"),
        address: table.parsed("address", "IPv4 address"),
        address6: table.parsed("address6", "IPv6 address"),
        netns: table.text("netns"),
        interface: table.text("interface"),
        pod_interface: table.text("pod_interface"),
        mtu: table.integer("mtu"),
    };
    table.finish();
    pod
}

/// A table that is being read: each key is taken out once, what is left at the end is unknown.
struct Table<'p, 'i> {
    schema: &'static Schema,
    span: Span,
    rest: DeTable<'i>,
    problems: &'p mut Collector,
}

impl<'p, 'i> Table<'p, 'i> {
    fn new(
        schema: &'static Schema,
        table: Spanned<DeTable<'i>>,
        problems: &'p mut Collector,
    ) -> Self {
        Self {
            schema,
            span: table.span(),
            rest: table.into_inner(),
            problems,
        }
    }

    fn require(&mut self, key: &str) {
        if !self.rest.contains_key(key) {
            let what = format!("{} has no `{key}`", self.schema.title);
            let cure = format!("add {}", self.schema.example(key));
            self.problems.add(&self.span, what, cure);
        }
    }

    /// Takes `key` and converts its value; an `Err` says what the value is instead.
    fn take<T>(
        &mut self,
        key: &str,
        convert: impl FnOnce(DeValue<'i>) -> Result<T, String>,
    ) -> Option<Spanned<T>> {
        let value = self.rest.remove(key)?;
        let span = value.span();
        match convert(value.into_inner()) {
            Ok(value) => Some(Spanned::new(span, value)),
            Err(is) => {
                let cure = format!("write it like {}", self.schema.example(key));
                self.problems.add(&span, format!("`{key}` is {is}"), cure);
                None
            }
        }
    }

    fn text(&mut self, key: &str) -> Option<Spanned<String>> {
        self.take(key, text)
    }

    /// Takes a string that reads as a `T`, which errors call `noun`.
    fn parsed<T: FromStr>(&mut self, key: &str, noun: &str) -> Option<Spanned<T>> {
        self.take(key, |value| {
            let text = text(value)?;
            text.parse().map_err(|_| format!("{text:?}, no {noun}"))
        })
    }

    fn datapath(&mut self) -> Option<Spanned<Datapath>> {
        self.parsed("datapath", &format!("datapath ({})", Datapath::words()))
    }

    fn unknown(&mut self) -> Option<Spanned<Unknown>> {
        self.take("unknown", |value| {
            let text = text(value)?;
            let known = Unknown::ALL.iter().find(|one| one.as_str() == text);
            known.copied().ok_or_else(|| {
                let words = Unknown::ALL.iter().map(|one| one.as_str());
                let words: Vec<_> = words.collect();
                format!("{text:?}, no choice ({})", words.join(", "))
            })
        })
    }

    fn integer(&mut self, key: &str) -> Option<Spanned<i64>> {
        self.take(key, |value| {
            let DeValue::Integer(integer) = value else {
                return Err(describe(&value));
            };
            i64::from_str_radix(integer.as_str(), integer.radix())
                .map_err(|error| format!("{integer}: {error}"))
        })
    }

    /// Takes an array of tables; an empty list when there is none.
    fn tables(&mut self, key: &str) -> Vec<Spanned<DeTable<'i>>> {
        self.array(key, |value| {
            let DeValue::Table(table) = value else {
                return Err(describe(&value));
            };
            Ok(table)
        })
    }

    /// Takes an array of strings; an empty list when there is none.
    fn texts(&mut self, key: &str) -> Vec<Spanned<String>> {
        self.array(key, text)
    }

    /// Takes an array and converts its elements, as [`take`](Self::take) converts a value.
    fn array<T>(
        &mut self,
        key: &str,
        convert: impl Fn(DeValue<'i>) -> Result<T, String>,
    ) -> Vec<Spanned<T>> {
        let array = self.take(key, |value| {
            let DeValue::Array(array) = value else {
                return Err(describe(&value));
            };
            Ok(array)
        });
        let mut list = Vec::new();
        for element in array.map(Spanned::into_inner).into_iter().flatten() {
            let span = element.span();
            match convert(element.into_inner()) {
                Ok(value) => list.push(Spanned::new(span, value)),
                Err(is) => {
                    let example = self.schema.example(key);
                    let cure = if example.starts_with("[[") {
                        format!("write each as {example}")
                    } else {
                        format!("write it like {example}")
                    };
                    self.problems
                        .add(&span, format!("`{key}` holds {is}"), cure);
                }
            }
        }
        list
    }

    /// Reports the keys that nobody took.
    fn finish(self) {
        let title = self.schema.title;
        for key in self.rest.keys() {
            let name = key.get_ref();
            let what = format!("unknown key `{}` in {}", name.escape_debug(), title);
            let cure = cure_unknown(name, self.schema);
            self.problems.add(&key.span(), what, cure);
        }
    }
}

/// What to do about a key that `schema` does not have.
fn cure_unknown(key: &str, schema: &Schema) -> String {
    // Where two have it, the nearer one to a pod.
    if let Some(owner) = [&NETWORK, &FILE, &POD]
        .into_iter()
        .find(|schema| schema.has(key))
    {
        return format!("move it to {}, whose key it is", owner.title);
    }
    let similarity = |(name, _): &(&'static str, _)| (strsim::jaro_winkler(key, name), *name);
    let nearest = schema
        .keys
        .iter()
        .map(similarity)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((likeness, name)) = nearest
        && likeness > ALIKE
    {
        return format!("did you mean `{name}`?");
    }
    let known: Vec<_> = schema.keys.iter().map(|(name, _)| *name).collect();
    format!("the keys are {}", known.join(", "))
}

fn text(value: DeValue<'_>) -> Result<String, String> {
    let DeValue::String(text) = value else {
        return Err(describe(&value));
    };
    Ok(text.into_owned())
}

fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a single table",
    }
    .to_owned()
}
