//! `pseudobridge monitor`: what is dropped, and what is left to the kernel, as it happens.

mod line;
mod packet;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use pseudobridge_common::abi::Event;

use self::line::{Clock, Line, Whose};
use super::node::Node;
use crate::bpf::{Events, Pinned, Pins};
use crate::cli::{self, Cli};
use crate::output;
use crate::reconcile::Observed;

/// How often it is looked whether the events still are the node's, and, at most, whose an unknown
/// interface is.
const INTERVAL: Duration = Duration::from_secs(1);

pub(super) async fn run(cli: &Cli, arguments: &cli::Monitor) -> Result<()> {
    let pins = Pins::new(&cli.pin_root);
    let (mut names, mut events) = {
        // The lock is held no longer than this: others may change the node.
        let node = Node::open(cli)?;
        let observed = node.observe().await?;
        ensure!(
            observed.bpf.pinned == Pinned::Yes,
            "no programs are pinned under {}, so nothing happens that could be told of; \
             `pseudobridge up` pins them",
            pins.root().display()
        );
        (Names::of(&observed), Events::open(&pins)?)
    };
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let mut every = tokio::time::interval(INTERVAL);
    let mut printed = 0;
    while arguments.count.is_none_or(|count| printed < count) {
        let event = tokio::select! {
            event = events.next() => event?,
            interrupt = &mut interrupted => return interrupt.context("cannot wait for Ctrl-C"),
            _ = every.tick() => {
                ensure!(
                    events.is_pinned(),
                    "the network was taken down: nothing more happens that could be told of"
                );
                continue;
            }
        };
        if !arguments.reason.is_empty() && !arguments.reason.contains(&event.reason) {
            continue;
        }
        let whose = names.whose(&event, cli).await?;
        let is_asked_for = |pod: &String| arguments.pod.contains(pod);
        if !arguments.pod.is_empty() && !whose.pod.as_ref().is_some_and(is_asked_for) {
            continue;
        }
        let clock = Clock::now().context("cannot read the clock")?;
        if !output::print_line(&Line::of(&event, whose, &clock), cli.output)? {
            break;
        }
        printed += 1;
    }
    Ok(())
}

/// Whose the interfaces are, by index.
struct Names {
    known: HashMap<u32, Whose>,
    looked: Instant,
}

impl Names {
    fn of(observed: &Observed) -> Self {
        let whose = |link: &crate::netlink::Link| {
            let owner = observed.pods.get(&link.index).map(|pod| &pod.owner);
            Whose {
                pod: owner.map(|owner| owner.pod.clone()),
                network: owner.map(|owner| owner.network.clone()),
                interface: Some(link.name.clone()),
            }
        };
        let links = observed.links.iter();
        Self {
            known: links.map(|link| (link.index, whose(link))).collect(),
            looked: Instant::now(),
        }
    }

    /// Whose interface an event is of. One that is not known came after the last look: it is looked
    /// again, unless that was a moment ago or another command is changing the node right now.
    async fn whose(&mut self, event: &Event, cli: &Cli) -> Result<Whose> {
        if !self.known.contains_key(&event.ifindex) && self.looked.elapsed() > INTERVAL {
            self.looked = Instant::now();
            if let Some(node) = Node::open_at_once(cli)? {
                match node.observe().await {
                    Ok(observed) => *self = Self::of(&observed),
                    // What cannot be told now is told by the next look, or by `status`.
                    Err(error) => tracing::info!("{error:#}"),
                }
            }
        }
        Ok(self.known.get(&event.ifindex).cloned().unwrap_or_default())
    }
}
