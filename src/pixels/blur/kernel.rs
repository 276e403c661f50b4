//! Convolution with any small kernel, and what is a kernel: motion blur and sharpening.

use super::{BLOCK, Frame, KERNEL_PX, Sides, check_kernel};
use crate::error::{Error, Result};
use crate::image::Image;

/// Fractional bits of weights.
const BITS: u32 = 16;
/// The largest sum of a kernel's absolute weights: 32-bit sums hold 255 times as much.
const GAIN: f64 = 100.0;

/// The weights of a convolution: `width_px × height_px`, both odd, row by row.
///
/// Each weight is kept as the nearest multiple of 2⁻¹⁶; what that takes from or adds to the sum of all is
/// made up at the largest of them, so that a kernel that sums to 1 keeps a flat image as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel {
    radius_x: usize,
    radius_y: usize,
    /// `(row, column, weight)`, without those of weight 0.
    taps: Vec<(usize, usize, i32)>,
}

impl Kernel {
    /// A kernel of weights.
    ///
    /// # Errors
    /// [`Error::Params`] when a side is even or not in `1..=255`, when there are not
    /// `width_px · height_px` finite weights, or when their absolute values sum to more than 100.
    pub fn new(width_px: u32, height_px: u32, weights: &[f64]) -> Result<Self> {
        let refused = |message: String| Err(Error::params("kernel", message));
        let odd = |side: u32| !side.is_multiple_of(2) && side <= KERNEL_PX;
        if !odd(width_px) || !odd(height_px) {
            return refused(format!(
                "{width_px} × {height_px} is not two odd numbers of 1 to {KERNEL_PX}"
            ));
        }
        let (width, height) = (width_px as usize, height_px as usize);
        if weights.len() != width * height {
            return refused(format!("{} weights are not {width} × {height}", weights.len()));
        }
        let gain: f64 = weights.iter().map(|weight| weight.abs()).sum();
        if gain.is_nan() || gain > GAIN {
            return refused(format!("its absolute weights sum to {gain}, not to {GAIN} at most"));
        }
        let one = f64::from(1_u32 << BITS);
        let mut whole: Vec<i32> =
            weights.iter().map(|weight| (weight * one).round_ties_even() as i32).collect();
        let wanted = (weights.iter().sum::<f64>() * one).round_ties_even() as i64;
        let missing = wanted - whole.iter().map(|&weight| i64::from(weight)).sum::<i64>();
        let first = whole.iter().rev().enumerate().max_by_key(|(_, weight)| weight.abs());
        if let Some((from_end, weight)) = first.map(|(index, &weight)| (index, weight)) {
            let largest = whole.len() - 1 - from_end;
            whole[largest] = i32::try_from(i64::from(weight) + missing).unwrap_or(weight);
        }
        let taps = whole
            .iter()
            .enumerate()
            .filter(|&(_, &weight)| weight != 0)
            .map(|(index, &weight)| (index / width, index % width, weight))
            .collect();
        Ok(Self { radius_x: width / 2, radius_y: height / 2, taps })
    }
}

