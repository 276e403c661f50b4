//! Gates: what a fit must pass before anything is normalised with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fit::Measured;
use super::macenko::REFERENCE;
use super::profile::{MAXIMUM_CONCENTRATIONS, angle_deg};
use super::scatter::Sums;

/// Second largest eigenvalue of the covariance of densities below which tissue has one colour, or
/// colours on one line: a standard deviation of 10⁻⁴, a fiftieth of the step between two samples.
/// Rounding to 8 bits alone, in channels that differ, gives a hundred times as much.
pub(super) const ONE_COLOUR: f64 = 1e-8;

/// What a fit must pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gates {
    /// Least number of tissue pixels.
    pub min_tissue_px: u64,
    /// Least share of tissue among the pixels that are fitted on (those whose colours were counted: of
    /// a pool of tissue alone that is all), 0–1.
    pub min_tissue_fraction: f64,
    /// Least and largest angle between the stain vectors, in degrees.
    pub stain_angle_deg: (f64, f64),
    /// Largest ratio of the singular values of the matrix of unit stain vectors.
    pub max_condition: f64,
    /// Largest angle of each stain vector to the reference's ([`super::macenko::REFERENCE`]), in degrees.
    pub max_reference_angle_deg: f64,
}

impl Default for Gates {
    /// Chosen on 343 real images: patches of 256 px of two slides (a 20× of CMU, a TCGA), both whole,
    /// and thumbnails, patches and pen marks of other scanners.
    ///
    /// - 500 pixels of tissue: an extreme percentile then has five beyond it. The images ask for no
    ///   sharper bound: patches with less tissue were as near to the reference as others, but rare (6 of
    ///   309), so that little is lost.
    /// - 5 % of tissue: of a share f the 99th percentile over all pixels is the (1 − 0.01/f)th of tissue,
    ///   the 80th at 5 %, and background at 1 %: whoever divides by it paints specks dark.
    /// - 5° to 80° between stains: real ones had 9.1° to 68.2°. Both kinds of bounds are wide on
    ///   purpose: a patch of one stain only is to fail, a slide of unusual dyes is not.
    /// - Condition up to 15 (7.6°): real tissue had up to 12.6, a stroke of green pen 17.9.
    /// - 45° to the reference: real hematoxylin had up to 43.3°, eosin 25.1°; the green pen 51.6°.
    fn default() -> Self {
        Self {
            min_tissue_px: 500,
            min_tissue_fraction: 0.05,
            stain_angle_deg: (5.0, 80.0),
            max_condition: 15.0,
            max_reference_angle_deg: 45.0,
        }
    }
}

impl Gates {
    /// Before anything is fitted: is there tissue, and of more than one colour?
    /// `counted`: pixels that are fitted on, tissue or not.
    pub(super) fn admit(&self, sums: &Sums, counted: u64) -> Result<(), Status> {
        self.enough(sums.count, counted)?;
        if is_one_colour(sums) { Err(Status::OneColour) } else { Ok(()) }
    }

    /// Is there tissue?
    pub(super) fn enough(&self, tissue: u64, counted: u64) -> Result<(), Status> {
        let share = tissue as f64 / counted as f64;
        if tissue < self.min_tissue_px.max(1)
            || (self.min_tissue_fraction > 0.0 && share < self.min_tissue_fraction)
        {
            return Err(Status::TooFewTissue);
        }
        Ok(())
    }

