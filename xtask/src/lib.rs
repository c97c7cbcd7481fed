//! Installs or finds what building and testing need.
