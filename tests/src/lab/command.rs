//! Running a command with a deadline.

use std::fmt;
use std::io::{self, Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

/// What a command left behind. Nothing is asserted until the caller asks.
#[must_use = "whether the command succeeded has not been looked at"]
#[derive(Debug)]
pub struct Output {
    command: String,
    status: ExitStatus,
    /// Standard output, as UTF-8.
    pub stdout: String,
    /// Standard error, as UTF-8.
    pub stderr: String,
    /// How long it ran.
    pub elapsed: Duration,
}

impl Output {
    /// Standard output of a command that must have succeeded.
    ///
    /// # Panics
    /// When the exit code is not 0.
    #[expect(
        clippy::must_use_candidate,
        reason = "often the success is all that matters"
    )]
    #[track_caller]
    pub fn ok(self) -> String {
        assert!(self.status.success(), "{self}");
        self.stdout
    }

    /// The same output, of a command that must have ended with this exit code.
    ///
    /// # Panics
    /// When it ended otherwise, by a signal too.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{self}");
        self
    }

    /// Whether the exit code is 0.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.status.success()
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}", self.command)?;
        write!(f, "{}{}", self.stdout, self.stderr)?;
        write!(f, "({}, after {:?})", self.status, self.elapsed)
    }
}

/// Runs `command`, shown as `shown` in messages, and kills its process group when `limit` is over.
///
/// # Panics
/// When it cannot be started or does not end in time: a hang is a failure, never waited out.
#[track_caller]
pub(super) fn run(command: &mut Command, shown: String, limit: Duration) -> Output {
    match run_to_end(command, limit) {
        Ok((Some(status), stdout, stderr, elapsed)) => Output {
            command: shown,
            status,
            stdout,
            stderr,
            elapsed,
        },
        Ok((None, stdout, stderr, _)) => {
            panic!("$ {shown}\n{stdout}{stderr}(killed: still running after {limit:?})")
        }
        Err(error) => panic!("cannot run `{shown}`: {error}"),
    }
}

type Ended = (Option<ExitStatus>, String, String, Duration);

fn run_to_end(command: &mut Command, limit: Duration) -> io::Result<Ended> {
    // Files, not pipes: a process left behind that holds its output open must not hang the test.
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command
        .stdin(Stdio::null())
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?);
    let start = Instant::now();
    let mut child = command.process_group(0).spawn()?;
    let status = wait(&mut child, limit)?;
    let elapsed = start.elapsed();
    Ok((status, text(&mut stdout)?, text(&mut stderr)?, elapsed))
}

fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(1));
    }
    let group = i32::try_from(child.id()).map_err(io::Error::other)?;
    killpg(Pid::from_raw(group), Signal::SIGKILL)?;
    child.wait()?;
    Ok(None)
}

fn text(file: &mut std::fs::File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
