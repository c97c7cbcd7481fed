//! What holds for any network and any frame.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod fate;
mod lawful;
mod network;
