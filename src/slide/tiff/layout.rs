//! How the pixels of one directory lie in the file: read once, checked once, then plain data that any
//! number of threads decode from.

use super::directory::{Directory, Order, tag};
use crate::error::{Error, Result};
use crate::slide::Limits;

/// Most tiles or strips of one directory: 2^24 of them, at 256 × 256 pixels, are a terapixel.
const CHUNKS: u64 = 1 << 24;

/// Codec of the chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// 1.
    None,
    /// 5.
    Lzw,
    /// 7: JPEG as of TIFF Technical Note 2.
    Jpeg,
    /// 8 and 32946.
    Deflate,
    /// 32773.
    PackBits,
    /// 50000.
    Zstd,
    /// 50001.
    WebP,
}

/// What codes the tag Compression may have: name, and codec when there is one.
fn compression(code: u64) -> (String, Option<Compression>) {
    let (name, codec) = match code {
        1 => ("none", Some(Compression::None)),
        2 => ("ccitt-rle", None),
        3 => ("ccitt-fax3", None),
        4 => ("ccitt-fax4", None),
        5 => ("lzw", Some(Compression::Lzw)),
        6 => ("old-jpeg", None),
        7 => ("jpeg", Some(Compression::Jpeg)),
        8 | 32946 => ("deflate", Some(Compression::Deflate)),
        22610 | 34934 => ("jpeg-xr", None),
        32773 => ("packbits", Some(Compression::PackBits)),
        33003..=33005 | 34712 => ("jpeg2000", None),
        34887 => ("lerc", None),
        34925 => ("lzma", None),
        34933 => ("png", None),
        50000 => ("zstd", Some(Compression::Zstd)),
        50001 => ("webp", Some(Compression::WebP)),
        50002 | 52546 => ("jpeg-xl", None),
        _ => return (code.to_string(), None),
    };
    (name.to_owned(), codec)
}

/// What the colour samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Photometric {
    /// 0: grey, zero is white.
    WhiteIsZero,
    /// 1: grey.
    BlackIsZero,
    /// 2.
    Rgb,
    /// 6, within JPEG only.
    YCbCr,
}

/// What the sample after the colours is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// There is none, or it is of no known meaning and is dropped.
    None,
    /// Alpha that the colours are multiplied with.
    AssociatedAlpha,
    /// Straight alpha.
    Alpha,
}

/// What a family of formats decides by, without decoding: always readable, whatever the codec.
#[derive(Debug, Clone)]
pub struct Page {
    /// Columns.
    pub width_px: u32,
    /// Rows.
    pub height_px: u32,
    /// Whether it is cut into tiles, not strips.
    pub tiled: bool,
    /// NewSubfileType: bit 0 is a reduced image, bit 2 a mask.
    pub subfile_type: u64,
    /// ImageDescription.
    pub description: Option<String>,
    /// Micrometres per pixel along x and y, where resolution and its unit are given.
    pub mpp: Option<(f64, f64)>,
    /// Name of the codec.
    pub compression: String,
    /// Whether it carries Hamamatsu's private tags.
    pub ndpi: bool,
}

impl Page {
    /// Reads what is known of a directory.
    ///
    /// # Errors
    /// [`Error::Format`] without a width and a height.
    pub fn read(directory: &Directory<'_>) -> Result<Self> {
        // Micrometres per unit; TIFF's default unit is the inch.
        let unit = match directory.integer(tag::RESOLUTION_UNIT).ok().flatten().unwrap_or(2) {
            2 => Some(25_400.0),
            3 => Some(10_000.0),
            _ => None,
        };
        let resolution = |tag| Some(unit? / directory.positive(tag)?);
        Ok(Self {
            width_px: directory.side(tag::IMAGE_WIDTH)?,
            height_px: directory.side(tag::IMAGE_LENGTH)?,
            tiled: directory.has(tag::TILE_WIDTH),
            subfile_type: directory.integer(tag::NEW_SUBFILE_TYPE)?.unwrap_or(0),
            description: directory.text(tag::IMAGE_DESCRIPTION),
            mpp: resolution(tag::X_RESOLUTION).zip(resolution(tag::Y_RESOLUTION)),
            compression: compression(directory.integer(tag::COMPRESSION)?.unwrap_or(1)).0,
            ndpi: directory.has(tag::NDPI_FORMAT),
        })
    }
}

