//! Which number of an RGB image a histogram is of.

mod lab;

use multiversion::multiversion;

use super::{Counts, counts};
use crate::error::Result;
use crate::image::Image;
use crate::pixels::colour::to_grey;
use crate::pixels::table::{self, Table, planes};

/// What of an RGB image is changed. A grey image has one channel, whatever is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Over {
    /// Lightness L* of CIELAB (D65), with a* and b* kept. The histogram is of L* in 256 steps; what a
    /// step gains is added to the exact L*, so that a table that changes nothing changes no pixel.
    ///
    /// OpenCV's way (and that of Albumentations) by CIELAB in 8 bits differs, because it rounds a* and b*
    /// to whole numbers and is off by up to 2.7 of them: to CIELAB and back alone changes samples by up to
    /// 4 in photos and by up to 23 in deep colours, where this changes none. Its L* is another step in a
    /// tenth to a fifth of all pixels, which CLAHE stretches: over all, CLAHE (limit 4, 8 × 8 tiles) of
    /// photos differs by 0.9 to 1.9 levels in the mean and by 6 to 18 at most. What it gives is within two
    /// levels of the exact formula of its own rounded L*, a* and b*: the formula is the same.
    #[default]
    Lab,
    /// Luma of BT.601: what luma gains is added to red, green and blue, so that Cr and Cb are kept.
    /// OpenCV's way by YCrCb rounds these, and its Y differs from its grey by up to a level, which
    /// CLAHE may stretch to several.
    Luma,
    /// Red, green and blue each by itself: colours change.
    Channels,
}

/// Changes an image by a table for each channel (or for the one number that `over` says), which `of` makes
/// of how often its values occur.
///
/// # Errors
/// As [`counts`].
pub fn by_histogram(image: &mut Image, over: Over, of: impl Fn(&Counts) -> Table) -> Result<()> {
    if image.channels() != 1 && over != Over::Channels {
        let (w, h) = (image.width_px(), image.height_px());
        *image = by_plane(image, over, |samples| {
            let mut changed = samples.to_vec();
            // A plane as large as the image, which was counted or will be.
            if let Ok(plane) = Image::from_u8(w, h, 1, changed.clone())
                && let Ok(counts) = counts(&plane)
            {
                counts.iter().for_each(|counts| of(counts).apply_bytes(&mut changed));
            }
            changed
        })?;
        return Ok(());
    }
    let tables: Vec<Table> = counts(image)?.iter().map(of).collect();
    match <[Table; 3]>::try_from(tables) {
        Ok(tables) => table::apply_channels(&tables, image),
        Err(tables) => tables.iter().try_for_each(|table| table.apply(image)),
    }
}

/// Changes planes of an RGB image by `change`.
pub(super) fn by_plane(
    image: &Image,
    over: Over,
    change: impl Fn(&[u8]) -> Vec<u8>,
) -> Result<Image> {
    let rgb = table::bytes(image)?;
    let mut out = rgb.to_vec();
    match over {
        Over::Lab => {
            let light = lab::lightness(rgb);
            lab::relight(&mut out, &light, &change(&light));
        }
        Over::Luma => {
            let grey = to_grey(image)?;
            let grey = table::bytes(&grey)?;
            add(&mut out, grey, &change(grey));
        }
        Over::Channels => {
            for channel in 0..3 {
                let plane: Vec<u8> = rgb.iter().skip(channel).step_by(3).copied().collect();
                let places = out.iter_mut().skip(channel).step_by(3);
                places.zip(change(&plane)).for_each(|(place, x)| *place = x);
            }
        }
    }
    Image::from_u8(image.width_px(), image.height_px(), 3, out)
}

/// Adds what a plane gained to red, green and blue.
fn add(rgb: &mut [u8], before: &[u8], after: &[u8]) {
    let mut planes = [[0; planes::PART]; 3];
    let parts = rgb.chunks_mut(3 * planes::PART);
    let gains = before.chunks(planes::PART).zip(after.chunks(planes::PART));
    for (part, (before, after)) in parts.zip(gains) {
        let n = before.len();
        planes::split(part, planes.each_mut().map(|plane| &mut plane[..n]));
        for plane in &mut planes {
            gain(&mut plane[..n], before, after);
        }
        planes::join(planes.each_ref().map(|plane| &plane[..n]), part);
    }
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn gain(plane: &mut [u8], before: &[u8], after: &[u8]) {
    for ((x, before), after) in plane.iter_mut().zip(before).zip(after) {
        let gain = i16::from(*after).wrapping_sub(i16::from(*before));
        *x = i16::from(*x).wrapping_add(gain).clamp(0, 255) as u8;
    }
}
