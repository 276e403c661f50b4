//! Reinhard 2001: mean and standard deviation of L*, a*, b* brought to those of a target; and Roy's
//! modification of 2021. As torchstain defines both: float CIELAB ([`lab`]), moments over all pixels
//! and over N.

use std::sync::LazyLock;

use wide::bytemuck::cast;
use wide::{f32x4, i32x4};

use super::factors::{by_four, interleave, sums, whole_pixels};
use super::lab;
use super::moments::{Light, curves, light};
pub use super::moments::{moments, moments_of_rgb};
use super::normalizer::Cast;
use super::profile::{Method, Moments};
use super::vectors::inverse_transposed;
use crate::error::Result;

/// A channel whose standard deviation is below this is flat, and is moved but not stretched. A
/// hundredth of a CIELAB unit is far below what 8 bits can show; what is left in such a channel is the
/// rounding of greys, and torchstain blows it up to the target's contrast (or divides 0 by 0).
const FLAT: f64 = 0.01;

/// A map between two pairs of moments.
///
/// No profile that passes its check gives a NaN: deviations of at most 1000 over at least 0.01 make
/// factors of at most 1e5, means of at most 1000 offsets below 2e6; the third power of their sum is below
/// 1e21, and `f32` ends at 1e38.
#[derive(Debug, Clone)]
pub struct Reinhard {
    tables: &'static Light,
    /// What L*, a*, b* are multiplied by.
    factors: [f32; 3],
    /// What is then added, in units of the curve's values.
    offsets: [f32; 3],
    /// Linear RGB from X, Y, Z, each over that of white.
    to_rgb: [[f32; 3]; 3],
    truncate: &'static Samples,
    round: &'static Samples,
}

impl Reinhard {
    /// `method` says which of the two; anything but [`Method::ReinhardModified`] is Reinhard's own.
    pub fn new(method: Method, source: &Moments, target: &Moments) -> Self {
        let (factors, offsets) = if method == Method::ReinhardModified {
            // Roy: the contrast of the lightness grows by a share, and never by less than 5 %.
            let share = (target.std[0] - source.std[0]) / target.std[0];
            let share = if share > 0.0 { share } else { 0.05 };
            ([1.0 + share, 1.0, 1.0], [source.mean[0], target.mean[1], target.mean[2]])
        } else {
            let factor = |c: usize| {
                if source.std[c] < FLAT { 1.0 } else { target.std[c] / source.std[c] }
            };
            ([factor(0), factor(1), factor(2)], target.mean)
        };
        let shift = |c: usize| offsets[c] - factors[c] * source.mean[c];
        // The inverse of a constant matrix: it is there. Linear RGB is its rows times XYZ.
        let columns = inverse_transposed(&lab::RGB_TO_XYZ).unwrap_or_default();
        let to_rgb = |row: usize, k: usize| (columns[k][row] * lab::WHITE[k]) as f32;
        Self {
            tables: light(),
            factors: factors.map(|f| f as f32),
            offsets: [
                ((16.0 - 16.0 * factors[0] + shift(0)) / 116.0) as f32,
                (shift(1) / 500.0) as f32,
                (shift(2) / 200.0) as f32,
            ],
            to_rgb: [0, 1, 2].map(|row| [to_rgb(row, 0), to_rgb(row, 1), to_rgb(row, 2)]),
            truncate: &TRUNCATE,
            round: &ROUND,
        }
    }

    /// Maps pixels (R, G, B interleaved) into `out`.
    ///
    /// # Errors
    /// [`crate::Error::Bug`] when the two are not of one length, or not of whole pixels.
    pub fn apply(&self, rgb: &[u8], out: &mut [u8], cast: Cast) -> Result<()> {
        whole_pixels(rgb, out)?;
        let samples = match cast {
            Cast::Truncate => self.truncate,
            Cast::Round => self.round,
        };
        by_four(rgb, out, |block| self.four(block, samples));
        Ok(())
    }

    #[inline(always)]
    fn four(&self, block: &[u8; 12], samples: &Samples) -> [u8; 12] {
        let [x, y, z, _] = sums(self.tables, block);
        let [x, y, z] = curves([x, y, z]);
        let new_y = y * self.factors[0] + self.offsets[0];
        let new_x = new_y + ((x - y) * self.factors[1] + self.offsets[1]);
        let new_z = new_y - ((y - z) * self.factors[2] + self.offsets[2]);
        let [x, y, z] = uncurves([new_x, new_y, new_z]);
        interleave(self.to_rgb.map(|row| samples.of(x * row[0] + y * row[1] + z * row[2])))
    }
}

