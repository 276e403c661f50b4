//! Mean and covariance of densities, from integers.

use super::OdScale;

/// Fixed point of a density: 2⁻²⁴, a hundred-thousandth of the step between two samples.
const ONE: f64 = (1 << 24) as f64;

/// Densities beyond this are taken for this; real ones end at ln 512 = 6.24.
const MOST: f64 = 8.0;

/// Pixels that [`Sums::add_tissue`] adds before the sums are carried over into wide ones:
/// 256 · (8 · 2²⁴)² = 2⁶², within `i64`.
const BLOCK: usize = 256;

/// Densities in fixed point, by channel and sample. Samples brighter than tissue are negative.
#[derive(Debug, Clone)]
pub(super) struct FixedDensities([[i64; 256]; 3]);

impl FixedDensities {
    /// `light`: the brightest sample of tissue in each channel ([`OdScale::darkest_light`]).
    pub(super) fn new(scale: &OdScale, light: [Option<u8>; 3]) -> Self {
        let mut fixed = [[i64::MIN; 256]; 3];
        let table = scale.table();
        for ((fixed, table), light) in fixed.iter_mut().zip(&table).zip(light) {
            let samples = light.map_or(0, |light| usize::from(light) + 1);
            for (fixed, density) in fixed.iter_mut().zip(table).take(samples) {
                // Tissue is at least of no density: its sign says that it is none.
                *fixed = (density.clamp(0.0, MOST) * ONE + 0.5).floor() as i64;
            }
        }
        Self(fixed)
    }

    fn of(&self, colour: &[u8; 3]) -> [i64; 3] {
        let [r, g, b] = &self.0;
        [r[usize::from(colour[0])], g[usize::from(colour[1])], b[usize::from(colour[2])]]
    }
}

/// Sums over tissue, exact, so that no order of pixels and no parts of an image are another sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sums {
    /// Tissue pixels.
    pub(super) count: u64,
    first: [i128; 3],
    /// Products of channels: rr, rg, rb, gg, gb, bb.
    second: [i128; 6],
}

impl Sums {
    /// Adds a colour that `count` pixels have, if it is tissue.
    pub(super) fn add_colour(&mut self, densities: &FixedDensities, colour: &[u8; 3], count: u64) {
        let [r, g, b] = densities.of(colour);
        if r | g | b < 0 {
            return;
        }
        self.count = self.count.saturating_add(count);
        for (sum, value) in self.first.iter_mut().zip([r, g, b]) {
            *sum += i128::from(value) * i128::from(count);
        }
        for (sum, value) in self.second.iter_mut().zip([r * r, r * g, r * b, g * g, g * b, b * b]) {
            *sum += i128::from(value) * i128::from(count);
        }
    }

    /// Adds the tissue among pixels (R, G, B interleaved), without a branch per pixel.
    pub(super) fn add_tissue(&mut self, densities: &FixedDensities, pixels: &[[u8; 3]]) {
        for block in pixels.chunks(BLOCK) {
            let (mut others, mut first, mut second) = (0_i64, [0_i64; 3], [0_i64; 6]);
            for pixel in block {
                let [r, g, b] = densities.of(pixel);
                // All ones where one of them is not tissue.
                let none = (r | g | b) >> 63;
                let [r, g, b] = [r & !none, g & !none, b & !none];
                others = others.wrapping_add(none);
                for (sum, value) in first.iter_mut().zip([r, g, b]) {
                    *sum = sum.wrapping_add(value);
                }
                let products = [(r, r), (r, g), (r, b), (g, g), (g, b), (b, b)];
                for (sum, (x, y)) in second.iter_mut().zip(products) {
                    *sum = sum.wrapping_add(x.wrapping_mul(y));
                }
            }
            self.count += block.len() as u64 - others.unsigned_abs();
            for (sum, part) in self.first.iter_mut().zip(first) {
                *sum += i128::from(part);
            }
            for (sum, part) in self.second.iter_mut().zip(second) {
                *sum += i128::from(part);
            }
        }
    }

