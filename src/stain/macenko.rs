//! Macenko's stain vectors, as torchstain defines them.
//!
//! **Source.** Macenko et al., *A method for normalizing histology slides for quantitative analysis*,
//! ISBI 2009. **Definition.** That of torchstain's numpy backend, which is that of HEnorm and of
//! mitkovetta's: others differ from it by degrees and tens of grey levels.
//!
//! 1. `od = −ln((sample + 1) / 240)`. Tissue has `od ≥ 0.15` in all three channels.
//! 2. The plane of the two largest eigenvectors of the covariance of tissue.
//! 3. The angle of each tissue pixel (not centred) in that plane; its 1st and 99th percentile, as numpy
//!    interpolates. The unit vectors at these angles are the stains; hematoxylin has more red.
//! 4. Concentrations by least squares (they may be negative); their 99th percentile over *all* pixels.
//!
//! **Where ours goes further.** The angle is measured from the mean of tissue, not from an eigenvector.
//! That is the same, less a constant, wherever all tissue lies on one side of the plane's second axis;
//! where it does not, torchstain's answer depends on the sign that LAPACK happens to give to an
//! eigenvector, and ours does not. Sums are of integers (densities to 2⁻²⁴), so that the order of
//! pixels, the parts of an image and the machine are all one.

use ndarray::{Array3, ArrayView3};

use super::concentration::Unmixing;
use super::eigen;
use super::fit::{FitOptions, Measured, fit_rgb};
use super::gates::{Status, judge_maxima};
use super::normalizer::{ApplyOptions, Normalizer};
use super::percentile::{self, Place};
use super::pool::Pool;
use super::profile::{Method, Over, PROFILE_VERSION, Profile, Stains};
use super::scatter::{FixedDensities, Sums};
use super::{OdScale, angle_deg};
use crate::error::{Error, Result};

/// Version of the definition: it moves when the numbers do.
pub const VERSION: &str = "1.0.0";

/// torchstain's built-in target: rows hematoxylin and eosin, columns red, green, blue.
pub const REFERENCE: [[f64; 3]; 2] = [[0.5626, 0.7201, 0.4062], [0.2159, 0.8012, 0.5581]];

/// The maximum concentrations of [`REFERENCE`].
pub const REFERENCE_MAXIMA: [f64; 2] = [1.9705, 1.0308];

/// [`REFERENCE`] as a profile, fitted on nothing that is known.
pub fn reference() -> Profile {
    Profile {
        profile: PROFILE_VERSION,
        method: Method::Macenko,
        version: VERSION.into(),
        stains: Some(Stains {
            scale: OdScale::torchstain([240.0; 3]),
            matrix: REFERENCE,
            max_concentrations: REFERENCE_MAXIMA,
            over: Over::All,
            lambda: None,
        }),
        lab: None,
        images: 0,
        pixels: 0,
        tissue_px: 0,
        angle_deg: Some(angle_deg(&REFERENCE[0], &REFERENCE[1])),
        fitted_on: None,
    }
}