    /// Are these two stains, apart, and hematoxylin and eosin? Writes down what it measures.
    pub(super) fn judge(
        &self,
        matrix: &[[f64; 3]; 2],
        measured: &mut Measured,
    ) -> Result<(), Status> {
        let number = |value: f64| value.is_finite().then_some(value);
        let angle = angle_deg(&matrix[0], &matrix[1]);
        // Two unit vectors at angle θ have singular values √(1 ± cos θ): their ratio is cot(θ/2), or its
        // inverse beyond a right angle.
        let half = libm::tan(angle.to_radians() / 2.0);
        let condition = half.max(1.0 / half);
        let to_reference = [0, 1].map(|stain| angle_deg(&matrix[stain], &REFERENCE[stain]));
        measured.angle_deg = number(angle);
        measured.condition = number(condition);
        measured.reference_angles_deg =
            to_reference.iter().all(|angle| angle.is_finite()).then_some(to_reference);
        let (least, largest) = self.stain_angle_deg;
        if !(angle >= least && angle <= largest) {
            return Err(Status::StainAngle);
        }
        if !(condition.is_finite() && condition <= self.max_condition) {
            return Err(Status::Conditioning);
        }
        if !to_reference.iter().all(|angle| *angle <= self.max_reference_angle_deg) {
            return Err(Status::ReferenceAngle);
        }
        Ok(())
    }
}

/// Maximum concentrations that nothing can be divided by are none.
pub(super) fn judge_maxima(maxima: [f64; 2]) -> Result<(), Status> {
    let usable = maxima.iter().all(|maximum| MAXIMUM_CONCENTRATIONS.contains(maximum));
    if usable { Ok(()) } else { Err(Status::Concentration) }
}

/// Has tissue one colour, or colours on one line?
pub(super) fn is_one_colour(sums: &Sums) -> bool {
    spread(sums).is_none_or(|spread| spread <= ONE_COLOUR)
}

/// Whether a part of `tissue` pixels shows that all of them have more than one colour. Squares about
/// the mean only grow with every pixel that is added to them, in any direction: where the part's alone
/// are beyond the bound (by twice, which no rounding makes up for), those of all are. When it shows
/// nothing, all must be asked.
pub(super) fn part_has_colours(part: &Sums, tissue: u64) -> bool {
    let squares = spread(part).map(|spread| spread * part.count.saturating_sub(1) as f64);
    squares.is_some_and(|squares| squares > 2.0 * ONE_COLOUR * tissue as f64)
}

/// Second largest eigenvalue of the covariance.
fn spread(sums: &Sums) -> Option<f64> {
    sums.covariance().map(|covariance| super::eigen::symmetric(covariance).0[1])
}

/// How a fit fared at the gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// All passed.
    Ok,
    /// Too few tissue pixels, or too small a share.
    TooFewTissue,
    /// The tissue has one colour, or colours on one line: there are no two stains to tell apart.
    OneColour,
    /// The angle between the stains is out of range.
    StainAngle,
    /// The stains can hardly be told apart: a small change of a pixel is a large one of its stains.
    Conditioning,
    /// A stain is far from any hematoxylin or eosin.
    ReferenceAngle,
    /// A maximum concentration is negative, next to nothing (below 0.001), or no number.
    Concentration,
}

