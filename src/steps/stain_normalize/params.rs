//! The params of `stain-normalize`, and its page for users.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::stain::several::Several;
use crate::stain::{ApplyOptions, Cast, FitOptions, Gates, Method, Over, Profile, WhitePoint};
use crate::steps::encode::{ChromaSubsampling, Format};
use crate::steps::fit_stain::White;

/// Where the profile of an image comes from.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum SourceKind {
    /// From `fit-stain`: that of its slide (or of its cohort, with `fit-stain --per cohort`).
    Slide,
    /// Fitted on the image itself.
    Image,
    /// The same for all images: `source_profile`, or the method's own reference.
    Fixed,
}

/// What stands in for a profile that could not be had.
#[derive(
    Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord,
)]
#[serde(rename_all = "kebab-case")]
pub enum OnDegenerate {
    /// The profile of its slide from `fit-stain`, else that of the cohort, else the reference.
    Slide,
    /// The profile of the cohort from `fit-stain`, else the reference.
    Cohort,
    /// The method's own reference; with the Reinhard methods, which have none, as `pass`.
    Reference,
    /// The pixels stay as they are.
    Pass,
    /// The image fails, and is listed.
    Fail,
}

/// Which concentration images are written besides.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Concentrations {
    /// None.
    None,
    /// Hematoxylin and eosin.
    Two,
    /// These and the third component: what lies across both (DAB with `method: ruifrok`).
    Three,
}

