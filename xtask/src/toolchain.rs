//! What compiles for BPF: a compiler that has the sources of its own standard library (no
//! compiled `core` is published for BPF), and a `bpf-linker` that reads the compiler's bitcode.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

/// The oldest compiler that will do.
pub const OLDEST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Variables that the calling cargo or the person set for the host's code; a cargo that compiles
/// for BPF must not inherit them.
const HOST_ONLY: &[&str] = &[
    "CARGO",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_INCREMENTAL",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_PATH",
    // Leads to the calling compiler's libraries.
    "LD_LIBRARY_PATH",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
];

/// The same by prefix.
const HOST_ONLY_PREFIXES: &[&str] = &[
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
];

/// A compiler, its cargo and the sources of its standard library: rustup's or a distribution's.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Compiler {
    /// Where it is installed: `bin/rustc`, `bin/cargo` and `lib/rustlib/src` are below.
    pub sysroot: PathBuf,
    /// Its version as it prints it, such as `1.95.0`.
    pub release: String,
    /// The major version of its LLVM.
    pub llvm: u32,
}

/// A `bpf-linker`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Linker {
    /// The executable.
    pub path: PathBuf,
    /// The major version of its LLVM.
    pub llvm: u32,
}

/// A compiler and a linker that fit together.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Toolchain {
    /// The compiler.
    pub compiler: Compiler,
    /// The linker; its LLVM is not older than the compiler's.
    pub linker: Linker,
}

/// Things that were found, and why others that were looked at will not do.
#[derive(Debug)]
pub struct Found<T> {
    /// Those that will do, the preferred one first.
    pub usable: Vec<T>,
    /// One line for each that will not.
    pub rejected: Vec<String>,
}

impl Toolchain {
    /// Finds a compiler and a linker that fit together.
    ///
    /// # Errors
    ///
    /// When there is none: what is missing, why what is there will not do, and the cure.
    pub fn find() -> Result<Self> {
        let compilers = compilers()?;
        let linkers = linkers();
        for compiler in &compilers.usable {
            if let Some(linker) = linkers.usable.iter().find(|linker| linker.reads(compiler)) {
                return Ok(Self {
                    compiler: compiler.clone(),
                    linker: linker.clone(),
                });
            }
        }
        let mut missing = Vec::new();
        if compilers.usable.is_empty() {
            missing.push(format!(
                "a compiler {OLDEST} or newer with its library sources (rust-src)"
            ));
        } else if linkers.usable.is_empty() {
            missing.push("bpf-linker".to_owned());
        } else {
            let oldest = compilers.usable.iter().map(|compiler| compiler.llvm).min();
            missing.push(format!(
                "a bpf-linker with LLVM {} or newer, as the compiler's",
                oldest.unwrap_or_default()
            ));
        }
        missing.extend(compilers.rejected);
        missing.extend(linkers.rejected);
        bail!(
            "no BPF toolchain: run `cargo xtask setup`; missing: {}",
            missing.join("; ")
        );
    }

    /// A `cargo` of this toolchain that has its own compiler, may use unstable options, and
    /// inherits nothing that was meant for the host's code.
    #[must_use]
    pub fn cargo(&self) -> Command {
        let mut cargo = Command::new(self.compiler.sysroot.join("bin/cargo"));
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if HOST_ONLY.contains(&&*text)
                || HOST_ONLY_PREFIXES
                    .iter()
                    .any(|prefix| text.starts_with(prefix))
            {
                cargo.env_remove(name);
            }
        }
        // `-Z build-std` is unstable, so that a stable compiler takes it only with this. Set for
        // this one child: crates that probe the compiler would believe they are on a nightly.
        cargo
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC", self.compiler.sysroot.join("bin/rustc"));
        cargo
    }
}

impl Compiler {
    /// Where a compiler installed at `sysroot` has the sources of its standard library.
    #[must_use]
    pub fn library(sysroot: &Path) -> PathBuf {
        sysroot.join("lib/rustlib/src/rust/library")
    }

    fn probe(sysroot: PathBuf) -> Result<Self> {
        ensure!(
            Self::library(&sysroot).join("core/Cargo.toml").exists(),
            "{} has no library sources",
            sysroot.display()
        );
        let text = output(Command::new(sysroot.join("bin/rustc")).arg("-vV"))?;
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name))
                .with_context(|| format!("{}/bin/rustc -vV: no `{name}`", sysroot.display()))
        };
        let release = field("release: ")?.to_owned();
        ensure!(
            new_enough(&release)?,
            "{} has compiler {release}, older than {OLDEST}",
            sysroot.display()
        );
        let cargo = sysroot.join("bin/cargo");
        ensure!(
            cargo.exists(),
            "{} has a compiler and no cargo",
            sysroot.display()
        );
        let llvm = number(field("LLVM version: ")?, 0)?;
        Ok(Self {
            sysroot,
            release,
            llvm,
        })
    }
}

impl Linker {
    /// Whether it reads the bitcode that `compiler` writes: newer reads older.
    #[must_use]
    pub fn reads(&self, compiler: &Compiler) -> bool {
        self.llvm >= compiler.llvm
    }

