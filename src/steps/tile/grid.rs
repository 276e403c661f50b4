//! Where patches lie.

use super::params::{Edges, Params};
use super::resolution::Resolution;
use crate::error::{Error, Result};
use crate::slide::{Geometry, Level};

/// Shortage of an output pixel that is forgiven: what rounding costs, not what anybody sees.
const WHOLE: f64 = 1e-6;

/// One axis of the grid. Positions are computed, not stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Whole output pixels of the slide.
    extent: u64,
    tile: u64,
    stride: u64,
    shift: bool,
    count: u64,
    /// Level-0 pixels per output pixel.
    scale_0: f64,
    /// Pixels of the level per output pixel.
    scale_level: f64,
    /// Pixels of the level.
    level_px: u32,
}

impl Axis {
    fn new(params: &Params, axis: usize, resolution: &Resolution, level: &Level) -> Self {
        let level_px = [level.width_px, level.height_px][axis];
        let scale_level = resolution.scale_level[axis];
        let extent = (f64::from(level_px) / scale_level + WHOLE).floor() as u64;
        let (tile, stride) = (u64::from(params.tile_px), u64::from(params.stride()));
        let beyond = extent.saturating_sub(tile);
        let count = match params.edges {
            Edges::Skip if extent < tile => 0,
            Edges::Skip => beyond / stride + 1,
            // All that begin on the slide, but none behind the first that reaches its border.
            Edges::Shift | Edges::Pad => (beyond.div_ceil(stride) + 1).min(extent.div_ceil(stride)),
        };
        let shift = params.edges == Edges::Shift;
        let scale_0 = resolution.scale_0[axis];
        Self { extent, tile, stride, shift, count, scale_0, scale_level, level_px }
    }

    /// Patches along the axis.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// First output pixel of a patch.
    pub fn start(&self, index: u64) -> u64 {
        let start = index * self.stride;
        if self.shift { start.min(self.extent.saturating_sub(self.tile)) } else { start }
    }

    /// Output pixels of a patch that lie on the slide: at least one.
    pub fn valid(&self, index: u64) -> u32 {
        self.tile.min(self.extent.saturating_sub(self.start(index))) as u32
    }

    /// Begin and length of a patch in level-0 pixels; what is outside the slide included.
    pub fn place_0(&self, index: u64) -> (f64, f64) {
        (self.start(index) as f64 * self.scale_0, self.tile as f64 * self.scale_0)
    }

    /// Begin and end of the part of a patch that lies on the slide, in pixels of the level.
    pub fn place_level(&self, index: u64) -> (f64, f64) {
        let start = self.start(index);
        let end = start + u64::from(self.valid(index));
        let most = f64::from(self.level_px);
        ((start as f64 * self.scale_level).min(most), (end as f64 * self.scale_level).min(most))
    }

    /// The pixels of the level, from and to (exclusive), that a patch is computed from.
    pub fn span(&self, index: u64) -> (u32, u32) {
        let (begin, end) = self.place_level(index);
        // The cubic reaches two pixels to either side, wider by the scale; one more for rounding.
        let margin =
            if self.scale_level == 1.0 { 0.0 } else { 2.0 * self.scale_level.max(1.0) + 1.0 };
        let from = (begin - margin).floor().max(0.0) as u32;
        let to = ((end + margin).ceil() as u32).min(self.level_px);
        (from, to)
    }

    /// Indices of the patches, from and to (exclusive), that are computed from pixels in `from..to`
    /// of the level. Spans grow with the index, so both ends are found by bisection.
    pub fn touching(&self, from: u32, to: u32) -> (u64, u64) {
        let first = bisect(self.count, |i| self.span(i).1 <= from);
        let last = bisect(self.count, |i| self.span(i).0 < to);
        (first, last.max(first))
    }
}

