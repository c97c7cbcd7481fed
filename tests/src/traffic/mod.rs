//! Traffic between pods that goes on while something happens to the network, and what came of it.
//!
//! Sockets are made in the pods' namespaces, and used from threads of the test.

mod flood;
mod ping_pong;
mod raw;
mod stream;

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::lab::Pod;

pub use flood::{Flood, Flooded};
pub use ping_pong::{PingPong, RoundTrips};
pub use raw::Raw;
pub use stream::{Stream, Streamed};

/// A pod and its address.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The pod.
    pub pod: &'a Pod<'a>,
    /// Its address.
    pub address: IpAddr,
}

/// Tells threads to come to an end.
#[derive(Clone, Debug, Default)]
struct Stop(Arc<AtomicBool>);

impl Stop {
    fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl End<'_> {
    /// An end at an address as it is written.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    #[track_caller]
    pub fn new<'a>(pod: &'a Pod<'a>, address: &str) -> End<'a> {
        match address.parse() {
            Ok(address) => End { pod, address },
            Err(error) => panic!("{address}: {error}"),
        }
    }

    #[track_caller]
    fn udp(&self) -> UdpSocket {
        let bound = self
            .pod
            .within(|| UdpSocket::bind(SocketAddr::new(self.address, 0)));
        match bound {
            Ok(socket) => socket,
            Err(error) => panic!("{}: {error}", self.address),
        }
    }
}

/// What a thread came to.
#[track_caller]
fn join<T>(thread: std::thread::JoinHandle<std::io::Result<T>>) -> T {
    match thread.join() {
        Ok(Ok(value)) => value,
        Ok(Err(error)) => panic!("traffic ended: {error}"),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
