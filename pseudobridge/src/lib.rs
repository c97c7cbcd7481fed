//! The loader of pseudobridge.
