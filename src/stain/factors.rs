//! Maps that are linear (or affine) in optical density, without a logarithm or an exponential per pixel.
//!
//! `out_c = io_c·exp(−Σ_k m[c][k]·od_k − b_c)`, and a density has 256 values per channel, so each
//! output channel is a product of three entries of tables of 256. That of Macenko, Ruifrok and of
//! stain augmentation is such a map. Where amounts are clipped, it is none: see `nonneg`.

use wide::bytemuck::cast;
use wide::{f32x4, i16x8, i32x4, i32x8, u8x16};

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
    /// For each input channel and sample, a factor of each output channel (the fourth is 0).
    tables: Box<[[f32x4; 256]; 3]>,
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
                *entry = f32x4::from([factor(0), factor(1), factor(2), 0.0]);
            }
        }
        Some(Self { tables })
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
        let (blocks, rest) = rgb.as_chunks::<12>();
        let (out_blocks, out_rest) = out.as_chunks_mut::<12>();
        for (block, out) in blocks.iter().zip(out_blocks) {
            *out = self.four(block, half);
        }
        if !rest.is_empty() {
            let mut block = [0; 12];
            block[..rest.len()].copy_from_slice(rest);
            out_rest.copy_from_slice(&self.four(&block, half)[..rest.len()]);
        }
        Ok(())
    }

    /// Four pixels.
    #[inline(always)]
    fn four(&self, block: &[u8; 12], half: f32x4) -> [u8; 12] {
        let [red, green, blue] = &*self.tables;
        let pixel = |at: usize| {
            let product = red[usize::from(block[at])]
                * green[usize::from(block[at + 1])]
                * blue[usize::from(block[at + 2])];
            // Not NaN, and from 0 to 255.5: the conversion has one meaning on every machine.
            (product.fast_min(f32x4::splat(255.0)) + half).fast_trunc_int()
        };
        pack([pixel(0), pixel(3), pixel(6), pixel(9)])
    }
}

/// Four pixels, each of whole numbers 0–255 (red, green, blue and 0) in lanes, to bytes without the
/// zeros.
#[inline(always)]
pub(super) fn pack([a, b, c, d]: [i32x4; 4]) -> [u8; 12] {
    let pair = |a: i32x4, b: i32x4| i16x8::from_i32x8_saturate(cast::<[i32x4; 2], i32x8>([a, b]));
    let bytes: [u8; 16] = u8x16::narrow_i16x8(pair(a, b), pair(c, d)).to_array();
    // In 64-bit registers: a shuffle of bytes is not among the instructions that every x86-64 has.
    let half = |at: usize| {
        let eight = bytes[at..at + 8].try_into().map_or(0, u64::from_le_bytes);
        (eight & 0xFF_FFFF) | ((eight >> 32) << 24)
    };
    let (first, last) = (half(0), half(8));
    let mut out = [0; 12];
    out[..8].copy_from_slice(&(first | (last << 48)).to_le_bytes());
    out[8..].copy_from_slice(&((last >> 16) as u32).to_le_bytes());
    out
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
