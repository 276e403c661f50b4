//! What a poor codec or a small sensor leaves of an image.

use crate::error::{Error, Result};
use crate::image::Image;
use crate::image::jpeg::{self, Colour, Subsampling};
use crate::pixels::blur::Frame;

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

/// Loses detail: averages the image over `round(width · factor) × round(height · factor)` equal cells (at
/// least 1 × 1) and brings it back to its size.
///
/// A cell's mean counts each pixel by the share of it that lies inside, in 256ths along each axis, and is
/// rounded to the nearest level. The way back takes the small image's point
/// `(x + ½) · small / width − ½` for column x, in 256ths, and likewise for rows; beyond its border the
/// small image goes on with its border pixels repeated.
///
/// Albumentations' `Downscale` takes one pixel of each cell by default, which leaves aliases.
///
/// # Errors
/// [`Error::Params`] when `factor` is not in `0.01..=1`, [`Error::Unsupported`] for what is not 8-bit
/// grey or RGB.
pub fn downscale(image: &Image, factor: f64, up: Up) -> Result<Image> {
    let frame = Frame::of(image)?;
    if !(0.01..=1.0).contains(&factor) {
        return Err(Error::params("factor", format!("{factor} is not a number of 0.01 to 1")));
    }
    let small = |side: usize| ((side as f64 * factor).round() as usize).clamp(1, side);
    let (width, height, channels) = (frame.width, frame.height, frame.channels);
    let (columns, rows) = (cells(width, small(width)), cells(height, small(height)));
    let pitch = columns.len() * channels;
    // Rows are summed into one row of cells at a time: weighted levels of at most 255 · 2⁸ · 2⁸ · area.
    let mut shrunk = vec![0_u8; pitch * rows.len()];
    let mut sums = vec![0_u64; frame.pitch()];
    for (out, row) in shrunk.chunks_exact_mut(pitch).zip(&rows) {
        sums.fill(0);
        for (y, weight) in row.weighed() {
            let line = &frame.bytes[y * frame.pitch()..][..frame.pitch()];
            for (sum, &level) in sums.iter_mut().zip(line) {
                *sum = sum.wrapping_add(weight.wrapping_mul(level.into()));
            }
        }
        for (out, column) in out.chunks_exact_mut(channels).zip(&columns) {
            let area = column.total().wrapping_mul(row.total());
            for (channel, out) in out.iter_mut().enumerate() {
                let sum = column.weighed().fold(0_u64, |sum, (x, weight)| {
                    sum.wrapping_add(weight.wrapping_mul(sums[x * channels + channel]))
                });
                *out = (sum.wrapping_add(area / 2) / area) as u8;
            }
        }
    }
    let (across, down) = (places(columns.len(), width, up), places(rows.len(), height, up));
    let mut out = Vec::with_capacity(frame.bytes.len());
    for (top, bottom, low) in down {
        let (top, bottom) = (&shrunk[top * pitch..][..pitch], &shrunk[bottom * pitch..][..pitch]);
        for &(left, right, far) in &across {
            for channel in 0..channels {
                let (left, right) = (left * channels + channel, right * channels + channel);
                let line = |row: &[u8]| {
                    (256 - far)
                        .wrapping_mul(row[left].into())
                        .wrapping_add(far.wrapping_mul(row[right].into()))
                };
                let sum = (256 - low)
                    .wrapping_mul(line(top))
                    .wrapping_add(low.wrapping_mul(line(bottom)));
                out.push((sum.wrapping_add(1 << 15) >> 16) as u8);
            }
        }
    }
    frame.filled(out)
}

/// Part of a line of pixels: `first..=last`, of which the ends count `from` and `to` 256ths.
struct Cell {
    first: usize,
    last: usize,
    from: u64,
    to: u64,
}

impl Cell {
    fn weighed(&self) -> impl Iterator<Item = (usize, u64)> {
        (self.first..=self.last).map(|at| {
            let weight = match at {
                _ if at == self.first => self.from,
                _ if at == self.last => self.to,
                _ => 256,
            };
            (at, weight)
        })
    }

    fn total(&self) -> u64 {
        self.weighed().map(|(_, weight)| weight).sum()
    }
}

/// A line of `length` pixels in `count` equal cells.
fn cells(length: usize, count: usize) -> Vec<Cell> {
    let edge =
        |index: usize| (512 * length as u64 * index as u64 + count as u64) / (2 * count as u64);
    (0..count)
        .map(|index| {
            let (start, end) = (edge(index), edge(index + 1));
            let (first, last) = ((start / 256) as usize, ((end - 1) / 256) as usize);
            let from = (256 * (first as u64 + 1)).min(end) - start;
            let to = end - 256 * last as u64;
            Cell { first, last, from, to }
        })
        .collect()
}

/// For each of `length` pixels the two small ones it lies between, and the share of the second in 256ths.
fn places(small: usize, length: usize, up: Up) -> Vec<(usize, usize, u32)> {
    let (small, length) = (small as i64, length as i64);
    (0..length)
        .map(|at| match up {
            Up::Nearest => {
                let near = ((2 * at + 1) * small / (2 * length)) as usize;
                (near, near, 0)
            }
            Up::Linear => {
                let place =
                    ((2 * at + 1) * small * 256 / (2 * length) - 128).clamp(0, (small - 1) * 256);
                let left = place / 256;
                (left as usize, (left + 1).min(small - 1) as usize, (place % 256) as u32)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_averaged_and_spread() {
        let image = Image::from_u8(4, 2, 1, vec![10, 20, 30, 40, 20, 30, 40, 51]).unwrap();
        let found = downscale(&image, 0.5, Up::Nearest).unwrap();
        // Means 20 and 40.25.
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
