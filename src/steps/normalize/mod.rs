//! `normalize`: photos to one form. The page for users is [`Params`].

mod check;
mod choices;
mod frame;
mod look;
mod params;
mod reference;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_params;
#[cfg(test)]
mod tests_of_targets;
mod tone;

use std::sync::{Mutex, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

pub use choices::{Contrast, ContrastOver, Convention, Depth, Resize, WhiteBalance};
pub use params::Params;
pub use reference::Reference;

use super::arrays::{Moments, Numbers, no_arrays_before};
use super::fit_normalize::Profile;
use super::photo::{Read, working};
use super::targets::{BOXES, COLUMNS, Carried, KEYPOINTS, Leg, MASK};
use crate::error::{Error, Result};
use crate::image::{Image, Samples, check_size};
use crate::manifest::{Column, Kind};
use crate::pixels::histogram::Counts;
use crate::pixels::resize::Resizer;
use crate::step::{Made, Out, Source, Step};
use frame::Frame;
use look::Look;

const PROFILE: Column = Column {
    name: "fit-normalize.profile",
    kind: Kind::Text,
    made_by: "fit-normalize",
    doc: "mean and standard deviation of the data set as JSON, for `numbers: profile`",
};

/// What `normalize` says of an image. Positions and sizes are those of the upright source.
#[derive(Serialize, JsonSchema, Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// EXIF orientation that was applied, 1–8; 1 where the file was upright or did not say.
    pub orientation: u8,
    /// What the samples of the file stand for: grey, grey-alpha, rgb, rgba, palette, cmyk or ycck.
    pub source_mode: String,
    /// Bits per sample of the file.
    pub source_bits: u8,
    /// What became of its colour profile: none, srgb, converted, broken (left as stored) or ignored.
    pub icc: String,
    /// Columns of the upright source.
    pub source_width_px: u32,
    /// Rows of the upright source.
    pub source_height_px: u32,
    /// Share of pixels whose red, green and blue are within 8 levels of each other, 0–1.
    pub grey_fraction: f64,
    /// Whether it looks like an infrared (or grey) photo: `grey_fraction` is at least 0.99.
    pub looks_infrared: bool,
    /// Mean luma of the source, 0–255.
    pub mean_luminance: f64,
    /// Gain of white balance on red; null without white balance.
    pub gain_r: Option<f64>,
    /// Gain of white balance on green.
    pub gain_g: Option<f64>,
    /// Gain of white balance on blue.
    pub gain_b: Option<f64>,
    /// Level of red that `stretch` made black; where lightness or luma was stretched, that of all three.
    pub low_r: Option<f64>,
    /// Level of green that `stretch` made black.
    pub low_g: Option<f64>,
    /// Level of blue that `stretch` made black.
    pub low_b: Option<f64>,
    /// Level of red that `stretch` made white; where lightness or luma was stretched, that of all three.
    pub high_r: Option<f64>,
    /// Level of green that `stretch` made white.
    pub high_g: Option<f64>,
    /// Level of blue that `stretch` made white.
    pub high_b: Option<f64>,
    /// Pixels of the result per pixel of the source, along a row.
    pub scale_x: f64,
    /// Pixels of the result per pixel of the source, along a column.
    pub scale_y: f64,
    /// Column of the result at which the source's left edge lies; negative where it was cut off.
    pub offset_x_px: i64,
    /// Row of the result at which the source's upper edge lies; negative where it was cut off.
    pub offset_y_px: i64,
    /// Its boxes as JSON, in the form and format in which they came; null where there are none.
    #[serde(rename = "annotation.boxes")]
    pub boxes: Option<String>,
    /// Its keypoints as JSON, in the form in which they came; null where there are none.
    #[serde(rename = "annotation.keypoints")]
    pub keypoints: Option<String>,
    /// Boxes that were cut off, or of which too little is left.
    pub boxes_dropped: u64,
    /// Keypoints that were cut off.
    pub keypoints_dropped: u64,
}

/// The step.
pub struct Normalize {
    params: Params,
    /// Known before any image, or to be read from the manifest.
    moments: Option<Moments>,
    /// Of `contrast: match`; else empty.
    reference: Vec<Counts>,
    /// The memory of resizing, for the next image.
    resizers: Mutex<Vec<Resizer>>,
}

impl Step for Normalize {
    const NAME: &'static str = "normalize";
    const VERSION: &'static str = "1.0.0";
    type Params = Params;
    type Input = Source;
    type Facts = Facts;
    const READS: &'static [Column] = &[PROFILE, MASK, BOXES, KEYPOINTS];
    const COMPANIONS: &'static [Column] = &[MASK];

    fn new(params: Params) -> Result<Self> {
        params.check()?;
        let reference = match &params.match_to {
            Some(reference) => reference.levels(params.channels())?,
            None => Vec::new(),
        };
        Ok(Self { moments: params.moments(), reference, resizers: Mutex::default(), params })
    }

