//! Pixels read between pixels: affine, perspective and free maps.
//!
//! A motion is given by its inverse: for each pixel of the output, the point of the source that it
//! shows. Points are in pixels, and the centre of the pixel in column x, row y is (x, y).
//!
//! # Positions and weights
//! Positions are rounded to 1/32 pixel, and the four neighbours of a position weigh
//! `(32−fx)(32−fy), fx(32−fy), (32−fx)fy, fx·fy` of 1024, rounded half up: integers, the same on
//! every machine. On the pictures of the tests, OpenCV 4.14 gives the same pixels for affine and
//! perspective motions.

mod blend;
mod elastic;
mod map;
mod matrix;
mod nearest;
mod positions;

use crate::error::{Error, Result};
use crate::image::{Image, Samples};
use crate::pixels::geometry::{Border, kept};
pub use map::Map;
pub use matrix::{Affine, Homography};
use positions::Positions;

/// How a value is read between pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// The nearest pixel; half-way goes right and down. For masks.
    Nearest,
    /// The weighted mean of the four neighbours.
    Bilinear,
}

/// The image of `size` (width, height) whose pixel (x, y) shows the point
/// `(m00 x + m01 y + m02, m10 x + m11 y + m12)` of `image`.
///
/// Taken: 8 and 16 bits, 1–4 channels. Alpha is interpolated as every other channel.
///
/// # Errors
/// [`Error::Params`] for a matrix that is not finite or a `size` of 0, [`Error::Limit`] for an output
/// of more than 2³¹ samples or a side above 2²⁰ pixels, [`Error::Unsupported`] for samples of floats.
pub fn affine(
    image: &Image,
    inverse: &[[f64; 3]; 2],
    size: (u32, u32),
    interpolation: Interpolation,
    border: &Border,
) -> Result<Image> {
    finite(inverse.iter().flatten())?;
    let positions = positions::AffineRows::new(inverse, size.0 as usize, interpolation);
    warped(image, &positions, size, interpolation, border)
}

/// The image of `size` whose pixel (x, y) shows the point `(u/w, v/w)` of `image`, where
/// `(u, v, w) = inverse · (x, y, 1)`. Where w is 0 that is the point (0, 0).
///
/// # Errors
/// As [`affine`].
pub fn perspective(
    image: &Image,
    inverse: &[[f64; 3]; 3],
    size: (u32, u32),
    interpolation: Interpolation,
    border: &Border,
) -> Result<Image> {
    finite(inverse.iter().flatten())?;
    let positions = positions::PerspectiveRows::new(inverse, interpolation);
    warped(image, &positions, size, interpolation, border)
}

/// The image of `map`'s size whose pixels show the points of `image` that `map` says.
///
/// # Errors
/// As [`affine`].
pub fn remap(
    image: &Image,
    map: &Map,
    interpolation: Interpolation,
    border: &Border,
) -> Result<Image> {
    warped(image, map, map.size(), interpolation, border)
}

fn finite<'a>(numbers: impl Iterator<Item = &'a f64>) -> Result<()> {
    for number in numbers {
        if !number.is_finite() {
            return Err(Error::params("matrix", format!("{number} is not a finite number")));
        }
    }
    Ok(())
}

/// Most pixels on a side: positions of 1/32 pixel fit 32 bits with room for what lies outside.
const LONGEST: u32 = 1 << 20;

fn warped(
    image: &Image,
    positions: &dyn Positions,
    size: (u32, u32),
    interpolation: Interpolation,
    border: &Border,
) -> Result<Image> {
    kept("the warped image", size, image.channels())?;
    for side in [size.0, size.1, image.width_px(), image.height_px()] {
        if side > LONGEST {
            return Err(Error::limit(
                "a side of a warped image",
                format!("{side} pixels"),
                format!("{LONGEST} pixels"),
                "cut or resize the image first",
            ));
        }
    }
    let shape = blend::Shape {
        width: image.width_px() as usize,
        height: image.height_px() as usize,
        channels: image.channels().into(),
        size: (size.0 as usize, size.1 as usize),
    };
    let samples = match (image.samples(), interpolation) {
        (Samples::U8(v), Interpolation::Nearest) => {
            Samples::U8(nearest::nearest(v, &shape, positions, border))
        }
        (Samples::U16(v), Interpolation::Nearest) => {
            Samples::U16(nearest::nearest(v, &shape, positions, border))
        }
        (Samples::U8(v), Interpolation::Bilinear) => {
            Samples::U8(blend::bilinear(v, &shape, positions, border))
        }
        (Samples::U16(v), Interpolation::Bilinear) => {
            Samples::U16(blend::bilinear(v, &shape, positions, border))
        }
        (Samples::F32(_), _) => {
            return Err(Error::unsupported(
                "warping an image of floats",
                "warp before samples become floats",
            ));
        }
    };
    Image::new(size.0, size.1, image.channels(), samples)
}
