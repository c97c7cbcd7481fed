//! Results that come one by one, each on a line of its own.

use std::io::{self, Write as _};

use super::{Error, Format, Report};

/// Prints one line on standard output, at once: text as it writes, or a JSON object. Whether
/// anybody still reads: false once the reader has closed the pipe.
///
/// # Errors
///
/// When standard output takes no more for any other reason, such as a full file system.
pub fn print_line(report: &impl Report, format: Format) -> Result<bool, Error> {
    let mut line = Vec::new();
    let written = match format {
        Format::Table => report.write_text(&mut line),
        Format::Json => serde_json::to_writer(&mut line, report)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(line)),
    };
    let mut out = io::stdout().lock();
    match written
        .and_then(|()| out.write_all(&line))
        .and_then(|()| out.flush())
    {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error(error)),
    }
}
