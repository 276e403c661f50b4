//! Blur of a lens out of focus.

use super::{Frame, Sides, gaussian};
use crate::error::{Error, Result};
use crate::image::Image;

/// The largest disc's radius, in pixels.
const RADIUS_PX: u32 = 100;

/// The mean of a disc of `radius_px` about each pixel, then a [`gaussian`] of `alias_sigma_px`, which
/// takes the steps from the disc's edge (0 leaves them).
///
/// The disc holds the pixels with `dx² + dy² ≤ (radius_px + ½)²`; its sums are exact and rounded once,
/// and cost two look-ups for each of its rows. Albumentations' `Defocus` makes a kernel of `dx² + dy² ≤
/// radius²`, blurs the kernel and convolves once.
///
/// # Errors
/// [`Error::Params`] when `radius_px` is more than 100 or as [`gaussian`], [`Error::Unsupported`] for
/// what is not 8-bit grey or RGB.
pub fn defocus(image: &Image, radius_px: u32, alias_sigma_px: f64) -> Result<Image> {
    if radius_px > RADIUS_PX {
        return Err(Error::params(
            "radius_px",
            format!("{radius_px} is not a number of 0 to {RADIUS_PX}"),
        ));
    }
    let frame = Frame::of(image)?;
    let radius = radius_px as usize;
    let reach = half_widths(radius);
    let disc = if radius == 0 { image.clone() } else { frame.filled(discs(&frame, &reach))? };
    gaussian(&disc, alias_sigma_px)
}

/// How far each row of the disc reaches to both sides, from row 0 to the radius.
fn half_widths(radius: usize) -> Vec<usize> {
    // (r + ½)² without its quarter: dx² + dy² is whole.
    let within = radius * radius + radius;
    (0..=radius).map(|dy| (within - dy * dy).isqrt()).collect()
}

fn discs(frame: &Frame<'_>, reach: &[usize]) -> Vec<u8> {
    let (radius, channels, pitch) = (reach.len() - 1, frame.channels, frame.pitch());
    let widest = reach.iter().copied().max().unwrap_or(0);
    let wide = (frame.width + 2 * widest + 1) * channels;
    let rows = 2 * radius + 1;
    // Sums along each of the rows that the disc touches, in turn.
    let mut ring = vec![0_u32; wide * rows];
    let mut padded = vec![0_u8; (frame.width + 2 * widest) * channels];
    let sides = Sides::new(frame.width, channels, widest);
    let mut fill = |ring: &mut [u32], y: isize| {
        padded[widest * channels..][..pitch].copy_from_slice(frame.row(y));
        sides.fill(&mut padded);
        for at in 0..padded.len() {
            ring[at + channels] = ring[at].wrapping_add(padded[at].into());
        }
    };
    for y in 0..2 * radius {
        fill(&mut ring[y * wide..][..wide], y as isize - radius as isize);
    }
    let area: u64 = reach[0] as u64 * 2
        + 1
        + reach[1..].iter().map(|&half| 2 * (2 * half as u64 + 1)).sum::<u64>();
    let mut out = vec![0; frame.bytes.len()];
    let mut sums = vec![0_u32; pitch];
    for (y, out) in out.chunks_exact_mut(pitch).enumerate() {
        let newest = (y + 2 * radius) % rows;
        fill(&mut ring[newest * wide..][..wide], (y + radius) as isize);
        sums.fill((area / 2) as u32);
        for row in 0..rows {
            let half = reach[row.abs_diff(radius)];
            let line = &ring[(y + row) % rows * wide..][..wide];
            let ends =
                (&line[(widest + half + 1) * channels..], &line[(widest - half) * channels..]);
            gather(ends, &mut sums);
        }
        divide(&sums, area, out);
    }
    out
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn gather((after, before): (&[u32], &[u32]), sums: &mut [u32]) {
    for ((sum, &after), &before) in sums.iter_mut().zip(after).zip(before) {
        *sum = sum.wrapping_add(after.wrapping_sub(before));
    }
}

/// `sum / area`: sums are below 2²⁴ and areas below 2¹⁶, so 40 bits of the reciprocal are exact.
#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn divide(sums: &[u32], area: u64, out: &mut [u8]) {
    let scale = (1_u64 << 40).div_ceil(area);
    for (out, &sum) in out.iter_mut().zip(sums) {
        *out = (u64::from(sum).wrapping_mul(scale) >> 40) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_is_round_and_its_mean_is_rounded() {
        // Radius 1: dx² + dy² ≤ 2, all nine. Radius 2: ≤ 6, without the four corners of 25.
        assert_eq!(half_widths(1), [1, 1]);
        assert_eq!(half_widths(2), [2, 2, 1]);
        let mut bytes = vec![0; 49];
        bytes[24] = 210;
        let image = Image::from_u8(7, 7, 1, bytes).unwrap();
        let blurred = defocus(&image, 2, 0.0).unwrap();
        #[rustfmt::skip]
        assert_eq!(blurred.as_u8().unwrap(), [
            0, 0, 0, 0, 0, 0, 0,
            0, 0, 10, 10, 10, 0, 0,
            0, 10, 10, 10, 10, 10, 0,
            0, 10, 10, 10, 10, 10, 0,
            0, 10, 10, 10, 10, 10, 0,
            0, 0, 10, 10, 10, 0, 0,
            0, 0, 0, 0, 0, 0, 0,
        ]);
    }

    #[test]
    fn discs_are_the_sums_of_their_pixels() {
        let bytes: Vec<u8> = (0..3 * 23 * 17_u32).map(|n| (n * n / 5) as u8).collect();
        let image = Image::from_u8(23, 17, 3, bytes).unwrap();
        let frame = Frame::of(&image).unwrap();
        for radius in [1_isize, 4, 20] {
            let found = defocus(&image, radius as u32, 0.0).unwrap();
            for (x, y, channel) in [(0, 0, 0), (22, 16, 2), (11, 3, 1)] {
                let (mut sum, mut area) = (0_usize, 0);
                for dy in -radius..=radius {
                    for dx in -radius..=radius {
                        if dx * dx + dy * dy <= radius * radius + radius {
                            let at = super::super::mirrored(x as isize + dx, 23);
                            sum += usize::from(frame.row(y as isize + dy)[at * 3 + channel]);
                            area += 1;
                        }
                    }
                }
                let level = found.as_u8().unwrap()[(y * 23 + x) * 3 + channel];
                assert_eq!(usize::from(level), (sum + area / 2) / area, "{radius} {x} {y}");
            }
        }
    }
}
