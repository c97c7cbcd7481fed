//! Probing from one pod.

use std::{
    collections::{BTreeMap, hash_map::RandomState},
    hash::BuildHasher as _,
    io,
    time::{Duration, Instant},
};

use nix::net::if_::if_nametoindex;
use pnet_datalink::{Channel, Config, DataLinkReceiver, DataLinkSender, NetworkInterface};

use super::{
    Cause, Direction, Endpoint, Failure, Reply, Target,
    frame::{Answer, arp_request, echo_request, parse},
};

const TRIES: u16 = 3;
const TRY_TIMEOUT: Duration = Duration::from_millis(300);
/// How long the socket waits at most before the clock is looked at.
const TICK: Duration = Duration::from_millis(20);
/// How many targets are tried at a time: their answers fit any socket buffer.
const AT_A_TIME: usize = 64;

/// Probes the targets from the interface of the endpoint. The calling thread must be in its
/// namespace.
///
/// # Errors
///
/// If the interface does not exist, is down, or no packet socket can be had (`CAP_NET_RAW`).
pub(super) fn probe(
    from: &Endpoint,
    targets: &[Target],
) -> io::Result<Vec<Result<Reply, Failure>>> {
    let mut source = Source::open(from)?;
    let mut results = Vec::with_capacity(targets.len());
    for targets in targets.chunks(AT_A_TIME) {
        let mut trials: Vec<Trial<'_>> = targets.iter().map(Trial::new).collect();
        for sequence in 0..TRIES {
            source.try_all(&mut trials, sequence)?;
        }
        results.extend(trials.into_iter().map(|trial| trial.result(from)));
    }
    Ok(results)
}

/// The packet socket on the pod's interface.
struct Source<'a> {
    from: &'a Endpoint,
    /// Tells our echo replies from those of others.
    id: u16,
    sender: Box<dyn DataLinkSender>,
    receiver: Box<dyn DataLinkReceiver>,
}

impl<'a> Source<'a> {
    fn open(from: &'a Endpoint) -> io::Result<Self> {
        let interface = NetworkInterface {
            name: from.interface.clone(),
            description: String::new(),
            index: if_nametoindex(from.interface.as_str())?,
            mac: Some(from.mac.into()),
            ips: Vec::new(),
            flags: 0,
        };
        let config = Config {
            read_timeout: Some(TICK),
            promiscuous: false,
            ..Config::default()
        };
        let Channel::Ethernet(sender, receiver) = pnet_datalink::channel(&interface, config)?
        else {
            return Err(io::Error::other("no Ethernet channel"));
        };
        let [a, b, ..] = RandomState::new().hash_one(()).to_ne_bytes();
        Ok(Self {
            from,
            id: u16::from_ne_bytes([a, b]),
            sender,
            receiver,
        })
    }

    /// Sends what each unfinished trial waits for, and takes answers until all are finished or
    /// the time is up.
    fn try_all(&mut self, trials: &mut [Trial<'_>], sequence: u16) -> io::Result<()> {
        let deadline = Instant::now() + TRY_TIMEOUT;
        for trial in trials.iter_mut().filter(|trial| trial.outcome.is_none()) {
            match trial.mac {
                None => self.send(&arp_request(self.from, trial.target.address)?)?,
                Some(mac) => self.send_echo(trial, mac, sequence)?,
            }
        }
        while trials.iter().any(|trial| trial.outcome.is_none()) && Instant::now() < deadline {
            let Some(answer) = self.receive()? else {
                continue;
            };
            let (Answer::Arp { address, .. } | Answer::Echo { address, .. }) = answer;
            let of = |trial: &&mut Trial<'_>| trial.target.address == address;
            let Some(trial) = trials.iter_mut().find(of) else {
                continue;
            };
            match answer {
                Answer::Arp { mac, .. } => {
                    if trial.arp_answered(mac, self.from.answer_mac) {
                        self.send_echo(trial, mac, sequence)?;
                    }
                }
                Answer::Echo {
                    ttl,
                    sequence,
                    sound,
                    ..
                } => {
                    trial.echo_replied(ttl, sequence, sound);
                }
            }
        }
        Ok(())
    }

    fn send_echo(&mut self, trial: &mut Trial<'_>, mac: [u8; 6], sequence: u16) -> io::Result<()> {
        trial.sent.insert(sequence, Instant::now());
        self.send(&echo_request(
            self.from,
            mac,
            trial.target.address,
            self.id,
            sequence,
        )?)
    }

    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let no_room = || Err(io::Error::other("the frame does not fit the send buffer"));
        self.sender.send_to(frame, None).unwrap_or_else(no_room)
    }

    fn receive(&mut self) -> io::Result<Option<Answer>> {
        match self.receiver.next() {
            Ok(frame) => Ok(parse(frame, self.from, self.id)),
            Err(error) if is_idle(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn is_idle(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

/// The state of one target.
struct Trial<'a> {
    target: &'a Target,
    /// Who answered for it.
    mac: Option<[u8; 6]>,
    /// When each echo request was sent, by sequence number.
    sent: BTreeMap<u16, Instant>,
    /// TTL and round-trip time, or what went wrong; nothing yet while answers are awaited.
    outcome: Option<Result<(u8, Duration), Cause>>,
}

impl<'a> Trial<'a> {
    fn new(target: &'a Target) -> Self {
        Self {
            target,
            mac: None,
            sent: BTreeMap::new(),
            outcome: None,
        }
    }

    /// Takes an ARP answer; says whether it is the first one and good.
    fn arp_answered(&mut self, mac: [u8; 6], expected: Option<[u8; 6]>) -> bool {
        if let Some(expected) = expected.filter(|expected| *expected != mac) {
            self.outcome = Some(Err(Cause::WrongMac {
                expected,
                answered: mac,
            }));
            return false;
        }
        self.mac.replace(mac).is_none()
    }

    fn echo_replied(&mut self, ttl: u8, sequence: u16, sound: bool) {
        // A late reply to an earlier try is as good; one to a request never sent is not ours.
        let Some(rtt) = self.sent.get(&sequence).map(Instant::elapsed) else {
            return;
        };
        let result = match self.target.expect_ttl {
            _ if !sound => Err(Cause::DamagedReply),
            Some(expected) if expected != ttl => Err(Cause::WrongTtl {
                expected,
                found: ttl,
            }),
            _ => Ok((ttl, rtt)),
        };
        self.outcome.get_or_insert(result);
    }

    fn result(self, from: &Endpoint) -> Result<Reply, Failure> {
        let direction = Direction::new(from, self.target);
        let cause = match (self.outcome, self.mac) {
            (Some(Ok((ttl, rtt))), Some(mac)) => {
                return Ok(Reply {
                    direction,
                    mac,
                    ttl,
                    rtt,
                });
            }
            (Some(Err(cause)), _) => cause,
            (None, Some(mac)) => Cause::NoEchoReply { mac },
            (_, None) => Cause::NoArpAnswer,
        };
        Err(Failure { direction, cause })
    }
}
