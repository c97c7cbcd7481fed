//! What docs/datapath.md says of the reasons must be so.

use pseudobridge_common::{abi::Reason, datapath::Verdict};
use pseudobridge_testing::all;

const PAGE: &str = include_str!("../../docs/datapath.md");
const SOURCE: &str = include_str!("../src/abi/reason.rs");

const VERDICTS: [&str; 4] = ["punt", "drop", "reply", "redirect"];

/// A row of the page's table of reasons.
#[derive(Debug, PartialEq)]
struct Row {
    number: u32,
    name: String,
    verdict: String,
    meaning: String,
}

/// The rows that begin with a number: no other table of the page has such.
fn rows() -> Vec<Row> {
    let row = |line: &str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, number, name, verdict, meaning, _] = cells[..] else {
            return None;
        };
        Some(Row {
            number: number.parse().ok()?,
            name: name.to_owned(),
            verdict: verdict.to_owned(),
            meaning: meaning.to_owned(),
        })
    };
    PAGE.lines().filter_map(row).collect()
}

/// Meaning and verdict of each reason, by number: its doc comment, `meaning (verdict)`.
fn comments() -> Vec<(&'static str, &'static str)> {
    let comment = |line: &'static str| {
        let text = line.trim().strip_prefix("/// ")?.strip_suffix(')')?;
        let (meaning, verdict) = text.rsplit_once(" (")?;
        VERDICTS.contains(&verdict).then_some((meaning, verdict))
    };
    SOURCE.lines().filter_map(comment).collect()
}

#[test]
fn the_table_has_each_reason_as_its_comment_says() {
    let comments = comments();
    assert_eq!(comments.len(), Reason::ALL.len(), "one comment a reason");
    let expected: Vec<_> = Reason::ALL
        .into_iter()
        .zip(comments)
        .map(|(reason, (meaning, verdict))| Row {
            number: reason as u32,
            name: format!("`{reason}`"),
            verdict: verdict.to_owned(),
            meaning: meaning.to_owned(),
        })
        .collect();
    assert_eq!(rows(), expected);
}

/// The decisions are checked against the same cases, so the page is right about the code.
#[test]
fn each_verdict_is_the_one_of_the_cases() {
    let rows = rows();
    for case in all() {
        let verdict = match case.decision.verdict {
            Verdict::Punt => "punt",
            Verdict::Drop => "drop",
            Verdict::Reply => "reply",
            Verdict::Redirect { .. } | Verdict::Transmit { .. } => "redirect",
        };
        let name = format!("`{}`", case.decision.reason);
        let row = rows.iter().find(|row| row.name == name).unwrap();
        assert_eq!(row.verdict, verdict, "{name}, case {}", case.name);
    }
}
