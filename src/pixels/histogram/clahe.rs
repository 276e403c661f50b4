//! Contrast-limited adaptive histogram equalisation (Zuiderveld 1994), OpenCV's to the bit.

use multiversion::multiversion;

use super::light::{self, Over};
use super::{Counts, count_one, countable};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::pixels::table;

/// Most tiles of a side.
const MOST_TILES: u32 = 256;

/// CLAHE of an 8-bit image, over `tiles` columns and rows of tiles. Grey equals OpenCV's
/// `createCLAHE(clip_limit, tiles)` to the bit; RGB is changed over what `over` says. A limit of 0 or
/// less clips nothing.
///
/// # Errors
/// [`Error::Unsupported`] for anything but 8-bit grey or RGB; [`Error::Params`] for tiles that are not
/// 1–256 a side, or a clip limit that is not finite; [`Error::Limit`] for 2³¹ pixels and more.
pub fn clahe(image: &Image, clip_limit: f64, tiles: (u32, u32), over: Over) -> Result<Image> {
    if !clip_limit.is_finite() {
        return Err(Error::params("clip_limit", format!("{clip_limit}: it must be finite")));
    }
    if [tiles.0, tiles.1].iter().any(|n| !(1..=MOST_TILES).contains(n)) {
        let message = format!("{} × {}: 1 to {MOST_TILES} of a side", tiles.0, tiles.1);
        return Err(Error::params("tiles", message));
    }
    let samples = table::bytes(image)?;
    // A padded image may be twice as large a side where there are more tiles than pixels.
    countable(samples.len().saturating_mul(2))?;
    let size = (image.width_px() as usize, image.height_px() as usize);
    if image.channels() == 1 {
        let changed = plane(samples, size, clip_limit, tiles);
        return Image::from_u8(image.width_px(), image.height_px(), 1, changed);
    }
    light::by_plane(image, over, |samples| plane(samples, size, clip_limit, tiles))
}

/// One axis: how tiles lie, and between which two of them each pixel is.
struct Axis {
    tiles: usize,
    /// Pixels of a tile.
    tile: usize,
    /// Pixels of the image.
    size: usize,
}

/// What is interpolated for one pixel along an axis.
#[derive(Clone, Copy, PartialEq)]
struct Between {
    first: usize,
    second: usize,
    /// Share of the second.
    share: f32,
}

impl Axis {
    fn between(&self, at: usize) -> Between {
        let place = at as f32 * (1.0 / self.tile as f32) - 0.5;
        if place < 0.0 {
            // Before the middle of the first tile: only that one.
            return Between { first: 0, second: 0, share: place + 1.0 };
        }
        let first = place as usize;
        let share = place - first as f32;
        Between { first, second: (first + 1).min(self.tiles - 1), share }
    }

    /// The pixel that stands at `at`, which may lie behind the image: mirrored without its edge.
    fn mirrored(&self, at: usize) -> usize {
        if at < self.size || self.size == 1 {
            return at.min(self.size - 1);
        }
        let period = 2 * (self.size - 1);
        let at = at % period;
        at.min(period - at)
    }
}

/// OpenCV pads both axes, by one to `tiles` pixels, as soon as one of them does not divide evenly.
fn axes((w, h): (usize, usize), (columns, rows): (u32, u32)) -> [Axis; 2] {
    let (columns, rows) = (columns as usize, rows as usize);
    let even = w.is_multiple_of(columns) && h.is_multiple_of(rows);
    let axis = |size: usize, tiles: usize| {
        let padded = if even { size } else { size + tiles - size % tiles };
        Axis { tiles, tile: padded / tiles, size }
    };
    [axis(w, columns), axis(h, rows)]
}

