//! Rain.

use super::{check, towards};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::pixels::blur::{Frame, box_blur};
use crate::random::Stream;

/// Streaks of rain, and what they do to the light.
#[derive(Debug, Clone, PartialEq)]
pub struct Rain {
    /// Number of streaks, at most 100,000.
    pub streaks: u32,
    /// Rows that a streak falls through, 1–1000.
    pub length_px: u32,
    /// Columns that a streak is wide, 1–20.
    pub width_px: u32,
    /// Columns that a streak moves to the right while it falls, −1000 to 1000.
    pub slant_px: i32,
    /// The colour of streaks; grey images take the first value.
    pub colour: [u8; 3],
    /// How much of a streak's colour covers what is behind it, 0–1.
    pub opacity: f64,
    /// Side of the box blur of the whole: odd; 1 is none.
    pub blur_px: u32,
    /// What all levels are multiplied by at the end, 0–1: rain is dark.
    pub brightness: f64,
}

/// Draws rain: streaks that begin anywhere (also above the image and beside it, so that all of it rains as
/// much), a [`box_blur`], and `level · brightness`, rounded.
///
/// The column of a streak in its row `i` of n is `x + round(slant · i / n)`. The stream gives two
/// [`Stream::below`] for each streak: its first column, then its first row. A pixel under two streaks is
/// covered twice.
///
/// Albumentations' `RandomRain` draws antialiased lines, has kinds of rain, and darkens in HSV.
///
/// # Errors
/// [`Error::Params`] when a field is out of its range, [`Error::Unsupported`] for what is not 8-bit grey
/// or RGB.
pub fn rain(image: &Image, rain: &Rain, stream: &mut Stream) -> Result<Image> {
    let frame = Frame::of(image)?;
    check("opacity", rain.opacity, 0.0, 1.0)?;
    check("brightness", rain.brightness, 0.0, 1.0)?;
    check("streaks", rain.streaks.into(), 0.0, 100_000.0)?;
    check("length_px", rain.length_px.into(), 1.0, 1000.0)?;
    check("width_px", rain.width_px.into(), 1.0, 20.0)?;
    check("slant_px", rain.slant_px.into(), -1000.0, 1000.0)?;
    let share = (rain.opacity * 65_536.0).round() as u32;
    let (length, slant) = (i64::from(rain.length_px), i64::from(rain.slant_px));
    let thick = i64::from(rain.width_px);
    let (width, height) = (frame.width as i64, frame.height as i64);
    // First columns from which some part of a streak can be seen.
    let (leftmost, columns) = (-slant.max(0) - thick + 1, width + slant.abs() + thick - 1);
    let first_of = |range: i64, stream: &mut Stream| {
        i64::from(stream.below(u32::try_from(range).unwrap_or(u32::MAX)))
    };
    let mut out = frame.bytes.to_vec();
    for _ in 0..rain.streaks {
        let x = leftmost + first_of(columns, stream);
        let y = first_of(height + length - 1, stream) - length + 1;
        for step in 0..length {
            let row = y + step;
            if !(0..height).contains(&row) {
                continue;
            }
            // Rounded, halves up.
            let start = x + (2 * slant * step + length).div_euclid(2 * length);
            let (from, to) = (start.clamp(0, width), (start + thick).clamp(0, width));
            let line = &mut out[row as usize * frame.pitch()..][..frame.pitch()];
            let covered = &mut line[from as usize * frame.channels..to as usize * frame.channels];
            for pixel in covered.chunks_exact_mut(frame.channels) {
                for (level, &colour) in pixel.iter_mut().zip(&rain.colour) {
                    *level = towards(*level, colour, share);
                }
            }
        }
    }
    let mut wet = box_blur(&frame.filled(out)?, rain.blur_px)?;
    let kept = (rain.brightness * 65_536.0).round() as u32;
    let dark: [u8; 256] = std::array::from_fn(|level| towards(level as u8, 0, 65_536 - kept));
    for level in wet.as_u8_mut().unwrap_or_default() {
        *level = dark[usize::from(*level)];
    }
    Ok(wet)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAK: Rain = Rain {
        streaks: 1,
        length_px: 4,
        width_px: 1,
        slant_px: 2,
        colour: [200; 3],
        opacity: 0.5,
        blur_px: 1,
        brightness: 1.0,
    };

    #[test]
    fn a_streak_falls_and_slants() {
        let image = Image::from_u8(60, 40, 1, vec![100; 2400]).unwrap();
        // A key whose streak lies all inside.
        let wet = (0..20)
            .map(|key| rain(&image, &STREAK, &mut Stream::from_key([key; 16])).unwrap())
            .find(|wet| wet.as_u8().unwrap().iter().filter(|&&level| level == 150).count() == 4)
            .unwrap();
        let places: Vec<usize> = (0..2400).filter(|&at| wet.as_u8().unwrap()[at] == 150).collect();
        // Two columns over four rows: 0, ½ → 1, 1, 1½ → 2.
        let first = places[0];
        assert_eq!(places, [first, first + 61, first + 121, first + 182]);
    }

    #[test]
    fn rain_is_dark_and_its_numbers_are_bounded() {
        let image = Image::from_u8(6, 4, 3, vec![100; 72]).unwrap();
        let mut stream = Stream::from_key([1; 16]);
        let dark = Rain { streaks: 0, brightness: 0.7, blur_px: 3, ..STREAK };
        assert_eq!(rain(&image, &dark, &mut stream).unwrap().as_u8().unwrap(), [70; 72]);
        let mut refused = |wrong: Rain| {
            assert_eq!(rain(&image, &wrong, &mut stream).unwrap_err().kind(), "params");
        };
        refused(Rain { opacity: f64::NAN, ..STREAK });
        refused(Rain { streaks: u32::MAX, ..STREAK });
        refused(Rain { length_px: 0, ..STREAK });
        refused(Rain { blur_px: 2, ..STREAK });
    }
}
