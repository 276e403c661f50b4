//! What a poor codec or a small sensor leaves of an image.

mod squares;

use crate::error::{Error, Result};
use crate::image::Image;
use crate::image::jpeg::{self, Colour, Subsampling};
use crate::pixels::blur::Frame;
use crate::pixels::resize::{Filter, Light, Resizer, resize};

/// Writes the image as a baseline JPEG of `quality` 1–100 (chroma halved both ways) and reads it again:
/// the pixels that libjpeg-turbo, and so Pillow and OpenCV, would give.
///
/// # Errors
/// [`Error::Params`] when `quality` is not in `1..=100`, [`Error::Unsupported`] for what is not 8-bit
/// grey or RGB or has a side above 65,500 pixels.
pub fn jpeg(image: &Image, quality: u8) -> Result<Image> {
    let frame = Frame::of(image)?;
    if !(1..=100).contains(&quality) {
        return Err(Error::params("quality", format!("{quality} is not a number of 1 to 100")));
    }
    let bytes = jpeg::encode(image, quality, Subsampling::S420)?;
    // What is read is what was written: no larger than the image in hand.
    jpeg::decode(&bytes, Colour::Auto, frame.bytes.len() as u64)
}

/// How pixels of a smaller image become pixels of the large one again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Up {
    /// Squares: each pixel takes the nearest small one's level.
    Nearest,
    /// Between the four small pixels around, linearly.
    Linear,
}

/// The longest side that [`downscale`] takes: its sums are 32 bits long.
const SIDE_PX: usize = 1 << 24;

/// Loses detail: the image in `round(width · factor) × round(height · factor)` cells (at least 1 × 1), each
/// the mean of what it covers, and back in its size. Means are exact and rounded once, halves up; a pixel
/// that the edge of a cell cuts counts by its share.
///
/// Albumentations' `Downscale` takes one pixel of each cell by default, which leaves aliases; with OpenCV's
/// `INTER_AREA` it gives the same cells.
///
/// # Errors
/// [`Error::Params`] when `factor` is not in `0.01..=1`, [`Error::Unsupported`] for what is not 8-bit
/// grey or RGB or has a side of 2²⁴ pixels or more.
pub fn downscale(image: &Image, factor: f64, up: Up) -> Result<Image> {
    let frame = Frame::of(image)?;
    if !(0.01..=1.0).contains(&factor) {
        return Err(Error::params("factor", format!("{factor} is not a number of 0.01 to 1")));
    }
    if frame.width.max(frame.height) >= SIDE_PX {
        return Err(Error::unsupported(
            format!("downscaling an image of {} × {} pixels", frame.width, frame.height),
            "cut it into tiles first",
        ));
    }
    let small = |side: usize| ((side as f64 * factor).round() as usize).clamp(1, side.max(1));
    let (columns, rows) = (small(frame.width), small(frame.height));
    let means = squares::means(&frame, (columns, rows));
    match up {
        Up::Nearest => {
            let whole = (frame.width, frame.height);
            frame.filled(squares::spread(&means, (columns, rows), whole, frame.channels))
        }
        Up::Linear => {
            let size = (columns as u32, rows as u32);
            let shrunk = Image::from_u8(size.0, size.1, image.channels(), means)?;
            let whole = (image.width_px(), image.height_px());
            resize(&mut Resizer::new(), &shrunk, whole, Filter::Bilinear, Light::Gamma)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_averaged_and_spread() {
        let image = Image::from_u8(4, 2, 1, vec![10, 20, 30, 40, 20, 30, 40, 51]).unwrap();
        let found = downscale(&image, 0.5, Up::Nearest).unwrap();
        // Means 20 and 40.25; linearly, a quarter and three quarters between them.
        assert_eq!(found.as_u8().unwrap(), [20, 20, 40, 40, 20, 20, 40, 40]);
        let found = downscale(&image, 0.5, Up::Linear).unwrap();
        assert_eq!(found.as_u8().unwrap(), [20, 25, 35, 40, 20, 25, 35, 40]);
        assert_eq!(downscale(&image, 1.0, Up::Linear).unwrap(), image);
    }

    #[test]
    fn pixels_on_an_edge_are_shared() {
        // Three columns in two cells: the middle one belongs half to each.
        let image = Image::from_u8(3, 1, 1, vec![0, 60, 120]).unwrap();
        let found = downscale(&image, 0.6, Up::Nearest).unwrap();
        assert_eq!(found.as_u8().unwrap(), [20, 100, 100]);
    }

    #[test]
    fn a_jpeg_keeps_flat_images_and_loses_detail() {
        let flat = Image::from_u8(16, 16, 1, vec![128; 256]).unwrap();
        assert_eq!(jpeg(&flat, 10).unwrap(), flat);
        let bytes: Vec<u8> = (0..3 * 256_u32).map(|n| (n * n) as u8).collect();
        let noisy = Image::from_u8(16, 16, 3, bytes).unwrap();
        assert_ne!(jpeg(&noisy, 10).unwrap(), noisy);
        assert_eq!(jpeg(&noisy, 0).unwrap_err().kind(), "params");
        assert_eq!(jpeg(&noisy, 101).unwrap_err().kind(), "params");
    }
}