fn plane(samples: &[u8], size: (usize, usize), clip_limit: f64, tiles: (u32, u32)) -> Vec<u8> {
    let [across, down] = axes(size, tiles);
    let tables = tables(samples, &across, &down, clip_limit);
    let betweens: Vec<Between> = (0..across.size).map(|x| across.between(x)).collect();
    let shares: Vec<f32> = betweens.iter().map(|between| between.share).collect();
    // Runs of columns that lie between the same two tiles.
    let same = |a: &Between, b: &Between| (a.first, a.second) == (b.first, b.second);
    let runs: Vec<(usize, usize, usize)> =
        betweens.chunk_by(same).map(|run| (run.len(), run[0].first, run[0].second)).collect();
    // The four tables of each run, one beside the other in 32 bits: one look-up per pixel.
    let mut fours = vec![[0_u32; 256]; runs.len()];
    let mut band = None;
    let mut found = vec![0_u32; across.size];
    let mut out = vec![0; samples.len()];
    let rows = samples.chunks_exact(across.size).zip(out.chunks_exact_mut(across.size));
    for (y, (row, out)) in rows.enumerate() {
        let between = down.between(y);
        if band != Some((between.first, between.second)) {
            band = Some((between.first, between.second));
            for (four, (_, left, right)) in fours.iter_mut().zip(&runs) {
                let of = |row: usize, column: &usize| &tables[row * across.tiles + column];
                let [a, b] = [of(between.first, left), of(between.first, right)];
                let [c, d] = [of(between.second, left), of(between.second, right)];
                for (x, entry) in four.iter_mut().enumerate() {
                    *entry = u32::from_le_bytes([a[x], b[x], c[x], d[x]]);
                }
            }
        }
        let mut from = 0;
        for (four, (len, _, _)) in fours.iter().zip(&runs) {
            let run = from..from + len;
            for (entry, x) in found[run.clone()].iter_mut().zip(&row[run]) {
                *entry = four[usize::from(*x)];
            }
            from += len;
        }
        interpolate(&found, &shares, between.share, out);
    }
    out
}

/// Between four values per pixel; in `f32`, in OpenCV's order, to the nearest, halves to even.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn interpolate(found: &[u32], shares: &[f32], down: f32, out: &mut [u8]) {
    // Added to a number from 0 to 255, it leaves it rounded in the lowest bits.
    const ROUNDING: f32 = 12_582_912.0;
    let up = 1.0 - down;
    for ((four, right), out) in found.iter().zip(shares).zip(out) {
        let left = 1.0 - right;
        let level = |shift: u32| (four >> shift & 0xFF) as i32 as f32;
        let upper = level(0) * left + level(8) * right;
        let lower = level(16) * left + level(24) * right;
        *out = (upper * up + lower * down + ROUNDING).to_bits() as u8;
    }
}

/// The table of each tile, row by row.
fn tables(samples: &[u8], across: &Axis, down: &Axis, clip_limit: f64) -> Vec<[u8; 256]> {
    let area = across.tile * down.tile;
    let limit = if clip_limit > 0.0 {
        Some(((clip_limit * area as f64 / 256.0) as u32).max(1))
    } else {
        None
    };
    // The columns of a tile that is not all inside the image.
    let mut copied = Vec::new();
    let mut all = Vec::with_capacity(across.tiles * down.tiles);
    for tile_y in 0..down.tiles {
        for tile_x in 0..across.tiles {
            let mut counts = [0; 256];
            let x = tile_x * across.tile;
            copied.clear();
            for y in tile_y * down.tile..(tile_y + 1) * down.tile {
                let start = down.mirrored(y) * across.size;
                let row = &samples[start..start + across.size];
                match row.get(x..x + across.tile) {
                    Some(part) => copied.extend_from_slice(part),
                    None => {
                        copied.extend((x..x + across.tile).map(|x| row[across.mirrored(x)]));
                    }
                }
            }
            count_one(&copied, &mut counts);
            if let Some(limit) = limit {
                clip(&mut counts, limit);
            }
            all.push(cumulated(&counts, area));
        }
    }
    all
}

/// Cuts counts off at `limit` and spreads what was cut off over all levels; what is left over goes to
/// levels at even steps from 0 on.
fn clip(counts: &mut Counts, limit: u32) {
    let mut over = 0_u32;
    for n in counts.iter_mut() {
        over = over.wrapping_add(n.saturating_sub(limit));
        *n = (*n).min(limit);
    }
    let left = (over % 256) as usize;
    for n in counts.iter_mut() {
        *n = n.wrapping_add(over / 256);
    }
    if left > 0 {
        for n in counts.iter_mut().step_by((256 / left).max(1)).take(left) {
            *n = n.wrapping_add(1);
        }
    }
}

fn cumulated(counts: &Counts, area: usize) -> [u8; 256] {
    let scale = 255.0 / area as f32;
    let mut sum = 0_u32;
    counts.map(|n| {
        sum = sum.wrapping_add(n);
        (sum as f32 * scale).round_ties_even() as u8
    })
}

#[cfg(test)]
mod tests;
