//! Filters by name.

use fast_image_resize as fir;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

use crate::error::{Error, Result};

/// How pixels of the source make one of the resized image. All but `nearest` grow with the scale, so
/// that a smaller image has no aliases.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// The pixel in which the centre falls. For masks and class maps; aliases in photos.
    Nearest,
    /// The mean of the pixels covered. The fastest; blocky where an image grows.
    Box,
    /// A triangle 1 pixel to each side: soft, without halos.
    Bilinear,
    /// A sinc 1 pixel to each side in a Hamming window: sharper than `bilinear` at its price.
    Hamming,
    /// Cubic with a = −0.5, 2 pixels to each side: sharp, with faint halos. Pillow's bicubic.
    CatmullRom,
    /// Cubic with B = C = 1/3, 2 pixels to each side: between `bilinear` and `catmull-rom`.
    Mitchell,
    /// A Gaussian of σ = 0.5 pixels: the softest.
    Gaussian,
    /// A sinc 3 pixels to each side in a Lanczos window: the sharpest, with halos at hard edges.
    #[serde(rename = "lanczos3")]
    Lanczos3,
}

impl Filter {
    /// The filter as the convolution library's. Its own Hamming, Gaussian and Lanczos call std's `sin`,
    /// `cos` and `exp`, which are not the same on every platform: these three are given as functions
    /// over `libm`.
    pub(super) fn convolution(self) -> Result<fir::FilterType> {
        let own = |name, function, support| {
            fir::Filter::new(name, function, support)
                .map(fir::FilterType::Custom)
                .map_err(|e| Error::Bug { message: format!("filter {name}: {e}") })
        };
        match self {
            Self::Box | Self::Nearest => Ok(fir::FilterType::Box),
            Self::Bilinear => Ok(fir::FilterType::Bilinear),
            Self::CatmullRom => Ok(fir::FilterType::CatmullRom),
            Self::Mitchell => Ok(fir::FilterType::Mitchell),
            Self::Hamming => own("hamming", hamming, 1.0),
            Self::Gaussian => own("gaussian", gaussian, 3.0),
            Self::Lanczos3 => own("lanczos3", lanczos3, 3.0),
        }
    }
}

/// `(0.54 + 0.46 cos πx) · sin πx / πx` for |x| < 1.
fn hamming(x: f64) -> f64 {
    let x = x.abs();
    if x == 0.0 {
        return 1.0;
    }
    if x >= 1.0 {
        return 0.0;
    }
    let x = x * PI;
    (0.54 + 0.46 * libm::cos(x)) * libm::sin(x) / x
}

/// [`hamming`] as Pillow has it: constants in single precision, factors the other way round.
pub(super) fn hamming_single(x: f64) -> f64 {
    let x = x.abs();
    if x == 0.0 {
        return 1.0;
    }
    if x >= 1.0 {
        return 0.0;
    }
    let x = x * PI;
    libm::sin(x) / x * (f64::from(0.54_f32) + f64::from(0.46_f32) * libm::cos(x))
}

/// `exp(−2x²) / √(½π)`, σ = 0.5, for −3 ≤ x < 3.
fn gaussian(x: f64) -> f64 {
    if !(-3.0..3.0).contains(&x) {
        return 0.0;
    }
    ((2.0 * PI).sqrt() * 0.5).recip() * libm::exp(-(x * x) / (2.0 * 0.25))
}

/// `sinc x · sinc x/3` for −3 ≤ x < 3.
pub(super) fn lanczos3(x: f64) -> f64 {
    if (-3.0..3.0).contains(&x) { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    let x = x * PI;
    libm::sin(x) / x
}
