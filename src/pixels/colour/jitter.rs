//! Brightness, contrast, saturation and hue: each by itself, and all in one pass.

use multiversion::multiversion;

use super::{Shares, luma, shares};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::pixels::table::{self, Table, planes};

/// Bytes that are worked on at once.
const PART: usize = 3 * planes::PART;

/// Blends with grey: `clip(grey + round(factor·(x − grey)))`, halves upwards, grey as
/// [`super::to_grey`]'s. 0 makes grey, 1 changes nothing.
///
/// torchvision's `adjust_saturation`, which cuts off the grey and then the blend where this rounds both, to
/// within two levels (for factors up to 2). The factor is taken to a multiple of 2⁻¹² and to 0–7.999. A grey image stays as it is.
///
/// # Errors
/// [`Error::Unsupported`] for anything but 8-bit grey or RGB, [`Error::Params`] for a factor that is
/// not finite.
pub fn saturation(image: &mut Image, factor: f64) -> Result<()> {
    Jitter { saturation: factor, ..Jitter::default() }.apply(image)
}

/// Turns hues by `degrees` (any finite number) in HSV, with value and saturation kept: torchvision's
/// `adjust_hue` to within one level. A grey image stays as it is.
///
/// The hue is never divided by the chroma, but carried times the chroma, in sixteenths of a level: so
/// that the turn is exact to 1/16 level, and grey pixels need no case of their own.
///
/// # Errors
/// [`Error::Unsupported`] for anything but 8-bit grey or RGB, [`Error::Params`] for a number that is
/// not finite.
pub fn hue(image: &mut Image, degrees: f64) -> Result<()> {
    Jitter { hue_deg: degrees, ..Jitter::default() }.apply(image)
}

/// Colour jitter: brightness, then contrast, then saturation, then hue, in one pass, and equal to the
/// four one after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jitter {
    /// Factor on all samples: `clip(round(brightness·x))`. 1 changes nothing.
    pub brightness: f64,
    /// Factor on the distance from the mean grey of the (brightened) image:
    /// `clip(round(mean + contrast·(x − mean)))`. 1 changes nothing.
    pub contrast: f64,
    /// See [`saturation`]. 1 changes nothing.
    pub saturation: f64,
    /// See [`hue`]. 0 changes nothing.
    pub hue_deg: f64,
}

impl Default for Jitter {
    fn default() -> Self {
        Self { brightness: 1.0, contrast: 1.0, saturation: 1.0, hue_deg: 0.0 }
    }
}

impl Jitter {
    /// Changes an image; of a grey one, only brightness and contrast.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for anything but 8-bit grey or RGB, [`Error::Params`] for a number that is
    /// not finite.
    pub fn apply(&self, image: &mut Image) -> Result<()> {
        let numbers = [self.brightness, self.contrast, self.saturation, self.hue_deg];
        if numbers.iter().any(|number| !number.is_finite()) {
            return Err(Error::params("jitter", format!("{self:?}: all numbers must be finite")));
        }
        let channels = image.channels();
        let samples = table::bytes_mut(image)?;
        let table = self.table(samples, channels);
        let still = table == Table::identity();
        if channels == 1 {
            table.apply_bytes(samples);
            return Ok(());
        }
        let colours = Colours {
            saturation: libm::round(self.saturation.clamp(0.0, 7.999) * 4096.0) as i16,
            turn: turn(self.hue_deg),
        };
        for part in samples.chunks_mut(PART) {
            if !still {
                table.apply_bytes(part);
            }
            if colours.saturation != Colours::STILL.saturation || colours.turn != 0 {
                change(part, colours);
            }
        }
        Ok(())
    }

    /// Brightness and contrast. The mean is over all pixels: a pass of its own, without a write.
    fn table(&self, samples: &[u8], channels: u8) -> Table {
        let bright = if self.brightness == 1.0 {
            Table::identity()
        } else {
            Table::linear(self.brightness, 0.0)
        };
        if self.contrast == 1.0 {
            return bright;
        }
        let mean = mean_grey(samples, channels, &bright);
        bright.then(&Table::from_levels(|x| mean + self.contrast * (x - mean)))
    }
}

/// Mean of the grey, not rounded per pixel, of what a table makes of samples.
fn mean_grey(samples: &[u8], channels: u8, table: &Table) -> f64 {
    let mut sums = [0_u64; 3];
    let mut changed = [0; PART];
    for part in samples.chunks(PART) {
        let changed = &mut changed[..part.len()];
        changed.copy_from_slice(part);
        table.apply_bytes(changed);
        add_by_channel(changed, &mut sums);
    }
    if channels == 1 {
        return sums.iter().sum::<u64>() as f64 / samples.len() as f64;
    }
    let Shares { r, g, b } = shares();
    let sum = |c: usize, share: u32| u128::from(sums[c]) * u128::from(share);
    (sum(0, r) + sum(1, g) + sum(2, b)) as f64 / 32768.0 / (samples.len() / 3) as f64
}

