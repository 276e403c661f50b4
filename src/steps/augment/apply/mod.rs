//! What each drawn op does to a picture.

mod blur;
mod field;
mod frame;
mod noise;
mod place;
mod stain;
mod tone;

use super::picture::Picture;
use super::policy::Node;
use crate::error::{Error, Result};

/// Does one op that was drawn: of each range, the lower bound counts.
///
/// # Errors
/// As the op: [`Error::Unsupported`] for an image that it cannot take, [`Error::Limit`] for what would
/// be too large.
pub fn apply(node: &Node, picture: &mut Picture<'_>) -> Result<()> {
    match node {
        Node::Compose(_) | Node::Sequential(_) | Node::OneOf(_) | Node::SomeOf(_) => {
            Err(Error::Bug { message: "a container is no drawn op".into() })
        }
        Node::HorizontalFlip(_) => place::horizontal_flip(picture),
        Node::VerticalFlip(_) => place::vertical_flip(picture),
        Node::Transpose(_) => place::transpose(picture),
        Node::Rot90(op) => place::rot90(op, picture),
        Node::Rotate(op) => place::rotate(op, picture),
        Node::Affine(op) => place::affine(op, picture),
        Node::Perspective(op) => place::perspective(op, picture),
        Node::Elastic(op) => place::elastic(op, picture),
        Node::GridDistortion(op) => place::grid_distortion(op, picture),
        Node::RandomResizedCrop(op) => frame::random_resized_crop(op, picture),
        Node::Crop(op) => frame::crop(op, picture),
        Node::Pad(op) => frame::pad(op, picture),
        Node::Resize(op) => frame::resize(op, picture),
        Node::BrightnessContrast(op) => tone::brightness_contrast(op, picture),
        Node::ColorJitter(op) => tone::color_jitter(op, picture),
        Node::Gamma(op) => tone::gamma(op, picture),
        Node::ToGrey(_) => tone::to_grey(picture),
        Node::ChannelShuffle(op) => tone::channel_shuffle(op, picture),
        Node::Clahe(op) => tone::clahe(op, picture),
        Node::Posterize(op) => tone::posterize(op, picture),
        Node::Solarize(op) => tone::solarize(op, picture),
        Node::Equalize(_) => tone::equalize(picture),
        Node::Invert(_) => tone::invert(picture),
        Node::Sharpen(op) => blur::sharpen(op, picture),
        Node::GaussianBlur(op) => blur::gaussian(op, picture),
        Node::MedianBlur(op) => blur::median(op, picture),
        Node::MotionBlur(op) => blur::motion(op, picture),
        Node::Defocus(op) => blur::defocus(op, picture),
        Node::GaussNoise(op) => noise::gauss(op, picture),
        Node::IsoNoise(op) => noise::iso(op, picture),
        Node::ShotNoise(op) => noise::shot(op, picture),
        Node::Jpeg(op) => noise::jpeg(op, picture),
        Node::Downscale(op) => noise::downscale(op, picture),
        Node::CoarseDropout(op) => field::coarse_dropout(op, picture),
        Node::Fog(op) => field::fog(op, picture),
        Node::Rain(op) => field::rain(op, picture),
        Node::Shadow(op) => field::shadow(op, picture),
        Node::SunFlare(op) => field::sun_flare(op, picture),
        Node::HedJitter(op) => stain::hed_jitter(op, picture),
        Node::ConcentrationJitter(op) => stain::concentration_jitter(op, picture),
        Node::Randstainna(op) => stain::randstainna(op, picture),
    }
}
