//! Pixels drawn evenly from more than can be kept: every tissue pixel of a slide with the same chance.

use super::Pool;

/// The finest rate is every pixel, the coarsest one of 2^LEVELS.
const LEVELS: u8 = 24;

/// A sample of tissue pixels that thins itself while it grows.
///
/// Each pixel has a level, drawn from the seed of its image and its rank among that image's tissue
/// pixels: half of them 0, a quarter 1, and so on. A sample keeps the pixels of at least some level, so
/// one in 2^level, and that level depends on how many pixels there are in all, never on the order in
/// which images came: samples of parts add up to the sample of the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// All that was looked at; none of its colours.
    seen: Pool,
    tissue_px: u64,
    /// Levels below this one were dropped.
    least: u8,
    /// Colours by level.
    levels: Vec<Pool>,
}

impl Default for Sample {
    /// Of nothing.
    fn default() -> Self {
        let levels = vec![Pool::default(); usize::from(LEVELS) + 1];
        Self { seen: Pool::default(), tissue_px: 0, least: 0, levels }
    }
}

impl Sample {
    /// Tissue pixels of one image (R, G, B interleaved) of at least level `least`. Tissue has no sample
    /// above `light`. `seed`: the image's own, from its bytes.
    pub fn of_rgb(rgb: &[u8], light: [Option<u8>; 3], seed: u64, least: u8) -> Self {
        let mut sample = Self { seen: Pool::seen(rgb), ..Self::default() };
        let least = least.min(LEVELS);
        sample.least = least;
        let [Some(r), Some(g), Some(b)] = light else { return sample };
        let mut packed = vec![Vec::new(); sample.levels.len()];
        for pixel in rgb.as_chunks::<3>().0 {
            if pixel[0] <= r && pixel[1] <= g && pixel[2] <= b {
                let level = level(seed, sample.tissue_px);
                sample.tissue_px += 1;
                if level >= least
                    && let Some(packed) = packed.get_mut(usize::from(level))
                {
                    packed.push(super::pool::pack(pixel));
                }
            }
        }
        sample.levels = packed.into_iter().map(Pool::of_packed).collect();
        sample
    }

    /// Adds another sample.
    pub fn merge(&mut self, other: &Self) {
        self.seen.merge(&other.seen);
        self.tissue_px = self.tissue_px.saturating_add(other.tissue_px);
        for (mine, theirs) in self.levels.iter_mut().zip(&other.levels) {
            if theirs.counted() > 0 {
                mine.merge(theirs);
            }
        }
        self.drop_below(self.least.max(other.least));
    }

    /// Drops levels as long as `least_px` pixels remain, and says which is now the lowest. Does nothing
    /// to what comes of the whole as long as `least_px` is the same everywhere.
    pub fn thin(&mut self, least_px: u64) -> u8 {
        let mut above = 0_u64;
        let mut lowest = 0;
        for (level, pool) in (0..=LEVELS).zip(&self.levels).rev() {
            above = above.saturating_add(pool.counted());
            if above >= least_px {
                lowest = level;
                break;
            }
        }
        self.drop_below(lowest.max(self.least));
        self.least
    }

    fn drop_below(&mut self, least: u8) {
        self.least = least;
        for pool in self.levels.iter_mut().take(usize::from(least)) {
            *pool = Pool::default();
        }
    }

    /// Tissue pixels that there were.
    pub fn tissue_px(&self) -> u64 {
        self.tissue_px
    }

    /// The pixels as a pool, which also tells of all that was looked at.
    pub fn into_pool(self) -> Pool {
        let mut pool = self.seen;
        for level in self.levels.iter().rev() {
            pool.merge(level);
        }
        pool
    }
}

/// Trailing zeros of a mixed counter (splitmix64, Steele et al. 2014, doi:10.1145/2660193.2660195).
fn level(seed: u64, rank: u64) -> u8 {
    let mut z = seed.wrapping_add(rank.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)).trailing_zeros() as u8).min(LEVELS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIGHT: [Option<u8>; 3] = [Some(205); 3];

    fn image(seed: u64) -> Vec<u8> {
        (0..30_000_u64).map(|n| (n * (seed * 2 + 7) % 251) as u8).collect()
    }

    #[test]
    fn parts_in_any_order_and_thinned_on_the_way_give_the_sample_of_the_whole() {
        let parts: Vec<Sample> =
            (0..9).map(|n| Sample::of_rgb(&image(n), LIGHT, n * 77, 0)).collect();
        for least_px in [1, 500, 5_000, 1_000_000] {
            let mut whole = Sample::default();
            parts.iter().for_each(|part| whole.merge(part));
            whole.thin(least_px);
            let mut other = Sample::default();
            for n in [3, 8, 0, 1, 7, 2, 6, 4, 5] {
                // Who knows already that a level is dropped need not draw it.
                let least = other.thin(least_px);
                other.merge(&Sample::of_rgb(&image(n), LIGHT, n * 77, least));
            }
            other.thin(least_px);
            assert_eq!(whole, other, "{least_px}");
            let (tissue_px, pool) = (whole.tissue_px(), whole.into_pool());
            assert_eq!((pool.images(), pool.pixels()), (9, 90_000));
            let kept = pool.counted();
            assert!(kept >= least_px.min(tissue_px), "{kept} of {tissue_px}");
            assert!(kept <= (3 * least_px).max(40) || kept == tissue_px, "{kept} for {least_px}");
        }
    }

    #[test]
    fn each_image_gives_its_share() {
        // Ten times the tissue is ten times the pixels: small patches do not speak louder.
        let (small, large) = ([10, 20, 30].repeat(2_000), [40, 20, 30].repeat(20_000));
        let mut sample = Sample::of_rgb(&small, LIGHT, 1, 0);
        sample.merge(&Sample::of_rgb(&large, LIGHT, 2, 0));
        sample.thin(1_000);
        let counts: Vec<u64> = sample.into_pool().colours().map(|(_, count)| count).collect();
        let ratio = counts[1] as f64 / counts[0] as f64;
        assert!((8.0..12.5).contains(&ratio), "{counts:?}");
    }
}
