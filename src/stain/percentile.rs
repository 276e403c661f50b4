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
    let place = place(n, percent)?;
    let [a, b] = around(values, place)?;
    Some(between(a, b, place.part))
}

/// Where a percentile stands among sorted values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    /// Ranks (from 0) of the values around it.
    pub(super) below: u64,
    /// The next one, if there is one.
    pub(super) above: u64,
    /// Part of the way from the one to the other, 0–1.
    pub(super) part: f64,
}

/// Where the percentile of `n` values stands; `None` of none.
pub(super) fn place(n: u64, percent: f64) -> Option<Place> {
    let last = n.checked_sub(1)?;
    let rank = last as f64 * (percent.clamp(0.0, 100.0) / 100.0);
    let below = (rank.floor() as u64).min(last);
    Some(Place { below, above: (below + 1).min(last), part: rank - below as f64 })
}

/// The value that stands `part` of the way from `a` to `b`.
pub(super) fn between(a: f64, b: f64, part: f64) -> f64 {
    // numpy's own way round, so that the last bit is the same.
    let difference = b - a;
    if part >= 0.5 { b - difference * (1.0 - part) } else { a + difference * part }
}

/// The values at two ranks.
pub(super) fn around(values: &[(f64, u64)], place: Place) -> Option<[f64; 2]> {
    Some([at(values, place.below)?, at(values, place.above)?])
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

/// A value that is a little nearer the middle than the percentile of all from which these are a sample:
/// four standard deviations of the share of a sample beyond it. `None` when the sample is too small.
pub(super) fn bound(sample: &mut [f64], percent: f64) -> Option<f64> {
    let n = sample.len() as f64;
    let share = if percent > 50.0 { 100.0 - percent } else { percent } / 100.0;
    let wider = share + 2.0 / n + 4.0 * ((share + 1.0 / n) * (1.0 - share) / n).sqrt();
    if !(sample.len() >= 64 && (0.0..0.2).contains(&wider)) {
        return None;
    }
    let rank = (wider * n) as usize;
    let rank = if percent > 50.0 { sample.len().checked_sub(rank + 1)? } else { rank };
    let (_, value, _) = sample.select_nth_unstable_by(rank, f64::total_cmp);
    Some(*value)
}

/// The two values around a place among all, of which `below` are the lowest.
pub(super) fn lowest(below: &mut [f64], place: Place) -> Option<[f64; 2]> {
    let rank = usize::try_from(place.above).ok().filter(|rank| *rank < below.len())?;
    let (before, above, _) = below.select_nth_unstable_by(rank, f64::total_cmp);
    let above = *above;
    if place.below == place.above {
        return Some([above; 2]);
    }
    let under = before.iter().copied().max_by(f64::total_cmp)?;
    Some([under, above])
}

/// The two values around a place among `count`, of which `above` are the highest.
pub(super) fn highest(above: &mut [f64], count: u64, place: Place) -> Option<[f64; 2]> {
    let others = count.checked_sub(above.len() as u64)?;
    let rank = usize::try_from(place.below.checked_sub(others)?).ok()?;
    if rank >= above.len() {
        return None;
    }
    let (_, under, after) = above.select_nth_unstable_by(rank, f64::total_cmp);
    let under = *under;
    if place.below == place.above {
        return Some([under; 2]);
    }
    Some([under, after.iter().copied().min_by(f64::total_cmp)?])
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

    #[test]
    fn values_around_a_place_by_hand() {
        // Of 0, 1, … 99 the 1st percentile lies at rank 0.99, the 99th at 98.01.
        let places = [1.0, 99.0].map(|percent| place(100, percent).unwrap());
        assert_eq!((places[0].below, places[0].above, places[1].below), (0, 1, 98));
        assert_eq!(lowest(&mut [2.0, 0.0, 1.0], places[0]), Some([0.0, 1.0]));
        assert_eq!(lowest(&mut [0.0], places[0]), None);
        assert_eq!(highest(&mut [97.0, 99.0, 98.0], 100, places[1]), Some([98.0, 99.0]));
        assert_eq!(highest(&mut [99.0], 100, places[1]), None);
        assert_eq!(highest(&mut [99.0], 0, places[1]), None);
        let last = place(100, 100.0).unwrap();
        assert_eq!(highest(&mut [99.0], 100, last), Some([99.0; 2]));
        let only = place(1, 1.0).unwrap();
        assert_eq!(lowest(&mut [5.0], only), Some([5.0; 2]));
    }
}
