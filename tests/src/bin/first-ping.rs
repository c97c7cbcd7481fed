//! Measures the first ping of two pods that do not know each other's hardware address, over the
//! kernel's proxy ARP as it is, over the same without its delay, and over pseudobridge.
//!
//! The paths take turns, so that what else the machine does meets all alike. Compare ratios within
//! one run, not times between runs.

use anyhow::Context;
use clap::{Parser, ValueEnum};
use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;
use tests::by_hand;
use tests::lab::{self, Node};
use tests::ping::Ping;
use tests::stats::Summary;

/// Forgets what pods and node have learnt; permanent entries stay.
const COOL: &str = "ip -n ns1 neigh flush all && ip -n ns2 neigh flush all && ip neigh flush all";

/// Measures the first ping of a cold pair of pods, path against path.
#[derive(Parser)]
struct Options {
    /// Pings on each path
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..))]
    tries: u32,
    /// How the result is printed
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// A node on which two pods reach each other in one of the ways compared.
struct Path {
    name: &'static str,
    node: Node,
    rtt_ms: Vec<f64>,
}

/// The result for one path. Times are round trips in milliseconds as `ping` prints them.
#[derive(Serialize)]
struct Report {
    path: &'static str,
    tries: u32,
    lost: usize,
    #[serde(flatten)]
    summary: Summary,
    /// How many times smaller the median is than that of the kernel's path as it is.
    times_faster_than_kernel: f64,
    /// The same against the kernel's path without delay.
    times_faster_than_undelayed: f64,
    rtt_ms: Vec<f64>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    lab::check()?;
    let mut paths = paths();
    for _ in 0..options.tries {
        for path in &mut paths {
            path.node.sh(COOL).ok();
            let ping = path
                .node
                .pod("ns1")
                .run(["ping", "-n", "-c1", "-W3", "172.30.30.12"]);
            path.rtt_ms.extend(Ping::of(&ping).rtt);
        }
    }
    let reports = reports(paths, options.tries)?;
    match options.output {
        Format::Table => println!("{}", table(&reports)),
        Format::Json => println!("{}", serde_json::to_string_pretty(&reports)?),
    }
    Ok(())
}

fn paths() -> [Path; 3] {
    let kernel = Node::new();
    by_hand::up(&kernel);
    let undelayed = Node::new();
    by_hand::up(&undelayed);
    for device in ["veth-ns1", "veth-ns2"] {
        undelayed
            .sh(format!(
                "echo 0 > /proc/sys/net/ipv4/neigh/{device}/proxy_delay"
            ))
            .ok();
    }
    let ours = Node::new();
    ours.pseudobridge(["up"]).ok();
    [
        ("kernel", kernel),
        ("kernel, proxy_delay 0", undelayed),
        ("pseudobridge", ours),
    ]
    .map(|(name, node)| Path {
        name,
        node,
        rtt_ms: Vec::new(),
    })
}

fn reports(paths: [Path; 3], tries: u32) -> anyhow::Result<Vec<Report>> {
    let mut summaries = Vec::new();
    for path in &paths {
        let name = path.name;
        let summary = Summary::of(&path.rtt_ms)
            .with_context(|| format!("{name}: none of {tries} pings was answered within 3 s"))?;
        summaries.push(summary);
    }
    let (kernel, undelayed) = (summaries[0].median, summaries[1].median);
    let report = |(path, summary): (Path, Summary)| Report {
        path: path.name,
        tries,
        lost: tries as usize - path.rtt_ms.len(),
        summary,
        times_faster_than_kernel: kernel / summary.median,
        times_faster_than_undelayed: undelayed / summary.median,
        rtt_ms: path.rtt_ms,
    };
    Ok(paths.into_iter().zip(summaries).map(report).collect())
}

fn table(reports: &[Report]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header([
        "FIRST PING OVER",
        "TRIES",
        "LOST",
        "MEDIAN ms",
        "MIN",
        "P25",
        "P75",
        "MAX",
        "× KERNEL",
        "× UNDELAYED",
    ]);
    for report in reports {
        let Summary {
            min,
            p25,
            median,
            p75,
            max,
        } = report.summary;
        let mut row = vec![report.path.to_owned(), report.tries.to_string()];
        row.push(report.lost.to_string());
        row.extend([median, min, p25, p75, max].map(|ms| format!("{ms:.3}")));
        row.push(times(report.times_faster_than_kernel));
        row.push(times(report.times_faster_than_undelayed));
        table.add_row(row.into_iter().map(Cell::new));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A ratio that may be far below 1.
fn times(ratio: f64) -> String {
    if ratio < 0.1 {
        format!("{ratio:.5}")
    } else {
        format!("{ratio:.2}")
    }
}
