//! One tile or strip: from its bytes in the file to an image.

use super::codec;
use super::layout::{Compression, Extra, Layout, Photometric};
use super::unpack;
use crate::error::{Error, Result};
use crate::image::jpeg::{self, Colour};
use crate::image::{Image, Samples, photo};
use crate::slide::ReadAt;

/// What a chunk may take beyond twice its decoded size before it is called broken.
const SLACK_BYTES: u64 = 1 << 20;

/// Reads and decodes the chunk in column `col`, row `row`, cropped to the image at its edges. One
/// `read_at` for each plane, no lock, no shared state.
///
/// A chunk of no bytes at offset 0 is *sparse*: the writer left it out because nothing was scanned
/// there. In 8-bit RGB it is white, as glass is (OpenSlide shows it transparent, viewers on white);
/// elsewhere nothing says what empty looks like, and it is an error.
///
/// # Errors
/// [`Error::Format`] for damaged chunks, [`Error::Unsupported`] for sparse ones outside 8-bit RGB.
pub fn read(layout: &Layout, source: &dyn ReadAt, col: u32, row: u32) -> Result<Image> {
    read_plainly(layout, source, col, row).map_err(|error| match error {
        Error::Format { what, message } => Error::Format {
            what: format!("{} of {}", chunk_name(layout, col, row), layout.name),
            message: format!("{what}: {message}"),
        },
        other => other,
    })
}

fn chunk_name(layout: &Layout, col: u32, row: u32) -> String {
    if layout.tiled { format!("tile ({col}, {row})") } else { format!("strip {row}") }
}

fn read_plainly(layout: &Layout, source: &dyn ReadAt, col: u32, row: u32) -> Result<Image> {
    let mut planes = Vec::new();
    let planar = if layout.planar { layout.stored_samples } else { 1 };
    let shape = Shape::of(layout, col, row);
    for plane in 0..planar {
        let Some((offset, length)) = layout.range(plane, col, row) else {
            return Err(Error::Bug {
                message: format!("no {} in {}", chunk_name(layout, col, row), layout.name),
            });
        };
        if length == 0 {
            return sparse(layout, offset, &shape);
        }
        planes.push(decode(layout, source, offset, length, &shape)?);
    }
    let valid = (shape.valid_width as usize, shape.valid_height as usize);
    let samples = unpack::arrange(planes, layout, valid)?;
    Image::new(shape.valid_width, shape.valid_height, layout.channels(), samples)
}

/// Sizes of a chunk, in pixels.
struct Shape {
    /// Columns as stored.
    width: u32,
    /// Rows as stored.
    height: u32,
    /// Columns within the image.
    valid_width: u32,
    /// Rows within the image.
    valid_height: u32,
}

impl Shape {
    fn of(layout: &Layout, col: u32, row: u32) -> Self {
        let inside = |index: u32, chunk: u32, image: u32| {
            chunk.min(image.saturating_sub(index.saturating_mul(chunk)))
        };
        let valid_width = inside(col, layout.chunk_width_px, layout.width_px);
        let valid_height = inside(row, layout.chunk_height_px, layout.height_px);
        let height = if layout.tiled { layout.chunk_height_px } else { valid_height };
        Self { width: layout.chunk_width_px, height, valid_width, valid_height }
    }
}

fn sparse(layout: &Layout, offset: u64, shape: &Shape) -> Result<Image> {
    if offset != 0 {
        return Err(Error::format("its bytes", format!("there are none at offset {offset}")));
    }
    if layout.colours() != 3 || layout.bits != 8 || layout.extra != Extra::None {
        return Err(Error::unsupported(
            format!("a tile that was left out (sparse) of {}", layout.name),
            "write the TIFF again with all its tiles",
        ));
    }
    let (width, height) = (shape.valid_width, shape.valid_height);
    Image::from_u8(width, height, 3, vec![255; width as usize * height as usize * 3])
}

/// One decoded plane: samples in rows of `width` pixels.
pub(super) struct Plane {
    pub(super) samples: Samples,
    /// Pixels per row, at least what is valid.
    pub(super) width: usize,
    /// Samples per pixel.
    pub(super) per_pixel: usize,
}

