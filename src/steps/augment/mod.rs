//! `augment`: seeded, reproducible copies of images. The page for users is [`Params`].

pub mod albumentations;
pub mod apply;
mod params;
pub mod picture;
pub mod policy;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

pub use params::Params;

use super::photo::{Reading, working};
use super::targets::{self, Carried, Leg, MASK};
use crate::digest::canonical_json;
use crate::error::{Error, Result};
use crate::image::Image;
use crate::manifest::Column;
use crate::step::{Made, Out, Source, Step};
use picture::{Move, Picture};
use policy::draw::{For, draw};
use policy::{Node, Policy};

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
    carried: Carried,
}

impl Step for Augment {
    const NAME: &'static str = "augment";
    const VERSION: &'static str = "1.0.0";
    type Params = Params;
    type Input = Source;
    type Facts = Facts;
    const READS: &'static [Column] = targets::COLUMNS;
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
        let value = crate::yaml::document(name, text)?;
        let policy = if albumentations::is_policy(&value) {
            albumentations::load(&value)?.settled(given)?
        } else {
            Policy::from_value(&value)?
        };
        policy.check(Self::VERSION)?;
        serde_json::to_value(&policy).map_err(|e| Error::Bug { message: e.to_string() })
    }

    fn after(&self, earlier: &[(&str, &Value)]) -> Result<()> {
        super::arrays::no_arrays_before(earlier)
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
        let carried = Carried::read(source, size, &self.params.rules())?;
        Ok(Whole { image, carried })
    }

    fn copy(
        &self,
        whole: &Whole,
        copy: Option<u32>,
        ops: Vec<Node>,
        limit_bytes: u64,
    ) -> Result<Made> {
        let mut picture = Picture::new(&whole.image, whole.carried.labels(), limit_bytes)?;
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
        whole.carried.beside(made, &stem, labels.map(Cow::into_owned))
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
        let arrived = whole.carried.moved(&legs, size, &self.params.rules());
        let policy = Policy { augment: Some(written_for()), ops };
        Ok(Facts {
            copy,
            seed: self.params.seed,
            ops: canonical_json(&policy)?,
            boxes: arrived.boxes,
            keypoints: arrived.keypoints,
            boxes_dropped: arrived.boxes_dropped,
            keypoints_dropped: arrived.keypoints_dropped,
        })
    }
}

/// MAJOR.MINOR of the step, as policies name it.
fn written_for() -> String {
    Augment::VERSION.rsplit_once('.').map_or(Augment::VERSION, |(minor, _)| minor).into()
}
