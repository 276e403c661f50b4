//! Changes of colour: grey, saturation, hue, white balance, stains.

mod balance;
mod jitter;

use multiversion::multiversion;

pub use balance::{balance, gains_table, grey_world, max_rgb, shades_of_grey};
pub use jitter::{Jitter, hue, saturation};

use super::table;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::stain::{Cast, hed};

/// Grey by BT.601, `(9798·R + 19235·G + 3735·B + 2¹⁴) >> 15`: OpenCV's `cvtColor(RGB2GRAY)` to the bit.
/// A grey image is given as it is.
///
/// # Errors
/// [`Error::Unsupported`] for anything but 8-bit grey or RGB.
pub fn to_grey(image: &Image) -> Result<Image> {
    let samples = table::bytes(image)?;
    if image.channels() == 1 {
        return Ok(image.clone());
    }
    let mut grey = vec![0; samples.len() / 3];
    write_grey(samples.as_chunks::<3>().0, &mut grey);
    Image::from_u8(image.width_px(), image.height_px(), 1, grey)
}

/// Shares of red, green and blue in grey, of 2¹⁵.
struct Shares {
    r: u32,
    g: u32,
    b: u32,
}

const fn shares() -> Shares {
    Shares { r: 9798, g: 19235, b: 3735 }
}

/// Grey of a pixel: see [`to_grey`].
#[inline(always)]
pub(super) fn luma(r: u8, g: u8, b: u8) -> u8 {
    const SHARES: Shares = shares();
    let sum = u32::from(r)
        .wrapping_mul(SHARES.r)
        .wrapping_add(u32::from(g).wrapping_mul(SHARES.g))
        .wrapping_add(u32::from(b).wrapping_mul(SHARES.b));
    (sum.wrapping_add(1 << 14) >> 15) as u8
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn write_grey(rgb: &[[u8; 3]], grey: &mut [u8]) {
    for ([r, g, b], grey) in rgb.iter().zip(grey) {
        *grey = luma(*r, *g, *b);
    }
}

/// Grey three times. An RGB image is given as it is.
///
/// # Errors
/// [`Error::Unsupported`] for anything but 8-bit grey or RGB.
pub fn grey_to_rgb(image: &Image) -> Result<Image> {
    let samples = table::bytes(image)?;
    if image.channels() == 3 {
        return Ok(image.clone());
    }
    let rgb = samples.iter().flat_map(|x| [*x; 3]).collect();
    Image::from_u8(image.width_px(), image.height_px(), 3, rgb)
}

/// Puts channels in another order: channel c of the result is channel `order[c]` (0–2) of the image.
///
/// # Errors
/// [`Error::Unsupported`] for anything but 8-bit RGB, [`Error::Params`] for a channel that is not 0–2.
pub fn channel_shuffle(image: &mut Image, order: [u8; 3]) -> Result<()> {
    if order.iter().any(|c| *c > 2) {
        return Err(Error::params("order", format!("{order:?}: channels are 0, 1 and 2")));
    }
    let order = order.map(usize::from);
    for pixel in table::rgb_mut(image)?.as_chunks_mut::<3>().0 {
        *pixel = order.map(|c| pixel[c]);
    }
    Ok(())
}

/// `clip(other + round(share·(image − other)))`, halves upwards: 1 keeps the image, 0 gives the other,
/// and beyond is away from it. `share` is taken to a multiple of 2⁻¹⁶ and to ±100.
///
/// # Errors
/// [`Error::Unsupported`] for anything but two 8-bit images, grey or RGB, of one size.
pub fn blend(image: &mut Image, other: &Image, share: f64) -> Result<()> {
    let of = |image: &Image| (image.width_px(), image.height_px(), image.channels());
    if of(image) != of(other) {
        return Err(Error::unsupported(
            "a blend of two images that differ in size or channels",
            "bring them to one size and the same channels first",
        ));
    }
    let share = libm::round(share.clamp(-100.0, 100.0) * 65536.0) as i32;
    blend_bytes(table::bytes_mut(image)?, table::bytes(other)?, share);
    Ok(())
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn blend_bytes(samples: &mut [u8], others: &[u8], share: i32) {
    for (x, other) in samples.iter_mut().zip(others) {
        let other = i32::from(*other);
        let way = i32::from(*x).wrapping_sub(other).wrapping_mul(share);
        *x = other.wrapping_add(way.wrapping_add(1 << 15) >> 16).clamp(0, 255) as u8;
    }
}

/// Stain augmentation of H&E in the space of hematoxylin, eosin and DAB (Tellez 2018): amounts (in
/// natural density, see [`crate::stain::hed`]) times `alpha` plus `beta`, changed in place.
///
/// # Errors
/// [`Error::Unsupported`] for anything but 8-bit RGB, [`Error::Params`] for a number that is not
/// finite.
pub fn hed_jitter(image: &mut Image, alpha: [f64; 3], beta: [f64; 3]) -> Result<()> {
    let rgb = table::rgb_mut(image)?;
    let Some(factors) = hed::jitter(&hed::HED, alpha, beta, &hed::scale()) else {
        return Err(Error::params(
            "alpha, beta",
            format!("{alpha:?}, {beta:?}: all numbers must be finite"),
        ));
    };
    // In blocks that the first cache holds, so that no second image is needed.
    const BLOCK: usize = 3 * 4096;
    let mut block = [0; BLOCK];
    for part in rgb.chunks_mut(BLOCK) {
        let block = &mut block[..part.len()];
        block.copy_from_slice(part);
        factors.apply(block, part, Cast::Round)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