    fn reads(&self) -> &'static [Column] {
        if self.moments.is_none() { Self::READS } else { COLUMNS }
    }

    fn needs(&self) -> &'static [Column] {
        if self.moments.is_none() { &[PROFILE] } else { &[] }
    }

    fn after(&self, earlier: &[(&str, &Value)]) -> Result<()> {
        no_arrays_before(earlier)?;
        match earlier.iter().rfind(|(name, _)| *name == "fit-normalize") {
            Some((_, fit)) if self.moments.is_none() => check::fitted_alike(&self.params, fit),
            _ => Ok(()),
        }
    }

    fn inline(
        param: &str,
        files: &[(String, Vec<u8>)],
        given: &Map<String, Value>,
    ) -> Result<Value> {
        reference::inline(param, files, given)
    }

    fn run(&self, source: Source, out: &mut Out<'_, Facts>) -> Result<()> {
        let params = &self.params;
        // Before any pixel: without it, the rest is for nothing.
        let moments = match &self.moments {
            Some(moments) => moments.clone(),
            None => self.column(&source)?,
        };
        let limit = source.limits().decoded_bytes;
        let Read { image, orientation, icc, source_mode, bit_depth } =
            working(&source, &params.reading())?;
        let mut image = match (params.depth, image.samples()) {
            (Depth::Sixteen, Samples::U8(_)) => deep(&image, limit)?,
            _ => image,
        };
        let look = Look::of(&image);
        let (source_width_px, source_height_px) = (image.width_px(), image.height_px());
        let rules = params.rules();
        let carried = Carried::read(&source, (source_width_px, source_height_px), &rules)?;
        let gains = tone::balance(&mut image, params)?;
        let (mut image, bounds) = tone::contrast(image, params, &look, &self.reference)?;
        tone::gamma(&mut image, params.gamma)?;
        let frame = Frame::new(params, (source_width_px, source_height_px));
        let (image, labels) = self.framed(image, carried.labels(), &frame, limit)?;
        let motions = frame.motions();
        let legs: Vec<Leg<'_>> =
            motions.iter().map(|(motion, after)| Leg { motion, after: *after }).collect();
        let arrived = carried.moved(&legs, frame.size(), &rules);
        if params.numbers != Numbers::None {
            let number_bytes = 4 * u64::from(image.channels());
            check_size(image.width_px(), image.height_px(), number_bytes, limit)?;
        }
        let (bytes, ending, media_type) = params.writing().write(&image, &moments)?;
        let bound = |channel: usize| bounds.get(channel).or(bounds.first()).copied();
        let (low, high) = (|c| bound(c).map(|b| b.0), |c| bound(c).map(|b| b.1));
        let facts = Facts {
            orientation,
            source_mode: source_mode.into(),
            source_bits: bit_depth,
            icc: icc.into(),
            source_width_px,
            source_height_px,
            grey_fraction: look.grey_fraction,
            looks_infrared: look.looks_infrared,
            mean_luminance: look.mean_luminance,
            gain_r: gains.map(|g| g[0]),
            gain_g: gains.map(|g| g[1]),
            gain_b: gains.map(|g| g[2]),
            low_r: low(0),
            low_g: low(1),
            low_b: low(2),
            high_r: high(0),
            high_g: high(1),
            high_b: high(2),
            scale_x: frame.scale().0,
            scale_y: frame.scale().1,
            offset_x_px: frame.offset().0,
            offset_y_px: frame.offset().1,
            boxes: arrived.boxes,
            keypoints: arrived.keypoints,
            boxes_dropped: arrived.boxes_dropped,
            keypoints_dropped: arrived.keypoints_dropped,
        };
        let name = format!("normalized.{ending}");
        let made = Made::new(name, bytes, media_type, frame.size(), &facts)?;
        out.put(carried.beside(made, "normalized", labels)?)
    }
}

impl Normalize {
    /// Statistics from the manifest.
    fn column(&self, source: &Source) -> Result<Moments> {
        let unusable = |message: String| Error::Schema {
            step: Self::NAME.into(),
            column: PROFILE.name.into(),
            message,
        };
        let text = source.column(&PROFILE).as_str();
        let text = text.ok_or_else(|| unusable("it is null for this item".into()))?;
        let profile = Profile::from_json(text.as_bytes())
            .map_err(|e| unusable(format!("what it holds {e}")))?;
        reference::check_read(&profile, &self.params, "numbers")?;
        let moments = Moments { mean: profile.mean, std: profile.std };
        moments.check(self.params.channels(), ("numbers", "numbers"))?;
        Ok(moments)
    }

    /// The image in its frame, and its mask.
    fn framed(
        &self,
        image: Image,
        labels: Option<&Image>,
        frame: &Frame,
        limit_bytes: u64,
    ) -> Result<(Image, Option<Image>)> {
        let lock = || self.resizers.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = lock().pop();
        let mut resizer = kept.unwrap_or_default();
        let image = frame.apply(image, &self.params, &mut resizer, limit_bytes);
        let fill = self.params.mask_fill;
        let labels = labels
            .map(|labels| frame.apply_labels(labels.clone(), fill, &mut resizer, limit_bytes))
            .transpose();
        lock().push(resizer);
        Ok((image?, labels?))
    }
}

/// Samples of 8 bits in 16: 255 becomes 65535.
fn deep(image: &Image, limit_bytes: u64) -> Result<Image> {
    let (width, height, channels) = (image.width_px(), image.height_px(), image.channels());
    check_size(width, height, 2 * u64::from(channels), limit_bytes)?;
    let samples = image.as_u8().unwrap_or_default().iter().map(|&x| u16::from(x) * 257).collect();
    Image::new(width, height, channels, Samples::U16(samples))
}
