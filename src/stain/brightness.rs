//! Brightness, standardised: the brightest tenth of an image made white. A switch of its own, as in old
//! StainTools and in slideflow: `clip(sample·255/p, 0, 255)`, truncated, where `p` is a percentile of
//! all samples of the image, its three channels together.

use super::factors::whole_pixels;
use super::{Pool, percentile};
use crate::error::Result;

/// The percentile of both.
pub const PERCENT: f64 = 90.0;

/// A new sample for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brightness {
    table: [u8; 256],
}

impl Brightness {
    /// For an image (R, G, B interleaved). `percent`: 0–100.
    pub fn of_rgb(rgb: &[u8], percent: f64) -> Self {
        // Four counts side by side: equal neighbours, as in background, do not wait for each other.
        let mut counts = [[0_u64; 256]; 4];
        let (fours, rest) = rgb.as_chunks::<4>();
        for four in fours {
            for (counts, sample) in counts.iter_mut().zip(four) {
                counts[usize::from(*sample)] += 1;
            }
        }
        for sample in rest {
            counts[0][usize::from(*sample)] += 1;
        }
        Self::of_counts(&counts, percent)
    }

    /// For all pixels that a pool looked at: a slide's, a cohort's.
    pub fn of_pool(pool: &Pool, percent: f64) -> Self {
        Self::of_counts(pool.channels(), percent)
    }

    /// Where the percentile is 0, or there are no samples, all stay as they are.
    fn of_counts(counts: &[[u64; 256]], percent: f64) -> Self {
        let values: Vec<(f64, u64)> = (0..256)
            .map(|v| (v as f64, counts.iter().fold(0_u64, |sum, c| sum.saturating_add(c[v]))))
            .collect();
        let white = percentile::of_sorted(&values, percent).filter(|white| *white > 0.0);
        let mut table = [0; 256];
        for (sample, new) in (0..=255_u8).zip(&mut table) {
            // A cast of a float to a byte is the clipping and the truncation in one.
            *new = white.map_or(sample, |white| (f64::from(sample) * 255.0 / white) as u8);
        }
        Self { table }
    }

    /// New samples into `out`.
    ///
    /// # Errors
    /// [`crate::Error::Bug`] when the two are not of one length, or not of whole pixels.
    pub fn apply(&self, rgb: &[u8], out: &mut [u8]) -> Result<()> {
        whole_pixels(rgb, out)?;
        for (sample, out) in rgb.iter().zip(out) {
            *out = self.table[usize::from(*sample)];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // numpy.percentile([10, 20, 30, 40, 50, 200], 90) is 125: 10 -> 20.4, 50 -> 102, 200 -> 408.
        let rgb = [10, 20, 30, 40, 50, 200];
        let mut out = [0; 6];
        Brightness::of_rgb(&rgb, PERCENT).apply(&rgb, &mut out).unwrap();
        assert_eq!(out, [20, 40, 61, 81, 102, 255]);
        assert_eq!(
            Brightness::of_rgb(&rgb, PERCENT),
            Brightness::of_pool(&Pool::of_rgb(&rgb), PERCENT)
        );
    }

    #[test]
    fn black_and_nothing_stay() {
        for rgb in [&[0_u8; 30][..], &[]] {
            let brightness = Brightness::of_rgb(rgb, PERCENT);
            assert!(brightness.table.iter().zip(0..=255).all(|(new, old)| *new == old));
        }
    }
}
