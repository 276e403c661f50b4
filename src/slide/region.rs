//! Regions: rectangles of a level, composed of its source tiles.

use super::Slide;
use crate::error::{Error, Result};
use crate::image::{Image, Samples};

/// A rectangle of a level.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Its pixels; those outside the level have the fill value.
    pub image: Image,
    /// Share of its pixels that lie within the level, 0–1.
    pub valid_fraction: f64,
}

/// Reads the rectangle of `width_px` × `height_px` pixels whose upper left corner is pixel (`x`, `y`)
/// **of that level** (not of level 0; negative and beyond the edge are fine). Decodes each source tile
/// that it touches once.
///
/// `fill` is the value of samples outside the level, on the scale of 8 bits: 255 is white in images of
/// 16 bits (65,535) and of floats (1.0) too.
///
/// # Errors
/// What [`Slide::read_tile`] gives; [`Error::Bug`] for a level that is not there or an empty rectangle.
pub fn read_region(
    slide: &dyn Slide,
    level: usize,
    x: i64,
    y: i64,
    width_px: u32,
    height_px: u32,
    fill: u8,
) -> Result<Region> {
    let geometry = slide.geometry();
    let Some(shape) = geometry.levels.get(level) else {
        return Err(Error::Bug { message: format!("the slide has no level {level}") });
    };
    let tile_width = i64::from(shape.tile_width_px);
    let tile_height = i64::from(shape.tile_height_px);
    // A region that is a source tile needs no copy.
    let within = |at: i64, tile: i64, whole: u32| {
        (at >= 0 && at % tile == 0).then(|| tile.min(i64::from(whole).saturating_sub(at)))
    };
    if within(x, tile_width, shape.width_px) == Some(i64::from(width_px))
        && within(y, tile_height, shape.height_px) == Some(i64::from(height_px))
        && width_px.min(height_px) > 0
    {
        let image = slide.read_tile(level, (x / tile_width) as u32, (y / tile_height) as u32)?;
        return Ok(Region { image, valid_fraction: 1.0 });
    }
    let mut canvas = Canvas::new(width_px, height_px, geometry.channels, geometry.bit_depth, fill)?;
    // The part of the level that is covered, as half-open ranges of its pixels.
    let covered = |from: i64, length: u32, whole: u32| {
        let whole = i64::from(whole);
        let start = from.clamp(0, whole);
        (start, from.saturating_add(length.into()).clamp(start, whole))
    };
    let (left, right) = covered(x, width_px, shape.width_px);
    let (top, bottom) = covered(y, height_px, shape.height_px);
    if right > left && bottom > top {
        for row in top / tile_height..=(bottom - 1) / tile_height {
            for col in left / tile_width..=(right - 1) / tile_width {
                let tile = slide.read_tile(level, col as u32, row as u32)?;
                canvas.paste(&tile, col * tile_width - x, row * tile_height - y)?;
            }
        }
    }
    let valid = (right - left) as f64 * (bottom - top) as f64;
    let valid_fraction = valid / (f64::from(width_px) * f64::from(height_px));
    Ok(Region { image: canvas.finish()?, valid_fraction })
}

/// A picture that tiles are pasted into.
pub struct Canvas {
    width_px: u32,
    height_px: u32,
    channels: u8,
    samples: Samples,
}

impl Canvas {
    /// A picture of nothing but `fill` (on the scale of 8 bits). Samples are 8-bit up to a `bit_depth`
    /// of 8, 16-bit up to 16, floats above.
    ///
    /// # Errors
    /// [`Error::Bug`] when it has no pixels or more than memory can address.
    pub fn new(
        width_px: u32,
        height_px: u32,
        channels: u8,
        bit_depth: u8,
        fill: u8,
    ) -> Result<Self> {
        let count = (width_px as usize)
            .checked_mul(height_px as usize)
            .and_then(|n| n.checked_mul(channels.into()))
            .filter(|&n| n > 0)
            .ok_or_else(|| Error::Bug {
                message: format!("no region of {width_px} × {height_px} × {channels}"),
            })?;
        let samples = match bit_depth {
            0..=8 => Samples::U8(vec![fill; count]),
            9..=16 => Samples::U16(vec![u16::from(fill) * 257; count]),
            _ => Samples::F32(vec![f32::from(fill) / 255.0; count]),
        };
        Ok(Self { width_px, height_px, channels, samples })
    }

