//! What lies before a lens.

use super::super::picture::Picture;
use super::super::policy::draw::own;
use super::super::policy::field::{CoarseDropout, Fog, Rain, Shadow, SunFlare};
use crate::error::Result;
use crate::pixels::dropout::{self, Fill};
use crate::pixels::weather::{self, Disc};

/// Pixels of the image for which `rain` counts its drops.
const RAIN_PX: f64 = 512.0 * 512.0;
/// Most streaks that are drawn.
const STREAKS_MAX: f64 = 100_000.0;
/// Corners of a shadow.
const CORNERS: u32 = 5;
/// Pale discs of a flare.
const DISCS: u32 = 6;

pub fn coarse_dropout(op: &CoarseDropout, picture: &mut Picture<'_>) -> Result<()> {
    let mut stream = own(&op.key)?;
    let (width, height) = picture.size();
    let part = |share: f64, side: u32| libm::round(share * f64::from(side)) as u32;
    let sides = |end: usize| (part(op.width[end], width), part(op.height[end], height));
    let holes = dropout::draw((width, height), op.holes[0], sides(0), sides(1), &mut stream);
    picture.replace(|image| dropout::coarse(image, &holes, Fill::Colour(op.fill)))
}

pub fn fog(op: &Fog, picture: &mut Picture<'_>) -> Result<()> {
    let mut stream = own(&op.key)?;
    let (width, height) = picture.size();
    let fog = weather::Fog {
        density: op.density[0],
        patchiness: 0.5,
        patch_px: (width.min(height) / 4).clamp(2, 65_536),
        colour: [255; 3],
    };
    picture.replace(|image| weather::fog(image, &fog, &mut stream))
}

pub fn rain(op: &Rain, picture: &mut Picture<'_>) -> Result<()> {
    let mut stream = own(&op.key)?;
    let (width, height) = picture.size();
    let share = f64::from(width) * f64::from(height) / RAIN_PX;
    let streaks = libm::round(f64::from(op.drops[0]) * share).clamp(0.0, STREAKS_MAX);
    let slant = op.length_px[0] * libm::tan(op.slant_deg[0].to_radians());
    let rain = weather::Rain {
        streaks: streaks as u32,
        length_px: libm::round(op.length_px[0]).max(1.0) as u32,
        width_px: 1,
        slant_px: libm::round(slant) as i32,
        colour: [200; 3],
        opacity: 0.7,
        blur_px: 3,
        brightness: op.darken[0],
    };
    picture.replace(|image| weather::rain(image, &rain, &mut stream))
}

pub fn shadow(op: &Shadow, picture: &mut Picture<'_>) -> Result<()> {
    let mut stream = own(&op.key)?;
    let part = (0.0, 0.0, 1.0, 1.0);
    let drawn = weather::Shadow::draw(
        picture.size(),
        part,
        op.shadows[0],
        CORNERS,
        op.intensity[0],
        &mut stream,
    );
    picture.replace(|image| weather::shadow(image, &drawn))
}

pub fn sun_flare(op: &SunFlare, picture: &mut Picture<'_>) -> Result<()> {
    let mut stream = own(&op.key)?;
    let (width, height) = picture.size();
    let sun = Disc {
        x_px: op.x[0] * f64::from(width) - 0.5,
        y_px: op.y[0] * f64::from(height) - 0.5,
        radius_px: op.radius[0] * f64::from(width.min(height)),
        colour: [255; 3],
        opacity: op.intensity[0],
    };
    let flare = weather::SunFlare::draw((width, height), sun, DISCS, &mut stream);
    picture.replace(|image| weather::sun_flare(image, &flare))
}
