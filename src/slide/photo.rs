//! Photos as slides: one level of one tile.

use std::sync::{Arc, OnceLock};

use super::{Geometry, Level, Limits, ReadAt, Slide};
use crate::error::{Error, Result};
use crate::image::{Image, photo};

/// The first bytes that are looked at for a header; most photos have it there.
const HEAD_BYTES: u64 = 64 << 10;

struct Photo {
    source: Arc<dyn ReadAt>,
    limits: Limits,
    geometry: Geometry,
    /// Decoded at the first call; later calls copy.
    decoded: OnceLock<Result<Image>>,
}

/// Opens a PNG, JPEG, BMP, GIF or WebP; reads its header, no pixels.
///
/// # Errors
/// As [`photo::header`].
pub fn open(source: Arc<dyn ReadAt>, limits: Limits) -> Result<Box<dyn Slide>> {
    let header = header(&*source, limits)?;
    let compression = header.media_type.rsplit('/').next().unwrap_or_default();
    let level = Level {
        width_px: header.width_px,
        height_px: header.height_px,
        tile_width_px: header.width_px,
        tile_height_px: header.height_px,
        downsample_x: 1.0,
        downsample_y: 1.0,
        compression: compression.into(),
    };
    let geometry = Geometry {
        vendor: "photo".into(),
        levels: vec![level],
        mpp: None,
        objective: None,
        channels: header.channels,
        bit_depth: header.bit_depth,
        associated: Vec::new(),
    };
    if !matches!(header.channels, 1..=4) || !matches!(header.bit_depth, 8 | 16) {
        return Err(Error::unsupported(
            format!("a {compression} of {} channels of {} bits", header.channels, header.bit_depth),
            "convert it to 8-bit grey or RGB",
        ));
    }
    Ok(Box::new(Photo { source, limits, geometry, decoded: OnceLock::new() }))
}

/// Reads the header from as little of the file as holds it.
fn header(source: &dyn ReadAt, limits: Limits) -> Result<photo::Header> {
    let size = source.size();
    let mut length = HEAD_BYTES;
    loop {
        let head = whole(source, length.min(size), limits)?;
        match photo::header(&head, limits.decoded_bytes) {
            Err(Error::Format { .. }) if length < size => length = length.saturating_mul(4),
            done => return done,
        }
    }
}

/// The first `length` bytes; a file above the limit of decoded bytes is no photo.
fn whole(source: &dyn ReadAt, length: u64, limits: Limits) -> Result<Vec<u8>> {
    if length > limits.decoded_bytes {
        return Err(Error::limit(
            "a photo",
            format!("{length} bytes"),
            format!("{} bytes", limits.decoded_bytes),
            "raise the limit of decoded bytes (`--max-decoded`) if the file is to be trusted",
        ));
    }
    source.read_vec(0, length)
}

impl Slide for Photo {
    fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    fn read_tile(&self, level: usize, col: u32, row: u32) -> Result<Image> {
        if (level, col, row) != (0, 0, 0) {
            return Err(Error::Bug {
                message: format!("a photo has no tile ({col}, {row}) on level {level}"),
            });
        }
        // Inks are no colours yet: whoever can convert them reads the photo itself.
        if self.geometry.channels == 4
            && self.geometry.levels.iter().any(|level| level.compression == "jpeg")
        {
            return Err(Error::unsupported(
                "a CMYK JPEG",
                "run `normalize` first: it converts inks",
            ));
        }
        let decode = || {
            let bytes = whole(&*self.source, self.source.size(), self.limits)?;
            photo::decode(&bytes, self.limits.decoded_bytes)
        };
        self.decoded.get_or_init(decode).clone()
    }

    fn associated(&self, name: &str) -> Result<Image> {
        Err(super::no_associated(name))
    }
}
