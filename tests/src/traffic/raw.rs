//! Frames as they are, from a pod's interface, as fast as they go or at a rate.

use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use pnet_datalink::{Channel, Config, DataLinkSender, interfaces};

use super::{Stop, join};
use crate::lab::Pod;

/// Frames that are being sent.
#[derive(Debug)]
pub struct Raw {
    stop: Stop,
    sender: JoinHandle<io::Result<u64>>,
}

impl Raw {
    /// Sends the frames one after another, again and again, until [`finish`](Self::finish):
    /// `per_second` of them, or as many as go.
    ///
    /// # Panics
    /// When the pod has no such interface, or it cannot be sent from.
    #[must_use]
    #[track_caller]
    pub fn start(
        pod: &Pod<'_>,
        interface: &str,
        frames: Vec<Vec<u8>>,
        per_second: Option<u32>,
    ) -> Self {
        let opened = pod.within(|| {
            let found = interfaces().into_iter().find(|one| one.name == interface);
            let found = found.ok_or_else(|| io::Error::other("no such interface"))?;
            match pnet_datalink::channel(&found, Config::default())? {
                Channel::Ethernet(sender, _) => Ok(sender),
                _ => Err(io::Error::other("no Ethernet channel")),
            }
        });
        let sender = match opened {
            Ok(sender) => sender,
            Err(error) => panic!("cannot send on {interface}: {error}"),
        };
        let stop = Stop::default();
        let stop_sender = stop.clone();
        Self {
            stop,
            sender: thread::spawn(move || send(sender, &frames, per_second, &stop_sender)),
        }
    }

    /// Stops, and says how many went.
    ///
    /// # Panics
    /// When one could not be sent.
    #[must_use]
    #[track_caller]
    pub fn finish(self) -> u64 {
        self.stop.set();
        join(self.sender)
    }
}

fn send(
    mut sender: Box<dyn DataLinkSender>,
    frames: &[Vec<u8>],
    per_second: Option<u32>,
    stop: &Stop,
) -> io::Result<u64> {
    let start = Instant::now();
    let mut sent = 0_u32;
    let no_room = || Err(io::Error::other("a frame does not fit the send buffer"));
    for frame in frames.iter().cycle() {
        if stop.is_set() {
            break;
        }
        sender.send_to(frame, None).unwrap_or_else(no_room)?;
        sent += 1;
        if let Some(rate) = per_second {
            let due = Duration::from_secs_f64(f64::from(sent) / f64::from(rate));
            thread::sleep(due.saturating_sub(start.elapsed()));
        }
    }
    Ok(u64::from(sent))
}