/// Number of indices below `count` for which `before` holds; it holds for the first ones only.
fn bisect(count: u64, before: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// The grid of a slide.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Columns of patches.
    pub x: Axis,
    /// Rows of patches.
    pub y: Axis,
    /// Digits of a level-0 coordinate in a name.
    digits: usize,
}

impl Grid {
    /// Lays the grid.
    ///
    /// # Errors
    /// [`Error::Limit`] when it has more patches than `max_patches`.
    pub fn new(params: &Params, geometry: &Geometry, resolution: &Resolution) -> Result<Self> {
        let level = &geometry.levels[resolution.level];
        let x = Axis::new(params, 0, resolution, level);
        let y = Axis::new(params, 1, resolution, level);
        // Rows are walked even when they hold nothing.
        let total = x.count.max(1).saturating_mul(y.count.max(1));
        if total > params.max_patches {
            return Err(Error::limit(
                "the number of patches in the grid",
                format!("{total} ({} columns × {} rows)", x.count, y.count),
                params.max_patches.to_string(),
                "raise `stride_px` or the µm/px, or `max_patches` if so many are wanted",
            ));
        }
        let longest = geometry.levels.first().map_or(0, |l| l.width_px.max(l.height_px));
        Ok(Self { x, y, digits: longest.to_string().len().max(6) })
    }

