//! Ops that move pixels within the frame.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::range::{ordered, stream};

/// How a value between pixels is found.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// The nearest pixel.
    Nearest,
    /// Of four pixels, by distance.
    #[default]
    Bilinear,
}

/// What lies beyond the edges.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Border {
    /// One colour: `fill`.
    #[default]
    Constant,
    /// The pixel of the edge, on and on.
    Replicate,
    /// The image mirrored about its edge pixels (`dcb|abcd|cba`, OpenCV's `BORDER_REFLECT_101`).
    Reflect101,
    /// The image mirrored about its edges (`cba|abcd|dcb`, OpenCV's `BORDER_REFLECT`).
    Reflect,
    /// The image again (`bcd|abcd|abc`).
    Wrap,
}

/// Left and right change places: `out(x, y) = in(w − 1 − x, y)`. As Albumentations' `HorizontalFlip`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct HorizontalFlip {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
}

impl Default for HorizontalFlip {
    fn default() -> Self {
        Self { p: 1.0 }
    }
}

/// Top and bottom change places: `out(x, y) = in(x, h − 1 − y)`. As Albumentations' `VerticalFlip`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct VerticalFlip {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
}

impl Default for VerticalFlip {
    fn default() -> Self {
        Self { p: 1.0 }
    }
}

/// Columns become rows: `out(x, y) = in(y, x)`. As Albumentations' `Transpose`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Transpose {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
}

impl Default for Transpose {
    fn default() -> Self {
        Self { p: 1.0 }
    }
}

/// Quarter turns, anticlockwise, without interpolation. As Albumentations' `RandomRotate90`, whose
/// number of turns is always 0–3.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Rot90 {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Number of quarter turns.
    #[garde(custom(ordered), inner(range(min = 0, max = 3)))]
    pub turns: [u32; 2],
}

impl Default for Rot90 {
    fn default() -> Self {
        Self { p: 1.0, turns: [0, 3] }
    }
}

/// Turns about the centre of the frame, which stays as large as it is; what leaves it is lost. Degrees,
/// anticlockwise. Albumentations' `Rotate` draws the same angle; its border is `BORDER_CONSTANT` too.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Rotate {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Angle in degrees, anticlockwise.
    #[garde(custom(ordered), inner(range(min = -360.0, max = 360.0)))]
    pub angle_deg: [f64; 2],
    /// How values between pixels are found; of a mask always the nearest.
    pub interpolation: Interpolation,
    /// What lies beyond the edges.
    pub border: Border,
    /// Colour beyond the edges, with `border: constant`; of a grey image the first number.
    pub fill: [u8; 3],
    /// Value of a mask beyond the edges, with `border: constant`.
    pub mask_fill: u8,
}

impl Default for Rotate {
    fn default() -> Self {
        Self {
            p: 1.0,
            angle_deg: [-45.0, 45.0],
            interpolation: Interpolation::Bilinear,
            border: Border::Constant,
            fill: [0; 3],
            mask_fill: 0,
        }
    }
}

/// Scales, turns, shears and moves, in this order, about the centre of the frame, which stays as large
/// as it is. Albumentations' `Affine` shears before it turns, and draws whole pixels where
/// `translate_px` is given; here distances are shares of the frame.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Affine {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Factor; 2 makes things twice as large.
    #[garde(custom(ordered), inner(range(min = 0.01, max = 100.0)))]
    pub scale: [f64; 2],
    /// Factor along y; null: the same as along x.
    #[garde(inner(custom(ordered), inner(range(min = 0.01, max = 100.0))))]
    pub scale_y: Option<[f64; 2]>,
    /// Angle in degrees, anticlockwise.
    #[garde(custom(ordered), inner(range(min = -360.0, max = 360.0)))]
    pub angle_deg: [f64; 2],
    /// Shear along x in degrees: x grows by tan of it per row.
    #[garde(custom(ordered), inner(range(min = -80.0, max = 80.0)))]
    pub shear_x_deg: [f64; 2],
    /// Shear along y in degrees.
    #[garde(custom(ordered), inner(range(min = -80.0, max = 80.0)))]
    pub shear_y_deg: [f64; 2],
    /// Move to the right, as a share of the width.
    #[garde(custom(ordered), inner(range(min = -1.0, max = 1.0)))]
    pub translate_x: [f64; 2],
    /// Move downwards, as a share of the height.
    #[garde(custom(ordered), inner(range(min = -1.0, max = 1.0)))]
    pub translate_y: [f64; 2],
    /// How values between pixels are found; of a mask always the nearest.
    pub interpolation: Interpolation,
    /// What lies beyond the edges.
    pub border: Border,
    /// Colour beyond the edges, with `border: constant`; of a grey image the first number.
    pub fill: [u8; 3],
    /// Value of a mask beyond the edges, with `border: constant`.
    pub mask_fill: u8,
}

