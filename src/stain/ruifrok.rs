//! Ruifrok and Johnston 2001: fixed stain vectors, as tiatoolbox normalises by them.
//!
//! Only the maxima are estimated; what is done with them is the linear map of Macenko, on the scale of
//! StainTools.

use super::concentration::Unmixing;
use super::profile::{Method, Over, Profile, Stains};
use super::{OdScale, Pool};

/// Rows hematoxylin and eosin, columns red, green, blue; their lengths are not 1. As in scikit-image,
/// HistomicsTK and tiatoolbox.
pub const MATRIX: [[f64; 3]; 2] = [[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]];

/// Diaminobenzidine, the brown of immunohistochemistry.
pub const DAB: [f64; 3] = [0.27, 0.57, 0.78];

/// Percentile of the maximum concentrations.
const PERCENT: f64 = 99.0;

/// The profile of a pool: [`MATRIX`] and the 99th percentile of each stain's concentration, over all
/// counted pixels (tiatoolbox's definition) or over tissue, which has a density of at least `beta` in
/// all channels. `None` when there is no such pixel.
pub fn profile(pool: &Pool, (over, beta): (Over, f64)) -> Option<Profile> {
    let scale = OdScale::staintools();
    let unmixing = Unmixing::new(MATRIX, None)?;
    let max_concentrations = unmixing.maxima(pool, &scale, (over, beta), PERCENT)?;
    let light = scale.darkest_light(beta);
    let tissue_px = pool
        .colours()
        .filter(|(c, _)| c.iter().zip(light).all(|(c, light)| light.is_some_and(|l| *c <= l)))
        .fold(0_u64, |sum, (_, count)| sum.saturating_add(count));
    let stains = Stains { scale, matrix: MATRIX, max_concentrations, over, lambda: None };
    Some(Profile {
        profile: 1,
        method: Method::Ruifrok,
        version: "1".into(),
        stains: Some(stains),
        lab: None,
        images: pool.images(),
        pixels: pool.pixels(),
        tissue_px,
        angle_deg: Some(stains.angle_deg()),
        fitted_on: Some(pool.digest().to_string()),
    })
}