    /// Copies the part of `tile` that falls on the picture; its upper left pixel lies at (`x`, `y`).
    ///
    /// # Errors
    /// [`Error::Format`] when the tile has samples of another kind than the picture.
    pub fn paste(&mut self, tile: &Image, x: i64, y: i64) -> Result<()> {
        if tile.channels() != self.channels {
            return Err(mismatch());
        }
        let span = |at: i64, length: u32, whole: u32| {
            let from = (-at).clamp(0, length.into());
            let to = (i64::from(whole) - at).clamp(from, length.into());
            (from as usize, to as usize)
        };
        let (left, right) = span(x, tile.width_px(), self.width_px);
        let (top, bottom) = span(y, tile.height_px(), self.height_px);
        if right == left || bottom == top {
            return Ok(());
        }
        let channels = usize::from(self.channels);
        let (from_stride, to_stride) =
            (tile.width_px() as usize * channels, self.width_px as usize * channels);
        // Not negative: at least one pixel of the tile falls on the picture.
        let to_left = (x + left as i64) as usize * channels;
        let length = (right - left) * channels;
        for line in top..bottom {
            let from = line * from_stride + left * channels;
            let to = (y + line as i64) as usize * to_stride + to_left;
            match (tile.samples(), &mut self.samples) {
                (Samples::U8(t), Samples::U8(p)) => copy(t, from, p, to, length),
                (Samples::U16(t), Samples::U16(p)) => copy(t, from, p, to, length),
                (Samples::F32(t), Samples::F32(p)) => copy(t, from, p, to, length),
                _ => return Err(mismatch()),
            }
        }
        Ok(())
    }

    /// The picture.
    ///
    /// # Errors
    /// As [`Image::new`]; none after a successful [`Canvas::new`].
    pub fn finish(self) -> Result<Image> {
        Image::new(self.width_px, self.height_px, self.channels, self.samples)
    }
}

fn mismatch() -> Error {
    Error::format("a tile", "its samples are of another kind than those of the slide")
}

fn copy<T: Copy>(tile: &[T], from: usize, picture: &mut [T], to: usize, length: usize) {
    picture[to..to + length].copy_from_slice(&tile[from..from + length]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slide::{Geometry, Level};

    /// A level of 5 × 3 pixels in tiles of 2 × 2; the pixel in column x, row y is 10 y + x.
    struct Numbers(Geometry);

    impl Numbers {
        fn new() -> Self {
            let level = Level {
                width_px: 5,
                height_px: 3,
                tile_width_px: 2,
                tile_height_px: 2,
                downsample_x: 1.0,
                downsample_y: 1.0,
                compression: "none".into(),
            };
            Self(Geometry {
                vendor: "test".into(),
                levels: vec![level],
                mpp: None,
                objective: None,
                channels: 1,
                bit_depth: 8,
                associated: Vec::new(),
            })
        }
    }

    impl Slide for Numbers {
        fn geometry(&self) -> &Geometry {
            &self.0
        }

        fn read_tile(&self, _: usize, col: u32, row: u32) -> Result<Image> {
            let (left, top) = (col * 2, row * 2);
            let (right, bottom) = ((left + 2).min(5), (top + 2).min(3));
            let pixels = (top..bottom)
                .flat_map(|y| (left..right).map(move |x| (10 * y + x) as u8))
                .collect();
            Image::from_u8(right - left, bottom - top, 1, pixels)
        }

        fn associated(&self, name: &str) -> Result<Image> {
            Err(crate::slide::no_associated(name))
        }
    }

    fn read(x: i64, y: i64, width: u32, height: u32) -> (Vec<u8>, f64) {
        let region = read_region(&Numbers::new(), 0, x, y, width, height, 99).unwrap();
        (region.image.as_u8().unwrap().to_vec(), region.valid_fraction)
    }

    #[test]
    fn inside() {
        assert_eq!(read(1, 0, 3, 3), (vec![1, 2, 3, 11, 12, 13, 21, 22, 23], 1.0));
        assert_eq!(read(4, 2, 1, 1), (vec![24], 1.0));
    }

    #[test]
    fn beyond_the_edges() {
        assert_eq!(read(-1, -1, 2, 2), (vec![99, 99, 99, 0], 0.25));
        assert_eq!(read(4, 2, 2, 2), (vec![24, 99, 99, 99], 0.25));
        assert_eq!(read(-1, 1, 7, 1), (vec![99, 10, 11, 12, 13, 14, 99], 5.0 / 7.0));
    }

    #[test]
    fn nowhere_near() {
        for (x, y) in [(5, 0), (0, 3), (-2, 0), (i64::MAX, 0), (i64::MIN, i64::MIN)] {
            assert_eq!(read(x, y, 2, 1), (vec![99, 99], 0.0), "({x}, {y})");
        }
    }

    #[test]
    fn nothing_and_no_level_are_refused() {
        assert!(read_region(&Numbers::new(), 0, 0, 0, 0, 1, 0).is_err());
        assert!(read_region(&Numbers::new(), 1, 0, 0, 1, 1, 0).is_err());
    }
}
