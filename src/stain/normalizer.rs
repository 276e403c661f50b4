//! One door to all that changes pixels.

use super::profile::Profile;
use crate::error::{Error, Result};

/// How a value becomes a byte.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Cast {
    /// Towards zero: part of the definition of torchstain and StainTools.
    #[default]
    Truncate,
    /// To the nearest.
    Round,
}

/// How pixels are changed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ApplyOptions {
    /// How a value becomes a byte.
    pub cast: Cast,
    /// Take negative amounts of a stain for none (Macenko, Ruifrok). The map is then no longer linear in
    /// the density, and the product of tables does not hold.
    pub clip_negative: bool,
    /// Pixels that are not tissue (density of at least this in every channel) are kept, byte for byte.
    pub keep_background: Option<f64>,
}

/// Changes pixels from the stains of one profile to those of another.
pub struct Normalizer {}

impl Normalizer {
    /// # Errors
    /// [`Error::Params`] when the two are of different methods' kinds, or one is unusable.
    pub fn new(source: &Profile, target: &Profile, options: &ApplyOptions) -> Result<Self> {
        let _ = (source, target, options);
        Err(Error::params("method", "being written"))
    }

    /// Normalises pixels (R, G, B interleaved) into `out`.
    ///
    /// # Errors
    /// [`Error::Bug`] when the two are not of one length, or not of whole pixels.
    pub fn apply(&self, rgb: &[u8], out: &mut [u8]) -> Result<()> {
        let _ = (rgb, out);
        Ok(())
    }
}
