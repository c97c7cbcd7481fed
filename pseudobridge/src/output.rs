//! The one place that prints: results on standard output, progress on standard error.

mod line;

use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use comfy_table::{Attribute, CellAlignment, Color, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

pub use line::print_line;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// Columns for people
    #[default]
    Table,
    /// One JSON document for programs
    Json,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table => "table",
            Self::Json => "json",
        })
    }
}

/// The result of a command: JSON as it serializes, and text as it writes.
pub trait Report: Serialize {
    /// Writes it for people: [`Table`]s and lines, each ended by a newline.
    ///
    /// # Errors
    ///
    /// Those of `out`, passed on.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// Standard output did not take a result.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output: {0}; redirect it to where there is room")]
pub struct Error(io::Error);

/// Prints `report` on standard output.
///
/// A reader that closes the pipe early (`pseudobridge status | head -1`) has what it wanted: that
/// is no error.
///
/// # Errors
///
/// When standard output takes no more for any other reason, such as a full file system.
pub fn print(report: &impl Report, format: Format) -> Result<(), Error> {
    quiet_when_closed(write(report, format, BufWriter::new(io::stdout().lock())))
}

fn write(report: &impl Report, format: Format, mut out: impl Write) -> io::Result<()> {
    match format {
        Format::Table => report.write_text(&mut out)?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, report)?;
            writeln!(out)?;
        }
    }
    out.flush()
}

fn quiet_when_closed(result: io::Result<()>) -> Result<(), Error> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether standard output gets colours: only a terminal, and not with `NO_COLOR` set to anything
/// (<https://no-color.org>).
fn colourful() -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !forbidden
}

/// A column's heading and the side that its cells lean to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// For words.
    Left(&'static str),
    /// For numbers.
    Right(&'static str),
}

/// Text of a table with the meaning that gives it its colour.
#[derive(Debug, Clone)]
pub struct Cell(comfy_table::Cell);

impl Cell {
    /// A state as it should be.
    #[must_use]
    pub fn good(text: impl fmt::Display) -> Self {
        Self(comfy_table::Cell::new(text).fg(Color::Green))
    }

    /// A state that asks for attention.
    #[must_use]
    pub fn bad(text: impl fmt::Display) -> Self {
        Self(comfy_table::Cell::new(text).fg(Color::Red))
    }

    /// Where there is nothing to show.
    #[must_use]
    pub fn absent() -> Self {
        Self::from("-")
    }
}

impl<T: fmt::Display> From<T> for Cell {
    fn from(text: T) -> Self {
        Self(comfy_table::Cell::new(text))
    }
}

/// A table without borders: upper-case headings, columns two spaces apart.
#[derive(Debug)]
pub struct Table(comfy_table::Table);

impl Table {
    /// A table with these columns and no rows.
    #[must_use]
    pub fn new(columns: &[Column]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(columns.iter().map(|column| {
            let (Column::Left(heading) | Column::Right(heading)) = column;
            comfy_table::Cell::new(heading.to_uppercase()).add_attribute(Attribute::Dim)
        }));
        for (column, cells) in columns.iter().zip(table.column_iter_mut()) {
            cells.set_padding((0, 2));
            cells.set_cell_alignment(match column {
                Column::Left(_) => CellAlignment::Left,
                Column::Right(_) => CellAlignment::Right,
            });
        }
        Self(table)
    }

    /// Adds a row with a cell for each column, in their order.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.0.add_row(cells.into_iter().map(|cell| cell.0));
    }

    fn render(mut self, colours: bool) -> String {
        if colours {
            self.0.enforce_styling().style_text_only();
        } else {
            self.0.force_no_tty();
        }
        self.0.trim_fmt()
    }

    /// Writes the table and a newline, in colours where standard output gets them.
    ///
    /// # Errors
    ///
    /// Those of `out`, passed on.
    pub fn write(self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.render(colourful()))
    }
}

/// A hardware address as ip(8) writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.map(|byte| format!("{byte:02x}")).join(":"))
    }
}

/// So many of them: `1 pod`, `2 pods`.
#[must_use]
pub fn counted(count: usize, one: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    }
}

