//! Moments of CIELAB, from integers.
//!
//! Each pixel becomes three integers: the curve's value of Y, and how far those of X and Z are from it.
//! Their sums and those of their squares are exact, so that neither the order of pixels nor how they
//! are held (bytes, or counted colours) is another sum. The curve itself is `f32`, of `+ − × /` in one
//! order: the same on every machine.

use std::sync::LazyLock;

use wide::bytemuck::cast;
use wide::{f32x4, f64x4, i32x4};

use super::factors::sums;
use super::profile::Moments;
use super::{Pool, lab};

/// For each input channel and sample its part of X, Y, Z, each over that of white; the fourth is 0.
pub(super) type Light = [[f32x4; 256]; 3];

/// What light samples are, made once.
pub(super) fn light() -> &'static Light {
    static LIGHT: LazyLock<Box<Light>> = LazyLock::new(|| {
        let mut tables = Box::new([[f32x4::ZERO; 256]; 3]);
        for (k, table) in tables.iter_mut().enumerate() {
            for (sample, entry) in (0..=255).zip(table.iter_mut()) {
                let light = lab::light(sample);
                let part = |row: usize| (lab::RGB_TO_XYZ[row][k] * light / lab::WHITE[row]) as f32;
                *entry = f32x4::from([part(0), part(1), part(2), 0.0]);
            }
        }
        tables
    });
    &LIGHT
}

/// The curve of CIELAB of X, Y and Z. Where nothing is dark, as in most of any image, there is no
/// straight line to be drawn: the same bits with fewer steps.
#[inline(always)]
pub(super) fn curves(parts: [f32x4; 3]) -> [f32x4; 3] {
    let [x, y, z] = parts;
    let least = x.fast_min(y).fast_min(z);
    if least.simd_le(f32x4::splat(lab::DARK as f32)).any() {
        return parts.map(curve);
    }
    parts.map(cube_root)
}

#[inline(always)]
fn curve(part: f32x4) -> f32x4 {
    let dark = part.simd_le(f32x4::splat(lab::DARK as f32));
    let line = part * lab::SLOPE as f32 + lab::OFFSET as f32;
    dark.select(line, cube_root(part.fast_max(f32x4::splat(lab::DARK as f32))))
}

/// Cube root of a positive normal number. One over it is guessed from its bits (within 4 %), brought
/// to 2e-5 by three terms of a series, and the root itself brought to the last bits by Newton's step.
#[inline(always)]
fn cube_root(t: f32x4) -> f32x4 {
    let bits = f32x4::from_i32x4(cast::<f32x4, i32x4>(t));
    // The exponent is divided by −3 where it stands; the constant is that of the least error.
    let guess = (bits * (-1.0_f32 / 3.0) + 1_419_898_304.0).fast_trunc_int();
    let r = cast::<i32x4, f32x4>(guess);
    let h = f32x4::splat(1.0) - t * r * (r * r);
    let series = (h * (14.0_f32 / 81.0) + 2.0_f32 / 9.0) * h + 1.0_f32 / 3.0;
    let r = r + r * (h * series);
    let square = r * r;
    let root = t * square;
    root - (root * root * root - t) * (square * (1.0_f32 / 3.0))
}

/// What is added so that the sum's last bits are an integer: 1.5·2²³ units. A unit is 2⁻²¹ for Y's
/// value, 2⁻²³ for its distance to X's and 2⁻²² to Z's: each about 5·10⁻⁵ of L*, a* or b*. In these units
/// no pixel of sRGB is beyond 2²², and the bits hold as much.
const ANCHORS: [f32; 3] = [6.0, 1.5, 3.0];

/// L*, a*, b* (without the 16 that L* is short of) of one unit.
const UNITS: [f64; 3] = [116.0 / 2_097_152.0, 500.0 / 8_388_608.0, 200.0 / 4_194_304.0];

/// Pixels whose sums a lane of `f64` holds exactly: 2⁴⁴ · 2⁹ = 2⁵³. Blocks are four times as many.
const LANE: usize = 512;

/// The integers of four pixels, from their X, Y, Z over those of white.
#[inline(always)]
fn fixed(parts: [f32x4; 3]) -> [i32x4; 3] {
    let [x, y, z] = curves(parts);
    let units = |value: f32x4, anchor: f32| -> i32x4 {
        cast::<f32x4, i32x4>(value + anchor) - i32x4::splat(anchor.to_bits() as i32)
    };
    [units(y, ANCHORS[0]), units(x - y, ANCHORS[1]), units(y - z, ANCHORS[2])]
}

