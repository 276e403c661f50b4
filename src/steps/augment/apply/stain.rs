//! Stains.

use super::super::picture::Picture;
use super::super::policy::stain::{ConcentrationJitter, HedJitter, Randstainna, StainVectors};
use crate::error::{Error, Result};
use crate::image::Image;
use crate::pixels::colour;
use crate::stain::reinhard::{Reinhard, moments_of_rgb};
use crate::stain::{Cast, FastFit, FitOptions, Method, Moments, Over, Stains, hed, macenko};

/// Deviations of a drawn target are at least this: what 8 bits can show.
const LEAST_STD: f64 = 0.01;

/// The samples of a colour image.
fn rgb<'a>(image: &'a mut Image, op: &str) -> Result<&'a mut [u8]> {
    let channels = image.channels();
    match image.as_u8_mut() {
        Some(samples) if channels == 3 => Ok(samples),
        _ => Err(Error::unsupported(
            format!("`{op}` of an image without colours"),
            "leave it out, or take the op out of the policy",
        )),
    }
}

pub fn hed_jitter(op: &HedJitter, picture: &mut Picture<'_>) -> Result<()> {
    let alpha = [op.h_scale[0], op.e_scale[0], op.d_scale[0]];
    let beta = [op.h_shift[0], op.e_shift[0], op.d_shift[0]];
    picture.change(|image| {
        rgb(image, "hed-jitter")?;
        colour::hed_jitter(image, alpha, beta)
    })
}

pub fn concentration_jitter(op: &ConcentrationJitter, picture: &mut Picture<'_>) -> Result<()> {
    picture.change(|image| {
        let samples = rgb(image, "concentration-jitter")?;
        let options = FitOptions { over: Over::Tissue, ..FitOptions::default() };
        let own = match op.stains {
            StainVectors::Image => FastFit::new(&options).fit_stains(samples).0.ok(),
            StainVectors::Reference => None,
        };
        let Some(Stains { matrix: [h, e], scale, .. }) = own.or(macenko::reference().stains) else {
            return Err(Error::Bug { message: "Macenko has a reference".into() });
        };
        // What lies across both stains is a third one, of unit length, which stays as it is.
        let across = across(h, e);
        let alpha = [op.h_scale[0], op.e_scale[0], 1.0];
        let beta = [op.h_shift[0], op.e_shift[0], 0.0];
        let factors = hed::jitter(&[h, e, across], alpha, beta, &scale).ok_or_else(|| {
            Error::Bug { message: "two stains that are one passed the gates".into() }
        })?;
        let before = samples.to_vec();
        factors.apply(&before, samples, Cast::Round)
    })
}

/// The direction at right angles to both.
fn across(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    let length = (cross[0] * cross[0] + cross[1] * cross[1] + cross[2] * cross[2]).sqrt();
    cross.map(|part| part / length)
}

pub fn randstainna(op: &Randstainna, picture: &mut Picture<'_>) -> Result<()> {
    let target = Moments {
        mean: [op.l_mean.mean, op.a_mean.mean, op.b_mean.mean],
        std: [op.l_std.mean, op.a_std.mean, op.b_std.mean].map(|std| std.max(LEAST_STD)),
    };
    picture.change(|image| {
        let samples = rgb(image, "randstainna")?;
        let Some(source) = moments_of_rgb(samples) else { return Ok(()) };
        let before = samples.to_vec();
        Reinhard::new(Method::Reinhard, &source, &target).apply(&before, samples, Cast::Round)
    })
}
