//! Blurs.

use super::super::picture::Picture;
use super::super::policy::blur::{Defocus, GaussianBlur, MedianBlur, MotionBlur};
use super::super::policy::tone::Sharpen;
use crate::error::Result;
use crate::pixels::blur;

pub fn sharpen(op: &Sharpen, picture: &mut Picture<'_>) -> Result<()> {
    picture.replace(|image| blur::sharpen(image, op.alpha[0], op.lightness[0]))
}

pub fn gaussian(op: &GaussianBlur, picture: &mut Picture<'_>) -> Result<()> {
    picture.replace(|image| blur::gaussian(image, op.sigma_px[0]))
}

pub fn median(op: &MedianBlur, picture: &mut Picture<'_>) -> Result<()> {
    picture.replace(|image| blur::median(image, op.size_px[0]))
}

pub fn motion(op: &MotionBlur, picture: &mut Picture<'_>) -> Result<()> {
    picture.replace(|image| blur::motion(image, op.length_px[0], op.angle_deg[0]))
}

pub fn defocus(op: &Defocus, picture: &mut Picture<'_>) -> Result<()> {
    picture.replace(|image| blur::defocus(image, op.radius_px[0], op.alias_px[0]))
}
