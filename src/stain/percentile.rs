//! Percentiles of counted values, exact.

/// A percentile (0–100) of a multiset, by numpy's default rule (`linear`): at rank
/// `(n − 1)·percent/100`, interpolated between the two values around it. `None` for an empty one.
///
/// `values` are sorted here; equal values may stand in it more than once. The answer depends on the
/// multiset alone.
pub fn of_counted(values: &mut [(f64, u64)], percent: f64) -> Option<f64> {
    values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    of_sorted(values, percent)
}

/// As [`of_counted`], of values that are sorted already.
pub fn of_sorted(values: &[(f64, u64)], percent: f64) -> Option<f64> {
    let n = values.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
    let last = n.checked_sub(1)?;
    let rank = last as f64 * (percent / 100.0);
    let below = (rank.floor().max(0.0) as u64).min(last);
    let (a, b) = (at(values, below)?, at(values, (below + 1).min(last))?);
    let part = rank - below as f64;
    // numpy's own way round, so that the last bit is the same.
    let difference = b - a;
    Some(if part >= 0.5 { b - difference * (1.0 - part) } else { a + difference * part })
}

fn at(values: &[(f64, u64)], rank: u64) -> Option<f64> {
    let mut seen = 0_u64;
    for (value, count) in values {
        seen = seen.saturating_add(*count);
        if rank < seen {
            return Some(*value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numpy_linear() {
        // numpy.percentile([1, 2, 2, 2, 7], 90) = 5.0; 99: 6.8; 0: 1; 100: 7; 30: 2.
        let mut values = [(7.0, 1), (2.0, 3), (1.0, 1)];
        for (percent, expected) in [(90.0, 5.0), (99.0, 6.8), (0.0, 1.0), (100.0, 7.0), (30.0, 2.0)]
        {
            let found = of_counted(&mut values, percent).unwrap();
            assert!((found - expected).abs() < 1e-12, "{percent}: {found}");
        }
        assert_eq!(of_counted(&mut [], 50.0), None);
        assert_eq!(of_counted(&mut [(3.0, 1)], 99.0), Some(3.0));
    }
}