/// Adds every third sample, from the first, the second and the third on. A whole number of pixels, at
/// most [`PART`] bytes.
#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn add_by_channel(samples: &[u8], sums: &mut [u64; 3]) {
    const LANES: usize = 96;
    // At most PART/96 = 128 samples of 255 each: 16 bits hold them.
    let mut lanes = [0_u16; LANES];
    let (rows, rest) = samples.as_chunks::<LANES>();
    for row in rows {
        for (lane, x) in lanes.iter_mut().zip(row) {
            *lane = lane.wrapping_add(u16::from(*x));
        }
    }
    for (at, lane) in lanes.iter().enumerate() {
        sums[at % 3] = sums[at % 3].wrapping_add(u64::from(*lane));
    }
    for (at, x) in rest.iter().enumerate() {
        sums[at % 3] = sums[at % 3].wrapping_add(u64::from(*x));
    }
}

/// Saturation and hue in the integers they are worked out in.
#[derive(Clone, Copy)]
struct Colours {
    /// Factor of the saturation, in 1/4096.
    saturation: i16,
    /// Turn of the hue in sextants, −3 to 3, in 1/8192.
    turn: i16,
}

impl Colours {
    const STILL: Self = Self { saturation: 4096, turn: 0 };
}

/// Degrees as a turn: see [`Colours::turn`].
fn turn(degrees: f64) -> i16 {
    let sextants = libm::fmod(degrees, 360.0) / 60.0;
    // Within −6 to 6; to −3 to 3.
    let sextants = sextants - 6.0 * libm::round(sextants / 6.0);
    libm::round(sextants * 8192.0) as i16
}

/// Changes whole pixels, at most [`PART`] bytes.
fn change(rgb: &mut [u8], colours: Colours) {
    let mut planes = [[0; planes::PART]; 3];
    let n = rgb.len() / 3;
    planes::split(rgb, planes.each_mut().map(|plane| &mut plane[..n]));
    let [r, g, b] = planes.each_mut().map(|plane| &mut plane[..n]);
    if colours.saturation != Colours::STILL.saturation {
        saturate(r, g, b, colours.saturation);
    }
    if colours.turn != 0 {
        turn_hues(r, g, b, colours.turn);
    }
    planes::join(planes.each_ref().map(|plane| &plane[..n]), rgb);
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn saturate(r: &mut [u8], g: &mut [u8], b: &mut [u8], factor: i16) {
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        let grey = i16::from(luma(*r, *g, *b));
        *r = saturated(grey, i16::from(*r), factor) as u8;
        *g = saturated(grey, i16::from(*g), factor) as u8;
        *b = saturated(grey, i16::from(*b), factor) as u8;
    }
}

#[multiversion(targets(
    "x86_64+avx512f+avx512bw+avx512vl+avx512dq",
    "x86_64+avx2",
    "aarch64+neon"
))]
fn turn_hues(r: &mut [u8], g: &mut [u8], b: &mut [u8], turn: i16) {
    for ((r, g), b) in r.iter_mut().zip(g).zip(b) {
        [*r, *g, *b] = turned([*r, *g, *b].map(i16::from), turn).map(|x| x as u8);
    }
}

/// Upper half of a product: one instruction for many lanes.
#[inline(always)]
fn high(a: i16, b: i16) -> i16 {
    (i32::from(a).wrapping_mul(i32::from(b)) >> 16) as i16
}

/// `clip(grey + round(factor·(x − grey)))`: in eighths of a level (255·8·8 < 2¹⁵), which rounds as
/// the whole product would.
#[inline(always)]
fn saturated(grey: i16, x: i16, factor: i16) -> i16 {
    let eighths = high(x.wrapping_sub(grey).wrapping_mul(128), factor);
    grey.wrapping_add(eighths.wrapping_add(4) >> 3).clamp(0, 255)
}

/// A pixel with its hue turned. With C the chroma, the hue times C is a whole number from −C to 5C;
/// turned, in sixteenths, it stays below 2¹⁵ either way: 5·255·16 + 3·255·16 = 32640.
#[inline(always)]
fn turned([r, g, b]: [i16; 3], turn: i16) -> [i16; 3] {
    let most = r.max(g).max(b);
    let least = r.min(g).min(b);
    let chroma = most.wrapping_sub(least);
    let of_red = g.wrapping_sub(b);
    let of_green = b.wrapping_sub(r).wrapping_add(chroma.wrapping_mul(2));
    let of_blue = r.wrapping_sub(g).wrapping_add(chroma.wrapping_mul(4));
    let hue = if r == most {
        of_red
    } else if g == most {
        of_green
    } else {
        of_blue
    };
    // (C·2⁷ · turn·2¹³) / 2¹⁶: sixteenths.
    let hue = hue.wrapping_mul(16).wrapping_add(high(chroma.wrapping_mul(128), turn));
    let unit = chroma.wrapping_mul(16);
    let circle = chroma.wrapping_mul(96);
    let hue = if hue < 0 { hue.wrapping_add(circle) } else { hue };
    let hue = if hue >= circle { hue.wrapping_sub(circle) } else { hue };
    let from = |sextant: i16| hue.wrapping_sub(unit.wrapping_mul(sextant)).wrapping_abs();
    let twice = unit.wrapping_mul(2);
    let sample = |part: i16| least.wrapping_add(part.max(0).min(unit).wrapping_add(8) >> 4);
    [
        sample(from(3).wrapping_sub(unit)),
        sample(twice.wrapping_sub(from(2))),
        sample(twice.wrapping_sub(from(4))),
    ]
}

#[cfg(test)]
mod tests;
