//! What is told of a series of measurements.

use serde::Serialize;

/// The five-number summary of a series, in the unit of its samples.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The smallest sample.
    pub min: f64,
    /// The first quartile.
    pub p25: f64,
    /// The median.
    pub median: f64,
    /// The third quartile.
    pub p75: f64,
    /// The largest sample.
    pub max: f64,
}

impl Summary {
    /// Summarises samples in any order; between two samples, a quartile is interpolated.
    /// `None` when there are none.
    #[must_use]
    pub fn of(samples: &[f64]) -> Option<Self> {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        let quartile = |k: usize| {
            let (below, rest) = (last * k / 4, last * k % 4);
            let share = [0.0, 0.25, 0.5, 0.75][rest];
            let above = (below + 1).min(last);
            sorted[below] + (sorted[above] - sorted[below]) * share
        };
        Some(Self {
            min: sorted[0],
            p25: quartile(1),
            median: quartile(2),
            p75: quartile(3),
            max: sorted[last],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_samples() {
        let summary = Summary::of(&[4.0, 1.0, 3.0, 2.0]).unwrap();
        let expected = Summary {
            min: 1.0,
            p25: 1.75,
            median: 2.5,
            p75: 3.25,
            max: 4.0,
        };
        assert_eq!(summary, expected);
    }

    #[test]
    fn quartiles_of_five_are_samples() {
        let summary = Summary::of(&[5.0, 3.0, 1.0, 2.0, 4.0]).unwrap();
        let expected = Summary {
            min: 1.0,
            p25: 2.0,
            median: 3.0,
            p75: 4.0,
            max: 5.0,
        };
        assert_eq!(summary, expected);
    }

    #[test]
    fn one_sample_is_all_five() {
        let expected = Summary {
            min: 7.0,
            p25: 7.0,
            median: 7.0,
            p75: 7.0,
            max: 7.0,
        };
        assert_eq!(Summary::of(&[7.0]), Some(expected));
    }

    #[test]
    fn no_sample_has_no_summary() {
        assert_eq!(Summary::of(&[]), None);
    }
}
