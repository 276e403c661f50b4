//! From densities to amounts of two stains.

use super::percentile;
use super::{OdScale, Over, Pool};

/// Two stain vectors, solved once: gives the amounts of both in a pixel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unmixing {
    matrix: [[f64; 3]; 2],
    /// Gram matrix: [h·h, h·e, e·e].
    gram: [f64; 3],
    /// Rows of the pseudo-inverse: amount of each stain per density of each channel.
    inverse: [[f64; 3]; 2],
    lambda: Option<f64>,
}

impl Unmixing {
    /// `matrix`: rows are the two stains. `lambda`: weight of the two-stain lasso with amounts ≥ 0
    /// (`½‖od − cᵀ·matrix‖² + λ·Σc`; 0 is non-negative least squares); `None` for least squares, where
    /// amounts may be negative. `None` is given back when the vectors lie on one line.
    pub fn new(matrix: [[f64; 3]; 2], lambda: Option<f64>) -> Option<Self> {
        let dot = |a: &[f64; 3], b: &[f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        let [h, e] = &matrix;
        let gram = [dot(h, h), dot(h, e), dot(e, e)];
        let determinant = gram[0] * gram[2] - gram[1] * gram[1];
        if !(determinant > 1e-12 && determinant.is_finite()) {
            return None;
        }
        let inverse = [0, 1].map(|stain| {
            [0, 1, 2].map(|channel| {
                if stain == 0 {
                    (gram[2] * h[channel] - gram[1] * e[channel]) / determinant
                } else {
                    (gram[0] * e[channel] - gram[1] * h[channel]) / determinant
                }
            })
        });
        Some(Self { matrix, gram, inverse, lambda })
    }

    /// The pseudo-inverse: `amount[k] = Σ inverse[k][c]·od[c]`.
    pub fn inverse(&self) -> &[[f64; 3]; 2] {
        &self.inverse
    }

    /// Amounts of both stains in a pixel of these densities.
    pub fn amounts(&self, od: [f64; 3]) -> [f64; 2] {
        let row = |v: &[f64; 3]| v[0] * od[0] + v[1] * od[1] + v[2] * od[2];
        let Some(lambda) = self.lambda else {
            return [row(&self.inverse[0]), row(&self.inverse[1])];
        };
        let [hh, he, ee] = self.gram;
        let b = [row(&self.matrix[0]) - lambda, row(&self.matrix[1]) - lambda];
        let determinant = hh * ee - he * he;
        let both = [(ee * b[0] - he * b[1]) / determinant, (hh * b[1] - he * b[0]) / determinant];
        if both[0] >= 0.0 && both[1] >= 0.0 {
            both
        } else if both[0] < 0.0 && (both[1] >= 0.0 || b[0] <= 0.0) {
            [0.0, (b[1] / ee).max(0.0)]
        } else {
            [(b[0] / hh).max(0.0), 0.0]
        }
    }

    /// The percentile (mostly the 99th) of each stain's amount over a pool, exact. Tissue has density
    /// of at least `beta` in all channels. `None` when there is no such pixel.
    pub fn maxima(
        &self,
        pool: &Pool,
        scale: &OdScale,
        (over, beta): (Over, f64),
        percent: f64,
    ) -> Option<[f64; 2]> {
        let table = scale.table();
        let light = scale.darkest_light(beta);
        let is_tissue = |c: &[u8; 3]| {
            c.iter().zip(light).all(|(sample, light)| light.is_some_and(|l| *sample <= l))
        };
        let mut amounts: [Vec<(f64, u64)>; 2] = [Vec::new(), Vec::new()];
        for (colour, count) in pool.colours().filter(|(c, _)| over == Over::All || is_tissue(c)) {
            let od = [0, 1, 2].map(|channel| table[channel][usize::from(colour[channel])]);
            let [h, e] = self.amounts(od);
            amounts[0].push((h, count));
            amounts[1].push((e, count));
        }
        let [mut h, mut e] = amounts;
        Some([percentile::of_counted(&mut h, percent)?, percentile::of_counted(&mut e, percent)?])
    }
}
