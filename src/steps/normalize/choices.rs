//! The words that params of `normalize` may be.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::pixels::histogram::Over;

/// Bits per sample.
#[derive(Serialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// 8; deeper samples are rounded.
    #[serde(rename = "8")]
    Eight,
    /// 16; samples of 8 bits are multiplied by 257.
    #[serde(rename = "16")]
    Sixteen,
    /// 16 where the file has 16, else 8.
    #[serde(rename = "keep")]
    Keep,
}

/// YAML reads a bare 8 as a number: both spellings mean the same, and both are keyed as the text.
impl<'de> Deserialize<'de> for Depth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let given = serde_json::Value::deserialize(deserializer)?;
        let word = given.as_str().map_or_else(|| given.to_string(), str::to_string);
        match word.as_str() {
            "8" => Ok(Self::Eight),
            "16" => Ok(Self::Sixteen),
            "keep" => Ok(Self::Keep),
            _ => Err(serde::de::Error::custom("it is one of 8, 16, keep")),
        }
    }
}

/// How the colour of the light is taken out.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum WhiteBalance {
    /// Not at all.
    None,
    /// The means of the channels become equal.
    GreyWorld,
    /// The brightest of each channel becomes white.
    MaxRgb,
    /// Minkowski means of the channels become equal.
    ShadesOfGrey,
}

/// How contrast is changed.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Contrast {
    /// Not at all.
    None,
    /// Equalised tile by tile, with a limit.
    Clahe,
    /// All levels become equally frequent.
    Equalize,
    /// What lies between two percentiles is spread over all levels.
    Stretch,
    /// Levels become as frequent as those of a reference.
    Match,
}

/// What of a colour is changed.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ContrastOver {
    /// Lightness of CIELAB (D65): hue and chroma are kept.
    Lab,
    /// Luma of BT.601: Cr and Cb are kept.
    Luma,
    /// Red, green and blue each by itself: colours change.
    Channels,
}

impl From<ContrastOver> for Over {
    fn from(over: ContrastOver) -> Self {
        match over {
            ContrastOver::Lab => Self::Lab,
            ContrastOver::Luma => Self::Luma,
            ContrastOver::Channels => Self::Channels,
        }
    }
}

/// How images are resized.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// Not at all.
    None,
    /// To `width_px × height_px`, whatever becomes of the proportions.
    Exact,
    /// Until the shorter side is `side_px`.
    Shortest,
    /// Until the longer side is `side_px`.
    Longest,
    /// Into `width_px × height_px`; what is left free is filled.
    Letterbox,
}

/// Whose pixels resizing gives.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Convention {
    /// Antialiased, in fixed point; every filter, 8 and 16 bits.
    Antialias,
    /// Pillow's, to the bit.
    Pillow,
}
