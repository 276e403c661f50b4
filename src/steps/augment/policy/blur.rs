//! Ops that blur.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::range::{odd, ordered};

/// Gaussian of standard deviation `sigma_px`; the edge is mirrored (reflect-101). Albumentations' draws a
/// window as well, and cuts the Gaussian at it.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct GaussianBlur {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Standard deviation in pixels.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 100.0)))]
    pub sigma_px: [f64; 2],
}

impl Default for GaussianBlur {
    fn default() -> Self {
        Self { p: 1.0, sigma_px: [0.5, 3.0] }
    }
}

/// Median of a square window; the edge pixel is repeated. As Albumentations' `MedianBlur`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct MedianBlur {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Side of the window, odd.
    #[garde(custom(odd), custom(ordered), inner(range(min = 1, max = 255)))]
    pub size_px: [u32; 2],
}

impl Default for MedianBlur {
    fn default() -> Self {
        Self { p: 1.0, size_px: [3, 7] }
    }
}

/// Mean along a line of `length_px` points, one pixel apart, through each pixel; each point is bilinear.
/// Albumentations' `MotionBlur` draws a line of whole pixels between random ends of a square.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct MotionBlur {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Length of the line in pixels, odd.
    #[garde(custom(odd), custom(ordered), inner(range(min = 1, max = 255)))]
    pub length_px: [u32; 2],
    /// Direction of the line in degrees, anticlockwise from x.
    #[garde(custom(ordered), inner(range(min = -360.0, max = 360.0)))]
    pub angle_deg: [f64; 2],
}

impl Default for MotionBlur {
    fn default() -> Self {
        Self { p: 1.0, length_px: [3, 7], angle_deg: [0.0, 180.0] }
    }
}

/// Mean over a disc (pixels with `dx² + dy² ≤ (radius_px + ½)²`), then a Gaussian of `alias_px` that takes
/// the steps from its edge. Albumentations' `Defocus` blurs the kernel and has `radius_px` in place of
/// `radius_px + ½`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Defocus {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Radius of the disc in pixels.
    #[garde(custom(ordered), inner(range(min = 0, max = 100)))]
    pub radius_px: [u32; 2],
    /// Standard deviation of the Gaussian in pixels.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 10.0)))]
    pub alias_px: [f64; 2],
}

impl Default for Defocus {
    fn default() -> Self {
        Self { p: 1.0, radius_px: [2, 5], alias_px: [0.1, 0.5] }
    }
}