fn dot(a: &[f64; 3], b: &[f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Two eigenvectors of a covariance, of the second largest eigenvalue and of the largest.
pub(super) fn principal(sums: &Sums) -> Option<[[f64; 3]; 2]> {
    let (_, [_, second, largest]) = eigen::symmetric(sums.covariance()?);
    Some([second, largest])
}

/// The plane in which the angles of pixels are measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plane {
    /// Direction of angle 0: that of the mean of tissue.
    pub(super) along: [f64; 3],
    /// Direction of +90°.
    pub(super) across: [f64; 3],
    /// All tissue lies within ±90°, whatever its colours: angles are ordered as their tangents are.
    pub(super) in_front: bool,
}

impl Plane {
    /// The plane of two vectors (mostly orthonormal, but [`super::several`] has others). `None` when
    /// the mean of tissue has no part in it.
    pub(super) fn of(
        [x, y]: &[[f64; 3]; 2],
        mean: &[f64; 3],
        (scale, light): (&OdScale, [Option<u8>; 3]),
    ) -> Option<Self> {
        let (a, b) = (dot(x, mean), dot(y, mean));
        let length = (a * a + b * b).sqrt();
        if !(length > 1e-9 && length.is_finite()) {
            return None;
        }
        let (a, b) = (a / length, b / length);
        let along = [0, 1, 2].map(|c| a * x[c] + b * y[c]);
        let across = [0, 1, 2].map(|c| a * y[c] - b * x[c]);
        let least = (0..3).fold(0.0, |least, channel| {
            let end = |sample| along[channel] * scale.density(channel, sample);
            least + end(0).min(end(light[channel].unwrap_or(0)))
        });
        Some(Self { along, across, in_front: least > 0.0 })
    }

    /// What orders pixels by their angle: its tangent, or the angle itself where there is one behind.
    pub(super) fn place(&self, od: &[f64; 3]) -> f64 {
        let (x, y) = (dot(&self.along, od), dot(&self.across, od));
        if self.in_front { y / x } else { libm::atan2(y, x) }
    }

    /// The angle at a percentile, from the values of [`Plane::place`] around it.
    pub(super) fn angle(&self, around: [f64; 2], place: Place) -> f64 {
        let [a, b] = around.map(|v| if self.in_front { libm::atan(v) } else { v });
        percentile::between(a, b, place.part)
    }

    /// The vectors at two angles, hematoxylin first: it has more red.
    pub(super) fn stains(&self, angles: [f64; 2]) -> [[f64; 3]; 2] {
        let [low, high] = angles.map(|angle| {
            let (cosine, sine) = (libm::cos(angle), libm::sin(angle));
            [0, 1, 2].map(|c| self.along[c] * cosine + self.across[c] * sine)
        });
        if low[0] > high[0] { [low, high] } else { [high, low] }
    }
}

/// What a fit asks of pixels, however these are held.
pub(super) trait Pixels {
    /// Pixels that were looked at.
    fn pixels(&self) -> u64;
    /// Those that are fitted on.
    fn counted(&self) -> u64;
    /// Sums over tissue.
    fn sums(&mut self) -> Sums;
    /// How samples become densities, and the brightest of tissue.
    fn scale(&self) -> (&OdScale, [Option<u8>; 3]);
    /// The extreme angles of tissue in a plane.
    fn angles(&mut self, plane: &Plane) -> Option<[f64; 2]>;
    /// The maximum concentrations.
    fn maxima(&mut self, unmixing: &Unmixing) -> Option<[f64; 2]>;
}

/// Fits stains.
pub(super) fn fit_stains(
    pixels: &mut impl Pixels,
    options: &FitOptions,
    measured: &mut Measured,
) -> std::result::Result<Stains, Status> {
    let sums = pixels.sums();
    *measured = Measured { pixels: pixels.pixels(), tissue_px: sums.count, ..Measured::default() };
    options.gates.admit(&sums, pixels.counted())?;
    let basis = principal(&sums).ok_or(Status::OneColour)?;
    fit_in_plane(pixels, &basis, &sums, options, measured)
}

/// The rest of a fit, once the vectors that span the plane are known.
pub(super) fn fit_in_plane(
    pixels: &mut impl Pixels,
    basis: &[[f64; 3]; 2],
    sums: &Sums,
    options: &FitOptions,
    measured: &mut Measured,
) -> std::result::Result<Stains, Status> {
    let mean = sums.mean().ok_or(Status::TooFewTissue)?;
    // Densities of tissue are positive, and so are the stains of any: a plane at right angles to their
    // mean has none.
    let plane = Plane::of(basis, &mean, pixels.scale()).ok_or(Status::ReferenceAngle)?;
    let matrix = plane.stains(pixels.angles(&plane).ok_or(Status::TooFewTissue)?);
    options.gates.judge(&matrix, measured)?;
    let unmixing = Unmixing::new(matrix, None).ok_or(Status::Conditioning)?;
    let max_concentrations = pixels.maxima(&unmixing).ok_or(Status::TooFewTissue)?;
    judge_maxima(max_concentrations)?;
    let scale = *pixels.scale().0;
    Ok(Stains { scale, matrix, max_concentrations, over: options.over, lambda: None })
}

/// A pool of counted colours.
pub(super) struct Counted<'a> {
    pool: &'a Pool,
    options: &'a FitOptions,
    scale: OdScale,
    light: [Option<u8>; 3],
}

