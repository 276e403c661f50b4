//! Inks to light, alpha to none, 16 bits to 8: integers only.

use super::{Image, Samples};
use crate::error::{Error, Result};

/// Four inks (8 bits, as Adobe stores them: 255 is none) to RGB, for want of a profile:
/// `R = ⌊(C'·K' + 127) / 255⌋` with C' = 255 − C, K' = 255 − K, and so for G of M and B of Y. These are
/// the numbers of Pillow's `convert("RGB")`.
///
/// # Errors
/// [`Error::Bug`] when there are not four channels of 8 bits.
pub(super) fn inks_to_rgb(image: &Image) -> Result<Image> {
    let (4, Some(inks)) = (image.channels(), image.as_u8()) else {
        return Err(Error::Bug { message: "inks are four channels of 8 bits".into() });
    };
    let mut data = vec![0; inks.len() / 4 * 3];
    for (to, from) in data.chunks_exact_mut(3).zip(inks.chunks_exact(4)) {
        let light = u32::from(from[3]);
        for (to, &ink) in to.iter_mut().zip(from) {
            *to = ((u32::from(ink) * light + 127) / 255) as u8;
        }
    }
    Image::from_u8(image.width_px(), image.height_px(), 3, data)
}

/// Puts a colour behind alpha: `⌊(s·a + b·(m − a) + ⌊m/2⌋) / m⌋` with m = 255, or 65535 for 16 bits, where
/// the colour is `b·257`. Alpha is straight. This is Pillow's `paste` with a mask, for 8 bits. Grey stays
/// grey over a grey background and becomes RGB over another.
///
/// # Errors
/// [`Error::Unsupported`] for float samples.
pub(super) fn over(image: Image, background: [u8; 3]) -> Result<Image> {
    let channels = image.channels();
    let [red, green, blue] = background;
    let colours = match channels {
        2 if red == green && green == blue => 1,
        2 | 4 => 3,
        _ => return Ok(image),
    };
    let (width_px, height_px) = (image.width_px(), image.height_px());
    let samples = match image.into_samples() {
        Samples::U8(data) => Samples::U8(over_u8(&data, channels, colours, background)),
        Samples::U16(data) => Samples::U16(over_u16(&data, channels, colours, background)),
        Samples::F32(_) => return Err(float()),
    };
    Image::new(width_px, height_px, colours, samples)
}

fn over_u8(data: &[u8], channels: u8, colours: u8, background: [u8; 3]) -> Vec<u8> {
    let (channels, colours) = (usize::from(channels), usize::from(colours));
    let mut out = vec![0; data.len() / channels * colours];
    for (to, from) in out.chunks_exact_mut(colours).zip(data.chunks_exact(channels)) {
        let Some((&alpha, stored)) = from.split_last() else {
            continue;
        };
        let alpha = u32::from(alpha);
        // A single grey is every colour of the pixel.
        for ((to, &s), &b) in to.iter_mut().zip(stored.iter().cycle()).zip(&background) {
            *to = ((u32::from(s) * alpha + u32::from(b) * (255 - alpha) + 127) / 255) as u8;
        }
    }
    out
}

fn over_u16(data: &[u16], channels: u8, colours: u8, background: [u8; 3]) -> Vec<u16> {
    let (channels, colours) = (usize::from(channels), usize::from(colours));
    let background = background.map(|b| u64::from(b) * 257);
    let mut out = vec![0; data.len() / channels * colours];
    for (to, from) in out.chunks_exact_mut(colours).zip(data.chunks_exact(channels)) {
        let Some((&alpha, stored)) = from.split_last() else {
            continue;
        };
        let alpha = u64::from(alpha);
        for ((to, &s), &b) in to.iter_mut().zip(stored.iter().cycle()).zip(&background) {
            *to = ((u64::from(s) * alpha + b * (65_535 - alpha) + 32_767) / 65_535) as u16;
        }
    }
    out
}

/// 16-bit samples to 8 bits: `⌊(v·255 + 32767) / 65535⌋`, the nearest of v / 257. 8-bit ones stay.
///
/// # Errors
/// [`Error::Unsupported`] for float samples.
pub(super) fn to_8_bit(image: Image) -> Result<Image> {
    let (width_px, height_px, channels) = (image.width_px(), image.height_px(), image.channels());
    let data = match image.into_samples() {
        Samples::U8(data) => data,
        Samples::U16(data) => {
            data.iter().map(|&v| ((u32::from(v) * 255 + 32_767) / 65_535) as u8).collect()
        }
        Samples::F32(_) => return Err(float()),
    };
    Image::from_u8(width_px, height_px, channels, data)
}

pub(super) fn float() -> Error {
    Error::unsupported("a picture of float samples", "scale it to 8 or 16 bits first")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inks_by_hand() {
        // Stored inverted: no ink at all; all black; cyan only; half black over half magenta.
        let inks = vec![255, 255, 255, 255, 255, 255, 255, 0, 0, 255, 255, 255, 255, 128, 255, 128];
        let rgb = inks_to_rgb(&Image::from_u8(4, 1, 4, inks).unwrap()).unwrap();
        // 128 · 128 / 255 = 64.25.
        let expected = [255, 255, 255, 0, 0, 0, 0, 255, 255, 128, 64, 128];
        assert_eq!(rgb.as_u8(), Some(&expected[..]));
        assert_eq!(inks_to_rgb(&rgb).unwrap_err().kind(), "bug");
    }

    #[test]
    fn alpha_by_hand() {
        // (100·51 + 255·204 + 127) / 255 = 224.0; an opaque pixel; a transparent one.
        let grey = Image::from_u8(3, 1, 2, vec![100, 51, 7, 255, 9, 0]).unwrap();
        let white = over(grey.clone(), [255; 3]).unwrap();
        assert_eq!((white.channels(), white.as_u8()), (1, Some(&[224, 7, 255][..])));
        let red = over(grey, [255, 0, 0]).unwrap();
        assert_eq!(
            (red.channels(), red.as_u8()),
            (3, Some(&[224, 20, 20, 7, 7, 7, 255, 0, 0][..]))
        );
        let deep = Samples::U16(vec![0, 32_768, 65_535, 32_768]);
        let deep = over(Image::new(1, 1, 4, deep).unwrap(), [0, 255, 128]).unwrap();
        // 65535 · 32767 / 65535; 32768 + 32767; 32768 + 32896 · 32767 / 65535… by component.
        assert_eq!(deep.samples(), &Samples::U16(vec![0, 49_151, 49_216]));
    }

    #[test]
    fn sixteen_bits_are_rounded() {
        let deep = Samples::U16(vec![0, 128, 129, 385, 386, 65_406, 65_407, 65_535]);
        let image = to_8_bit(Image::new(8, 1, 1, deep).unwrap()).unwrap();
        assert_eq!(image.as_u8(), Some(&[0, 0, 1, 1, 2, 254, 255, 255][..]));
    }
}
