//! One door to all fits.

use super::concentration::Unmixing;
use super::fast::FastFit;
use super::gates::{Gates, Status, judge_maxima};
use super::macenko::{self, Counted, Pixels};
use super::profile::{Method, Moments, Over, PROFILE_VERSION, Profile, Stains};
use super::{OdScale, Pool, reinhard, ruifrok, vahadane};
use crate::error::{Error, Result};

/// Where the white point (Io) comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WhitePoint {
    /// Given, per channel.
    Given([f64; 3]),
    /// Estimated from the brightest pixels of what is fitted: see [`white_point`].
    Estimated,
}

/// What a fit is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct FitOptions {
    /// Method.
    pub method: Method,
    /// White point of the Macenko scale.
    pub white: WhitePoint,
    /// Least density, in every channel, of tissue.
    pub beta: f64,
    /// Percentile of the extreme angles (1: the 1st and the 99th).
    pub alpha: f64,
    /// Percentile of the maximum concentrations.
    pub max_percentile: f64,
    /// Over which pixels these are.
    pub over: Over,
    /// Weight of sparsity in Vahadane's factorisation.
    pub lambda: f64,
    /// Weight of sparsity in the lasso that gives Vahadane's concentrations.
    pub concentration_lambda: f64,
    /// What the fit must pass.
    pub gates: Gates,
}

/// What a fit gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// The profile; `None` unless `status` is [`Status::Ok`].
    pub profile: Option<Profile>,
    /// How it fared.
    pub status: Status,
    /// What was measured on the way, whatever came of it.
    pub measured: Measured,
}

/// What was measured on the way.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Measured {
    /// Pixels that were looked at.
    pub pixels: u64,
    /// Those that are tissue.
    pub tissue_px: u64,
    /// Angle between the stain vectors in degrees.
    pub angle_deg: Option<f64>,
    /// Ratio of the singular values of the unit stain vectors.
    pub condition: Option<f64>,
    /// Angle of each stain vector to the reference's, in degrees.
    pub reference_angles_deg: Option<[f64; 2]>,
}

impl Default for FitOptions {
    /// torchstain's constants, StainTools' for Vahadane, and our gates.
    fn default() -> Self {
        Self {
            method: Method::default(),
            white: WhitePoint::Given([240.0; 3]),
            beta: 0.15,
            alpha: 1.0,
            max_percentile: 99.0,
            over: Over::All,
            lambda: 0.1,
            concentration_lambda: 0.01,
            gates: Gates::default(),
        }
    }
}

impl FitOptions {
    /// A fit with options out of these bounds never panics and gives no number that is none, but what
    /// it does give has no meaning.
    ///
    /// # Errors
    /// [`Error::Params`] with the option that is out of bounds.
    pub fn check(&self) -> Result<()> {
        let within = |field: &str, value: f64, least: f64, most: f64| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(Error::params(field, format!("{value} where {least} to {most} is allowed")))
        };
        if let WhitePoint::Given(io) = self.white {
            io.into_iter().try_for_each(|io| within("white", io, 1.0, 512.0))?;
        }
        within("beta", self.beta, 0.0, 5.0)?;
        within("alpha", self.alpha, 0.0, 49.0)?;
        within("max_percentile", self.max_percentile, 50.0, 100.0)?;
        within("lambda", self.lambda, 0.0, 1.0)?;
        within("concentration_lambda", self.concentration_lambda, 0.0, 1.0)
    }

    /// How samples become densities, as the method defines it.
    pub(super) fn scale(&self, channels: &[[u64; 256]; 3]) -> OdScale {
        match (self.method, self.white) {
            (Method::Vahadane | Method::Ruifrok, _) => OdScale::staintools(),
            (_, WhitePoint::Given(io)) => OdScale::torchstain(io),
            (_, WhitePoint::Estimated) => OdScale::torchstain(white_point(channels)),
        }
    }
}

/// The white point (Io of [`OdScale::torchstain`]) of pixels whose samples were counted by channel.
///
/// Per channel one more than the 99th percentile: not the maximum, which is dust, an edge or the
/// ringing of a JPEG; and one more because the scale adds one to a sample, so that a pixel of this
/// white has no density. Where it is below 180 in any channel there is no background to measure it
/// on (scanners are set to 220 to 250; a patch full of tissue is darker), and 240 is taken for all three: to take pale
/// tissue for white would remove its stain.
pub fn white_point(channels: &[[u64; 256]; 3]) -> [f64; 3] {
    let brightest = channels.each_ref().map(|counts| {
        let total = counts.iter().fold(0_u128, |sum, count| sum + u128::from(*count));
        // The smallest sample that 99 of 100 pixels do not exceed.
        let mut seen = 0_u128;
        (0..=255_u8).zip(counts).find_map(|(sample, count)| {
            seen += u128::from(*count);
            (total > 0 && seen * 100 >= total * 99).then_some(sample)
        })
    });
    if brightest.iter().any(|sample| sample.is_none_or(|sample| sample < 180)) {
        return [240.0; 3];
    }
    brightest.map(|sample| f64::from(sample.unwrap_or(239)) + 1.0)
}

