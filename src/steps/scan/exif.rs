//! Where in a file its EXIF block lies: found by walking the container's headers, so that no pixel
//! is read for it. What the block says is [`crate::image::exif`]'s to know.

use crate::error::{Error, Result};
use crate::image::exif::{self, Exif};
use crate::slide::ReadAt;

/// Most parts of a container (segments, chunks, directory entries) that are walked.
const PARTS: u64 = 1024;
/// Largest block: JPEG allows 64 KiB, makers' notes make the others longer.
const BLOCK_BYTES: u64 = 4 << 20;
/// Longest text that is taken out of a TIFF directory.
const TEXT_BYTES: u64 = 1024;

/// What the camera wrote. A damaged block is as good as none; only a store that fails is an error.
pub(in crate::steps) fn read(source: &dyn ReadAt, media_type: Option<&str>) -> Result<Exif> {
    let block = match media_type {
        Some("image/jpeg") => in_jpeg(source),
        Some("image/png") => in_png(source),
        Some("image/webp") => in_webp(source),
        Some("image/tiff") => in_tiff(source),
        _ => Ok(None),
    };
    match block {
        Ok(Some(block)) => Ok(exif::read(&block)),
        Ok(None) | Err(Error::Format { .. }) => Ok(Exif::default()),
        Err(other) => Err(other),
    }
}

/// The colour profile of a TIFF's first picture. A damaged one is empty; only a store that fails is an
/// error.
pub(in crate::steps) fn tiff_profile(source: &dyn ReadAt) -> Result<Option<Vec<u8>>> {
    let found = Tiff::new(source).and_then(|tiff| {
        let (entries, _) = tiff.directory(tiff.first()?, &[PROFILE])?;
        Ok(entries.into_iter().next().map(|(_, _, profile)| profile))
    });
    match found {
        Err(Error::Format { .. }) => Ok(None),
        other => other,
    }
}

fn array<const N: usize>(source: &dyn ReadAt, at: u64) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    if at.checked_add(N as u64).is_none_or(|end| end > source.size()) {
        return Err(Error::format("EXIF", "the file ends before it"));
    }
    source.read_at(at, &mut bytes)?;
    Ok(bytes)
}

fn in_jpeg(source: &dyn ReadAt) -> Result<Option<Vec<u8>>> {
    let mut at = 2;
    for _ in 0..PARTS {
        let [mark, marker, high, low] = array(source, at)?;
        match (mark, marker) {
            // Fill bytes, and markers that stand alone.
            (0xFF, 0xFF) => at += 1,
            (0xFF, 0x01 | 0xD0..=0xD8) => at += 2,
            (0xFF, 0xD9 | 0xDA) | (0..0xFF, _) => return Ok(None),
            (0xFF, _) => {
                let length = u64::from(u16::from_be_bytes([high, low]));
                if marker == 0xE1 && length > 8 {
                    let block = source.read_vec(at + 4, length - 2)?;
                    if let Some(block) = block.strip_prefix(b"Exif\0\0") {
                        return Ok(Some(block.to_vec()));
                    }
                }
                at += 2 + length;
            }
        }
    }
    Ok(None)
}

fn in_png(source: &dyn ReadAt) -> Result<Option<Vec<u8>>> {
    let mut at = 8;
    for _ in 0..PARTS {
        let [a, b, c, d, kind @ ..] = array::<8>(source, at)?;
        let length = u64::from(u32::from_be_bytes([a, b, c, d]));
        match &kind {
            b"eXIf" => return block(source, at + 8, length),
            b"IEND" => return Ok(None),
            _ => at += 12 + length,
        }
    }
    Ok(None)
}

fn in_webp(source: &dyn ReadAt) -> Result<Option<Vec<u8>>> {
    let mut at = 12;
    for _ in 0..PARTS {
        let [kind @ .., a, b, c, d] = array::<8>(source, at)?;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        if &kind == b"EXIF" {
            let found = block(source, at + 8, length)?;
            // Some writers keep the prefix of JPEG.
            return Ok(found.map(|f| f.strip_prefix(b"Exif\0\0").map(Into::into).unwrap_or(f)));
        }
        at += 8 + length + length % 2;
    }
    Ok(None)
}

fn block(source: &dyn ReadAt, at: u64, length: u64) -> Result<Option<Vec<u8>>> {
    if length > BLOCK_BYTES { Ok(None) } else { source.read_vec(at, length).map(Some) }
}

// Types, and the tags that are taken, of a TIFF directory.
const BYTE: u16 = 1;
const ASCII: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;
const IFD: u16 = 13;
const MAKE: u16 = 0x010F;
const MODEL: u16 = 0x0110;
const ORIENTATION: u16 = 0x0112;
const PROFILE: u16 = 0x8773;
const EXIF_DIRECTORY: u16 = 0x8769;
const TIME: u16 = 0x9003;
const SERIAL: u16 = 0xA431;

/// A directory entry: tag, type, value in little-endian bytes.
type Entry = (u16, u16, Vec<u8>);

