//! `augment`: seeded, reproducible copies of images. The page for users is [`Params`].

pub mod albumentations;
pub mod apply;
pub mod motion;
mod params;
pub mod picture;
pub mod policy;
pub mod targets;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

pub use params::Params;

use super::photo::{Reading, working};
use crate::digest::canonical_json;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::manifest::{Column, Kind};
use crate::step::{Made, Out, Source, Step};
use picture::{Move, Picture};
use policy::draw::{For, draw};
use policy::{Node, Policy};
use targets::mask::{self, Mask};
use targets::{Keypoint, LabelledBox, Leg};

const MASK: Column = Column {
    name: "annotation.mask",
    kind: Kind::Text,
    made_by: "scan",
    doc: "mask of the image, a PNG of its size (upright): path; null where it has none",
};
const BOXES: Column = Column {
    name: "annotation.boxes",
    kind: Kind::Text,
    made_by: "scan",
    doc: "boxes of the image (upright) as JSON: a list of four numbers each, and what belongs to them; \
          null where it has none",
};
const KEYPOINTS: Column = Column {
    name: "annotation.keypoints",
    kind: Kind::Text,
    made_by: "scan",
    doc: "keypoints of the image (upright) as JSON: a list of x, y, name and visibility; null where it \
          has none",
};

/// What `augment` says of a copy.
#[derive(Serialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct Facts {
    /// Which copy it is, from 0; null for the original.
    pub copy: Option<u32>,
    /// Seed of the draws.
    pub seed: u64,
    /// What was done, as JSON: a policy that does exactly this again.
    pub ops: String,
    /// Its boxes as JSON, in the form and format in which they came; null where there are none.
    #[serde(rename = "annotation.boxes")]
    pub boxes: Option<String>,
    /// Its keypoints as JSON, in the form in which they came; null where there are none.
    #[serde(rename = "annotation.keypoints")]
    pub keypoints: Option<String>,
    /// Boxes that left the frame, or of which too little is left.
    pub boxes_dropped: u64,
    /// Keypoints that left the frame.
    pub keypoints_dropped: u64,
}

/// The step.
pub struct Augment {
    params: Params,
}

/// An image with all that moves with it.
struct Whole {
    image: Image,
    mask: Option<Mask>,
    boxes: Option<Vec<LabelledBox>>,
    keypoints: Option<Vec<Keypoint>>,
}

impl Step for Augment {
    const NAME: &'static str = "augment";
    const VERSION: &'static str = "1.0.0";
    type Params = Params;
    type Input = Source;
    type Facts = Facts;
    const READS: &'static [Column] = &[MASK, BOXES, KEYPOINTS];
    const COMPANIONS: &'static [Column] = &[MASK];

    fn new(params: Params) -> Result<Self> {
        params.check(Self::VERSION)?;
        Ok(Self { params })
    }

    fn needs(&self) -> &'static [Column] {
        &[]
    }

    fn inline(
        param: &str,
        files: &[(String, Vec<u8>)],
        given: &Map<String, Value>,
    ) -> Result<Value> {
        let [(name, text)] = files else {
            return Err(Error::params(
                param,
                format!("{} files are no policy: give one", files.len()),
            ));
        };
        let value = policy::yaml(name, text)?;
        let policy = if albumentations::is_policy(&value) {
            albumentations::load(&value)?.settled(given)?
        } else {
            Policy::from_value(&value)?
        };
        policy.check(Self::VERSION)?;
        serde_json::to_value(&policy).map_err(|e| Error::Bug { message: e.to_string() })
    }

    fn run(&self, source: Source, out: &mut Out<'_, Facts>) -> Result<()> {
        let whole = self.read(&source)?;
        let item = *source.digest();
        let limit_bytes = source.limits().decoded_bytes;
        let originals = u32::from(self.params.original);
        let count = self.params.copies as usize + originals as usize;
        out.ordered(
            count,
            |index| {
                let copy = (index as u32).checked_sub(originals);
                let ops = match copy {
                    Some(copy) => {
                        draw(&self.params.policy, For { seed: self.params.seed, item: &item, copy })
                    }
                    None => Vec::new(),
                };
                self.copy(&whole, copy, ops, limit_bytes)
            },
            |out, _, made| out.put(made),
        )
    }
}

