//! Noise of the normal distribution.

use std::sync::LazyLock;

use super::check;
use crate::error::Result;
use crate::image::Image;
use crate::pixels::blur::Frame;
use crate::random::{Stream, normal_quantile};

/// Fractional bits of a normal draw.
pub(super) const BITS: u32 = 12;
/// Draws that are worked on at once.
const BLOCK: usize = 4096;

/// Draws by 16 random bits, in 4096ths of σ. Made once, from `libm` alone: the same on every machine.
static DRAWS: LazyLock<Box<[i16; 1 << 16]>> = LazyLock::new(|| {
    let middles: Vec<f64> =
        (0..1 << 15).map(|n| normal_quantile((f64::from(n) + 0.5) / 65_536.0)).collect();
    let variance = middles.iter().map(|z| z * z).sum::<f64>() / 32_768.0;
    let scale = f64::from(1 << BITS) / variance.sqrt();
    let mut draws = Box::new([0; 1 << 16]);
    for (index, z) in middles.iter().enumerate() {
        let draw = (z * scale).round_ties_even() as i16;
        (draws[index], draws[65_535 - index]) = (draw, -draw);
    }
    draws
});

/// Fills `draws` with normal draws, two from each word of the stream, the lower half first.
pub(super) fn fill(stream: &mut Stream, draws: &mut [i16]) {
    let table = &**DRAWS;
    let mut words = [0_u32; BLOCK / 2];
    for draws in draws.chunks_mut(BLOCK) {
        let words = &mut words[..draws.len().div_ceil(2)];
        stream.fill_u32(words);
        let (pairs, last) = draws.as_chunks_mut::<2>();
        for (pair, &word) in pairs.iter_mut().zip(&*words) {
            *pair = [table[(word & 0xFFFF) as usize], table[(word >> 16) as usize]];
        }
        if let ([last], Some(&word)) = (last, words.last()) {
            *last = table[(word & 0xFFFF) as usize];
        }
    }
}

/// Adds `mean + std · z` to each sample, z a normal draw of its own, or of its pixel when
/// `per_channel` is false; rounded to the nearest level, halves up, and kept in 0–255.
///
/// The standard deviation and the mean are kept in 256ths of a level. One word of the stream for two
/// draws, the last for one when their number is odd. Albumentations' `GaussNoise` takes fractions of
/// 255 and draws floats.
///
/// # Errors
/// [`crate::Error::Params`] when `std` is not in `0..=255` or `mean` not in `-255..=255`,
/// [`crate::Error::Unsupported`] for what is not 8-bit grey or RGB.
pub fn gaussian(
    image: &Image,
    std: f64,
    mean: f64,
    per_channel: bool,
    stream: &mut Stream,
) -> Result<Image> {
    let frame = Frame::of(image)?;
    check("std", std, 0.0, 255.0)?;
    check("mean", mean, -255.0, 255.0)?;
    let scale = (std * 256.0).round_ties_even() as i32;
    let offset = (mean * 256.0).round_ties_even() as i32;
    let mut out = frame.bytes.to_vec();
    let shared = frame.channels == 3 && !per_channel;
    let share = if shared { 3 } else { 1 };
    let mut draws = vec![0_i16; BLOCK];
    for levels in out.chunks_mut(BLOCK * share) {
        let draws = &mut draws[..levels.len() / share];
        fill(stream, draws);
        if shared {
            add_shared(levels, draws, scale, offset);
        } else {
            add(levels, draws, scale, offset);
        }
    }
    frame.filled(out)
}

#[inline(always)]
fn noisy(level: u8, draw: i16, scale: i32, offset: i32) -> u8 {
    const ALL: u32 = BITS + 8;
    // At most 4.33 · 2¹² · 255 · 2⁸ + 2 · 255 · 2²⁰ < 2³¹.
    let noise = i32::from(draw).wrapping_mul(scale);
    let steady = offset.wrapping_add(i32::from(level) << 8).wrapping_shl(BITS);
    let sum = noise.wrapping_add(steady).wrapping_add(1 << (ALL - 1));
    (sum >> ALL).clamp(0, 255) as u8
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn add(levels: &mut [u8], draws: &[i16], scale: i32, offset: i32) {
    add_body(levels, draws, scale, offset);
}

#[inline(always)]
fn add_body(levels: &mut [u8], draws: &[i16], scale: i32, offset: i32) {
    for (level, &draw) in levels.iter_mut().zip(draws) {
        *level = noisy(*level, draw, scale, offset);
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn add_shared(levels: &mut [u8], draws: &[i16], scale: i32, offset: i32) {
    for (pixel, &draw) in levels.as_chunks_mut::<3>().0.iter_mut().zip(draws) {
        for level in pixel {
            *level = noisy(*level, draw, scale, offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_normal_distribution() {
        let draws = &**DRAWS;
        assert!(draws.is_sorted());
        assert_eq!(draws.iter().map(|&d| i64::from(d)).sum::<i64>(), 0);
        let one = f64::from(1 << BITS);
        let squares: f64 = draws.iter().map(|&d| f64::from(d) * f64::from(d) / (one * one)).sum();
        assert!((squares / 65_536.0 - 1.0).abs() < 1e-6, "{squares}");
        // Quantiles as printed in tables: 84.1345 % at 1 σ, 97.5 % at 1.959964 σ.
        let at = |p: f64| f64::from(draws[(p * 65_536.0) as usize]) / one;
        assert!((at(0.841_345) - 1.0).abs() < 1e-3 && (at(0.975) - 1.959_964).abs() < 1e-3);
        assert!((f64::from(draws[65_535]) / one - 4.33).abs() < 0.01);
    }

    #[test]
    fn levels_are_rounded_and_kept_in_range() {
        // Half a σ of 10 levels, and a mean of 1.5: 100 + 5 + 1.5 is halfway, and goes up.
        assert_eq!(noisy(100, 2048, 2560, 384), 107);
        assert_eq!(noisy(100, -2048, 2560, 0), 95);
        assert_eq!((noisy(250, 4096, 2560, 0), noisy(5, -4096, 2560, 0)), (255, 0));
        assert_eq!(noisy(255, 17_736, 65_280, 65_280), 255);
        assert_eq!(noisy(0, -17_736, 65_280, -65_280), 0);
    }

    #[test]
    fn wide_paths_are_the_scalar_one() {
        let mut draws = vec![0; 1003];
        fill(&mut Stream::from_key([4; 16]), &mut draws);
        let levels: Vec<u8> = (0..1003_u32).map(|n| (n * n / 7) as u8).collect();
        let (mut a, mut b) = (levels.clone(), levels);
        add(&mut a, &draws, 12_000, -345);
        add_body(&mut b, &draws, 12_000, -345);
        assert_eq!(a, b);
        let (mut a, mut b) = (a[..999].to_vec(), a[..999].to_vec());
        add_shared(&mut a, &draws, 9_000, 77);
        for (pixel, &draw) in b.chunks_mut(3).zip(&draws) {
            pixel.iter_mut().for_each(|level| *level = noisy(*level, draw, 9_000, 77));
        }
        assert_eq!(a, b);
    }

    #[test]
    fn blocks_do_not_show() {
        let stream = Stream::from_key([9; 16]);
        let mut draws = vec![0; 2 * BLOCK + 7];
        fill(&mut stream.clone(), &mut draws);
        let mut words = stream.clone();
        for pair in draws.chunks(2) {
            let word = words.next_u32();
            assert_eq!(pair[0], DRAWS[(word & 0xFFFF) as usize]);
            assert!(pair.get(1).is_none_or(|&d| d == DRAWS[(word >> 16) as usize]));
        }
    }
}
