//! The directories of a TIFF file (classic and BigTIFF, both byte orders) as tags and values.
//!
//! Follows TIFF 6.0 section 2 and the BigTIFF design. Nothing is believed: each range is compared with
//! the size of the file, chains end where they loop, and values are read only when asked for.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::slide::{Limits, ReadAt};

/// Largest value that is read for a tag that is no array of offsets: descriptions, JPEG tables, ….
const VALUE_BYTES: u64 = 16 << 20;

/// Tags that are looked at, in the numbers of the crate `tiff`.
pub mod tag {
    use tiff::tags::Tag;

    pub const NEW_SUBFILE_TYPE: u16 = Tag::NewSubfileType.to_u16();
    pub const IMAGE_WIDTH: u16 = Tag::ImageWidth.to_u16();
    pub const IMAGE_LENGTH: u16 = Tag::ImageLength.to_u16();
    pub const BITS_PER_SAMPLE: u16 = Tag::BitsPerSample.to_u16();
    pub const COMPRESSION: u16 = Tag::Compression.to_u16();
    pub const PHOTOMETRIC: u16 = Tag::PhotometricInterpretation.to_u16();
    pub const FILL_ORDER: u16 = Tag::FillOrder.to_u16();
    pub const IMAGE_DESCRIPTION: u16 = Tag::ImageDescription.to_u16();
    pub const STRIP_OFFSETS: u16 = Tag::StripOffsets.to_u16();
    pub const SAMPLES_PER_PIXEL: u16 = Tag::SamplesPerPixel.to_u16();
    pub const ROWS_PER_STRIP: u16 = Tag::RowsPerStrip.to_u16();
    pub const STRIP_BYTE_COUNTS: u16 = Tag::StripByteCounts.to_u16();
    pub const X_RESOLUTION: u16 = Tag::XResolution.to_u16();
    pub const Y_RESOLUTION: u16 = Tag::YResolution.to_u16();
    pub const PLANAR_CONFIG: u16 = Tag::PlanarConfiguration.to_u16();
    pub const RESOLUTION_UNIT: u16 = Tag::ResolutionUnit.to_u16();
    pub const PREDICTOR: u16 = Tag::Predictor.to_u16();
    pub const TILE_WIDTH: u16 = Tag::TileWidth.to_u16();
    pub const TILE_LENGTH: u16 = Tag::TileLength.to_u16();
    pub const TILE_OFFSETS: u16 = Tag::TileOffsets.to_u16();
    pub const TILE_BYTE_COUNTS: u16 = Tag::TileByteCounts.to_u16();
    pub const EXTRA_SAMPLES: u16 = Tag::ExtraSamples.to_u16();
    pub const SAMPLE_FORMAT: u16 = Tag::SampleFormat.to_u16();
    pub const JPEG_TABLES: u16 = Tag::JPEGTables.to_u16();
    /// Hamamatsu's own.
    pub const NDPI_FORMAT: u16 = 65420;
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    kind: u16,
    count: u64,
    /// Where the value lies in the file, inline values included.
    at: u64,
}

/// Byte order and width of offsets, from the file's first bytes.
#[derive(Debug, Clone, Copy)]
pub struct Order {
    /// Whether numbers are stored little-endian.
    pub little: bool,
    big_tiff: bool,
}

impl Order {
    fn number(self, bytes: &[u8]) -> u64 {
        let step = |n: u64, b: &u8| n << 8 | u64::from(*b);
        if self.little { bytes.iter().rev().fold(0, step) } else { bytes.iter().fold(0, step) }
    }
}

/// One directory: its tags, and how to read their values.
pub struct Directory<'a> {
    source: &'a dyn ReadAt,
    order: Order,
    entries: BTreeMap<u16, Entry>,
    /// Position in the chain, for messages.
    pub index: usize,
}

