//! The sorts of samples, for code that is the same for all of them.

use crate::error::{Error, Result};
use crate::image::{Image, Samples};

/// A sample of an image.
pub(in crate::pixels) trait Sample: Copy + Default + PartialEq {
    /// The sample nearest to a number in the file's own range: 8-bit samples stop at 255.
    fn from_level(level: u16) -> Self;
}

impl Sample for u8 {
    fn from_level(level: u16) -> Self {
        level.min(255) as u8
    }
}

impl Sample for u16 {
    fn from_level(level: u16) -> Self {
        level
    }
}

impl Sample for f32 {
    fn from_level(level: u16) -> Self {
        level.into()
    }
}

/// Work that moves samples without looking at them, and so is the same for every sort.
pub(super) trait Moves {
    /// The samples of the result.
    fn moved<T: Sample>(&self, source: &[T]) -> Vec<T>;
}

/// The image of `size` (width, height) that `work` makes of the samples of `image`.
pub(super) fn moved(image: &Image, size: (u32, u32), work: &impl Moves) -> Result<Image> {
    let samples = match image.samples() {
        Samples::U8(v) => Samples::U8(work.moved(v)),
        Samples::U16(v) => Samples::U16(work.moved(v)),
        Samples::F32(v) => Samples::F32(work.moved(v)),
    };
    Image::new(size.0, size.1, image.channels(), samples)
}

/// Refuses an output that has no pixels, or more than an image of the library may have: 2³¹ samples.
/// What is kept in memory during a run is for the caller to limit.
pub(in crate::pixels) fn kept(what: &str, size: (u32, u32), channels: u8) -> Result<usize> {
    const MOST: u64 = 1 << 31;
    let samples = u64::from(size.0).saturating_mul(size.1.into()).saturating_mul(channels.into());
    if samples == 0 {
        return Err(Error::params(what, format!("{} × {} pixels are no image", size.0, size.1)));
    }
    if samples > MOST {
        return Err(Error::limit(
            what,
            format!("{} × {} pixels of {channels} channels", size.0, size.1),
            format!("{MOST} samples"),
            "ask for a smaller image",
        ));
    }
    Ok(samples as usize)
}
