//! Disposable nodes: each a network, mount and PID namespace of its own, gone with the test.

mod command;
mod dump;
mod node;
mod pod;
mod requirements;

use std::thread;
use std::time::{Duration, Instant};

pub use command::Output;
pub use dump::Dump;
pub use node::{DEADLINE, Node};
pub use pod::Pod;
pub use requirements::{Missing, check};

/// Asks until the answer is yes, ten times a second; no when it is not within [`PATIENCE`].
pub fn eventually(mut yes: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + PATIENCE;
    loop {
        if yes() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// How long [`eventually`] waits for what the kernel does in its own time.
pub const PATIENCE: Duration = Duration::from_secs(5);
