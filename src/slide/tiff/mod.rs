//! Slides in TIFF: what all families share. A family (one file each, beside this folder) looks at the
//! pages and says which of them are levels; the rest is the same for all.
//!
//! The vocabulary (tags, their numbers) is that of the crate `tiff`; its decoder is not used. It owns
//! one `Read + Seek` and is read through `&mut self`, so that threads would queue for it or open the
//! file once each; it decodes through whatever the stream holds beyond a tile; and it gives the raw
//! YCbCr of photometric 6. Here the directories are read once, through positional reads with every
//! size checked first, and a tile is one read and one decode on whichever thread wants it. The codecs
//! are the crates that `tiff` itself uses (`weezl`, `flate2`, `zstd`, `image-webp`), and
//! `libjpeg-turbo-rs` for JPEG.

mod chunk;
mod codec;
mod directory;
mod layout;
mod unpack;

use std::sync::Arc;

use layout::Layout;
pub use layout::Page;

use super::region::Canvas;
use super::{Geometry, Level, Limits, ReadAt, Slide, aperio, generic};
use crate::error::{Error, Result};
use crate::image::Image;

/// What a family says of a file: indices are positions in the chain of directories.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Name of the family.
    pub vendor: &'static str,
    /// Pages that are levels, level 0 first.
    pub levels: Vec<usize>,
    /// Pages that are pictures beside the levels, by name.
    pub associated: Vec<(String, usize)>,
    /// Micrometres per pixel of level 0, along x and y.
    pub mpp: Option<(f64, f64)>,
    /// Nominal magnification.
    pub objective: Option<f64>,
}

/// An open slide of any family within TIFF.
struct TiffSlide {
    source: Arc<dyn ReadAt>,
    limits: Limits,
    geometry: Geometry,
    levels: Vec<Layout>,
    /// Pictures that cannot be decoded keep their reason until somebody asks for them.
    associated: Vec<(String, Result<Layout>)>,
}

/// Opens a TIFF of any family that is known; reads directories, no pixels.
///
/// # Errors
/// [`Error::Format`] for broken files, [`Error::Unsupported`] when a level cannot be decoded,
/// [`Error::Limit`] for files that ask for too much.
pub fn open(source: Arc<dyn ReadAt>, limits: Limits) -> Result<Box<dyn Slide>> {
    let (order, directories) = directory::read_chain(&*source, limits)?;
    let pages = directories.iter().map(Page::read).collect::<Result<Vec<_>>>()?;
    if pages.iter().any(|page| page.ndpi) {
        return Err(Error::unsupported(
            "Hamamatsu NDPI",
            "convert it to a tiled TIFF (for example `vips tiffsave --tile --pyramid`)",
        ));
    }
    let plan = aperio::recognise(&pages).unwrap_or_else(|| generic::recognise(&pages));
    let read = |&index: &usize| match directories.get(index) {
        Some(directory) => Layout::read(directory, order, limits),
        None => Err(Error::Bug { message: format!("no TIFF directory {index}") }),
    };
    let levels = plan.levels.iter().map(read).collect::<Result<Vec<_>>>()?;
    let associated: Vec<_> =
        plan.associated.iter().map(|(name, index)| (name.clone(), read(index))).collect();
    let geometry = geometry(&plan, &pages, &levels)?;
    drop(directories);
    Ok(Box::new(TiffSlide { source, limits, geometry, levels, associated }))
}

fn geometry(plan: &Plan, pages: &[Page], levels: &[Layout]) -> Result<Geometry> {
    let Some(base) = levels.first() else {
        return Err(Error::Bug { message: format!("{} found no level", plan.vendor) });
    };
    let kind = |l: &Layout| (l.channels(), l.bits);
    if let Some(other) = levels.iter().find(|l| kind(l) != kind(base)) {
        return Err(Error::unsupported(
            format!("a pyramid whose levels differ in kind ({} and {})", base.name, other.name),
            "write the pyramid again from its largest level",
        ));
    }
    let level = |(layout, &index): (&Layout, &usize)| Level {
        width_px: layout.width_px,
        height_px: layout.height_px,
        tile_width_px: layout.chunk_width_px,
        tile_height_px: layout.chunk_height_px,
        downsample_x: f64::from(base.width_px) / f64::from(layout.width_px),
        downsample_y: f64::from(base.height_px) / f64::from(layout.height_px),
        compression: pages.get(index).map(|p| p.compression.clone()).unwrap_or_default(),
    };
    let picture = |(name, index): &(String, usize)| {
        pages.get(*index).map(|p| (name.clone(), p.width_px, p.height_px))
    };
    Ok(Geometry {
        vendor: plan.vendor.into(),
        levels: levels.iter().zip(&plan.levels).map(level).collect(),
        mpp: plan.mpp,
        objective: plan.objective,
        channels: base.channels(),
        bit_depth: base.bits,
        associated: plan.associated.iter().filter_map(picture).collect(),
    })
}

impl Slide for TiffSlide {
    fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    fn read_tile(&self, level: usize, col: u32, row: u32) -> Result<Image> {
        match self.levels.get(level) {
            Some(layout) => chunk::read(layout, &*self.source, col, row),
            None => Err(Error::Bug { message: format!("the slide has no level {level}") }),
        }
    }

