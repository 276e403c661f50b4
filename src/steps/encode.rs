//! How patches are written: params that several steps share.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::Result;
use crate::image::jpeg::Subsampling;
use crate::image::{Image, jpeg, png};

/// File format of the patches.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// PNG, without loss.
    Png,
    /// Baseline JPEG.
    Jpeg,
}

/// How JPEG stores chroma.
#[derive(Serialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChromaSubsampling {
    /// Halved in both directions.
    #[serde(rename = "420")]
    S420,
    /// Halved along x.
    #[serde(rename = "422")]
    S422,
    /// Not halved.
    #[serde(rename = "444")]
    S444,
}

/// YAML reads a bare 420 as a number: both spellings mean the same, and both are keyed as the text.
impl<'de> Deserialize<'de> for ChromaSubsampling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let given = serde_json::Value::deserialize(deserializer)?;
        let word = given.as_str().map_or_else(|| given.to_string(), str::to_string);
        match word.as_str() {
            "420" => Ok(Self::S420),
            "422" => Ok(Self::S422),
            "444" => Ok(Self::S444),
            _ => Err(serde::de::Error::custom("it is one of 420, 422, 444")),
        }
    }
}

/// An image as a file: bytes, ending of its name, media type.
pub type Encoded = (Vec<u8>, &'static str, &'static str);

/// Encodes an image; `quality` (1–100, libjpeg's scale) and `subsampling` are JPEG's.
///
/// # Errors
/// [`crate::Error::Bug`] for an image that the format cannot hold.
pub fn encode(
    image: &Image,
    format: Format,
    quality: u8,
    subsampling: ChromaSubsampling,
) -> Result<Encoded> {
    match format {
        Format::Png => Ok((png::encode(image)?, "png", "image/png")),
        Format::Jpeg => {
            let subsampling = match subsampling {
                ChromaSubsampling::S420 => Subsampling::S420,
                ChromaSubsampling::S422 => Subsampling::S422,
                ChromaSubsampling::S444 => Subsampling::S444,
            };
            Ok((jpeg::encode(image, quality, subsampling)?, "jpg", "image/jpeg"))
        }
    }
}
