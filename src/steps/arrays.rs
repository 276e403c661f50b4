//! How photos are written, as pictures or as numbers: params that `normalize` and `augment` share.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::encode::{ChromaSubsampling, Encoded, Format, encode};
use crate::error::{Error, Result};
use crate::image::array::Numbers as Flat;
use crate::image::{Image, npy, safetensors};
use crate::pixels::numbers;

/// Largest mean and deviation that a param may have: samples are scaled to 0–1, and nobody's are far
/// from there.
pub const MOST_MEAN: f64 = 100.0;

/// File format of what is written.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// PNG, without loss.
    Png,
    /// Baseline JPEG.
    Jpeg,
    /// One numpy array (`np.load`).
    Npy,
    /// Safetensors, with one tensor named `image`.
    Safetensors,
}

/// How samples become numbers.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Numbers {
    /// Not at all: samples stay integers.
    None,
    /// `x / 255` (16 bits: `x / 65535`): 0–1.
    Unit,
    /// `(x / 255 − mean) / std` with ImageNet's mean 0.485, 0.456, 0.406 and std 0.229, 0.224, 0.225.
    Imagenet,
    /// The same with `mean` and `std`.
    Own,
    /// The same with what `fit-normalize` found.
    Profile,
}

/// In which order the numbers of an array stand.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Channels, rows, columns: PyTorch's.
    Chw,
    /// Rows, columns, channels: that of TensorFlow and of most image libraries.
    Hwc,
}

/// What a number of an array is.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Dtype {
    /// 32-bit float.
    F32,
    /// 16-bit float, rounded to the nearest.
    F16,
    /// Samples of 8 bits as they are.
    U8,
}

/// Mean and standard deviation of each channel, of samples scaled to 0–1: three of each for RGB, one for
/// grey.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Means.
    pub mean: Vec<f64>,
    /// Standard deviations, above 0.
    pub std: Vec<f64>,
}

impl Moments {
    /// Those of samples that are only scaled.
    pub fn unit() -> Self {
        Self { mean: vec![0.0; 3], std: vec![1.0; 3] }
    }

    /// ImageNet's.
    pub fn imagenet() -> Self {
        let numbers::Numbers { mean, std, .. } = numbers::Numbers::IMAGENET;
        Self { mean: mean.to_vec(), std: std.to_vec() }
    }

    /// Holds them against the number of channels, and refuses deviations by which nothing can be
    /// divided. `fields` name them in messages.
    ///
    /// # Errors
    /// [`Error::Params`].
    pub fn check(&self, channels: usize, fields: (&str, &str)) -> Result<()> {
        for (field, values) in [(fields.0, &self.mean), (fields.1, &self.std)] {
            if values.len() != channels {
                let message = format!(
                    "it has {} numbers, and images have {channels}: one for each channel",
                    values.len()
                );
                return Err(Error::params(field, message));
            }
        }
        if let Some(std) = self.std.iter().find(|std| !(std.is_finite() && **std > 0.0)) {
            let message = format!("{std} is no deviation to divide by: the channel is constant");
            return Err(Error::params(fields.1, message));
        }
        Ok(())
    }
}

/// Refuses a step that reads images behind one that writes arrays, (name, params) of a chain oldest first.
///
/// # Errors
/// [`Error::Params`] naming `format`.
pub fn no_arrays_before(earlier: &[(&str, &serde_json::Value)]) -> Result<()> {
    let Some((name, params)) = earlier.last() else { return Ok(()) };
    match params.get("format").and_then(serde_json::Value::as_str) {
        Some(format @ ("npy" | "safetensors")) => {
            let message = format!(
                "`{name}` before it writes {format}, and this step reads images: let the last step write arrays"
            );
            Err(Error::params("format", message))
        }
        _ => Ok(()),
    }
}

/// How images are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Writing {
    /// File format.
    pub output: Output,
    /// How samples become numbers.
    pub numbers: Numbers,
    /// Order of the numbers.
    pub layout: Layout,
    /// What a number is; `None` is `u8` for samples as they are and `f32` for what was scaled.
    pub dtype: Option<Dtype>,
    /// Quality of JPEG on libjpeg's scale.
    pub quality: u8,
    /// How JPEG stores chroma.
    pub subsampling: ChromaSubsampling,
}

