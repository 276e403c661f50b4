//! Ops that change the frame.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::place::Border;
use super::range::ordered;
use crate::pixels::resize::Filter;

/// Largest side of what an op makes, in pixels.
pub const SIDE_MAX: u32 = 16_384;

/// Cuts out a random part of the image and resizes it (Szegedy 2015). The part has `area` of the image's
/// area and the aspect `ratio` (drawn uniformly in its logarithm); a side that is longer than the
/// image's is cut to it. It lies at `x`, `y` of the room that is left. Albumentations' draws again up to
/// ten times where the part does not fit, and its resize is not antialiased.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct RandomResizedCrop {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Width of what is made.
    #[garde(range(min = 1, max = SIDE_MAX))]
    pub width_px: u32,
    /// Height of what is made.
    #[garde(range(min = 1, max = SIDE_MAX))]
    pub height_px: u32,
    /// Share of the image's area.
    #[garde(custom(ordered), inner(range(min = 0.0001, max = 1.0)))]
    pub area: [f64; 2],
    /// Width over height.
    #[garde(custom(ordered), inner(range(min = 0.05, max = 20.0)))]
    pub ratio: [f64; 2],
    /// Where it lies along x: 0 at the left, 1 at the right.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub x: [f64; 2],
    /// Where it lies along y: 0 at the top, 1 at the bottom.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub y: [f64; 2],
    /// How the image is resized; a mask always by the nearest pixel.
    pub filter: Filter,
}

impl Default for RandomResizedCrop {
    fn default() -> Self {
        Self {
            p: 1.0,
            width_px: 224,
            height_px: 224,
            area: [0.08, 1.0],
            ratio: [0.75, 1.333_333_333_333_333_3],
            x: [0.0, 1.0],
            y: [0.0, 1.0],
            filter: Filter::Bilinear,
        }
    }
}

/// Cuts out a part, at `x`, `y` of the room that is left: `[0, 1]` is a random crop, `[0.5, 0.5]` the
/// centre (rounded towards the upper left). An image that is smaller is first padded evenly.
/// Albumentations' `RandomCrop` and `CenterCrop` fail there, unless `pad_if_needed`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Crop {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Width of what is made.
    #[garde(range(min = 1, max = SIDE_MAX))]
    pub width_px: u32,
    /// Height of what is made.
    #[garde(range(min = 1, max = SIDE_MAX))]
    pub height_px: u32,
    /// Where it lies along x: 0 at the left, 1 at the right.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub x: [f64; 2],
    /// Where it lies along y: 0 at the top, 1 at the bottom.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub y: [f64; 2],
    /// What lies beyond the edges of an image that is smaller.
    pub border: Border,
    /// Colour beyond the edges, with `border: constant`; of a grey image the first number.
    pub fill: [u8; 3],
    /// Value of a mask beyond the edges, with `border: constant`.
    pub mask_fill: u8,
}

impl Default for Crop {
    fn default() -> Self {
        Self {
            p: 1.0,
            width_px: 224,
            height_px: 224,
            x: [0.0, 1.0],
            y: [0.0, 1.0],
            border: Border::Constant,
            fill: [0; 3],
            mask_fill: 0,
        }
    }
}

/// Adds pixels at the edges: those that are named, then what is missing to the least size, of which `x`
/// and `y` say how much is at the left and at the top. As Albumentations' `Pad` and `PadIfNeeded`, whose
/// odd pixel is at the right and at the bottom too.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Pad {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Columns at the left.
    #[garde(range(max = SIDE_MAX))]
    pub left_px: u32,
    /// Rows at the top.
    #[garde(range(max = SIDE_MAX))]
    pub top_px: u32,
    /// Columns at the right.
    #[garde(range(max = SIDE_MAX))]
    pub right_px: u32,
    /// Rows at the bottom.
    #[garde(range(max = SIDE_MAX))]
    pub bottom_px: u32,
    /// Least width of what is made.
    #[garde(range(max = SIDE_MAX))]
    pub min_width_px: u32,
    /// Least height of what is made.
    #[garde(range(max = SIDE_MAX))]
    pub min_height_px: u32,
    /// Width and height become multiples of it.
    #[garde(range(min = 1, max = 4096))]
    pub multiple_px: u32,
    /// Which share of the missing columns is at the left.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub x: [f64; 2],
    /// Which share of the missing rows is at the top.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub y: [f64; 2],
    /// What lies beyond the edges.
    pub border: Border,
    /// Colour beyond the edges, with `border: constant`; of a grey image the first number.
    pub fill: [u8; 3],
    /// Value of a mask beyond the edges, with `border: constant`.
    pub mask_fill: u8,
}

impl Default for Pad {
    fn default() -> Self {
        Self {
            p: 1.0,
            left_px: 0,
            top_px: 0,
            right_px: 0,
            bottom_px: 0,
            min_width_px: 0,
            min_height_px: 0,
            multiple_px: 1,
            x: [0.5, 0.5],
            y: [0.5, 0.5],
            border: Border::Constant,
            fill: [0; 3],
            mask_fill: 0,
        }
    }
}

/// Makes the image this large, whatever its aspect; antialiased, as Pillow. Albumentations' `Resize` is
/// not antialiased.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Resize {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Width of what is made.
    #[garde(range(min = 1, max = SIDE_MAX))]
    pub width_px: u32,
    /// Height of what is made.
    #[garde(range(min = 1, max = SIDE_MAX))]
    pub height_px: u32,
    /// How the image is resized; a mask always by the nearest pixel.
    pub filter: Filter,
}

impl Default for Resize {
    fn default() -> Self {
        Self { p: 1.0, width_px: 224, height_px: 224, filter: Filter::Bilinear }
    }
}
