//! A node of a policy: an op, or a container of nodes.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::blur::{Defocus, GaussianBlur, MedianBlur, MotionBlur};
use super::field::{CoarseDropout, Fog, Rain, Shadow, SunFlare};
use super::frame::{Crop, Pad, RandomResizedCrop, Resize};
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

/// Nodes one after the other (`compose` and `sequential`), or one of them (`one-of`).
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct Branch {
    /// Probability that anything of it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// The nodes.
    pub ops: Vec<Node>,
}

impl Default for Branch {
    fn default() -> Self {
        Self { p: 1.0, ops: Vec::new() }
    }
}

/// Some of its nodes.
#[derive(Serialize, Deserialize, JsonSchema, Validate, Clone, Debug, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[garde(allow_unvalidated)]
pub struct SomeOf {
    /// Probability that anything of it is done; in `one-of` and `some-of`, its weight.
    #[garde(range(min = 0.0, max = 1.0))]
    pub p: f64,
    /// How many are taken, at most as many as there are (unless `replace`).
    #[garde(range(min = 1, max = ROUNDS_MAX))]
    pub n: u32,
    /// Whether one may be taken several times. Then its nodes are ops, no containers.
    pub replace: bool,
    /// The nodes. Their `p` are the weights; those that are taken are done, in the order of this list.
    pub ops: Vec<Node>,
}

impl Default for SomeOf {
    fn default() -> Self {
        Self { p: 1.0, n: 1, replace: false, ops: Vec::new() }
    }
}

/// Largest number of nodes that `some-of` takes.
pub const ROUNDS_MAX: u32 = 32;

/// An op, or a container of nodes: an object with one field, the node's name.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Node {
    /// All nodes, in order.
    Compose(Branch),
    /// All nodes, in order: the same as `compose`.
    Sequential(Branch),
    /// One node, drawn by weight (their `p`), which is then done.
    OneOf(Branch),
    /// Some nodes, drawn by weight (their `p`), which are then done.
    SomeOf(SomeOf),
    /// Left and right change places.
    HorizontalFlip(HorizontalFlip),
    /// Top and bottom change places.
    VerticalFlip(VerticalFlip),
    /// Columns become rows.
    Transpose(Transpose),
    /// Quarter turns.
    Rot90(Rot90),
    /// Any angle about the centre.
    Rotate(Rotate),
    /// Scale, turn, shear, move.
    Affine(Affine),
    /// Corners drawn in and out.
    Perspective(Perspective),
    /// A smooth random field bends.
    Elastic(Elastic),
    /// Columns and rows of a grid, wider and narrower.
    GridDistortion(GridDistortion),
    /// A random part, resized.
    RandomResizedCrop(RandomResizedCrop),
    /// A part, random or the centre.
    Crop(Crop),
    /// Pixels at the edges.
    Pad(Pad),
    /// Another size.
    Resize(Resize),
    /// Brightness and contrast, one table.
    BrightnessContrast(BrightnessContrast),
    /// Brightness, contrast, saturation, hue.
    ColorJitter(ColorJitter),
    /// A power of each sample.
    Gamma(Gamma),
    /// Grey in all channels.
    ToGrey(ToGrey),
    /// Channels change places.
    ChannelShuffle(ChannelShuffle),
    /// Contrast-limited adaptive histogram equalisation.
    Clahe(Clahe),
    /// Fewer bits.
    Posterize(Posterize),
    /// Bright samples inverted.
    Solarize(Solarize),
    /// Histogram equalised.
    Equalize(Equalize),
    /// A negative.
    Invert(Invert),
    /// Edges raised.
    Sharpen(Sharpen),
    /// Gaussian blur.
    GaussianBlur(GaussianBlur),
    /// Median of a window.
    MedianBlur(MedianBlur),
    /// Mean along a line.
    MotionBlur(MotionBlur),
    /// Mean over a disc.
    Defocus(Defocus),
    /// Normal noise.
    GaussNoise(GaussNoise),
    /// Noise of a sensor.
    IsoNoise(IsoNoise),
    /// Noise of counted photons.
    ShotNoise(ShotNoise),
    /// Encoded and decoded.
    Jpeg(Jpeg),
    /// Made small and large again.
    Downscale(Downscale),
    /// Rectangles covered.
    CoarseDropout(CoarseDropout),
    /// Fog.
    Fog(Fog),
    /// Rain.
    Rain(Rain),
    /// Shadows.
    Shadow(Shadow),
    /// The sun in the lens.
    SunFlare(SunFlare),
    /// Amounts of hematoxylin, eosin and DAB changed (Tellez 2018).
    HedJitter(HedJitter),
    /// Amounts of the image's own stains changed.
    ConcentrationJitter(ConcentrationJitter),
    /// Reinhard towards a drawn target (Shen 2022).
    Randstainna(Randstainna),
}

