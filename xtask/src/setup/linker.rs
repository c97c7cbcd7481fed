//! bpf-linker, with an LLVM that reads the compiler's bitcode.

use std::env;
use std::fs;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use xtask::toolchain::{self, Compiler, Linker};

use super::apt::Apt;
use super::{Report, by_first_way, report_installed};
use crate::{cargo, process};

/// What is looked for, and its crate.
const THING: &str = "bpf-linker";

/// The version to install; one that is there may be another.
const VERSION: &str = "0.13.0";

/// Where releases are; a mirror can be named by [`RELEASES_VARIABLE`].
const RELEASES: &str = "https://github.com/aya-rs/bpf-linker/releases/download";

/// Replaces [`RELEASES`].
const RELEASES_VARIABLE: &str = "BPF_LINKER_RELEASES";

/// The major version of the LLVM that [`PACKAGES`] bring.
const PACKAGED_LLVM: u32 = 22;

/// Where [`PACKAGES`] put that LLVM.
const LLVM_PREFIX: &str = "/usr/lib/llvm-22";

/// The variable by which llvm-sys finds it.
const LLVM_VARIABLE: &str = "LLVM_SYS_221_PREFIX";

/// The feature of bpf-linker that goes with it.
const LLVM_FEATURE: &str = "llvm-22";

/// What compiling bpf-linker takes.
const PACKAGES: &[&str] = &[
    "g++",
    "libffi-dev",
    "libpolly-22-dev",
    "libzstd-dev",
    "llvm-22-dev",
    "zlib1g-dev",
];

/// Finds or installs a linker for `compiler`.
///
/// # Errors
///
/// When neither a released binary nor compiling it works.
pub(super) fn ensure(compiler: &Compiler, report: &Report, apt: &mut Apt) -> Result<()> {
    let since = Instant::now();
    let look = || {
        let linkers = toolchain::linkers();
        let rejected = linkers.rejected.join("; ");
        let fitting = linkers
            .usable
            .into_iter()
            .find(|linker| linker.reads(compiler));
        fitting.with_context(|| {
            format!(
                "none with LLVM {} or newer is on PATH; {rejected}",
                compiler.llvm
            )
        })
    };
    if let Ok(found) = look() {
        return report_found(&found, report, since);
    }
    let ways: [super::Way<'_>; 2] = [&|apt| by_release(compiler, apt), &|apt| {
        by_compiling(compiler, apt)
    }];
    let installed = by_first_way(THING, &by_hand(), &ways, apt, &look)?;
    report_installed(THING, &version(&installed)?, since);
    Ok(())
}

/// Fails if there is no linker at all: what can be told while there is no compiler to match.
///
/// # Errors
///
/// With how to get one by hand.
pub(super) fn require_any() -> Result<()> {
    ensure!(
        !toolchain::linkers().usable.is_empty(),
        "{THING}: by hand: {}",
        by_hand()
    );
    Ok(())
}

fn by_hand() -> String {
    format!(
        "put the binary of {RELEASES} on PATH, or apt install {}, then LLVM_PREFIX={LLVM_PREFIX} \
         {LLVM_VARIABLE}={LLVM_PREFIX} cargo install {THING} --version {VERSION} \
         --no-default-features --features {LLVM_FEATURE}",
        PACKAGES.join(" ")
    )
}

/// Reports a linker that was there.
///
/// # Errors
///
/// When it does not tell its version.
pub(super) fn report_found(linker: &Linker, report: &Report, since: Instant) -> Result<()> {
    report.found(THING, &version(linker)?, since);
    Ok(())
}

/// Puts the released, statically linked binary into cargo's directory of executables.
fn by_release(compiler: &Compiler, apt: &mut Apt) -> Result<()> {
    if ["curl", "zstd"]
        .iter()
        .any(|command| process::find(command).is_none())
    {
        apt.install(&["ca-certificates", "curl", "zstd"])?;
    }
    let dir = process::work_dir()?;
    let archive = dir.join("bpf-linker.tar.zst");
    let base = env::var(RELEASES_VARIABLE).unwrap_or_else(|_| RELEASES.to_owned());
    let arch = env::consts::ARCH;
    let mut download = Command::new("curl");
    download
        .args(["--fail", "--location", "--silent", "--show-error"])
        .args(["--connect-timeout", "5", "--max-time", "300", "--output"])
        .arg(&archive)
        .arg(format!(
            "{base}/v{VERSION}/bpf-linker-{arch}-unknown-linux-musl.tar.zst"
        ));
    process::watch("fetching the released bpf-linker", &mut download)?;
    let mut unpack = Command::new("tar");
    unpack
        .args(["--extract", "--zstd", "--file"])
        .arg(&archive)
        .arg("--directory")
        .arg(&dir);
    process::watch("unpacking bpf-linker", unpack.arg(THING))?;

    let linker = Linker::probe(dir.join(THING))?;
    ensure!(
        linker.reads(compiler),
        "the released bpf-linker has LLVM {}, older than the compiler's {}",
        linker.llvm,
        compiler.llvm
    );
    let bin = toolchain::cargo_bin().context("no home directory to install bpf-linker in")?;
    fs::create_dir_all(&bin).with_context(|| format!("creating {}", bin.display()))?;
    // Copied, then renamed: never half a file, and a linker in use is not written to.
    let (new, installed) = (bin.join(".bpf-linker.new"), bin.join(THING));
    fs::copy(&linker.path, &new)
        .and_then(|_| fs::rename(&new, &installed))
        .with_context(|| format!("installing {}", installed.display()))
}

/// Compiles it against Debian's LLVM.
fn by_compiling(compiler: &Compiler, apt: &mut Apt) -> Result<()> {
    ensure!(
        compiler.llvm <= PACKAGED_LLVM,
        "the compiler has LLVM {}, Debian's packages only {PACKAGED_LLVM}",
        compiler.llvm
    );
    apt.install(PACKAGES)?;
    let bin = toolchain::cargo_bin().context("no home directory to install bpf-linker in")?;
    let home = bin.parent().context("cargo's directory has no parent")?;
    let mut install = cargo();
    install
        .args([
            "install",
            THING,
            "--version",
            VERSION,
            "--locked",
            "--force",
            "--root",
        ])
        .arg(home)
        .args(["--no-default-features", "--features", LLVM_FEATURE])
        // bpf-linker's own build script reads the first, llvm-sys the other.
        .env("LLVM_PREFIX", LLVM_PREFIX)
        .env(LLVM_VARIABLE, LLVM_PREFIX);
    process::watch("compiling bpf-linker (a few minutes)", &mut install)
}

fn version(linker: &Linker) -> Result<String> {
    let text = process::output(Command::new(&linker.path).arg("--version"))?;
    let version = text.trim().trim_start_matches("bpf-linker ");
    Ok(format!(
        "{version} (LLVM {}) at {}",
        linker.llvm,
        linker.path.display()
    ))
}