/// Brings images to the stains of a target: same tissue, same colours, whatever laboratory stained it.
///
/// # What it does
/// Separates each pixel's optical density into the amounts of two stains (or takes its CIELAB colour,
/// with the Reinhard methods), scales them as the source profile and the target profile say, and puts
/// the colour together again with the target's stains. The source profile is that of the image's slide
/// by default (run `fit-stain` first): of single patches, estimates are 13° off at the median, and a
/// blank patch has none. The target is `target`, else the one that `fit-stain` was given, else the
/// method's own reference.
///
/// *Nothing breaks on blank patches.* A fit must pass its gates: enough tissue, two stains that can be
/// told apart, at angles that hematoxylin and eosin can have. If it does not, `on_degenerate` says
/// what stands in, and the facts `source`, `status` say what did and why. No pixel is ever NaN.
///
/// # Formula
/// Stains: `out = io_t·exp(−Mᵀ·od)`, with `M = S⁺·diag(max_t / max_s)·S_t`: od of the source's scale (see
/// `fit-stain`), S⁺ the pseudo-inverse of the source's stain vectors, S_t the target's. As the densities
/// are functions of single samples, each output channel is a product of three tables of 256 factors:
/// no logarithm and no exponential per pixel. With Vahadane, and with `clip_negative`, amounts are not
/// negative (a lasso of two stains in closed form) and the product does not hold; that path computes
/// three exponentials per pixel. Results are clipped to 255 and truncated (`cast: truncate`, as in
/// torchstain and StainTools) or rounded.
///
/// Reinhard: `out = (x − mean_s)·std_t/std_s + mean_t` per channel of CIELAB (D65); a std_s of 0 changes
/// only the mean. Modified: `L' = mean_s + (L − mean_s)(1 + q)`, `q = (std_t − std_s)/std_t`, 0.05 where
/// that is not positive; a and b are moved to the target's mean.
///
/// With `keep_background`, pixels with a density below `beta` in any channel are copied, byte for byte.
/// With `brightness`, samples are first scaled so that the `brightness_percentile` of each image is 255.
/// Concentration images are 16-bit PNG: amount · 4096, negative ones 0.
///
/// # Determinism
/// Tables are computed in double precision by a portable mathematical library and multiplied in single
/// precision in a fixed order: the same bytes on every machine.
///
/// # Cost
/// One pass over the pixels; with `source: image` the fit before it. Each image at work (one a thread)
/// takes 6 bytes per pixel, 6 more for concentrations, and up to 40 where it is fitted by another method
/// than Macenko, whose colours are counted: large images want fewer threads.
///
/// # Examples
/// ```sh
/// microtome stain-normalize fitted -o normalized
/// microtome stain-normalize patches/ -o normalized --source image --target reference.png
/// microtome stain-normalize patches/ -o normalized --source image --on-degenerate pass --keep-background
/// ```
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Params {
    /// How stains are separated and brought to the target.
    pub method: Method,
    /// Where the profile of an image comes from.
    pub source: SourceKind,
    /// The profile of all images, with `source: fixed`: a profile, or one or more images to fit.
    #[schemars(extend("x-file" = "profile"))]
    pub source_profile: Option<Profile>,
    /// What to aim at: a profile, or one or more images that are fitted as the other params say.
    #[schemars(extend("x-file" = "profile"))]
    pub target: Option<Profile>,
    /// How several images make one profile (Ivanov 2024).
    pub several: Several,
    /// What stands in for a profile that could not be had.
    pub on_degenerate: OnDegenerate,
    /// Whether pixels that are not tissue are kept, byte for byte (in PNG).
    pub keep_background: bool,
    /// How a value becomes a byte.
    pub cast: Cast,
    /// Whether negative amounts of a stain count as none. Vahadane's never are negative.
    pub clip_negative: bool,
    /// Whether brightness is standardised before anything else.
    pub brightness: bool,
    /// Percentile of an image's samples that becomes 255, with `brightness`.
    #[garde(range(min = 50.0, max = 100.0))]
    pub brightness_percentile: f64,
    /// Which concentration images are written besides, as items of their own.
    pub concentrations: Concentrations,
    /// File format of the normalized images.
    pub format: Format,
    /// Quality of JPEG on libjpeg's scale.
    #[garde(range(min = 1, max = 100))]
    pub quality: u8,
    /// How JPEG stores chroma: 420, 422 or 444.
    pub subsampling: ChromaSubsampling,
    /// Where the white point comes from when something is fitted (Macenko only).
    pub white_point: White,
    /// White point: the light that passes where there is nothing, with `white_point: fixed`.
    #[garde(range(min = 100.0, max = 512.0))]
    pub io: f64,
    /// Least density of tissue, in every channel.
    #[garde(range(min = 0.0, max = 2.0))]
    pub beta: f64,
    /// Percentile of the extreme angles, and 100 less it.
    #[garde(range(min = 0.0, max = 49.0))]
    pub alpha: f64,
    /// Percentile of the maximum concentrations.
    #[garde(range(min = 50.0, max = 100.0))]
    pub max_percentile: f64,
    /// Over which pixels maximum concentrations (and Reinhard's moments) are taken.
    pub max_over: Over,
    /// Weight of sparsity in Vahadane's factorisation.
    #[garde(range(min = 0.0, max = 1.0))]
    pub lambda: f64,
    /// Weight of sparsity in the lasso that gives Vahadane's concentrations.
    #[garde(range(min = 0.0, max = 1.0))]
    pub concentration_lambda: f64,
    /// Gate: least number of tissue pixels of an image that is fitted.
    #[garde(range(min = 3, max = 1_000_000_000))]
    pub min_tissue_px: u64,
    /// Gate: least share of tissue in an image that is fitted, 0–1.
    #[garde(range(min = 0.0, max = 1.0))]
    pub min_tissue_fraction: f64,
    /// Gate: least angle between the stains, in degrees.
    #[garde(range(min = 1.0, max = 90.0))]
    pub min_angle_deg: f64,
    /// Gate: largest angle between the stains, in degrees.
    #[garde(range(min = 1.0, max = 179.0))]
    pub max_angle_deg: f64,
    /// Gate: largest condition number of the two unit stain vectors.
    #[garde(range(min = 1.0, max = 1000.0))]
    pub max_condition: f64,
    /// Gate: largest angle of each stain to the reference, in degrees.
    #[garde(range(min = 1.0, max = 180.0))]
    pub max_reference_angle_deg: f64,
}

