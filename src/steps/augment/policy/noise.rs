//! Ops that add noise, or take away what an encoder or a sensor takes away.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::range::{ordered, stream};

/// Adds normal noise, rounded and clipped. As Albumentations' `GaussNoise` without its mean; there,
/// standard deviations are shares of white too.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct GaussNoise {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Standard deviation, as a share of white.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub std: [f64; 2],
    /// Whether each channel has noise of its own.
    pub per_channel: bool,
    /// Of a recorded op: what its noise is drawn from. Null: drawn.
    #[garde(inner(custom(stream)))]
    pub key: Option<String>,
}

impl Default for GaussNoise {
    fn default() -> Self {
        Self { p: 1.0, std: [0.02, 0.08], per_channel: true, key: None }
    }
}

/// Noise of a sensor at high sensitivity: of the lightness by `intensity`, of the colour by `color_shift`.
/// In the sense of Albumentations' `ISONoise`, which works in HLS.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct IsoNoise {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Standard deviation of the colour, as a share of its range.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub color_shift: [f64; 2],
    /// Strength of the noise of the lightness.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub intensity: [f64; 2],
    /// Of a recorded op: what its noise is drawn from. Null: drawn.
    #[garde(inner(custom(stream)))]
    pub key: Option<String>,
}

impl Default for IsoNoise {
    fn default() -> Self {
        Self { p: 1.0, color_shift: [0.01, 0.05], intensity: [0.1, 0.5], key: None }
    }
}

/// Noise of counted photons: the variance of a sample grows with it. As Albumentations' `ShotNoise`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ShotNoise {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// What one photon adds, as a share of white: larger is noisier.
    #[garde(custom(ordered), inner(range(min = 0.0001, max = 1.0)))]
    pub scale: [f64; 2],
    /// Of a recorded op: what its noise is drawn from. Null: drawn.
    #[garde(inner(custom(stream)))]
    pub key: Option<String>,
}

impl Default for ShotNoise {
    fn default() -> Self {
        Self { p: 1.0, scale: [0.1, 0.3], key: None }
    }
}

/// Encodes as baseline JPEG with 4:2:0 chroma and decodes. As Albumentations' `ImageCompression` with
/// `compression_type: jpeg`; the pinned codec makes the same bytes everywhere.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Jpeg {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Quality on libjpeg's scale.
    #[garde(custom(ordered), inner(range(min = 1, max = 100)))]
    pub quality: [u32; 2],
}

impl Default for Jpeg {
    fn default() -> Self {
        Self { p: 1.0, quality: [50, 95] }
    }
}

/// Makes the image smaller by `scale`, each pixel the mean of its cell, and as large as it was by the nearest
/// pixel. Albumentations' `Downscale` takes one pixel of each cell by default.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Downscale {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Factor of the sides.
    #[garde(custom(ordered), inner(range(min = 0.01, max = 1.0)))]
    pub scale: [f64; 2],
}

impl Default for Downscale {
    fn default() -> Self {
        Self { p: 1.0, scale: [0.25, 0.5] }
    }
}