impl Fitted {
    /// `source`: how many images, and their digest.
    pub(super) fn of(
        method: Method,
        stains: std::result::Result<Stains, Status>,
        measured: Measured,
        source: (u64, Option<String>),
    ) -> Self {
        match stains {
            Ok(stains) => Self::with(method, (Some(stains), None), measured, source),
            Err(status) => Self { profile: None, status, measured },
        }
    }

    pub(super) fn with(
        method: Method,
        (stains, lab): (Option<Stains>, Option<Moments>),
        measured: Measured,
        (images, fitted_on): (u64, Option<String>),
    ) -> Self {
        let profile = Profile {
            profile: PROFILE_VERSION,
            method,
            version: macenko::VERSION.into(),
            stains,
            lab,
            images,
            pixels: measured.pixels,
            tissue_px: measured.tissue_px,
            angle_deg: measured.angle_deg,
            fitted_on,
        };
        // Gates may be set wider than what a profile can be used for.
        match profile.check() {
            Ok(()) => Self { profile: Some(profile), status: Status::Ok, measured },
            Err(_) => Self { profile: None, status: Status::Conditioning, measured },
        }
    }
}

/// Fits a pool, exactly.
///
/// What is looked at are the colours of the pool, and [`Measured::tissue_px`] counts those: of a pool
/// that was drawn from more ([`super::Sample`]), what was kept. All methods ask for tissue of more than one
/// colour: of less there is nothing to fit.
pub fn fit(pool: &Pool, options: &FitOptions) -> Fitted {
    let mut measured = Measured::default();
    let source = (pool.images(), Some(pool.digest().to_string()));
    let mut counted = Counted::new(pool, options.scale(pool.channels()), options);
    if options.method == Method::Macenko {
        let stains = macenko::fit_stains(&mut counted, options, &mut measured);
        return Fitted::of(options.method, stains, measured, source);
    }
    let sums = counted.sums();
    (measured.pixels, measured.tissue_px) = (pool.pixels(), sums.count);
    if let Err(status) = options.gates.admit(&sums, pool.counted()) {
        return Fitted { profile: None, status, measured };
    }
    if matches!(options.method, Method::Reinhard | Method::ReinhardModified) {
        return match reinhard::moments(pool) {
            Some(lab) => Fitted::with(options.method, (None, Some(lab)), measured, source),
            None => Fitted { profile: None, status: Status::TooFewTissue, measured },
        };
    }
    let stains = two_stains(&mut counted, options, &mut measured);
    Fitted::of(options.method, stains, measured, source)
}

/// Vahadane's, and Ruifrok's which are always the same.
fn two_stains(
    counted: &mut Counted<'_>,
    options: &FitOptions,
    measured: &mut Measured,
) -> std::result::Result<Stains, Status> {
    let scale = *counted.scale().0;
    let (matrix, lambda) = if options.method == Method::Ruifrok {
        (ruifrok::MATRIX, None)
    } else {
        let found = vahadane::stains(counted.pool(), &scale, options.beta, options.lambda);
        (found.ok_or(Status::OneColour)?, Some(options.concentration_lambda))
    };
    options.gates.judge(&matrix, measured)?;
    let unmixing = Unmixing::new(matrix, lambda).ok_or(Status::Conditioning)?;
    let max_concentrations = counted.maxima(&unmixing).ok_or(Status::TooFewTissue)?;
    judge_maxima(max_concentrations)?;
    Ok(Stains { scale, matrix, max_concentrations, over: options.over, lambda })
}

/// Fits one image (R, G, B interleaved): by [`FastFit`], which finds the same stains and moments as
/// [`fit`] to the last bit. By Macenko and the Reinhard methods it is several times faster, and its
/// profile has no digest of what it was fitted on, which would take longer than the fit. Who fits many
/// keeps a [`FastFit`].
pub fn fit_rgb(rgb: &[u8], options: &FitOptions) -> Fitted {
    FastFit::new(options).fit(rgb)
}
