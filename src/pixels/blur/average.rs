//! The mean of a square.

use super::{Frame, Sides, check_kernel};
use crate::error::Result;
use crate::image::Image;

/// The largest side whose sums fit 16 bits: 15² · 255 = 57,375.
const NARROW: usize = 15;

/// The mean of the `kernel_px × kernel_px` pixels about each: `round(sum / kernel_px²)`, which is never
/// halfway between two levels. The same pixels as OpenCV's `blur`. Linear in the area of the image,
/// whatever the kernel: sums of columns slide down, their sums to the right.
///
/// # Errors
/// [`crate::Error::Params`] when `kernel_px` is even or not in `1..=255`, [`crate::Error::Unsupported`]
/// for what is not 8-bit grey or RGB.
pub fn box_blur(image: &Image, kernel_px: u32) -> Result<Image> {
    let frame = Frame::of(image)?;
    let kernel = check_kernel(kernel_px)?;
    match kernel {
        1 => Ok(image.clone()),
        3..=NARROW => frame.filled(narrow(&frame, kernel)),
        _ => frame.filled(wide(&frame, kernel)),
    }
}

/// `x / area`, rounded, for 16-bit sums: `(x + area / 2) · scale >> 16 >> shift`. With `scale` the
/// 16-bit `2^(16 + shift) / area`, rounded up, that is exact for every sum of each odd area up to 15².
fn reciprocal(area: usize) -> (u16, u16, u32) {
    let shift = area.ilog2();
    let scale = (1_usize << (16 + shift)).div_ceil(area);
    ((area / 2) as u16, scale as u16, shift)
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn narrow<'a>(frame: &Frame<'a>, kernel: usize) -> Vec<u8> {
    narrow_body(frame, kernel)
}

#[inline(always)]
fn narrow_body(frame: &Frame<'_>, kernel: usize) -> Vec<u8> {
    let (radius, channels, pitch) = (kernel / 2, frame.channels, frame.pitch());
    let by = reciprocal(kernel * kernel);
    let mut sums = vec![0_u16; pitch + 2 * radius * channels];
    let inner = radius * channels..radius * channels + pitch;
    for dy in 0..kernel {
        let row = frame.row(dy as isize - radius as isize);
        for (sum, &new) in sums[inner.clone()].iter_mut().zip(row) {
            *sum = sum.wrapping_add(new.into());
        }
    }
    let sides = Sides::new(frame.width, channels, radius);
    // Rows are appended: memory that is zeroed first costs a fifth of the whole.
    let (mut all, mut line) = (Vec::with_capacity(frame.bytes.len()), vec![0; pitch]);
    for y in 0..frame.height {
        if y > 0 {
            let new = frame.row((y + radius) as isize);
            let old = frame.row(y as isize - radius as isize - 1);
            for ((sum, &new), &old) in sums[inner.clone()].iter_mut().zip(new).zip(old) {
                *sum = sum.wrapping_add(new.into()).wrapping_sub(old.into());
            }
        }
        sides.fill(&mut sums);
        match (kernel, channels) {
            (3, 1) => across::<3, 1>(&sums, by, &mut line),
            (3, 3) => across::<3, 3>(&sums, by, &mut line),
            (5, 1) => across::<5, 1>(&sums, by, &mut line),
            (5, 3) => across::<5, 3>(&sums, by, &mut line),
            (7, 1) => across::<7, 1>(&sums, by, &mut line),
            (7, 3) => across::<7, 3>(&sums, by, &mut line),
            (9, 1) => across::<9, 1>(&sums, by, &mut line),
            (9, 3) => across::<9, 3>(&sums, by, &mut line),
            (11, 1) => across::<11, 1>(&sums, by, &mut line),
            (11, 3) => across::<11, 3>(&sums, by, &mut line),
            (13, 1) => across::<13, 1>(&sums, by, &mut line),
            (13, 3) => across::<13, 3>(&sums, by, &mut line),
            (_, 1) => across::<15, 1>(&sums, by, &mut line),
            _ => across::<15, 3>(&sums, by, &mut line),
        }
        all.extend_from_slice(&line);
    }
    all
}

