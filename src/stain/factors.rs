//! Maps that are linear (or affine) in optical density, without a logarithm or an exponential per pixel.
//!
//! `out_c = io_c·exp(−Σ_k m[c][k]·od_k − b_c)`, and a density has 256 values per channel, so each
//! output channel is a product of three entries of tables of 256. That of Macenko, Ruifrok and of
//! stain augmentation is such a map. Where amounts are clipped, it is none: see `nonneg`.

use wide::{bytemuck, f32x4, i16x8, i32x4, u8x16};

use super::OdScale;
use super::normalizer::Cast;
use crate::error::{Error, Result};

/// Largest exponent of one factor, and with the sign turned the least.
///
/// Two factors are then within e^±88: finite in `f32` and not zero. Times the third, which is finite
/// and not zero either, the product is a number ≥ 0 or +∞, and never 0·∞: no NaN is possible, whatever
/// the map. The bound changes a result only where factors beyond e^44 would cancel to a visible grey
/// level: maps that multiply densities by more than 7.
const LIMIT: f64 = 44.0;

/// An affine map of densities as products of tables.
#[derive(Debug, Clone)]
pub struct Factors {
    /// For each input channel and sample, a factor of each output channel. Those in the fourth lane
    /// make 1 for a pixel that is mapped, and 0 for one that is kept.
    tables: Box<[[f32x4; 256]; 3]>,
    /// Whether there are pixels to be kept.
    keeps: bool,
}

impl Factors {
    /// The map `od'_c = Σ_k m[c][k]·od_k`: rows of `m` are output channels. Samples become densities by
    /// `scale`; densities become samples again with the white point `io`, per channel.
    ///
    /// `None` when a number is not finite, or `io` not positive.
    pub fn linear(m: &[[f64; 3]; 3], scale: &OdScale, io: [f64; 3]) -> Option<Self> {
        Self::affine(m, [0.0; 3], scale, io)
    }

    /// The map `od'_c = Σ_k m[c][k]·od_k + b_c`.
    ///
    /// `None` as for [`Factors::linear`].
    pub fn affine(m: &[[f64; 3]; 3], b: [f64; 3], scale: &OdScale, io: [f64; 3]) -> Option<Self> {
        let densities = scale.table();
        let numbers = m.as_flattened().iter().chain(&b).chain(densities.as_flattened());
        if !numbers.chain(&io).all(|v| v.is_finite()) || io.iter().any(|io| *io <= 0.0) {
            return None;
        }
        // Finite times finite may still overflow, but three of one row are never added up here.
        let mut tables = Box::new([[f32x4::ZERO; 256]; 3]);
        for (k, (table, densities)) in tables.iter_mut().zip(&densities).enumerate() {
            for (entry, od) in table.iter_mut().zip(densities) {
                let factor = |c: usize| {
                    // The white point and the constant term stand in the first table.
                    let constant = if k == 0 { libm::log(io[c]) - b[c] } else { 0.0 };
                    libm::exp((constant - m[c][k] * od).clamp(-LIMIT, LIMIT)) as f32
                };
                *entry = f32x4::from([factor(0), factor(1), factor(2), 1.0]);
            }
        }
        Some(Self { tables, keeps: false })
    }

    /// The same map, which keeps pixels byte for byte where one sample is above that of `light`, per
    /// channel (`None`: all pixels); see [`OdScale::darkest_light`].
    pub fn keeping(mut self, light: [Option<u8>; 3]) -> Self {
        for (table, light) in self.tables.iter_mut().zip(light) {
            for (sample, entry) in (0..=255).zip(table.iter_mut()) {
                let mapped = light.is_some_and(|light| sample <= light);
                let [r, g, b, _] = entry.to_array();
                *entry = f32x4::from([r, g, b, f32::from(u8::from(mapped))]);
            }
        }
        self.keeps = true;
        self
    }

    /// The factors of a sample (of input channel `channel`, 0–2) for the three output channels.
    pub fn of(&self, channel: usize, sample: u8) -> Option<[f32; 3]> {
        let [r, g, b, _] = self.tables.get(channel)?[usize::from(sample)].to_array();
        Some([r, g, b])
    }

    /// Maps pixels (R, G, B interleaved) into `out`: `min((red·green)·blue, 255)` in `f32`, then cast.
    ///
    /// # Errors
    /// [`Error::Bug`] when the two are not of one length, or not of whole pixels.
    pub fn apply(&self, rgb: &[u8], out: &mut [u8], cast: Cast) -> Result<()> {
        whole_pixels(rgb, out)?;
        let half = f32x4::splat(cast.half());
        if self.keeps {
            by_four(rgb, out, |block| merge(block, self.four(block, half)));
        } else {
            by_four(rgb, out, |block| join(self.four(block, half).map(pixels)));
        }
        Ok(())
    }

