//! Ruifrok and Johnston 2001: fixed stain vectors, as tiatoolbox normalises by them.
//!
//! Only the maxima are estimated; what is done with them is the linear map of Macenko, on the scale of
//! StainTools ([`super::OdScale::staintools`]).

/// Rows hematoxylin and eosin, columns red, green, blue; their lengths are not 1. As in scikit-image,
/// HistomicsTK and tiatoolbox.
pub const MATRIX: [[f64; 3]; 2] = [[0.65, 0.70, 0.29], [0.07, 0.99, 0.11]];

/// Diaminobenzidine, the brown of immunohistochemistry.
pub const DAB: [f64; 3] = [0.27, 0.57, 0.78];
