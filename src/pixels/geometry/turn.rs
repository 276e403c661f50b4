//! The eight ways in which a rectangle lies on itself.

use super::sample::{Moves, Sample, moved};
use crate::error::Result;
use crate::image::Image;

/// Left and right change places.
///
/// # Errors
/// None that depends on the image.
pub fn flip_horizontal(image: &Image) -> Result<Image> {
    moved(image, same(image), &Flip { shape: Shape::of(image), columns: true, rows: false })
}

/// Top and bottom change places.
///
/// # Errors
/// As [`flip_horizontal`].
pub fn flip_vertical(image: &Image) -> Result<Image> {
    moved(image, same(image), &Flip { shape: Shape::of(image), columns: false, rows: true })
}

/// Rows become columns: the pixel in column x, row y goes to column y, row x.
///
/// # Errors
/// As [`flip_horizontal`].
pub fn transpose(image: &Image) -> Result<Image> {
    turned(image, false, false)
}

/// `turns` quarter turns counter-clockwise, as `numpy.rot90`; taken modulo 4.
///
/// # Errors
/// As [`flip_horizontal`].
pub fn rotate_quarter(image: &Image, turns: u8) -> Result<Image> {
    match turns % 4 {
        1 => turned(image, true, false),
        2 => {
            moved(image, same(image), &Flip { shape: Shape::of(image), columns: true, rows: true })
        }
        3 => turned(image, false, true),
        _ => Ok(image.clone()),
    }
}

/// The image upright, of one whose file has `exif` as its orientation (EXIF 2.32, tag 0x0112). 1–8
/// have a meaning; an image with any other number is left as it is.
///
/// # Errors
/// As [`flip_horizontal`].
pub fn orient(image: &Image, exif: u8) -> Result<Image> {
    match exif {
        2 => flip_horizontal(image),
        3 => rotate_quarter(image, 2),
        4 => flip_vertical(image),
        5 => transpose(image),
        6 => rotate_quarter(image, 3),
        7 => turned(image, true, true),
        8 => rotate_quarter(image, 1),
        _ => Ok(image.clone()),
    }
}

fn same(image: &Image) -> (u32, u32) {
    (image.width_px(), image.height_px())
}

/// The transposed image, of the source with its columns or rows (or both) in reverse order.
fn turned(image: &Image, columns: bool, rows: bool) -> Result<Image> {
    let size = (image.height_px(), image.width_px());
    moved(image, size, &Turn { shape: Shape::of(image), columns, rows })
}

/// Columns, rows and channels of the source.
struct Shape {
    width: usize,
    height: usize,
    channels: usize,
}

impl Shape {
    fn of(image: &Image) -> Self {
        Self {
            width: image.width_px() as usize,
            height: image.height_px() as usize,
            channels: image.channels().into(),
        }
    }
}

struct Flip {
    shape: Shape,
    columns: bool,
    rows: bool,
}

impl Moves for Flip {
    fn moved<T: Sample>(&self, source: &[T]) -> Vec<T> {
        let stride = self.shape.width * self.shape.channels;
        let mut out = Vec::with_capacity(source.len());
        // A row is turned in a buffer that stays in the nearest cache and is appended from there: the
        // result is never filled with zeros first.
        let mut turned = vec![T::default(); if self.columns { stride } else { 0 }];
        for y in 0..self.shape.height {
            let y = if self.rows { self.shape.height - 1 - y } else { y };
            let row = &source[y * stride..(y + 1) * stride];
            if self.columns {
                reversed(row, &mut turned, self.shape.channels);
                out.extend_from_slice(&turned);
            } else {
                out.extend_from_slice(row);
            }
        }
        out
    }
}

/// The pixels of a row in reverse order.
fn reversed<T: Sample>(row: &[T], out: &mut [T], channels: usize) {
    match channels {
        1 => reversed_wide::<T, 1>(row, out),
        2 => reversed_wide::<T, 2>(row, out),
        3 => reversed_wide::<T, 3>(row, out),
        _ => reversed_wide::<T, 4>(row, out),
    }
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn reversed_wide<T: Sample, const N: usize>(row: &[T], out: &mut [T]) {
    let pixels = row.as_chunks::<N>().0;
    let out = out.as_chunks_mut::<N>().0;
    for (to, from) in out.iter_mut().zip(pixels.iter().rev()) {
        *to = *from;
    }
}

struct Turn {
    shape: Shape,
    columns: bool,
    rows: bool,
}

impl Moves for Turn {
    fn moved<T: Sample>(&self, source: &[T]) -> Vec<T> {
        match self.shape.channels {
            1 => self.of::<T, 1>(source),
            2 => self.of::<T, 2>(source),
            3 => self.of::<T, 3>(source),
            _ => self.of::<T, 4>(source),
        }
    }
}

/// Rows and columns of the blocks in which an image is transposed: the lines of the cache that the
/// block's rows touch stay there until all their columns are read.
const BLOCK: usize = 32;

impl Turn {
    fn of<T: Sample, const N: usize>(&self, source: &[T]) -> Vec<T> {
        let Shape { width, height, .. } = self.shape;
        let pixels = source.as_chunks::<N>().0;
        let mut out = vec![T::default(); source.len()];
        let to = out.as_chunks_mut::<N>().0;
        for top in (0..height).step_by(BLOCK) {
            let across = BLOCK.min(height - top);
            // Where the first pixel of this block's columns stands, and which way the column runs.
            let start = if self.rows { height - 1 - top } else { top };
            for x in 0..width {
                let from = if self.columns { width - 1 - x } else { x };
                let run = &mut to[x * height + top..x * height + top + across];
                let mut at = start * width + from;
                for pixel in run {
                    *pixel = pixels[at];
                    at = if self.rows { at.wrapping_sub(width) } else { at.wrapping_add(width) };
                }
            }
        }
        out
    }
}
