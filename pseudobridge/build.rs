//! Compiles the BPF programs into `$OUT_DIR/pseudobridge.bpf.o`, which the library carries in it.
//!
//! Not by aya-build: that sets the compiler flags itself, so none can be added, and wants a
//! nightly compiler or `RUSTC_BOOTSTRAP` for the whole workspace.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use xtask::bpf_object::{self, Target};
use xtask::toolchain::{Compiler, Toolchain};

fn main() -> ExitCode {
    if let Err(error) = build() {
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn build() -> Result<()> {
    let out_dir = PathBuf::from(variable("OUT_DIR")?);
    let object = out_dir.join("pseudobridge.bpf.o");
    let toolchain = match Toolchain::find() {
        Ok(toolchain) => toolchain,
        Err(missing) => return without_toolchain(&object, &missing),
    };
    let manifest_dir = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = manifest_dir
        .parent()
        .context("the package has no workspace around it")?;
    for source in [
        "Cargo.toml",
        "Cargo.lock",
        "pseudobridge-common",
        "pseudobridge-ebpf",
    ] {
        rerun_if_changed(&workspace.join(source));
    }
    rerun_if_changed(&toolchain.linker.path);
    rerun_if_changed(&toolchain.compiler.sysroot.join("bin/rustc"));
    rerun_if_changed(&Compiler::library(&toolchain.compiler.sysroot).join("Cargo.lock"));

    let arch = variable("CARGO_CFG_TARGET_ARCH")?;
    let endian = variable("CARGO_CFG_TARGET_ENDIAN")?;
    let target = Target {
        arch: &arch,
        endian: &endian,
    };
    bpf_object::build(
        &toolchain,
        &target,
        workspace,
        &bpf_target_dir(&out_dir)?,
        &object,
    )
}

/// Lets `cargo check`, `clippy` and `doc` pass with an empty object, and nothing that is linked.
fn without_toolchain(object: &Path, missing: &anyhow::Error) -> Result<()> {
    fs::write(object, []).with_context(|| format!("writing {}", object.display()))?;
    println!("cargo::warning={missing:#}");
    // No such library exists: what fails when the code is linked names the cure.
    println!("cargo::rustc-link-lib=static=cargo-xtask-setup-must-be-run-first");
    // A file that never exists has cargo look again next time.
    rerun_if_changed(&object.with_extension("missing"));
    Ok(())
}

/// One directory for all profiles, so that `core` is compiled once: `<target>/bpf`, found from
/// `<target>/<profile>/build/<package>/out`.
fn bpf_target_dir(out_dir: &Path) -> Result<PathBuf> {
    let build = out_dir.ancestors().find(|dir| dir.ends_with("build"));
    let target = build.and_then(|dir| dir.parent()?.parent());
    let target = target.with_context(|| {
        format!(
            "{} is not below <target>/<profile>/build",
            out_dir.display()
        )
    })?;
    Ok(target.join("bpf"))
}

fn rerun_if_changed(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}

fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("cargo sets {name} for build scripts"))
}
