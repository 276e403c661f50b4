//! Ops for slides stained with hematoxylin and eosin. All need colour images.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::range::ordered;

/// Stain augmentation (Tellez 2018): densities are taken apart into hematoxylin, eosin and DAB (Ruifrok
/// 2001), each amount becomes `scale·amount + shift`, and the colour is put together again. Amounts are in
/// natural density over the published vectors and are not clipped; scikit-image's unit is 13.8 of them. Not
/// in Albumentations; its `HEStain` draws matrices instead.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct HedJitter {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Factor of hematoxylin.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 10.0)))]
    pub h_scale: [f64; 2],
    /// Factor of eosin.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 10.0)))]
    pub e_scale: [f64; 2],
    /// Factor of DAB.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 10.0)))]
    pub d_scale: [f64; 2],
    /// What is added to hematoxylin.
    #[garde(custom(ordered), inner(range(min = -5.0, max = 5.0)))]
    pub h_shift: [f64; 2],
    /// What is added to eosin.
    #[garde(custom(ordered), inner(range(min = -5.0, max = 5.0)))]
    pub e_shift: [f64; 2],
    /// What is added to DAB.
    #[garde(custom(ordered), inner(range(min = -5.0, max = 5.0)))]
    pub d_shift: [f64; 2],
}

impl Default for HedJitter {
    fn default() -> Self {
        Self {
            p: 1.0,
            h_scale: [0.95, 1.05],
            e_scale: [0.95, 1.05],
            d_scale: [0.95, 1.05],
            h_shift: [-0.05, 0.05],
            e_shift: [-0.05, 0.05],
            d_shift: [-0.05, 0.05],
        }
    }
}

/// The same with the image's own two stains (Macenko 2009, on tissue pixels), whose amounts become
/// `scale·amount + shift`; what lies across both stays. An image whose fit fails takes the reference
/// vectors. Albumentations' `HEStain` with `method: macenko` is alike.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct ConcentrationJitter {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Whose stain vectors.
    pub stains: StainVectors,
    /// Factor of hematoxylin.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 10.0)))]
    pub h_scale: [f64; 2],
    /// Factor of eosin.
    #[garde(custom(ordered), inner(range(min = 0.0, max = 10.0)))]
    pub e_scale: [f64; 2],
    /// What is added to hematoxylin.
    #[garde(custom(ordered), inner(range(min = -5.0, max = 5.0)))]
    pub h_shift: [f64; 2],
    /// What is added to eosin.
    #[garde(custom(ordered), inner(range(min = -5.0, max = 5.0)))]
    pub e_shift: [f64; 2],
}

impl Default for ConcentrationJitter {
    fn default() -> Self {
        Self {
            p: 1.0,
            stains: StainVectors::Image,
            h_scale: [0.8, 1.2],
            e_scale: [0.8, 1.2],
            h_shift: [-0.1, 0.1],
            e_shift: [-0.1, 0.1],
        }
    }
}

/// Reinhard's normalization towards a target that is drawn (RandStainNA, Shen 2022): mean and standard
/// deviation of L*, a*, b*, each from a normal distribution that stands for a cohort; `std: 0` gives its
/// mean. Drawn deviations below 0.01 count as 0.01. The defaults are moderate H&E; take those of your own
/// cohort. Not in Albumentations.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Randstainna {
    /// Probability that it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// Mean of L*.
    #[garde(dive)]
    pub l_mean: Normal,
    /// Mean of a*.
    #[garde(dive)]
    pub a_mean: Normal,
    /// Mean of b*.
    #[garde(dive)]
    pub b_mean: Normal,
    /// Standard deviation of L*.
    #[garde(dive)]
    pub l_std: Normal,
    /// Standard deviation of a*.
    #[garde(dive)]
    pub a_std: Normal,
    /// Standard deviation of b*.
    #[garde(dive)]
    pub b_std: Normal,
}

impl Default for Randstainna {
    fn default() -> Self {
        Self {
            p: 1.0,
            l_mean: Normal { mean: 65.0, std: 6.0 },
            a_mean: Normal { mean: 24.0, std: 5.0 },
            b_mean: Normal { mean: -16.0, std: 4.0 },
            l_std: Normal { mean: 16.0, std: 2.5 },
            a_std: Normal { mean: 10.0, std: 2.0 },
            b_std: Normal { mean: 8.0, std: 1.5 },
        }
    }
}

/// Whose stain vectors amounts are taken of.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum StainVectors {
    /// The image's own.
    Image,
    /// Macenko's reference.
    Reference,
}

/// A normal distribution.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Copy, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Normal {
    /// Its mean.
    #[garde(range(min = -200.0, max = 200.0))]
    pub mean: f64,
    /// Its standard deviation.
    #[garde(range(min = 0.0, max = 100.0))]
    pub std: f64,
}
