//! Disposable nodes: each a network, mount and PID namespace of its own, gone with the test.

mod command;
mod dump;
mod node;
mod pod;
mod requirements;

pub use command::Output;
pub use dump::Dump;
pub use node::{DEADLINE, Node};
pub use pod::Pod;
pub use requirements::{Missing, check};
