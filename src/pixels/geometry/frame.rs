//! Parts of images, and frames around them.

use super::border::Border;
use super::sample::{Moves, Sample, kept, moved};
use crate::error::{Error, Result};
use crate::image::Image;

/// How many pixels a frame adds on each side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sides {
    /// Columns on the left.
    pub left: u32,
    /// Rows above.
    pub top: u32,
    /// Columns on the right.
    pub right: u32,
    /// Rows below.
    pub bottom: u32,
}

/// The `width` × `height` pixels of `image` whose first one stands in column `x`, row `y`.
///
/// # Errors
/// [`Error::Params`] when the rectangle is empty or does not lie in the image.
pub fn crop(image: &Image, x: u32, y: u32, width: u32, height: u32) -> Result<Image> {
    let inside = |from: u32, length: u32, all: u32| {
        length > 0 && u64::from(from).saturating_add(length.into()) <= u64::from(all)
    };
    if !inside(x, width, image.width_px()) || !inside(y, height, image.height_px()) {
        return Err(Error::params(
            "crop",
            format!(
                "{width} × {height} pixels at ({x}, {y}) do not lie in an image of {} × {}",
                image.width_px(),
                image.height_px()
            ),
        ));
    }
    let channels = image.channels() as usize;
    let work = Crop {
        stride: image.width_px() as usize * channels,
        first: x as usize * channels,
        length: width as usize * channels,
        y: y as usize,
        height: height as usize,
    };
    moved(image, (width, height), &work)
}

/// A rectangle; columns are counted in samples.
struct Crop {
    stride: usize,
    first: usize,
    length: usize,
    y: usize,
    height: usize,
}

impl Moves for Crop {
    fn moved<T: Sample>(&self, source: &[T]) -> Vec<T> {
        let mut out = Vec::with_capacity(self.length * self.height);
        for row in source.chunks_exact(self.stride).skip(self.y).take(self.height) {
            out.extend_from_slice(&row[self.first..self.first + self.length]);
        }
        out
    }
}

/// `image` with a frame of `sides` around it, filled as `border` says. A frame may be wider than the
/// image.
///
/// # Errors
/// [`Error::Limit`] when the result would have more than 2³¹ samples.
pub fn pad(image: &Image, sides: Sides, border: &Border) -> Result<Image> {
    let sum = |a: u32, b: u32, c: u32| a.checked_add(b).and_then(|s| s.checked_add(c));
    let size = sum(sides.left, image.width_px(), sides.right).zip(sum(
        sides.top,
        image.height_px(),
        sides.bottom,
    ));
    let Some(size) = size else {
        return Err(Error::limit(
            "the framed image",
            "more than 4294967295 pixels on a side",
            "4294967295 pixels",
            "ask for a narrower frame",
        ));
    };
    kept("the framed image", size, image.channels())?;
    let work = Pad {
        from: (image.width_px() as usize, image.height_px() as usize),
        channels: image.channels() as usize,
        sides,
        border,
    };
    moved(image, size, &work)
}

struct Pad<'a> {
    from: (usize, usize),
    channels: usize,
    sides: Sides,
    border: &'a Border,
}

impl Pad<'_> {
    /// Appends the pixels of a source row that stand at `columns` (0 is the row's first).
    fn columns<T: Sample>(
        &self,
        out: &mut Vec<T>,
        row: &[T],
        columns: std::ops::Range<i64>,
        fill: &[T],
    ) {
        for at in columns {
            match self.border.place(at, self.from.0) {
                Some(x) => {
                    out.extend_from_slice(&row[x * self.channels..(x + 1) * self.channels]);
                }
                None => out.extend_from_slice(fill),
            }
        }
    }
}

impl Moves for Pad<'_> {
    fn moved<T: Sample>(&self, source: &[T]) -> Vec<T> {
        let (width, height) = self.from;
        let Sides { left, top, right, bottom } = self.sides;
        let stride = (left as usize + width + right as usize) * self.channels;
        let rows = top as usize + height + bottom as usize;
        let mut colour = [T::default(); 4];
        if let Border::Constant(levels) = self.border {
            colour = levels.map(T::from_level);
        }
        let fill = &colour[..self.channels];
        let mut out: Vec<T> = Vec::with_capacity(stride * rows);
        for y in 0..rows as i64 {
            let Some(from) = self.border.place(y - i64::from(top), height) else {
                for _ in 0..stride / self.channels {
                    out.extend_from_slice(fill);
                }
                continue;
            };
            let row = &source[from * width * self.channels..(from + 1) * width * self.channels];
            self.columns(&mut out, row, -i64::from(left)..0, fill);
            out.extend_from_slice(row);
            self.columns(&mut out, row, width as i64..width as i64 + i64::from(right), fill);
        }
        out
    }
}
