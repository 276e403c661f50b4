//! The JPEG codec, behind one small module.
//!
//! Built on `libjpeg-turbo-rs`, a port of libjpeg-turbo: the pixels and the files are those that
//! Pillow, OpenCV, torchvision and libvips give (slow integer DCT, smooth chroma upsampling, standard
//! Huffman tables). The crate is pinned: another version may be another set of pixels.
//!
//! Decoding is strict. libjpeg fills what it cannot decode with grey and counts a warning; here a
//! scan that ends early, does not decode or has bytes left over is an [`Error::Format`].

pub(super) mod marker;
mod scan;

use libjpeg_turbo_rs as turbo;

use self::marker::{APP0, APP14, Segment, assemble, is_ended, segments};
use super::{Image, Samples};
use crate::error::{Error, Result};

/// What the components of a JPEG stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// As the stream says: JFIF and Adobe markers, then component ids (libjpeg's rules).
    Auto,
    /// The three components are R, G, B (a TIFF of photometric 2), unless the stream is a JFIF file:
    /// those are Y, Cb, Cr by definition, and TIFF writers that wrap them leave photometric 2.
    Rgb,
    /// The three components are Y, Cb, Cr, whatever the markers say (a TIFF of photometric 6).
    YCbCr,
    /// There are four components, inks: given as they are stored (Adobe stores them inverted: 255 is no
    /// ink), Y, Cb, Cr of an Adobe YCCK file brought to C, M, Y. Files without four are refused.
    Inks,
}

/// How chroma is stored when encoding RGB. Grey images have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subsampling {
    /// Halved in both directions.
    S420,
    /// Halved horizontally.
    S422,
    /// Not halved.
    S444,
}

/// What the frame header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Columns.
    pub width_px: u32,
    /// Rows.
    pub height_px: u32,
    /// Components: 1 (grey), 3 (colour) or 4 (CMYK).
    pub components: u8,
    /// Bits per sample: 8, or 12 and more for medical files.
    pub precision: u8,
}

/// Most scans of a progressive file. Real ones have about ten; a hostile file has thousands, each of
/// which walks the whole image.
const SCANS: usize = 512;

fn broken(message: impl Into<String>) -> Error {
    Error::format("JPEG", message)
}

/// Reads the frame header; costs a walk over the marker segments.
///
/// # Errors
/// [`Error::Format`] when there is no complete header in `bytes`.
pub fn header(bytes: &[u8]) -> Result<Header> {
    let (found, _) = segments(bytes)?;
    frame(&found)
}