/// Where the chunks (tiles or strips) of a directory are, and how to decode them.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Columns.
    pub width_px: u32,
    /// Rows.
    pub height_px: u32,
    /// Columns of a chunk; of a strip, the image's.
    pub chunk_width_px: u32,
    /// Rows of a chunk; the last strip may have fewer.
    pub chunk_height_px: u32,
    /// Whether chunks are tiles, which are whole at the edges too.
    pub tiled: bool,
    /// Codec.
    pub compression: Compression,
    /// Colours.
    pub photometric: Photometric,
    /// Alpha.
    pub extra: Extra,
    /// Samples per pixel as stored.
    pub stored_samples: u8,
    /// Bits per sample as stored: 1, 2, 4, 8, 16 or 32.
    pub bits: u8,
    /// Whether 32-bit samples are floats. Integers otherwise, unsigned.
    pub float: bool,
    /// Whether each sample has chunks of its own.
    pub planar: bool,
    /// 1 (none), 2 (horizontal differences) or 3 (differences of float bytes).
    pub predictor: u16,
    /// Whether the bits of each byte are stored in reverse.
    pub reversed_bits: bool,
    /// Whether samples are little-endian.
    pub little: bool,
    /// Tables that every JPEG chunk shares.
    pub jpeg_tables: Option<Vec<u8>>,
    /// Offset of each chunk.
    offsets: Vec<u64>,
    /// Length of each chunk in bytes.
    lengths: Vec<u64>,
    /// Name for messages.
    pub name: String,
}

