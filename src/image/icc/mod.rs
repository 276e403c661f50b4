//! Colour profiles (ICC): from the colours of a file to sRGB.
//!
//! Relative colorimetric, with black point compensation, to sRGB (IEC 61966-2-1) in 8 or 16 bits: matrix
//! and grey profiles, and tables (`mft1`, `mft2`, `mAB `) for RGB and CMYK, versions 2 and 4. Where there
//! are tables they go before a matrix, A2B1 before A2B0. The black point is found as Little CMS finds it:
//! the darkest device colour (of a press: what its perceptual table prints for black), neutral, at most
//! L* = 50.
//!
//! The arithmetic is our own because the crates' depends on the processor: wide paths that fuse
//! multiplications give other bits than narrow ones. 8-bit RGB through a matrix is tables and sums of
//! integers; all else `f64` with `+ − × ÷` and `libm`.
//!
//! A profile that moves no colour of a lattice, and no grey, by more than one level of 8 bits is sRGB
//! under another name: pixels stay as they are.

mod curve;
mod pipeline;
mod read;
mod srgb;

use self::curve::bounded;
use self::read::{Model, Profile};
use super::open::IccStatus;
use super::{Image, Samples};
use crate::error::Result;

/// Brings colours to sRGB: grey stays grey, alpha stays as it is, four inks (stored inverted: 255 is none)
/// become RGB. With any status but [`IccStatus::Converted`] the image is the one that came.
///
/// A profile for RGB is taken for grey too: its greys' luminance counts.
///
/// # Errors
/// [`crate::Error::Bug`] only.
pub(super) fn to_srgb(image: Image, inks: bool, profile: &[u8]) -> Result<(Image, IccStatus)> {
    let colours = match image.channels() {
        1 | 2 => 1,
        _ if inks => 4,
        _ => 3,
    };
    let found = read::profile(profile).filter(|p| match colours {
        1 => p.channels != 4,
        n => p.channels == n,
    });
    let Some(profile) = found else {
        return Ok((image, IccStatus::Broken));
    };
    let engine = Engine::new(&profile);
    match colours {
        1 => engine.grey(image),
        4 => engine.inks(image),
        _ => engine.rgb(image),
    }
}

/// A profile, ready to be applied.
struct Engine<'a> {
    profile: &'a Profile,
    /// Luminance of the darkest colour: becomes 0.
    black: f64,
}

/// Bits behind the point of linear light in [`Lights`].
const POINT: u32 = 24;

/// What each byte of each channel adds to linear R, G, B (and nothing to a fourth).
type Lights = [Box<[[i32; 4]; 256]>; 3];

impl<'a> Engine<'a> {
    fn new(profile: &'a Profile) -> Self {
        let mut engine = Self { profile, black: 0.0 };
        let darkest = match &profile.model {
            Model::Tables { there, back: Some(back), press: true } => {
                let [l, a, b] = back.coding.black();
                let [x, y, z, _] = there.run(back.run([l, a, b, 0.0]));
                there.coding.to_xyz([x, y, z])
            }
            // All inks, or no light.
            _ if profile.channels == 4 => engine.xyz([1.0; 4]),
            _ => engine.xyz([0.0; 4]),
        };
        // The luminance of L* = 50.
        let half = 66.0 / 116.0;
        engine.black = bounded(darkest[1]).min(half * half * half);
        engine
    }

    /// XYZ of a device colour: a grey is one number, or the same three times.
    fn xyz(&self, device: [f64; 4]) -> [f64; 3] {
        match &self.profile.model {
            Model::Grey { curve, lightness } => {
                let value = curve.at(device[0]);
                match lightness {
                    true => pipeline::Coding::Lab.to_xyz([value, 128.0 / 255.0, 128.0 / 255.0]),
                    false => pipeline::WHITE.map(|w| w * value),
                }
            }
            Model::Matrix { curves, columns } => {
                let light: [f64; 3] = std::array::from_fn(|at| curves[at].at(device[at]));
                let sum = |row: usize| {
                    columns[0][row] * light[0]
                        + columns[1][row] * light[1]
                        + columns[2][row] * light[2]
                };
                [sum(0), sum(1), sum(2)]
            }
            Model::Tables { there, .. } => {
                let [x, y, z, _] = there.run(device);
                there.coding.to_xyz([x, y, z])
            }
        }
    }

    /// sRGB values, 0–1, of a device colour.
    fn srgb(&self, device: [f64; 4]) -> [f64; 3] {
        srgb::linear(self.xyz(device)).map(|v| srgb::value(self.compensated(v)))
    }

    /// sRGB value, 0–1, of a device grey.
    fn srgb_grey(&self, device: f64) -> f64 {
        srgb::value(self.compensated(self.xyz([device; 4])[1]))
    }

    /// Black to 0, white stays: of XYZ along the greys, which in linear sRGB is the same line for all three.
    fn compensated(&self, linear: f64) -> f64 {
        (linear - self.black) / (1.0 - self.black)
    }

    fn grey(&self, image: Image) -> Result<(Image, IccStatus)> {
        let bytes: Vec<u8> =
            (0..=255).map(|v| rounded(self.srgb_grey(f64::from(v) / 255.0), 255.0) as u8).collect();
        if bytes.iter().zip(0..=255_u8).all(|(&a, b)| a.abs_diff(b) <= 1) {
            return Ok((image, IccStatus::Srgb));
        }
        let channels = usize::from(image.channels());
        each(image, |samples| match samples {
            Samples::U8(data) => {
                for v in data.iter_mut().step_by(channels) {
                    *v = bytes[usize::from(*v)];
                }
            }
            Samples::U16(data) => {
                for v in data.iter_mut().step_by(channels) {
                    *v = rounded(self.srgb_grey(f64::from(*v) / 65_535.0), 65_535.0) as u16;
                }
            }
            Samples::F32(_) => {}
        })
    }