/// Sums over pixels, exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct LabSums {
    count: u64,
    first: [i128; 3],
    second: [i128; 3],
}

impl LabSums {
    /// Adds pixels; gives how many of them are tissue: no sample above `brightest`, per channel.
    pub(super) fn add_pixels(&mut self, pixels: &[[u8; 3]], brightest: [Option<u8>; 3]) -> u64 {
        // The fourth lane counts the samples that are too bright.
        let mut tables = *light();
        for (table, brightest) in tables.iter_mut().zip(brightest) {
            for entry in table.iter_mut().skip(brightest.map_or(0, |b| usize::from(b) + 1)) {
                *entry += f32x4::from([0.0, 0.0, 0.0, 1.0]);
            }
        }
        let mut bright = 0_u64;
        let (blocks, rest) = pixels.as_flattened().as_chunks::<12>();
        for blocks in blocks.chunks(LANE) {
            let mut others = i32x4::ZERO;
            let (mut first, mut second) = ([f64x4::ZERO; 3], [f64x4::ZERO; 3]);
            for block in blocks {
                let [x, y, z, too_bright] = sums(&tables, block);
                // All ones, −1, where there is one.
                others -= cast::<f32x4, i32x4>(too_bright.simd_gt(f32x4::ZERO));
                let values = fixed([x, y, z]);
                for ((first, second), value) in first.iter_mut().zip(&mut second).zip(values) {
                    let value = f64x4::from_i32x4(value);
                    *first += value;
                    *second += value * value;
                }
            }
            let whole =
                |lanes: f64x4| lanes.to_array().iter().map(|sum| *sum as i128).sum::<i128>();
            for c in 0..3 {
                self.first[c] += whole(first[c]);
                self.second[c] += whole(second[c]);
            }
            bright +=
                others.to_array().iter().map(|lane| u64::from(lane.unsigned_abs())).sum::<u64>();
        }
        for pixel in rest.as_chunks::<3>().0 {
            self.add_colours(&[(*pixel, 1)]);
            let within = pixel.iter().zip(brightest).all(|(sample, most)| Some(*sample) <= most);
            bright += u64::from(!within);
        }
        self.count += (blocks.len() * 4) as u64;
        pixels.len() as u64 - bright
    }

    /// Adds up to four colours, and how many pixels have each: the sum of all counts is to stay
    /// below 2⁶³.
    fn add_colours(&mut self, colours: &[([u8; 3], u64)]) {
        let mut block = [[0; 3]; 4];
        block.iter_mut().zip(colours).for_each(|(pixel, (colour, _))| *pixel = *colour);
        let mut bytes = [0; 12];
        bytes.copy_from_slice(block.as_flattened());
        let [x, y, z, _] = sums(light(), &bytes);
        let values = fixed([x, y, z]).map(i32x4::to_array);
        for (lane, (_, count)) in colours.iter().enumerate().take(4) {
            self.count += count;
            for (c, lanes) in values.iter().enumerate() {
                let (value, count) = (i128::from(lanes[lane]), i128::from(*count));
                self.first[c] += value * count;
                self.second[c] += value * value * count;
            }
        }
    }

    /// Mean and standard deviation; `None` of nothing.
    ///
    /// Centred in integers at the whole part of the mean, so that one colour deviates by exactly 0.
    pub(super) fn moments(&self) -> Option<Moments> {
        let (count, n) = (i128::from(self.count), self.count as f64);
        if count == 0 {
            return None;
        }
        let mean = [0, 1, 2].map(|c| self.first[c] as f64 / n * UNITS[c]);
        let std = [0, 1, 2].map(|c| {
            let (centre, rest) = (self.first[c] / count, (self.first[c] % count) as f64);
            let about = self.second[c] - 2 * centre * self.first[c] + count * centre * centre;
            ((about as f64 - rest * rest / n) / n).max(0.0).sqrt() * UNITS[c]
        });
        Some(Moments { mean: [mean[0] - 16.0, mean[1], mean[2]], std })
    }
}

/// Mean and standard deviation (over N) of L*, a*, b* over all counted colours. `None` for an empty
/// pool, and for one of 2⁶³ pixels and more, which no images have.
pub fn moments(pool: &Pool) -> Option<Moments> {
    if pool.counted() > i64::MAX as u64 {
        return None;
    }
    let mut sums = LabSums::default();
    let mut colours = pool.colours();
    loop {
        let four: [Option<([u8; 3], u64)>; 4] = [(); 4].map(|()| colours.next());
        let mut found = [([0; 3], 0); 4];
        found.iter_mut().zip(four.iter().flatten()).for_each(|(found, colour)| *found = *colour);
        sums.add_colours(&found);
        if four[3].is_none() {
            return sums.moments();
        }
    }
}