fn decode(
    layout: &Layout,
    source: &dyn ReadAt,
    offset: u64,
    length: u64,
    shape: &Shape,
) -> Result<Plane> {
    let per_pixel = if layout.planar { 1 } else { usize::from(layout.stored_samples) };
    // The layout has compared this size with the limits.
    let row_bytes = (shape.width as usize * per_pixel * usize::from(layout.bits)).div_ceil(8);
    let size = row_bytes * shape.height as usize;
    let length = match layout.compression {
        // Uncompressed strips are as long as their pixels, whatever the counts say.
        Compression::None => (size as u64).min(length),
        _ if length > 2 * size as u64 + SLACK_BYTES => {
            return Err(Error::format(
                "its bytes",
                format!("{length} of them cannot be the pixels of {size} bytes"),
            ));
        }
        _ => length,
    };
    let mut raw = source.read_vec(offset, length)?;
    match layout.compression {
        Compression::Jpeg => return decode_jpeg(layout, &raw, shape, per_pixel),
        Compression::WebP => return decode_webp(&raw, shape, per_pixel),
        _ => {}
    }
    if layout.reversed_bits {
        raw.iter_mut().for_each(|b| *b = b.reverse_bits());
    }
    let bytes = if layout.compression == Compression::None && raw.len() == size {
        raw
    } else {
        let mut bytes = vec![0; size];
        codec::decompress(layout.compression, &raw, &mut bytes)?;
        bytes
    };
    let width = shape.width as usize;
    let samples = unpack::samples(layout, bytes, width, per_pixel)?;
    Ok(Plane { samples, width, per_pixel })
}

fn fits(width: u32, height: u32, channels: u8, shape: &Shape, per_pixel: usize) -> Result<()> {
    // Short last strips, and tiles that were cropped at the edge, are common; larger ones are not.
    let sizes = (shape.valid_width..=shape.width).contains(&width)
        && (shape.valid_height..=shape.height).contains(&height);
    if sizes && usize::from(channels) == per_pixel {
        return Ok(());
    }
    Err(Error::format(
        "its picture",
        format!(
            "{width} × {height} × {channels} where {} × {} × {per_pixel} is expected",
            shape.width, shape.height
        ),
    ))
}

fn decode_jpeg(layout: &Layout, raw: &[u8], shape: &Shape, per_pixel: usize) -> Result<Plane> {
    let header = jpeg::header(raw)?;
    fits(header.width_px, header.height_px, header.components, shape, per_pixel)?;
    let colour = match layout.photometric {
        _ if layout.planar => Colour::Auto,
        Photometric::YCbCr => Colour::YCbCr,
        Photometric::Rgb => Colour::Rgb,
        Photometric::WhiteIsZero | Photometric::BlackIsZero => Colour::Auto,
    };
    // `fits` has bounded the picture by the chunk, and the layout the chunk by the limits.
    let image = jpeg::decode_with_tables(layout.jpeg_tables.as_deref(), raw, colour, u64::MAX)?;
    let width = image.width_px() as usize;
    Ok(Plane { samples: image.into_samples(), width, per_pixel })
}

fn decode_webp(raw: &[u8], shape: &Shape, per_pixel: usize) -> Result<Plane> {
    let size = u64::from(shape.width) * u64::from(shape.height) * per_pixel as u64;
    let image = photo::decode(raw, size)?;
    let (width, height, channels) = (image.width_px(), image.height_px(), image.channels());
    let samples = match (image.into_samples(), channels, per_pixel) {
        // WebP drops an alpha channel that is opaque all over.
        (Samples::U8(rgb), 3, 4) => {
            Samples::U8(rgb.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect())
        }
        (samples, _, _) => samples,
    };
    let channels = if channels == 3 && per_pixel == 4 { 4 } else { channels };
    fits(width, height, channels, shape, per_pixel)?;
    Ok(Plane { samples, width: width as usize, per_pixel })
}
