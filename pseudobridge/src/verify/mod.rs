//! Proof that pods reach each other.
//!
//! From inside a pod's namespace, on its interface, an ARP request is sent for each target and, to
//! the MAC that answers, an ICMP echo request. Both are whole frames of our own, so the pod's
//! neighbour table is neither used nor filled: what is tried is the network, not what the pod
//! remembers of it.
//!
//! The target answers by its own kernel, which looks its prober up as usual. Where pods have the
//! subnet's prefix, that takes a neighbour entry per prober, two a pod in a sample; all namespaces
//! share one limit for them (`net.ipv4.neigh.default.gc_thresh3`, 1,024), so from some 500 such
//! pods on, echo replies fail to come, as they would for the pods' own traffic. With a /32 prefix
//! it takes one, for the gateway.

mod choose;
mod frame;
mod source;

use std::{
    fmt,
    net::Ipv4Addr,
    path::PathBuf,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

pub use self::choose::{Verify, probes};
use crate::netlink::{
    Error,
    netns::{self, NetNs},
};

/// How many pods are probed from at a time. Their threads mostly wait: for answers, and for the
/// kernel to let go of each packet socket after an RCU grace period.
const WORKERS: usize = 64;

/// A pod to probe from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The pod's name.
    pub pod: String,
    /// Its network namespace.
    pub netns: PathBuf,
    /// Its interface there.
    pub interface: String,
    /// The interface's MAC.
    pub mac: [u8; 6],
    /// Its address.
    pub address: Ipv4Addr,
    /// The MAC that all ARP answers to this pod must carry, its host-side veth's, where known.
    pub answer_mac: Option<[u8; 6]>,
}

/// What to probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The pod's name, or what else it is called.
    pub name: String,
    /// Its address.
    pub address: Ipv4Addr,
    /// The TTL that its echo replies must arrive with, where known.
    pub expect_ttl: Option<u8>,
}

/// All that is to be probed from one pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The pod.
    pub from: Endpoint,
    /// Its targets.
    pub to: Vec<Target>,
}

/// One direction between a pod and a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Direction {
    /// Name and address of the pod that probed.
    pub from: (String, Ipv4Addr),
    /// Name and address of its target.
    pub to: (String, Ipv4Addr),
}

/// A target that answered as it should.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Who asked whom.
    pub direction: Direction,
    /// The MAC that answered for the target.
    pub mac: [u8; 6],
    /// The echo reply's TTL on arrival.
    pub ttl: u8,
    /// Time from the echo request to its reply.
    pub rtt: Duration,
}

/// A target that did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Who asked whom.
    pub direction: Direction,
    /// What went wrong.
    pub cause: Cause,
}

/// What went wrong with a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nobody answered the ARP requests.
    NoArpAnswer,
    /// Another MAC than the pod's host-side veth answered for the target.
    WrongMac {
        /// Who should have.
        expected: [u8; 6],
        /// Who did.
        answered: [u8; 6],
    },
    /// ARP was answered, the echo requests were not.
    NoEchoReply {
        /// The MAC they were sent to.
        mac: [u8; 6],
    },
    /// The echo reply has a wrong checksum or content: the pod's kernel would drop it.
    DamagedReply,
    /// The echo reply took another path than it should.
    WrongTtl {
        /// The TTL it should have had.
        expected: u8,
        /// The one it had.
        found: u8,
    },
    /// Nothing could be sent from this pod, with the reason.
    NotSent(String),
}

/// The result of a verification.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The targets that answered.
    pub replies: Vec<Reply>,
    /// Those that did not.
    pub failures: Vec<Failure>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Carries out the plan. `progress` is called on this thread whenever a pod is done, with the
/// number of targets tried and of all targets.
///
/// It blocks: each pod has its own thread, in its namespace, and there are up to 64 at a time. A
/// pod from which nothing can be sent is a failure of each of its targets, and the others go on.
/// A silent target costs 0.9 s.
///
/// # Errors
///
/// If threads cannot be started.
pub fn verify(plan: &[Probe], mut progress: impl FnMut(usize, usize)) -> Result<Report, Error> {
    let start = Instant::now();
    let total = plan.iter().map(|probe| probe.to.len()).sum();
    let mut report = Report::default();
    let next = AtomicUsize::new(0);
    let (sender, outcomes) = mpsc::channel();
    thread::scope(|scope| {
        // Taken in, so that it is gone, and the threads stop, if one of them cannot be started.
        let outcomes = outcomes;
        for _ in 0..WORKERS.min(plan.len()) {
            let (next, sender) = (&next, sender.clone());
            let work = move || {
                while let Some(probe) = plan.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if sender.send(carry_out(probe)).is_err() {
                        return;
                    }
                }
            };
            thread::Builder::new()
                .name("verify".into())
                .spawn_scoped(scope, work)
                .map_err(|error| {
                    Error::system("start the threads of the verification".into(), error)
                })?;
        }
        drop(sender);
        for outcome in outcomes {
            for result in outcome {
                match result {
                    Ok(reply) => report.replies.push(reply),
                    Err(failure) => report.failures.push(failure),
                }
            }
            progress(report.replies.len() + report.failures.len(), total);
        }
        report.elapsed = start.elapsed();
        Ok(report)
    })
}

fn carry_out(probe: &Probe) -> Vec<Result<Reply, Failure>> {
    let probed = NetNs::open(&probe.from.netns)
        .and_then(|namespace| netns::within(&namespace, || source::probe(&probe.from, &probe.to)));
    let reason = match probed {
        Ok(Ok(results)) => return results,
        Ok(Err(error)) => format!("cannot send on {}: {error}", probe.from.interface),
        Err(error) => error.to_string(),
    };
    let failure = |target| Failure {
        direction: Direction::new(&probe.from, target),
        cause: Cause::NotSent(reason.clone()),
    };
    probe.to.iter().map(|target| Err(failure(target))).collect()
}

impl Direction {
    fn new(from: &Endpoint, to: &Target) -> Self {
        Self {
            from: (from.pod.clone(), from.address),
            to: (to.name.clone(), to.address),
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (&self.from, &self.to);
        write!(f, "{} ({}) to {} ({})", from.0, from.1, to.0, to.1)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.direction, self.cause)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoArpAnswer => write!(f, "no ARP answer"),
            Self::WrongMac { expected, answered } => {
                let (expected, answered) = (Mac(expected), Mac(answered));
                write!(
                    f,
                    "ARP answered by {answered} where {expected} was expected"
                )
            }
            Self::NoEchoReply { mac } => write!(f, "no echo reply by way of {}", Mac(mac)),
            Self::DamagedReply => write!(f, "the echo reply is damaged"),
            Self::WrongTtl { expected, found } => {
                write!(
                    f,
                    "the echo reply has TTL {found} where {expected} was expected"
                )
            }
            Self::NotSent(reason) => f.write_str(reason),
        }
    }
}

struct Mac<'a>(&'a [u8; 6]);

impl fmt::Display for Mac<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = self.0.map(|byte| format!("{byte:02x}"));
        f.write_str(&hex.join(":"))
    }
}
