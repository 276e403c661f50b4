//! Ops of the field: what lies before a lens.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::range::{ordered, stream};

/// Covers rectangles with a colour (DeVries 2017). Masks, boxes and keypoints stay. As Albumentations'
/// `CoarseDropout`, which can cover masks and drop what is hidden.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct CoarseDropout {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// How many.
    #[garde(custom(ordered), inner(range(min = 1, max = 1000)))]
    pub holes: [u32; 2],
    /// Height of each, as a share of the image's; drawn from `key`, with its place.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub height: [f64; 2],
    /// Width of each, as a share of the image's; drawn from `key`, with its place.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub width: [f64; 2],
    /// The colour; of a grey image the first number.
    pub fill: [u8; 3],
    /// Of a recorded op: where its holes lie. Null: drawn.
    #[garde(inner(custom(stream)))]
    pub key: Option<String>,
}

impl Default for CoarseDropout {
    fn default() -> Self {
        Self {
            p: 1.0,
            holes: [1, 4],
            height: [0.05, 0.2],
            width: [0.05, 0.2],
            fill: [0; 3],
            key: None,
        }
    }
}

/// Mixes the image with white, more where a smooth random field says so. In the sense of Albumentations'
/// `RandomFog`, which draws discs.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Fog {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Largest share of white.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub density: [f64; 2],
    /// Of a recorded op: what its field is drawn from. Null: drawn.
    #[garde(inner(custom(stream)))]
    pub key: Option<String>,
}

impl Default for Fog {
    fn default() -> Self {
        Self { p: 1.0, density: [0.2, 0.6], key: None }
    }
}

/// Draws bright slanted streaks and darkens what lies behind. In the sense of Albumentations' `RandomRain`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Rain {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Streaks on 512 × 512 pixels; other images have them in proportion.
    #[garde(custom(ordered), inner(range(min = 0, max = 20000)))]
    pub drops: [u32; 2],
    /// Length of a streak in pixels.
    #[garde(custom(ordered), inner(range(min = 1.0, max = 500.0)))]
    pub length_px: [f64; 2],
    /// Slant in degrees from the vertical.
    #[garde(custom(ordered), inner(range(min = -60.0, max = 60.0)))]
    pub slant_deg: [f64; 2],
    /// Factor of the image behind.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub darken: [f64; 2],
    /// Of a recorded op: where its drops fall. Null: drawn.
    #[garde(inner(custom(stream)))]
    pub key: Option<String>,
}

impl Default for Rain {
    fn default() -> Self {
        Self {
            p: 1.0,
            drops: [100, 400],
            length_px: [10.0, 25.0],
            slant_deg: [-15.0, 15.0],
            darken: [0.7, 0.9],
            key: None,
        }
    }
}

/// Darkens random polygons of five corners anywhere in the image. In the sense of Albumentations'
/// `RandomShadow`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Shadow {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// How many.
    #[garde(custom(ordered), inner(range(min = 1, max = 20)))]
    pub shadows: [u32; 2],
    /// Share of the light that is taken.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub intensity: [f64; 2],
    /// Of a recorded op: where they lie. Null: drawn.
    #[garde(inner(custom(stream)))]
    pub key: Option<String>,
}

impl Default for Shadow {
    fn default() -> Self {
        Self { p: 1.0, shadows: [1, 2], intensity: [0.3, 0.6], key: None }
    }
}

/// Adds a bright disc that fades, and paler ones on the line through the centre. In the sense of
/// Albumentations' `RandomSunFlare`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct SunFlare {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Where the sun stands, as a share of the width.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub x: [f64; 2],
    /// Where the sun stands, as a share of the height.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub y: [f64; 2],
    /// Radius of the disc, as a share of the shorter side.
    #[garde(custom(ordered), inner(range(min = 0.001, max = 2.0)))]
    pub radius: [f64; 2],
    /// Share of white in its middle.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub intensity: [f64; 2],
    /// Of a recorded op: where the paler discs lie. Null: drawn.
    #[garde(inner(custom(stream)))]
    pub key: Option<String>,
}

impl Default for SunFlare {
    fn default() -> Self {
        Self {
            p: 1.0,
            x: [0.0, 1.0],
            y: [0.0, 0.5],
            radius: [0.2, 0.5],
            intensity: [0.5, 0.9],
            key: None,
        }
    }
}
