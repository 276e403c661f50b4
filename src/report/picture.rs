//! Pictures inside the page: as they are when small, as thumbnails when not.

use std::io::Cursor;

use ::image::{DynamicImage, ImageFormat, ImageReader, RgbImage, codecs::jpeg::JpegEncoder};
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use crate::pixels::resize::resize_bytes;

/// Files up to this size go into the page as they are, in bytes.
const AS_IT_IS_BYTES: usize = 64 << 10;
/// Longest side of a thumbnail, in pixels.
const THUMBNAIL_PX: u32 = 512;
/// The same for small pictures.
const SMALL_BYTES: usize = 12 << 10;
const SMALL_PX: u32 = 192;
/// Most memory that decoding one picture may take, in bytes.
const DECODE_BYTES: u64 = 256 << 20;

/// A picture as a `data:` URL, with its shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// `data:image/jpeg;base64,…`.
    pub url: String,
    /// Columns of what is embedded.
    pub width_px: u32,
    /// Rows of what is embedded.
    pub height_px: u32,
}

impl Picture {
    /// A picture for the page out of the bytes of a JPEG or PNG; others, and broken ones, are left
    /// out: a report must not fail for want of a picture.
    ///
    /// `keep_bytes` is the size up to which a file is embedded as it is; `None` for the usual
    /// 64 KiB.
    pub fn new(bytes: &[u8], keep_bytes: Option<usize>) -> Option<Self> {
        Self::at_most(bytes, keep_bytes.unwrap_or(AS_IT_IS_BYTES), THUMBNAIL_PX)
    }

    /// The same, made small: for pictures that stand side by side by the hundred.
    pub fn small(bytes: &[u8]) -> Option<Self> {
        Self::at_most(bytes, SMALL_BYTES, SMALL_PX)
    }

    /// A drawing out of the bytes of an SVG file. Inside `<img>` it is a picture and no more: no script
    /// of it runs and nothing is loaded for it.
    pub fn drawing(bytes: &[u8], (width_px, height_px): (u32, u32)) -> Option<Self> {
        let url = bytes.starts_with(b"<svg").then(|| data_url("image/svg+xml", bytes))?;
        Some(Self { url, width_px, height_px })
    }

    fn at_most(bytes: &[u8], keep_bytes: usize, longest_px: u32) -> Option<Self> {
        let format = ::image::guess_format(bytes).ok()?;
        let media_type = match format {
            ImageFormat::Jpeg => "image/jpeg",
            ImageFormat::Png => "image/png",
            _ => return None,
        };
        let reader = || {
            let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
            let mut limits = ::image::Limits::default();
            limits.max_alloc = Some(DECODE_BYTES);
            reader.limits(limits);
            reader
        };
        let (width_px, height_px) = reader().into_dimensions().ok()?;
        if bytes.len() <= keep_bytes {
            return Some(Self { url: data_url(media_type, bytes), width_px, height_px });
        }
        // Limits of the decoder count what it allocates, not always the picture that it fills.
        if u64::from(width_px) * u64::from(height_px) * 4 > DECODE_BYTES {
            return None;
        }
        let small = shrink(&reader().decode().ok()?, longest_px)?;
        let mut jpeg = Vec::new();
        small.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 80)).ok()?;
        Some(Self {
            url: data_url("image/jpeg", &jpeg),
            width_px: small.width(),
            height_px: small.height(),
        })
    }
}

fn shrink(image: &DynamicImage, longest_px: u32) -> Option<RgbImage> {
    let rgb = image.to_rgb8();
    let (width, height) = rgb.dimensions();
    let longest = width.max(height);
    if longest <= longest_px {
        return Some(rgb);
    }
    let side = |px: u32| {
        let scaled = u64::from(px) * u64::from(longest_px) / u64::from(longest);
        u32::try_from(scaled).unwrap_or(1).max(1)
    };
    let (to_width, to_height) = (side(width), side(height));
    let (from, to) = ((width, height), (to_width, to_height));
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    let made = resize_bytes(&mut Resizer::new(), rgb.as_raw(), 3, from, to, &options).ok()?;
    RgbImage::from_raw(to_width, to_height, made)
}

fn data_url(media_type: &str, bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut url = format!("data:{media_type};base64,");
    url.reserve(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            // n bytes make n + 1 digits; the rest is padding.
            let index = (word >> (18 - 6 * digit) & 63) as usize;
            url.push(if digit <= chunk.len() { char::from(DIGITS[index]) } else { '=' });
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let encoded = |b: &[u8]| data_url("x", b).replace("data:x;base64,", "");
        for (plain, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encoded(plain.as_bytes()), expected);
        }
        assert_eq!(encoded(&[0xfb, 0xff, 0xbf]), "+/+/");
    }

    fn png(width: u32, height: u32) -> Vec<u8> {
        // Noise, so that the file is not small.
        let mut state = 1_u32;
        let image = RgbImage::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ::image::Rgb([(state >> 24) as u8, (state >> 16) as u8, (state >> 8) as u8])
        });
        let mut bytes = Vec::new();
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    #[test]
    fn small_files_are_kept_and_large_ones_shrink() {
        let small = Picture::new(&png(16, 8), None).unwrap();
        assert!(small.url.starts_with("data:image/png;base64,iVBOR"));
        assert_eq!((small.width_px, small.height_px), (16, 8));
        let large = png(1200, 300);
        assert!(large.len() > AS_IT_IS_BYTES);
        let shrunk = Picture::new(&large, None).unwrap();
        assert_eq!((shrunk.width_px, shrunk.height_px), (512, 128));
        assert!(shrunk.url.starts_with("data:image/jpeg;base64,/9j/"));
        assert_eq!(shrunk, Picture::new(&large, None).unwrap());
    }

    #[test]
    fn small_pictures_and_drawings() {
        let patch = Picture::small(&png(256, 128)).unwrap();
        assert_eq!((patch.width_px, patch.height_px), (192, 96));
        assert!(patch.url.starts_with("data:image/jpeg;base64,"));
        let drawing = Picture::drawing(b"<svg xmlns='x'></svg>", (440, 440)).unwrap();
        assert!(drawing.url.starts_with("data:image/svg+xml;base64,PHN2Zy"));
        assert_eq!(Picture::drawing(b"<html>", (440, 440)), None);
    }

    #[test]
    fn what_is_no_picture_is_left_out() {
        assert_eq!(Picture::new(b"no picture", None), None);
        assert_eq!(Picture::new(b"", None), None);
        let mut cut = png(1200, 300);
        cut.truncate(70_000);
        assert_eq!(Picture::new(&cut, None), None);
    }
}
