//! What a photo looks like before anything is changed: how bright, and whether in colour.

use crate::image::{Image, Samples};

/// How far red, green and blue of a grey pixel may be apart, in levels of 8 bits: JPEG leaves traces of
/// colour in grey photos.
const NEAR: u8 = 8;
/// Share of grey pixels from which a photo looks infrared.
const INFRARED: f64 = 0.99;
/// Pixels whose sums 32 bits hold.
const BLOCK: usize = 1 << 14;

/// A photo at first sight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Share of pixels whose red, green and blue are within 8 levels of each other, 0–1.
    pub grey_fraction: f64,
    /// Whether that is at least 0.99.
    pub looks_infrared: bool,
    /// Whether red, green and blue are equal in every pixel.
    pub is_grey: bool,
    /// Mean luma (BT.601) on the scale of 8 bits, 0–255.
    pub mean_luminance: f64,
}

/// Sums over pixels: red, green, blue, those near grey, those that are grey.
type Sums = [u64; 5];

impl Look {
    /// Looks at all pixels.
    pub fn of(image: &Image) -> Self {
        let (sums, white) = match (image.samples(), image.channels()) {
            (Samples::U8(samples), 3) => (sums_8(samples.as_chunks::<3>().0), 1.0),
            (Samples::U16(samples), 3) => (sums_16(samples.as_chunks::<3>().0), 257.0),
            (Samples::U8(grey), _) => (of_grey(grey), 1.0),
            (Samples::U16(grey), _) => (of_grey(grey), 257.0),
            (Samples::F32(_), _) => ([0; 5], 1.0),
        };
        let pixels = f64::from(image.width_px()) * f64::from(image.height_px());
        let [r, g, b, near, grey] = sums;
        // Sums of 2^32 pixels of 16 bits are below 2^48, and 2^15 times that below 2^63.
        let luma = 9798 * r + 19235 * g + 3735 * b;
        let grey_fraction = near as f64 / pixels;
        Self {
            grey_fraction,
            looks_infrared: grey_fraction >= INFRARED,
            is_grey: grey as f64 == pixels,
            mean_luminance: luma as f64 / (32768.0 * white * pixels),
        }
    }
}

fn of_grey<T: Copy + Into<u64>>(samples: &[T]) -> Sums {
    let sum = samples.iter().map(|&x| x.into()).sum();
    [sum, sum, sum, samples.len() as u64, samples.len() as u64]
}

#[multiversion::multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn sums_8(pixels: &[[u8; 3]]) -> Sums {
    let mut sums = [0; 5];
    for block in pixels.chunks(BLOCK) {
        let mut part = [0_u32; 5];
        for &[r, g, b] in block {
            let spread = r.max(g).max(b) - r.min(g).min(b);
            let one = [r.into(), g.into(), b.into(), u32::from(spread <= NEAR), u32::from(spread == 0)];
            for (part, one) in part.iter_mut().zip(one) {
                *part = part.wrapping_add(one);
            }
        }
        for (sum, part) in sums.iter_mut().zip(part) {
            *sum += u64::from(part);
        }
    }
    sums
}

fn sums_16(pixels: &[[u16; 3]]) -> Sums {
    let mut sums = [0; 5];
    for &[r, g, b] in pixels {
        let spread = r.max(g).max(b) - r.min(g).min(b);
        let near = spread <= u16::from(NEAR) * 257;
        let one = [r.into(), g.into(), b.into(), u64::from(near), u64::from(spread == 0)];
        for (sum, one) in sums.iter_mut().zip(one) {
            *sum += one;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tint_of_eight_levels_is_grey_and_one_of_nine_is_not() {
        let rgb = vec![10, 10, 10, 18, 10, 12, 19, 10, 12, 255, 0, 0];
        let look = Look::of(&Image::from_u8(2, 2, 3, rgb.clone()).unwrap());
        assert_eq!(look.grey_fraction, 0.5);
        assert!(!look.looks_infrared && !look.is_grey);
        // (9798·(10 + 18 + 19 + 255) + 19235·(10 + 10 + 10) + 3735·(10 + 12 + 12)) / (4·2^15)
        let expected = (9798.0 * 302.0 + 19235.0 * 30.0 + 3735.0 * 34.0) / (4.0 * 32768.0);
        assert_eq!(look.mean_luminance, expected);
        let deep = rgb.iter().map(|&x| u16::from(x) * 257).collect();
        assert_eq!(Look::of(&Image::new(2, 2, 3, Samples::U16(deep)).unwrap()), look);
    }

    #[test]
    fn sums_go_on_over_blocks() {
        let rgb = vec![7; 3 * (BLOCK + 5)];
        let look = Look::of(&Image::from_u8(BLOCK as u32 + 5, 1, 3, rgb).unwrap());
        assert!(look.is_grey && look.looks_infrared);
        assert_eq!(look.mean_luminance, 7.0);
        let grey = Look::of(&Image::from_u8(2, 1, 1, vec![6, 8]).unwrap());
        assert_eq!(grey, Look { mean_luminance: 7.0, ..look });
    }
}
