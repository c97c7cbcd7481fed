//! The `pseudobridge` command.

fn main() {}