    /// Mean density of each channel; `None` of nothing.
    pub(super) fn mean(&self) -> Option<[f64; 3]> {
        let count = (self.count > 0).then_some(self.count as f64)?;
        Some(self.first.map(|sum| sum as f64 / count / ONE))
    }

    /// Covariance over N − 1; `None` of fewer than two pixels.
    ///
    /// Centred in integers at the whole part of the mean, so that one colour has exactly none.
    pub(super) fn covariance(&self) -> Option<[[f64; 3]; 3]> {
        let (count, less) = (i128::from(self.count), self.count.checked_sub(1).filter(|n| *n > 0)?);
        let centre = self.first.map(|sum| sum / count);
        let rest = self.first.map(|sum| (sum % count) as f64);
        let entry = |place: usize, x: usize, y: usize| {
            let [cx, cy] = [centre[x], centre[y]];
            let about =
                self.second[place] - cx * self.first[y] - cy * self.first[x] + count * cx * cy;
            (about as f64 - rest[x] * rest[y] / self.count as f64) / less as f64 / (ONE * ONE)
        };
        let (rr, rg, rb) = (entry(0, 0, 0), entry(1, 0, 1), entry(2, 0, 2));
        let (gg, gb, bb) = (entry(3, 1, 1), entry(4, 1, 2), entry(5, 2, 2));
        Some([[rr, rg, rb], [rg, gg, gb], [rb, gb, bb]])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn densities() -> FixedDensities {
        let scale = OdScale::torchstain([240.0; 3]);
        FixedDensities::new(&scale, scale.darkest_light(0.15))
    }

    proptest! {
        #[test]
        fn pixels_and_counted_colours_are_one_sum_and_the_textbooks(
            pixels in prop::collection::vec(prop::array::uniform3(0_u8..=255), 1..700),
        ) {
            let (densities, mut sums, mut counted) = (densities(), Sums::default(), Sums::default());
            sums.add_tissue(&densities, &pixels);
            for pixel in pixels.iter().rev() {
                counted.add_colour(&densities, pixel, 1);
            }
            prop_assert_eq!(sums, counted);
            let scale = OdScale::torchstain([240.0; 3]);
            let tissue: Vec<[f64; 3]> = pixels
                .iter()
                .filter(|p| p.iter().all(|s| *s <= 205))
                .map(|p| [0, 1, 2].map(|c| scale.density(c, p[c])))
                .collect();
            prop_assert_eq!(sums.count, tissue.len() as u64);
            let n = tissue.len() as f64;
            if let (Some(mean), Some(covariance)) = (sums.mean(), sums.covariance()) {
                for x in 0..3 {
                    let textbook = tissue.iter().map(|od| od[x]).sum::<f64>() / n;
                    prop_assert!((mean[x] - textbook).abs() < 1e-7);
                    for y in 0..3 {
                        let textbook = tissue
                            .iter()
                            .map(|od| (od[x] - mean[x]) * (od[y] - mean[y]))
                            .sum::<f64>() / (n - 1.0);
                        prop_assert!((covariance[x][y] - textbook).abs() < 1e-6);
                    }
                }
            }
        }
    }

    #[test]
    fn one_colour_has_no_covariance() {
        let (densities, mut sums) = (densities(), Sums::default());
        sums.add_tissue(&densities, &[[0, 3, 201]; 1000]);
        sums.add_colour(&densities, &[0, 3, 201], 1 << 50);
        sums.add_colour(&densities, &[0, 3, 206], 1 << 50);
        assert_eq!(sums.count, 1000 + (1 << 50));
        assert_eq!(sums.covariance(), Some([[0.0; 3]; 3]));
        assert_eq!(Sums::default().mean(), None);
        sums = Sums::default();
        sums.add_colour(&densities, &[1, 1, 1], 1);
        assert_eq!(sums.covariance(), None);
    }
}
