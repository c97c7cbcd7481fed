//! The node that a command works on: its connection, its pins, and changes to it.

use anyhow::{Result, anyhow};

use super::lock::Lock;
use super::privileges;
use crate::bpf::{Pinned, Pins, Program};
use crate::cli::Cli;
use crate::netlink::Netlink;
use crate::output::Progress;
use crate::reconcile::{self, Observed, Plan, Step};

/// The node that the command was started on.
pub(super) struct Node {
    netlink: Netlink,
    /// Where its pins are.
    pub(super) pins: Pins,
    _lock: Lock,
}

impl Node {
    /// Opens the node of the calling thread, to look at it.
    pub(super) fn open(cli: &Cli) -> Result<Self> {
        privileges::require(&privileges::LOOK)?;
        Self::locked(cli, Lock::to_look()?)
    }

    /// The same, without waiting: `None` while another command changes it.
    pub(super) fn open_at_once(cli: &Cli) -> Result<Option<Self>> {
        privileges::require(&privileges::LOOK)?;
        let lock = Lock::to_look_at_once()?;
        lock.map(|lock| Self::locked(cli, lock)).transpose()
    }

    /// Opens it to change it, which one command does at a time, and to verify what came of that.
    pub(super) fn open_to_change(cli: &Cli) -> Result<Self> {
        privileges::require(&privileges::CHANGE)?;
        Self::locked(cli, Lock::to_change()?)
    }

    fn locked(cli: &Cli, lock: Lock) -> Result<Self> {
        Ok(Self {
            netlink: Netlink::open()?,
            pins: Pins::new(&cli.pin_root),
            _lock: lock,
        })
    }

    /// What is there now.
    pub(super) async fn observe(&self) -> Result<Observed> {
        Ok(reconcile::observe(&self.netlink, &self.pins).await?)
    }

    /// Whether the pinned program is the one that this version carries; so too where none is.
    pub(super) fn program_is_current(&self, observed: &Observed) -> Result<bool> {
        match observed.bpf.pinned {
            Pinned::Yes => Ok(Program::load(&self.pins)?.is_pinned(&self.pins)?),
            Pinned::No | Pinned::InPart => Ok(true),
        }
    }

    /// Does a plan.
    pub(super) async fn apply(&self, plan: &Plan, observed: &Observed) -> Result<()> {
        let mut progress = Progress::start("applying", plan.steps.len());
        let applied = reconcile::apply(plan, observed, &self.netlink, &self.pins, |done| {
            progress.set(done);
        });
        Ok(applied.await?)
    }

    /// Does a plan; if it fails half-way, takes away what it had made until then.
    pub(super) async fn apply_or_undo(&self, plan: &Plan, before: &Observed) -> Result<()> {
        let Err(error) = self.apply(plan, before).await else {
            return Ok(());
        };
        let undone = async {
            let after = self.observe().await?;
            self.apply(&reconcile::down(&after, Some(before)), &after)
                .await
        };
        match undone.await {
            Ok(()) if removes_pods(plan) => Err(error.context(
                "failed; what was made is removed again, but pods that had to go first are gone: \
                 `up` once more makes them anew",
            )),
            Ok(()) => Err(error.context("failed, and undone")),
            Err(worse) => Err(anyhow!(
                "{error:#}\nwhat had been made until then could not be removed: {worse:#}; \
                 try `pseudobridge down`"
            )),
        }
    }
}

/// Whether the plan takes pods away, to make them anew or for good.
fn removes_pods(plan: &Plan) -> bool {
    let mut steps = plan.steps.iter();
    steps.any(|step| matches!(step, Step::DeleteLinks(_)))
}
