//! White balance: gains per channel from statistics of the image, applied by tables.
//!
//! Each of these estimates the colour of the light as a vector (r, g, b), and gives the gains that make
//! it grey. Fully black channels have nothing to be balanced by, and keep a gain of 1.

use crate::error::{Error, Result};
use crate::image::Image;
use crate::pixels::histogram::{Counts, counts, percentile};
use crate::pixels::table::{Table, apply_channels};

/// Gains that make the means of the channels equal to their mean: grey world (Buchsbaum 1980), which
/// is [`shades_of_grey`] with p = 1.
///
/// # Errors
/// [`Error::Unsupported`] for anything but 8-bit RGB.
pub fn grey_world(image: &Image) -> Result<[f64; 3]> {
    shades_of_grey(image, 1.0)
}

/// Gains that bring a percentile (0–100; 100 is the largest sample) of each channel to white, 255:
/// max-RGB (Land 1977). Percentiles below 100 keep a few hot pixels from deciding.
///
/// # Errors
/// [`Error::Unsupported`] for anything but 8-bit RGB, [`Error::Params`] for a percentile that is not
/// 0–100.
pub fn max_rgb(image: &Image, percent: f64) -> Result<[f64; 3]> {
    if !(0.0..=100.0).contains(&percent) {
        return Err(Error::params("percent", format!("{percent}: 0 to 100")));
    }
    let lights = three(image)?.map(|counts| percentile(&counts, percent));
    Ok(lights.map(|light| if light > 0.0 { 255.0 / light } else { 1.0 }))
}

/// Gains of Shades-of-Grey (Finlayson & Trezzi 2004): the light of a channel is its Minkowski mean
/// `(Σ xᵖ / n)^(1/p)`; gains bring each light to the mean of the three. p = 1 is grey world; with
/// growing p it goes to max-RGB; the authors found 6 best.
///
/// The sums run over the 256 levels in a fixed order, in `f64`, and so are the same wherever they are
/// made. Powers are of `x/255`.
///
/// # Errors
/// [`Error::Unsupported`] for anything but 8-bit RGB, [`Error::Params`] for a p that is not 1–100.
pub fn shades_of_grey(image: &Image, p: f64) -> Result<[f64; 3]> {
    if !(1.0..=100.0).contains(&p) {
        return Err(Error::params("p", format!("{p}: 1 to 100")));
    }
    let lights = three(image)?.map(|counts| minkowski(&counts, p));
    let mean = (lights[0] + lights[1] + lights[2]) / 3.0;
    Ok(lights.map(|light| if light > 0.0 { mean / light } else { 1.0 }))
}

/// The Minkowski mean of what was counted, 0–1.
fn minkowski(counts: &Counts, p: f64) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for (x, n) in counts.iter().enumerate() {
        sum += f64::from(*n) * libm::pow(x as f64 / 255.0, p);
        total += f64::from(*n);
    }
    libm::pow(sum / total, 1.0 / p)
}

fn three(image: &Image) -> Result<[Counts; 3]> {
    counts(image)?.try_into().map_err(|_| {
        Error::unsupported("white balance of a grey image", "leave it out, or convert to RGB first")
    })
}

/// The tables of gains, `clip(round(gain·x))`, for
/// [`apply_channels`](crate::pixels::table::apply_channels).
pub fn gains_table(gains: [f64; 3]) -> [Table; 3] {
    gains.map(|gain| Table::linear(gain, 0.0))
}

/// Multiplies channels by gains.
///
/// # Errors
/// [`Error::Unsupported`] for anything but 8-bit RGB.
pub fn balance(image: &mut Image, gains: [f64; 3]) -> Result<()> {
    apply_channels(&gains_table(gains), image)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gains_by_hand() {
        let image = Image::from_u8(2, 1, 3, vec![10, 40, 0, 30, 40, 0]).unwrap();
        // Means 20, 40, 0; their mean 20.
        let near = |found: [f64; 3], expected: [f64; 3]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
        };
        near(grey_world(&image).unwrap(), [1.0, 0.5, 1.0]);
        near(max_rgb(&image, 100.0).unwrap(), [8.5, 6.375, 1.0]);
        near(max_rgb(&image, 50.0).unwrap(), [12.75, 6.375, 1.0]);
        // √((100 + 900)/2) = √500, 40, 0.
        let (r, mean) = (500_f64.sqrt(), (500_f64.sqrt() + 40.0) / 3.0);
        near(shades_of_grey(&image, 2.0).unwrap(), [mean / r, mean / 40.0, 1.0]);
        let mut balanced = image.clone();
        balance(&mut balanced, [2.0, 0.5, 1.0]).unwrap();
        assert_eq!(balanced.as_u8().unwrap(), [20, 20, 0, 60, 20, 0]);
    }

    #[test]
    fn wrong_numbers_are_refused() {
        let image = Image::from_u8(1, 1, 3, vec![1, 2, 3]).unwrap();
        assert!(shades_of_grey(&image, 0.5).is_err());
        assert!(max_rgb(&image, f64::NAN).is_err());
        assert!(grey_world(&Image::from_u8(1, 1, 1, vec![1]).unwrap()).is_err());
    }
}