    fn associated(&self, name: &str) -> Result<Image> {
        let Some((_, layout)) = self.associated.iter().find(|(n, _)| n == name) else {
            return Err(super::no_associated(name));
        };
        let layout = layout.as_ref().map_err(Clone::clone)?;
        let sample = u64::from(layout.channels()) * u64::from(layout.bits.div_ceil(8));
        let (width, height) = (layout.width_px, layout.height_px);
        crate::image::check_size(width, height, sample, self.limits.decoded_bytes)?;
        let mut canvas = Canvas::new(width, height, layout.channels(), layout.bits, 255)?;
        let (cols, rows) = layout.grid();
        for row in 0..rows {
            for col in 0..cols {
                let tile = chunk::read(layout, &*self.source, col, row)?;
                let x = i64::from(col) * i64::from(layout.chunk_width_px);
                let y = i64::from(row) * i64::from(layout.chunk_height_px);
                canvas.paste(&tile, x, y)?;
            }
        }
        canvas.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slide::memory::Bytes;

    /// A little-endian TIFF of 20 × 18 RGB pixels in four tiles of 16 × 16 whose samples all have the
    /// tile's number; `ranges` are (offset, length) of the tiles, `None` for where they really are.
    fn file(compression: u32, ranges: [Option<(u32, u32)>; 4], leave_out: u16) -> Vec<u8> {
        let (tile, first) = (16 * 16 * 3, 512);
        let place = |i: usize| ranges[i].unwrap_or((first + i as u32 * tile, tile));
        let arrays = 400;
        let tags = [
            (256, 3, 1, 20),
            (257, 3, 1, 18),
            (258, 3, 1, 8),
            (259, 3, 1, compression),
            (262, 3, 1, 2),
            (277, 3, 1, 3),
            (322, 3, 1, 16),
            (323, 3, 1, 16),
            (324, 4, 4, arrays),
            (325, 4, 4, arrays + 16),
        ];
        let tags: Vec<(u16, u16, u32, u32)> =
            tags.into_iter().filter(|t| t.0 != leave_out).collect();
        let mut bytes = b"II\x2A\0\x08\0\0\0".to_vec();
        bytes.extend((tags.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in tags {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(count.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        bytes.resize(arrays as usize, 0);
        (0..4).for_each(|i| bytes.extend(place(i).0.to_le_bytes()));
        (0..4).for_each(|i| bytes.extend(place(i).1.to_le_bytes()));
        bytes.resize(first as usize, 0);
        (0..4).for_each(|i| bytes.extend(vec![i as u8; tile as usize]));
        bytes
    }

    fn slide(bytes: Vec<u8>) -> Result<Box<dyn Slide>> {
        open(Arc::new(Bytes(bytes)), Limits::default())
    }

    #[test]
    fn tiles_are_cropped_to_the_level() {
        let slide = slide(file(1, [None; 4], 0)).unwrap();
        assert_eq!(slide.geometry().levels[0].grid(), (2, 2));
        for (col, row, width, height) in
            [(0, 0, 16, 16), (1, 0, 4, 16), (0, 1, 16, 2), (1, 1, 4, 2)]
        {
            let tile = slide.read_tile(0, col, row).unwrap();
            assert_eq!((tile.width_px(), tile.height_px()), (width, height));
            assert!(tile.as_u8().unwrap().iter().all(|&s| u32::from(s) == 2 * row + col));
        }
        assert!(slide.read_tile(0, 2, 0).is_err());
        assert!(slide.read_tile(1, 0, 0).is_err());
    }

    #[test]
    fn tiles_that_were_left_out_are_glass() {
        let slide = slide(file(1, [None, Some((0, 0)), Some((600, 0)), None], 0)).unwrap();
        let tile = slide.read_tile(0, 1, 0).unwrap();
        assert_eq!((tile.width_px(), tile.height_px()), (4, 16));
        assert!(tile.as_u8().unwrap().iter().all(|&s| s == 255));
        // No bytes at a place: that is damage.
        assert_eq!(slide.read_tile(0, 0, 1).unwrap_err().kind(), "format");
    }

    #[test]
    fn errors_name_the_tile() {
        let beyond = Some((1 << 30, 768));
        let slide = slide(file(1, [None, None, None, beyond], 0)).unwrap();
        let error = slide.read_tile(0, 1, 1).unwrap_err().to_string();
        assert!(error.starts_with("tile (1, 1) of TIFF directory 0"), "{error}");
        assert!(slide.read_tile(0, 0, 0).is_ok(), "the others are sound");
    }

    #[test]
    fn missing_tags_are_named() {
        for tag in [256, 257, 262, 323, 324, 325] {
            let error = slide(file(5, [None; 4], tag)).err().unwrap();
            assert_eq!(error.kind(), "format", "tag {tag}: {error}");
        }
        assert_eq!(slide(file(33005, [None; 4], 0)).err().unwrap().kind(), "unsupported");
    }

    #[test]
    fn a_bomb_is_refused_before_memory_is_taken() {
        let mut bytes = file(5, [None; 4], 0);
        // TileWidth and TileLength, the seventh and eighth tag, become 65,520.
        for tag in [6, 7] {
            let at = 10 + tag * 12 + 8;
            bytes[at..at + 2].copy_from_slice(&65_520_u16.to_le_bytes());
        }
        assert_eq!(slide(bytes).err().unwrap().kind(), "limit");
    }
}
