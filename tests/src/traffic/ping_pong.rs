//! One small UDP packet to and fro, again and again.

use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{End, Stop, join};
use crate::stats::Summary;

/// After this time a round trip is lost.
const PATIENCE: Duration = Duration::from_millis(500);

/// Round trips that go on.
#[derive(Debug)]
pub struct PingPong {
    stop: Stop,
    client: JoinHandle<io::Result<RoundTrips>>,
    server: JoinHandle<io::Result<()>>,
}

/// What came of them.
#[derive(Clone, Debug, Default)]
pub struct RoundTrips {
    /// The time of each in microseconds.
    pub micros: Vec<f64>,
    /// How many did not end.
    pub lost: u32,
}

impl RoundTrips {
    /// Their summary in microseconds.
    ///
    /// # Panics
    /// When there were none.
    #[must_use]
    #[track_caller]
    pub fn summary(&self) -> Summary {
        match Summary::of(&self.micros) {
            Some(summary) => summary,
            None => panic!("there was no round trip, and {} were lost", self.lost),
        }
    }
}

impl PingPong {
    /// Goes to and fro between the ends until [`finish`](Self::finish).
    ///
    /// # Panics
    /// When no socket can be had.
    #[must_use]
    #[track_caller]
    pub fn start(from: &End<'_>, to: &End<'_>) -> Self {
        let (client, server) = (from.udp(), to.udp());
        let connected = || -> io::Result<()> {
            client.connect(server.local_addr()?)?;
            server.connect(client.local_addr()?)?;
            client.set_read_timeout(Some(PATIENCE))?;
            server.set_read_timeout(Some(PATIENCE))
        };
        if let Err(error) = connected() {
            panic!("{} to {}: {error}", from.address, to.address);
        }
        let stop = Stop::default();
        let (stop_client, stop_server) = (stop.clone(), stop.clone());
        Self {
            stop,
            client: thread::spawn(move || ask(&client, &stop_client)),
            server: thread::spawn(move || answer(&server, &stop_server)),
        }
    }

    /// Ends it.
    ///
    /// # Panics
    /// When a socket failed meanwhile.
    #[must_use]
    #[track_caller]
    pub fn finish(self) -> RoundTrips {
        self.stop.set();
        let trips = join(self.client);
        join(self.server);
        trips
    }
}

fn ask(socket: &UdpSocket, stop: &Stop) -> io::Result<RoundTrips> {
    let mut trips = RoundTrips::default();
    let mut number = 0_u64;
    while !stop.is_set() {
        let start = Instant::now();
        socket.send(&number.to_ne_bytes())?;
        loop {
            let mut answer = [0; 8];
            match socket.recv(&mut answer) {
                // A late one is of no use any more.
                Ok(_) if answer != number.to_ne_bytes() => {}
                Ok(_) => {
                    trips.micros.push(start.elapsed().as_secs_f64() * 1e6);
                    break;
                }
                Err(error) if is_timeout(&error) => {
                    trips.lost += 1;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        number += 1;
    }
    Ok(trips)
}

fn answer(socket: &UdpSocket, stop: &Stop) -> io::Result<()> {
    let mut packet = [0; 8];
    loop {
        match socket.recv(&mut packet) {
            Ok(len) => {
                socket.send(&packet[..len])?;
            }
            Err(error) if is_timeout(&error) && stop.is_set() => return Ok(()),
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
