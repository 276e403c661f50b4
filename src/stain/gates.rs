//! Gates: what a fit must pass before anything is normalised with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a fit must pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gates {
    /// Least number of tissue pixels.
    pub min_tissue_px: u64,
    /// Least share of tissue among the pixels that were looked at, 0–1.
    pub min_tissue_fraction: f64,
    /// Least and largest angle between the stain vectors, in degrees.
    pub stain_angle_deg: (f64, f64),
    /// Largest ratio of the singular values of the matrix of unit stain vectors.
    pub max_condition: f64,
    /// Largest angle of each stain vector to the reference's ([`super::macenko::REFERENCE`]), in degrees.
    pub max_reference_angle_deg: f64,
}

/// How a fit fared at the gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// All passed.
    Ok,
    /// Too few tissue pixels, or too small a share.
    TooFewTissue,
    /// The tissue has one colour, or colours on one line: there are no two stains to tell apart.
    OneColour,
    /// The angle between the stains is out of range.
    StainAngle,
    /// The stains can hardly be told apart: a small change of a pixel is a large one of its stains.
    Conditioning,
    /// A stain is far from any hematoxylin or eosin.
    ReferenceAngle,
    /// A maximum concentration is zero, negative or no number.
    Concentration,
}
