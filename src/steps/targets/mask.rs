//! Masks of labels: pictures whose samples are class numbers, not colours.
//!
//! A mask goes through the same geometry as its image, always by the nearest pixel, so that no value
//! appears that it did not have; beyond the edges lies the op's `mask_fill` (0, or the value that
//! training ignores).
//! Values are kept exactly: palette entries stay entries and keep their palette, 16-bit values stay
//! 16-bit. Only PNG: a lossy mask invents classes at every border.
//!
//! *Size.* A mask has the size of the image as it is worked on, which is **after** its EXIF orientation
//! is applied, for that is how labelling tools show it. A PNG mask has no orientation of its own. One
//! that fits the stored, unrotated image is refused and not turned by guess.

use std::io::Cursor;

use png::{BitDepth, ColorType, Transformations};

use crate::error::{Error, Result};
use crate::image::{Image, Samples, check_size};

/// A picture of class numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Mask {
    /// One channel of 8 or 16 bits: values, or palette entries.
    pub labels: Image,
    /// The palette (R, G, B, …), when the file had one. It is kept, whatever values are left.
    pub palette: Option<Vec<u8>>,
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::format("mask", error.to_string())
}

/// Reads a PNG of one channel: grey of 1, 2, 4, 8 or 16 bits (values as they are, not stretched: the 1 of
/// a 1-bit mask is 1) or with a palette (entries). `size` is that of its image.
///
/// # Errors
/// [`Error::Unsupported`] for other formats, colours and alpha, [`Error::Format`] for broken files and
/// other sizes, [`Error::Limit`] above `limit_bytes`.
pub fn read(bytes: &[u8], size: (u32, u32), limit_bytes: u64) -> Result<Mask> {
    if !bytes.starts_with(b"\x89PNG") {
        return Err(Error::unsupported(
            "a mask that is not a PNG",
            "write it as a PNG of one channel: lossless, its values are class numbers",
        ));
    }
    let limits = png::Limits { bytes: usize::try_from(limit_bytes).unwrap_or(usize::MAX) };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::IDENTITY);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(broken)?;
    let info = reader.info();
    let (colour, depth, found) = (info.color_type, info.bit_depth, info.size());
    if !matches!(colour, ColorType::Grayscale | ColorType::Indexed) {
        return Err(Error::unsupported(
            format!("a mask of {} channels", colour.samples()),
            "write it with one channel (grey or palette) whose values are class numbers",
        ));
    }
    let palette = (colour == ColorType::Indexed)
        .then(|| info.palette.as_ref().map(|p| p.to_vec()).unwrap_or_default());
    if found != size {
        return Err(broken(wrong_size(found, size)));
    }
    let pixel_bytes = if depth == BitDepth::Sixteen { 2 } else { 1 };
    check_size(found.0, found.1, pixel_bytes, limit_bytes)?;
    let length = reader.output_buffer_size().ok_or_else(|| broken("is too large to decode"))?;
    let mut data = vec![0; length];
    let frame = reader.next_frame(&mut data).map_err(broken)?;
    if (frame.width, frame.height) != found {
        return Err(broken("its first frame is smaller than the picture"));
    }
    let samples = match depth {
        BitDepth::Eight => Samples::U8(data),
        BitDepth::Sixteen => {
            Samples::U16(data.as_chunks().0.iter().map(|s| u16::from_be_bytes(*s)).collect())
        }
        BitDepth::One | BitDepth::Two | BitDepth::Four => {
            Samples::U8(unpacked(&data, found.0, frame.line_size, depth as u8))
        }
    };
    Ok(Mask { labels: Image::new(found.0, found.1, 1, samples)?, palette })
}

fn wrong_size(found: (u32, u32), size: (u32, u32)) -> String {
    let turned = if found == (size.1, size.0) {
        ": it lies on its side; masks are as their image is after its EXIF orientation"
    } else {
        ""
    };
    format!("is {} × {} px, its image {} × {}{turned}", found.0, found.1, size.0, size.1)
}

/// Samples below 8 bits, of which the first of a byte is in its highest bits. Rows begin with a byte.
fn unpacked(data: &[u8], width: u32, line: usize, bits: u8) -> Vec<u8> {
    let (per_byte, low) = (usize::from(8 / bits), (1_u8 << bits) - 1);
    let sample = |row: &[u8], x: usize| {
        let shift = 8 - bits as usize * (x % per_byte + 1);
        row.get(x / per_byte).map_or(0, |byte| byte >> shift & low)
    };
    let rows = data.chunks_exact(line.max(1));
    rows.flat_map(|row| (0..width as usize).map(move |x| sample(row, x))).collect()
}

/// Writes a mask as a PNG of 8 bits (16 where it has 16), with its palette.
///
/// # Errors
/// [`Error::Bug`] for what is no mask.
pub fn write(mask: &Mask) -> Result<Vec<u8>> {
    let Some(palette) = &mask.palette else { return crate::image::png::encode(&mask.labels) };
    let bug = |e: &dyn std::fmt::Display| Error::Bug { message: format!("a mask: {e}") };
    let entries = mask.labels.as_u8().ok_or_else(|| bug(&"its palette entries are not bytes"))?;
    let mut bytes = Vec::with_capacity(entries.len() / 8);
    let mut encoder =
        png::Encoder::new(&mut bytes, mask.labels.width_px(), mask.labels.height_px());
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(palette.as_slice());
    encoder.set_compression(png::Compression::Fast);
    encoder
        .write_header()
        .and_then(|mut writer| {
            writer.write_image_data(entries)?;
            writer.finish()
        })
        .map_err(|e| bug(&e))?;
    Ok(bytes)
}