impl Augment {
    /// Decodes the image and reads what belongs to it, once for all copies.
    fn read(&self, source: &Source) -> Result<Whole> {
        let reading = Reading { mode: self.params.mode, ..Reading::default() };
        let image = working(source, &reading)?.image;
        let size = (image.width_px(), image.height_px());
        let limit_bytes = source.limits().decoded_bytes;
        let mask = match source.companion(&MASK) {
            Some(bytes) => Some(mask::read(&bytes.read_vec(0, bytes.size())?, size, limit_bytes)?),
            None => None,
        };
        let rules = self.params.box_rules();
        let boxes = |text| targets::read_boxes(text, rules.format, size, rules.outside);
        let points = |text| targets::read_points(text, size, self.params.keypoint_origin);
        Ok(Whole {
            boxes: source.column(&BOXES).as_str().map(boxes).transpose()?,
            keypoints: source.column(&KEYPOINTS).as_str().map(points).transpose()?,
            image,
            mask,
        })
    }

    fn copy(
        &self,
        whole: &Whole,
        copy: Option<u32>,
        ops: Vec<Node>,
        limit_bytes: u64,
    ) -> Result<Made> {
        let labels = whole.mask.as_ref().map(|mask| &mask.labels);
        let mut picture = Picture::new(&whole.image, labels, limit_bytes)?;
        for op in &ops {
            apply::apply(op, &mut picture)?;
        }
        let (image, labels, moves) = picture.finish()?;
        let facts = self.facts(whole, copy, ops, &moves)?;
        let stem = copy.map_or("original".into(), |copy| format!("copy-{copy:04}"));
        let size = (image.width_px(), image.height_px());
        let (bytes, ending, media_type) =
            self.params.writing().write(&image, &self.params.moments())?;
        let made = Made::new(format!("{stem}.{ending}"), bytes, media_type, size, &facts)?;
        let (Some(labels), Some(mask)) = (labels, &whole.mask) else { return Ok(made) };
        let mask = Mask { labels: labels.into_owned(), palette: mask.palette.clone() };
        let bytes = mask::write(&mask)?;
        let mask = Made::companion(format!("{stem}-mask.png"), bytes, "image/png", size);
        Ok(made.beside(MASK.name, mask))
    }

    fn facts(
        &self,
        whole: &Whole,
        copy: Option<u32>,
        ops: Vec<Node>,
        moves: &[Move],
    ) -> Result<Facts> {
        let before = (whole.image.width_px(), whole.image.height_px());
        let size = moves.last().map_or(before, |last| last.after);
        let legs: Vec<Leg<'_>> =
            moves.iter().map(|m| Leg { motion: &m.motion, after: m.after }).collect();
        let rules = self.params.box_rules();
        let boxes = whole.boxes.clone().map(|boxes| targets::move_boxes(boxes, &legs, &rules));
        let points = self.params.point_rules();
        let keypoints =
            whole.keypoints.clone().map(|points_| targets::move_points(points_, &legs, &points));
        let policy = Policy { augment: Some(written_for()), ops };
        Ok(Facts {
            copy,
            seed: self.params.seed,
            ops: canonical_json(&policy)?,
            boxes_dropped: boxes.as_ref().map_or(0, |moved| moved.dropped.len() as u64),
            keypoints_dropped: keypoints.as_ref().map_or(0, |moved| moved.dropped.len() as u64),
            boxes: boxes.map(|moved| targets::write_boxes(&moved.kept, rules.format, size)),
            keypoints: keypoints.map(|moved| targets::write_points(&moved.kept, points.origin)),
        })
    }
}

/// MAJOR.MINOR of the step, as policies name it.
fn written_for() -> String {
    Augment::VERSION.rsplit_once('.').map_or(Augment::VERSION, |(minor, _)| minor).into()
}
