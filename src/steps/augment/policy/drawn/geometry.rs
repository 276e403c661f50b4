//! Ops that move pixels or change the frame.

use super::super::draw::Draws;
use super::super::frame::{Crop, Pad, RandomResizedCrop, Resize};
use super::super::node::Node;
use super::super::op::Op;
use super::super::place::{
    Affine, Elastic, GridDistortion, HorizontalFlip, Perspective, Rot90, Rotate, Transpose,
    VerticalFlip,
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
            key: Some(draws.key(&self.key)),
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
            key: Some(draws.key(&self.key)),
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
            stretch: draws.between(self.stretch),
            interpolation: self.interpolation,
            border: self.border,
            fill: self.fill,
            mask_fill: self.mask_fill,
            key: Some(draws.key(&self.key)),
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
