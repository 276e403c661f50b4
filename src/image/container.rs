//! What stands around the pixels of a photo: EXIF block, colour profile, palette, further frames.
//!
//! The headers are walked in memory; a container that is damaged around its pixels gives less, never an
//! error: whether the pixels can be read is for the decoder to say.

use std::borrow::Cow;
use std::io::Read;

use super::jpeg::marker::{APP14, segments};

/// Largest profile that is looked at; those of printing presses have a few megabytes.
const PROFILE_BYTES: u64 = 8 << 20;

/// How the colours of a file are coded, as far as decoded pixels do not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Coding {
    /// As the pixels look.
    #[default]
    Plain,
    /// Indices into a palette.
    Palette,
    /// A JPEG of Y, Cb, Cr and K.
    Ycck,
}

/// What [`read`] found.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    /// A TIFF structure, without any prefix.
    pub(super) exif: Option<&'a [u8]>,
    /// An ICC profile; empty when there was one that cannot be put together.
    pub(super) profile: Option<Cow<'a, [u8]>>,
    /// Whether there is more than one frame.
    pub(super) animated: bool,
    pub(super) coding: Coding,
    /// Bits per stored sample or index, where the pixels do not tell.
    pub(super) bit_depth: Option<u8>,
}

/// Walks the headers of a file of a known media type.
pub(super) fn read<'a>(bytes: &'a [u8], media_type: &str) -> Parts<'a> {
    match media_type {
        "image/jpeg" => in_jpeg(bytes),
        "image/png" => in_png(bytes),
        "image/webp" => in_webp(bytes),
        "image/gif" => in_gif(bytes),
        "image/bmp" => in_bmp(bytes),
        _ => Parts::default(),
    }
}

fn in_jpeg(bytes: &[u8]) -> Parts<'_> {
    let mut parts = Parts::default();
    let Ok((found, _)) = segments(bytes) else {
        return parts;
    };
    let mut pieces: Vec<(u8, u8, &[u8])> = Vec::new();
    for segment in &found {
        let body = segment.body;
        match segment.code {
            0xE1 if parts.exif.is_none() => parts.exif = body.strip_prefix(b"Exif\0\0"),
            0xE2 => {
                if let Some([number, of, piece @ ..]) = body.strip_prefix(b"ICC_PROFILE\0") {
                    pieces.push((*number, *of, piece));
                }
            }
            // Adobe's marker: version, two flags, then how the components are coded.
            APP14 if body.starts_with(b"Adobe") && !matches!(body.get(11), None | Some(0)) => {
                parts.coding = Coding::Ycck;
            }
            _ => {}
        }
    }
    pieces.sort_by_key(|&(number, ..)| number);
    let whole = pieces.iter().zip(1_usize..).all(|(&(number, of, _), place)| {
        (usize::from(number), usize::from(of)) == (place, pieces.len())
    });
    parts.profile = match pieces.as_slice() {
        [] => None,
        // One piece with a wrong number is still all there is.
        [(_, _, only)] => Some(Cow::Borrowed(*only)),
        _ if whole => Some(pieces.iter().flat_map(|p| p.2.iter().copied()).collect()),
        _ => Some(Cow::Borrowed(&[])),
    };
    parts
}

fn in_png(bytes: &[u8]) -> Parts<'_> {
    let mut parts = Parts::default();
    let mut rest = bytes.get(8..).unwrap_or_default();
    while let Some((length, kind)) = rest.first_chunk::<8>().map(|head| head.split_at(4)) {
        let length = length.iter().fold(0, |n, &b| n << 8 | usize::from(b));
        let body = rest.get(8..).and_then(|r| r.get(..length));
        let Some(body) = body else {
            break;
        };
        match kind {
            b"IHDR" => {
                parts.bit_depth = body.get(8).copied();
                if body.get(9) == Some(&3) {
                    parts.coding = Coding::Palette;
                }
            }
            b"acTL" => {
                parts.animated = body.first_chunk().is_some_and(|n| u32::from_be_bytes(*n) > 1);
            }
            b"iCCP" if parts.profile.is_none() => parts.profile = Some(inflated(body).into()),
            b"eXIf" if parts.exif.is_none() => parts.exif = Some(body),
            b"IEND" => break,
            _ => {}
        }
        rest = rest.get(12 + length..).unwrap_or_default();
    }
    parts
}

/// The profile in an iCCP chunk (name, zero, method 0, deflated bytes); empty when it is damaged.
fn inflated(body: &[u8]) -> Vec<u8> {
    let mut halves = body.splitn(2, |&b| b == 0);
    let mut profile = Vec::new();
    if let (Some(_), Some([0, deflated @ ..])) = (halves.next(), halves.next()) {
        let inflater = flate2::read::ZlibDecoder::new(deflated);
        if inflater.take(PROFILE_BYTES).read_to_end(&mut profile).is_err() {
            profile.clear();
        }
    }
    profile
}

fn in_webp(bytes: &[u8]) -> Parts<'_> {
    let mut parts = Parts::default();
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((kind, length)) = rest.first_chunk::<8>().map(|head| head.split_at(4)) {
        let length = length.iter().rev().fold(0, |n, &b| n << 8 | usize::from(b));
        let Some(body) = rest.get(8..).and_then(|r| r.get(..length)) else {
            break;
        };
        match kind {
            b"ICCP" => parts.profile = Some(Cow::Borrowed(body)),
            // Some writers keep the prefix of JPEG.
            b"EXIF" => parts.exif = Some(body.strip_prefix(b"Exif\0\0").unwrap_or(body)),
            _ => {}
        }
        rest = rest.get(8 + length + length % 2..).unwrap_or_default();
    }
    parts
}

fn in_gif(bytes: &[u8]) -> Parts<'_> {
    let mut parts = Parts { coding: Coding::Palette, ..Parts::default() };
    // A colour table has 2 to 256 entries of three bytes, if it is there at all.
    let table = |flags: u8| if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) };
    let Some(&flags) = bytes.get(10) else {
        return parts;
    };
    parts.bit_depth = Some((flags & 7) + 1);
    let mut frames = 0;
    let mut at = 13 + table(flags);
    loop {
        match bytes.get(at) {
            Some(0x21) => at += 2,
            Some(0x2C) => {
                frames += 1;
                let Some(&local) = bytes.get(at + 9) else {
                    break;
                };
                if frames == 1 && local & 0x80 != 0 {
                    parts.bit_depth = Some((local & 7) + 1);
                }
                at += 11 + table(local);
            }
            _ => break,
        }
        // Blocks of data, each behind its length; one of length 0 is the last.
        while let Some(&length) = bytes.get(at) {
            at += 1 + usize::from(length);
            if length == 0 {
                break;
            }
        }
    }
    parts.animated = frames > 1;
    parts
}

fn in_bmp(bytes: &[u8]) -> Parts<'_> {
    // The header of OS/2 is shorter than all others.
    let at = if bytes.get(14) == Some(&12) { 24 } else { 28 };
    let coding = match bytes.get(at) {
        Some(1 | 2 | 4 | 8) => Coding::Palette,
        _ => Coding::Plain,
    };
    let bit_depth = match bytes.get(at) {
        Some(&bits @ (1 | 2 | 4 | 8)) => Some(bits),
        _ => None,
    };
    Parts { coding, bit_depth, ..Parts::default() }
}
