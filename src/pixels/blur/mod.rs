//! Blurs, sharpening and convolution.
//!
//! # Conventions
//! - 8-bit images of 1 or 3 channels; each channel by itself. Kernels are centred on their pixel, and
//!   their sides are odd.
//! - Beyond the border an image goes on mirrored without its edge repeated (`gfedcb|abcdefgh|gfedcba`,
//!   OpenCV's `BORDER_REFLECT_101`), again and again when a kernel is larger than the image.
//! - Convolution is meant as in OpenCV's `filter2D`: the kernel is not turned over.
//! - Everything is integers: weights are fixed point, made with `libm`, and each function states them.

mod average;
mod disc;
mod gaussian;
mod kernel;
mod median;
mod separable;
mod smooth;

pub use average::box_blur;
pub use disc::defocus;
pub use gaussian::{gaussian, gaussian_kernel};
pub use kernel::{Kernel, convolve, motion, sharpen};
pub use median::median;

use crate::error::{Error, Result};
use crate::image::Image;

/// The largest side of a kernel, in pixels.
pub const KERNEL_PX: u32 = 255;

/// Samples that are worked on at once: they stay in registers while a kernel goes over them, and loops
/// over arrays of them are what compilers make wide code of.
const BLOCK: usize = 64;

/// The bytes of an image and their shape.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub bytes: &'a [u8],
    pub width: usize,
    pub height: usize,
    pub channels: usize,
}

impl<'a> Frame<'a> {
    /// # Errors
    /// [`Error::Unsupported`] for what is not 8-bit grey or RGB.
    pub fn of(image: &'a Image) -> Result<Self> {
        match image.as_u8() {
            Some(bytes) if matches!(image.channels(), 1 | 3) => Ok(Self {
                bytes,
                width: image.width_px() as usize,
                height: image.height_px() as usize,
                channels: image.channels().into(),
            }),
            _ => Err(Error::unsupported(
                format!(
                    "an image of {} channels of {} bits",
                    image.channels(),
                    image.samples().bit_depth()
                ),
                "convert it to 8-bit grey or RGB first (`normalize`)",
            )),
        }
    }

    /// Samples of a row.
    pub fn pitch(&self) -> usize {
        self.width * self.channels
    }

    /// Row `y`, counted from the top, mirrored when it lies outside.
    pub fn row(&self, y: isize) -> &'a [u8] {
        let pitch = self.pitch();
        &self.bytes[mirrored(y, self.height) * pitch..][..pitch]
    }

    /// An image of this shape.
    pub fn filled(&self, bytes: Vec<u8>) -> Result<Image> {
        // Widths and heights came out of an image: they fit.
        Image::from_u8(self.width as u32, self.height as u32, self.channels as u8, bytes)
    }
}

/// Where position `at` of a line of `length` lies when the line goes on mirrored about its end pixels.
pub(super) fn mirrored(at: isize, length: usize) -> usize {
    let last = length.saturating_sub(1);
    if last == 0 {
        return 0;
    }
    let within = at.rem_euclid(2 * last as isize) as usize;
    within.min(2 * last - within)
}

/// What is beside rows whose `width` pixels lie behind `radius` pixels of room, mirrored: where it goes and
/// where it comes from, worked out once for all rows.
struct Sides(Vec<[usize; 2]>);

impl Sides {
    fn new(width: usize, channels: usize, radius: usize) -> Self {
        let beside = (0..radius).chain(radius + width..2 * radius + width);
        let pixels = beside.map(|to| [to, radius + mirrored(to as isize - radius as isize, width)]);
        let samples = |[to, from]: [usize; 2]| {
            (0..channels).map(move |channel| [to * channels + channel, from * channels + channel])
        };
        Self(pixels.flat_map(samples).collect())
    }

    #[inline(always)]
    fn fill<T: Copy>(&self, row: &mut [T]) {
        for &[to, from] in &self.0 {
            row[to] = row[from];
        }
    }
}

/// `N` values from `at` on. Whoever asks stays inside; zeros stand for a panic that hinders wide code.
#[inline(always)]
fn taken<const N: usize, T: Copy + Default>(from: &[T], at: usize) -> [T; N] {
    from.get(at..).and_then(|from| from.first_chunk::<N>()).copied().unwrap_or([T::default(); N])
}

#[inline(always)]
fn put<const N: usize, T: Copy>(values: [T; N], to: &mut [T], at: usize) {
    if let Some(to) = to.get_mut(at..).and_then(|to| to.first_chunk_mut::<N>()) {
        *to = values;
    }
}

/// # Errors
/// [`Error::Params`] when `kernel_px` is even or not in `1..=255`.
fn check_kernel(kernel_px: u32) -> Result<usize> {
    if kernel_px.is_multiple_of(2) || kernel_px > KERNEL_PX {
        return Err(Error::params(
            "kernel_px",
            format!("{kernel_px} is not an odd number of 1 to {KERNEL_PX}"),
        ));
    }
    Ok(kernel_px as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_on_mirrored_without_their_edge() {
        let line = |n: usize| (-5..8).map(|at| mirrored(at, n)).collect::<Vec<_>>();
        assert_eq!(line(4), [1, 2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1]);
        assert_eq!(line(2), [1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
        assert_eq!(line(1), [0; 13]);
    }
}
