//! How steps for photos get at pixels: what `normalize`, `fit-normalize`, `filter-background` and
//! `augment` share, so that the same file is the same image to all of them.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::scan::exif;
use crate::error::{Error, Result};
use crate::image::{Image, Samples, check_size, media, open};
use crate::pixels::{colour, geometry};
use crate::slide::region;
use crate::step::Source;

/// What is done with a colour profile that a file carries.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Icc {
    /// Colours are converted to sRGB.
    ToSrgb,
    /// Samples stay as they are stored.
    Ignore,
}

/// Which channels an image is brought to.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Red, green, blue; grey becomes three equal channels.
    Rgb,
    /// One channel: the luminance of colours.
    Grey,
    /// Grey files stay grey, all others are RGB.
    Auto,
}

/// A colour as params have it: `#rrggbb`, sRGB of 8 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour(pub [u8; 3]);

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [r, g, b] = self.0;
        write!(f, "#{r:02x}{g:02x}{b:02x}")
    }
}

impl Serialize for Colour {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Either case is read, and keyed in lower case.
impl<'de> Deserialize<'de> for Colour {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.is_ascii());
        let part = |at: usize| u8::from_str_radix(digits?.get(at..at + 2)?, 16).ok();
        match (part(0), part(2), part(4)) {
            // A sign is a digit to Rust.
            (Some(r), Some(g), Some(b)) if !text.contains('+') => Ok(Self([r, g, b])),
            _ => Err(serde::de::Error::custom("a colour is #rrggbb, such as #ffffff")),
        }
    }
}

impl JsonSchema for Colour {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Colour".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^#[0-9a-fA-F]{6}$"})
    }
}

/// How a file is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// What lies behind half-transparent pixels.
    pub background: Colour,
    /// What is done with a colour profile.
    pub icc: Icc,
    /// Which channels are wanted.
    pub mode: Mode,
    /// Whether 16-bit samples stay so; else all are brought to 8 bits.
    pub keep_16_bit: bool,
}

impl Default for Reading {
    /// White behind alpha, colours in sRGB, three channels of 8 bits.
    fn default() -> Self {
        Self {
            background: Colour([255; 3]),
            icc: Icc::ToSrgb,
            mode: Mode::Rgb,
            keep_16_bit: false,
        }
    }
}

/// An image that is ready to be worked on, and what was found on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// Upright, without alpha: 3 channels ([`Mode::Rgb`]), 1 ([`Mode::Grey`]) or either; 8 bits, or 16
    /// where the file has them and they were asked for.
    pub image: Image,
    /// The EXIF orientation that was applied, 1–8; 1 when there was none.
    pub orientation: u8,
    /// What became of the colour profile: `none`, `srgb`, `converted`, `broken`, `ignored`.
    pub icc: &'static str,
    /// What the samples of the file stand for: `grey`, `grey-alpha`, `rgb`, `rgba`, `palette`, `cmyk`,
    /// `ycck`.
    pub source_mode: &'static str,
    /// Bits per sample of the file.
    pub bit_depth: u8,
}

/// Decodes an item: a photo, or level 0 of a TIFF.
///
/// # Errors
/// As the codecs: [`Error::Format`] for what is damaged, [`Error::Unsupported`] for what cannot be read,
/// [`Error::Limit`] for what is larger than the source's limits.
pub fn working(source: &Source, options: &Reading) -> Result<Read> {
    let bytes = source.bytes();
    let head = bytes.read_vec(0, bytes.size().min(media::SNIFF_BYTES as u64))?;
    let opening = open::Options {
        background: options.background.0,
        keep_16_bit: options.keep_16_bit,
        apply_icc: options.icc == Icc::ToSrgb,
    };
    let mut read = if media::sniff(&head) == Some("image/tiff") {
        level_0(source, &opening)?
    } else {
        let whole = bytes.read_vec(0, bytes.size())?;
        let opened = open::open_photo(&whole, source.limits().decoded_bytes, &opening)?;
        Read {
            image: opened.image,
            orientation: opened.orientation,
            icc: opened.icc.name(),
            source_mode: opened.mode.name(),
            bit_depth: opened.bit_depth,
        }
    };
    if read.orientation != 1 {
        read.image = geometry::orient(&read.image, read.orientation)?;
    }
    read.image = match (options.mode, read.image.channels()) {
        (Mode::Rgb, 1) => to_rgb(read.image)?,
        (Mode::Grey, 3) => to_grey(read.image)?,
        _ => read.image,
    };
    Ok(read)
}

/// The same from bytes in memory.
///
/// # Errors
/// As [`working`].
pub fn working_of(bytes: Vec<u8>, options: &Reading) -> Result<Read> {
    working(&Source::from_bytes(bytes), options)
}

fn level_0(source: &Source, opening: &open::Options) -> Result<Read> {
    let slide = source.slide()?;
    let geometry = slide.geometry();
    let level = geometry
        .levels
        .first()
        .ok_or_else(|| Error::format("TIFF", "it has no picture that can be read"))?;
    let (width, height) = (level.width_px, level.height_px);
    let pixel = u64::from(geometry.channels) * u64::from(geometry.bit_depth.div_ceil(8));
    check_size(width, height, pixel, source.limits().decoded_bytes)?;
    let stored = region::read_region(&*slide, 0, 0, 0, width, height, 255)?.image;
    let source_mode = match stored.channels() {
        1 => open::SourceMode::Grey,
        2 => open::SourceMode::GreyAlpha,
        3 => open::SourceMode::Rgb,
        _ => open::SourceMode::Rgba,
    };
    let profile = exif::tiff_profile(&**source.bytes())?;
    let orientation = exif::read(&**source.bytes(), Some("image/tiff"))?.orientation;
    let (image, icc) = open::to_working(stored, profile.as_deref(), opening)?;
    Ok(Read {
        image,
        orientation: orientation.unwrap_or(1),
        icc: icc.name(),
        source_mode: source_mode.name(),
        bit_depth: geometry.bit_depth,
    })
}

/// Grey three times.
fn to_rgb(image: Image) -> Result<Image> {
    let Samples::U16(grey) = image.samples() else { return colour::grey_to_rgb(&image) };
    let rgb = grey.iter().flat_map(|x| [*x; 3]).collect();
    Image::new(image.width_px(), image.height_px(), 3, Samples::U16(rgb))
}

/// Luma of BT.601, of 16 bits by the formula of 8 ([`colour::to_grey`]).
fn to_grey(image: Image) -> Result<Image> {
    let Samples::U16(rgb) = image.samples() else { return colour::to_grey(&image) };
    let luma = |p: &[u16; 3]| {
        let [r, g, b] = p.map(u32::from);
        // 65535 · 2^15 + 2^14 is below 2^32.
        ((9798 * r + 19235 * g + 3735 * b + (1 << 14)) >> 15) as u16
    };
    let grey = rgb.as_chunks::<3>().0.iter().map(luma).collect();
    Image::new(image.width_px(), image.height_px(), 1, Samples::U16(grey))
}
