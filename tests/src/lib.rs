//! The laboratory in which pseudobridge is tried: disposable nodes in namespaces.
