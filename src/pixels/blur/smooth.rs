//! Large Gaussians by repeated box blurs with fractional ends.

use super::{Frame, mirrored};
use crate::error::Result;
use crate::image::Image;

/// The largest σ, in pixels.
pub(super) const SIGMA: f64 = 100.0;
/// Boxes in each direction: with four the kernel differs from a Gaussian by less than 1 % of its peak.
const PASSES: usize = 4;

/// A box of `2·radius + 1` whole pixels and one more at each end that counts `end / 256`; `scale` is
/// 2³² over its width in 256ths.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Box256 {
    radius: usize,
    end: u32,
    scale: u64,
}

/// The box of which `PASSES` have the variance σ².
///
/// With radius r and ends of weight a, its variance is
/// `(r(r+1)(2r+1)/3 + 2a(r+1)²) / (2r + 1 + 2a)`: r is the largest whole radius that is too narrow, and
/// the equation is linear in a.
fn box_of(sigma_px: f64) -> Box256 {
    let wanted = sigma_px * sigma_px / PASSES as f64;
    let mut radius = 0_usize;
    let variance = |radius: usize| {
        let r = radius as f64;
        r * (r + 1.0) / 3.0
    };
    while variance(radius + 1) <= wanted {
        radius += 1;
    }
    let r = radius as f64;
    let inner = r * (r + 1.0) * (2.0 * r + 1.0) / 3.0;
    let end = (wanted * (2.0 * r + 1.0) - inner) / (2.0 * ((r + 1.0) * (r + 1.0) - wanted));
    let end = (256.0 * end).round_ties_even() as u32;
    let width = 256 * (2 * radius as u64 + 1) + 2 * u64::from(end);
    Box256 { radius, end, scale: (1_u64 << 32) / width }
}

/// Blurs columns `PASSES` times, turns the image over its diagonal, and does so again.
pub(super) fn smooth(frame: &Frame<'_>, sigma_px: f64) -> Result<Image> {
    let by = box_of(sigma_px);
    let (width, height, channels) = (frame.width, frame.height, frame.channels);
    let mut from: Vec<u16> = frame.bytes.iter().map(|&level| u16::from(level) << 8).collect();
    let mut to = vec![0_u16; from.len()];
    for (columns, rows) in [(width, height), (height, width)] {
        for _ in 0..PASSES {
            down(&from, columns * channels, rows, by, &mut to);
            std::mem::swap(&mut from, &mut to);
        }
        if channels == 1 {
            turn::<1>(&from, columns, rows, &mut to);
        } else {
            turn::<3>(&from, columns, rows, &mut to);
        }
        std::mem::swap(&mut from, &mut to);
    }
    frame.filled(from.iter().map(|&sum| (sum.saturating_add(128) >> 8) as u8).collect())
}

/// One box blur of columns: a sum slides down each.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn down(from: &[u16], pitch: usize, rows: usize, by: Box256, to: &mut [u16]) {
    down_body(from, pitch, rows, by, to);
}

#[inline(always)]
fn down_body(from: &[u16], pitch: usize, rows: usize, by: Box256, to: &mut [u16]) {
    let reach = by.radius as isize;
    let row = |y: isize| &from[mirrored(y, rows) * pitch..][..pitch];
    let mut sums = vec![0_u32; pitch];
    for y in -reach..=reach {
        for (sum, &new) in sums.iter_mut().zip(row(y)) {
            *sum = sum.wrapping_add(new.into());
        }
    }
    let scale = by.scale as u32;
    for (y, out) in to.chunks_exact_mut(pitch).take(rows).enumerate() {
        let y = y as isize;
        let (before, after) = (row(y - reach - 1), row(y + reach + 1));
        let first = row(y - reach);
        let ends = before.iter().zip(after).zip(first);
        for ((out, sum), ((&before, &after), &first)) in out.iter_mut().zip(&mut sums).zip(ends) {
            // At most 255·256 · (256·(2·100 + 1) + 512) < 2³², and the product below 2⁶⁴.
            let ends = u32::from(before).wrapping_add(after.into()).wrapping_mul(by.end);
            let whole = sum.wrapping_shl(8).wrapping_add(ends);
            let scaled = u64::from(whole).wrapping_mul(scale.into()).wrapping_add(1 << 31);
            *out = (scaled >> 32) as u16;
            *sum = sum.wrapping_add(after.into()).wrapping_sub(first.into());
        }
    }
}

/// Rows become columns, in squares that the cache holds.
fn turn<const CHANNELS: usize>(from: &[u16], columns: usize, rows: usize, to: &mut [u16]) {
    const SQUARE: usize = 16;
    let from = from.as_chunks::<CHANNELS>().0;
    let to = to.as_chunks_mut::<CHANNELS>().0;
    for top in (0..rows).step_by(SQUARE) {
        for left in (0..columns).step_by(SQUARE) {
            for x in left..(left + SQUARE).min(columns) {
                for y in top..(top + SQUARE).min(rows) {
                    to[x * rows + y] = from[y * columns + x];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_have_the_variance_that_is_asked_for() {
        for sigma in [8.1, 10.0, 33.3, 100.0] {
            let by = box_of(sigma);
            let (r, a) = (by.radius as f64, f64::from(by.end) / 256.0);
            assert!((0.0..=1.0).contains(&a), "{by:?}");
            let sum = r * (r + 1.0) * (2.0 * r + 1.0) / 3.0 + 2.0 * a * (r + 1.0) * (r + 1.0);
            let found = (PASSES as f64 * sum / (2.0 * r + 1.0 + 2.0 * a)).sqrt();
            assert!((found / sigma - 1.0).abs() < 1e-3, "{sigma}: {found}");
        }
    }

    #[test]
    fn wide_paths_are_the_scalar_one_and_a_flat_image_stays() {
        let from: Vec<u16> = (0..70 * 40_u32).map(|n| ((n * n) % 65281) as u16).collect();
        let (mut a, mut b) = (vec![0; from.len()], vec![0; from.len()]);
        down(&from, 70, 40, box_of(20.0), &mut a);
        down_body(&from, 70, 40, box_of(20.0), &mut b);
        assert_eq!(a, b);
        for level in [0, 1, 128, 255] {
            let image = Image::from_u8(30, 20, 3, vec![level; 1800]).unwrap();
            assert_eq!(smooth(&Frame::of(&image).unwrap(), 60.0).unwrap(), image);
        }
    }
}