/// [`moments`] of all pixels of one image (R, G, B interleaved; an incomplete last pixel is left out),
/// to the last bit, without counting colours. `None` where there is no pixel.
pub fn moments_of_rgb(rgb: &[u8]) -> Option<Moments> {
    let mut sums = LabSums::default();
    sums.add_pixels(rgb.as_chunks::<3>().0, [None; 3]);
    sums.moments()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cube_roots_are_right_to_two_units_in_the_last_place() {
        let mut worst = 0.0_f64;
        for step in 0..2_200_000_u32 {
            let t = f32::from_bits(0x3C11_0000 + step * 28);
            let found = f64::from(cube_root(f32x4::splat(t)).to_array()[1]);
            worst = worst.max((found / libm::cbrt(f64::from(t)) - 1.0).abs());
        }
        assert!(worst < f64::from(f32::EPSILON), "{worst:e}");
    }

    /// Every third sample of each channel, and the corners: no integer leaves its range, and each is
    /// the colour that the definition gives.
    #[test]
    fn integers_are_cielab() {
        let mut worst = [0.0_f64; 3];
        let all = || (0..=255_u8).step_by(3);
        for (r, g, b) in all().flat_map(|r| all().flat_map(move |g| all().map(move |b| (r, g, b))))
        {
            let mut sums = LabSums::default();
            sums.add_colours(&[([r, g, b], 1)]);
            assert!(sums.first.iter().all(|value| value.abs() < 1 << 22), "{r} {g} {b}");
            let found = sums.moments().unwrap();
            assert_eq!(found.std, [0.0; 3]);
            for (c, exact) in lab::of_rgb([r, g, b]).into_iter().enumerate() {
                worst[c] = worst[c].max((found.mean[c] - exact).abs());
            }
        }
        assert!(worst.iter().all(|off| *off < 2e-4), "{worst:?}");
    }

    #[test]
    fn a_great_many_pixels_do_not_overflow() {
        let pool = Pool::from_bytes(&{
            let mut bytes = Pool::of_rgb(&[]).to_bytes();
            // Two colours instead of none: black, and white after it.
            bytes.pop();
            let count = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x3F];
            [&bytes[..], &[2, 0], &count, &[0xFF, 0xFF, 0xFF, 0x07], &count].concat()
        })
        .unwrap();
        assert_eq!(pool.counted(), (1 << 63) - 2);
        let found = moments(&pool).unwrap();
        assert!((found.mean[0] - 50.0).abs() < 1e-3 && (found.std[0] - 50.0).abs() < 1e-3);
        let mut twice = pool.clone();
        twice.merge(&pool);
        assert_eq!(moments(&twice), None);
        assert_eq!(moments(&Pool::default()), None);
    }

    proptest! {
        #[test]
        fn bytes_and_counted_colours_are_one_sum_and_the_textbooks(
            mut pixels in prop::collection::vec(prop::array::uniform3(0_u8..=255), 1..5000),
            brightest in prop::array::uniform3(prop::option::weighted(0.9, 100_u8..=255)),
        ) {
            let mut sums = LabSums::default();
            let tissue = sums.add_pixels(&pixels, brightest);
            let is_tissue = |p: &&[u8; 3]| p.iter().zip(brightest).all(|(s, b)| Some(*s) <= b);
            prop_assert_eq!(tissue, pixels.iter().filter(is_tissue).count() as u64);
            let found = sums.moments().unwrap();
            prop_assert_eq!(moments(&Pool::of_rgb(pixels.as_flattened())), Some(found));
            pixels.reverse();
            prop_assert_eq!(moments_of_rgb(pixels.as_flattened()), Some(found));
            let lab: Vec<[f64; 3]> = pixels.iter().map(|pixel| lab::of_rgb(*pixel)).collect();
            let n = lab.len() as f64;
            for c in 0..3 {
                let mean = lab.iter().map(|lab| lab[c]).sum::<f64>() / n;
                let variance = lab.iter().map(|lab| (lab[c] - mean).powi(2)).sum::<f64>() / n;
                prop_assert!((found.mean[c] - mean).abs() < 2e-4);
                prop_assert!((found.std[c] - variance.sqrt()).abs() < 4e-4);
            }
        }
    }
}
