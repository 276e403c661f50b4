//! Photos: whole-image formats that decode at once (PNG, JPEG, BMP, GIF, WebP).
//!
//! Pixels are as stored: no colour profile and no EXIF orientation is applied. Palettes become RGB,
//! animated PNGs and GIFs give their first frame, 16-bit PNG stays 16-bit.

use std::io::Cursor;

use image::codecs::webp::WebPDecoder;
use image::{ColorType, ImageDecoder, ImageReader};

use super::jpeg::{self, Colour};
use super::{Image, Samples, media, png};
use crate::error::{Error, Result};

/// What the header of a photo says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// `image/png`, `image/jpeg`, `image/bmp`, `image/gif` or `image/webp`.
    pub media_type: &'static str,
    /// Columns.
    pub width_px: u32,
    /// Rows.
    pub height_px: u32,
    /// Channels of what [`decode`] gives, 1–4.
    pub channels: u8,
    /// Bits per sample of what [`decode`] gives, 8 or 16.
    pub bit_depth: u8,
}

/// Reads the header of a photo. The leading part of the file is enough, provided that the header lies
/// within it.
///
/// # Errors
/// [`Error::Format`] for a broken or incomplete header, [`Error::Unsupported`] for other kinds of
/// files, [`Error::Limit`] when the picture needs more than `limit_bytes`.
pub fn header(bytes: &[u8], limit_bytes: u64) -> Result<Header> {
    let media_type = kind(bytes)?;
    let (width_px, height_px, channels, bit_depth) = match media_type {
        "image/png" => png::header(bytes, limit_bytes)?,
        "image/jpeg" => {
            let h = jpeg::header(bytes)?;
            (h.width_px, h.height_px, h.components, h.precision)
        }
        _ => shape(&decoder(bytes, media_type, limit_bytes)?, media_type)?,
    };
    let sample = u64::from(channels) * u64::from(bit_depth.div_ceil(8));
    super::check_size(width_px, height_px, sample, limit_bytes)?;
    Ok(Header { media_type, width_px, height_px, channels, bit_depth })
}

/// Decodes a photo.
///
/// # Errors
/// As [`header`]; damaged and truncated files are [`Error::Format`].
pub fn decode(bytes: &[u8], limit_bytes: u64) -> Result<Image> {
    let media_type = kind(bytes)?;
    match media_type {
        "image/png" => png::decode(bytes, limit_bytes),
        "image/jpeg" => jpeg::decode(bytes, Colour::Auto, limit_bytes),
        _ => {
            let decoder = decoder(bytes, media_type, limit_bytes)?;
            let (width_px, height_px, channels, _) = shape(&decoder, media_type)?;
            super::check_size(width_px, height_px, channels.into(), limit_bytes)?;
            let size = width_px as usize * height_px as usize * usize::from(channels);
            if decoder.total_bytes() != size as u64 {
                return Err(Error::format(media_type, "its size is not what its header says"));
            }
            let mut data = vec![0; size];
            decoder.read_image(&mut data).map_err(|e| named(media_type, &e))?;
            Image::new(width_px, height_px, channels, Samples::U8(data))
        }
    }
}

fn kind(bytes: &[u8]) -> Result<&'static str> {
    match media::sniff(bytes) {
        Some(found @ ("image/png" | "image/jpeg" | "image/bmp" | "image/gif" | "image/webp")) => {
            Ok(found)
        }
        Some(other) => Err(Error::unsupported(
            format!("a photo of type {other}"),
            "convert it to PNG, JPEG or TIFF",
        )),
        None => Err(Error::format("file", "is no image of a known kind")),
    }
}

fn decoder<'a>(
    bytes: &'a [u8],
    media_type: &str,
    limit_bytes: u64,
) -> Result<impl ImageDecoder + 'a> {
    if media_type == "image/webp"
        && WebPDecoder::new(Cursor::new(bytes)).is_ok_and(|webp| webp.has_animation())
    {
        // The crate blends the first frame with a canvas, which changes half-transparent colours.
        return Err(Error::unsupported("an animated WebP", "export its frames as PNG"));
    }
    let format = image::ImageFormat::from_mime_type(media_type)
        .ok_or_else(|| Error::unsupported(media_type, "convert it to PNG, JPEG or TIFF"))?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = image::Limits::no_limits();
    // Codecs need frame buffers besides the picture.
    limits.max_alloc = Some(limit_bytes.saturating_mul(3));
    reader.limits(limits);
    reader.into_decoder().map_err(|e| named(media_type, &e))
}

fn shape(decoder: &impl ImageDecoder, media_type: &str) -> Result<(u32, u32, u8, u8)> {
    let (width_px, height_px) = decoder.dimensions();
    let channels = match decoder.color_type() {
        ColorType::L8 => 1,
        ColorType::La8 => 2,
        ColorType::Rgb8 => 3,
        ColorType::Rgba8 => 4,
        other => {
            return Err(Error::unsupported(
                format!("{media_type} with samples {other:?}"),
                "convert it to PNG",
            ));
        }
    };
    Ok((width_px, height_px, channels, 8))
}

fn named(media_type: &str, error: &image::ImageError) -> Error {
    match error {
        image::ImageError::Limits(_) => Error::limit(
            format!("a picture ({media_type})"),
            "larger",
            "the decoding limit",
            "raise the limit of decoded bytes (`--max-decoded`)",
        ),
        image::ImageError::Unsupported(what) => {
            Error::unsupported(format!("{media_type}: {what}"), "convert it to PNG")
        }
        other => Error::format(media_type, other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: u64 = 1 << 20;

    #[test]
    fn a_palette_gif_becomes_rgba() {
        // 1 × 1, palette of two: index 1 is (255, 128, 0).
        let gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xFF\x80\0\x2C\0\0\0\0\x01\0\x01\0\0\x02\x02\x4C\x01\0\x3B";
        let image = decode(gif, LIMIT).unwrap();
        assert_eq!(image.as_u8(), Some(&[255, 128, 0, 255][..]));
        assert_eq!(header(gif, LIMIT).unwrap().channels, 4);
    }

    #[test]
    fn rows_of_a_bitmap_are_turned_the_right_way_up() {
        // 1 × 2, 24 bits, bottom row first: blue below red.
        let mut bmp =
            b"BM\x3E\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\x18\0".to_vec();
        bmp.extend([0; 24]);
        bmp.extend([255, 0, 0, 0, 0, 0, 255, 0]);
        let image = decode(&bmp, LIMIT).unwrap();
        assert_eq!(image.as_u8(), Some(&[255, 0, 0, 0, 0, 255][..]));
        assert_eq!(decode(&bmp[..bmp.len() - 6], LIMIT).unwrap_err().kind(), "format");
    }

    #[test]
    fn other_files_are_refused_by_kind() {
        assert_eq!(decode(b"not an image", LIMIT).unwrap_err().kind(), "format");
        assert_eq!(decode(b"\xFF\x4F\xFF\x51....", LIMIT).unwrap_err().kind(), "unsupported");
    }
}