    /// Four pixels, two in each half: red, green, blue and whether it is mapped (cast with the rest,
    /// 1 stays 1 whatever the cast).
    #[inline(always)]
    fn four(&self, block: &[u8; 12], half: f32x4) -> [u64; 2] {
        let [red, green, blue] = &*self.tables;
        let pixel = |at: usize| {
            let product = red[usize::from(block[at])]
                * green[usize::from(block[at + 1])]
                * blue[usize::from(block[at + 2])];
            // Not NaN, and from 0 to 255.5: the conversion has one meaning on every machine.
            (product.fast_min(f32x4::splat(255.0)) + half).fast_trunc_int()
        };
        let pair = |a: i32x4, b: i32x4| i16x8::from_i32x8_saturate(bytemuck::cast([a, b]));
        let bytes = u8x16::narrow_i16x8(pair(pixel(0), pixel(3)), pair(pixel(6), pixel(9)));
        let bytes = bytes.to_array();
        // Pixels go on in 64-bit registers: a shuffle of bytes is not among the instructions that
        // every x86-64 has.
        [0, 8].map(|at| bytes[at..at + 8].try_into().map_or(0, u64::from_le_bytes))
    }
}

/// Two pixels of four bytes to two of three.
#[inline(always)]
fn pixels(eight: u64) -> u64 {
    (eight & 0xFF_FFFF) | ((eight >> 32 & 0xFF_FFFF) << 24)
}

/// Twice two pixels of three bytes, side by side.
#[inline(always)]
fn join([first, last]: [u64; 2]) -> [u8; 12] {
    let mut out = [0; 12];
    out[..8].copy_from_slice(&(first | (last << 48)).to_le_bytes());
    out[8..].copy_from_slice(&((last >> 16) as u32).to_le_bytes());
    out
}

/// The mapped pixels, and the original where one is to be kept.
#[inline(always)]
fn merge(block: &[u8; 12], mapped: [u64; 2]) -> [u8; 12] {
    let original = |at: usize| block[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
    let merged = |eight: u64, original: u64| {
        // 1 becomes 24 ones.
        let ones = |bit: u64| (bit & 1) * 0xFF_FFFF;
        let mask = ones(eight >> 24) | (ones(eight >> 56) << 24);
        (pixels(eight) & mask) | (original & !mask & 0xFFFF_FFFF_FFFF)
    };
    join([merged(mapped[0], original(0)), merged(mapped[1], original(4) >> 16)])
}

/// Red, green and blue (whole numbers 0–255) of four pixels to bytes.
#[inline(always)]
pub(super) fn interleave([r, g, b]: [i32x4; 3]) -> [u8; 12] {
    let words: i32x4 = r | (g << 8_i32) | (b << 16_i32);
    let words = words.to_array().map(|word| u64::from(word as u32));
    join([words[0] | (words[1] << 24), words[2] | (words[3] << 24)])
}

/// Sums of three table entries per pixel, turned round: lane by lane instead of pixel by pixel.
#[inline(always)]
pub(super) fn sums(tables: &[[f32x4; 256]; 3], block: &[u8; 12]) -> [f32x4; 4] {
    let [red, green, blue] = tables;
    let pixel = |at: usize| {
        red[usize::from(block[at])]
            + green[usize::from(block[at + 1])]
            + blue[usize::from(block[at + 2])]
    };
    f32x4::transpose([pixel(0), pixel(3), pixel(6), pixel(9)])
}

/// Four pixels at a time; the last ones, if fewer, in the same way. Both slices are of one length.
#[inline(always)]
pub(super) fn by_four(rgb: &[u8], out: &mut [u8], map: impl Fn(&[u8; 12]) -> [u8; 12]) {
    let (blocks, rest) = rgb.as_chunks::<12>();
    let (out_blocks, out_rest) = out.as_chunks_mut::<12>();
    for (block, out) in blocks.iter().zip(out_blocks) {
        *out = map(block);
    }
    if !rest.is_empty() {
        let mut block = [0; 12];
        block[..rest.len()].copy_from_slice(rest);
        out_rest.copy_from_slice(&map(&block)[..rest.len()]);
    }
}

/// Both must be whole pixels, and as many.
pub(super) fn whole_pixels(rgb: &[u8], out: &[u8]) -> Result<()> {
    if rgb.len() == out.len() && rgb.len().is_multiple_of(3) {
        return Ok(());
    }
    let message = format!(
        "{} bytes of pixels to be written to {} bytes: neither may differ, nor hold part of a pixel",
        rgb.len(),
        out.len()
    );
    Err(Error::Bug { message })
}
