//! Otsu's threshold on a histogram of 256 values.

use super::params::Channel;
use super::pixels;
use crate::image::Image;

/// How often each value 0–255 occurs.
pub type Histogram = [u64; 256];

/// One value per pixel of an 8-bit image of 1 or 3 channels: what the mask looks at.
pub fn values(image: &Image, channel: Channel) -> Vec<u8> {
    let data = image.as_u8().unwrap_or_default();
    match (image.channels(), channel) {
        (3, Channel::Saturation) => {
            data.chunks_exact(3).map(|p| pixels::saturation(p[0], p[1], p[2])).collect()
        }
        (3, Channel::Luminance) => {
            data.chunks_exact(3).map(|p| pixels::luminance(p[0], p[1], p[2])).collect()
        }
        (_, Channel::Saturation) => vec![0; data.len()],
        (_, Channel::Luminance) => data.to_vec(),
    }
}

/// Counts values.
pub fn histogram(values: &[u8]) -> Histogram {
    let mut histogram = [0; 256];
    for &value in values {
        histogram[usize::from(value)] += 1;
    }
    histogram
}

/// A histogram cut in two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// The lower class holds the values up to and including this one.
    pub threshold: u8,
    /// Mean of the lower class, rounded down.
    pub lower_mean: u8,
    /// Mean of the upper class, rounded down.
    pub upper_mean: u8,
}

/// Otsu's threshold: the `t` for which the variance between the values up to `t` and the others is
/// largest; the lowest of several. `None` when all values are the same.
///
/// The variance is `(N·S0 − N0·S)² / (N0·N1)` but for a constant factor, `N` counts and `S` sums: the
/// numerator's root is an exact integer, and only its square and the quotient are rounded.
pub fn split(histogram: &Histogram) -> Option<Split> {
    let total: u64 = histogram.iter().sum();
    let sum: u64 = histogram.iter().zip(0_u64..).map(|(n, v)| n * v).sum();
    let (mut count, mut below) = (0_u64, 0_u64);
    let mut best: Option<(f64, Split)> = None;
    for (threshold, &n) in (0_u8..=255).zip(histogram) {
        count += n;
        below += n * u64::from(threshold);
        let above = total - count;
        if count == 0 || above == 0 {
            continue;
        }
        let root = i128::from(total) * i128::from(below) - i128::from(count) * i128::from(sum);
        let root = root as f64;
        let variance = root * root / (count as f64 * above as f64);
        if best.is_none_or(|(most, _)| variance > most) {
            let lower_mean = (below / count) as u8;
            let upper_mean = ((sum - below) / above) as u8;
            best = Some((variance, Split { threshold, lower_mean, upper_mean }));
        }
    }
    best.map(|(_, split)| split)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(u8, u64)]) -> Option<Split> {
        let mut histogram = [0; 256];
        for (value, n) in pairs {
            histogram[usize::from(*value)] += n;
        }
        split(&histogram)
    }

    #[test]
    fn by_hand() {
        // Two values: any t in 10..200 splits them; the lowest is taken.
        let expected = Split { threshold: 10, lower_mean: 10, upper_mean: 200 };
        assert_eq!(of(&[(10, 5), (200, 5)]), Some(expected));
        // 0 0 1 5 6: N = 5, S = 12. t=0: (5·0 − 2·12)²/(2·3) = 96; t=1: (5·1 − 3·12)²/(3·2) = 160.2;
        // t=5: (5·6 − 4·12)²/(4·1) = 81. Classes {0, 0, 1} and {5, 6}.
        let expected = Split { threshold: 1, lower_mean: 0, upper_mean: 5 };
        assert_eq!(of(&[(0, 2), (1, 1), (5, 1), (6, 1)]), Some(expected));
        // Symmetric: 0 5 10 is cut below or above 5 with the same variance; the lower cut is taken.
        let expected = Split { threshold: 0, lower_mean: 0, upper_mean: 7 };
        assert_eq!(of(&[(0, 1), (5, 1), (10, 1)]), Some(expected));
    }

    #[test]
    fn nothing_to_split() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(77, 1_000)]), None);
    }

    #[test]
    fn the_values_that_a_mask_looks_at() {
        let image = Image::from_u8(2, 1, 3, vec![200, 100, 150, 10, 10, 10]).unwrap();
        assert_eq!(values(&image, Channel::Saturation), [128, 0]);
        assert_eq!(values(&image, Channel::Luminance), [136, 10]);
        let grey = Image::from_u8(2, 1, 1, vec![3, 4]).unwrap();
        assert_eq!(values(&grey, Channel::Luminance), [3, 4]);
        assert_eq!(histogram(&[1, 3, 3])[..4], [0, 1, 0, 2]);
    }
}
