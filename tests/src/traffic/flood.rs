//! Numbered UDP packets at a steady rate, of which each lost one is known by its number.

use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::RcvBufForce;

use super::{End, Stop, join};

/// Room for what arrives while the receiver does not run.
const BUFFER: usize = 64 << 20;

/// How long the receiver waits for what is still under way at the end.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often packets are sent, as many as are due.
const TICK: Duration = Duration::from_millis(1);

/// A flood that is under way.
#[derive(Debug)]
pub struct Flood {
    stop: Stop,
    sender: JoinHandle<io::Result<u64>>,
    receiver: JoinHandle<io::Result<Vec<bool>>>,
}

/// A flood that has ended.
#[derive(Clone, Debug)]
pub struct Flooded {
    /// Packets sent.
    pub sent: u64,
    /// The numbers of those that did not arrive, from 0.
    pub lost: Vec<u64>,
}

impl Flood {
    /// Sends `per_second` packets of `size` bytes from one end to the other, at least 8 each, until
    /// [`finish`](Self::finish).
    ///
    /// # Panics
    /// When no socket can be had.
    #[must_use]
    #[track_caller]
    pub fn start(from: &End<'_>, to: &End<'_>, per_second: u32, size: usize) -> Self {
        let (source, sink) = (from.udp(), to.udp());
        let prepared = setsockopt(&sink, RcvBufForce, &BUFFER)
            .map_err(io::Error::from)
            .and_then(|()| sink.set_read_timeout(Some(PATIENCE)))
            .and_then(|()| source.connect(sink.local_addr()?));
        if let Err(error) = prepared {
            panic!("cannot flood {}: {error}", to.address);
        }
        let stop = Stop::default();
        let (stop_sender, stop_receiver) = (stop.clone(), stop.clone());
        Self {
            stop,
            sender: thread::spawn(move || send(&source, per_second, size, &stop_sender)),
            receiver: thread::spawn(move || receive(&sink, &stop_receiver)),
        }
    }

    /// Stops sending, and waits for what is under way.
    ///
    /// # Panics
    /// When a socket failed meanwhile.
    #[must_use]
    #[track_caller]
    pub fn finish(self) -> Flooded {
        self.stop.set();
        let sent = join(self.sender);
        let seen = join(self.receiver);
        let arrived = |number: u64| {
            let place = usize::try_from(number).unwrap_or(usize::MAX);
            seen.get(place).copied().unwrap_or(false)
        };
        let lost = (0..sent).filter(|number| !arrived(*number)).collect();
        Flooded { sent, lost }
    }
}

fn send(socket: &UdpSocket, per_second: u32, size: usize, stop: &Stop) -> io::Result<u64> {
    let mut packet = vec![0; size.max(8)];
    let start = Instant::now();
    let mut sent = 0;
    while !stop.is_set() {
        let due = start.elapsed().as_nanos() * u128::from(per_second) / 1_000_000_000;
        while u128::from(sent) < due {
            packet[..8].copy_from_slice(&u64::to_ne_bytes(sent));
            socket.send(&packet)?;
            sent += 1;
        }
        thread::sleep(TICK);
    }
    Ok(sent)
}

fn receive(socket: &UdpSocket, stop: &Stop) -> io::Result<Vec<bool>> {
    let mut seen = Vec::new();
    let mut packet = vec![0; 65_536];
    loop {
        match socket.recv(&mut packet) {
            Ok(len) if len >= 8 => {
                let number = packet[..8].try_into().map_or(0, u64::from_ne_bytes);
                let place = usize::try_from(number).map_err(io::Error::other)?;
                if seen.len() <= place {
                    seen.resize(place + 1, false);
                }
                seen[place] = true;
            }
            Ok(_) => return Err(io::Error::other("a packet without a number")),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                if stop.is_set() {
                    return Ok(seen);
                }
            }
            Err(error) => return Err(error),
        }
    }
}
