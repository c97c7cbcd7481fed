//! Reading the events.

use std::fs::File;

use aya::maps::{MapData, RingBuf};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use pseudobridge_common::abi::{self, EVENTS_BYTES, Event};
use tokio::io::unix::AsyncFd;
use zerocopy::TryFromBytes as _;

use super::error::Doing as _;
use super::{Error, Pins, maps, shape};

/// The events of one node, from now on.
///
/// One process at a time reads them: whoever reads an event takes it out of the ring.
pub struct Events {
    ring: AsyncFd<RingBuf<MapData>>,
    id: u32,
    pins: Pins,
    _alone: Flock<File>,
}

impl Events {
    /// Opens the pinned ring, and leaves out what happened before. Must be called within a tokio
    /// runtime.
    ///
    /// # Errors
    ///
    /// [`Error::EventsTaken`] where another process reads, or when the ring cannot be opened.
    pub fn open(pins: &Pins) -> Result<Self, Error> {
        let reading = format!("read the map {}", abi::maps::EVENTS);
        let alone = File::open(pins.root()).doing(&reading)?;
        // Of the pin root: two readers would each move the one mark of what has been read.
        let alone = match Flock::lock(alone, FlockArg::LockExclusiveNonblock) {
            Ok(alone) => alone,
            Err((_, Errno::EWOULDBLOCK)) => {
                return Err(Error::EventsTaken {
                    root: pins.root().to_owned(),
                });
            }
            Err((_, error)) => return Err(error).doing(&reading),
        };
        let id = shape::info(pins, abi::maps::EVENTS)?.id();
        let mut ring = maps::open(pins, abi::maps::EVENTS, RingBuf::try_from)?;
        // As many as there can be; more would be of now.
        for _ in 0..EVENTS_BYTES as usize / size_of::<Event>() {
            if ring.next().is_none() {
                break;
            }
        }
        #[expect(
            deprecated,
            reason = "the other constructor is unsafe; the ring owns its descriptor"
        )]
        let ring = AsyncFd::new(ring).doing(&reading)?;
        Ok(Self {
            ring,
            id,
            pins: pins.clone(),
            _alone: alone,
        })
    }

    /// Waits for the next event. Dropped while it waits, it has taken none.
    ///
    /// # Errors
    ///
    /// When the ring cannot be waited for, or has what this version does not know.
    pub async fn next(&mut self) -> Result<Event, Error> {
        let reading = format_args!("read the map {}", abi::maps::EVENTS);
        loop {
            if let Some(item) = self.ring.get_mut().next() {
                return Event::try_read_from_bytes(&item)
                    .map_err(|_| "unknown event")
                    .doing(reading);
            }
            // What comes in after this is told of once more: nothing is missed.
            self.ring.readable_mut().await.doing(reading)?.clear_ready();
        }
    }

    /// Whether the ring is still the pinned one: after a `down`, nothing comes any more.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        shape::info(&self.pins, abi::maps::EVENTS).is_ok_and(|info| info.id() == self.id)
    }
}
