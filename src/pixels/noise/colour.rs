//! Noise of a camera at a high ISO.

use super::{check, normal};
use crate::error::Result;
use crate::image::Image;
use crate::pixels::blur::Frame;
use crate::random::Stream;

/// How strong the noise of [`iso`] is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Iso {
    /// Standard deviation of the colour noise as a fraction of 255: 0–1. No meaning for grey images.
    pub colour_shift: f64,
    /// Strength of the noise of light, 0–1: at white its standard deviation is a tenth of it, as a
    /// fraction of 255.
    pub intensity: f64,
}

/// Pixels that are worked on at once.
const BLOCK: usize = 1024;

/// Adds noise as a camera's at a high ISO: light that grows with the root of brightness, and colour that
/// does not.
///
/// With Y the pixel's luma (`(77·R + 150·G + 29·B + 128) >> 8`; the level itself in a grey image) and
/// z₀…z₃ four normal draws, each channel c gets
/// `intensity · 0.1 · √(255·Y) · z₀ + colour_shift · 255 · (z_c − (z₁ + z₂ + z₃) / 3)`:
/// colour noise leaves the mean of the channels as it is. Rounded to the nearest level and kept in
/// 0–255. Two words of the stream for a pixel of colour, half a word for a grey one.
///
/// Albumentations' `ISONoise` draws Poisson noise for lightness and normal noise for the hue in HLS.
///
/// # Errors
/// [`crate::Error::Params`] when a field of `strength` is not in `0..=1`, [`crate::Error::Unsupported`]
/// for what is not 8-bit grey or RGB.
pub fn iso(image: &Image, strength: Iso, stream: &mut Stream) -> Result<Image> {
    let frame = Frame::of(image)?;
    check("colour_shift", strength.colour_shift, 0.0, 1.0)?;
    check("intensity", strength.intensity, 0.0, 1.0)?;
    // Standard deviations in 256ths of a level.
    let light: [i32; 256] = std::array::from_fn(|luma| {
        let root = (255.0 * luma as f64).sqrt();
        (25.6 * strength.intensity * root).round_ties_even() as i32
    });
    let colour = (strength.colour_shift * 255.0 * 256.0 / 3.0).round_ties_even() as i32;
    let mut out = frame.bytes.to_vec();
    let each = if frame.channels == 3 { 4 } else { 1 };
    let mut draws = vec![0_i16; BLOCK * each];
    for levels in out.chunks_mut(BLOCK * frame.channels) {
        let draws = &mut draws[..levels.len() / frame.channels * each];
        normal::fill(stream, draws);
        if each == 4 {
            add_colour(levels, draws, &light, colour);
        } else {
            for (level, &draw) in levels.iter_mut().zip(&*draws) {
                let noise = i32::from(draw).wrapping_mul(light[usize::from(*level)]);
                *level = moved(*level, noise);
            }
        }
    }
    frame.filled(out)
}

#[inline(always)]
fn moved(level: u8, noise: i32) -> u8 {
    const ALL: u32 = normal::BITS + 8;
    let rounded = noise.wrapping_add(1 << (ALL - 1)) >> ALL;
    i32::from(level).wrapping_add(rounded).clamp(0, 255) as u8
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn add_colour(levels: &mut [u8], draws: &[i16], light: &[i32; 256], colour: i32) {
    let pixels = levels.as_chunks_mut::<3>().0;
    for (pixel, &[bright, red, green, blue]) in pixels.iter_mut().zip(draws.as_chunks::<4>().0) {
        let [r, g, b] = pixel.map(u32::from);
        let luma = (77 * r).wrapping_add(150 * g).wrapping_add(29 * b).wrapping_add(128) >> 8;
        let bright = i32::from(bright).wrapping_mul(light[(luma & 255) as usize]);
        let tints = [red, green, blue].map(i32::from);
        let mean = tints[0].wrapping_add(tints[1]).wrapping_add(tints[2]);
        for (level, tint) in pixel.iter_mut().zip(tints) {
            // Three times the draw less three times the mean, of at most 4 · 4.33 · 2¹², times a third of
            // 255 · 2⁸: below 2³¹.
            let tint = tint.wrapping_mul(3).wrapping_sub(mean).wrapping_mul(colour);
            *level = moved(*level, bright.saturating_add(tint));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_grows_with_brightness_and_colour_keeps_the_mean() {
        let stream = Stream::from_key([5; 16]);
        let spread = |level: u8, strength: Iso| {
            let image = Image::from_u8(200, 200, 3, vec![level; 120_000]).unwrap();
            let noisy = iso(&image, strength, &mut stream.clone()).unwrap();
            let noisy = noisy.as_u8().unwrap();
            let square = |x: f64| (x - f64::from(level)) * (x - f64::from(level));
            let each = noisy.iter().map(|&x| square(f64::from(x))).sum::<f64>() / 120_000.0;
            let means =
                noisy.chunks(3).map(|p| square(p.iter().map(|&x| f64::from(x)).sum::<f64>() / 3.0));
            (each.sqrt(), (means.sum::<f64>() / 40_000.0).sqrt())
        };
        // 0.05 · √(255 · 64) = 6.39 and 0.05 · √(255 · 144) = 9.58 levels, the same in all channels.
        for (level, expected) in [(64, 6.39), (144, 9.58)] {
            let (each, mean) = spread(level, Iso { colour_shift: 0.0, intensity: 0.5 });
            assert!((each - expected).abs() < 0.15 && (mean - each).abs() < 0.01, "{each} {mean}");
        }
        // 0.04 · 255 · √(2/3) = 8.33 levels in each channel; their mean moves by rounding only.
        let (each, mean) = spread(128, Iso { colour_shift: 0.04, intensity: 0.0 });
        assert!((each - 8.33).abs() < 0.15 && mean < 0.3, "{each} {mean}");
    }
}
