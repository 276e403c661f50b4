//! White balance, contrast and gamma: what params ask for, done by the parts of `pixels`.

use std::cell::RefCell;

use super::Params;
use super::choices::{Contrast, WhiteBalance};
use super::look::Look;
use crate::error::Result;
use crate::image::Image;
use crate::pixels::histogram::{
    Counts, Over, by_histogram, clahe, counts, equalize, match_to, percentile,
};
use crate::pixels::table::{Table, apply_channels};
use crate::pixels::colour;

/// What is stretched: (low, high) of each channel, or of the one number that stands for all.
pub type Bounds = Vec<(f64, f64)>;

/// Balances white, and gives the gains; a grey image has none.
///
/// # Errors
/// As the parts.
pub fn balance(image: &mut Image, params: &Params) -> Result<Option<[f64; 3]>> {
    if image.channels() == 1 {
        return Ok(None);
    }
    let gains = match params.white_balance {
        WhiteBalance::None => return Ok(None),
        WhiteBalance::GreyWorld => colour::grey_world(image)?,
        WhiteBalance::MaxRgb => colour::max_rgb(image, params.max_rgb_percentile)?,
        WhiteBalance::ShadesOfGrey => colour::shades_of_grey(image, params.minkowski_p)?,
    };
    apply_channels(&colour::gains_table(gains), image)?;
    Ok(Some(gains))
}

/// Changes contrast; `look` is that of the image before white balance.
///
/// # Errors
/// As the parts.
pub fn contrast(
    image: Image,
    params: &Params,
    look: &Look,
    reference: &[Counts],
) -> Result<(Image, Bounds)> {
    let of_one_number = !matches!(params.contrast, Contrast::None | Contrast::Match);
    if of_one_number && image.channels() == 3 && look.is_grey && is_grey(&image) {
        // A photo without colours gets none from the way to lightness and back.
        let (grey, bounds) = changed(colour::to_grey(&image)?, params, reference)?;
        return Ok((colour::grey_to_rgb(&grey)?, bounds));
    }
    changed(image, params, reference)
}

/// White balance may have parted channels that were equal.
fn is_grey(image: &Image) -> bool {
    let pixels = image.as_u8().unwrap_or_default().as_chunks::<3>().0;
    pixels.iter().all(|[r, g, b]| r == g && g == b)
}

fn changed(mut image: Image, params: &Params, reference: &[Counts]) -> Result<(Image, Bounds)> {
    let over = Over::from(params.contrast_over);
    let bounds = RefCell::new(Bounds::new());
    match params.contrast {
        Contrast::None => {}
        Contrast::Clahe => {
            let tiles = (params.tiles_x, params.tiles_y);
            image = clahe(&image, params.clip_limit, tiles, over)?;
        }
        Contrast::Equalize => equalize(&mut image, over)?,
        Contrast::Stretch => by_histogram(&mut image, over, |counts| {
            let low = percentile(counts, params.low_percentile);
            let high = percentile(counts, params.high_percentile);
            bounds.borrow_mut().push((low, high));
            Table::stretch(low, high)
        })?,
        Contrast::Match => {
            let tables: Vec<Table> =
                counts(&image)?.iter().zip(reference).map(|(c, r)| match_to(c, r)).collect();
            match <[Table; 3]>::try_from(tables) {
                Ok(tables) => apply_channels(&tables, &mut image)?,
                Err(tables) => tables.iter().try_for_each(|table| table.apply(&mut image))?,
            }
        }
    }
    Ok((image, bounds.into_inner()))
}

/// Changes gamma.
///
/// # Errors
/// As the parts.
pub fn gamma(image: &mut Image, gamma: f64) -> Result<()> {
    if gamma == 1.0 { Ok(()) } else { Table::gamma(gamma).apply(image) }
}