/// A count of packets or bytes for people: 1234567 is `1,234,567`. JSON keeps the number.
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A bar on standard error for work that lasts: it shows from the first step after a second on,
/// only on a terminal, and goes when dropped.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    /// How long work may last without a word.
    const PATIENCE: Duration = Duration::from_secs(1);

    const TEMPLATE: &str = "{msg} [{bar:30}] {pos}/{len}";

    /// Starts the count of `total` steps of `what`, such as `verifying`.
    #[must_use]
    pub fn start(what: &'static str, total: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::hidden());
        // A template that does not parse, which a test excludes, costs the words, not the bar.
        let style = ProgressStyle::with_template(Self::TEMPLATE);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what);
        Self {
            bar,
            started: Instant::now(),
        }
    }

    /// Says that `done` of the steps are done.
    pub fn set(&mut self, done: usize) {
        if self.bar.is_hidden() && self.started.elapsed() >= Self::PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position(done as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Pods {
        pods: Vec<(&'static str, u64)>,
    }

    impl Report for Pods {
        fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
            let mut table = table();
            for (name, packets) in &self.pods {
                table.row([Cell::from(name), Cell::good("up"), grouped(*packets).into()]);
            }
            writeln!(out, "{}", table.render(false))
        }
    }

    fn table() -> Table {
        Table::new(&[
            Column::Left("pod"),
            Column::Left("state"),
            Column::Right("packets"),
        ])
    }

    fn report() -> Pods {
        Pods {
            pods: vec![("ns1", 1_234_567), ("frontend", 8)],
        }
    }

    #[test]
    fn a_table_has_no_borders_and_no_trailing_blanks() {
        let mut out = Vec::new();
        write(&report(), Format::Table, &mut out).unwrap();
        let expected = "\
POD       STATE    PACKETS
ns1       up     1,234,567
frontend  up             8
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_table_without_rows_is_its_headings() {
        assert_eq!(table().render(false), "POD  STATE  PACKETS");
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let rendered = [true, false].map(|colours| {
            let mut table = table();
            table.row([Cell::absent(), Cell::bad("down"), Cell::from(0)]);
            table.render(colours)
        });
        let [coloured, plain] = rendered;
        // Each escape sequence here is ESC [ … m.
        let mut parts = coloured.split('\u{1b}');
        let first = parts.next().unwrap().to_owned();
        let bare = parts.fold(first, |text, part| text + part.split_once('m').unwrap().1);
        assert_eq!(bare, plain);
        assert!(coloured.contains("\u{1b}[2mPOD\u{1b}[0m  "), "{coloured:?}");
        assert!(!plain.contains('\u{1b}'), "{plain:?}");
    }

    #[test]
    fn json_keeps_the_numbers_and_ends_the_line() {
        let mut out = Vec::new();
        write(&report(), Format::Json, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("}\n"), "{text:?}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["pods"][0][1], 1_234_567);
    }

    /// A pipe whose reader has gone, or a full file system.
    struct Failing(io::ErrorKind);

    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_quiet_and_a_full_disk_is_not() {
        for format in [Format::Table, Format::Json] {
            for buffered in [false, true] {
                let print = |kind| {
                    quiet_when_closed(if buffered {
                        write(&report(), format, BufWriter::new(Failing(kind)))
                    } else {
                        write(&report(), format, Failing(kind))
                    })
                };
                assert!(
                    print(io::ErrorKind::BrokenPipe).is_ok(),
                    "{format} {buffered}"
                );
                let full = print(io::ErrorKind::StorageFull).unwrap_err().to_string();
                assert!(
                    full.starts_with("cannot write to standard output: "),
                    "{full}"
                );
            }
        }
    }

    #[test]
    fn digits_are_grouped_by_three() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (12_345, "12,345"),
            (123_456, "123,456"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(grouped(count), text);
        }
    }

    #[test]
    fn the_template_of_the_bar_parses() {
        assert!(ProgressStyle::with_template(Progress::TEMPLATE).is_ok());
    }

    #[test]
    fn format_words_are_those_of_the_command_line() {
        for format in Format::value_variants() {
            let word = format.to_possible_value().unwrap();
            assert_eq!(word.get_name(), format.to_string());
        }
    }
}
