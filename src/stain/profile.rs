//! Stain profiles: what a fit found, readable by a person, accepted as a param.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OdScale;
use crate::error::{Error, Result};

/// Version of the profile's own shape: its field `profile`.
pub(super) const PROFILE_VERSION: u32 = 1;

/// Maximum concentrations that a pixel can be divided by.
pub(super) const MAXIMUM_CONCENTRATIONS: std::ops::RangeInclusive<f64> = 1e-3..=1000.0;

/// How stains are estimated and separated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Macenko 2009: extreme angles in the plane of the two largest components; as torchstain defines it.
    #[default]
    Macenko,
    /// Vahadane 2016: sparse non-negative factorisation, concentrations by a two-stain lasso.
    Vahadane,
    /// Reinhard 2001: mean and standard deviation in CIELAB.
    Reinhard,
    /// Roy 2021: Reinhard with the contrast of the lightness bounded and colours only moved.
    ReinhardModified,
    /// Ruifrok and Johnston 2001: fixed stain vectors.
    Ruifrok,
}

/// Over which pixels the maximum concentration is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// Every pixel, background too: torchstain's definition.
    #[default]
    All,
    /// Tissue only: does not move with the share of background.
    Tissue,
}

/// A stain profile.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Version of this shape: 1.
    pub profile: u32,
    /// How it was estimated.
    pub method: Method,
    /// Version of the method's definition: it moves when the numbers do.
    pub version: String,
    /// Stain vectors and concentrations; null for the Reinhard methods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stains: Option<Stains>,
    /// Moments in CIELAB; null for the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lab: Option<Moments>,
    /// Images it was fitted on.
    pub images: u64,
    /// Pixels that were looked at.
    pub pixels: u64,
    /// Those that are tissue.
    pub tissue_px: u64,
    /// Angle between the two stain vectors in degrees; null for the Reinhard methods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angle_deg: Option<f64>,
    /// Digest of the pixels (of the counted colours) that it was fitted on; null for one that was given,
    /// and for a fast fit of one image, which counts none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fitted_on: Option<String>,
}

/// Two stains.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stains {
    /// How samples become densities.
    pub scale: OdScale,
    /// Stain vectors: rows hematoxylin and eosin (or DAB), columns red, green, blue.
    pub matrix: [[f64; 3]; 2],
    /// 99th percentile of each stain's concentration.
    pub max_concentrations: [f64; 2],
    /// Over which pixels.
    pub over: Over,
    /// Weight of the sparsity in the two-stain lasso that gives concentrations; null where they are a
    /// least-squares solution and may be negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lambda: Option<f64>,
}

/// Mean and standard deviation (over N) of L*, a*, b*.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moments {
    /// Means.
    pub mean: [f64; 3],
    /// Standard deviations.
    pub std: [f64; 3],
}

impl Stains {
    /// Angle between the stain vectors in degrees, 0–180.
    pub fn angle_deg(&self) -> f64 {
        angle_deg(&self.matrix[0], &self.matrix[1])
    }
}

/// Angle between two vectors in degrees, 0–180; NaN where one has no length.
pub fn angle_deg(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    let dot = |a: &[f64; 3], b: &[f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    let sine = dot(&cross, &cross).sqrt();
    if dot(a, a) == 0.0 || dot(b, b) == 0.0 {
        return f64::NAN;
    }
    libm::atan2(sine, dot(a, b)).to_degrees()
}

impl Profile {
    /// What it is made of must be usable: finite, of a length, apart, and of the parts that its method
    /// needs. For profiles that come from a file.
    ///
    /// # Errors
    /// [`Error::Params`] with the field.
    pub fn check(&self) -> Result<()> {
        let wrong = |field: &str, message: String| Err(Error::params(field, message));
        if self.profile != PROFILE_VERSION {
            return wrong("profile", format!("{} where {PROFILE_VERSION} is known", self.profile));
        }
        match self.method {
            Method::Reinhard | Method::ReinhardModified => {
                let Some(lab) = &self.lab else {
                    return wrong("lab", "missing: the Reinhard methods need it".into());
                };
                let finite =
                    lab.mean.iter().chain(&lab.std).all(|v| v.is_finite() && v.abs() <= 1000.0);
                if !finite || lab.std.iter().any(|v| *v < 0.0) {
                    return wrong(
                        "lab",
                        "means and deviations are not finite, or out of CIELAB".into(),
                    );
                }
            }
            Method::Macenko | Method::Vahadane | Method::Ruifrok => {
                let Some(stains) = &self.stains else {
                    return wrong("stains", "missing: the method needs them".into());
                };
                stains.check()?;
            }
        }
        Ok(())
    }
}

impl Stains {
    fn check(&self) -> Result<()> {
        let wrong = |field: &str, message: &str| Err(Error::params(field, message));
        let scale = &self.scale;
        if !scale.io.iter().all(|io| (1.0..=512.0).contains(io)) {
            return wrong("stains.scale.io", "not within 1 to 512");
        }
        if !(0.0..=1.0).contains(&scale.offset)
            || !scale.floor.is_none_or(|floor| (-1.0..=1.0).contains(&floor))
        {
            return wrong(
                "stains.scale",
                "`offset` is not within 0 to 1, or `floor` not within -1 to 1",
            );
        }
        if !self.matrix.iter().flatten().all(|v| v.is_finite() && v.abs() <= 10.0) {
            return wrong("stains.matrix", "not finite, or larger than 10");
        }
        let length = |v: &[f64; 3]| (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt();
        if self.matrix.iter().any(|v| length(v) < 0.1) {
            return wrong("stains.matrix", "a stain vector has no length");
        }
        // A stain takes light away. A fit may leave one channel a little below zero, and no more.
        if self.matrix.iter().any(|v| v.iter().any(|part| *part < -0.5 * length(v)))
            || self.matrix.iter().any(|v| v[0] + v[1] + v[2] <= 0.0)
        {
            return wrong("stains.matrix", "a stain vector is negative: stains take light away");
        }
        if !(1.0..=179.0).contains(&self.angle_deg()) {
            return wrong(
                "stains.matrix",
                "the two stain vectors lie within one degree of one line",
            );
        }
        if !self.max_concentrations.iter().all(|c| MAXIMUM_CONCENTRATIONS.contains(c)) {
            return wrong("stains.max_concentrations", "not within 0.001 to 1000");
        }
        if !self.lambda.is_none_or(|lambda| (0.0..=1.0).contains(&lambda)) {
            return wrong("stains.lambda", "not within 0 to 1");
        }
        Ok(())
    }
}
