//! Noise, and what encoders and sensors take away.

use super::super::picture::Picture;
use super::super::policy::draw::own;
use super::super::policy::noise::{Downscale, GaussNoise, IsoNoise, Jpeg, ShotNoise};
use crate::error::Result;
use crate::pixels::degrade::{self, Up};
use crate::pixels::noise::{self, Iso};

pub fn gauss(op: &GaussNoise, picture: &mut Picture<'_>) -> Result<()> {
    let mut stream = own(&op.key)?;
    picture.replace(|image| {
        noise::gaussian(image, 255.0 * op.std[0], 0.0, op.per_channel, &mut stream)
    })
}

pub fn iso(op: &IsoNoise, picture: &mut Picture<'_>) -> Result<()> {
    let mut stream = own(&op.key)?;
    let strength = Iso { colour_shift: op.color_shift[0], intensity: op.intensity[0] };
    picture.replace(|image| noise::iso(image, strength, &mut stream))
}

pub fn shot(op: &ShotNoise, picture: &mut Picture<'_>) -> Result<()> {
    let mut stream = own(&op.key)?;
    picture.replace(|image| noise::shot(image, 255.0 * op.scale[0], &mut stream))
}

pub fn jpeg(op: &Jpeg, picture: &mut Picture<'_>) -> Result<()> {
    picture.replace(|image| degrade::jpeg(image, op.quality[0].min(100) as u8))
}

pub fn downscale(op: &Downscale, picture: &mut Picture<'_>) -> Result<()> {
    picture.replace(|image| degrade::downscale(image, op.scale[0], Up::Nearest))
}
