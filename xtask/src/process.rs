//! Child processes: found by name, watched while they take long, bounded in time.

use std::env;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// Where administrators' commands are; a person's `PATH` may lack these.
const SYSTEM_DIRS: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// How often a command that takes long says that it still runs.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// The exit code of timeout(1) for a command it ended.
const TIMED_OUT: i32 = 124;

/// How much of a failed command's output is shown, in lines.
const SHOWN_LINES: usize = 25;

/// `PATH` with the directories of administrators' commands at its end.
pub(crate) fn search_path() -> std::ffi::OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<_> = env::split_paths(&path).collect();
    for dir in SYSTEM_DIRS.map(PathBuf::from) {
        if !dirs.contains(&dir) {
            dirs.push(dir);
        }
    }
    // Fails only where a directory has the separator in its name, and these came from splitting.
    env::join_paths(dirs).unwrap_or(path)
}

/// The executable file of a command.
pub(crate) fn find(command: &str) -> Option<PathBuf> {
    env::split_paths(&search_path())
        .map(|dir| dir.join(command))
        .find(|path| path.is_file())
}

/// Runs a command that prints to the terminal, and fails if it does.
///
/// # Errors
///
/// When it does not start, or ends other than by success.
pub(crate) fn check(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    ensure!(status.success(), "`{}`: {status}", shown(command));
    Ok(())
}

/// Runs a command that prints to the terminal.
///
/// # Errors
///
/// When it does not start.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command
        .status()
        .with_context(|| format!("starting `{}`", shown(command)))
}

/// Runs a command whose output matters only if it fails, and says now and then that it still runs.
/// One that may wait on the network is to be wrapped with [`limited`].
///
/// # Errors
///
/// When it does not start, or ends other than by success: after the end of its output is shown.
pub(crate) fn watch(what: &str, command: &mut Command) -> Result<()> {
    let log = work_dir()?.join("setup.log");
    let file = File::create(&log).with_context(|| format!("creating {}", log.display()))?;
    let errors = file
        .try_clone()
        .with_context(|| format!("opening {}", log.display()))?;
    println!("  … {what}");
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(errors)
        .spawn()
        .with_context(|| format!("starting `{}`", shown(command)))?;
    let mut last_sign = started;
    let status = loop {
        if let Some(status) = child.try_wait().context("waiting for a child process")? {
            break status;
        }
        if last_sign.elapsed() > SIGN_OF_LIFE {
            println!("  … {what}: {} s", started.elapsed().as_secs());
            last_sign = Instant::now();
        }
        thread::sleep(Duration::from_millis(50));
    };
    if status.success() {
        return Ok(());
    }
    let text = fs::read(&log).with_context(|| format!("reading {}", log.display()))?;
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    for line in &lines[lines.len().saturating_sub(SHOWN_LINES)..] {
        println!("    {line}");
    }
    ensure!(status.code() != Some(TIMED_OUT), "{what}: took too long");
    bail!("{what}: {status}");
}

/// The words to put before a command that may take `seconds` and no longer.
///
/// By timeout(1), which ends a command run by sudo as well.
pub(crate) fn limited(seconds: u32) -> [String; 3] {
    [
        "timeout".to_owned(),
        "--foreground".to_owned(),
        seconds.to_string(),
    ]
}

/// A directory for logs and downloads, beside this executable.
///
/// # Errors
///
/// When it cannot be created.
pub(crate) fn work_dir() -> Result<PathBuf> {
    let executable = env::current_exe().context("finding this executable")?;
    let dir = executable.with_file_name("xtask-setup");
    fs::create_dir_all(&dir).with_context(|| format!("creating {}", dir.display()))?;
    Ok(dir)
}

/// What a command that needs no watching prints.
///
/// # Errors
///
/// When it does not start, ends other than by success, or prints other than UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("starting `{}`", shown(command)))?;
    ensure!(
        output.status.success(),
        "`{}`: {}: {}",
        shown(command),
        output.status,
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    String::from_utf8(output.stdout).with_context(|| format!("output of `{}`", shown(command)))
}

/// A command as a person would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
