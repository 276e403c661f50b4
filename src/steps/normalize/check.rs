//! Params of `normalize` against each other.

use super::choices::{Contrast, Convention, Depth, Resize, WhiteBalance};
use super::reference::check_read;
use super::{Params, params};
use crate::error::{Error, Result};
use crate::pixels::resize::{Filter, Light};
use crate::steps::arrays::{Moments, Numbers, Output, Writing};
use crate::steps::photo::{Mode, Reading};
use crate::steps::targets::{BoxRules, Outline, PointRules, Rules};

impl Params {
    /// How images are read.
    pub fn reading(&self) -> Reading {
        Reading { keep_16_bit: self.depth != Depth::Eight, ..self.reading_8_bit() }
    }

    /// The same, always to 8 bits.
    pub fn reading_8_bit(&self) -> Reading {
        let &Self { background, icc, mode, .. } = self;
        Reading { background, icc, mode, keep_16_bit: false }
    }

    /// How results are written.
    pub fn writing(&self) -> Writing {
        let &Self { format, numbers, layout, dtype, quality, subsampling, .. } = self;
        Writing { output: format, numbers, layout, dtype, quality, subsampling }
    }

    /// The rules for what moves with an image.
    pub fn rules(&self) -> Rules {
        let boxes = BoxRules {
            format: self.box_format,
            // Sides stay upright: their corners say all.
            outline: Outline::Corners,
            outside: self.outside_boxes,
            min_visibility: self.min_box_visibility,
            min_width_px: self.min_box_px,
            min_height_px: self.min_box_px,
        };
        let points = PointRules { origin: self.keypoint_origin, outside: self.outside_keypoints };
        Rules { boxes, points }
    }

    /// Channels of what is made; with `mode: auto`, those of colours.
    pub fn channels(&self) -> usize {
        if self.mode == Mode::Grey { 1 } else { 3 }
    }

    /// Mean and deviation that are known before any image is: none with `numbers: profile` and no
    /// `profile`.
    pub(super) fn moments(&self) -> Option<Moments> {
        match (self.numbers, &self.profile) {
            (Numbers::None | Numbers::Unit, _) => Some(Moments::unit()),
            (Numbers::Imagenet, _) => Some(Moments::imagenet()),
            (Numbers::Own, _) => Some(Moments { mean: self.mean.clone(), std: self.std.clone() }),
            (Numbers::Profile, Some(p)) => {
                Some(Moments { mean: p.mean.clone(), std: p.std.clone() })
            }
            (Numbers::Profile, None) => None,
        }
    }

    /// Checks params against each other.
    ///
    /// # Errors
    /// [`Error::Params`] naming the field.
    pub fn check(&self) -> Result<()> {
        self.check_depth()?;
        self.check_colours()?;
        self.check_contrast()?;
        self.check_size()?;
        self.check_numbers()?;
        self.writing().check()
    }

    fn check_depth(&self) -> Result<()> {
        if self.depth == Depth::Eight {
            return Ok(());
        }
        let needs = |what: &str| {
            Err(Error::params("depth", format!("{what} needs samples of 8 bits: take `depth: 8`")))
        };
        if self.white_balance != WhiteBalance::None {
            return needs("white balance");
        }
        if self.contrast != Contrast::None {
            return needs("contrast");
        }
        if self.gamma != 1.0 {
            return needs("gamma");
        }
        if self.convention == Convention::Pillow {
            return needs("`convention: pillow`");
        }
        if self.format == Output::Jpeg {
            return needs("JPEG");
        }
        let is_array = matches!(self.format, Output::Npy | Output::Safetensors);
        if is_array && self.numbers == Numbers::None {
            return needs("an array of samples as they are");
        }
        Ok(())
    }

    fn check_colours(&self) -> Result<()> {
        if self.white_balance != WhiteBalance::None && self.mode == Mode::Grey {
            return Err(Error::params(
                "white_balance",
                "`mode: grey` leaves no colours to balance",
            ));
        }
        Ok(())
    }