    /// Name of a patch, without its ending: unique, and in the order of rows and columns.
    pub fn name(&self, col: u64, row: u64) -> String {
        let digits = self.digits;
        if self.x.scale_0 < 1.0 || self.y.scale_0 < 1.0 {
            return format!("r{row:0digits$}_c{col:0digits$}");
        }
        // Corners are at least one level-0 pixel apart, so that their whole parts differ.
        let (x, y) = (self.x.place_0(col).0 as u64, self.y.place_0(row).0 as u64);
        format!("y{y:0digits$}_x{x:0digits$}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::super::resolution::{Known, MppSource};
    use super::*;

    fn grid(size: (u32, u32), params: &Params) -> Grid {
        let geometry = fake::geometry(size, &[1], 64, 3);
        let known = Known { mpp: Some([0.25; 2]), source: MppSource::Header };
        let resolution = Resolution::of(params, &geometry, &known).unwrap();
        Grid::new(params, &geometry, &resolution).unwrap()
    }

    fn starts(axis: &Axis) -> Vec<u64> {
        (0..axis.count()).map(|i| axis.start(i)).collect()
    }

    fn axis(extent: u32, tile_px: u32, stride_px: u32, edges: Edges) -> Axis {
        let params = Params { tile_px, stride_px: Some(stride_px), edges, ..Params::default() };
        grid((extent, 1), &params).x
    }

    #[test]
    fn borders_by_hand() {
        assert_eq!(starts(&axis(100, 20, 30, Edges::Skip)), [0, 30, 60]);
        assert_eq!(starts(&axis(110, 20, 30, Edges::Skip)), [0, 30, 60, 90]);
        assert_eq!(starts(&axis(100, 20, 30, Edges::Shift)), [0, 30, 60, 80]);
        assert_eq!(starts(&axis(100, 20, 30, Edges::Pad)), [0, 30, 60, 90]);
        let pad = axis(100, 20, 30, Edges::Pad);
        assert_eq!((0..4).map(|i| pad.valid(i)).collect::<Vec<_>>(), [20, 20, 20, 10]);
        // Between 80 and 90 no patch begins: nothing to pad or to shift.
        assert_eq!(starts(&axis(85, 20, 30, Edges::Pad)), [0, 30, 60]);
        assert_eq!(starts(&axis(85, 20, 30, Edges::Shift)), [0, 30, 60]);
        // Overlapping patches stop with the first that reaches the border.
        assert_eq!(starts(&axis(50, 20, 10, Edges::Pad)), [0, 10, 20, 30]);
        assert_eq!(starts(&axis(55, 20, 10, Edges::Pad)), [0, 10, 20, 30, 40]);
        assert_eq!(starts(&axis(55, 20, 10, Edges::Shift)), [0, 10, 20, 30, 35]);
    }

    #[test]
    fn a_slide_smaller_than_a_patch() {
        assert_eq!(axis(10, 20, 20, Edges::Skip).count(), 0);
        for edges in [Edges::Shift, Edges::Pad] {
            let one = axis(10, 20, 20, edges);
            assert_eq!((one.count(), one.start(0), one.valid(0)), (1, 0, 10));
        }
    }

    #[test]
    fn a_resampled_patch_lies_at_fractions_and_reads_its_surroundings() {
        // 1.0 µm/px of 0.25: four level-0 pixels each. 0.7: 2.8.
        let params = Params { mpp: Some(0.7), tile_px: 16, ..Params::default() };
        let x = grid((1000, 1000), &params).x;
        // 1000 / 2.8 = 357.14…: 357 whole pixels, 22 patches of 16.
        assert_eq!(x.count(), 22);
        let scale = 0.7 / 0.25;
        assert_eq!(x.place_0(3), (48.0 * scale, 16.0 * scale));
        // 134.4 − 2·2.8 − 1 = 127.8 and 179.2 + 6.6 = 185.8.
        assert_eq!(x.span(3), (127, 186));
        assert_eq!(x.span(0).0, 0);
    }

    #[test]
    fn a_whole_number_of_pixels_is_not_lost_to_rounding() {
        // 0.1 + 0.2 of three: 999.99… by division.
        for (size, mpp) in [(3000_u32, 0.75), (700, 0.7), (900, 0.9)] {
            let params = Params { mpp: Some(mpp), tile_px: 50, ..Params::default() };
            let x = grid((size, size), &params).x;
            assert_eq!(x.extent, (f64::from(size) * 0.25 / mpp).round() as u64, "{size} {mpp}");
            let (begin, end) = x.place_level(x.count() - 1);
            assert!(begin < end && end <= f64::from(size));
        }
    }

    #[test]
    fn touching_is_what_the_spans_say() {
        for (mpp, edges) in [(0.25, Edges::Shift), (0.6, Edges::Pad), (1.1, Edges::Skip)] {
            let params = Params {
                mpp: Some(mpp),
                tile_px: 32,
                stride_px: Some(23),
                edges,
                ..Params::default()
            };
            let x = grid((777, 777), &params).x;
            for from in (0..777).step_by(64) {
                let to = (from + 64).min(777);
                let (a, b) = x.touching(from, to);
                for i in 0..x.count() {
                    let (begin, end) = x.span(i);
                    assert_eq!((a..b).contains(&i), begin < to && end > from, "{mpp} {from} {i}");
                }
            }
        }
    }

    #[test]
    fn names_are_unique_and_sorted() {
        let finer = Params { mpp: Some(0.2), max_upsampling: 2.0, ..Params::default() };
        for params in [Params { mpp: Some(0.3), ..Params::default() }, finer] {
            let dense = Params { tile_px: 16, stride_px: Some(1), edges: Edges::Shift, ..params };
            let grid = grid((60, 50), &dense);
            let all: Vec<String> = (0..grid.y.count())
                .flat_map(|row| (0..grid.x.count()).map(move |col| (col, row)))
                .map(|(col, row)| grid.name(col, row))
                .collect();
            assert!(all.len() > 100);
            assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    #[test]
    fn an_absurd_grid_is_refused_before_any_work() {
        let geometry = fake::geometry((40_000, 30_000), &[1], 256, 3);
        let params = Params { stride_px: Some(1), ..Params::default() };
        let known = Known { mpp: None, source: MppSource::None };
        let resolution = Resolution::of(&params, &geometry, &known).unwrap();
        let error = Grid::new(&params, &geometry, &resolution).unwrap_err();
        assert_eq!(error.kind(), "limit");
        assert!(error.to_string().contains("1182215025"), "39,745 × 29,745: {error}");
        assert!(error.remedy().contains("max_patches"));
    }
}
