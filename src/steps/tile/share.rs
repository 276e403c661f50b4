//! One decode per source tile, shared by all patches that need it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::grid::Grid;
use super::pixels;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::slide::{Level, Slide};

/// The patches that will be cut: for each row of the grid, its columns in rising order.
pub type Accepted = Vec<Vec<u32>>;

/// Source tiles of one level, decoded by whoever needs them first, and dropped when the last patch
/// that needs them has had them.
///
/// How many patches need a tile is computed from the grid when the tile is first asked for, so that
/// nothing is stored for tiles that are not in use.
pub struct Shared<'a> {
    slide: &'a dyn Slide,
    index: usize,
    level: &'a Level,
    channels: u8,
    grid: &'a Grid,
    accepted: &'a Accepted,
    most_bytes: u64,
    live: Mutex<Live>,
}

/// The tiles in use, by column and row.
type Live = BTreeMap<(u32, u32), Arc<Mutex<Slot>>>;

/// One tile in use.
struct Slot {
    /// Patches that have not had it yet.
    left: u64,
    image: Option<Result<Arc<Image>>>,
}

/// Left, top, right, bottom (exclusive) in pixels of the level.
pub type Region = (u32, u32, u32, u32);

/// A panic in a decoder ends the run; until then the others may go on.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> Shared<'a> {
    /// Tiles of level `index`, for these patches. No region may be larger than `most_bytes`.
    pub fn new(
        slide: &'a dyn Slide,
        index: usize,
        channels: u8,
        grid: &'a Grid,
        accepted: &'a Accepted,
        most_bytes: u64,
    ) -> Self {
        let level = &slide.geometry().levels[index];
        let live = Mutex::default();
        Self { slide, index, level, channels, grid, accepted, most_bytes, live }
    }

    /// The pixels that a patch is computed from. To be called once for each accepted patch.
    ///
    /// A region that is exactly one source tile is that tile, not a copy.
    ///
    /// # Errors
    /// As [`Slide::read_tile`]; [`Error::Limit`] when the region is too large.
    pub fn region(&self, col: u64, row: u64) -> Result<(Arc<Image>, Region)> {
        let (left, right) = self.grid.x.span(col);
        let (top, bottom) = self.grid.y.span(row);
        let region = (left, top, right, bottom);
        let n = u64::from(self.channels);
        let bytes = u64::from(right - left) * u64::from(bottom - top) * n;
        if bytes > self.most_bytes {
            return Err(Error::limit(
                "the part of the slide behind one patch",
                format!("{bytes} bytes ({} × {} pixels)", right - left, bottom - top),
                format!("{} bytes", self.most_bytes),
                "lower `tile_px`, ask for a finer resolution, or raise the limit of decoded bytes (`--max-decoded`)",
            ));
        }
        let (tile_w, tile_h) = (self.level.tile_width_px, self.level.tile_height_px);
        let columns = left / tile_w..=(right - 1) / tile_w;
        let rows = top / tile_h..=(bottom - 1) / tile_h;
        if columns.clone().count() == 1 && rows.clone().count() == 1 {
            let tile = (*columns.start(), *rows.start());
            if pixels::place(self.level, tile) == region {
                return Ok((self.tile(tile)?, region));
            }
        }
        let row_bytes = (right - left) as usize * usize::from(self.channels);
        let mut data = vec![0; bytes as usize];
        for tile_row in rows {
            for tile_col in columns.clone() {
                let image = self.tile((tile_col, tile_row))?;
                self.copy(&image, (tile_col, tile_row), region, &mut data, row_bytes);
            }
        }
        let image = Image::from_u8(right - left, bottom - top, self.channels, data)?;
        Ok((Arc::new(image), region))
    }

    /// Copies what a tile has of a region.
    fn copy(
        &self,
        image: &Image,
        tile: (u32, u32),
        region: Region,
        data: &mut [u8],
        row_bytes: usize,
    ) {
        let n = usize::from(self.channels);
        let (left, top, right, bottom) = pixels::place(self.level, tile);
        let (from_x, to_x) = (left.max(region.0), right.min(region.2));
        let (from_y, to_y) = (top.max(region.1), bottom.min(region.3));
        let source = image.as_u8().unwrap_or_default();
        let source_row = (right - left) as usize * n;
        let length = (to_x - from_x) as usize * n;
        for y in from_y..to_y {
            let from = (y - top) as usize * source_row + (from_x - left) as usize * n;
            let to = (y - region.1) as usize * row_bytes + (from_x - region.0) as usize * n;
            data[to..to + length].copy_from_slice(&source[from..from + length]);
        }
    }

    /// A tile, for one of the patches that need it.
    fn tile(&self, at: (u32, u32)) -> Result<Arc<Image>> {
        let slot = lock(&self.live)
            .entry(at)
            .or_insert_with(|| Arc::new(Mutex::new(Slot { left: self.uses(at), image: None })))
            .clone();
        let mut slot = lock(&slot);
        // Whoever comes second waits here for the first one's pixels.
        let image = slot
            .image
            .get_or_insert_with(|| {
                pixels::read_tile(self.slide, self.index, at, self.channels).map(Arc::new)
            })
            .clone();
        slot.left = slot.left.saturating_sub(1);
        if slot.left == 0 {
            lock(&self.live).remove(&at);
        }
        image
    }

    /// How many patches need a tile.
    fn uses(&self, at: (u32, u32)) -> u64 {
        let (left, top, right, bottom) = pixels::place(self.level, at);
        let (col_from, col_to) = self.grid.x.touching(left, right);
        let (row_from, row_to) = self.grid.y.touching(top, bottom);
        let rows = self.accepted.get(row_from as usize..row_to as usize).unwrap_or_default();
        rows.iter()
            .map(|columns| {
                let below = |end: u64| columns.partition_point(|c| u64::from(*c) < end);
                (below(col_to) - below(col_from)) as u64
            })
            .sum()
    }

    /// Tiles that are held at the moment.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        lock(&self.live).len()
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::super::params::{Edges, Params};
    use super::super::resolution::{Known, MppSource, Resolution};
    use super::*;
    use crate::step::{Collected, Crew, Out};

    /// Grids that are aligned, overlapping, odd, sparse and resampled.
    fn cases() -> Vec<Params> {
        let params = |tile_px, stride, mpp| Params {
            tile_px,
            stride_px: Some(stride),
            mpp: Some(mpp),
            edges: Edges::Pad,
            ..Params::default()
        };
        vec![
            params(32, 32, 0.25),
            params(32, 16, 0.25),
            params(33, 29, 0.25),
            params(16, 77, 0.25),
            params(32, 32, 0.6),
            params(20, 7, 0.41),
        ]
    }

    #[test]
    fn each_needed_tile_is_decoded_once_and_no_other() {
        for params in cases() {
            let slide = fake::Fake::new((333, 217), &[1], 32, 3);
            let geometry = slide.geometry();
            let known = Known { mpp: Some([0.25; 2]), source: MppSource::Header };
            let resolution = Resolution::of(&params, geometry, &known).unwrap();
            let grid = Grid::new(&params, geometry, &resolution).unwrap();
            // Two patches of three, as a mask might choose.
            let accepted: Accepted = (0..grid.y.count())
                .map(|row| {
                    let columns = 0..grid.x.count() as u32;
                    columns.filter(|c| (u64::from(*c) + row) % 3 != 0).collect()
                })
                .collect();
            let patches: Vec<(u64, u64)> = accepted
                .iter()
                .zip(0_u64..)
                .flat_map(|(columns, row)| columns.iter().map(move |c| (u64::from(*c), row)))
                .collect();
            for threads in [1, 2, 8] {
                slide.reset();
                let shared = Shared::new(&slide, 0, 3, &grid, &accepted, 1 << 30);
                let crew = Crew::new(threads).unwrap();
                let mut sink = Collected::default();
                let mut most_held = 0;
                Out::<()>::new(&mut sink, &crew)
                    .ordered(
                        patches.len(),
                        |i| shared.region(patches[i].0, patches[i].1),
                        |_, _, (image, region)| {
                            assert_eq!(image.as_u8().unwrap(), slide.part(0, region));
                            most_held = most_held.max(shared.held());
                            Ok(())
                        },
                    )
                    .unwrap();
                assert_eq!(shared.held(), 0, "all tiles are dropped at the end");
                for (tile, decodes) in slide.decodes(0) {
                    let place = pixels::place(&geometry.levels[0], tile);
                    let needed = patches.iter().any(|(col, row)| {
                        let (x, y) = (grid.x.span(*col), grid.y.span(*row));
                        x.0 < place.2 && x.1 > place.0 && y.0 < place.3 && y.1 > place.1
                    });
                    assert_eq!(decodes, u32::from(needed), "{tile:?} {params:?} {threads}");
                }
                // 77 tiles in all: rows that are done are not kept.
                assert!(most_held < 60, "{most_held} tiles at once");
            }
        }
    }

    #[test]
    fn an_aligned_patch_is_the_tile_itself() {
        let slide = fake::Fake::new((64, 64), &[1], 32, 3);
        let params = Params { tile_px: 32, ..Params::default() };
        let known = Known { mpp: None, source: MppSource::None };
        let resolution = Resolution::of(&params, slide.geometry(), &known).unwrap();
        let grid = Grid::new(&params, slide.geometry(), &resolution).unwrap();
        let accepted = vec![vec![0, 1], vec![1]];
        let shared = Shared::new(&slide, 0, 3, &grid, &accepted, 1 << 30);
        let (image, region) = shared.region(1, 1).unwrap();
        assert_eq!(image.as_u8().unwrap(), slide.part(0, region));
        assert_eq!(Arc::strong_count(&image), 1, "nobody else holds it, nothing was copied");
    }

    #[test]
    fn a_region_too_large_is_refused_before_it_is_taken() {
        let slide = fake::Fake::new((64, 64), &[1], 32, 3);
        let params = Params { tile_px: 32, ..Params::default() };
        let known = Known { mpp: None, source: MppSource::None };
        let resolution = Resolution::of(&params, slide.geometry(), &known).unwrap();
        let grid = Grid::new(&params, slide.geometry(), &resolution).unwrap();
        let accepted = vec![vec![0]];
        let shared = Shared::new(&slide, 0, 3, &grid, &accepted, 32 * 32 * 3 - 1);
        assert_eq!(shared.region(0, 0).unwrap_err().kind(), "limit");
    }
}