    /// Asks the linker at `path` for its version.
    ///
    /// # Errors
    ///
    /// When it does not run, or does not tell.
    pub fn probe(path: PathBuf) -> Result<Self> {
        // Its own --version does not tell the LLVM. LLVM's does, prints and exits before any
        // input is read.
        let mut version = Command::new(&path);
        version.args(["--llvm-args=--version", "--output=/dev/null", "/dev/null"]);
        let text = output(&mut version)?;
        let (_, llvm) = text
            .split_once("LLVM version ")
            .with_context(|| format!("{} does not tell its LLVM version", path.display()))?;
        Ok(Self {
            llvm: number(llvm, 0)?,
            path,
        })
    }
}

/// The compilers that will do: the active one, the distribution's, then rustup's others.
///
/// # Errors
///
/// When the active compiler cannot be asked where it is, or rustup's directory cannot be read.
pub fn compilers() -> Result<Found<Compiler>> {
    let mut sysroots = vec![active_sysroot()?, PathBuf::from("/usr")];
    let rustup = home("RUSTUP_HOME", ".rustup").map(|home| home.join("toolchains"));
    if let Some(rustup) = rustup.filter(|dir| dir.exists()) {
        let entries = fs::read_dir(&rustup)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("reading {}", rustup.display()))?;
        let mut others: Vec<_> = entries.iter().map(fs::DirEntry::path).collect();
        others.sort();
        sysroots.extend(others);
    }
    let mut found = Found {
        usable: Vec::new(),
        rejected: Vec::new(),
    };
    let mut seen = Vec::new();
    for sysroot in sysroots {
        if seen.contains(&sysroot) || !sysroot.join("bin/rustc").exists() {
            continue;
        }
        seen.push(sysroot.clone());
        found.add(Compiler::probe(sysroot));
    }
    Ok(found)
}

/// The `bpf-linker`s: of `PATH`, then of cargo's own directory, which may not be on it.
#[must_use]
pub fn linkers() -> Found<Linker> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut dirs: Vec<_> = env::split_paths(&path).collect();
    dirs.extend(cargo_bin());
    let mut found = Found {
        usable: Vec::new(),
        rejected: Vec::new(),
    };
    let mut seen = Vec::new();
    for dir in dirs {
        let path = dir.join("bpf-linker");
        if !seen.contains(&path) && path.exists() {
            seen.push(path.clone());
            found.add(Linker::probe(path));
        }
    }
    found
}

/// The installation directory of the compiler that cargo or the person's `PATH` chooses.
///
/// # Errors
///
/// When that compiler does not run.
pub fn active_sysroot() -> Result<PathBuf> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    Ok(PathBuf::from(
        output(Command::new(rustc).args(["--print", "sysroot"]))?.trim_end(),
    ))
}

/// The directory where `cargo install` puts executables.
#[must_use]
pub fn cargo_bin() -> Option<PathBuf> {
    home("CARGO_HOME", ".cargo").map(|home| home.join("bin"))
}

/// Whether a compiler of this version will do.
///
/// # Errors
///
/// When the text does not begin as a version does.
pub fn new_enough(version: &str) -> Result<bool> {
    Ok((number(version, 0)?, number(version, 1)?) >= (number(OLDEST, 0)?, number(OLDEST, 1)?))
}

impl<T> Found<T> {
    fn add(&mut self, probed: Result<T>) {
        match probed {
            Ok(usable) => self.usable.push(usable),
            Err(why) => self.rejected.push(format!("{why:#}")),
        }
    }
}

/// The directory that `variable` names, or else `default` of the person's home.
fn home(variable: &str, default: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .or_else(|| Some(env::home_dir()?.join(default)))
}

/// What a command prints.
fn output(command: &mut Command) -> Result<String> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("running {shown}"))?;
    ensure!(
        output.status.success(),
        "{shown}: {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    String::from_utf8(output.stdout).with_context(|| format!("the output of {shown}"))
}

/// The number at `position` of a dotted version.
fn number(version: &str, position: usize) -> Result<u32> {
    version
        .split('.')
        .nth(position)
        .and_then(|part| part.parse().ok())
        .with_context(|| format!("`{version}` is not a version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        for (version, expected) in [
            ("1.94.1", false),
            ("1.95.0", true),
            ("1.96.0+dfsg1-1~deb12u2", true),
            ("1.100.0-nightly", true),
            ("1.9.0", false),
            ("2.0.0", true),
        ] {
            assert_eq!(new_enough(version).expect(version), expected, "{version}");
        }
        new_enough("nightly").expect_err("not a version");
    }

    #[test]
    fn a_linker_reads_bitcode_that_is_not_newer() {
        let linker = Linker {
            path: PathBuf::from("bpf-linker"),
            llvm: 22,
        };
        let compiler = |llvm| Compiler {
            sysroot: PathBuf::from("/usr"),
            release: String::new(),
            llvm,
        };
        assert!(linker.reads(&compiler(21)));
        assert!(linker.reads(&compiler(22)));
        assert!(!linker.reads(&compiler(23)));
    }
}
