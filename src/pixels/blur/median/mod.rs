//! Median of a square.

mod histogram;
mod network;

use super::{Frame, check_kernel};
use crate::error::Result;
use crate::image::Image;

/// The median of the `kernel_px × kernel_px` pixels about each, channel by channel: the same pixels as
/// OpenCV's `medianBlur`. As there, and unlike in the other blurs, the image goes on with its border
/// pixels repeated.
///
/// Sides of 3 and 5 are sorting networks; larger ones slide histograms, whose time does not grow with
/// the side (Perreault and Hébert 2007, doi:10.1109/TIP.2007.902329).
///
/// # Errors
/// [`crate::Error::Params`] when `kernel_px` is even or not in `1..=255`, [`crate::Error::Unsupported`]
/// for what is not 8-bit grey or RGB.
pub fn median(image: &Image, kernel_px: u32) -> Result<Image> {
    let frame = Frame::of(image)?;
    let kernel = check_kernel(kernel_px)?;
    let mut out = vec![0; frame.bytes.len()];
    match kernel {
        1 => out.copy_from_slice(frame.bytes),
        3 => network::three(&frame, &mut out),
        5 => network::five(&frame, &mut out),
        _ => histogram::slide(&frame, kernel, &mut out),
    }
    frame.filled(out)
}

/// Position `at` of a line of `length` that goes on with its ends repeated.
fn held(at: isize, length: usize) -> usize {
    at.clamp(0, length as isize - 1) as usize
}

/// Row `y`, or the nearest one.
fn row<'a>(frame: &Frame<'a>, y: isize) -> &'a [u8] {
    let pitch = frame.pitch();
    &frame.bytes[held(y, frame.height) * pitch..][..pitch]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_the_middle_of_the_sorted_window() {
        let bytes: Vec<u8> =
            (0..3 * 19 * 13_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for (width, height, channels) in
            [(19, 13, 3), (19, 39, 1), (1, 741, 1), (741, 1, 1), (247, 1, 3)]
        {
            let image = Image::from_u8(width, height, channels, bytes.clone()).unwrap();
            for kernel in [1, 3, 5, 7, 9, 33] {
                let found = median(&image, kernel).unwrap();
                let expected = sorted(&Frame::of(&image).unwrap(), kernel as usize);
                assert_eq!(
                    found.as_u8().unwrap(),
                    expected,
                    "{width} {height} {channels} {kernel}"
                );
            }
        }
    }

    fn sorted(frame: &Frame<'_>, kernel: usize) -> Vec<u8> {
        let (radius, channels) = (kernel as isize / 2, frame.channels);
        let mut out = Vec::new();
        for at in 0..frame.bytes.len() {
            let (y, x, channel) =
                (at / frame.pitch(), at % frame.pitch() / channels, at % channels);
            let mut window = Vec::new();
            for dy in -radius..=radius {
                for dx in -radius..=radius {
                    let column = held(x as isize + dx, frame.width);
                    window.push(row(frame, y as isize + dy)[column * channels + channel]);
                }
            }
            window.sort_unstable();
            out.push(window[window.len() / 2]);
        }
        out
    }
}