/// The way back, as [`curves`].
#[inline(always)]
fn uncurves(values: [f32x4; 3]) -> [f32x4; 3] {
    let [x, y, z] = values;
    let least = x.fast_min(y).fast_min(z);
    if least.simd_gt(f32x4::splat(lab::DARK_BACK as f32)).all() {
        return values.map(|value| value * value * value);
    }
    values.map(uncurve)
}

#[inline(always)]
fn uncurve(value: f32x4) -> f32x4 {
    let bright = value.simd_gt(f32x4::splat(lab::DARK_BACK as f32));
    let line = (value - lab::OFFSET as f32) * (1.0 / lab::SLOPE) as f32;
    bright.select(value * value * value, line)
}

/// From light to samples: sRGB's curve, the clipping and the cast in one, exactly. The sample is the
/// number of thresholds that the light reaches. Lights whose bits differ in the lower 16 only share an
/// entry, and there is one threshold among them at most: they are apart by 1/128 of themselves, the
/// thresholds by 1/112 and more. An entry holds the thresholds before it, times 2¹⁶, and what is to
/// be added to the lower bits so that they overflow at the threshold: one addition counts them all.
#[derive(Debug, Clone)]
struct Samples {
    /// From [`LEAST`] to 1; the rest is never read, but makes the index's range that of its bits.
    entries: Box<[i32; 2048]>,
}

/// Light that makes a 0 whatever the cast: 2⁻¹³. Less is taken for as much.
const LEAST: f32 = 1.0 / 8192.0;

/// Made once: to make them takes as long as to change a small image.
static TRUNCATE: LazyLock<Samples> = LazyLock::new(|| Samples::new(0.0));
static ROUND: LazyLock<Samples> = LazyLock::new(|| Samples::new(0.5));

impl Samples {
    /// `half`: 0 to truncate, 0.5 to round.
    fn new(half: f64) -> Self {
        let thresholds = [(); 255].map({
            let mut sample = 0.0;
            move |()| {
                sample += 1.0;
                let exact = lab::least_light((sample - half) / 255.0);
                // The least `f32` that reaches it, so that the comparison is that of exact numbers.
                let near = exact as f32;
                if f64::from(near) < exact { near.next_up().to_bits() } else { near.to_bits() }
            }
        });
        let mut entries = Box::new([255 << 16; 2048]);
        let buckets = (LEAST.to_bits() >> 16)..=(1.0_f32.to_bits() >> 16);
        for (entry, bucket) in entries.iter_mut().zip(buckets) {
            let reached = thresholds.iter().filter(|t| **t <= bucket << 16).count() as i32;
            let within = thresholds.iter().find(|t| **t > bucket << 16 && **t >> 16 == bucket);
            let overflow = within.map_or(0, |t| 0x1_0000 - (t & 0xFFFF) as i32);
            *entry = (reached << 16) + overflow;
        }
        Self { entries }
    }

    #[inline(always)]
    fn of(&self, light: f32x4) -> i32x4 {
        let light = light.fast_max(f32x4::splat(LEAST)).fast_min(f32x4::splat(1.0));
        let bits = cast::<f32x4, i32x4>(light);
        let index: i32x4 = (bits - i32x4::splat(LEAST.to_bits() as i32)) >> 16_i32;
        let entries = index.to_array().map(|index| self.entries[index as usize & 2047]);
        (i32x4::from(entries) + (bits & i32x4::splat(0xFFFF))) >> 16_i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_thresholds_is_the_definition() {
        for (half, samples) in [(0.0, Samples::new(0.0)), (0.5, Samples::new(0.5))] {
            for step in -1000..1_100_000 {
                let light = step as f32 / 1_000_000.0;
                let wanted = f64::from(light).clamp(0.0, 1.0);
                let value = if wanted > 0.0031308 {
                    1.055 * libm::pow(wanted, 1.0 / 2.4) - 0.055
                } else {
                    12.92 * wanted
                };
                let exact = value * 255.0 + half;
                // Where the definition's own rounding decides, either is right.
                if (exact - libm::round(exact)).abs() < 1e-9 {
                    continue;
                }
                let found = samples.of(f32x4::splat(light)).to_array()[2];
                assert_eq!(found, exact.clamp(0.0, 255.0) as i32, "{light}");
            }
            assert_eq!(samples.of(f32x4::splat(f32::INFINITY)).to_array(), [255; 4]);
        }
    }

    #[test]
    fn each_sample_comes_back_from_its_own_light() {
        let (truncate, round) = (Samples::new(0.0), Samples::new(0.5));
        for sample in 0..=255 {
            let light = f32x4::splat(lab::light(sample) as f32);
            assert_eq!(round.of(light).to_array()[0], i32::from(sample));
            assert!((0..=1).contains(&(i32::from(sample) - truncate.of(light).to_array()[0])));
        }
    }
}
