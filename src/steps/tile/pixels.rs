//! What is done to every pixel before anything else, and what is counted at the end.

use crate::error::{Error, Result};
use crate::image::{Image, Samples};
use crate::slide::{Geometry, Level, Slide};

/// Channels of patches: 1 for grey slides, 3 for colour.
///
/// # Errors
/// [`Error::Unsupported`] for more than 8 bits per sample.
pub fn channels(geometry: &Geometry) -> Result<u8> {
    if geometry.bit_depth > 8 {
        return Err(deep(geometry.bit_depth));
    }
    Ok(if geometry.channels < 3 { 1 } else { 3 })
}

fn deep(bits: u8) -> Error {
    Error::unsupported(
        format!("cutting {bits}-bit slides into patches"),
        "make 8-bit copies first, so that it is you who says how the range is mapped (`vips linear`, `vips cast`)",
    )
}

/// A source tile as patches are made of it: 8 bits, alpha composited over white, and of exactly the
/// size that the level's grid says.
///
/// # Errors
/// As [`Slide::read_tile`]; [`Error::Format`] when the tile is not what the header announced.
pub fn read_tile(
    slide: &dyn Slide,
    level: usize,
    (col, row): (u32, u32),
    channels: u8,
) -> Result<Image> {
    let image = over_white(slide.read_tile(level, col, row)?)?;
    let geometry = &slide.geometry().levels[level];
    let (left, top, right, bottom) = place(geometry, (col, row));
    let found = (image.width_px(), image.height_px(), image.channels());
    let expected = (right - left, bottom - top, channels);
    if found != expected {
        return Err(Error::format(
            format!("tile ({col}, {row}) of level {level}"),
            format!("is {found:?} (columns, rows, channels) where {expected:?} was announced"),
        ));
    }
    Ok(image)
}

/// Left, top, right, bottom of a source tile in pixels of its level, cropped to it.
pub fn place(level: &Level, (col, row): (u32, u32)) -> (u32, u32, u32, u32) {
    let left = col.saturating_mul(level.tile_width_px).min(level.width_px);
    let top = row.saturating_mul(level.tile_height_px).min(level.height_px);
    let right = left.saturating_add(level.tile_width_px).min(level.width_px);
    let bottom = top.saturating_add(level.tile_height_px).min(level.height_px);
    (left, top, right, bottom)
}

fn over_white(image: Image) -> Result<Image> {
    let (width, height, channels) = (image.width_px(), image.height_px(), image.channels());
    if image.as_u8().is_none() {
        return Err(deep(image.samples().bit_depth()));
    }
    if channels == 1 || channels == 3 {
        return Ok(image);
    }
    let Samples::U8(data) = image.into_samples() else { return Err(deep(16)) };
    let opaque = usize::from(channels) - 1;
    let mut flat = Vec::with_capacity(data.len() / usize::from(channels) * opaque);
    for pixel in data.chunks_exact(usize::from(channels)) {
        let alpha = u32::from(pixel[opaque]);
        flat.extend(pixel[..opaque].iter().map(|&c| {
            // (c·a + 255·(255 − a)) / 255, rounded to nearest; at most 255.
            ((u32::from(c) * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        }));
    }
    Image::from_u8(width, height, opaque as u8, flat)
}

/// Luminance of one pixel, 0–255: `(299 R + 587 G + 114 B) / 1000`, rounded half up.
pub fn luminance(r: u8, g: u8, b: u8) -> u8 {
    ((299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000) as u8
}

/// Saturation of one pixel, 0–255: `(max − min) · 255 / max`, rounded half up; 0 for black.
pub fn saturation(r: u8, g: u8, b: u8) -> u8 {
    let max = u32::from(r.max(g).max(b));
    let min = u32::from(r.min(g).min(b));
    if max == 0 { 0 } else { ((510 * (max - min) + max) / (2 * max)) as u8 }
}

/// Mean luminance of an 8-bit image of 1 or 3 channels, 0–255, from exact integer sums of the
/// channels: no pixel is rounded.
pub fn mean_luminance(data: &[u8], channels: u8) -> f64 {
    // 48 lanes: three vectors of 16, in which every lane keeps to one channel. 16 bits hold the sum
    // of 257 bytes, so that nothing wraps; a check for it would keep the loop from being vectorized.
    let mut lanes = [0_u64; 48];
    for piece in data.chunks(48 * 256) {
        let mut short = [0_u16; 48];
        let (chunks, rest) = piece.as_chunks::<48>();
        for chunk in chunks {
            for (lane, &value) in short.iter_mut().zip(chunk) {
                *lane = lane.wrapping_add(u16::from(value));
            }
        }
        for (lane, value) in lanes.iter_mut().zip(short) {
            *lane += u64::from(value);
        }
        for (lane, &value) in lanes.iter_mut().zip(rest) {
            *lane += u64::from(value);
        }
    }
    if channels == 1 {
        return lanes.iter().sum::<u64>() as f64 / data.len().max(1) as f64;
    }
    let sum = |c: usize| lanes.iter().skip(c).step_by(3).sum::<u64>();
    let weighted = 299 * sum(0) + 587 * sum(1) + 114 * sum(2);
    weighted as f64 / (1000.0 * (data.len() / 3).max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_lies_over_white() {
        let image = Image::from_u8(3, 1, 2, vec![10, 255, 10, 0, 100, 128]).unwrap();
        // 100·128 + 255·127 = 45,185; / 255 = 177.2.
        assert_eq!(over_white(image).unwrap().as_u8().unwrap(), [10, 255, 177]);
        let image = Image::from_u8(1, 1, 4, vec![0, 255, 50, 51]).unwrap();
        assert_eq!(over_white(image).unwrap().as_u8().unwrap(), [204, 255, 214]);
    }

    #[test]
    fn deep_samples_are_refused() {
        let image = Image::new(1, 1, 1, Samples::U16(vec![7])).unwrap();
        assert_eq!(over_white(image).unwrap_err().kind(), "unsupported");
    }

    #[test]
    fn luminance_and_saturation_by_hand() {
        assert_eq!(luminance(255, 255, 255), 255);
        // 59.8 + 58.7 + 3.42 = 121.92.
        assert_eq!(luminance(200, 100, 30), 122);
        assert_eq!(saturation(0, 0, 0), 0);
        assert_eq!(saturation(200, 100, 150), 128, "127.5 is rounded up");
        assert_eq!(saturation(3, 2, 1), 170);
        assert_eq!(saturation(0, 9, 0), 255);
    }

    #[test]
    fn the_mean_is_that_of_the_plain_sum() {
        let data: Vec<u8> = (0..3 * 1_234).map(|i| (i * 37 % 256) as u8).collect();
        let plain: u64 = data
            .chunks_exact(3)
            .map(|p| 299 * u64::from(p[0]) + 587 * u64::from(p[1]) + 114 * u64::from(p[2]))
            .sum();
        assert_eq!(mean_luminance(&data, 3), plain as f64 / 1_234_000.0);
        assert_eq!(mean_luminance(&[1, 2], 1), 1.5);
        assert_eq!(mean_luminance(&[255; 3 * 70_000], 3), 255.0, "no lane runs over");
    }
}
