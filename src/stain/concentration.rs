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
        if !(determinant > 1e-12 * gram[0] * gram[2] && determinant.is_finite()) {
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
        // Never −0, as `f64::max` may give on some machines.
        let positive = |amount: f64| if amount > 0.0 { amount } else { 0.0 };
        let b = [row(&self.matrix[0]) - lambda, row(&self.matrix[1]) - lambda];
        let determinant = hh * ee - he * he;
        // The Karush-Kuhn-Tucker conditions, stain by stain: an amount of 0 is right when more would not
        // pay, which for the first is `he·c₁ ≥ b₀`. With the other alone (`c₁ = b₁/ee`) that reads
        // `both[0] ≤ 0`, whatever the sign of `he`; both cannot be negative unless one of `b` is.
        let both = [(ee * b[0] - he * b[1]) / determinant, (hh * b[1] - he * b[0]) / determinant];
        if both[0] >= 0.0 && both[1] >= 0.0 {
            both
        } else if both[0] < 0.0 && (both[1] >= 0.0 || b[0] <= 0.0) {
            [0.0, positive(b[1] / ee)]
        } else {
            [positive(b[0] / hh), 0.0]
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Minimises `½cᵀGc − bᵀc` over c ≥ 0 by trying all supports.
    fn by_trying([hh, he, ee]: [f64; 3], b: [f64; 2]) -> f64 {
        let value = |c: [f64; 2]| {
            0.5 * (hh * c[0] * c[0] + 2.0 * he * c[0] * c[1] + ee * c[1] * c[1])
                - b[0] * c[0]
                - b[1] * c[1]
        };
        let determinant = hh * ee - he * he;
        let both = [(ee * b[0] - he * b[1]) / determinant, (hh * b[1] - he * b[0]) / determinant];
        [[0.0, 0.0], [b[0] / hh, 0.0], [0.0, b[1] / ee], both]
            .into_iter()
            .filter(|c| c[0] >= 0.0 && c[1] >= 0.0)
            .map(value)
            .fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        /// Vectors that point apart (negative products) too: stains never do, but a profile may.
        #[test]
        fn amounts_meet_the_conditions_of_a_minimum(
            matrix in prop::array::uniform2(prop::array::uniform3(-1.0..1.0_f64)),
            od in prop::array::uniform3(-1.0..6.0_f64),
            lambda in prop_oneof![Just(0.0), 0.0..1.0_f64],
        ) {
            let dot = |a: &[f64; 3], b: &[f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
            let [h, e] = &matrix;
            let gram = [dot(h, h), dot(h, e), dot(e, e)];
            prop_assume!(gram[0] * gram[2] - gram[1] * gram[1] > 1e-3 * gram[0] * gram[2]);
            prop_assume!(gram[0] > 1e-3 && gram[2] > 1e-3);
            let unmixing = Unmixing::new(matrix, Some(lambda)).unwrap();
            let c = unmixing.amounts(od);
            let b = [dot(h, &od) - lambda, dot(e, &od) - lambda];
            let slope = [
                gram[0] * c[0] + gram[1] * c[1] - b[0],
                gram[1] * c[0] + gram[2] * c[1] - b[1],
            ];
            for stain in [0, 1] {
                prop_assert!(c[stain] >= 0.0, "{:?}", c);
                prop_assert!(slope[stain] > -1e-9, "more would pay: {:?} {:?}", c, slope);
                prop_assert!(c[stain] == 0.0 || slope[stain] < 1e-9, "less would: {:?} {:?}", c, slope);
            }
            let value = 0.5 * (c[0] * (slope[0] - b[0]) + c[1] * (slope[1] - b[1]));
            let tried = by_trying(gram, b);
            prop_assert!((value - tried).abs() <= 1e-9 * (1.0 + tried.abs()), "{} {}", value, tried);
        }

        #[test]
        fn least_squares_leave_a_remainder_at_right_angles(
            matrix in prop::array::uniform2(prop::array::uniform3(0.05..1.0_f64)),
            od in prop::array::uniform3(-0.1..5.5_f64),
        ) {
            let dot = |a: &[f64; 3], b: &[f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
            let [h, e] = &matrix;
            prop_assume!(dot(h, h) * dot(e, e) - dot(h, e) * dot(h, e) > 1e-3);
            let c = Unmixing::new(matrix, None).unwrap().amounts(od);
            let rest = [0, 1, 2].map(|k| od[k] - c[0] * h[k] - c[1] * e[k]);
            prop_assert!(dot(&rest, h).abs() < 1e-9 && dot(&rest, e).abs() < 1e-9);
        }
    }

    /// All four cases by hand. Vectors (1,0,0) and (0.6,0.8,0): G = [1, 0.6, 1], det 0.64; λ = 0.1.
    /// od (1,1,0): b = (0.9, 1.3); c = ((0.9−0.78)/0.64, (1.3−0.54)/0.64) = (0.1875, 1.1875).
    /// od (0,1,0): b = (−0.1, 0.7): c₀ would be −0.8125; alone c₁ = 0.7.
    /// od (1,−1,0): b = (0.9, −0.3): c₁ would be −1.3125; alone c₀ = 0.9. od (0.05,0,3): b ≤ 0: none.
    #[test]
    fn each_case_by_hand() {
        let unmixing = Unmixing::new([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0]], Some(0.1)).unwrap();
        for (od, expected) in [
            ([1.0, 1.0, 0.0], [0.1875, 1.1875]),
            ([0.0, 1.0, 0.0], [0.0, 0.7]),
            ([1.0, -1.0, 0.0], [0.9, 0.0]),
            ([0.05, 0.0, 3.0], [0.0, 0.0]),
        ] {
            let c = unmixing.amounts(od);
            assert!(c.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{od:?}: {c:?}");
        }
    }

    #[test]
    fn vectors_on_one_line_are_refused_whatever_their_length() {
        for length in [1e-3, 1.0, 10.0] {
            let v = [0.65, 0.7, 0.29].map(|value: f64| value * length);
            assert_eq!(Unmixing::new([v, v.map(|value| value * 2.0)], None), None);
            assert!(Unmixing::new([v, [v[1], v[0], v[2]]], None).is_some());
        }
        assert_eq!(Unmixing::new([[0.0; 3], [0.65, 0.7, 0.29]], Some(0.0)), None);
        assert_eq!(Unmixing::new([[f64::NAN; 3], [0.65, 0.7, 0.29]], Some(0.0)), None);
    }
}
