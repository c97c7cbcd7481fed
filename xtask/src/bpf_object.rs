//! Compiles the BPF object that pseudobridge carries in it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::toolchain::Toolchain;

/// What to compile for.
#[derive(Debug)]
pub struct Target<'a> {
    /// The architecture of the kernel that will run it, as `CARGO_CFG_TARGET_ARCH` names it:
    /// aya-ebpf lays out `pt_regs` by it.
    pub arch: &'a str,
    /// Its byte order, as `CARGO_CFG_TARGET_ENDIAN` names it.
    pub endian: &'a str,
}

/// The first LLVM that has [`MISALIGNED`].
const MISALIGNED_SINCE: u32 = 22;

/// Lets loads and stores be of the width the source has. Without it packet headers, which are
/// packed, are read byte by byte: twice the instructions. The kernel's verifier allows it for
/// packets wherever `CONFIG_HAVE_EFFICIENT_UNALIGNED_ACCESS` is set.
const MISALIGNED: &str = "+allows-misaligned-mem-access";

/// Compiles the package `pseudobridge-ebpf` of `workspace`, below `target_dir`, and copies the
/// object to `object`.
///
/// Compiled `core` and dependencies stay in `target_dir`, so one shared by all profiles of the
/// host's code spares compiling them again.
///
/// # Errors
///
/// When cargo fails, having printed why, or the object cannot be copied.
pub fn build(
    toolchain: &Toolchain,
    target: &Target<'_>,
    workspace: &Path,
    target_dir: &Path,
    object: &Path,
) -> Result<()> {
    let triple = if target.endian == "big" {
        "bpfeb-unknown-none"
    } else {
        "bpfel-unknown-none"
    };
    let mut flags = vec![
        format!("--cfg=bpf_target_arch=\"{}\"", target.arch),
        "-Cdebuginfo=2".to_owned(),
        "-Clink-arg=--btf".to_owned(),
        format!("-Clinker={}", toolchain.linker.path.display()),
    ];
    if toolchain.linker.llvm >= MISALIGNED_SINCE {
        flags.push(format!("-Clink-arg=--cpu-features={MISALIGNED}"));
    }
    let status = toolchain
        .cargo()
        .args([
            "build",
            "--package=pseudobridge-ebpf",
            "--bin=pseudobridge",
            "--profile=bpf",
        ])
        .args(["-Zbuild-std=core", "--target", triple])
        .arg("--manifest-path")
        .arg(workspace.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target_dir)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .status()
        .context("running cargo for the BPF object")?;
    ensure!(
        status.success(),
        "the BPF object does not compile ({status})"
    );
    let built: PathBuf = [target_dir, Path::new(triple), Path::new("bpf/pseudobridge")]
        .iter()
        .collect();
    fs::copy(&built, object)
        .with_context(|| format!("copying {} to {}", built.display(), object.display()))?;
    Ok(())
}
