//! Stain augmentation in the space of three stains (Tellez 2018): each stain's amount is multiplied by
//! an α and a β is added.
//!
//! `s = od·R⁻¹; s' = α·s + β; od' = s'·R`: affine in the density, so that it is a product of tables
//! ([`Factors`]). Amounts are not clipped on the way: scikit-image's `rgb2hed` takes negative ones for 0,
//! and changes an image by 0.6 to 10 grey levels in the mean before anything is augmented.

use super::ruifrok::{DAB, MATRIX};
use super::vectors::inverse_transposed;
use super::{Factors, OdScale};

/// Rows hematoxylin, eosin, DAB; scikit-image's `rgb_from_hed`.
pub const HED: [[f64; 3]; 3] = [MATRIX[0], MATRIX[1], DAB];

/// Density of 1 in scikit-image's HED: its logarithm is to the base 1e-6, so that a β of 0.02 there is
/// 0.276 here.
pub const SKIMAGE_UNIT: f64 = 13.815_510_557_964_274;

/// The scale that belongs to it: `−ln(max(sample, 1)/255)`, no floor, so that white is exactly 0.
pub fn scale() -> OdScale {
    OdScale { io: [255.0; 3], offset: 0.0, floor: None }
}

/// Amounts of three stains (rows of `stains`) times `alpha` plus `beta` (in natural density), on a
/// scale. `None` when the stains lie in one plane, or a number is not finite.
pub fn jitter(
    stains: &[[f64; 3]; 3],
    alpha: [f64; 3],
    beta: [f64; 3],
    scale: &OdScale,
) -> Option<Factors> {
    let inverse = inverse_transposed(stains)?;
    let over_stains = |part: &dyn Fn(usize) -> f64| part(0) + part(1) + part(2);
    let m = [0, 1, 2].map(|c| {
        [0, 1, 2].map(|k| over_stains(&|stain| inverse[stain][k] * alpha[stain] * stains[stain][c]))
    });
    let b = [0, 1, 2].map(|c| over_stains(&|stain| beta[stain] * stains[stain][c]));
    Factors::affine(&m, b, scale, scale.io)
}