impl<'a> Counted<'a> {
    pub(super) fn new(pool: &'a Pool, scale: OdScale, options: &'a FitOptions) -> Self {
        Self { pool, options, scale, light: scale.darkest_light(options.beta) }
    }

    pub(super) fn pool(&self) -> &'a Pool {
        self.pool
    }
}

impl Pixels for Counted<'_> {
    fn pixels(&self) -> u64 {
        self.pool.pixels()
    }

    fn counted(&self) -> u64 {
        self.pool.counted()
    }

    fn sums(&mut self) -> Sums {
        let densities = FixedDensities::new(&self.scale, self.light);
        let mut sums = Sums::default();
        for (colour, count) in self.pool.colours() {
            sums.add_colour(&densities, &colour, count);
        }
        sums
    }

    fn scale(&self) -> (&OdScale, [Option<u8>; 3]) {
        (&self.scale, self.light)
    }

    fn angles(&mut self, plane: &Plane) -> Option<[f64; 2]> {
        let table = self.scale.table();
        let mut values: Vec<(f64, u64)> = self
            .pool
            .colours()
            .filter(|(colour, _)| colour.iter().zip(self.light).all(|(s, l)| Some(*s) <= l))
            .map(|(colour, count)| {
                let od = [0, 1, 2].map(|c| table[c][usize::from(colour[c])]);
                (plane.place(&od), count)
            })
            .collect();
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let n = values.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        let angle = |percent| {
            let place = percentile::place(n, percent)?;
            Some(plane.angle(percentile::around(&values, place)?, place))
        };
        Some([angle(self.options.alpha)?, angle(100.0 - self.options.alpha)?])
    }

    fn maxima(&mut self, unmixing: &Unmixing) -> Option<[f64; 2]> {
        let FitOptions { over, beta, max_percentile, .. } = *self.options;
        unmixing.maxima(self.pool, &self.scale, (over, beta), max_percentile)
    }
}

/// Macenko's method on arrays of one's own.
///
/// ```
/// use microtome::stain::macenko::{Macenko, reference};
/// use ndarray::Array3;
///
/// // Half hematoxylin, half eosin, as it were: any height × width × 3 array of u8 will do.
/// let tile = Array3::from_shape_fn((64, 64, 3), |(y, x, channel)| {
///     let shade = (x + y) as u8 / 4;
///     let colour = if (x * 7 + y * 3) % 5 < 2 { [120, 70, 150] } else { [200, 120, 160] };
///     colour[channel] - shade
/// });
/// let macenko = Macenko::default();
/// let source = macenko.fit(tile.view())?;
/// assert!(source.angle_deg.unwrap() > 5.0);
/// // Patches with nothing on them are an error that says so; they never become NaN, black or purple.
/// let blank = Array3::from_elem((64, 64, 3), 243);
/// assert!(macenko.fit(blank.view()).unwrap_err().to_string().contains("too few tissue pixels"));
/// assert_eq!(reference().stains.unwrap().max_concentrations, [1.9705, 1.0308]);
/// # Ok::<(), microtome::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Macenko {
    /// What a fit is asked for; its `method` is taken for Macenko.
    pub options: FitOptions,
}

impl Macenko {
    /// Fits an image, height × width × 3 (red, green, blue), of any strides.
    ///
    /// # Errors
    /// [`Error::Format`] when it has another shape, or no two stains that pass the gates: says why.
    pub fn fit(&self, image: ArrayView3<'_, u8>) -> Result<Profile> {
        check_shape(&image)?;
        let image = image.as_standard_layout();
        let rgb = image.as_slice().ok_or_else(no_slice)?;
        let fitted = fit_rgb(rgb, &FitOptions { method: Method::Macenko, ..self.options.clone() });
        fitted.profile.ok_or_else(|| Error::format("image", fitted.status.words()))
    }

