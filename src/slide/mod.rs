//! Slides: one trait for whatever holds an image too large to decode at once.
//!
//! A slide is a pyramid of levels, level 0 the largest; each level is a grid of source tiles that
//! decode independently. A strip is a tile as wide as the level; a photo is one tile. Nothing here
//! reads a file: bytes come through [`ReadAt`].

mod aperio;
mod generic;
pub mod memory;
mod photo;
pub mod region;
mod tiff;

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::image::{Image, media};
pub use region::{Region, read_region};

/// Random access to the bytes of one file, from any number of threads.
pub trait ReadAt: Send + Sync {
    /// Size of the file in bytes.
    fn size(&self) -> u64;

    /// Fills `buffer` from `offset`. Reading past the end is an error, never a short read.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()>;

    /// `length` bytes from `offset`.
    ///
    /// # Errors
    /// [`crate::Error::Format`] when the range passes the end of the file: checked before anything is
    /// allocated, so that a hostile length costs nothing.
    fn read_vec(&self, offset: u64, length: u64) -> Result<Vec<u8>> {
        if offset.checked_add(length).is_none_or(|end| end > self.size()) {
            return Err(crate::Error::format(
                "file",
                format!(
                    "bytes {offset}+{length} lie past its end ({} bytes): it is truncated",
                    self.size()
                ),
            ));
        }
        let mut buffer = vec![0; length as usize];
        self.read_at(offset, &mut buffer)?;
        Ok(buffer)
    }
}

/// One level of a pyramid.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// Columns.
    pub width_px: u32,
    /// Rows.
    pub height_px: u32,
    /// Columns of a source tile (the level's width for strips).
    pub tile_width_px: u32,
    /// Rows of a source tile.
    pub tile_height_px: u32,
    /// Level-0 columns per column of this level: `width(0) / width`.
    pub downsample_x: f64,
    /// Level-0 rows per row of this level.
    pub downsample_y: f64,
    /// Codec of the source tiles, in lower case: `jpeg`, `jpeg2000`, `lzw`, `deflate`, `none`, ….
    pub compression: String,
}

impl Level {
    /// Source tiles per row and per column of the grid.
    pub fn grid(&self) -> (u32, u32) {
        (self.width_px.div_ceil(self.tile_width_px), self.height_px.div_ceil(self.tile_height_px))
    }
}

/// What is known of a slide without decoding a pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct Geometry {
    /// `aperio`, `generic-tiff`, `photo`, ….
    pub vendor: String,
    /// At least one level; level 0 first, each smaller than the one before.
    pub levels: Vec<Level>,
    /// Micrometres per pixel of level 0 along x and y, where the file says.
    pub mpp: Option<(f64, f64)>,
    /// Nominal objective magnification, where the file says (20, 40).
    pub objective: Option<f64>,
    /// Samples per pixel of what [`Slide::read_tile`] gives, 1–4.
    pub channels: u8,
    /// Bits per sample as stored in the file.
    pub bit_depth: u8,
    /// Pictures that are no level: (`label`, `macro`, `thumbnail`, …; width, height).
    pub associated: Vec<(String, u32, u32)>,
}

/// A slide that is open. Implementations are one file per format family.
///
/// Rules for implementors: opening reads headers only; every size is checked against the file's
/// length and against [`Limits`] before memory is taken; a damaged tile is an error, never grey
/// pixels; `read_tile` may be called from many threads at once and gives the same pixels each time.
pub trait Slide: Send + Sync {
    /// Levels, resolution, vendor.
    fn geometry(&self) -> &Geometry;

    /// Decodes the source tile in column `col`, row `row` of the level's grid, cropped to the level
    /// at the right and lower edge. RGB for colour slides whatever the file stores (YCbCr is
    /// converted), grey for grey ones.
    fn read_tile(&self, level: usize, col: u32, row: u32) -> Result<Image>;

    /// Decodes an associated picture by its name in [`Geometry::associated`].
    fn associated(&self, name: &str) -> Result<Image>;
}

/// How much a file may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest size of one decoded source tile (or photo), in bytes.
    pub decoded_bytes: u64,
    /// Most directories (pages, levels) that are looked at in one file.
    pub directories: usize,
}

impl Default for Limits {
    /// 256 MiB and 4,096 directories. A hostile file may need about three times the first while it is
    /// decoded; one of its size is at work per thread.
    fn default() -> Self {
        Self { decoded_bytes: 256 << 20, directories: 4096 }
    }
}

/// Opens whatever the bytes turn out to be; names and endings are not looked at. Headers are read,
/// pixels are not.
///
/// # Errors
/// [`Error::Format`] for broken files and files that are no images, [`Error::Unsupported`] for sound
/// ones that this version cannot read, [`Error::Limit`] for those that ask for too much.
pub fn open(source: Arc<dyn ReadAt>, limits: Limits) -> Result<Box<dyn Slide>> {
    let length = source.size().min(media::SNIFF_BYTES as u64);
    if length == 0 {
        return Err(Error::format("file", "is empty"));
    }
    match media::sniff(&source.read_vec(0, length)?) {
        Some("image/tiff") => tiff::open(source, limits),
        Some("image/png" | "image/jpeg" | "image/bmp" | "image/gif" | "image/webp") => {
            photo::open(source, limits)
        }
        Some(other) => Err(Error::unsupported(
            format!("a file of type {other}"),
            "convert it to a tiled TIFF (for example with libvips), or to PNG or JPEG",
        )),
        None => Err(Error::format("file", "is no image of a known kind")),
    }
}

/// The error of [`Slide::associated`] for a name that is not in [`Geometry::associated`].
fn no_associated(name: &str) -> Error {
    Error::Bug { message: format!("the slide has no associated picture `{name}`") }
}