/// Reads the chain of directories. A chain that comes back to a directory it has passed ends there:
/// what came before is sound.
///
/// # Errors
/// [`Error::Format`] when a directory lies outside the file or there is none, [`Error::Limit`] for
/// more than `limits.directories`.
pub fn read_chain(source: &dyn ReadAt, limits: Limits) -> Result<(Order, Vec<Directory<'_>>)> {
    let head = source.read_vec(0, 8)?;
    let little = head.starts_with(b"II");
    if !little && !head.starts_with(b"MM") {
        return Err(Error::format("TIFF", "does not begin with II or MM"));
    }
    let version = Order { little, big_tiff: false }.number(&head[2..4]);
    let order = Order { little, big_tiff: version == 43 };
    let mut next = match version {
        42 => order.number(&head[4..8]),
        43 if order.number(&head[4..6]) == 8 => order.number(&source.read_vec(8, 8)?),
        _ => return Err(Error::format("TIFF", format!("has version {version}, not 42 or 43"))),
    };
    let (mut directories, mut seen) = (Vec::new(), BTreeSet::new());
    while next != 0 && seen.insert(next) {
        if directories.len() == limits.directories {
            return Err(Error::limit(
                "the number of TIFF directories",
                format!("above {}", limits.directories),
                limits.directories.to_string(),
                "raise the limit of directories if the file is to be trusted",
            ));
        }
        let (directory, following) = read_one(source, order, next, directories.len())?;
        directories.push(directory);
        next = following;
    }
    if directories.is_empty() {
        return Err(Error::format("TIFF", "has no directory"));
    }
    Ok((order, directories))
}

fn read_one(
    source: &dyn ReadAt,
    order: Order,
    at: u64,
    index: usize,
) -> Result<(Directory<'_>, u64)> {
    let broken = |e: Error| Error::format(format!("TIFF directory {index}"), e.to_string());
    let (head, entry, word) = if order.big_tiff { (8, 20, 8) } else { (2, 12, 4) };
    let count = order.number(&source.read_vec(at, head).map_err(broken)?);
    // 4,096 tags are many times what any writer uses.
    if count == 0 || count > 4096 {
        return Err(broken(Error::format("it", format!("claims {count} tags"))));
    }
    let start = at + head;
    let table = source.read_vec(start, count * entry + word).map_err(broken)?;
    let (table, following) = table.split_at((count * entry) as usize);
    let mut entries = BTreeMap::new();
    for (i, e) in table.chunks_exact(entry as usize).enumerate() {
        let (tag, kind) = (order.number(&e[..2]) as u16, order.number(&e[2..4]) as u16);
        let count = order.number(&e[4..4 + word as usize]);
        let Some(size) = size_of(kind).and_then(|size| size.checked_mul(count)) else {
            // Readers skip types that they do not know (TIFF 6.0, section 2).
            continue;
        };
        let field = start + i as u64 * entry + 4 + word;
        let at = if size <= word { field } else { order.number(&e[4 + word as usize..]) };
        // The first of several equal tags counts, as in libtiff.
        entries.entry(tag).or_insert(Entry { kind, count, at });
    }
    Ok((Directory { source, order, entries, index }, order.number(following)))
}

/// Bytes of one value of a TIFF type.
fn size_of(kind: u16) -> Option<u64> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 | 16 | 17 | 18 => Some(8),
        _ => None,
    }
}