impl Writing {
    /// Checks params against each other; fields are named `format`, `numbers`, `dtype`.
    ///
    /// # Errors
    /// [`Error::Params`].
    pub fn check(&self) -> Result<()> {
        let is_array = matches!(self.output, Output::Npy | Output::Safetensors);
        let scaled = self.numbers != Numbers::None;
        if scaled && !is_array {
            let message =
                "pictures hold no numbers below 0 or between integers: take npy or safetensors";
            return Err(Error::params("format", message));
        }
        match self.dtype {
            Some(_) if !is_array => {
                Err(Error::params("dtype", "only arrays (npy, safetensors) have one"))
            }
            Some(Dtype::U8) if scaled => {
                Err(Error::params("dtype", "scaled numbers are no integers: take f32 or f16"))
            }
            Some(Dtype::F32 | Dtype::F16) if !scaled => {
                let message = "`numbers: none` keeps samples as integers: say how they are scaled";
                Err(Error::params("dtype", message))
            }
            _ => Ok(()),
        }
    }

    /// Refuses halves for numbers that are too large for them.
    fn holds(&self, moments: &Moments) -> Result<()> {
        let largest = |(mean, std): (&f64, &f64)| mean.abs().max((1.0 - mean).abs()) / std;
        let is_scaled = self.dtype == Some(Dtype::F16) && self.numbers != Numbers::None;
        match moments.mean.iter().zip(&moments.std).map(largest).fold(0.0, f64::max) {
            most if is_scaled && most > f64::from(half::f16::MAX) => {
                let message = format!("numbers up to {most:.0} are infinite in f16: take f32");
                Err(Error::params("dtype", message))
            }
            _ => Ok(()),
        }
    }

    /// Writes an image; `moments` are those of its channels, and are not looked at where samples stay as
    /// they are.
    ///
    /// # Errors
    /// [`Error::Params`] for a deviation that is not above 0; [`Error::Unsupported`] for an array of
    /// 16-bit samples as they are; [`Error::Bug`] for an image that the format cannot hold.
    pub fn write(&self, image: &Image, moments: &Moments) -> Result<Encoded> {
        self.holds(moments)?;
        let (ending, media_type) = match self.output {
            Output::Png => return encode(image, Format::Png, self.quality, self.subsampling),
            Output::Jpeg => return encode(image, Format::Jpeg, self.quality, self.subsampling),
            Output::Npy => ("npy", "application/x-npy"),
            Output::Safetensors => ("safetensors", "application/x-safetensors"),
        };
        let array = self.array(image, moments)?;
        let numbers = match &array.data {
            numbers::Data::F32(numbers) => Flat::F32(numbers),
            numbers::Data::F16(numbers) => Flat::F16(numbers),
            numbers::Data::U8(numbers) => Flat::U8(numbers),
        };
        let bytes = match self.output {
            Output::Safetensors => {
                let layout = if self.layout == Layout::Chw { "chw" } else { "hwc" };
                let about = BTreeMap::from([("layout".to_string(), layout.to_string())]);
                safetensors::encode(&array.shape, numbers, &about)?
            }
            _ => npy::encode(&array.shape, numbers)?,
        };
        Ok((bytes, ending, media_type))
    }

    fn array(&self, image: &Image, moments: &Moments) -> Result<numbers::Array> {
        let kind = match (self.dtype, self.numbers) {
            (Some(Dtype::U8), _) | (None, Numbers::None) => numbers::Kind::U8,
            (Some(Dtype::F16), _) => numbers::Kind::F16,
            _ => numbers::Kind::F32,
        };
        // A grey image takes the first.
        let of = |values: &[f64], none: f64| {
            [0, 1, 2].map(|c| values.get(c).or(values.first()).copied().unwrap_or(none))
        };
        let layout = match self.layout {
            Layout::Chw => numbers::Layout::Chw,
            Layout::Hwc => numbers::Layout::Hwc,
        };
        let (mean, std) = (of(&moments.mean, 0.0), of(&moments.std, 1.0));
        numbers::Numbers { mean, std, layout, kind }.of(image)
    }
}

impl Default for Writing {
    /// PNG.
    fn default() -> Self {
        Self {
            output: Output::Png,
            numbers: Numbers::None,
            layout: Layout::Chw,
            dtype: None,
            quality: 90,
            subsampling: ChromaSubsampling::S420,
        }
    }
}
