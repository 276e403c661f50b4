//! What the manifest says of one image and must move with it: read, moved and written at once.

use super::mask::{self, Mask};
use super::{
    BoxRules, Keypoint, LabelledBox, Leg, PointRules, move_boxes, move_points, read_boxes,
    read_points, write_boxes, write_points,
};
use crate::error::Result;
use crate::image::Image;
use crate::manifest::{Column, Kind};
use crate::step::{Made, Source};

/// The mask of an image: a companion.
pub const MASK: Column = Column {
    name: "annotation.mask",
    kind: Kind::Text,
    made_by: "scan",
    doc: "mask of the image, a PNG of its size (upright): path; null where it has none",
};
/// The boxes of an image.
pub const BOXES: Column = Column {
    name: "annotation.boxes",
    kind: Kind::Text,
    made_by: "scan",
    doc: "boxes of the image (upright) as JSON: a list of four numbers each, and what belongs to them; \
          null where it has none",
};
/// The keypoints of an image.
pub const KEYPOINTS: Column = Column {
    name: "annotation.keypoints",
    kind: Kind::Text,
    made_by: "scan",
    doc: "keypoints of the image (upright) as JSON: a list of x, y, name and visibility; null where it \
          has none",
};

/// All columns of what moves with an image.
pub const COLUMNS: &[Column] = &[MASK, BOXES, KEYPOINTS];

/// The rules for what moves with an image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Those for boxes.
    pub boxes: BoxRules,
    /// Those for keypoints.
    pub points: PointRules,
}

/// What moves with an image.
#[derive(Debug, Clone, PartialEq)]
pub struct Carried {
    mask: Option<Mask>,
    boxes: Option<Vec<LabelledBox>>,
    keypoints: Option<Vec<Keypoint>>,
}

/// What became of boxes and keypoints, as columns have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    /// Boxes as JSON, in the form and format in which they came; `None` where there were none.
    pub boxes: Option<String>,
    /// Keypoints as JSON, in the form in which they came; `None` where there were none.
    pub keypoints: Option<String>,
    /// Boxes that left the frame, or of which too little is left.
    pub boxes_dropped: u64,
    /// Keypoints that left the frame.
    pub keypoints_dropped: u64,
}

impl Carried {
    /// Reads [`COLUMNS`]; `size` is that of the upright image.
    ///
    /// # Errors
    /// Those of [`mask::read`], [`read_boxes`] and [`read_points`].
    pub fn read(source: &Source, size: (u32, u32), rules: &Rules) -> Result<Self> {
        let limit_bytes = source.limits().decoded_bytes;
        let mask = match source.companion(&MASK) {
            Some(bytes) => Some(mask::read(&bytes.read_vec(0, bytes.size())?, size, limit_bytes)?),
            None => None,
        };
        let boxes = |text| read_boxes(text, rules.boxes.format, size, rules.boxes.outside);
        let points = |text| read_points(text, size, rules.points.origin);
        Ok(Self {
            mask,
            boxes: source.column(&BOXES).as_str().map(boxes).transpose()?,
            keypoints: source.column(&KEYPOINTS).as_str().map(points).transpose()?,
        })
    }

    /// The values of the mask.
    pub fn labels(&self) -> Option<&Image> {
        self.mask.as_ref().map(|mask| &mask.labels)
    }

    /// Moves boxes and keypoints; `size` is that of the image in the end.
    pub fn moved(&self, legs: &[Leg<'_>], size: (u32, u32), rules: &Rules) -> Arrived {
        let boxes = self.boxes.clone().map(|boxes| move_boxes(boxes, legs, &rules.boxes));
        let points = self.keypoints.clone().map(|points| move_points(points, legs, &rules.points));
        Arrived {
            boxes_dropped: boxes.as_ref().map_or(0, |moved| moved.dropped.len() as u64),
            keypoints_dropped: points.as_ref().map_or(0, |moved| moved.dropped.len() as u64),
            boxes: boxes.map(|moved| write_boxes(&moved.kept, rules.boxes.format, size)),
            keypoints: points.map(|moved| write_points(&moved.kept, rules.points.origin)),
        }
    }

    /// The item with its mask beside it, where it has one: `labels` are the values where they are now.
    /// It is always a PNG, whatever the item is.
    ///
    /// # Errors
    /// [`crate::Error::Bug`] for what is no mask.
    pub fn beside(&self, made: Made, stem: &str, labels: Option<Image>) -> Result<Made> {
        let (Some(labels), Some(mask)) = (labels, &self.mask) else { return Ok(made) };
        let size = (labels.width_px(), labels.height_px());
        let bytes = mask::write(&Mask { labels, palette: mask.palette.clone() })?;
        let mask = Made::companion(format!("{stem}-mask.png"), bytes, "image/png", size);
        Ok(made.beside(MASK.name, mask))
    }
}
