//! Pictures for people: the slide, and what was cut from it.

use super::grid::Grid;
use super::morphology::Bitmap;
use super::share::Accepted;
use crate::error::Result;
use crate::image::Image;
use crate::slide::{Geometry, Level};

/// Longer side of the pictures, at most.
pub const LONGEST_PX: u32 = 512;

/// Outline of the tissue: vermilion, which people who see few colours tell from blue and from pink
/// tissue (Okabe and Ito's palette).
const OUTLINE: [u8; 3] = [213, 94, 0];

/// Patches: blue of the same palette.
const PATCH: [u8; 3] = [0, 114, 178];

/// Patches narrower than this many pixels get no rim: it would hide what they hold.
const RIM_FROM_PX: f64 = 5.0;

/// Side of the blocks that average a level down to a picture.
pub fn block(level: &Level) -> u32 {
    level.width_px.max(level.height_px).div_ceil(LONGEST_PX).max(1)
}

/// The level to take pictures from when there is no mask to take them with: the smallest that fills
/// the picture, if it is small enough to be worth decoding for a picture.
pub fn level_without_mask(geometry: &Geometry) -> Option<usize> {
    let fills = |l: &Level| l.width_px.max(l.height_px) >= LONGEST_PX;
    let index = geometry.levels.iter().rposition(fills).unwrap_or(0);
    let level = geometry.levels.get(index)?;
    (u64::from(level.width_px) * u64::from(level.height_px) <= 1 << 24).then_some(index)
}

/// A picture in RGB: grey is repeated.
///
/// # Errors
/// [`crate::Error::Bug`] only.
pub fn colour(small: Image) -> Result<Image> {
    match (small.channels(), small.as_u8()) {
        (1, Some(data)) => {
            let rgb = data.iter().flat_map(|&v| [v; 3]).collect();
            Image::from_u8(small.width_px(), small.height_px(), 3, rgb)
        }
        _ => Ok(small),
    }
}

/// A mask and the level-0 pixels that one of its pixels is wide and high.
pub type PlacedMask<'a> = (&'a Bitmap, [f64; 2]);

/// Draws the outline of the tissue and the patches onto a picture in RGB, `scale` level-0 pixels to
/// a pixel along x and y.
///
/// # Errors
/// [`crate::Error::Bug`] only.
pub fn draw(
    picture: &Image,
    scale: [f64; 2],
    mask: Option<PlacedMask<'_>>,
    grid: &Grid,
    accepted: &Accepted,
) -> Result<Image> {
    let mut canvas = Canvas {
        width: picture.width_px() as usize,
        height: picture.height_px() as usize,
        data: picture.as_u8().unwrap_or_default().to_vec(),
    };
    let along =
        |axis: usize, place: (f64, f64)| (place.0 / scale[axis], (place.0 + place.1) / scale[axis]);
    for (columns, row) in accepted.iter().zip(0_u64..) {
        let y = along(1, grid.y.place_0(row));
        for &col in columns {
            canvas.patch(along(0, grid.x.place_0(col.into())), y);
        }
    }
    if let Some((mask, mask_scale)) = mask {
        canvas.outline(mask, [mask_scale[0] / scale[0], mask_scale[1] / scale[1]]);
    }
    Image::from_u8(picture.width_px(), picture.height_px(), 3, canvas.data)
}

struct Canvas {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

impl Canvas {
    /// Mixes a colour in: `part` of 256.
    fn mix(&mut self, x: usize, y: usize, colour: [u8; 3], part: u16) {
        let at = (y * self.width + x) * 3;
        if let Some(pixel) = self.data.get_mut(at..at + 3) {
            for (value, target) in pixel.iter_mut().zip(colour) {
                let mixed = u16::from(*value) * (256 - part) + u16::from(target) * part;
                *value = (mixed / 256) as u8;
            }
        }
    }