impl Directory<'_> {
    /// Name for messages.
    pub fn name(&self) -> String {
        format!("TIFF directory {}", self.index)
    }

    fn broken(&self, tag: u16, message: impl std::fmt::Display) -> Error {
        Error::format(self.name(), format!("tag {tag}: {message}"))
    }

    /// Whether the tag is there.
    pub fn has(&self, tag: u16) -> bool {
        self.entries.contains_key(&tag)
    }

    /// Raw bytes of a value, at most `limit`.
    fn raw(&self, tag: u16, limit: u64) -> Result<Option<(Entry, Vec<u8>)>> {
        let Some(&entry) = self.entries.get(&tag) else {
            return Ok(None);
        };
        let size = size_of(entry.kind).unwrap_or(0) * entry.count;
        if size > limit {
            return Err(self.broken(tag, format!("its value of {size} bytes is too long")));
        }
        let bytes =
            self.source.read_vec(entry.at, size).map_err(|error| self.broken(tag, error))?;
        Ok(Some((entry, bytes)))
    }

    /// An array of unsigned integers, at most `most` of them; `None` when the tag is absent.
    pub fn integers(&self, tag: u16, most: u64) -> Result<Option<Vec<u64>>> {
        let Some((entry, bytes)) = self.raw(tag, most.saturating_mul(8))? else {
            return Ok(None);
        };
        if !matches!(entry.kind, 1 | 3 | 4 | 13 | 16 | 18) {
            return Err(self.broken(tag, format!("type {} is no unsigned integer", entry.kind)));
        }
        let size = size_of(entry.kind).unwrap_or(1) as usize;
        Ok(Some(bytes.chunks_exact(size).map(|n| self.order.number(n)).collect()))
    }

    /// The first of some unsigned integers; `None` when the tag is absent or empty.
    pub fn integer(&self, tag: u16) -> Result<Option<u64>> {
        Ok(self.integers(tag, 1 << 16)?.and_then(|all| all.first().copied()))
    }

    /// A value that must fit 16 bits, with the default that TIFF 6.0 gives it.
    pub fn small(&self, tag: u16, default: u16) -> Result<u16> {
        match self.integer(tag)? {
            None => Ok(default),
            Some(n) => u16::try_from(n).map_err(|_| self.broken(tag, format!("{n} is too large"))),
        }
    }

    /// A value that must be there and lie in 1 to 2^31 − 1.
    pub fn side(&self, tag: u16) -> Result<u32> {
        match self.integer(tag)? {
            None => Err(self.broken(tag, "is missing")),
            Some(n) if (1..=i32::MAX as u64).contains(&n) => Ok(n as u32),
            Some(n) => Err(self.broken(tag, format!("{n} is not in 1–{}", i32::MAX))),
        }
    }

    /// The bytes of a value of type BYTE or UNDEFINED.
    pub fn bytes(&self, tag: u16) -> Result<Option<Vec<u8>>> {
        Ok(self.raw(tag, VALUE_BYTES)?.map(|(_, bytes)| bytes))
    }

    /// A text up to its first zero byte; what is not UTF-8 is replaced. Unreadable text is no text.
    pub fn text(&self, tag: u16) -> Option<String> {
        let (entry, bytes) = self.raw(tag, VALUE_BYTES).ok()??;
        if !matches!(entry.kind, 1 | 2 | 7) {
            return None;
        }
        let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
        Some(String::from_utf8_lossy(&bytes[..end]).into_owned())
    }

    /// A positive, finite number of type RATIONAL, FLOAT, DOUBLE or an integer; anything else is
    /// absent: no pixel depends on it.
    pub fn positive(&self, tag: u16) -> Option<f64> {
        let (entry, bytes) = self.raw(tag, 64).ok()??;
        let number = |from: usize, to: usize| bytes.get(from..to).map(|b| self.order.number(b));
        let value = match entry.kind {
            5 => number(0, 4)? as f64 / number(4, 8)? as f64,
            11 => f64::from(f32::from_bits(number(0, 4)? as u32)),
            12 => f64::from_bits(number(0, 8)?),
            1 | 3 | 4 | 16 => number(0, size_of(entry.kind)? as usize)? as f64,
            _ => return None,
        };
        (value.is_finite() && value > 0.0).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slide::memory::Bytes;

    /// A classic little-endian file: tags as (tag, type, count, value), then the next offset.
    fn file(tags: &[(u16, u16, u32, u32)], next: u32) -> Bytes {
        let mut bytes = b"II\x2A\0\x08\0\0\0".to_vec();
        bytes.extend((tags.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in tags {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes.extend(next.to_le_bytes());
        Bytes(bytes)
    }

    #[test]
    fn inline_values_are_read() {
        let source = file(&[(256, 3, 1, 640), (257, 4, 1, 70_000)], 0);
        let (_, chain) = read_chain(&source, Limits::default()).unwrap();
        assert_eq!(chain[0].side(tag::IMAGE_WIDTH).unwrap(), 640);
        assert_eq!(chain[0].side(tag::IMAGE_LENGTH).unwrap(), 70_000);
        assert_eq!(chain[0].side(tag::TILE_WIDTH).unwrap_err().kind(), "format");
    }

    #[test]
    fn a_chain_that_loops_ends() {
        let source = file(&[(256, 3, 1, 1)], 8);
        assert_eq!(read_chain(&source, Limits::default()).unwrap().1.len(), 1);
    }

    #[test]
    fn values_outside_the_file_are_errors_and_cost_no_memory() {
        let source = file(&[(273, 4, u32::MAX, 8), (270, 2, 100, 1 << 30)], 0);
        let (_, chain) = read_chain(&source, Limits::default()).unwrap();
        assert_eq!(chain[0].integers(273, u64::MAX).unwrap_err().kind(), "format");
        assert_eq!(chain[0].text(270), None);
    }

    #[test]
    fn directories_outside_the_file_are_errors() {
        for next in [0x7FFF_FFFF, 9] {
            let source = file(&[(256, 3, 1, 1)], next);
            let found = read_chain(&source, Limits::default());
            assert_eq!(found.err().map(|e| e.kind()), Some("format"), "next {next}");
        }
    }
}
