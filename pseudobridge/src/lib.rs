//! The loader of pseudobridge.

pub mod output;
pub mod topology;
