//! Which number of an RGB image a histogram is of.

use super::{Counts, counts};
use crate::error::Result;
use crate::image::Image;
use crate::pixels::table::{self, Table};

/// What of an RGB image is changed. A grey image has one channel, whatever is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Over {
    /// Lightness L* of CIELAB (D65), with a* and b* kept: colours keep their hue and their chroma.
    #[default]
    Lab,
    /// Luma of BT.601: what luma gains is added to red, green and blue, so that Cr and Cb are kept.
    Luma,
    /// Red, green and blue each by itself: colours change.
    Channels,
}

/// Changes an image by a table for each channel (or for the one number that `over` says), which `of` makes
/// of how often its values occur.
///
/// # Errors
/// As [`counts`].
pub fn by_histogram(
    image: &mut Image,
    over: Over,
    of: impl Fn(&Counts) -> Table,
) -> Result<()> {
    let _ = over;
    let tables: Vec<Table> = counts(image)?.iter().map(of).collect();
    match <[Table; 3]>::try_from(tables) {
        Ok(tables) => table::apply_channels(&tables, image),
        Err(tables) => tables.iter().try_for_each(|table| table.apply(image)),
    }
}
