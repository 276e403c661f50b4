//! The small copy of a photo on which frames are compared.

use multiversion::multiversion;

use crate::error::{Error, Result};
use crate::image::Image;

/// A copy whose long side has at most `long_px` pixels: each pixel is the mean of a block of whole pixels,
/// rounded half up. Column `i` of `w` is made of the columns from `⌊i·W/w⌋` to `⌊(i+1)·W/w⌋`: blocks differ
/// by a pixel at most, none is left out, and none is used twice. A smaller photo is copied.
///
/// # Errors
/// [`Error::Unsupported`] for what is not 8-bit grey or RGB.
pub fn shrink(image: &Image, long_px: u32) -> Result<Image> {
    let channels = usize::from(image.channels());
    let pixels = image.as_u8().filter(|_| matches!(channels, 1 | 3)).ok_or_else(|| {
        Error::unsupported("a frame that is not 8-bit grey or RGB", "normalize it first")
    })?;
    let (width, height) = (image.width_px() as usize, image.height_px() as usize);
    let (w, h) = size(image.width_px(), image.height_px(), long_px);
    if (w as usize, h as usize) == (width, height) {
        return Ok(image.clone());
    }
    let mut made = vec![0; w as usize * h as usize * channels];
    let mut sums = vec![0_u32; width * channels];
    for (j, row) in made.chunks_exact_mut(w as usize * channels).enumerate() {
        let (from, to) = span(j, h as usize, height);
        sums.fill(0);
        for source in
            pixels[from * width * channels..to * width * channels].chunks_exact(width * channels)
        {
            add(&mut sums, source);
        }
        for (i, pixel) in row.chunks_exact_mut(channels).enumerate() {
            let (left, right) = span(i, w as usize, width);
            let count = ((right - left) * (to - from)) as u64;
            let block = &sums[left * channels..right * channels];
            for (c, sample) in pixel.iter_mut().enumerate() {
                let sum: u64 = block.iter().skip(c).step_by(channels).map(|&s| u64::from(s)).sum();
                *sample = ((sum + count / 2) / count) as u8;
            }
        }
    }
    Image::from_u8(w, h, image.channels(), made)
}

/// The size of such a copy: the long side `long_px` or less, the other in proportion, rounded half up, at
/// least 1.
pub fn size(width: u32, height: u32, long_px: u32) -> (u32, u32) {
    let long = width.max(height).max(1);
    if long <= long_px {
        return (width, height);
    }
    let side = |n: u32| {
        let (n, long) = (u64::from(n), u64::from(long));
        ((n * u64::from(long_px) * 2 + long) / (2 * long)).max(1) as u32
    };
    (side(width), side(height))
}

fn span(i: usize, of: usize, length: usize) -> (usize, usize) {
    (i * length / of, (i + 1) * length / of)
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn add(sums: &mut [u32], row: &[u8]) {
    // A block has fewer than 2^24 rows.
    for (sum, sample) in sums.iter_mut().zip(row) {
        *sum = sum.wrapping_add(u32::from(*sample));
    }
}

/// Luminance of BT.601 in 256ths, `(77 R + 150 G + 29 B + 128) / 256`; grey stays.
pub fn luminance(pixels: &[u8], channels: usize) -> Vec<u8> {
    if channels != 3 {
        return pixels.to_vec();
    }
    let mut made = vec![0; pixels.len() / 3];
    luminance_into(pixels, &mut made);
    made
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn luminance_into(pixels: &[u8], made: &mut [u8]) {
    for (made, [r, g, b]) in made.iter_mut().zip(pixels.as_chunks::<3>().0) {
        let sum = (u16::from(*r).wrapping_mul(77))
            .wrapping_add(u16::from(*g).wrapping_mul(150))
            .wrapping_add(u16::from(*b).wrapping_mul(29));
        *made = (sum.wrapping_add(128) >> 8) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_of_whole_pixels_and_means_are_rounded_half_up() {
        // 5 × 2 to 2 × 1: columns 0–1 and 2–4.
        let image = Image::from_u8(5, 2, 1, vec![1, 2, 10, 10, 10, 3, 4, 10, 10, 16]).unwrap();
        let small = shrink(&image, 2).unwrap();
        assert_eq!((small.width_px(), small.height_px()), (2, 1));
        // 10 / 4 = 2.5, rounded up; 66 / 6.
        assert_eq!(small.as_u8().unwrap(), [3, 11]);
        assert_eq!(shrink(&image, 5).unwrap(), image);
    }

    #[test]
    fn colours_do_not_mix() {
        let image = Image::from_u8(2, 1, 3, vec![10, 100, 200, 20, 110, 0]).unwrap();
        assert_eq!(shrink(&image, 1).unwrap().as_u8().unwrap(), [15, 105, 100]);
        assert_eq!(size(4000, 3000, 512), (512, 384));
        assert_eq!(size(100_000, 1, 512), (512, 1));
    }

    #[test]
    fn white_is_white_and_green_is_the_brightest() {
        assert_eq!(luminance(&[255, 255, 255, 0, 255, 0, 0, 0, 255], 3), [255, 149, 29]);
    }
}