#[inline(always)]
fn across<const KERNEL: usize, const CHANNELS: usize>(
    sums: &[u16],
    (half, scale, shift): (u16, u16, u32),
    out: &mut [u8],
) {
    let n = out.len();
    let taps: [&[u16]; KERNEL] = std::array::from_fn(|tap| &sums[tap * CHANNELS..][..n]);
    for (x, out) in out.iter_mut().enumerate() {
        let mut sum = half;
        for tap in &taps {
            sum = sum.wrapping_add(tap[x]);
        }
        let high = u32::from(sum).wrapping_mul(u32::from(scale)) >> 16;
        *out = (high as u16 >> shift) as u8;
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn wide<'a>(frame: &Frame<'a>, kernel: usize) -> Vec<u8> {
    wide_body(frame, kernel)
}

#[inline(always)]
fn wide_body(frame: &Frame<'_>, kernel: usize) -> Vec<u8> {
    let (radius, channels, pitch) = (kernel / 2, frame.channels, frame.pitch());
    let area = (kernel * kernel) as u64;
    // Sums stay below 2^24 and areas below 2^16, so 40 bits of the reciprocal, rounded up, are exact.
    let (half, scale) = (area / 2, (1_u64 << 40).div_ceil(area));
    let mut columns = vec![0_u16; pitch + 2 * radius * channels];
    let inner = radius * channels..radius * channels + pitch;
    let mut sums = vec![0_u32; pitch];
    for dy in 0..kernel {
        let row = frame.row(dy as isize - radius as isize);
        for (sum, &new) in columns[inner.clone()].iter_mut().zip(row) {
            *sum = sum.wrapping_add(new.into());
        }
    }
    let sides = Sides::new(frame.width, channels, radius);
    // Rows are appended: memory that is zeroed first costs a fifth of the whole.
    let (mut all, mut line) = (Vec::with_capacity(frame.bytes.len()), vec![0; pitch]);
    for y in 0..frame.height {
        if y > 0 {
            let new = frame.row((y + radius) as isize);
            let old = frame.row(y as isize - radius as isize - 1);
            for ((sum, &new), &old) in columns[inner.clone()].iter_mut().zip(new).zip(old) {
                *sum = sum.wrapping_add(new.into()).wrapping_sub(old.into());
            }
        }
        sides.fill(&mut columns);
        if channels == 1 {
            slide::<1>(&columns, kernel, &mut sums);
        } else {
            slide::<3>(&columns, kernel, &mut sums);
        }
        for (out, &sum) in line.iter_mut().zip(&sums) {
            *out = (u64::from(sum).wrapping_add(half).wrapping_mul(scale) >> 40) as u8;
        }
        all.extend_from_slice(&line);
    }
    all
}

#[inline(always)]
fn slide<const CHANNELS: usize>(columns: &[u16], kernel: usize, sums: &mut [u32]) {
    let mut sum = [0_u32; CHANNELS];
    let columns = columns.as_chunks::<CHANNELS>().0;
    for pixel in &columns[..kernel - 1] {
        for channel in 0..CHANNELS {
            sum[channel] = sum[channel].wrapping_add(pixel[channel].into());
        }
    }
    let to = sums.as_chunks_mut::<CHANNELS>().0;
    for ((to, new), old) in to.iter_mut().zip(&columns[kernel - 1..]).zip(columns) {
        for channel in 0..CHANNELS {
            let grown = sum[channel].wrapping_add(new[channel].into());
            to[channel] = grown;
            sum[channel] = grown.wrapping_sub(old[channel].into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_divided_exactly() {
        for kernel in (3..=NARROW).step_by(2) {
            let area = kernel * kernel;
            let (half, scale, shift) = reciprocal(area);
            for sum in 0..=255 * area {
                let high = ((sum as u32 + u32::from(half)) * u32::from(scale)) >> 16;
                assert_eq!(high as usize >> shift, (sum + area / 2) / area, "{sum} / {area}");
            }
        }
    }

    #[test]
    fn wide_paths_are_the_scalar_one() {
        let bytes: Vec<u8> = (0..3 * 67 * 41_u32).map(|n| (n * n / 7) as u8).collect();
        let image = Image::from_u8(67, 41, 3, bytes).unwrap();
        let frame = Frame::of(&image).unwrap();
        for kernel in [3, 5, 11, 15, 17, 91] {
            let (a, b) = if kernel <= NARROW {
                (narrow(&frame, kernel), narrow_body(&frame, kernel))
            } else {
                (wide(&frame, kernel), wide_body(&frame, kernel))
            };
            assert_eq!(a, b, "{kernel}");
        }
    }
}
