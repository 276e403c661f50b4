//! What each op draws: each range becomes one number, in the order of the fields.

use super::blur::{Defocus, GaussianBlur, MedianBlur, MotionBlur};
use super::draw::Draws;
use super::field::{CoarseDropout, Fog, Rain, Shadow, SunFlare};
use super::frame::{Crop, Pad, RandomResizedCrop, Resize};
use super::node::Node;
use super::noise::{Downscale, GaussNoise, IsoNoise, Jpeg, ShotNoise};
use super::op::Op;
use super::place::{
    Affine, Elastic, GridDistortion, HorizontalFlip, Perspective, Rot90, Rotate, Transpose,
    VerticalFlip,
};
use super::stain::{ConcentrationJitter, HedJitter, Randstainna};
use super::tone::{
    BrightnessContrast, ChannelShuffle, Clahe, ColorJitter, Equalize, Gamma, Invert, Posterize,
    Sharpen, Solarize, ToGrey,
};

impl Op for HorizontalFlip {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, _: &mut Draws) -> Node {
        Node::HorizontalFlip(Self { p: 1.0 })
    }
}

impl Op for VerticalFlip {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, _: &mut Draws) -> Node {
        Node::VerticalFlip(Self { p: 1.0 })
    }
}

impl Op for Transpose {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, _: &mut Draws) -> Node {
        Node::Transpose(Self { p: 1.0 })
    }
}

impl Op for Rot90 {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Rot90(Self { p: 1.0, turns: draws.whole(self.turns) })
    }
}

impl Op for Rotate {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Rotate(Self {
            p: 1.0,
            angle_deg: draws.between(self.angle_deg),
            interpolation: self.interpolation,
            border: self.border,
            fill: self.fill,
            mask_fill: self.mask_fill,
        })
    }
}

impl Op for Affine {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Affine(Self {
            p: 1.0,
            scale: draws.between(self.scale),
            scale_y: self.scale_y.map(|range| draws.between(range)),
            angle_deg: draws.between(self.angle_deg),
            shear_x_deg: draws.between(self.shear_x_deg),
            shear_y_deg: draws.between(self.shear_y_deg),
            translate_x: draws.between(self.translate_x),
            translate_y: draws.between(self.translate_y),
            interpolation: self.interpolation,
            border: self.border,
            fill: self.fill,
            mask_fill: self.mask_fill,
        })
    }
}

impl Op for Perspective {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Perspective(Self {
            p: 1.0,
            scale: draws.between(self.scale),
            interpolation: self.interpolation,
            border: self.border,
            fill: self.fill,
            mask_fill: self.mask_fill,
            key: Some(draws.key(self.key)),
        })
    }
}

impl Op for Elastic {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Elastic(Self {
            p: 1.0,
            alpha_px: draws.between(self.alpha_px),
            sigma_px: draws.between(self.sigma_px),
            interpolation: self.interpolation,
            border: self.border,
            fill: self.fill,
            mask_fill: self.mask_fill,
            key: Some(draws.key(self.key)),
        })
    }
}

impl Op for GridDistortion {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::GridDistortion(Self {
            p: 1.0,
            cells: self.cells,
            shift: draws.between(self.shift),
            interpolation: self.interpolation,
            border: self.border,
            fill: self.fill,
            mask_fill: self.mask_fill,
            key: Some(draws.key(self.key)),
        })
    }
}

impl Op for RandomResizedCrop {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::RandomResizedCrop(Self {
            p: 1.0,
            width_px: self.width_px,
            height_px: self.height_px,
            area: draws.between(self.area),
            ratio: draws.between_logs(self.ratio),
            x: draws.between(self.x),
            y: draws.between(self.y),
            filter: self.filter,
        })
    }
}

impl Op for Crop {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Crop(Self {
            p: 1.0,
            width_px: self.width_px,
            height_px: self.height_px,
            x: draws.between(self.x),
            y: draws.between(self.y),
            border: self.border,
            fill: self.fill,
            mask_fill: self.mask_fill,
        })
    }
}

impl Op for Pad {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Pad(Self {
            p: 1.0,
            left_px: self.left_px,
            top_px: self.top_px,
            right_px: self.right_px,
            bottom_px: self.bottom_px,
            min_width_px: self.min_width_px,
            min_height_px: self.min_height_px,
            multiple_px: self.multiple_px,
            x: draws.between(self.x),
            y: draws.between(self.y),
            border: self.border,
            fill: self.fill,
            mask_fill: self.mask_fill,
        })
    }
}

impl Op for Resize {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, _: &mut Draws) -> Node {
        Node::Resize(Self {
            p: 1.0,
            width_px: self.width_px,
            height_px: self.height_px,
            filter: self.filter,
        })
    }
}

impl Op for BrightnessContrast {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::BrightnessContrast(Self {
            p: 1.0,
            brightness: draws.between(self.brightness),
            contrast: draws.between(self.contrast),
        })
    }
}

impl Op for ColorJitter {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::ColorJitter(Self {
            p: 1.0,
            brightness: draws.between(self.brightness),
            contrast: draws.between(self.contrast),
            saturation: draws.between(self.saturation),
            hue: draws.between(self.hue),
        })
    }
}