impl Layout {
    /// Reads and checks everything that decoding needs.
    ///
    /// # Errors
    /// [`Error::Unsupported`] when we cannot decode such chunks, [`Error::Format`] when tags are
    /// missing or contradict each other, [`Error::Limit`] when a chunk is too large.
    pub fn read(directory: &Directory<'_>, order: Order, limits: Limits) -> Result<Self> {
        let name = directory.name();
        let broken = |message: String| Error::format(name.clone(), message);
        let (width_px, height_px) =
            (directory.side(tag::IMAGE_WIDTH)?, directory.side(tag::IMAGE_LENGTH)?);
        let codec = directory.integer(tag::COMPRESSION)?.unwrap_or(1);
        let (compression_name, codec) = compression(codec);
        let compression = codec.ok_or_else(|| {
            Error::unsupported(
                format!("TIFF with compression {compression_name}"),
                "convert it to a tiled TIFF with JPEG, deflate or LZW (for example with libvips)",
            )
        })?;
        let samples = Samples::read(directory, compression)?;
        let tiled = directory.has(tag::TILE_WIDTH);
        let (chunk_width_px, chunk_height_px) = if tiled {
            (directory.side(tag::TILE_WIDTH)?, directory.side(tag::TILE_LENGTH)?)
        } else {
            // Absent or larger than the image: one strip.
            let rows = directory.integer(tag::ROWS_PER_STRIP)?.unwrap_or(u64::MAX);
            if rows == 0 {
                return Err(broken("has strips of no rows".into()));
            }
            (width_px, rows.min(height_px.into()) as u32)
        };
        let pixel_bytes = u64::from(samples.stored) * u64::from(samples.bits.div_ceil(8));
        crate::image::check_size(
            chunk_width_px,
            chunk_height_px,
            pixel_bytes,
            limits.decoded_bytes,
        )?;
        let planes = if samples.planar { u64::from(samples.stored) } else { 1 };
        let grid = u64::from(width_px.div_ceil(chunk_width_px))
            * u64::from(height_px.div_ceil(chunk_height_px));
        let chunks = grid * planes;
        if chunks > CHUNKS {
            return Err(Error::limit(
                format!("the number of tiles of {name}"),
                chunks.to_string(),
                CHUNKS.to_string(),
                "write the slide with larger tiles",
            ));
        }
        let (offsets_tag, lengths_tag) = if tiled {
            (tag::TILE_OFFSETS, tag::TILE_BYTE_COUNTS)
        } else {
            (tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS)
        };
        let array = |tag: u16, what: &str| match directory.integers(tag, CHUNKS)? {
            Some(values) if values.len() as u64 >= chunks => Ok(values),
            Some(values) => {
                Err(broken(format!("has {} {what} for {chunks} tiles or strips", values.len())))
            }
            None => Err(broken(format!("has no {what}"))),
        };
        let offsets = array(offsets_tag, "offsets")?;
        // Old writers left the counts of uncompressed strips out.
        let lengths = if directory.has(lengths_tag) || compression != Compression::None {
            array(lengths_tag, "byte counts")?
        } else {
            vec![u64::MAX; offsets.len()]
        };
        let jpeg_tables = match compression {
            Compression::Jpeg => directory.bytes(tag::JPEG_TABLES)?,
            _ => None,
        };
        Ok(Self {
            width_px,
            height_px,
            chunk_width_px,
            chunk_height_px,
            tiled,
            compression,
            photometric: samples.photometric,
            extra: samples.extra,
            stored_samples: samples.stored,
            bits: samples.bits,
            float: samples.float,
            planar: samples.planar,
            predictor: samples.predictor,
            reversed_bits: directory.small(tag::FILL_ORDER, 1)? == 2,
            little: order.little,
            jpeg_tables,
            offsets,
            lengths,
            name,
        })
    }

    /// Chunks per row and per column.
    pub fn grid(&self) -> (u32, u32) {
        (self.width_px.div_ceil(self.chunk_width_px), self.height_px.div_ceil(self.chunk_height_px))
    }

    /// Offset and length of a chunk; `None` outside the grid.
    pub fn range(&self, plane: u8, col: u32, row: u32) -> Option<(u64, u64)> {
        let (cols, rows) = self.grid();
        if col >= cols || row >= rows {
            return None;
        }
        let (cols, rows) = (cols as usize, rows as usize);
        let index = (plane as usize * rows + row as usize) * cols + col as usize;
        Some((*self.offsets.get(index)?, *self.lengths.get(index)?))
    }

    /// Colour samples: 1 or 3.
    pub fn colours(&self) -> u8 {
        match self.photometric {
            Photometric::WhiteIsZero | Photometric::BlackIsZero => 1,
            Photometric::Rgb | Photometric::YCbCr => 3,
        }
    }

    /// Channels of the decoded image: colours and alpha.
    pub fn channels(&self) -> u8 {
        self.colours() + u8::from(self.extra != Extra::None)
    }
}

/// The part of the layout that describes one pixel.
struct Samples {
    photometric: Photometric,
    extra: Extra,
    stored: u8,
    bits: u8,
    float: bool,
    planar: bool,
    predictor: u16,
}

