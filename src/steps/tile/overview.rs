//! A small copy of a slide, averaged block by block as the tiles of one level stream past.

use std::collections::VecDeque;

use super::pixels;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::slide::{Level, Slide};
use crate::step::{Facts, Out};

/// Averages blocks of `block` pixels (columns, rows) of a level in exact integers.
///
/// Source tiles need not end with a block. Sums are kept only for the rows of blocks that are not
/// complete; the last blocks of a row or column average the pixels that there are.
pub struct Averager {
    block: (u32, u32),
    level: (u32, u32),
    channels: usize,
    width: u32,
    height: u32,
    /// Sums of the rows of blocks that are not complete, the first being row `closed`.
    open: VecDeque<Vec<u64>>,
    closed: u32,
    done: Vec<u8>,
}

/// Sums of the blocks that one source tile touches.
pub struct Partial {
    first: (u32, u32),
    columns: usize,
    sums: Vec<u64>,
}

impl Averager {
    /// Begins. `channels` is 1 or 3.
    pub fn new(level: &Level, block: (u32, u32), channels: u8) -> Self {
        let block = (block.0.max(1), block.1.max(1));
        Self {
            block,
            level: (level.width_px, level.height_px),
            channels: usize::from(channels),
            width: level.width_px.div_ceil(block.0),
            height: level.height_px.div_ceil(block.1),
            open: VecDeque::new(),
            closed: 0,
            done: Vec::new(),
        }
    }

    /// Columns and rows of the small copy.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Sums up one tile, whose corner is at (`left`, `top`): can be done on any thread.
    pub fn sum(&self, tile: &Image, (left, top): (u32, u32)) -> Partial {
        let n = self.channels;
        let first = (left / self.block.0, top / self.block.1);
        let last = (
            (left + tile.width_px() - 1) / self.block.0,
            (top + tile.height_px() - 1) / self.block.1,
        );
        let columns = (last.0 - first.0 + 1) as usize;
        let mut sums = vec![0_u64; columns * (last.1 - first.1 + 1) as usize * n];
        let data = tile.as_u8().unwrap_or_default();
        let row_bytes = tile.width_px() as usize * n;
        // Pixels of the first block that belong to this tile; the others are whole or the last.
        let head = (self.block.0 - left % self.block.0) as usize * n;
        for (y, row) in data.chunks_exact(row_bytes.max(1)).enumerate() {
            let block_row = ((top + y as u32) / self.block.1 - first.1) as usize;
            let target = &mut sums[block_row * columns * n..][..columns * n];
            let (head, rest) = row.split_at(head.min(row.len()));
            let blocks = std::iter::once(head).chain(rest.chunks(self.block.0 as usize * n));
            for (sum, block) in target.chunks_exact_mut(n).zip(blocks) {
                add_block(sum, block);
            }
        }
        Partial { first, columns, sums }
    }

    /// Adds the sums of a tile. Tiles come in rows from the top.
    pub fn add(&mut self, partial: &Partial) {
        let n = self.channels;
        for (offset, sums) in partial.sums.chunks_exact(partial.columns * n).enumerate() {
            let row = (partial.first.1 + offset as u32 - self.closed) as usize;
            while self.open.len() <= row {
                self.open.push_back(vec![0; self.width as usize * n]);
            }
            let at = partial.first.0 as usize * n;
            for (total, sum) in self.open[row][at..].iter_mut().zip(sums) {
                *total += sum;
            }
        }
    }

    /// Finishes the rows of blocks that lie above row `y` of the level: all tiles above it came.
    pub fn close_above(&mut self, y: u32) {
        while self.closed < self.height {
            let begin = self.closed * self.block.1;
            let end = begin.saturating_add(self.block.1).min(self.level.1);
            if end > y {
                return;
            }
            let rows = u64::from(end - begin);
            let sums = self.open.pop_front().unwrap_or_default();
            for (index, sum) in sums.iter().enumerate() {
                let left = (index / self.channels) as u32 * self.block.0;
                let columns = self.block.0.min(self.level.0 - left);
                let count = rows * u64::from(columns);
                // Rounded half up.
                self.done.push(((2 * sum + count) / (2 * count)) as u8);
            }
            self.closed += 1;
        }
    }

    /// The small copy.
    ///
    /// # Errors
    /// [`Error::Bug`] when not all tiles came.
    pub fn finish(self) -> Result<Image> {
        Image::from_u8(self.width, self.height, self.channels as u8, self.done)
    }
}

/// Adds up one row of one block.
fn add_block(sum: &mut [u64], block: &[u8]) {
    if let [r, g, b] = sum {
        let (mut red, mut green, mut blue) = (0_u64, 0_u64, 0_u64);
        // 32 bits hold 65,536 pixels with room to spare: nothing wraps, and no check slows it down.
        for piece in block.chunks(3 * 65_536) {
            let (mut pr, mut pg, mut pb) = (0_u32, 0_u32, 0_u32);
            for pixel in piece.chunks_exact(3) {
                pr = pr.wrapping_add(pixel[0].into());
                pg = pg.wrapping_add(pixel[1].into());
                pb = pb.wrapping_add(pixel[2].into());
            }
            red += u64::from(pr);
            green += u64::from(pg);
            blue += u64::from(pb);
        }
        *r += red;
        *g += green;
        *b += blue;
    } else if let [grey] = sum {
        *grey += block.iter().map(|&v| u64::from(v)).sum::<u64>();
    }
}

