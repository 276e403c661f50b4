//! Normalising by amounts that are not negative: of the two-stain lasso, or clipped at 0.
//!
//! Clipping is not linear in the density, so this is no product of tables. What remains linear (the
//! amounts before clipping) is a sum of three tables; then one selection, and three exponentials.
//! All in `f32`, with + − × and bits only, in one order: the same on every machine.

use wide::bytemuck::cast;
use wide::{f32x4, i32x4};

use super::concentration::Unmixing;
use super::factors::{by_four, interleave, sums, whole_pixels};
use super::normalizer::Cast;
use super::profile::Stains;
use super::vectors::dot;
use crate::error::Result;

/// Largest and least exponent of 2 of what is left of the light. Above, a byte is 255 for any white
/// point of at least 1; below, it is 0.
const EXPONENTS: (f32, f32) = (-120.0, 16.0);

/// 1.5·2²³: adding it leaves a small number's nearest integer in the lowest bits.
const NEAREST: f32 = 12_582_912.0;

/// `(2^x − 1)/x` for |x| ≤ ½, lowest power first: Chebyshev interpolation, relative error of `2^x` below
/// 1e-8 before rounding. `2^0` is exactly 1, so that white stays white.
const POWER: [f32; 6] = [
    std::f32::consts::LN_2,
    0.240_226_5,
    0.055_503_57,
    0.009_618_083,
    0.001_339_086_3,
    0.000_154_531_63,
];

/// A map between two profiles with amounts that are not negative.
///
/// No profile that passes its check gives a NaN: stain vectors of a length of 0.1 and more, a degree and
/// more apart, make amounts below 1e7 (with the lasso's weight of at most 1), maxima within 0.001 to 1000
/// and vectors of at most 10 make exponents below 1e15, and `f32` ends at 1e38.
#[derive(Debug, Clone)]
pub struct NonNegative {
    parts: Parts,
    /// `None` for clipping.
    lasso: Option<Lasso>,
    /// Exponent of 2, for each output channel, per amount of each stain.
    exponents: [[f32; 3]; 2],
    io: [f32; 3],
}

/// For each input channel and sample its part of: both stains' correlations (less the lasso's weight),
/// both stains' amounts before clipping.
type Parts = Box<[[f32x4; 256]; 3]>;

/// One over the squared length of each stain vector.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lasso([f32; 2]);

/// Tables of what is linear in a lasso of this weight. `None` when the stain vectors lie on one line, or
/// a number is not finite.
pub(super) fn correlations(stains: &Stains, lambda: f64) -> Option<(Parts, Lasso)> {
    let [h, e] = &stains.matrix;
    let inverse = *Unmixing::new(stains.matrix, None)?.inverse();
    let (hh, he, ee) = (dot(h, h), dot(h, e), dot(e, e));
    let determinant = hh * ee - he * he;
    // What λ takes off the amounts where both stains stay: the inverse Gram matrix times (λ, λ).
    let less = [lambda * (ee - he) / determinant, lambda * (hh - he) / determinant];
    let densities = stains.scale.table();
    let mut parts = Box::new([[f32x4::ZERO; 256]; 3]);
    for (k, (table, densities)) in parts.iter_mut().zip(&densities).enumerate() {
        let once = if k == 0 { 1.0 } else { 0.0 };
        for (entry, od) in table.iter_mut().zip(densities) {
            *entry = f32x4::from([
                (h[k] * od - once * lambda) as f32,
                (e[k] * od - once * lambda) as f32,
                (inverse[0][k] * od - once * less[0]) as f32,
                (inverse[1][k] * od - once * less[1]) as f32,
            ]);
        }
    }
    let finite = parts.as_flattened().iter().all(|v| v.to_array().iter().all(|v| v.is_finite()));
    finite.then_some((parts, Lasso([(1.0 / hh) as f32, (1.0 / ee) as f32])))
}

impl NonNegative {
    /// `None` when the stain vectors of the source lie on one line, or a number is not finite.
    pub fn new(source: &Stains, target: &Stains) -> Option<Self> {
        let (parts, lasso) = correlations(source, source.lambda.unwrap_or(0.0))?;
        let lasso = source.lambda.map(|_| lasso);
        let exponents = [0, 1].map(|stain| {
            let ratio = target.max_concentrations[stain] / source.max_concentrations[stain];
            target.matrix[stain].map(|v| (-ratio * v * std::f64::consts::LOG2_E) as f32)
        });
        let io = target.scale.io.map(|io| io as f32);
        let finite = exponents.as_flattened().iter().chain(&io).all(|v| v.is_finite());
        finite.then_some(Self { parts, lasso, exponents, io })
    }

