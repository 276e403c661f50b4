//! Changes of colour: grey, saturation, hue, white balance, stains.

mod balance;
mod jitter;

pub use balance::{gains_table, grey_world, max_rgb, shades_of_grey};
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
    let grey = samples.as_chunks::<3>().0.iter().map(luma).collect();
    Image::from_u8(image.width_px(), image.height_px(), 1, grey)
}

/// Luma of BT.601 as OpenCV's.
#[inline(always)]
pub(super) fn luma(&[r, g, b]: &[u8; 3]) -> u8 {
    let sum = u32::from(r)
        .wrapping_mul(9798)
        .wrapping_add(u32::from(g).wrapping_mul(19235))
        .wrapping_add(u32::from(b).wrapping_mul(3735));
    (sum.wrapping_add(1 << 14) >> 15) as u8
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

/// `clip(round(share·image + (1 − share)·other))`; `share` is 0–1, or beyond to extrapolate. It is
/// taken to a multiple of 2⁻¹⁶, and beyond ±100 it is ±100.
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
    let share = jitter::fixed(share);
    for (x, y) in table::bytes_mut(image)?.iter_mut().zip(table::bytes(other)?) {
        *x = jitter::towards(i32::from(*y), *x, share);
    }
    Ok(())
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
