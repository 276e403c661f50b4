//! One table look-up per sample: gamma, contrast, posterize and all that follows from a histogram.
//!
//! A [`Table`] says what becomes of each of the 256 values of a sample; tables follow one another as
//! one table ([`Table::then`]), so that a chain of such changes costs one pass and is rounded once per
//! table, not per pass.

mod look_up;

use crate::error::{Error, Result};
use crate::image::{Image, Samples};

pub(super) use look_up::{look_up, look_up_three};

/// What becomes of each value of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table([u8; 256]);

impl Default for Table {
    fn default() -> Self {
        Self::identity()
    }
}

impl Table {
    /// The table of these entries.
    pub fn new(entries: [u8; 256]) -> Self {
        Self(entries)
    }

    /// Changes nothing.
    pub fn identity() -> Self {
        Self::from_fn(|x| x)
    }

    /// What `f` makes of 0, 1, … 255, called in that order.
    pub fn from_fn(mut f: impl FnMut(u8) -> u8) -> Self {
        let mut entries = [0; 256];
        for (x, entry) in (0..=255).zip(&mut entries) {
            *entry = f(x);
        }
        Self(entries)
    }

    /// What `f` makes of 0.0, 1.0, … 255.0, rounded (halves away from zero) and clipped to 0–255; NaN
    /// is 0.
    pub fn from_levels(mut f: impl FnMut(f64) -> f64) -> Self {
        Self::from_fn(|x| level(f(x.into())))
    }

    /// Contrast `alpha` and brightness `beta` (in levels): `clip(round(alpha·x + beta))`, in `f64`,
    /// halves away from zero.
    ///
    /// OpenCV's `convertScaleAbs` and Albumentations differ: they round halves to even, or cut off.
    pub fn linear(alpha: f64, beta: f64) -> Self {
        Self::from_levels(|x| alpha * x + beta)
    }

    /// `round(255·(x/255)^g)`: `g` below 1 lightens, above 1 darkens.
    pub fn gamma(g: f64) -> Self {
        Self::from_levels(|x| 255.0 * libm::pow(x / 255.0, g))
    }

    /// Keeps the `bits` highest bits and clears the others, as Pillow's `ImageOps.posterize`; 0 makes
    /// all black, 8 and more change nothing.
    pub fn posterize(bits: u8) -> Self {
        let mask = 0xFF_u8.checked_shl(8_u32.saturating_sub(bits.into())).unwrap_or(0);
        Self::from_fn(|x| x & mask)
    }

    /// Inverts values of `threshold` and above, as Pillow's `ImageOps.solarize`.
    pub fn solarize(threshold: u8) -> Self {
        Self::from_fn(|x| if x < threshold { x } else { 255 - x })
    }

    /// `255 − x`.
    pub fn invert() -> Self {
        Self::from_fn(|x| 255 - x)
    }

    /// Spreads `low`–`high` (levels) over 0–255: `clip(round((x − low)·255/(high − low)))`. Changes
    /// nothing where `high` is not above `low`.
    pub fn stretch(low: f64, high: f64) -> Self {
        if high > low {
            Self::from_levels(|x| (x - low) * 255.0 / (high - low))
        } else {
            Self::identity()
        }
    }

    /// This table, then `next`, as one table.
    pub fn then(&self, next: &Self) -> Self {
        Self(self.0.map(|x| next.of(x)))
    }

    /// What becomes of `x`.
    pub fn of(&self, x: u8) -> u8 {
        self.0[usize::from(x)]
    }

    /// The entries.
    pub fn entries(&self) -> &[u8; 256] {
        &self.0
    }

    /// Changes all samples of an 8-bit image of any channels (alpha too, if there is one).
    ///
    /// # Errors
    /// [`Error::Unsupported`] for deeper samples.
    pub fn apply(&self, image: &mut Image) -> Result<()> {
        self.apply_bytes(image.as_u8_mut().ok_or_else(not_8_bit)?);
        Ok(())
    }

    /// Changes samples.
    pub fn apply_bytes(&self, samples: &mut [u8]) {
        look_up(&self.0, samples);
    }
}

/// Changes red, green and blue, each by its own table.
///
/// # Errors
/// [`Error::Unsupported`] for anything but 8-bit RGB.
pub fn apply_channels(tables: &[Table; 3], image: &mut Image) -> Result<()> {
    let [r, g, b] = tables;
    look_up_three([&r.0, &g.0, &b.0], rgb_mut(image)?);
    Ok(())
}

/// Rounds (halves away from zero) and clips; NaN is 0.
pub(super) fn level(x: f64) -> u8 {
    // The cast clips, and makes 0 of NaN; `x + 0.5` cut off is what is wanted where x is not negative.
    (x + 0.5) as u8
}

fn not_8_bit() -> Error {
    Error::unsupported("this change of samples that are not 8-bit", "convert the image to 8 bit first")
}

/// The samples of an 8-bit grey or RGB image.
pub(super) fn bytes(image: &Image) -> Result<&[u8]> {
    match (image.channels(), image.samples()) {
        (1 | 3, Samples::U8(samples)) => Ok(samples),
        (_, Samples::U8(_)) => Err(Error::unsupported(
            format!("this change of an image of {} channels", image.channels()),
            "convert the image to grey or RGB first",
        )),
        _ => Err(not_8_bit()),
    }
}

/// The same, to be changed in place.
pub(super) fn bytes_mut(image: &mut Image) -> Result<&mut [u8]> {
    bytes(image)?;
    image.as_u8_mut().ok_or_else(not_8_bit)
}

/// The samples of an 8-bit RGB image, to be changed in place.
pub(super) fn rgb_mut(image: &mut Image) -> Result<&mut [u8]> {
    if image.channels() == 1 {
        return Err(Error::unsupported(
            "a change of colours in a grey image",
            "convert the image to RGB first",
        ));
    }
    bytes_mut(image)
}

#[cfg(test)]
mod tests;
