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
    #[garde(custom(odd), custom(ordered), inner(range(min = 1, max = 99)))]
    pub size_px: [u32; 2],
}

impl Default for MedianBlur {
    fn default() -> Self {
        Self { p: 1.0, size_px: [3, 7] }
    }
}

/// Mean along a line. Albumentations' `MotionBlur` draws the line of whole pixels, and where its middle
/// lies.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct MotionBlur {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Length of the line in pixels.
    #[garde(custom(ordered), inner(range(min = 1.0, max = 199.0)))]
    pub length_px: [f64; 2],
    /// Direction of the line in degrees, anticlockwise from x.
    #[garde(custom(ordered), inner(range(min = -360.0, max = 360.0)))]
    pub angle_deg: [f64; 2],
}

impl Default for MotionBlur {
    fn default() -> Self {
        Self { p: 1.0, length_px: [3.0, 7.0], angle_deg: [0.0, 180.0] }
    }
}

/// Mean over a disc. As Albumentations' `Defocus`, without its alias blur.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Defocus {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Radius of the disc in pixels.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 99.0)))]
    pub radius_px: [f64; 2],
}

impl Default for Defocus {
    fn default() -> Self {
        Self { p: 1.0, radius_px: [2.0, 5.0] }
    }
}
