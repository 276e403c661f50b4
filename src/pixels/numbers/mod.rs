//! From samples to the numbers that a model reads: scaled, less a mean, over a standard deviation.
//!
//! # The rule
//! `x·s + b` in `f64`, with `s = 1/(white·std)` and `b = −mean/std`, rounded once to what it is stored
//! as. White is 255 for 8-bit samples, 65535 for 16-bit ones. torchvision's `Normalize`, which rounds
//! after each of its steps in `f32`, is within 1e-6 of it.
//!
//! For 8-bit samples that is a table of 256 numbers. A table of floats is slow to look up in wide
//! registers, so that it is worked out instead as the sum of a coarse line, which `f32` holds exactly,
//! and a fine one: see [`line`]. Such lines are used only where they give the table, number for number.

mod line;
mod planes;

use half::f16;

use crate::error::{Error, Result};
use crate::image::{Image, Samples};
use line::Line;

/// Where channels stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Channels, rows, columns: planes.
    #[default]
    Chw,
    /// Rows, columns, channels: interleaved.
    Hwc,
}

/// What a number is stored as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// 32-bit float.
    #[default]
    F32,
    /// 16-bit float (binary16).
    F16,
    /// 8-bit samples as they are: neither mean nor deviation is used.
    U8,
}

/// Numbers in a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 16-bit floats.
    F16(Vec<f16>),
    /// Bytes.
    U8(Vec<u8>),
}

/// An array in C order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Length of each axis.
    pub shape: [usize; 3],
    /// The numbers.
    pub data: Data,
}

/// How samples become numbers: `(x/white − mean)/std` per channel; see [the rule](self).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Numbers {
    /// Mean per channel, of samples scaled to 0–1. A grey image takes the first.
    pub mean: [f64; 3],
    /// Standard deviation per channel, of samples scaled to 0–1: above 0.
    pub std: [f64; 3],
    /// Where channels stand.
    pub layout: Layout,
    /// What a number is stored as.
    pub kind: Kind,
}

impl Numbers {
    /// Samples scaled to 0–1 and nothing more.
    pub const UNIT: Self =
        Self { mean: [0.0; 3], std: [1.0; 3], layout: Layout::Chw, kind: Kind::F32 };

    /// Mean and standard deviation of ImageNet's training photos.
    pub const IMAGENET: Self =
        Self { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], ..Self::UNIT };

    /// The numbers of an image.
    ///
    /// # Errors
    /// [`Error::Params`] for a mean that is not finite, or a deviation that is not finite and above 0;
    /// [`Error::Unsupported`] for anything but 8-bit or 16-bit samples (8-bit for [`Kind::U8`]), grey
    /// or RGB.
    pub fn of(&self, image: &Image) -> Result<Array> {
        let mut array = Array { shape: [0; 3], data: Data::U8(Vec::new()) };
        self.write(image, &mut array)?;
        Ok(array)
    }

    /// The numbers of an image, written over an array, whose memory is used again where it can be: that
    /// of a large array is what takes longest.
    ///
    /// # Errors
    /// As [`Numbers::of`]; the array is then as it was.
    pub fn write(&self, image: &Image, array: &mut Array) -> Result<()> {
        self.check()?;
        let channels = usize::from(image.channels());
        if channels != 1 && channels != 3 {
            return Err(Error::unsupported(
                format!("an image of {channels} channels as numbers"),
                "convert the image to grey or RGB first",
            ));
        }
        let n = image.samples().len();
        let planes = self.layout == Layout::Chw;
        match (self.kind, image.samples()) {
            (Kind::U8, Samples::U8(samples)) => {
                let out = bytes(&mut array.data, n);
                planes::spread(samples, out, channels, planes, |_, x| x);
            }
            (Kind::F32, Samples::U8(samples)) => {
                let lines = [0, 1, 2].map(|c| Line::new(self.scale(c, 255.0)));
                line::apply(&lines, samples, floats(&mut array.data, n), channels, planes);
            }
            (Kind::F16, Samples::U8(samples)) => {
                let tables = [0, 1, 2].map(|c| {
                    let (s, b) = self.scale(c, 255.0);
                    std::array::from_fn::<_, 256, _>(|x| f16::from_f64(x as f64 * s + b))
                });
                let of = |c: usize, x: u8| tables[c][usize::from(x)];
                planes::spread(samples, halves(&mut array.data, n), channels, planes, of);
            }
            (Kind::F32, Samples::U16(samples)) => {
                let scales = [0, 1, 2].map(|c| self.scale(c, 65535.0));
                let of = |c: usize, x: u16| (f64::from(x) * scales[c].0 + scales[c].1) as f32;
                planes::spread(samples, floats(&mut array.data, n), channels, planes, of);
            }
            (Kind::F16, Samples::U16(samples)) => {
                let scales = [0, 1, 2].map(|c| self.scale(c, 65535.0));
                let of = |c: usize, x: u16| f16::from_f64(f64::from(x) * scales[c].0 + scales[c].1);
                planes::spread(samples, halves(&mut array.data, n), channels, planes, of);
            }
            (kind, samples) => {
                return Err(Error::unsupported(
                    format!("{kind:?} numbers of samples of {} bits", samples.bit_depth()),
                    "choose another kind of number, or convert the image first",
                ));
            }
        }
        let (h, w) = (image.height_px() as usize, image.width_px() as usize);
        array.shape = if planes { [channels, h, w] } else { [h, w, channels] };
        Ok(())
    }

    /// Slope and constant of a channel.
    fn scale(&self, channel: usize, white: f64) -> (f64, f64) {
        (1.0 / (white * self.std[channel]), -self.mean[channel] / self.std[channel])
    }

    fn check(&self) -> Result<()> {
        if !self.mean.iter().all(|mean| mean.is_finite()) {
            return Err(Error::params("mean", format!("{:?}: it must be finite", self.mean)));
        }
        if !self.std.iter().all(|std| std.is_finite() && *std > 0.0) {
            let message = format!("{:?}: it must be finite and above 0", self.std);
            return Err(Error::params("std", message));
        }
        Ok(())
    }
}

/// Memory for `n` floats, of an array's if it holds floats. What is in it is written over.
fn floats(data: &mut Data, n: usize) -> &mut [f32] {
    if !matches!(data, Data::F32(_)) {
        *data = Data::F32(Vec::new());
    }
    match data {
        Data::F32(numbers) => sized(numbers, n, 0.0),
        _ => &mut [],
    }
}

fn halves(data: &mut Data, n: usize) -> &mut [f16] {
    if !matches!(data, Data::F16(_)) {
        *data = Data::F16(Vec::new());
    }
    match data {
        Data::F16(numbers) => sized(numbers, n, f16::ZERO),
        _ => &mut [],
    }
}

fn bytes(data: &mut Data, n: usize) -> &mut [u8] {
    if !matches!(data, Data::U8(_)) {
        *data = Data::U8(Vec::new());
    }
    match data {
        Data::U8(numbers) => sized(numbers, n, 0),
        _ => &mut [],
    }
}

fn sized<T: Clone>(numbers: &mut Vec<T>, n: usize, zero: T) -> &mut [T] {
    if numbers.is_empty() {
        // Zeros from the system, which costs less than writing them.
        *numbers = vec![zero; n];
    } else {
        numbers.resize(n, zero);
    }
    numbers
}

#[cfg(test)]
mod tests;
