//! The loader of pseudobridge.

pub mod cli;
pub mod output;
pub mod topology;
