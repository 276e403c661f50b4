//! The marker segments of a JPEG stream: walking them, and putting abbreviated streams together.

use super::{Colour, broken};
use crate::error::Result;

pub(super) const SOI: u8 = 0xD8;
pub(super) const EOI: u8 = 0xD9;
pub(super) const SOS: u8 = 0xDA;
pub(super) const APP0: u8 = 0xE0;
pub(in crate::image) const APP14: u8 = 0xEE;

/// One marker segment in front of the first scan.
pub(in crate::image) struct Segment<'a> {
    pub(in crate::image) code: u8,
    /// From the `FF` of the marker to the end of the segment.
    pub(super) whole: &'a [u8],
    /// Without marker and length.
    pub(in crate::image) body: &'a [u8],
}

/// Walks the segments between SOI and the first SOS (exclusive) or EOI, and gives them with the
/// offset of that last marker.
pub(in crate::image) fn segments(bytes: &[u8]) -> Result<(Vec<Segment<'_>>, usize)> {
    if bytes.get(..2) != Some(&[0xFF, SOI]) {
        return Err(broken("does not begin with a start-of-image marker"));
    }
    let mut found = Vec::new();
    let mut at = 2;
    loop {
        // Fill bytes and, as libjpeg tolerates them, stray bytes between segments.
        while bytes.get(at).is_some_and(|&b| b != 0xFF) {
            at += 1;
        }
        while bytes.get(at + 1) == Some(&0xFF) {
            at += 1;
        }
        let Some(&code) = bytes.get(at + 1) else {
            return Err(broken(format!("ends inside its header, after {} bytes", bytes.len())));
        };
        match code {
            SOS | EOI => return Ok((found, at)),
            0x00 | 0x01 | SOI | 0xD0..=0xD7 => at += 2,
            _ => {
                let length = match bytes.get(at + 2..at + 4) {
                    Some(&[high, low]) => usize::from(high) << 8 | usize::from(low),
                    _ => return Err(broken("ends inside its header")),
                };
                let end = at + 2 + length;
                let (Some(whole), true) = (bytes.get(at..end), length >= 2) else {
                    return Err(broken(format!("segment {code:02X} of {length} bytes is cut off")));
                };
                found.push(Segment { code, whole, body: &whole[4..] });
                at = end;
            }
        }
    }
}

/// Whether the scans that begin at `at` are followed by an end-of-image marker. A progressive file
/// that is cut between two scans decodes without complaint, to a blurred picture: this is what tells.
pub(super) fn is_ended(bytes: &[u8], at: usize) -> bool {
    if bytes.ends_with(&[0xFF, EOI]) {
        return true;
    }
    let mut at = at + 2;
    while let Some(pair) = bytes.get(at..at + 2) {
        match *pair {
            [0xFF, EOI] => return true,
            [0xFF, 0x00 | 0xD0..=0xD7] => at += 2,
            [_, 0xFF] => at += 1,
            [0xFF, _] => match bytes.get(at + 2..at + 4) {
                Some(&[high, low]) => at += 2 + (usize::from(high) << 8 | usize::from(low)),
                _ => return false,
            },
            _ => at += 2,
        }
    }
    false
}

/// Puts tables and picture into one stream, and says what its colours are.
pub(super) fn assemble(
    tables: &[Segment<'_>],
    picture: &[Segment<'_>],
    scans: &[u8],
    colour: Colour,
) -> Vec<u8> {
    let length = |s: &[Segment<'_>]| s.iter().map(|s| s.whole.len()).sum::<usize>();
    let mut stream = Vec::with_capacity(18 + length(tables) + length(picture) + scans.len());
    stream.extend([0xFF, SOI]);
    let adobe = match colour {
        Colour::Auto | Colour::Inks => None,
        Colour::Rgb => Some(0),
        Colour::YCbCr => Some(1),
    };
    if let Some(code) = adobe {
        stream.extend([0xFF, APP14, 0, 14]);
        stream.extend(b"Adobe\0\x64\0\0\0\0");
        stream.push(code);
    }
    for segment in tables.iter().chain(picture) {
        // A JFIF or Adobe marker of the picture's own would overrule ours.
        if adobe.is_none() || !matches!(segment.code, APP0 | APP14) {
            stream.extend_from_slice(segment.whole);
        }
    }
    stream.extend_from_slice(scans);
    stream
}