/// What a node is.
#[derive(Clone, Copy)]
pub enum Part<'a> {
    /// Children, all in order.
    All(&'a Branch),
    /// Children, one of them.
    One(&'a Branch),
    /// Children, some of them.
    Some(&'a SomeOf),
    /// An op.
    Op(&'a dyn Op),
}

impl Node {
    /// The node as a container or as an op.
    pub fn part(&self) -> Part<'_> {
        match self {
            Self::Compose(branch) | Self::Sequential(branch) => Part::All(branch),
            Self::OneOf(branch) => Part::One(branch),
            Self::SomeOf(some) => Part::Some(some),
            Self::HorizontalFlip(op) => Part::Op(op),
            Self::VerticalFlip(op) => Part::Op(op),
            Self::Transpose(op) => Part::Op(op),
            Self::Rot90(op) => Part::Op(op),
            Self::Rotate(op) => Part::Op(op),
            Self::Affine(op) => Part::Op(op),
            Self::Perspective(op) => Part::Op(op),
            Self::Elastic(op) => Part::Op(op),
            Self::GridDistortion(op) => Part::Op(op),
            Self::RandomResizedCrop(op) => Part::Op(op),
            Self::Crop(op) => Part::Op(op),
            Self::Pad(op) => Part::Op(op),
            Self::Resize(op) => Part::Op(op),
            Self::BrightnessContrast(op) => Part::Op(op),
            Self::ColorJitter(op) => Part::Op(op),
            Self::Gamma(op) => Part::Op(op),
            Self::ToGrey(op) => Part::Op(op),
            Self::ChannelShuffle(op) => Part::Op(op),
            Self::Clahe(op) => Part::Op(op),
            Self::Posterize(op) => Part::Op(op),
            Self::Solarize(op) => Part::Op(op),
            Self::Equalize(op) => Part::Op(op),
            Self::Invert(op) => Part::Op(op),
            Self::Sharpen(op) => Part::Op(op),
            Self::GaussianBlur(op) => Part::Op(op),
            Self::MedianBlur(op) => Part::Op(op),
            Self::MotionBlur(op) => Part::Op(op),
            Self::Defocus(op) => Part::Op(op),
            Self::GaussNoise(op) => Part::Op(op),
            Self::IsoNoise(op) => Part::Op(op),
            Self::ShotNoise(op) => Part::Op(op),
            Self::Jpeg(op) => Part::Op(op),
            Self::Downscale(op) => Part::Op(op),
            Self::CoarseDropout(op) => Part::Op(op),
            Self::Fog(op) => Part::Op(op),
            Self::Rain(op) => Part::Op(op),
            Self::Shadow(op) => Part::Op(op),
            Self::SunFlare(op) => Part::Op(op),
            Self::HedJitter(op) => Part::Op(op),
            Self::ConcentrationJitter(op) => Part::Op(op),
            Self::Randstainna(op) => Part::Op(op),
        }
    }

    /// Its name in a policy, and its number in draws: frozen, whatever is added later.
    pub fn name(&self) -> (&'static str, u32) {
        match self {
            Self::Compose(_) => ("compose", 0),
            Self::Sequential(_) => ("sequential", 1),
            Self::OneOf(_) => ("one-of", 2),
            Self::SomeOf(_) => ("some-of", 3),
            Self::HorizontalFlip(_) => ("horizontal-flip", 16),
            Self::VerticalFlip(_) => ("vertical-flip", 17),
            Self::Transpose(_) => ("transpose", 18),
            Self::Rot90(_) => ("rot90", 19),
            Self::Rotate(_) => ("rotate", 20),
            Self::Affine(_) => ("affine", 21),
            Self::Perspective(_) => ("perspective", 22),
            Self::Elastic(_) => ("elastic", 23),
            Self::GridDistortion(_) => ("grid-distortion", 24),
            Self::RandomResizedCrop(_) => ("random-resized-crop", 25),
            Self::Crop(_) => ("crop", 26),
            Self::Pad(_) => ("pad", 27),
            Self::Resize(_) => ("resize", 28),
            Self::BrightnessContrast(_) => ("brightness-contrast", 29),
            Self::ColorJitter(_) => ("color-jitter", 30),
            Self::Gamma(_) => ("gamma", 31),
            Self::ToGrey(_) => ("to-grey", 32),
            Self::ChannelShuffle(_) => ("channel-shuffle", 33),
            Self::Clahe(_) => ("clahe", 34),
            Self::Posterize(_) => ("posterize", 35),
            Self::Solarize(_) => ("solarize", 36),
            Self::Equalize(_) => ("equalize", 37),
            Self::Invert(_) => ("invert", 38),
            Self::Sharpen(_) => ("sharpen", 39),
            Self::GaussianBlur(_) => ("gaussian-blur", 40),
            Self::MedianBlur(_) => ("median-blur", 41),
            Self::MotionBlur(_) => ("motion-blur", 42),
            Self::Defocus(_) => ("defocus", 43),
            Self::GaussNoise(_) => ("gauss-noise", 44),
            Self::IsoNoise(_) => ("iso-noise", 45),
            Self::ShotNoise(_) => ("shot-noise", 46),
            Self::Jpeg(_) => ("jpeg", 47),
            Self::Downscale(_) => ("downscale", 48),
            Self::CoarseDropout(_) => ("coarse-dropout", 49),
            Self::Fog(_) => ("fog", 50),
            Self::Rain(_) => ("rain", 51),
            Self::Shadow(_) => ("shadow", 52),
            Self::SunFlare(_) => ("sun-flare", 53),
            Self::HedJitter(_) => ("hed-jitter", 54),
            Self::ConcentrationJitter(_) => ("concentration-jitter", 55),
            Self::Randstainna(_) => ("randstainna", 56),
        }
    }

    /// Its children; none of an op.
    pub fn children(&self) -> &[Self] {
        match self.part() {
            Part::All(branch) | Part::One(branch) => &branch.ops,
            Part::Some(some) => &some.ops,
            Part::Op(_) => &[],
        }
    }

    /// Its probability, or weight.
    pub fn p(&self) -> f64 {
        match self.part() {
            Part::All(branch) | Part::One(branch) => branch.p,
            Part::Some(some) => some.p,
            Part::Op(op) => op.p(),
        }
    }

    /// Whether it holds other nodes.
    pub fn is_container(&self) -> bool {
        !matches!(self.part(), Part::Op(_))
    }

    /// The same container with other children; an op stays as it is.
    #[must_use]
    pub fn with_children(mut self, children: Option<Vec<Self>>) -> Self {
        match (&mut self, children) {
            (Self::Compose(b) | Self::Sequential(b) | Self::OneOf(b), Some(ops)) => b.ops = ops,
            (Self::SomeOf(some), Some(ops)) => some.ops = ops,
            _ => {}
        }
        self
    }
}