    /// Tints a patch and, where it is large enough, draws its rim.
    fn patch(&mut self, x: (f64, f64), y: (f64, f64)) {
        // Pixels whose centres lie in the patch, so that neighbours share none and miss none.
        let within = |(from, to): (f64, f64), most: usize| {
            let first = (from + 0.5).floor().max(0.0) as usize;
            (first.min(most), ((to + 0.5).floor() as usize).min(most))
        };
        let (left, right) = within(x, self.width);
        let (top, bottom) = within(y, self.height);
        let has_rim = (x.1 - x.0).min(y.1 - y.0) >= RIM_FROM_PX;
        for row in top..bottom {
            for col in left..right {
                let rim = row == top || col == left || row + 1 == bottom || col + 1 == right;
                let part = if has_rim && rim { 200 } else { 56 };
                self.mix(col, row, PATCH, part);
            }
        }
    }

    /// Paints the tissue's outermost pixels; a mask pixel is `scale` pixels wide and high.
    fn outline(&mut self, mask: &Bitmap, scale: [f64; 2]) {
        let index = |at: usize, scale: f64, most: usize| {
            (((at as f64 + 0.5) / scale) as usize).min(most.saturating_sub(1))
        };
        let is_tissue = |x: usize, y: usize| {
            let row = index(y, scale[1], mask.height) * mask.width;
            mask.bits.get(row + index(x, scale[0], mask.width)).copied().unwrap_or(false)
        };
        for y in 0..self.height {
            for x in 0..self.width {
                let inner = |dx: isize, dy: isize| {
                    match (x.checked_add_signed(dx), y.checked_add_signed(dy)) {
                        (Some(x), Some(y)) if x < self.width && y < self.height => is_tissue(x, y),
                        // Tissue that goes on beyond the border has no outline there.
                        _ => true,
                    }
                };
                let surrounded = inner(-1, 0) && inner(1, 0) && inner(0, -1) && inner(0, 1);
                if is_tissue(x, y) && !surrounded {
                    self.mix(x, y, OUTLINE, 256);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake;
    use super::super::params::Params;
    use super::super::resolution::{Known, MppSource, Resolution};
    use super::*;

    #[test]
    fn patches_and_tissue_lie_where_they_should() {
        let geometry = fake::geometry((160, 80), &[1], 32, 3);
        let params = Params { tile_px: 80, ..Params::default() };
        let known = Known { mpp: None, source: MppSource::None };
        let resolution = Resolution::of(&params, &geometry, &known).unwrap();
        let grid = Grid::new(&params, &geometry, &resolution).unwrap();
        let white = Image::from_u8(16, 8, 3, vec![255; 16 * 8 * 3]).unwrap();
        // Tissue is the right half; the patch on it is accepted.
        let bits = (0..8).map(|i| i % 4 >= 2).collect();
        let mask = Bitmap { width: 4, height: 2, bits };
        let drawn =
            draw(&white, [10.0; 2], Some((&mask, [40.0; 2])), &grid, &vec![vec![1]]).unwrap();
        let at = |x: usize, y: usize| {
            let data = drawn.as_u8().unwrap();
            [0, 1, 2].map(|c| data[(y * 16 + x) * 3 + c])
        };
        assert_eq!(at(7, 4), [255; 3], "glass is left alone");
        assert_eq!(at(8, 4), OUTLINE, "the left side of the tissue");
        // 255·200/256 of white + 56/256 of blue.
        assert_eq!(at(12, 4), [199, 224, 238], "inside");
        assert_eq!(at(15, 4), [55, 144, 194], "the rim, without outline at the border");
    }

    #[test]
    fn pictures_are_at_most_512_pixels_long() {
        for (width, expected) in [(100, 1), (512, 1), (513, 2), (40_000, 79)] {
            let level = &fake::geometry((width, 50), &[1], 32, 3).levels[0];
            assert_eq!(block(level), expected);
            assert!(width.div_ceil(block(level)) <= LONGEST_PX);
        }
        let geometry = fake::geometry((8192, 8192), &[1, 4, 16, 64], 256, 3);
        assert_eq!(level_without_mask(&geometry), Some(2));
        let flat = fake::geometry((8192, 8192), &[1], 256, 3);
        assert_eq!(level_without_mask(&flat), None);
    }
}
