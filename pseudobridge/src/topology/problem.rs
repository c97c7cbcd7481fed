//! What is wrong with a topology file, as lines of `FILE:LINE: what is wrong; cure`.

use std::fmt;
use std::ops::Range;
use std::str::Utf8Error;

/// One thing wrong with a topology file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Line of the file, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub what: String,
    /// What to do about it.
    pub cure: String,
}

/// Everything wrong with one topology file, in the order of its lines.
///
/// Printed as one line a problem, `FILE:LINE: what is wrong; cure`, so that editors jump to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    file: String,
    list: Vec<Problem>,
}

impl Problems {
    /// The problems, in the order of their lines; there is at least one.
    #[must_use]
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// The one problem of a file of `bytes` that is no text.
    pub(super) fn not_utf8(file: &str, bytes: &[u8], error: Utf8Error) -> Self {
        let before = &bytes[..error.valid_up_to()];
        let problem = Problem {
            line: before.split(|byte| *byte == b'\n').count(),
            what: "a byte here is not UTF-8".to_owned(),
            cure: "save the file as UTF-8".to_owned(),
        };
        Self {
            file: file.to_owned(),
            list: vec![problem],
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Problem { line, what, cure }) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{}:{line}: {what}; {cure}", self.file)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A place in the file, in bytes from its start.
pub(super) type Span = Range<usize>;

/// Collects the problems of one file while it is read and checked.
#[derive(Debug)]
pub(super) struct Collector {
    /// Byte offset at which each line starts.
    line_starts: Vec<usize>,
    list: Vec<Problem>,
}

impl Collector {
    pub(super) fn new(text: &str) -> Self {
        let after_newlines = text.match_indices('\n').map(|(offset, _)| offset + 1);
        Self {
            line_starts: std::iter::once(0).chain(after_newlines).collect(),
            list: Vec::new(),
        }
    }

    /// The line, counted from 1, that `span` starts on.
    pub(super) fn line(&self, span: &Span) -> usize {
        self.line_starts
            .partition_point(|start| *start <= span.start)
    }

    pub(super) fn add(&mut self, span: &Span, what: impl Into<String>, cure: impl Into<String>) {
        let problem = Problem {
            line: self.line(span),
            what: what.into(),
            cure: cure.into(),
        };
        self.list.push(problem);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// `Ok` when nothing was wrong, else the problems sorted by line.
    pub(super) fn finish(mut self, file: &str) -> Result<(), Problems> {
        if self.list.is_empty() {
            return Ok(());
        }
        self.list.sort_by_key(|problem| problem.line);
        Err(Problems {
            file: file.to_owned(),
            list: self.list,
        })
    }
}
