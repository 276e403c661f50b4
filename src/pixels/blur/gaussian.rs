//! Gaussian blur.

use super::separable::separable;
use super::smooth::{SIGMA, smooth};
use super::{Frame, check_kernel};
use crate::error::{Error, Result};
use crate::image::Image;

/// The largest σ that is done with weights of its own: 49 × 49 pixels.
const DIRECT: f64 = 8.0;

/// A Gaussian blur of standard deviation `sigma_px`; 0 changes nothing.
///
/// Up to σ = 8 this is [`gaussian_kernel`] with the side `round(6σ + 1)`, made odd by adding 1 where it is
/// even: OpenCV's rule for 8 bits. Above, four box blurs with fractional ends whose variances sum to
/// σ² exactly take its place (Gwosdek, Grewenig, Bruhn and Weickert 2011,
/// doi:10.1007/978-3-642-24785-9_38): time does not grow with σ. They carry 8 fractional bits from pass
/// to pass.
///
/// Against a Gaussian in floats, rounded, at most two fifths of a photo's samples differ above σ = 8:
/// by 1, seldom by 2, and 3 is the most that was seen. The 8-bit weights below differ by 3 at most, too.
///
/// # Errors
/// [`Error::Params`] when `sigma_px` is not in `0..=100`, [`Error::Unsupported`] for what is not 8-bit
/// grey or RGB.
pub fn gaussian(image: &Image, sigma_px: f64) -> Result<Image> {
    if !(0.0..=SIGMA).contains(&sigma_px) {
        return Err(Error::params(
            "sigma_px",
            format!("{sigma_px} is not a number of 0 to {SIGMA}"),
        ));
    }
    if sigma_px == 0.0 {
        return Frame::of(image).map(|_| image.clone());
    }
    if sigma_px > DIRECT {
        return smooth(&Frame::of(image)?, sigma_px);
    }
    // The rule rounds halves to even, which here makes no odd number of an even one.
    let side = (6.0 * sigma_px + 1.0).round_ties_even() as u32 | 1;
    gaussian_kernel(image, side, sigma_px)
}

/// A Gaussian blur with a kernel of `kernel_px × kernel_px`; `sigma_px = 0` stands for OpenCV's weights
/// of a side: `1 2 1` quarters, `1 4 6 4 1` sixteenths, `2 7 14 18 14 7 2` sixty-fourths,
/// `4 13 30 51 60 51 30 13 4` 256ths, and above 9 those of σ = `0.15·kernel_px + 0.35`.
///
/// Other weights are `exp(−x² / 2σ²)` over their sum, in whole 256ths, from the outside in: what rounding
/// takes from one is given to the next, and the centre has what is left to 256. Sums are exact and
/// rounded once. These are the pixels of OpenCV's `GaussianBlur`. The time grows with the side.
///
/// # Errors
/// As [`gaussian`]; [`Error::Params`] also when `kernel_px` is even or not in `1..=255`.
pub fn gaussian_kernel(image: &Image, kernel_px: u32, sigma_px: f64) -> Result<Image> {
    let frame = Frame::of(image)?;
    let kernel = check_kernel(kernel_px)?;
    if !(0.0..=SIGMA).contains(&sigma_px) {
        return Err(Error::params(
            "sigma_px",
            format!("{sigma_px} is not a number of 0 to {SIGMA}"),
        ));
    }
    if kernel == 1 {
        return Ok(image.clone());
    }
    frame.filled(separable(&frame, &weights(kernel, sigma_px)))
}

/// Weights in 256ths, from the centre out.
fn weights(kernel: usize, sigma_px: f64) -> Vec<u16> {
    if sigma_px == 0.0 {
        match kernel {
            3 => return vec![128, 64],
            5 => return vec![96, 64, 16],
            7 => return vec![72, 56, 28, 8],
            9 => return vec![60, 51, 30, 13, 4],
            _ => {}
        }
    }
    let sigma = if sigma_px > 0.0 { sigma_px } else { 0.15 * kernel as f64 + 0.35 };
    let radius = kernel / 2;
    let bell = |away: usize| {
        let x = away as f64;
        libm::exp(-0.5 * x * x / (sigma * sigma))
    };
    let sum = 1.0 + 2.0 * (1..=radius).rev().map(bell).sum::<f64>();
    let mut whole = vec![0_u16; radius + 1];
    let (mut left, mut carried) = (256_u16, 0.0);
    for away in (1..=radius).rev() {
        let exact = 256.0 * bell(away) / sum + carried;
        let rounded = exact.round_ties_even();
        carried = exact - rounded;
        whole[away] = rounded as u16;
        left = left.saturating_sub(2 * whole[away]);
    }
    whole[0] = left;
    // Outer weights of nothing cost time and change nothing.
    let used = whole.iter().rposition(|&weight| weight > 0).unwrap_or(0);
    whole.truncate(used.max(1) + 1);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_whole_and_sum_to_256() {
        // exp(−½) = 0.6065, exp(−2) = 0.1353 over 2.4836: 0.4026, 0.2442, 0.0545, in 256ths 103.07,
        // 62.52, 13.95. 13.95 → 14, −0.05 carried: 62.47 → 62, and 256 − 2 · 76 are left.
        assert_eq!(weights(5, 1.0), [104, 62, 14]);
        for (kernel, sigma) in [
            (3, 0.0),
            (5, 0.0),
            (7, 0.0),
            (9, 0.0),
            (11, 0.0),
            (7, 0.3),
            (49, 8.0),
            (255, 100.0),
            (3, 1e-9),
        ] {
            let weights = weights(kernel, sigma);
            let around: u16 = weights[1..].iter().sum();
            assert_eq!(weights[0] + 2 * around, 256, "{kernel} {sigma}");
        }
    }

    #[test]
    fn what_is_no_blur_is_refused() {
        let image = Image::from_u8(2, 2, 1, vec![0; 4]).unwrap();
        assert_eq!(gaussian(&image, -1.0).unwrap_err().kind(), "params");
        assert_eq!(gaussian(&image, f64::NAN).unwrap_err().kind(), "params");
        assert_eq!(gaussian_kernel(&image, 4, 1.0).unwrap_err().kind(), "params");
        let deep = Image::from_u8(2, 1, 2, vec![0; 4]).unwrap();
        assert_eq!(gaussian(&deep, 1.0).unwrap_err().kind(), "unsupported");
    }
}