/// A slide may be gigabytes long with its directory at the end, and BigTIFF is no EXIF container: so
/// the few fields are taken out and put into a TIFF of their own.
fn in_tiff(source: &dyn ReadAt) -> Result<Option<Vec<u8>>> {
    let tiff = Tiff::new(source)?;
    let (mut main, pointer) = tiff.directory(tiff.first()?, &[MAKE, MODEL, ORIENTATION])?;
    let inner = match pointer {
        // A broken inner directory does not take make and model along.
        Some(at) => match tiff.directory(at, &[TIME, SERIAL]) {
            Err(Error::Format { .. }) => Vec::new(),
            other => other?.0,
        },
        None => Vec::new(),
    };
    if main.is_empty() && inner.is_empty() {
        return Ok(None);
    }
    let inner = written(&inner, 8);
    let main_at = 8 + inner.len();
    main.push((EXIF_DIRECTORY, LONG, 8u32.to_le_bytes().to_vec()));
    let mut block = b"II\x2A\0".to_vec();
    block.extend((main_at as u32).to_le_bytes());
    block.extend(inner);
    block.extend(written(&main, main_at));
    Ok(Some(block))
}

/// A directory and, behind it, its longer values, for the place `at`. Entries are few and short.
fn written(entries: &[Entry], at: usize) -> Vec<u8> {
    let mut table = (entries.len() as u16).to_le_bytes().to_vec();
    let values_at = at + 2 + 12 * entries.len() + 4;
    let mut values: Vec<u8> = Vec::new();
    for (tag, kind, value) in entries {
        let size = match *kind {
            SHORT => 2,
            LONG => 4,
            _ => 1,
        };
        table.extend(tag.to_le_bytes());
        table.extend(kind.to_le_bytes());
        table.extend(((value.len() / size) as u32).to_le_bytes());
        if value.len() <= 4 {
            table.extend(value);
            table.extend(vec![0; 4 - value.len()]);
        } else {
            table.extend(((values_at + values.len()) as u32).to_le_bytes());
            values.extend(value);
            values.extend(vec![0; value.len() % 2]);
        }
    }
    table.extend([0; 4]);
    table.extend(values);
    table
}

/// The headers of a TIFF, classic or big, of either byte order.
struct Tiff<'a> {
    source: &'a dyn ReadAt,
    little: bool,
    big: bool,
}

impl<'a> Tiff<'a> {
    fn new(source: &'a dyn ReadAt) -> Result<Self> {
        let [order, _, a, b] = array(source, 0)?;
        Ok(Self { source, little: order == b'I', big: a == 43 || b == 43 })
    }

    /// Where the first directory is.
    fn first(&self) -> Result<u64> {
        if self.big { self.number(8, 8) } else { self.number(4, 4) }
    }

    /// An unsigned number of up to 8 bytes.
    fn value(&self, bytes: &[u8]) -> u64 {
        let join = |n: u64, b: &u8| n << 8 | u64::from(*b);
        match self.little {
            true => bytes.iter().rev().fold(0, join),
            false => bytes.iter().fold(0, join),
        }
    }

    fn number(&self, at: u64, bytes: u64) -> Result<u64> {
        self.source.read_vec(at, bytes).map(|b| self.value(&b))
    }

    /// The wanted entries of the directory at `at`, by tag, and where the EXIF directory is.
    fn directory(&self, at: u64, wanted: &[u16]) -> Result<(Vec<Entry>, Option<u64>)> {
        let (count_bytes, entry_bytes) = if self.big { (8, 20) } else { (2, 12) };
        let count = self.number(at, count_bytes)?.min(PARTS);
        let table = self.source.read_vec(at + count_bytes, count * entry_bytes)?;
        let mut found: Vec<Entry> = Vec::new();
        let mut pointer = None;
        for entry in table.chunks_exact(entry_bytes as usize) {
            let (head, value) = entry.split_at(if self.big { 12 } else { 8 });
            let (tag, rest) = head.split_at(2);
            let (kind, count) = rest.split_at(2);
            let (tag, kind, count) =
                (self.value(tag) as u16, self.value(kind) as u16, self.value(count));
            if tag == EXIF_DIRECTORY && count == 1 {
                // BigTIFF may hold it in 4 or in 8 bytes, from the left.
                let used = if matches!(kind, LONG | IFD) { value.get(..4) } else { Some(value) };
                pointer = used.map(|v| self.value(v));
            }
            if !wanted.contains(&tag) || found.iter().any(|(t, ..)| *t == tag) {
                continue;
            }
            match kind {
                ASCII if count <= value.len() as u64 => {
                    found.extend(value.get(..count as usize).map(|v| (tag, ASCII, v.to_vec())));
                }
                ASCII if count <= TEXT_BYTES => {
                    // A text that lies outside the file is no text; the others may be sound.
                    match self.source.read_vec(self.value(value), count) {
                        Err(Error::Format { .. }) => {}
                        text => found.push((tag, ASCII, text?)),
                    }
                }
                BYTE | UNDEFINED if count <= BLOCK_BYTES => {
                    match self.source.read_vec(self.value(value), count) {
                        Err(Error::Format { .. }) => found.push((tag, UNDEFINED, Vec::new())),
                        bytes => found.push((tag, UNDEFINED, bytes?)),
                    }
                }
                SHORT if count == 1 => {
                    let short = value.get(..2).map(|v| self.value(v) as u16);
                    found.extend(short.map(|s| (tag, SHORT, s.to_le_bytes().to_vec())));
                }
                _ => {}
            }
        }
        found.sort();
        Ok((found, pointer))
    }
}
