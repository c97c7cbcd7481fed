//! What must be unique on the node.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Debug;
use std::hash::Hash;

use toml::Spanned;

use super::problem::{Collector, Span};

/// Values of one sort, each with the place that took it.
#[derive(Debug)]
pub(super) struct Claims<T>(HashMap<T, Span>);

impl<T: Clone + Debug + Eq + Hash> Claims<T> {
    pub(super) fn new() -> Self {
        Self(HashMap::new())
    }

    /// Takes `value` for its place; `None`, and a problem, when another place has it.
    pub(super) fn claim(
        &mut self,
        value: Spanned<T>,
        noun: &str,
        cure: &str,
        problems: &mut Collector,
    ) -> Option<Spanned<T>> {
        match self.0.entry(value.get_ref().clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(value.span());
                Some(value)
            }
            Entry::Occupied(taken) => {
                let line = problems.line(taken.get());
                let what = format!("{noun} {:?} is taken on line {line}", taken.key());
                problems.add(&value.span(), what, cure);
                None
            }
        }
    }

    /// The place that took `value`, if one did.
    pub(super) fn place(&self, value: &T) -> Option<&Span> {
        self.0.get(value)
    }
}
