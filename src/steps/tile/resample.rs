//! Pixels at another resolution.

use fast_image_resize as fir;

use crate::error::{Error, Result};
use crate::image::Image;
use crate::pixels::resize::resize_bytes;

/// Resamples the rectangle (left, top, width, height; fractions allowed) of an 8-bit image of 1 or 3
/// channels to `size` pixels, with the Catmull–Rom cubic, widened by the scale when it makes smaller.
///
/// Pixels of `source` outside the rectangle count where the cubic reaches them. The resizer is the
/// caller's, so that its buffers are used again; which CPU extensions it uses does not matter to any
/// bit of the result.
///
/// # Errors
/// [`Error::Bug`] when the rectangle does not lie in the image.
pub fn resample(
    resizer: &mut fir::Resizer,
    source: &Image,
    (left, top, width, height): (f64, f64, f64, f64),
    size: (u32, u32),
) -> Result<Image> {
    let bug = |e: &dyn std::fmt::Display| Error::Bug { message: format!("resampling: {e}") };
    if !matches!(source.channels(), 1 | 3) {
        return Err(bug(&format!("{} channels", source.channels())));
    }
    let data = source.as_u8().ok_or_else(|| bug(&"deep samples"))?;
    let from = (source.width_px(), source.height_px());
    let options = fir::ResizeOptions::new()
        .resize_alg(fir::ResizeAlg::Convolution(fir::FilterType::CatmullRom))
        .crop(left, top, width, height);
    let made = resize_bytes(resizer, data, source.channels(), from, size, &options)?;
    Image::from_u8(size.0, size.1, source.channels(), made)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: u32, height: u32, data: &[u8]) -> Image {
        Image::from_u8(width, height, 1, data.to_vec()).unwrap()
    }

    #[test]
    fn half_a_pixel_aside_by_hand() {
        // Between two pixels the cubic weighs −1/16, 9/16, 9/16, −1/16.
        let row = grey(6, 1, &[10, 20, 40, 80, 40, 20]);
        let got = resample(&mut fir::Resizer::new(), &row, (1.5, 0.0, 3.0, 1.0), (3, 1)).unwrap();
        // (−10 + 9·20 + 9·40 − 80) / 16 = 28.1; (−20 + 9·40 + 9·80 − 40) / 16 = 63.75; the last is
        // the mirror of it.
        assert_eq!(got.as_u8().unwrap(), [28, 64, 64]);
    }

    #[test]
    fn pixels_around_the_rectangle_count() {
        let (dark, light) = ([0, 0, 100, 100, 0, 0], [200, 200, 100, 100, 200, 200]);
        let cut = |data: &[u8]| {
            resample(&mut fir::Resizer::new(), &grey(6, 1, data), (2.0, 0.0, 2.0, 1.0), (1, 1))
                .unwrap()
                .as_u8()
                .unwrap()[0]
        };
        // The cubic, twice as wide: 0.867 on the two inside, 0.227 on their neighbours, −0.070 on the
        // next. (100 · 0.867) / (0.867 + 0.227 − 0.070) = 84.7, and 115.3 for its mirror image.
        assert_eq!((cut(&dark), cut(&light)), (85, 115));
    }

    #[test]
    fn neighbours_continue_each_other() {
        let data: Vec<u8> = (0..120 * 90 * 3).map(|i| (i * 7919 % 251) as u8).collect();
        let image = Image::from_u8(120, 90, 3, data).unwrap();
        let scale = 2.8;
        let mut resizer = fir::Resizer::new();
        let mut cut = |x: f64, columns: u32| {
            let place = (x * scale, 0.0, f64::from(columns) * scale, 90.0);
            resample(&mut resizer, &image, place, (columns, 32)).unwrap()
        };
        let (whole, left, right) = (cut(0.0, 40), cut(0.0, 25), cut(25.0, 15));
        let row = |image: &Image, y: usize| {
            let bytes = image.width_px() as usize * 3;
            image.as_u8().unwrap()[y * bytes..][..bytes].to_vec()
        };
        for y in 0..32 {
            let joined = [row(&left, y), row(&right, y)].concat();
            for (a, b) in joined.iter().zip(row(&whole, y)) {
                assert!(a.abs_diff(b) <= 1, "fixed-point weights may differ in their last bit");
            }
        }
    }
}