/// Largest small copy, in pixels: 100 MB of RGB.
const MOST_PIXELS: u64 = 1 << 25;

/// Streams a level through several averagers at once; each source tile is decoded once.
///
/// # Errors
/// As [`Slide::read_tile`]; [`Error::Limit`] when a small copy would not be small.
pub fn stream<F: Facts>(
    slide: &dyn Slide,
    index: usize,
    channels: u8,
    blocks: &[(u32, u32)],
    out: &mut Out<'_, F>,
) -> Result<Vec<Image>> {
    let level = &slide.geometry().levels[index];
    let mut averagers: Vec<Averager> =
        blocks.iter().map(|block| Averager::new(level, *block, channels)).collect();
    for (width, height) in averagers.iter().map(Averager::size) {
        let pixels = u64::from(width) * u64::from(height);
        if pixels > MOST_PIXELS {
            return Err(Error::limit(
                "the tissue mask",
                format!("{pixels} pixels ({width} × {height})"),
                format!("{MOST_PIXELS} pixels"),
                "raise `mask_mpp`, or give the right µm/px if the slide's own is wrong",
            ));
        }
    }
    let (columns, rows) = level.grid();
    let count = columns as usize * rows as usize;
    let place = |i: usize| ((i % columns as usize) as u32, (i / columns as usize) as u32);
    // Only these are needed on the other threads; the totals stay on this one.
    let summers: Vec<Averager> =
        blocks.iter().map(|block| Averager::new(level, *block, channels)).collect();
    out.ordered(
        count,
        |i| {
            let tile = pixels::read_tile(slide, index, place(i), channels)?;
            let (left, top, ..) = pixels::place(level, place(i));
            Ok(summers.iter().map(|a| a.sum(&tile, (left, top))).collect::<Vec<_>>())
        },
        |_, i, partials| {
            for (averager, partial) in averagers.iter_mut().zip(&partials) {
                averager.add(partial);
            }
            if (i + 1) % columns as usize == 0 {
                let (_, _, _, bottom) = pixels::place(level, place(i));
                averagers.iter_mut().for_each(|a| a.close_above(bottom));
            }
            Ok(())
        },
    )?;
    averagers.into_iter().map(Averager::finish).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::*;
    use crate::step::{Collected, Crew};

    #[test]
    fn blocks_by_hand() {
        // 3 × 2 grey, blocks of 2 × 2: (1+2+4+5)/4 = 3 and the rest (3+8)/2 = 5.5, rounded up.
        let tile = Image::from_u8(3, 2, 1, vec![1, 2, 3, 4, 5, 8]).unwrap();
        let level = &fake::geometry((3, 2), &[1], 4, 1).levels[0];
        let mut averager = Averager::new(level, (2, 2), 1);
        averager.add(&averager.sum(&tile, (0, 0)));
        averager.close_above(2);
        let image = averager.finish().unwrap();
        assert_eq!((image.width_px(), image.height_px()), (2, 1));
        assert_eq!(image.as_u8().unwrap(), [3, 6]);
    }

    #[test]
    fn tiles_and_threads_do_not_matter() {
        for channels in [1, 3] {
            let expected = {
                let slide = fake::Fake::new((151, 97), &[1], 200, channels);
                plain(&slide, (7, 5))
            };
            for (tile_px, threads) in [(16, 1), (16, 3), (33, 2), (151, 1)] {
                let slide = fake::Fake::new((151, 97), &[1], tile_px, channels);
                let crew = Crew::new(threads).unwrap();
                let mut sink = Collected::default();
                let mut out = Out::<()>::new(&mut sink, &crew);
                let images = stream(&slide, 0, channels, &[(7, 5), (1, 1)], &mut out).unwrap();
                assert_eq!(images[0].as_u8().unwrap(), expected, "{tile_px} {threads}");
                assert_eq!(images[1].as_u8().unwrap(), slide.whole(0));
            }
        }
    }

    /// The same average, written down without tiles.
    fn plain(slide: &fake::Fake, block: (u32, u32)) -> Vec<u8> {
        let level = &slide.geometry().levels[0];
        let n = usize::from(slide.geometry().channels);
        let whole = slide.whole(0);
        let mut means = Vec::new();
        for top in (0..level.height_px).step_by(block.1 as usize) {
            for left in (0..level.width_px).step_by(block.0 as usize) {
                for c in 0..n {
                    let values: Vec<u64> = (top..(top + block.1).min(level.height_px))
                        .flat_map(|y| {
                            (left..(left + block.0).min(level.width_px)).map(move |x| (x, y))
                        })
                        .map(|(x, y)| whole[(y * level.width_px + x) as usize * n + c].into())
                        .collect();
                    let count = values.len() as u64;
                    means.push(((2 * values.iter().sum::<u64>() + count) / (2 * count)) as u8);
                }
            }
        }
        means
    }
}