impl Samples {
    fn read(directory: &Directory<'_>, compression: Compression) -> Result<Self> {
        let broken = |message: String| Error::format(directory.name(), message);
        let unsupported = |what: String| {
            Err(Error::unsupported(
                format!("TIFF with {what}"),
                "convert it to 8-bit or 16-bit grey or RGB (for example with libvips or tifffile)",
            ))
        };
        let jpeg = compression == Compression::Jpeg;
        let photometric = match directory.integer(tag::PHOTOMETRIC)? {
            Some(0) => Photometric::WhiteIsZero,
            Some(1) => Photometric::BlackIsZero,
            Some(2) => Photometric::Rgb,
            Some(6) if jpeg => Photometric::YCbCr,
            Some(3) => return unsupported("a colour palette".into()),
            Some(4) => return unsupported("a transparency mask for an image".into()),
            Some(5) => return unsupported("CMYK colours".into()),
            Some(6) => return unsupported("YCbCr colours outside JPEG".into()),
            Some(8..=10) => return unsupported("CIE L*a*b* colours".into()),
            Some(other) => return unsupported(format!("photometric interpretation {other}")),
            None => return Err(broken("says nothing of its colours (tag 262)".into())),
        };
        let stored = directory.small(tag::SAMPLES_PER_PIXEL, 1)?;
        let colours = match photometric {
            Photometric::WhiteIsZero | Photometric::BlackIsZero => 1,
            Photometric::Rgb | Photometric::YCbCr => 3,
        };
        if stored < colours {
            return Err(broken(format!("has {stored} samples per pixel for {colours} colours")));
        }
        if stored > 4 {
            return unsupported(format!("{stored} samples per pixel"));
        }
        let same = |tag: u16, default: u64, what: &str| -> Result<u64> {
            let values = directory.integers(tag, 1 << 16)?.unwrap_or_default();
            let first = values.first().copied().unwrap_or(default);
            // One value for all samples is not what the specification says, but what some write.
            if values.iter().take(stored.into()).any(|&v| v != first) {
                return Err(Error::unsupported(
                    format!("TIFF with samples of different {what}"),
                    "convert it to samples of one kind",
                ));
            }
            Ok(first)
        };
        let bits = same(tag::BITS_PER_SAMPLE, 1, "bit depth")?;
        let format = same(tag::SAMPLE_FORMAT, 1, "format")?;
        let float = match (format, bits) {
            (1 | 4, 1 | 2 | 4) if colours == 1 && stored == 1 => false,
            (1 | 4, 8 | 16) => false,
            (3, 32) if photometric != Photometric::WhiteIsZero => true,
            (1 | 4, _) => return unsupported(format!("unsigned samples of {bits} bits")),
            (2, _) => return unsupported(format!("signed samples of {bits} bits")),
            (3, _) => return unsupported(format!("float samples of {bits} bits")),
            (5 | 6, _) => return unsupported("complex samples".into()),
            _ => return unsupported(format!("sample format {format}")),
        };
        let planar = match directory.small(tag::PLANAR_CONFIG, 1)? {
            1 => false,
            2 => stored > 1,
            other => return Err(broken(format!("has planar configuration {other}"))),
        };
        // JPEG and WebP predict on their own; the tag means nothing there.
        let predictor = match compression {
            Compression::Jpeg | Compression::WebP => 1,
            _ => directory.small(tag::PREDICTOR, 1)?,
        };
        match (predictor, bits) {
            (1, _) | (2, 8 | 16 | 32) => {}
            (3, 32) if float => {}
            _ => return unsupported(format!("predictor {predictor} on samples of {bits} bits")),
        }
        if matches!(compression, Compression::Jpeg | Compression::WebP) && bits != 8 {
            return unsupported(format!("JPEG or WebP of {bits} bits"));
        }
        if jpeg && !planar && stored != colours {
            return unsupported(format!("JPEG of {stored} components"));
        }
        if compression == Compression::WebP && (planar || stored < 3) {
            return unsupported("WebP of separate or grey samples".into());
        }
        let extra = if stored == colours {
            Extra::None
        } else {
            match directory.integer(tag::EXTRA_SAMPLES)?.unwrap_or(0) {
                1 => Extra::AssociatedAlpha,
                2 => Extra::Alpha,
                _ => Extra::None,
            }
        };
        let (stored, bits) = (stored as u8, bits as u8);
        Ok(Self { photometric, extra, stored, bits, float, planar, predictor })
    }
}