    fn rgb(&self, image: Image) -> Result<(Image, IccStatus)> {
        let lights = self.lights();
        if lights.as_ref().is_some_and(is_srgb) {
            return Ok((image, IccStatus::Srgb));
        }
        let channels = usize::from(image.channels());
        each(image, |samples| match (samples, &lights) {
            (Samples::U8(data), Some(lights)) => through(data, channels, lights),
            (Samples::U8(data), None) => {
                let mut last = ([0; 3], self.pixel([0; 3]));
                for pixel in data.chunks_exact_mut(channels) {
                    let (rgb, _) = pixel.split_at_mut(3);
                    if rgb != last.0 {
                        last.0.copy_from_slice(rgb);
                        last.1 = self.pixel(last.0);
                    }
                    rgb.copy_from_slice(&last.1);
                }
            }
            (Samples::U16(data), _) => {
                for pixel in data.chunks_exact_mut(channels) {
                    let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(|v| f64::from(v) / 65_535.0);
                    for (to, v) in pixel.iter_mut().zip(self.srgb([r, g, b, 0.0])) {
                        *to = rounded(v, 65_535.0) as u16;
                    }
                }
            }
            (Samples::F32(_), _) => {}
        })
    }

    fn pixel(&self, rgb: [u8; 3]) -> [u8; 3] {
        let [r, g, b] = rgb.map(|v| f64::from(v) / 255.0);
        self.srgb([r, g, b, 0.0]).map(|v| rounded(v, 255.0) as u8)
    }

    fn inks(&self, image: Image) -> Result<(Image, IccStatus)> {
        let (width_px, height_px) = (image.width_px(), image.height_px());
        let Some(data) = image.as_u8() else {
            return Ok((image, IccStatus::Broken));
        };
        let mut out = vec![0; data.len() / 4 * 3];
        let print = |inks: [u8; 4]| {
            let device = inks.map(|v| f64::from(255 - v) / 255.0);
            self.srgb(device).map(|v| rounded(v, 255.0) as u8)
        };
        let mut last = ([0; 4], print([0; 4]));
        for (to, inks) in out.chunks_exact_mut(3).zip(data.chunks_exact(4)) {
            if inks != last.0 {
                last.0.copy_from_slice(inks);
                last.1 = print(last.0);
            }
            to.copy_from_slice(&last.1);
        }
        Ok((Image::from_u8(width_px, height_px, 3, out)?, IccStatus::Converted))
    }

    /// Tables of a matrix profile; `None` for others.
    fn lights(&self) -> Option<Lights> {
        let Model::Matrix { curves, columns } = &self.profile.model else {
            return None;
        };
        let scale = f64::from(1 << POINT) / (1.0 - self.black);
        // What compensation takes away stands in the first table.
        let less = [self.black, 0.0, 0.0];
        Some(std::array::from_fn(|channel| {
            let full = srgb::linear(columns[channel]);
            let mut table = Box::new([[0; 4]; 256]);
            for (entry, v) in table.iter_mut().zip(0..=255_u8) {
                let light = curves[channel].at(f64::from(v) / 255.0);
                for (entry, full) in entry.iter_mut().zip(full) {
                    // Four times the whole range fits; a nonsensical matrix is cut there.
                    let value = (full * light - less[channel]) * scale;
                    *entry = libm::floor(value.clamp(-3e8, 3e8) + 0.5) as i32;
                }
            }
            table
        }))
    }
}

/// The nearest whole number of a value of 0–1 on a scale.
fn rounded(value: f64, scale: f64) -> f64 {
    libm::floor(bounded(value) * scale + 0.5)
}

/// Changes samples in place.
fn each(image: Image, change: impl FnOnce(&mut Samples)) -> Result<(Image, IccStatus)> {
    let (width_px, height_px, channels) = (image.width_px(), image.height_px(), image.channels());
    let mut samples = image.into_samples();
    change(&mut samples);
    Ok((Image::new(width_px, height_px, channels, samples)?, IccStatus::Converted))
}

/// One colour through the tables.
#[inline(always)]
fn lit(rgb: [u8; 3], lights: &Lights, bytes: &[u8; srgb::STEPS + 1]) -> [u8; 3] {
    let [r, g, b] = [0, 1, 2].map(|at| &lights[at][usize::from(rgb[at])]);
    [0, 1, 2].map(|at| {
        let sum = r[at].wrapping_add(g[at]).wrapping_add(b[at]).clamp(0, 1 << POINT);
        let step = (sum as usize + (1 << (POINT - 15))) >> (POINT - 14);
        bytes[step.min(srgb::STEPS)]
    })
}

/// All pixels through the tables.
fn through(data: &mut [u8], channels: usize, lights: &Lights) {
    let bytes = srgb::bytes();
    for pixel in data.chunks_exact_mut(channels) {
        if let Some((rgb, _)) = pixel.split_first_chunk_mut::<3>() {
            *rgb = lit(*rgb, lights, bytes);
        }
    }
}

/// Whether the tables change no grey, and no colour of a lattice of 6 × 6 × 6, by more than one level.
fn is_srgb(lights: &Lights) -> bool {
    let bytes = srgb::bytes();
    let near = |rgb: [u8; 3]| {
        let found = lit(rgb, lights, bytes);
        found.iter().zip(rgb).all(|(&a, b)| a.abs_diff(b) <= 1)
    };
    let lattice = (0..216_u32).map(|n| [n / 36, n / 6 % 6, n % 6].map(|v| (v * 51) as u8));
    (0..=255).map(|v| [v; 3]).chain(lattice).all(near)
}