    /// The image with the stains of `target` in place of those of `source`; the one that is given is
    /// never written to.
    ///
    /// # Errors
    /// [`Error::Format`] when it is not height × width × 3; [`Error::Params`] when a profile cannot be
    /// used.
    pub fn normalize(
        &self,
        image: ArrayView3<'_, u8>,
        source: &Profile,
        target: &Profile,
    ) -> Result<Array3<u8>> {
        check_shape(&image)?;
        let normalizer = Normalizer::new(source, target, &ApplyOptions::default())?;
        let image = image.as_standard_layout();
        let rgb = image.as_slice().ok_or_else(no_slice)?;
        let mut out = vec![0; rgb.len()];
        normalizer.apply(rgb, &mut out)?;
        Array3::from_shape_vec(image.raw_dim(), out).map_err(|_| no_slice())
    }
}

fn check_shape(image: &ArrayView3<'_, u8>) -> Result<()> {
    match image.dim() {
        (_, _, 3) => Ok(()),
        (height, width, channels) => Err(Error::format(
            "image",
            format!(
                "has shape {height} × {width} × {channels}, where height × width × 3 is wanted"
            ),
        )),
    }
}

fn no_slice() -> Error {
    Error::Bug { message: "an array in standard layout is no slice".into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_from_the_mean_whatever_the_signs() {
        let scale = OdScale::torchstain([240.0; 3]);
        let of = |x: [f64; 3], y: [f64; 3], mean| {
            Plane::of(&[x, y], &mean, (&scale, [Some(205); 3])).unwrap()
        };
        let half = 0.5_f64.sqrt();
        let (x, y) = ([half, 0.0, -half], [0.0, 1.0, 0.0]);
        let plane = of(x, y, [0.5, 0.5, 0.5]);
        assert!(plane.in_front, "of the mean only green is in the plane: {plane:?}");
        // Less of blue than of red: along (0.3·√½·x + 0.4·y) / its length, by hand.
        let mean = [0.5, 0.4, 0.2];
        let plane = of(x, y, mean);
        let length = (0.3 * half * 0.3 * half + 0.16_f64).sqrt();
        let along = [0.15 / length, 0.4 / length, -0.15 / length];
        for (found, expected) in plane.along.iter().zip(along) {
            assert!((found - expected).abs() < 1e-15);
        }
        // Blue without green lies behind: its angle is more than a right one, where a tangent would
        // put it in front.
        assert!(!plane.in_front);
        let od = [0.15, 0.15, 5.0];
        let behind = plane.place(&od);
        assert!(dot(&plane.along, &od) < 0.0);
        assert_eq!(behind, libm::atan2(dot(&plane.across, &od), dot(&plane.along, &od)));
        assert_eq!(plane.angle([behind; 2], percentile::place(9, 99.0).unwrap()), behind);
        // No sign of a vector moves a stain.
        let minus = |v: [f64; 3]| v.map(|c| -c);
        let stains = plane.stains([-0.3, 0.4]);
        for (x, y) in [(minus(x), y), (x, minus(y)), (minus(x), minus(y)), (y, x)] {
            let other = of(x, y, mean);
            assert_eq!(other.along.map(f32_of), plane.along.map(f32_of));
            let mirrored = dot(&other.across, &plane.across) < 0.0;
            let angles = if mirrored { [-0.4, 0.3] } else { [-0.3, 0.4] };
            assert_eq!(other.stains(angles).map(|s| s.map(f32_of)), stains.map(|s| s.map(f32_of)));
        }
        assert!(Plane::of(&[x, y], &[0.3, 0.0, 0.3], (&scale, [Some(205); 3])).is_none());
        // Where all is in front, the tangent gives the same angle.
        let (x, y) = ([0.6, 0.0, 0.8], [0.0, 1.0, 0.0]);
        let plane = of(x, y, [0.5, 0.6, 0.4]);
        assert!(plane.in_front);
        let od = [0.4, 1.1, 0.3];
        let angle = plane.angle([plane.place(&od); 2], percentile::place(9, 99.0).unwrap());
        let expected = libm::atan2(dot(&plane.across, &od), dot(&plane.along, &od));
        assert!((angle - expected).abs() < 1e-15);
    }

    fn f32_of(value: f64) -> f32 {
        (value * 1e6).round() as f32
    }
}
