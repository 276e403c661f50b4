//! The params of `fit-stain`, and its page for users.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::stain::several::Several;
use crate::stain::{FitOptions, Gates, Method, Over, Profile, WhitePoint};

/// For what a profile is estimated.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// For each image alone. Of a patch this is a poor estimate: single patches are 13° off their slide
    /// at the median.
    Image,
    /// For each slide, from pixels spread over all of its patches.
    Slide,
    /// For all slides together; the pixels of each are counted once and add up.
    Cohort,
}

/// Where the white point comes from.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum White {
    /// From `io`, the same for all channels.
    Fixed,
    /// Estimated from the brightest pixels of what is fitted, channel by channel.
    Estimated,
}

/// Estimates stain profiles: per image, per slide or for a whole cohort.
///
/// # What it does
/// Looks at the patches of each slide (items with one `tile.source_id`, else one `group`, else each
/// image is a slide of its own), counts the colours of tissue pixels spread evenly over all of them,
/// and fits the stains of the slide. Items stay as they are; each gets the profile of its slide as
/// facts, and as JSON in `fit-stain.profile`, where `stain-normalize` reads it. For people, each slide
/// comes with `profile.json` and `od-plane.svg`, on which the stain vectors are drawn among the
/// slide's pixels. A `profile.json` is accepted wherever a profile or target is a param.
///
/// A slide whose fit does not pass the gates has no profile, and `fit-stain.status` says why: nothing
/// is normalised with vectors that are not hematoxylin and eosin. With `cohort_fallback`, its items get
/// the profile of the cohort in `fit-stain.cohort`.
///
/// # Formula
/// *Pixels.* Density is `od = −ln((sample + 1) / io)` (torchstain; Vahadane and Ruifrok:
/// `max(−ln(sample / 255), 1e-6)`, StainTools). Tissue has `od ≥ beta` in every channel. Of a
/// slide, every tissue pixel is sampled with the same chance, one in 2^k, where k is the largest with
/// which at least `sample_px` pixels remain (all, where there are fewer): a pixel's rank among those of
/// its patch and the patch's digest say for which k it is kept. Patches with little tissue do not speak
/// louder than others.
///
/// *Macenko* (2009, doi:10.1109/ISBI.2009.5193250): the plane of the two largest components of the
/// densities' covariance; stains at the `alpha` and `100 − alpha` percentiles of the angle in it;
/// hematoxylin is the one with more red density. *Vahadane* (2016, doi:10.1109/TMI.2016.2529665):
/// minimises `mean(½‖od − c·S‖² + lambda·Σc)` with `c, S ≥ 0`, rows of S in the unit ball, from a fixed
/// start until it has converged. *Ruifrok* (2001): fixed vectors. *Reinhard* (2001,
/// doi:10.1109/38.946629) and *Roy*'s modification (2021): means and deviations in CIELAB (D65).
/// Maximum concentrations are the `max_percentile`th percentile of each stain, over tissue.
///
/// # Determinism
/// A fit is a function of the multiset of sampled colours, which are counted in integers: the same bits
/// for any order of patches, threads and shards. A cohort is the sum of its slides' samples, so that large
/// slides do not speak louder than small ones.
///
/// # Cost
/// Every patch is decoded once. Memory is that of the patches at work, and 16 bytes for each colour of
/// the sample: some tens of megabytes for each slide at work.
///
/// # Examples
/// ```sh
/// microtome fit-stain tiled -o fitted
/// microtome fit-stain tiled -o fitted --method vahadane --target reference.png
/// microtome fit-stain tiled -o cohort --per cohort
/// ```
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Params {
    /// For what a profile is estimated.
    pub per: Per,
    /// How stains are estimated.
    pub method: Method,
    /// What `stain-normalize` is to aim at: a profile, or one or more images that are fitted as the
    /// other params say; the method's own reference if not given.
    #[schemars(extend("x-file" = "profile"))]
    pub target: Option<Profile>,
    /// How several target images make one profile (Ivanov 2024).
    pub several: Several,
    /// Tissue pixels to be sampled of a slide, at least; at most about twice as many.
    #[garde(range(min = 100_000, max = 1_000_000_000))]
    pub sample_px: u64,
    /// Where the white point comes from (Macenko only: the others have 255).
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
    /// Over which pixels they are taken; all of them only with `per: image`.
    pub max_over: Over,
    /// Weight of sparsity in Vahadane's factorisation.
    #[garde(range(min = 0.0, max = 1.0))]
    pub lambda: f64,
    /// Weight of sparsity in the lasso that gives Vahadane's concentrations.
    #[garde(range(min = 0.0, max = 1.0))]
    pub concentration_lambda: f64,
    /// Whether items whose own fit failed a gate get the profile of the cohort. Not with `--shard`.
    pub cohort_fallback: bool,
    /// Gate: least number of tissue pixels.
    #[garde(range(min = 3, max = 1_000_000_000))]
    pub min_tissue_px: u64,
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
            per: Per::Slide,
            method: Method::Macenko,
            target: None,
            several: Several::AvgPost,
            sample_px: 1_000_000,
            white_point: White::Fixed,
            io: 240.0,
            beta: options.beta,
            alpha: options.alpha,
            max_percentile: options.max_percentile,
            max_over: Over::Tissue,
            lambda: options.lambda,
            concentration_lambda: options.concentration_lambda,
            cohort_fallback: false,
            min_tissue_px: gates.min_tissue_px,
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
                min_tissue_fraction: 0.0,
                stain_angle_deg: (self.min_angle_deg, self.max_angle_deg),
                max_condition: self.max_condition,
                max_reference_angle_deg: self.max_reference_angle_deg,
            },
        }
    }

    /// Checks params against each other.
    ///
    /// # Errors
    /// [`Error::Params`] naming the field.
    pub fn check(&self) -> Result<()> {
        if self.max_over == Over::All && self.per != Per::Image {
            let message = "`all` needs `per: image`: of a slide or cohort, only tissue is counted";
            return Err(Error::params("max_over", message));
        }
        if self.white_point == White::Estimated && self.method != Method::Macenko {
            let message = "only `method: macenko` estimates it; the others' is 255 by definition";
            return Err(Error::params("white_point", message));
        }
        if self.min_angle_deg > self.max_angle_deg {
            return Err(Error::params("min_angle_deg", "it is more than max_angle_deg"));
        }
        if self.cohort_fallback && self.per == Per::Cohort {
            let message = "`per: cohort` gives every item the profile of the cohort already";
            return Err(Error::params("cohort_fallback", message));
        }
        match &self.target {
            None => Ok(()),
            Some(target) => target.check().and_then(|()| {
                if target.method == self.method {
                    return Ok(());
                }
                let message = "the profile was fitted by another method than `method`";
                Err(Error::params("target", message))
            }),
        }
    }
}
