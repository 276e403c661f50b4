//! Sun flare.

use super::{check, towards};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::pixels::blur::Frame;
use crate::random::Stream;

/// A pale disc that a lens throws back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Disc {
    /// Column of its centre.
    pub x_px: f64,
    /// Row of its centre.
    pub y_px: f64,
    /// Its radius.
    pub radius_px: f64,
    /// Its colour; grey images take the first value.
    pub colour: [u8; 3],
    /// How much of its colour covers what is behind it, 0–1.
    pub opacity: f64,
}

/// The sun in an image, and its discs.
#[derive(Debug, Clone, PartialEq)]
pub struct SunFlare {
    /// The sun: its light falls from `opacity` in the centre to nothing at the radius.
    pub sun: Disc,
    /// Discs of even light, laid on one after another before the sun.
    pub discs: Vec<Disc>,
}

/// Most discs.
const DISCS: usize = 1000;

impl SunFlare {
    /// Draws `count` discs for a sun in an image of `size` (width, height): on the line from the sun
    /// through the image's centre, anywhere between the sun and as far beyond the centre, with radii of
    /// 2–15 % of the sun's, opacities of 0.05–0.2, and the sun's colour darkened by up to 50 levels in
    /// each channel. Seven words of the stream and more for each.
    pub fn draw(size: (u32, u32), sun: Disc, count: u32, stream: &mut Stream) -> Self {
        let centre = |side: u32| (f64::from(side) - 1.0) / 2.0;
        let (dx, dy) = (centre(size.0) - sun.x_px, centre(size.1) - sun.y_px);
        let discs = (0..count.min(DISCS as u32)).map(|_| {
            let along = stream.uniform_in(0.0, 2.0);
            Disc {
                x_px: sun.x_px + along * dx,
                y_px: sun.y_px + along * dy,
                radius_px: sun.radius_px * stream.uniform_in(0.02, 0.15),
                opacity: stream.uniform_in(0.05, 0.2),
                colour: sun.colour.map(|level| level.saturating_sub(stream.below(51) as u8)),
            }
        });
        Self { discs: discs.collect(), sun }
    }
}

/// Lays discs on an image, `level + (colour − level) · opacity` each, then the sun, whose opacity at the
/// distance d from its centre is `opacity · (1 − d² / radius²)²`.
///
/// A pixel belongs to a disc when its centre does. Albumentations' `RandomSunFlare` blends circles drawn
/// by OpenCV, and a sun of rings.
///
/// # Errors
/// [`Error::Params`] when an opacity is not in `0..=1`, a radius not in `0..=100000`, a place not within
/// a million pixels, or there are more than 1000 discs; [`Error::Unsupported`] for what is not 8-bit
/// grey or RGB.
pub fn sun_flare(image: &Image, flare: &SunFlare) -> Result<Image> {
    let frame = Frame::of(image)?;
    check("discs", flare.discs.len() as f64, 0.0, DISCS as f64)?;
    for disc in flare.discs.iter().chain([&flare.sun]) {
        check("opacity", disc.opacity, 0.0, 1.0)?;
        check("radius_px", disc.radius_px, 0.0, 1e5)?;
        check("x_px", disc.x_px, -1e6, 1e6)?;
        check("y_px", disc.y_px, -1e6, 1e6)?;
    }
    let mut out = frame.bytes.to_vec();
    for disc in &flare.discs {
        let share = (disc.opacity * 65_536.0).round() as u32;
        lay(&frame, disc, |_| share, &mut out);
    }
    let opacity = flare.sun.opacity * 65_536.0;
    lay(&frame, &flare.sun, |near| (opacity * near * near).round() as u32, &mut out);
    frame.filled(out)
}

/// Blends a disc; `share` is of `1 − d² / radius²`, in 0–1.
fn lay(frame: &Frame<'_>, disc: &Disc, share: impl Fn(f64) -> u32, out: &mut [u8]) {
    let square = disc.radius_px * disc.radius_px;
    let range = |centre: f64, reach: f64, length: usize| {
        let limit = length as f64;
        let from = (centre - reach).ceil().clamp(0.0, limit) as usize;
        from..((centre + reach).floor() + 1.0).clamp(from as f64, limit) as usize
    };
    for y in range(disc.y_px, disc.radius_px, frame.height) {
        let dy = y as f64 - disc.y_px;
        let left = square - dy * dy;
        if left < 0.0 {
            continue;
        }
        for x in range(disc.x_px, left.sqrt(), frame.width) {
            let dx = x as f64 - disc.x_px;
            let near = if square > 0.0 { (left - dx * dx).max(0.0) / square } else { 1.0 };
            let share = share(near);
            let at = (y * frame.width + x) * frame.channels;
            let pixel = &mut out[at..at + frame.channels];
            for (level, &colour) in pixel.iter_mut().zip(&disc.colour) {
                *level = towards(*level, colour, share);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUN: Disc = Disc { x_px: 2.0, y_px: 1.0, radius_px: 2.0, colour: [200; 3], opacity: 1.0 };

    #[test]
    fn light_falls_off_from_the_sun() {
        let image = Image::from_u8(5, 3, 1, vec![100; 15]).unwrap();
        let found = sun_flare(&image, &SunFlare { sun: SUN, discs: Vec::new() }).unwrap();
        // (1 − ¼)² = 0.5625 beside the centre, (1 − ½)² = ¼ across, 0 at the rim.
        #[rustfmt::skip]
        assert_eq!(found.as_u8().unwrap(), [
            100, 125, 156, 125, 100,
            100, 156, 200, 156, 100,
            100, 125, 156, 125, 100,
        ]);
        let disc = Disc { radius_px: 1.0, opacity: 0.5, ..SUN };
        let none = Disc { opacity: 0.0, ..SUN };
        let found = sun_flare(&image, &SunFlare { sun: none, discs: vec![disc] }).unwrap();
        assert_eq!(found.as_u8().unwrap()[5..10], [100, 150, 150, 150, 100]);
    }

    #[test]
    fn discs_lie_on_the_line_through_the_centre() {
        let mut stream = Stream::from_key([4; 16]);
        let sun = Disc { x_px: 10.0, y_px: 0.0, radius_px: 100.0, ..SUN };
        let drawn = SunFlare::draw((101, 101), sun, 9, &mut stream);
        assert!(drawn.discs.iter().all(|d| {
            ((d.x_px - 10.0) * 50.0 - d.y_px * 40.0).abs() < 1e-9 && (0.0..=100.0).contains(&d.y_px)
        }));
        assert_eq!(drawn.discs.len(), 9);
        let image = Image::from_u8(1, 1, 1, vec![0]).unwrap();
        let wrong = SunFlare { sun: Disc { radius_px: f64::INFINITY, ..SUN }, discs: Vec::new() };
        assert_eq!(sun_flare(&image, &wrong).unwrap_err().kind(), "params");
    }
}
