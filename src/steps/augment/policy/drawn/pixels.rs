//! Ops that change samples.

use super::super::blur::{Defocus, GaussianBlur, MedianBlur, MotionBlur};
use super::super::draw::Draws;
use super::super::field::{CoarseDropout, Fog, Rain, Shadow, SunFlare};
use super::super::node::Node;
use super::super::noise::{Downscale, GaussNoise, IsoNoise, Jpeg, ShotNoise};
use super::super::op::Op;
use super::super::stain::{ConcentrationJitter, HedJitter, Randstainna};
use super::super::tone::{
    BrightnessContrast, ChannelShuffle, Clahe, ColorJitter, Equalize, Gamma, Invert, Posterize,
    Sharpen, Solarize, ToGrey,
};

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
            length_px: draws.odd(self.length_px),
            angle_deg: draws.between(self.angle_deg),
        })
    }
}

impl Op for Defocus {
    fn p(&self) -> f64 {
        self.p
    }

    fn drawn(&self, draws: &mut Draws) -> Node {
        Node::Defocus(Self {
            p: 1.0,
            radius_px: draws.whole(self.radius_px),
            alias_px: draws.between(self.alias_px),
        })
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
            key: Some(draws.key(&self.key)),
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
            key: Some(draws.key(&self.key)),
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
            key: Some(draws.key(&self.key)),
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
            height: self.height,
            width: self.width,
            fill: self.fill,
            key: Some(draws.key(&self.key)),
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
            key: Some(draws.key(&self.key)),
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
            key: Some(draws.key(&self.key)),
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
            key: Some(draws.key(&self.key)),
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
            key: Some(draws.key(&self.key)),
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