    fn check_contrast(&self) -> Result<()> {
        if self.contrast == Contrast::Stretch && self.low_percentile >= self.high_percentile {
            return Err(Error::params("low_percentile", "it is not below high_percentile"));
        }
        match (self.contrast, &self.match_to) {
            (Contrast::Match, None) => {
                Err(Error::params("match_to", "missing: `contrast: match` needs a reference"))
            }
            (Contrast::Match, Some(_)) if self.mode == Mode::Auto => Err(one_kind("match_to")),
            (Contrast::Match, Some(reference)) => reference.levels(self.channels()).map(|_| ()),
            (_, Some(_)) => Err(Error::params("match_to", "only `contrast: match` has one")),
            (_, None) => Ok(()),
        }
    }

    fn check_size(&self) -> Result<()> {
        let Self { width_px, height_px, side_px, .. } = self;
        let two = [("width_px", *width_px), ("height_px", *height_px)];
        let one = [("side_px", *side_px)];
        let (wanted, unwanted): (&[_], &[_]) = match self.resize {
            Resize::None => (&[], &[two[0], two[1], one[0]]),
            Resize::Exact | Resize::Letterbox => (&two, &one),
            Resize::Shortest | Resize::Longest => (&one, &two),
        };
        let name = serde_json::to_string(&self.resize).unwrap_or_default();
        if let Some((field, _)) = wanted.iter().find(|(_, value)| value.is_none()) {
            return Err(Error::params(*field, format!("missing: `resize` {name} needs it")));
        }
        if let Some((field, _)) = unwanted.iter().find(|(_, value)| value.is_some()) {
            return Err(Error::params(*field, format!("`resize` {name} has no use for it")));
        }
        if !self.enlarge && self.resize == Resize::Exact {
            let message = "`resize: exact` gives that size to every image: take letterbox";
            return Err(Error::params("enlarge", message));
        }
        if self.convention == Convention::Pillow {
            if self.light != Light::Gamma {
                return Err(Error::params("light", "Pillow averages samples as they are stored"));
            }
            if matches!(self.filter, Filter::Mitchell | Filter::Gaussian) {
                return Err(Error::params("filter", "Pillow has no such filter"));
            }
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<()> {
        let is_own = self.numbers == Numbers::Own;
        for (field, values) in [("mean", &self.mean), ("std", &self.std)] {
            if is_own && values.is_empty() {
                return Err(Error::params(field, "missing: `numbers: own` needs it"));
            }
            if !is_own && !values.is_empty() {
                return Err(Error::params(field, "only `numbers: own` has it"));
            }
        }
        if self.numbers == Numbers::Imagenet && self.mode != Mode::Rgb {
            let message = "ImageNet's statistics are of three channels: take `mode: rgb`, or `own`";
            return Err(Error::params("numbers", message));
        }
        if matches!(self.numbers, Numbers::Own | Numbers::Profile) && self.mode == Mode::Auto {
            return Err(one_kind("numbers"));
        }
        if let Some(profile) = &self.profile {
            if self.numbers != Numbers::Profile {
                return Err(Error::params("profile", "only `numbers: profile` has one"));
            }
            profile.check().map_err(|e| Error::params("profile", format!("it {e}")))?;
            check_read(profile, self, "profile")?;
        }
        let fields = if is_own { ("mean", "std") } else { ("profile", "profile") };
        match self.moments() {
            Some(moments) if matches!(self.numbers, Numbers::Own | Numbers::Profile) => {
                moments.check(self.channels(), fields)
            }
            _ => Ok(()),
        }
    }
}

fn one_kind(field: &str) -> Error {
    let message = "`mode: auto` mixes images of one and of three channels: take rgb or grey";
    Error::params(field, message)
}

/// Whether `fit-normalize`, earlier in the chain, reads images as these params do.
pub(super) fn fitted_alike(params: &params::Params, fit: &serde_json::Value) -> Result<()> {
    let own = serde_json::to_value(params).unwrap_or_default();
    for field in ["mode", "icc", "background"] {
        if fit[field] != own[field] {
            let message = format!(
                "{}, and `fit-normalize` before it has {}: give both steps the same",
                own[field], fit[field]
            );
            return Err(Error::params(field, message));
        }
    }
    Ok(())
}