fn frame(found: &[Segment<'_>]) -> Result<Header> {
    let frame = found
        .iter()
        .find(|s| matches!(s.code, 0xC0..=0xCF) && !matches!(s.code, 0xC4 | 0xC8 | 0xCC))
        .ok_or_else(|| broken("has no frame header in front of its first scan"))?;
    let &[precision, h1, h0, w1, w0, components, ..] = frame.body else {
        return Err(broken("its frame header is cut off"));
    };
    let (width_px, height_px) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
    if width_px == 0 || height_px == 0 || components == 0 {
        return Err(broken(format!("claims {width_px} × {height_px} × {components} samples")));
    }
    Ok(Header { width_px: width_px.into(), height_px: height_px.into(), components, precision })
}

/// Decodes a complete JPEG to grey (1 channel) or RGB (3 channels), or to [`Colour::Inks`] (4).
///
/// `limit_bytes` bounds the decoded picture; it is compared with the header before memory is taken.
///
/// # Errors
/// [`Error::Format`] for a damaged or truncated stream, [`Error::Limit`], and [`Error::Unsupported`]
/// for CMYK that was not asked for and for samples of more than 8 bits.
pub fn decode(bytes: &[u8], colour: Colour, limit_bytes: u64) -> Result<Image> {
    decode_with_tables(None, bytes, colour, limit_bytes)
}

/// Decodes an abbreviated JPEG, as TIFF tiles are: `tables` is the content of the tag JPEGTables, a
/// stream of quantisation and Huffman tables without a picture. Otherwise as [`decode`].
pub fn decode_with_tables(
    tables: Option<&[u8]>,
    bytes: &[u8],
    colour: Colour,
    limit_bytes: u64,
) -> Result<Image> {
    let (picture, scans) = segments(bytes)?;
    let header = frame(&picture)?;
    check(&header, colour, limit_bytes)?;
    check_lossless(&picture, &bytes[scans..], header.precision)?;
    if !is_ended(bytes, scans) {
        return Err(broken(format!(
            "is truncated: no end-of-image marker in {} bytes",
            bytes.len()
        )));
    }
    let tables = match tables {
        Some(tables) => segments(tables)?.0,
        None => Vec::new(),
    };
    let has = |code: u8, magic: &[u8]| {
        picture.iter().any(|s| s.code == code && s.body.starts_with(magic))
    };
    scan::check(tables.iter().chain(&picture), &bytes[scans..])?;
    let colour = match colour {
        _ if header.components != 3 => Colour::Auto,
        Colour::Rgb if has(APP0, b"JFIF") && !has(APP14, b"Adobe") => Colour::YCbCr,
        other => other,
    };
    let assembled;
    let stream = if tables.is_empty() && colour == Colour::Auto {
        bytes
    } else {
        assembled = assemble(&tables, &picture, &bytes[scans..], colour);
        &assembled
    };
    decode_stream(stream, &header, limit_bytes)
}

fn check(header: &Header, colour: Colour, limit_bytes: u64) -> Result<()> {
    if header.precision != 8 {
        return Err(Error::unsupported(
            format!("a JPEG of {} bits per sample", header.precision),
            "convert it to 8-bit JPEG, or to PNG or TIFF for more bits",
        ));
    }
    let fits = match colour {
        Colour::Inks => header.components == 4,
        _ => matches!(header.components, 1 | 3),
    };
    if !fits {
        return Err(Error::unsupported(
            format!("a JPEG of {} components (CMYK)", header.components),
            "convert it to RGB with its own colour profile first",
        ));
    }
    super::check_size(header.width_px, header.height_px, header.components.into(), limit_bytes)
}

/// A lossless scan shifts its samples by the last nibble of its header: by less than they have bits.
fn check_lossless(picture: &[Segment<'_>], scans: &[u8], precision: u8) -> Result<()> {
    let length = match scans.get(2..4) {
        Some(&[high, low]) => usize::from(high) << 8 | usize::from(low),
        _ => return Err(broken("its scan header is cut off")),
    };
    let shift = scans.get(1 + length).map(|last| last & 15);
    if picture.iter().any(|s| s.code == 0xC3) && shift >= Some(precision) {
        return Err(broken(format!("shifts samples of {precision} bits by {shift:?}")));
    }
    Ok(())
}

fn decode_stream(stream: &[u8], header: &Header, limit_bytes: u64) -> Result<Image> {
    let limits = turbo::DecodeLimits {
        max_width: 65_535,
        max_height: 65_535,
        max_scans: SCANS,
        // Coefficients and planes of a progressive file on top of the picture itself.
        max_memory: Some(limit_bytes.saturating_mul(6).saturating_add(64 << 20)),
        ..turbo::DecodeLimits::default()
    };
    let mut decoder = turbo::Decoder::new_with_limits(stream, limits).map_err(named)?;
    let format = match header.components {
        1 => turbo::PixelFormat::Grayscale,
        4 => turbo::PixelFormat::Cmyk,
        _ => turbo::PixelFormat::Rgb,
    };
    decoder.set_output_format(format);
    let decoded = decoder.decode_image().map_err(named)?;
    // Stray bytes between the segments of the header cost no pixel; everything else does.
    if let Some(warning) =
        decoded.warnings.iter().find(|w| !matches!(w, turbo::DecodeWarning::ExtraneousData { .. }))
    {
        return Err(broken(warning.to_string()));
    }
    if (decoded.width, decoded.height) != (header.width_px as usize, header.height_px as usize) {
        return Err(broken(format!(
            "decodes to {} × {} pixels where its header says {} × {}",
            decoded.width, decoded.height, header.width_px, header.height_px
        )));
    }
    Image::from_u8(header.width_px, header.height_px, header.components, decoded.data)
}

fn named(error: turbo::JpegError) -> Error {
    match error {
        turbo::JpegError::Unsupported(what) => Error::unsupported(
            format!("this kind of JPEG ({what})"),
            "write it again as a baseline or progressive JPEG",
        ),
        other => broken(other.to_string()),
    }
}

/// Encodes 8-bit grey or RGB as a baseline JPEG with standard Huffman tables, byte for byte as
/// libjpeg-turbo does.
///
/// `quality` is 1–100 on libjpeg's scale.
///
/// # Errors
/// [`Error::Params`] for a quality out of range, [`Error::Unsupported`] for deeper samples, alpha, or
/// a side above 65,500 pixels.
pub fn encode(image: &Image, quality: u8, subsampling: Subsampling) -> Result<Vec<u8>> {
    if !(1..=100).contains(&quality) {
        return Err(Error::params("quality", format!("{quality} is not in 1–100")));
    }
    let format = match image.channels() {
        1 => turbo::PixelFormat::Grayscale,
        3 => turbo::PixelFormat::Rgb,
        n => {
            return Err(Error::unsupported(
                format!("a JPEG of {n} channels"),
                "write PNG, or drop the alpha channel",
            ));
        }
    };
    let Samples::U8(pixels) = image.samples() else {
        return Err(Error::unsupported(
            format!("a JPEG of {} bits per sample", image.samples().bit_depth()),
            "write PNG, or convert to 8 bits first",
        ));
    };
    if image.width_px().max(image.height_px()) > 65_500 {
        return Err(Error::unsupported(
            format!("a JPEG of {} × {} pixels", image.width_px(), image.height_px()),
            "write PNG, or cut it into tiles",
        ));
    }
    let subsampling = match (format, subsampling) {
        (turbo::PixelFormat::Grayscale, _) | (_, Subsampling::S444) => turbo::Subsampling::S444,
        (_, Subsampling::S422) => turbo::Subsampling::S422,
        (_, Subsampling::S420) => turbo::Subsampling::S420,
    };
    let (width, height) = (image.width_px() as usize, image.height_px() as usize);
    turbo::compress(pixels, width, height, format, quality, subsampling)
        .map_err(|e| Error::Bug { message: format!("the JPEG encoder refused an image: {e}") })
}

#[cfg(test)]
mod tests {
    use super::marker::{EOI, SOI};
    use super::*;

    const LIMIT: u64 = 1 << 20;

    /// A picture with something in every block.
    fn picture(width: u32, height: u32, channels: u8) -> Image {
        let data = (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .flat_map(|(x, y)| {
                (0..u32::from(channels)).map(move |c| ((x * 7 + y * (3 + c) + x * y) % 251) as u8)
            })
            .collect();
        Image::from_u8(width, height, channels, data).unwrap()
    }

    /// Splits a stream as libtiff does: tables into one stream, the rest into another.
    fn abbreviate(jpeg: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (found, scans) = segments(jpeg).unwrap();
        let (mut tables, mut rest) = (vec![0xFF, SOI], vec![0xFF, SOI]);
        for s in &found {
            if matches!(s.code, 0xDB | 0xC4) { &mut tables } else { &mut rest }
                .extend_from_slice(s.whole);
        }
        tables.extend([0xFF, EOI]);
        rest.extend_from_slice(&jpeg[scans..]);
        (tables, rest)
    }

    #[test]
    fn header_says_size_and_components() {
        let jpeg = encode(&picture(37, 21, 3), 80, Subsampling::S420).unwrap();
        let expected = Header { width_px: 37, height_px: 21, components: 3, precision: 8 };
        assert_eq!(header(&jpeg).unwrap(), expected);
    }

    #[test]
    fn tables_and_picture_decode_as_the_whole_stream_does() {
        let jpeg = encode(&picture(40, 24, 3), 85, Subsampling::S420).unwrap();
        let (tables, rest) = abbreviate(&jpeg);
        let whole = decode(&jpeg, Colour::Auto, LIMIT).unwrap();
        assert_eq!(decode_with_tables(Some(&tables), &rest, Colour::Auto, LIMIT).unwrap(), whole);
        assert_eq!(decode_with_tables(Some(&tables), &rest, Colour::YCbCr, LIMIT).unwrap(), whole);
        // Without its tables the picture means something else, or nothing.
        assert_ne!(decode(&rest, Colour::Auto, LIMIT).ok(), Some(whole));
    }

    #[test]
    fn rgb_components_are_not_converted() {
        let grey = Image::from_u8(8, 8, 3, [100, 100, 100].repeat(64)).unwrap();
        let jfif = encode(&grey, 100, Subsampling::S444).unwrap();
        let (found, scans) = segments(&jfif).unwrap();
        let mut bare = vec![0xFF, SOI];
        for s in found.iter().filter(|s| s.code != APP0) {
            bare.extend_from_slice(s.whole);
        }
        bare.extend_from_slice(&jfif[scans..]);
        let first = |bytes: &[u8], colour| {
            decode(bytes, colour, LIMIT).unwrap().as_u8().unwrap()[..3].to_vec()
        };
        assert_eq!(first(&bare, Colour::Rgb), [100, 128, 128], "Y, Cb, Cr of a grey");
        assert_eq!(first(&bare, Colour::YCbCr), [100, 100, 100]);
        assert_eq!(first(&bare, Colour::Auto), [100, 100, 100]);
        // JFIF is YCbCr, whatever a TIFF says around it.
        assert_eq!(first(&jfif, Colour::Rgb), [100, 100, 100]);
    }

    #[test]
    fn every_cut_of_a_file_is_an_error() {
        for channels in [1, 3] {
            let jpeg = encode(&picture(64, 48, channels), 80, Subsampling::S420).unwrap();
            for length in 0..jpeg.len() {
                assert!(decode(&jpeg[..length], Colour::Auto, LIMIT).is_err(), "{length} bytes");
            }
            // Also when somebody puts an end marker behind the cut.
            let (_, scans) = segments(&jpeg).unwrap();
            for length in scans + 20..jpeg.len() - 8 {
                let mut cut = jpeg[..length].to_vec();
                cut.extend([0xFF, EOI]);
                assert!(decode(&cut, Colour::Auto, LIMIT).is_err(), "{length} bytes and EOI");
            }
        }
    }

    #[test]
    fn bytes_left_over_are_damage() {
        for channels in [1, 3] {
            let jpeg = encode(&picture(64, 48, channels), 80, Subsampling::S420).unwrap();
            let (scan, end) = jpeg.split_at(jpeg.len() - 2);
            let with = |extra: &[u8]| {
                decode(&[scan, extra, end].concat(), Colour::Auto, LIMIT).map_err(|e| e.kind())
            };
            assert!(with(&[]).is_ok());
            assert!(with(&[0xFF]).is_ok(), "fill bytes in front of a marker");
            assert!(with(&[0, 0]).is_ok(), "padding");
            assert_eq!(with(&[0x5A, 0x5A]), Err("format"));
        }
    }

    #[test]
    fn the_limit_is_checked_before_decoding() {
        let jpeg = encode(&picture(64, 64, 3), 80, Subsampling::S420).unwrap();
        let error = decode(&jpeg, Colour::Auto, 64 * 64 * 3 - 1).unwrap_err();
        assert_eq!(error.kind(), "limit");
        assert!(decode(&jpeg, Colour::Auto, 64 * 64 * 3).is_ok());
    }

    #[test]
    fn quality_and_channels_are_checked() {
        let image = picture(8, 8, 4);
        assert_eq!(encode(&image, 80, Subsampling::S420).unwrap_err().kind(), "unsupported");
        let image = picture(8, 8, 3);
        assert_eq!(encode(&image, 0, Subsampling::S420).unwrap_err().kind(), "params");
        assert_eq!(encode(&image, 101, Subsampling::S420).unwrap_err().kind(), "params");
    }
}
