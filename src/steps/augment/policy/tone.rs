//! Ops that change tones and colours, pixel by pixel.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::range::ordered;

/// `out = (1 + contrast)·in + 255·brightness`, rounded and clipped: one table. As Albumentations'
/// `RandomBrightnessContrast` with `brightness_by_max`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct BrightnessContrast {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// What is added, as a share of white.
    #[garde(custom(ordered), inner(range(min = -1.0, max = 1.0)))]
    pub brightness: [f64; 2],
    /// Factor less 1.
    #[garde(custom(ordered), inner(range(min = -1.0, max = 10.0)))]
    pub contrast: [f64; 2],
}

impl Default for BrightnessContrast {
    fn default() -> Self {
        Self { p: 1.0, brightness: [-0.2, 0.2], contrast: [-0.2, 0.2] }
    }
}

/// Brightness (a factor), contrast (about the mean of the grey image), saturation (about each pixel's grey)
/// and hue, in this order, as torchvision defines each; grey images take the first two. Albumentations'
/// `ColorJitter` and torchvision's draw the order too.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ColorJitter {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Factor of all samples.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 10.0)))]
    pub brightness: [f64; 2],
    /// Factor of the distance to the mean grey.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 10.0)))]
    pub contrast: [f64; 2],
    /// Factor of the distance to the pixel's grey.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 10.0)))]
    pub saturation: [f64; 2],
    /// What is added to the hue, in turns.
    #[garde(custom(ordered), inner(range(min = -0.5, max = 0.5)))]
    pub hue: [f64; 2],
}

impl Default for ColorJitter {
    fn default() -> Self {
        Self {
            p: 1.0,
            brightness: [0.8, 1.2],
            contrast: [0.8, 1.2],
            saturation: [0.8, 1.2],
            hue: [-0.05, 0.05],
        }
    }
}

/// `out = 255·(in/255)^gamma`: one table. Albumentations' `RandomGamma` has it in percent.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Gamma {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// The exponent; below 1 is brighter.
    #[garde(custom(ordered), inner(range(min = 0.05, max = 20.0)))]
    pub gamma: [f64; 2],
}

impl Default for Gamma {
    fn default() -> Self {
        Self { p: 1.0, gamma: [0.8, 1.2] }
    }
}

/// Grey in all channels: `0.299 R + 0.587 G + 0.114 B`. A grey image stays as it is. As Albumentations'
/// `ToGray` with `weighted_average`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ToGrey {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
}

impl Default for ToGrey {
    fn default() -> Self {
        Self { p: 1.0 }
    }
}

/// Channels change places. A grey image stays as it is. As Albumentations' `ChannelShuffle`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ChannelShuffle {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Which channel each channel of the result is: 0, 1 and 2 in any order. Null: drawn.
    pub order: Option<[u8; 3]>,
}

impl Default for ChannelShuffle {
    fn default() -> Self {
        Self { p: 1.0, order: None }
    }
}

/// Contrast-limited adaptive histogram equalisation (Zuiderveld 1994), on the lightness of CIELAB for
/// colours; OpenCV's definition, as Albumentations' `CLAHE`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Clahe {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Limit of a histogram bin, over that of an even histogram.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1000.0)))]
    pub clip_limit: [f64; 2],
    /// Tiles along x.
    #[garde(range(min = 1, max = 256))]
    pub tiles_x: u32,
    /// Tiles along y.
    #[garde(range(min = 1, max = 256))]
    pub tiles_y: u32,
}

impl Default for Clahe {
    fn default() -> Self {
        Self { p: 1.0, clip_limit: [1.0, 4.0], tiles_x: 8, tiles_y: 8 }
    }
}

/// Keeps the highest `bits` of each sample, the rest is 0. As Albumentations' `Posterize`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Posterize {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Bits that are kept.
    #[garde(custom(ordered), inner(range(min = 1, max = 8)))]
    pub bits: [u32; 2],
}

impl Default for Posterize {
    fn default() -> Self {
        Self { p: 1.0, bits: [4, 4] }
    }
}

/// Inverts samples that reach the threshold. As Albumentations' `Solarize`, whose threshold is a share of
/// white.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Solarize {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Least sample that is inverted.
    #[garde(custom(ordered), inner(range(min = 0, max = 255)))]
    pub threshold: [u32; 2],
}

impl Default for Solarize {
    fn default() -> Self {
        Self { p: 1.0, threshold: [128, 128] }
    }
}

/// Equalises the histogram of each channel. As Albumentations' `Equalize` with `mode: cv` and
/// `by_channels`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Equalize {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
}

impl Default for Equalize {
    fn default() -> Self {
        Self { p: 1.0 }
    }
}

/// `out = 255 − in`. As Albumentations' `InvertImg`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Invert {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
}

impl Default for Invert {
    fn default() -> Self {
        Self { p: 1.0 }
    }
}

/// `out = (1 − alpha)·in + alpha·filtered`, where the 3 × 3 filter has `8 + lightness` in its middle and −1
/// around. As Albumentations' `Sharpen` with `method: kernel`.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Sharpen {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Share of the sharpened image.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 1.0)))]
    pub alpha: [f64; 2],
    /// What the middle of the filter has beyond 8.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 8.0)))]
    pub lightness: [f64; 2],
}

impl Default for Sharpen {
    fn default() -> Self {
        Self { p: 1.0, alpha: [0.2, 0.5], lightness: [0.5, 1.0] }
    }
}
