//! Histogram matching.

use super::Counts;
use crate::pixels::table::Table;

/// Table that brings samples counted in `counts` to the distribution of `reference`: each level goes
/// to the level of the reference at the same quantile, in a straight line between the levels that the
/// reference has, rounded. As scikit-image's `match_histograms`, whose result is a float: this is the
/// same number, rounded. No change where either is empty.
pub fn match_to(counts: &Counts, reference: &Counts) -> Table {
    let total = |counts: &Counts| counts.iter().map(|n| u64::from(*n)).sum::<u64>();
    let (all, all_reference) = (total(counts), total(reference));
    if all == 0 || all_reference == 0 {
        return Table::identity();
    }
    // Quantile and level of each level that the reference has.
    let mut sum = 0_u64;
    let present = reference.iter().enumerate().filter(|(_, n)| **n > 0);
    let points: Vec<(f64, f64)> = present
        .map(|(level, n)| {
            sum += u64::from(*n);
            (sum as f64 / all_reference as f64, level as f64)
        })
        .collect();
    let mut seen = 0_u64;
    let mut next = 0;
    Table::from_levels(|level| {
        seen += u64::from(counts[level as usize]);
        let quantile = seen as f64 / all as f64;
        while points.get(next).is_some_and(|(q, _)| *q < quantile) {
            next += 1;
        }
        match (next.checked_sub(1).and_then(|at| points.get(at)), points.get(next)) {
            (Some((q0, low)), Some((q1, high))) => {
                low + (high - low) * ((quantile - q0) / (q1 - q0))
            }
            (None, Some((_, only))) | (Some((_, only)), None) => *only,
            (None, None) => level,
        }
    })
}
