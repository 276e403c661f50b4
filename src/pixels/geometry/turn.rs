//! The eight ways in which a rectangle lies on itself.

use super::sample::{Moves, Sample, moved};
#[cfg(target_arch = "x86_64")]
use super::wide;
use crate::error::Result;
use crate::image::Image;
#[cfg(target_arch = "x86_64")]
use archmage::{SimdToken, X64V2Token, X64V4xToken};

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
    if channels == 3
        && let (Some(row), Some(out)) = (T::bytes(row), T::bytes_mut(out))
    {
        #[cfg(target_arch = "x86_64")]
        if let Some(token) = X64V4xToken::summon() {
            return wide::reversed(token, row, out);
        }
        return reversed_rgb(row, out);
    }
    match channels {
        1 => reversed_of::<T, 1>(row, out),
        2 => reversed_of::<T, 2>(row, out),
        3 => reversed_of::<T, 3>(row, out),
        _ => reversed_of::<T, 4>(row, out),
    }
}

fn reversed_of<T: Sample, const N: usize>(row: &[T], out: &mut [T]) {
    let pixels = row.as_chunks::<N>().0;
    for (to, from) in out.as_chunks_mut::<N>().0.iter_mut().zip(pixels.iter().rev()) {
        *to = *from;
    }
}

/// [`reversed_of`] for 3 bytes: eight pixels, in three words of 64 bits, at once.
pub(super) fn reversed_rgb(row: &[u8], out: &mut [u8]) {
    let (groups, rest) = row.as_chunks::<24>();
    let (first, out) = out.split_at_mut(rest.len());
    reversed_of::<u8, 3>(rest, first);
    for (to, from) in out.as_chunks_mut::<24>().0.iter_mut().rev().zip(groups) {
        let words = from.as_chunks::<8>().0;
        let [x, y, z] = [0, 1, 2].map(|i| u64::from_le_bytes(words[i]));
        let pixel = |v: u64| v & 0x00ff_ffff;
        let (a, b, c) = (pixel(x), pixel(x >> 24), pixel(x >> 48 | y << 16));
        let (d, e, f) = (pixel(y >> 8), pixel(y >> 32), pixel(y >> 56 | z << 8));
        let (g, h) = (pixel(z >> 16), z >> 40);
        let turned = [
            h | g << 24 | f << 48,
            f >> 16 | e << 8 | d << 32 | c << 56,
            c >> 8 | b << 16 | a << 40,
        ];
        for (to, word) in to.as_chunks_mut::<8>().0.iter_mut().zip(turned) {
            *to = word.to_le_bytes();
        }
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
        let mut out = vec![T::default(); source.len()];
        #[cfg(target_arch = "x86_64")]
        if N == 3
            && let Some(token) = X64V2Token::summon()
            && let (Some(source), Some(out)) = (T::bytes(source), T::bytes_mut(&mut out))
        {
            let Shape { width, height, .. } = self.shape;
            wide::turned(token, source, (width, height), (self.columns, self.rows), out);
        } else {
            self.pixel_by_pixel::<T, N>(source, &mut out);
        }
        #[cfg(not(target_arch = "x86_64"))]
        self.pixel_by_pixel::<T, N>(source, &mut out);
        out
    }

    fn pixel_by_pixel<T: Sample, const N: usize>(&self, source: &[T], out: &mut [T]) {
        let Shape { width, height, .. } = self.shape;
        let pixels = source.as_chunks::<N>().0;
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
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn shuffles_do_what_pixels_one_by_one_do() {
        let tokens = X64V2Token::summon().zip(X64V4xToken::summon());
        for width in (1..70).chain([512, 513]) {
            for height in [1, 2, 3, 4, 5, 7, 31, 33, 67] {
                let source: Vec<u8> =
                    (0..width * height * 3).map(|i| ((i * 40_503) >> 4) as u8).collect();
                let row = &source[..width * 3];
                let mut plain = vec![0; row.len()];
                reversed_of::<u8, 3>(row, &mut plain);
                let mut words = vec![0; row.len()];
                reversed_rgb(row, &mut words);
                assert_eq!(words, plain);
                let Some((two, four)) = tokens else { continue };
                words.fill(0);
                wide::reversed(four, row, &mut words);
                assert_eq!(words, plain, "{width}");
                for (columns, rows) in [(false, false), (false, true), (true, false), (true, true)]
                {
                    let turn = Turn { shape: Shape { width, height, channels: 3 }, columns, rows };
                    let (mut plain, mut wide) = (vec![0; source.len()], vec![0; source.len()]);
                    turn.pixel_by_pixel::<u8, 3>(&source, &mut plain);
                    wide::turned(two, &source, (width, height), (columns, rows), &mut wide);
                    assert_eq!(wide, plain, "{width} × {height}");
                }
            }
        }
    }
}