/// `Σ weight · pixel` over the kernel laid on each pixel, `(sum + 2¹⁵) >> 16`, kept in 0–255. The time
/// grows with the number of weights that are not 0.
///
/// # Errors
/// [`Error::Unsupported`] for what is not 8-bit grey or RGB.
pub fn convolve(image: &Image, kernel: &Kernel) -> Result<Image> {
    let frame = Frame::of(image)?;
    let (pitch, room) = (frame.pitch(), kernel.radius_x * frame.channels);
    let padded_pitch = pitch.next_multiple_of(BLOCK) + 2 * room;
    let rows = frame.height + 2 * kernel.radius_y;
    let mut padded = vec![0; padded_pitch * rows];
    let sides = Sides::new(frame.width, frame.channels, kernel.radius_x);
    for (y, row) in padded.chunks_exact_mut(padded_pitch).enumerate() {
        row[room..room + pitch].copy_from_slice(frame.row(y as isize - kernel.radius_y as isize));
        sides.fill(row);
    }
    let taps: Vec<(usize, i32)> = kernel
        .taps
        .iter()
        .map(|&(row, column, weight)| (row * padded_pitch + column * frame.channels, weight))
        .collect();
    let mut out = vec![0; frame.bytes.len()];
    sums(&padded, padded_pitch, &taps, pitch, &mut out);
    frame.filled(out)
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn sums(padded: &[u8], padded_pitch: usize, taps: &[(usize, i32)], pitch: usize, out: &mut [u8]) {
    sums_body(padded, padded_pitch, taps, pitch, out);
}

#[inline(always)]
fn sums_body(
    padded: &[u8],
    padded_pitch: usize,
    taps: &[(usize, i32)],
    pitch: usize,
    out: &mut [u8],
) {
    for (y, out) in out.chunks_exact_mut(pitch).enumerate() {
        for (index, out) in out.chunks_mut(BLOCK).enumerate() {
            let start = y * padded_pitch + index * BLOCK;
            let mut sums = [1_i32 << (BITS - 1); BLOCK];
            for &(offset, weight) in taps {
                if let Some(block) = padded[start + offset..].first_chunk::<BLOCK>() {
                    for x in 0..BLOCK {
                        sums[x] = sums[x].wrapping_add(weight.wrapping_mul(block[x].into()));
                    }
                }
            }
            let mut levels = [0_u8; BLOCK];
            for x in 0..BLOCK {
                levels[x] = (sums[x] >> BITS).clamp(0, 255) as u8;
            }
            out.copy_from_slice(&levels[..out.len()]);
        }
    }
}

/// Sharpening: the image and its contrast with its neighbours, blended by `alpha` in 0–1 with a
/// `lightness` of the sharp part (1 keeps a flat image as it is; less darkens, more lightens).
///
/// A 3 × 3 kernel of `−alpha` about the centre `1 − alpha + alpha · (8 + lightness)`: Albumentations'
/// `Sharpen` with its method `kernel`.
///
/// # Errors
/// [`Error::Params`] when `alpha` is not in `0..=1` or `lightness` not in `0..=8`,
/// [`Error::Unsupported`] for what is not 8-bit grey or RGB.
pub fn sharpen(image: &Image, alpha: f64, lightness: f64) -> Result<Image> {
    for (field, value, most) in [("alpha", alpha, 1.0), ("lightness", lightness, 8.0)] {
        if !(0.0..=most).contains(&value) {
            return Err(Error::params(field, format!("{value} is not a number of 0 to {most}")));
        }
    }
    let mut weights = [-alpha; 9];
    weights[4] = 1.0 - alpha + alpha * (8.0 + lightness);
    convolve(image, &Kernel::new(3, 3, &weights)?)
}

/// Motion blur: the mean along a line of `kernel_px` pixels through each, at `angle_deg` counted
/// counter-clockwise from the right, as one sees it.
///
/// The line's `kernel_px` points stand one pixel apart about the centre, and each shares its weight among
/// the four pixels around it (bilinear). Albumentations draws lines of whole pixels between random ends
/// instead.
///
/// # Errors
/// [`Error::Params`] when `kernel_px` is even or not in `1..=255` or `angle_deg` is not finite,
/// [`Error::Unsupported`] for what is not 8-bit grey or RGB.
pub fn motion(image: &Image, kernel_px: u32, angle_deg: f64) -> Result<Image> {
    let side = check_kernel(kernel_px)?;
    convolve(image, &Kernel::new(kernel_px, kernel_px, &line(side, angle_deg)?)?)
}

fn line(side: usize, angle_deg: f64) -> Result<Vec<f64>> {
    if !angle_deg.is_finite() {
        return Err(Error::params("angle_deg", format!("{angle_deg} is not a finite number")));
    }
    let turned = angle_deg.rem_euclid(180.0);
    // Right angles are exact: no crumbs beside the line.
    let (dx, dy) = match turned {
        0.0 => (1.0, 0.0),
        90.0 => (0.0, -1.0),
        _ => {
            let angle = turned * (std::f64::consts::PI / 180.0);
            (libm::cos(angle), -libm::sin(angle))
        }
    };
    let radius = (side / 2) as f64;
    let mut weights = vec![0.0; side * side];
    for step in 0..side {
        let along = step as f64 - radius;
        let (x, y) = (radius + along * dx, radius + along * dy);
        let (left, top) = (x.floor(), y.floor());
        let (right_share, low_share) = (x - left, y - top);
        for (px, share_x) in [(left, 1.0 - right_share), (left + 1.0, right_share)] {
            for (py, share_y) in [(top, 1.0 - low_share), (top + 1.0, low_share)] {
                if share_x * share_y > 0.0 {
                    // A point is at most the radius from the centre; a crumb beyond is rounding.
                    let (px, py) = ((px as usize).min(side - 1), (py as usize).min(side - 1));
                    weights[py * side + px] += share_x * share_y / side as f64;
                }
            }
        }
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_laid_on_as_they_stand() {
        // Each pixel becomes its right neighbour; the last one's is mirrored.
        let image = Image::from_u8(4, 1, 1, vec![10, 20, 30, 40]).unwrap();
        let right = Kernel::new(3, 1, &[0.0, 0.0, 1.0]).unwrap();
        assert_eq!(convolve(&image, &right).unwrap().as_u8().unwrap(), [20, 30, 40, 30]);
    }

    #[test]
    fn sharpening_keeps_what_is_flat_and_lifts_what_stands_out() {
        let flat = Image::from_u8(3, 3, 1, vec![77; 9]).unwrap();
        assert_eq!(sharpen(&flat, 0.3, 1.0).unwrap(), flat);
        // 0.5 · 100 + 0.5 · (9 · 100 − 8 · 90) = 140.
        let mut bytes = vec![90; 9];
        bytes[4] = 100;
        let image = Image::from_u8(3, 3, 1, bytes).unwrap();
        assert_eq!(sharpen(&image, 0.5, 1.0).unwrap().as_u8().unwrap()[4], 140);
    }

    #[test]
    fn motion_runs_along_its_line() {
        let mut bytes = vec![0; 25];
        bytes[12] = 240;
        let image = Image::from_u8(5, 5, 1, bytes).unwrap();
        let blurred = |angle| motion(&image, 3, angle).unwrap().as_u8().unwrap().to_vec();
        assert_eq!(blurred(0.0)[10..15], [0, 80, 80, 80, 0]);
        assert_eq!([7, 12, 17].map(|at| blurred(90.0)[at]), [80; 3]);
        // At 45° the outer points lie 0.707 aside and above: half of their third in the corner,
        // 0.207 of it beside and above the centre, 0.086 at it.
        let at45 = blurred(45.0);
        assert_eq!([at45[8], at45[16]], [40; 2]);
        assert_eq!([at45[7], at45[13], at45[11], at45[17]], [17; 4]);
        assert_eq!([at45[6], at45[18]], [0; 2]);
        assert_eq!(line(31, 30.0).unwrap(), line(31, 210.0).unwrap());
    }

    #[test]
    fn wide_paths_are_the_scalar_one() {
        let padded: Vec<u8> = (0..200 * 5_u32).map(|n| (n * n / 3) as u8).collect();
        let taps = [(0, -30_000), (3, 70_000), (200, 20_000), (403, 5_000)];
        let (mut a, mut b) = (vec![0; 300], vec![0; 300]);
        sums(&padded, 200, &taps, 100, &mut a);
        sums_body(&padded, 200, &taps, 100, &mut b);
        assert_eq!(a, b);
    }

    #[test]
    fn kernels_that_are_none_are_refused() {
        for (width, height, weights) in [
            (2, 1, vec![0.5; 2]),
            (3, 1, vec![0.5; 2]),
            (1, 1, vec![f64::NAN]),
            (1, 1, vec![f64::INFINITY]),
            (1, 1, vec![101.0]),
            (257, 1, vec![0.0; 257]),
        ] {
            assert_eq!(Kernel::new(width, height, &weights).unwrap_err().kind(), "params");
        }
    }
}
