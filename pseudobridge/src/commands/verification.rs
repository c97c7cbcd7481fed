//! Verifying pods, and what came of it.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;

use crate::netlink::netns;
use crate::output::Progress;
use crate::reconcile::{DesiredPod, Observed};
use crate::verify::{Endpoint, Verify, probes, verify};

/// What the verification found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Verification {
    /// How many answers to ARP and ICMP were asked for.
    probes: usize,
    /// One line for each that did not come as it should.
    failures: Vec<String>,
}

impl Verification {
    /// Lets the pods that there are talk to each other.
    pub(super) fn run(observed: &Observed, how_much: Verify) -> Result<Self> {
        let mut networks: BTreeMap<String, (Ipv4Addr, Vec<Endpoint>)> = BTreeMap::new();
        for pod in observed.pods.values() {
            let pod = pod.desired(observed)?;
            let network = networks.entry(pod.network.clone());
            let (_, pods) = network.or_insert((pod.gateway, Vec::new()));
            pods.push(endpoint(pod));
        }
        let plan: Vec<_> = networks
            .values()
            .flat_map(|(gateway, pods)| probes(pods, *gateway, how_much))
            .collect();
        let total = plan.iter().map(|probe| probe.to.len()).sum();
        let mut progress = Progress::start("verifying", total);
        let report = verify(&plan, |done, _| progress.set(done))?;
        Ok(Self {
            probes: total,
            failures: report.failures.iter().map(ToString::to_string).collect(),
        })
    }

    /// Fails if anything did.
    pub(super) fn require_success(&self) -> Result<()> {
        if self.failures.is_empty() {
            return Ok(());
        }
        bail!(
            "{} of {} probes failed; the network stays up to be looked at (`pseudobridge status`)",
            self.failures.len(),
            self.probes
        )
    }

    pub(super) fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.probes == 0 {
            return Ok(());
        }
        let answered = self.probes - self.failures.len();
        writeln!(
            out,
            "verified: {answered} of {} ARP and ping probes answered",
            self.probes
        )?;
        for failure in &self.failures {
            writeln!(out, "  {failure}")?;
        }
        Ok(())
    }
}

fn endpoint(desired: DesiredPod) -> Endpoint {
    Endpoint {
        mac: desired.pod_mac(),
        answer_mac: Some(desired.host_mac()),
        netns: Path::new(netns::DIRECTORY).join(&desired.pod.netns),
        pod: desired.pod.name,
        interface: desired.pod.pod_interface,
        address: desired.pod.address,
    }
}