    /// Maps pixels (R, G, B interleaved) into `out`.
    ///
    /// # Errors
    /// [`crate::Error::Bug`] when the two are not of one length, or not of whole pixels.
    pub fn apply(&self, rgb: &[u8], out: &mut [u8], cast: Cast) -> Result<()> {
        whole_pixels(rgb, out)?;
        let half = f32x4::splat(cast.half());
        match self.lasso {
            None => by_four(rgb, out, |block| {
                let [_, _, h, e] = sums(&self.parts, block);
                self.four([h.fast_max(f32x4::ZERO), e.fast_max(f32x4::ZERO)], half)
            }),
            Some(lasso) => {
                by_four(rgb, out, |block| self.four(lasso.of(sums(&self.parts, block)), half))
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn four(&self, [h, e]: [f32x4; 2], half: f32x4) -> [u8; 12] {
        let channel = |c: usize| {
            let exponent = h * self.exponents[0][c] + e * self.exponents[1][c];
            let light = power_of_two(exponent) * self.io[c];
            (light.fast_min(f32x4::splat(255.0)) + half).fast_trunc_int()
        };
        interleave([channel(0), channel(1), channel(2)])
    }
}

impl Lasso {
    /// The two-stain lasso in closed form, as [`Unmixing::amounts`]; from correlations and the amounts of
    /// the case in which both stains stay.
    #[inline(always)]
    pub(super) fn of(self, [b_h, b_e, h, e]: [f32x4; 4]) -> [f32x4; 2] {
        let zero = f32x4::ZERO;
        let (h_stays, e_stays) = (h.simd_ge(zero), e.simd_ge(zero));
        let both = h_stays & e_stays;
        let only_e = !h_stays & (e_stays | b_h.simd_le(zero));
        let h_alone = (b_h * self.0[0]).fast_max(zero);
        let e_alone = (b_e * self.0[1]).fast_max(zero);
        [both.select(h, only_e.select(zero, h_alone)), both.select(e, only_e.select(e_alone, zero))]
    }
}

/// 2 to a power, which is bounded by [`EXPONENTS`].
#[inline(always)]
fn power_of_two(x: f32x4) -> f32x4 {
    let x = x.fast_max(f32x4::splat(EXPONENTS.0)).fast_min(f32x4::splat(EXPONENTS.1));
    let shifted = x + NEAREST;
    let part = x - (shifted - NEAREST);
    let mut sum = f32x4::splat(POWER[5]);
    for coefficient in POWER[..5].iter().rev() {
        sum = sum * part + *coefficient;
    }
    let power = sum * part + 1.0;
    // The integer's bits, moved to where an `f32` keeps its exponent, are added to that of the part.
    let whole: i32x4 = cast::<f32x4, i32x4>(shifted) << 23_i32;
    cast::<i32x4, f32x4>(cast::<f32x4, i32x4>(power) + whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stain::{OdScale, Over};

    #[test]
    fn the_most_extreme_of_profiles_give_numbers() {
        let scale = OdScale { io: [512.0, 1.0, 512.0], offset: 0.0, floor: Some(-1.0) };
        let vectors = [
            [[0.0999, 0.0, 0.0], [0.1, 0.0018, 0.0]],
            [[10.0, 10.0, 10.0], [0.1, 0.1, 0.1035]],
            [[0.1, 0.0, 0.0], [-10.0, 0.18, 0.0]],
            [[10.0, -10.0, 10.0], [-10.0, 10.0, -9.5]],
        ];
        let of = |matrix, max: f64, lambda| {
            let max_concentrations = [max; 2];
            Stains { scale, matrix, max_concentrations, over: Over::All, lambda }
        };
        for (matrix, lambda) in
            vectors.into_iter().flat_map(|v| [None, Some(0.0), Some(1.0)].map(|lambda| (v, lambda)))
        {
            let source = of(matrix, 1e-3, lambda);
            let map =
                NonNegative::new(&source, &of([[10.0; 3], [-10.0, 10.0, 0.0]], 1e3, None)).unwrap();
            for pixel in 0..8_u8 {
                let samples = [0, 1, 2].map(|bit| if pixel >> bit & 1 == 0 { 0 } else { 255 });
                let block = [samples; 4].concat().try_into().unwrap();
                let parts = sums(&map.parts, &block);
                let [_, _, h, e] = parts;
                let zero = f32x4::ZERO;
                let clipped = [h.fast_max(zero), e.fast_max(zero)];
                for [h, e] in [clipped, map.lasso.map_or(clipped, |lasso| lasso.of(parts))] {
                    for c in 0..3 {
                        let exponent = h * map.exponents[0][c] + e * map.exponents[1][c];
                        let [exponent, ..] = exponent.to_array();
                        assert!(exponent.abs() < 1e15, "{matrix:?} {lambda:?} {exponent}");
                    }
                }
            }
        }
    }

    #[test]
    fn powers_of_two_are_right_to_two_units_in_the_last_place() {
        assert_eq!(power_of_two(f32x4::splat(0.0)).to_array()[0].to_bits(), 1.0_f32.to_bits());
        assert_eq!(power_of_two(f32x4::splat(-0.0)).to_array()[0].to_bits(), 1.0_f32.to_bits());
        let mut worst = 0.0_f64;
        for step in -24_000..3_200_i16 {
            let x = f32::from(step) * 0.005;
            let found = f64::from(power_of_two(f32x4::splat(x)).to_array()[3]);
            worst = worst.max((found / libm::exp2(f64::from(x)) - 1.0).abs());
        }
        assert!(worst < 1.5 * f64::from(f32::EPSILON), "{worst:e}");
        let bounds = power_of_two(f32x4::from([-1e30, 1e30, f32::INFINITY, f32::NEG_INFINITY]));
        assert_eq!(bounds.to_array(), [2_f32.powi(-120), 65_536.0, 65_536.0, 2_f32.powi(-120)]);
    }
}
