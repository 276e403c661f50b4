//! Photos as the photo steps want them: one colour space, no alpha, few shapes.
//!
//! [`open_photo`] is the one way in which steps for photos read PNG, JPEG, BMP, GIF and WebP;
//! [`to_working`] does the same to pixels that come from elsewhere (TIFF). [`super::photo::decode`]
//! stays what it is: pixels as stored.

mod flatten;

use super::container::{self, Coding};
use super::{Image, Samples, exif, icc, jpeg, photo};
use crate::error::Result;

/// What [`open_photo`] is to do with colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The colour (sRGB, 8 bits) that lies behind half-transparent pixels.
    pub background: [u8; 3],
    /// Keep 16-bit samples instead of rounding them to 8 bits.
    pub keep_16_bit: bool,
    /// Apply an embedded ICC profile: colours become sRGB.
    pub apply_icc: bool,
}

impl Default for Options {
    /// White behind alpha, 8 bits, profiles applied.
    fn default() -> Self {
        Self { background: [255; 3], keep_16_bit: false, apply_icc: true }
    }
}

/// What became of the colour profile of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IccStatus {
    /// There is none: colours are taken for sRGB.
    None,
    /// It is sRGB: nothing to do.
    Srgb,
    /// Colours were converted to sRGB.
    Converted,
    /// It cannot be read, or is for another kind of pixels: colours are as stored.
    Broken,
    /// It was not asked for ([`Options::apply_icc`]): colours are as stored.
    Ignored,
}

impl IccStatus {
    /// The value as a fact: `none`, `srgb`, `converted`, `broken`, `ignored`.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Srgb => "srgb",
            Self::Converted => "converted",
            Self::Broken => "broken",
            Self::Ignored => "ignored",
        }
    }
}

/// What the samples of a file stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceMode {
    /// One channel.
    Grey,
    /// One channel and alpha (or a transparent grey).
    GreyAlpha,
    /// Red, green, blue; YCbCr too, which is RGB in another dress.
    Rgb,
    /// RGB and alpha (or a transparent colour).
    Rgba,
    /// Indices into a palette, with or without alpha.
    Palette,
    /// Four inks.
    Cmyk,
    /// Four inks, stored as YCbCr and K.
    Ycck,
}

impl SourceMode {
    /// The value as a fact: `grey`, `grey-alpha`, `rgb`, `rgba`, `palette`, `cmyk`, `ycck`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Grey => "grey",
            Self::GreyAlpha => "grey-alpha",
            Self::Rgb => "rgb",
            Self::Rgba => "rgba",
            Self::Palette => "palette",
            Self::Cmyk => "cmyk",
            Self::Ycck => "ycck",
        }
    }
}

/// A photo, opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Opened {
    /// 1 channel (grey sources over a grey background) or 3 (RGB), 8 bits, or 16 when they were there
    /// and [`Options::keep_16_bit`] asked for them. As stored: `orientation` is not applied.
    pub image: Image,
    /// `image/png`, `image/jpeg`, `image/bmp`, `image/gif` or `image/webp`.
    pub media_type: &'static str,
    /// What became of the colour profile.
    pub icc: IccStatus,
    /// What the samples of the file stand for.
    pub mode: SourceMode,
    /// Bits per sample of the file: 1, 2, 4, 8 or 16; of a palette, those of its indices.
    pub bit_depth: u8,
    /// How the picture is to be turned (EXIF), 1–8; 1 when the file does not say, or says nonsense.
    pub orientation: u8,
    /// Whether the file has more frames than the one that was read, the first.
    pub animated: bool,
}

/// Opens a photo.
///
/// # Errors
/// As [`super::photo::decode`]: damaged and truncated files are [`crate::Error::Format`], pictures of more than
/// `limit_bytes` [`crate::Error::Limit`], other kinds of files [`crate::Error::Unsupported`]. A damaged profile or EXIF
/// block is no error.
pub fn open_photo(bytes: &[u8], limit_bytes: u64, options: &Options) -> Result<Opened> {
    let header = photo::header(bytes, limit_bytes)?;
    let parts = container::read(bytes, header.media_type);
    let inks = header.media_type == "image/jpeg" && header.channels == 4;
    let stored = match inks {
        true => jpeg::decode(bytes, jpeg::Colour::Inks, limit_bytes)?,
        false => photo::decode(bytes, limit_bytes)?,
    };
    let mode = match (parts.coding, stored.channels()) {
        (Coding::Palette, _) => SourceMode::Palette,
        (Coding::Ycck, 4) => SourceMode::Ycck,
        (_, 4) if inks => SourceMode::Cmyk,
        (_, 1) => SourceMode::Grey,
        (_, 2) => SourceMode::GreyAlpha,
        (_, 3) => SourceMode::Rgb,
        _ => SourceMode::Rgba,
    };
    let bit_depth = parts.bit_depth.unwrap_or(header.bit_depth);
    let orientation = parts.exif.and_then(|block| exif::read(block).orientation).unwrap_or(1);
    let (image, icc) = working(stored, inks, parts.profile.as_deref(), options)?;
    Ok(Opened {
        image,
        media_type: header.media_type,
        icc,
        mode,
        bit_depth,
        orientation,
        animated: parts.animated,
    })
}

/// Brings pixels that were decoded elsewhere (a TIFF) to what [`open_photo`] gives. `profile` is the
/// content of an ICC profile.
///
/// # Errors
/// [`crate::Error::Unsupported`] for float samples.
pub fn to_working(
    image: Image,
    profile: Option<&[u8]>,
    options: &Options,
) -> Result<(Image, IccStatus)> {
    working(image, false, profile, options)
}

/// In this order, each at the depth of the file: inks or profile to sRGB, background behind alpha, 16 bits
/// to 8.
fn working(
    stored: Image,
    inks: bool,
    profile: Option<&[u8]>,
    options: &Options,
) -> Result<(Image, IccStatus)> {
    if matches!(stored.samples(), Samples::F32(_)) {
        return Err(flatten::float());
    }
    let (image, status) = match profile {
        None => (stored, IccStatus::None),
        Some(_) if !options.apply_icc => (stored, IccStatus::Ignored),
        Some(profile) => icc::to_srgb(stored, inks, profile)?,
    };
    let image = match inks && status != IccStatus::Converted {
        true => flatten::inks_to_rgb(&image)?,
        false => flatten::over(image, options.background)?,
    };
    let image = if options.keep_16_bit { image } else { flatten::to_8_bit(image)? };
    Ok((image, status))
}