impl Default for Params {
    fn default() -> Self {
        let options = FitOptions::default();
        let gates = options.gates;
        Self {
            method: Method::Macenko,
            source: SourceKind::Slide,
            source_profile: None,
            target: None,
            several: Several::AvgPost,
            on_degenerate: OnDegenerate::Slide,
            keep_background: false,
            cast: Cast::Truncate,
            clip_negative: false,
            brightness: false,
            brightness_percentile: 90.0,
            concentrations: Concentrations::None,
            format: Format::Png,
            quality: 90,
            subsampling: ChromaSubsampling::S420,
            white_point: White::Fixed,
            io: 240.0,
            beta: options.beta,
            alpha: options.alpha,
            max_percentile: options.max_percentile,
            max_over: options.over,
            lambda: options.lambda,
            concentration_lambda: options.concentration_lambda,
            min_tissue_px: gates.min_tissue_px,
            min_tissue_fraction: gates.min_tissue_fraction,
            min_angle_deg: gates.stain_angle_deg.0,
            max_angle_deg: gates.stain_angle_deg.1,
            max_condition: gates.max_condition,
            max_reference_angle_deg: gates.max_reference_angle_deg,
        }
    }
}

impl Params {
    /// What a fit is asked for.
    pub fn options(&self) -> FitOptions {
        FitOptions {
            method: self.method,
            white: match self.white_point {
                White::Fixed => WhitePoint::Given([self.io; 3]),
                White::Estimated => WhitePoint::Estimated,
            },
            beta: self.beta,
            alpha: self.alpha,
            max_percentile: self.max_percentile,
            over: self.max_over,
            lambda: self.lambda,
            concentration_lambda: self.concentration_lambda,
            gates: Gates {
                min_tissue_px: self.min_tissue_px,
                min_tissue_fraction: self.min_tissue_fraction,
                stain_angle_deg: (self.min_angle_deg, self.max_angle_deg),
                max_condition: self.max_condition,
                max_reference_angle_deg: self.max_reference_angle_deg,
            },
        }
    }

    /// How pixels are changed.
    pub fn apply_options(&self) -> ApplyOptions {
        ApplyOptions {
            cast: self.cast,
            clip_negative: self.clip_negative,
            keep_background: self.keep_background.then_some(self.beta),
        }
    }

    /// Checks params against each other.
    ///
    /// # Errors
    /// [`Error::Params`] naming the field.
    pub fn check(&self) -> Result<()> {
        if self.white_point == White::Estimated && self.method != Method::Macenko {
            let message = "only `method: macenko` estimates it; the others' is 255 by definition";
            return Err(Error::params("white_point", message));
        }
        if self.min_angle_deg > self.max_angle_deg {
            return Err(Error::params("min_angle_deg", "it is more than max_angle_deg"));
        }
        if self.source_profile.is_some() && self.source != SourceKind::Fixed {
            return Err(Error::params("source_profile", "only `source: fixed` has one"));
        }
        let is_reinhard = matches!(self.method, Method::Reinhard | Method::ReinhardModified);
        if is_reinhard && self.source == SourceKind::Fixed && self.source_profile.is_none() {
            let message = "missing: the Reinhard methods have no reference of their own";
            return Err(Error::params("source_profile", message));
        }
        if is_reinhard && self.target.is_none() && self.source != SourceKind::Slide {
            let message = "missing: the Reinhard methods have no reference of their own";
            return Err(Error::params("target", message));
        }
        if is_reinhard && self.concentrations != Concentrations::None {
            let message = "the Reinhard methods separate no stains";
            return Err(Error::params("concentrations", message));
        }
        for (field, profile) in [("target", &self.target), ("source_profile", &self.source_profile)]
        {
            let Some(profile) = profile else { continue };
            profile.check()?;
            if profile.method != self.method {
                let message = "the profile was fitted by another method than `method`";
                return Err(Error::params(field, message));
            }
        }
        Ok(())
    }
}