impl Default for Affine {
    fn default() -> Self {
        Self {
            p: 1.0,
            scale: [0.9, 1.1],
            scale_y: None,
            angle_deg: [-15.0, 15.0],
            shear_x_deg: [0.0, 0.0],
            shear_y_deg: [0.0, 0.0],
            translate_x: [-0.05, 0.05],
            translate_y: [-0.05, 0.05],
            interpolation: Interpolation::Bilinear,
            border: Border::Constant,
            fill: [0; 3],
            mask_fill: 0,
        }
    }
}

/// Draws each corner inwards or outwards: the corner of the image goes to a point that lies off the
/// corner of the frame by up to `scale` of each side, and the frame stays as large as it is.
/// Albumentations' `Perspective` draws the distance from a normal distribution and always inwards of the
/// source.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Perspective {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Largest distance of a corner, as a share of the side.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 0.3)))]
    pub scale: [f64; 2],
    /// How values between pixels are found; of a mask always the nearest.
    pub interpolation: Interpolation,
    /// What lies beyond the edges.
    pub border: Border,
    /// Colour beyond the edges, with `border: constant`; of a grey image the first number.
    pub fill: [u8; 3],
    /// Value of a mask beyond the edges, with `border: constant`.
    pub mask_fill: u8,
    /// Of a recorded op: what its corners are drawn from. Null: drawn.
    #[garde(inner(custom(stream)))]
    pub key: Option<String>,
}

impl Default for Perspective {
    fn default() -> Self {
        Self {
            p: 1.0,
            scale: [0.05, 0.1],
            interpolation: Interpolation::Bilinear,
            border: Border::Constant,
            fill: [0; 3],
            mask_fill: 0,
            key: None,
        }
    }
}

/// Bends: each pixel is taken from where a field of random moves points, uniform in −1…1, smoothed by a
/// Gaussian of `sigma_px` and multiplied by `alpha_px` (Simard 2003). As Albumentations'
/// `ElasticTransform`, without its affine part.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Elastic {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// What the smoothed field is multiplied by, in pixels.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 10_000.0)))]
    pub alpha_px: [f64; 2],
    /// Standard deviation of the smoothing, in pixels.
    #[garde(custom(ordered), inner(range(min = 0.5, max = 500.0)))]
    pub sigma_px: [f64; 2],
    /// How values between pixels are found; of a mask always the nearest.
    pub interpolation: Interpolation,
    /// What lies beyond the edges.
    pub border: Border,
    /// Colour beyond the edges, with `border: constant`; of a grey image the first number.
    pub fill: [u8; 3],
    /// Value of a mask beyond the edges, with `border: constant`.
    pub mask_fill: u8,
    /// Of a recorded op: what its field is drawn from. Null: drawn.
    #[garde(inner(custom(stream)))]
    pub key: Option<String>,
}

impl Default for Elastic {
    fn default() -> Self {
        Self {
            p: 1.0,
            alpha_px: [50.0, 50.0],
            sigma_px: [6.0, 6.0],
            interpolation: Interpolation::Bilinear,
            border: Border::Reflect101,
            fill: [0; 3],
            mask_fill: 0,
            key: None,
        }
    }
}

/// Bends along a grid: of `cells` × `cells`, each column shows a part of the image that is up to `stretch`
/// wider or narrower than it, and each row one that is higher or lower; together they show the whole. As
/// Albumentations' `GridDistortion` with `normalized`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct GridDistortion {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Cells along each side.
    #[garde(range(min = 1, max = 64))]
    pub cells: u32,
    /// By how much a part may be wider or narrower than a cell, as a share of it.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 0.9)))]
    pub stretch: [f64; 2],
    /// How values between pixels are found; of a mask always the nearest.
    pub interpolation: Interpolation,
    /// What lies beyond the edges.
    pub border: Border,
    /// Colour beyond the edges, with `border: constant`; of a grey image the first number.
    pub fill: [u8; 3],
    /// Value of a mask beyond the edges, with `border: constant`.
    pub mask_fill: u8,
    /// Of a recorded op: what its columns and rows are drawn from. Null: drawn.
    #[garde(inner(custom(stream)))]
    pub key: Option<String>,
}

impl Default for GridDistortion {
    fn default() -> Self {
        Self {
            p: 1.0,
            cells: 5,
            stretch: [0.3, 0.3],
            interpolation: Interpolation::Bilinear,
            border: Border::Reflect101,
            fill: [0; 3],
            mask_fill: 0,
            key: None,
        }
    }
}
