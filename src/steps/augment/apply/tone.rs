//! Tones and colours.

use super::super::picture::Picture;
use super::super::policy::tone::{
    BrightnessContrast, ChannelShuffle, Clahe, ColorJitter, Gamma, Posterize, Solarize,
};
use crate::error::Result;
use crate::pixels::colour::{self, Jitter};
use crate::pixels::histogram::{self, Over};
use crate::pixels::table::Table;

pub fn brightness_contrast(op: &BrightnessContrast, picture: &mut Picture<'_>) -> Result<()> {
    picture.table(Table::linear(1.0 + op.contrast[0], 255.0 * op.brightness[0]));
    Ok(())
}

pub fn color_jitter(op: &ColorJitter, picture: &mut Picture<'_>) -> Result<()> {
    let jitter = Jitter {
        brightness: op.brightness[0],
        contrast: op.contrast[0],
        saturation: op.saturation[0],
        hue_deg: 360.0 * op.hue[0],
    };
    picture.change(|image| jitter.apply(image))
}

pub fn gamma(op: &Gamma, picture: &mut Picture<'_>) -> Result<()> {
    picture.table(Table::gamma(op.gamma[0]));
    Ok(())
}

pub fn to_grey(picture: &mut Picture<'_>) -> Result<()> {
    if !picture.is_rgb() {
        return Ok(());
    }
    picture.replace(|image| colour::grey_to_rgb(&colour::to_grey(image)?))
}

pub fn channel_shuffle(op: &ChannelShuffle, picture: &mut Picture<'_>) -> Result<()> {
    match op.order {
        Some(order) if picture.is_rgb() => {
            picture.change(|image| colour::channel_shuffle(image, order))
        }
        _ => Ok(()),
    }
}

pub fn clahe(op: &Clahe, picture: &mut Picture<'_>) -> Result<()> {
    picture.replace(|image| {
        histogram::clahe(image, op.clip_limit[0], (op.tiles_x, op.tiles_y), Over::Lab)
    })
}

pub fn posterize(op: &Posterize, picture: &mut Picture<'_>) -> Result<()> {
    picture.table(Table::posterize(op.bits[0].min(8) as u8));
    Ok(())
}

pub fn solarize(op: &Solarize, picture: &mut Picture<'_>) -> Result<()> {
    picture.table(Table::solarize(op.threshold[0].min(255) as u8));
    Ok(())
}

pub fn equalize(picture: &mut Picture<'_>) -> Result<()> {
    picture.change(|image| histogram::equalize(image, Over::Channels))
}

pub fn invert(picture: &mut Picture<'_>) -> Result<()> {
    picture.table(Table::invert());
    Ok(())
}