impl Op for Gamma {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Gamma(Self { p: 1.0, gamma: draws.between(self.gamma) })
    }
}

impl Op for ToGrey {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, _: &mut Draws) -> Node {
        Node::ToGrey(Self { p: 1.0 })
    }
}

impl Op for ChannelShuffle {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::ChannelShuffle(Self {
            p: 1.0,
            order: Some(self.order.unwrap_or_else(|| draws.order())),
        })
    }
}

impl Op for Clahe {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Clahe(Self {
            p: 1.0,
            clip_limit: draws.between(self.clip_limit),
            tiles_x: self.tiles_x,
            tiles_y: self.tiles_y,
        })
    }
}

impl Op for Posterize {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Posterize(Self { p: 1.0, bits: draws.whole(self.bits) })
    }
}

impl Op for Solarize {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Solarize(Self { p: 1.0, threshold: draws.whole(self.threshold) })
    }
}

impl Op for Equalize {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, _: &mut Draws) -> Node {
        Node::Equalize(Self { p: 1.0 })
    }
}

impl Op for Invert {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, _: &mut Draws) -> Node {
        Node::Invert(Self { p: 1.0 })
    }
}

impl Op for Sharpen {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Sharpen(Self {
            p: 1.0,
            alpha: draws.between(self.alpha),
            lightness: draws.between(self.lightness),
        })
    }
}

impl Op for GaussianBlur {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::GaussianBlur(Self { p: 1.0, sigma_px: draws.between(self.sigma_px) })
    }
}

impl Op for MedianBlur {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::MedianBlur(Self { p: 1.0, size_px: draws.odd(self.size_px) })
    }
}

impl Op for MotionBlur {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::MotionBlur(Self {
            p: 1.0,
            length_px: draws.between(self.length_px),
            angle_deg: draws.between(self.angle_deg),
        })
    }
}

impl Op for Defocus {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Defocus(Self { p: 1.0, radius_px: draws.between(self.radius_px) })
    }
}

impl Op for GaussNoise {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::GaussNoise(Self {
            p: 1.0,
            std: draws.between(self.std),
            per_channel: self.per_channel,
            key: Some(draws.key(self.key)),
        })
    }
}

impl Op for IsoNoise {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::IsoNoise(Self {
            p: 1.0,
            color_shift: draws.between(self.color_shift),
            intensity: draws.between(self.intensity),
            key: Some(draws.key(self.key)),
        })
    }
}

impl Op for ShotNoise {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::ShotNoise(Self {
            p: 1.0,
            scale: draws.between(self.scale),
            key: Some(draws.key(self.key)),
        })
    }
}

impl Op for Jpeg {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Jpeg(Self { p: 1.0, quality: draws.whole(self.quality) })
    }
}

impl Op for Downscale {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Downscale(Self { p: 1.0, scale: draws.between(self.scale) })
    }
}

impl Op for CoarseDropout {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::CoarseDropout(Self {
            p: 1.0,
            holes: draws.whole(self.holes),
            height: draws.between(self.height),
            width: draws.between(self.width),
            fill: self.fill,
            key: Some(draws.key(self.key)),
        })
    }
}

impl Op for Fog {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Fog(Self {
            p: 1.0,
            density: draws.between(self.density),
            key: Some(draws.key(self.key)),
        })
    }
}

impl Op for Rain {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Rain(Self {
            p: 1.0,
            drops: draws.whole(self.drops),
            length_px: draws.between(self.length_px),
            slant_deg: draws.between(self.slant_deg),
            darken: draws.between(self.darken),
            key: Some(draws.key(self.key)),
        })
    }
}

impl Op for Shadow {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Shadow(Self {
            p: 1.0,
            shadows: draws.whole(self.shadows),
            intensity: draws.between(self.intensity),
            key: Some(draws.key(self.key)),
        })
    }
}

impl Op for SunFlare {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::SunFlare(Self {
            p: 1.0,
            x: draws.between(self.x),
            y: draws.between(self.y),
            radius: draws.between(self.radius),
            intensity: draws.between(self.intensity),
            key: Some(draws.key(self.key)),
        })
    }
}

impl Op for HedJitter {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::HedJitter(Self {
            p: 1.0,
            h_scale: draws.between(self.h_scale),
            e_scale: draws.between(self.e_scale),
            d_scale: draws.between(self.d_scale),
            h_shift: draws.between(self.h_shift),
            e_shift: draws.between(self.e_shift),
            d_shift: draws.between(self.d_shift),
        })
    }
}

impl Op for ConcentrationJitter {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::ConcentrationJitter(Self {
            p: 1.0,
            stains: self.stains,
            h_scale: draws.between(self.h_scale),
            e_scale: draws.between(self.e_scale),
            h_shift: draws.between(self.h_shift),
            e_shift: draws.between(self.e_shift),
        })
    }
}

impl Op for Randstainna {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Randstainna(Self {
            p: 1.0,
            l_mean: draws.normal(self.l_mean),
            a_mean: draws.normal(self.a_mean),
            b_mean: draws.normal(self.b_mean),
            l_std: draws.normal(self.l_std),
            a_std: draws.normal(self.a_std),
            b_std: draws.normal(self.b_std),
        })
    }
}