impl Status {
    /// Why, in plain words: what follows "the fit failed: ".
    pub fn words(self) -> &'static str {
        match self {
            Self::Ok => "it did not: two stains were found",
            Self::TooFewTissue => "there are too few tissue pixels",
            Self::OneColour => {
                "the tissue has one colour, or shades of one: there are no two stains"
            }
            Self::StainAngle => "the two stains are too much alike, or too far apart, to be a pair",
            Self::Conditioning => "the two stains can hardly be told apart",
            Self::ReferenceAngle => "a stain is far from any hematoxylin or eosin",
            Self::Concentration => "there is next to nothing of one of the stains",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::OdScale;
    use super::super::scatter::FixedDensities;
    use super::*;

    fn sums(colours: &[([u8; 3], u64)]) -> Sums {
        let scale = OdScale::torchstain([240.0; 3]);
        let densities = FixedDensities::new(&scale, scale.darkest_light(0.15));
        let mut sums = Sums::default();
        for (colour, count) in colours {
            sums.add_colour(&densities, colour, *count);
        }
        sums
    }

    #[test]
    fn tissue_is_counted_first_and_then_its_colours() {
        let gates = Gates::default();
        let three = [([90, 60, 140], 300), ([190, 110, 160], 150), ([100, 100, 100], 50)];
        assert_eq!(gates.admit(&sums(&three), 500), Ok(()));
        assert_eq!(gates.admit(&sums(&three[..2]), 450), Err(Status::TooFewTissue));
        assert_eq!(gates.admit(&sums(&three), 10_000), Ok(()));
        assert_eq!(gates.admit(&sums(&three), 10_001), Err(Status::TooFewTissue));
        assert_eq!(gates.admit(&sums(&[]), 0), Err(Status::TooFewTissue));
        // One colour; two, which always lie on a line; greys, which do as well.
        for on_a_line in [
            vec![([90, 60, 140], 1000)],
            vec![([90, 60, 140], 1000), ([190, 110, 160], 1000)],
            (0..=205).map(|n| ([n, n, n], 10)).collect(),
        ] {
            assert_eq!(gates.admit(&sums(&on_a_line), 2000), Err(Status::OneColour));
        }
        let open = Gates { min_tissue_px: 0, min_tissue_fraction: 0.0, ..gates };
        assert_eq!(open.admit(&sums(&[]), 0), Err(Status::TooFewTissue));
        assert_eq!(open.admit(&sums(&three[..1]), 0), Err(Status::OneColour));
    }

    #[test]
    fn each_gate_has_its_status() {
        let gates = Gates::default();
        let judge = |gates: Gates, matrix| {
            let mut measured = Measured::default();
            (gates.judge(&matrix, &mut measured), measured)
        };
        let (passed, measured) = judge(gates, REFERENCE);
        assert_eq!(passed, Ok(()));
        // By hand: h·e = 0.12146534 + 0.57694412 + 0.22670022, h·h = 1.00006121, e·e = 1.00000986.
        let angle =
            libm::acos(0.925_109_68 / (1.000_061_21_f64 * 1.000_009_86).sqrt()).to_degrees();
        assert!((measured.angle_deg.unwrap() - angle).abs() < 1e-5, "{measured:?} {angle}");
        let cosine = angle.to_radians().cos();
        let condition = ((1.0 + cosine) / (1.0 - cosine)).sqrt();
        assert!((measured.condition.unwrap() - condition).abs() < 1e-6);
        assert_eq!(measured.reference_angles_deg, Some([0.0, 0.0]));

        let alike = [REFERENCE[0], REFERENCE[0].map(|c| c * 2.0)];
        assert_eq!(judge(gates, alike).0, Err(Status::StainAngle));
        let apart = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        let (failed, measured) = judge(gates, apart);
        assert_eq!(failed, Err(Status::StainAngle));
        assert!((measured.condition.unwrap() - 1.0).abs() < 1e-12);
        let wide = Gates { stain_angle_deg: (0.0, 180.0), ..gates };
        assert_eq!(judge(wide, apart).0, Err(Status::ReferenceAngle));
        assert_eq!(judge(wide, alike).0, Err(Status::Conditioning));
        for hole in [f64::NAN, f64::INFINITY, 0.0] {
            let (failed, measured) = judge(wide, [[hole; 3], REFERENCE[1]]);
            assert!(failed.is_err());
            assert!(measured.angle_deg.is_none_or(f64::is_finite));
            assert!(measured.condition.is_none_or(f64::is_finite));
        }
        for (maxima, passes) in [
            ([1.0, 1e-3], true),
            ([1.0, 0.0], false),
            ([-1.0, 1.0], false),
            ([f64::NAN, 1.0], false),
        ] {
            let expected = if passes { Ok(()) } else { Err(Status::Concentration) };
            assert_eq!(judge_maxima(maxima), expected);
        }
    }

    #[test]
    fn every_status_has_words_of_its_own() {
        let all = [
            Status::Ok,
            Status::TooFewTissue,
            Status::OneColour,
            Status::StainAngle,
            Status::Conditioning,
            Status::ReferenceAngle,
            Status::Concentration,
        ];
        let words: std::collections::BTreeSet<_> =
            all.iter().map(|status| status.words()).collect();
        assert_eq!(words.len(), all.len());
    }
}
