//! The loader of pseudobridge.

pub mod topology;
