//! Images of amounts: how much of each stain is in each pixel.

use wide::f32x4;

use super::concentration::Unmixing;
use super::factors::sums;
use super::nonneg::{Lasso, correlations};
use super::profile::Stains;
use super::vectors::{cross, dot, inverse_transposed};
use crate::error::{Error, Result};

/// A plane's value for an amount of 1: planes hold `round(amount·4096)`, not below 0 and not above
/// 65535 (an amount of 16, more than any density that 8 bits can show in a unit stain vector).
pub const SCALE: f64 = 4096.0;

/// What the third plane shows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Third {
    /// What two stains leave: the density along the cross product of their unit vectors. The amounts of
    /// the two are those of the profile.
    #[default]
    Residual,
    /// The amount of a third stain (with Ruifrok's, [`super::ruifrok::DAB`]): all three amounts are then
    /// the full inverse of the 3×3 matrix, and those of the first two are others than without it.
    Stain([f64; 3]),
}

/// Turns pixels to amounts.
#[derive(Debug, Clone)]
pub struct Amounts {
    /// For each input channel and sample its part of the three planes, times [`SCALE`].
    tables: Box<[[f32x4; 256]; 3]>,
    /// Where the first two are amounts of the lasso.
    lasso: Option<(Box<[[f32x4; 256]; 3]>, Lasso)>,
}

impl Amounts {
    /// # Errors
    /// [`Error::Params`] when the stain vectors lie in one plane (two of them on one line), or a third
    /// stain is asked for where the profile's amounts are a lasso's, which is defined for two.
    pub fn new(stains: &Stains, third: Third) -> Result<Self> {
        let flat = || Error::params("stains.matrix", "the stain vectors cannot be told apart");
        let [h, e] = stains.matrix;
        let (rows, lasso) = match third {
            Third::Residual => {
                let [to_h, to_e] = *Unmixing::new(stains.matrix, None).ok_or_else(flat)?.inverse();
                let cross = cross(&h, &e);
                let length = dot(&cross, &cross).sqrt();
                let lasso = match stains.lambda {
                    None => None,
                    Some(lambda) => Some(correlations(stains, lambda).ok_or_else(flat)?),
                };
                ([to_h, to_e, cross.map(|v| v / length)], lasso)
            }
            Third::Stain(third) if stains.lambda.is_none() => {
                (inverse_transposed(&[h, e, third]).ok_or_else(flat)?, None)
            }
            Third::Stain(_) => {
                let message = "amounts of a lasso are those of two stains: there is no third";
                return Err(Error::params("stains.lambda", message));
            }
        };
        let densities = stains.scale.table();
        let mut tables = Box::new([[f32x4::ZERO; 256]; 3]);
        for (k, (table, densities)) in tables.iter_mut().zip(&densities).enumerate() {
            for (entry, od) in table.iter_mut().zip(densities) {
                let part = |row: usize| (rows[row][k] * od * SCALE) as f32;
                *entry = f32x4::from([part(0), part(1), part(2), 0.0]);
            }
        }
        if !tables.as_flattened().iter().all(|v| v.to_array().iter().all(|v| v.is_finite())) {
            return Err(flat());
        }
        Ok(Self { tables, lasso })
    }

    /// The amounts of pixels (R, G, B interleaved): planes of the first stain, the second, and the
    /// third, one value a pixel.
    ///
    /// # Errors
    /// [`Error::Bug`] when the planes are not of as many pixels.
    pub fn planes(&self, rgb: &[u8], planes: [&mut [u16]; 3]) -> Result<()> {
        if !rgb.len().is_multiple_of(3) || planes.iter().any(|plane| plane.len() != rgb.len() / 3) {
            let lengths = planes.map(|plane| plane.len());
            let message = format!("{} bytes of pixels for planes of {lengths:?}", rgb.len());
            return Err(Error::Bug { message });
        }
        let [h, e, third] = planes;
        let out = h.chunks_mut(4).zip(e.chunks_mut(4)).zip(third.chunks_mut(4));
        for (pixels, ((h, e), third)) in rgb.chunks(12).zip(out) {
            let mut block = [0; 12];
            block[..pixels.len()].copy_from_slice(pixels);
            let values = self.four(&block);
            for (plane, values) in [h, e, third].into_iter().zip(values) {
                plane.copy_from_slice(&values[..plane.len()]);
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn four(&self, block: &[u8; 12]) -> [[u16; 4]; 3] {
        let [mut h, mut e, third, _] = sums(&self.tables, block);
        if let Some((tables, lasso)) = &self.lasso {
            [h, e] = lasso.of(sums(tables, block)).map(|amount| amount * SCALE as f32);
        }
        [h, e, third].map(|amount| {
            let bounded = amount.fast_max(f32x4::ZERO).fast_min(f32x4::splat(65_535.0));
            (bounded + 0.5).fast_trunc_int().to_array().map(|v| v as u16)
        })
    }
}
