//! A compiler with the sources of its standard library.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use xtask::toolchain::{self, Compiler};

use super::apt::{Apt, SOURCES};
use super::{Report, by_first_way, report_installed};
use crate::process;

/// What is looked for.
const THING: &str = "rust-src";

/// Debian's compiler for its browsers: current, beside the release's own older one.
const PACKAGES: &[&str] = &[COMPILER_PACKAGE, "cargo-web", "rust-web-src"];

/// The one of them that has the compiler.
const COMPILER_PACKAGE: &str = "rustc-web";

/// Seconds that rustup may take.
const RUSTUP_LIMIT: u32 = 300;

/// Finds or installs a compiler with library sources.
///
/// # Errors
///
/// When neither rustup nor Debian's packages bring one.
pub(super) fn ensure(report: &Report, apt: &mut Apt) -> Result<Compiler> {
    let since = Instant::now();
    if let Some(found) = toolchain::compilers()?.usable.into_iter().next() {
        report_found(&found, report, since);
        return Ok(found);
    }
    let by_hand = format!(
        "rustup component add rust-src, or apt install {}",
        PACKAGES.join(" ")
    );
    let ways: [super::Way<'_>; 2] = [&|_| by_rustup(), &by_packages];
    let installed = by_first_way(THING, &by_hand, &ways, apt, &|| {
        let compilers = toolchain::compilers()?;
        let rejected = compilers.rejected.join("; ");
        compilers.usable.into_iter().next().context(rejected)
    })?;
    report_installed(THING, &version(&installed), since);
    Ok(installed)
}

/// Reports a compiler that was there.
pub(super) fn report_found(compiler: &Compiler, report: &Report, since: Instant) {
    report.found(THING, &version(compiler), since);
}

fn by_rustup() -> Result<()> {
    rustup_component(&["rust-src"])
}

fn by_packages(apt: &mut Apt) -> Result<()> {
    // bookworm itself has the same packages of an older compiler.
    if let Some(version) = apt.candidates(PACKAGES)?.get(COMPILER_PACKAGE) {
        ensure!(
            toolchain::new_enough(version)?,
            "{COMPILER_PACKAGE} is {version}, older than {}: {SOURCES}",
            toolchain::OLDEST
        );
    }
    apt.install(PACKAGES)
}

/// Adds components to the active toolchain of rustup.
///
/// # Errors
///
/// When the active compiler is not rustup's, or rustup fails.
pub(super) fn rustup_component(components: &[&str]) -> Result<()> {
    let sysroot = toolchain::active_sysroot()?;
    ensure!(
        sysroot
            .join("lib/rustlib/multirust-channel-manifest.toml")
            .exists(),
        "the compiler at {} is not rustup's",
        sysroot.display()
    );
    if process::find("rustup").is_none() {
        bail!("rustup is not on PATH");
    }
    let [timeout, arguments @ ..] = process::limited(RUSTUP_LIMIT);
    let mut command = Command::new(timeout);
    command
        .args(arguments)
        .args(["rustup", "component", "add"])
        .args(components);
    process::watch(
        &format!("rustup component add {}", components.join(" ")),
        &mut command,
    )
}

fn version(compiler: &Compiler) -> String {
    format!(
        "{} (LLVM {}) at {}",
        compiler.release,
        compiler.llvm,
        compiler.sysroot.display()
    )
}
