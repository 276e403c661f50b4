//! What a user may decide about targets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the four numbers of a box are meant.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
pub enum BoxFormat {
    /// `[left, top, width, height]` in pixels.
    #[default]
    Coco,
    /// `[left, top, right, bottom]` in pixels.
    Voc,
    /// `[centre x, centre y, width, height]` as shares of the image's width and height, 0–1.
    Yolo,
    /// `[left, top, right, bottom]` as shares of the image's width and height, 0–1.
    Albumentations,
}

/// The outline of which a moved box is the bound.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Outline {
    /// The rectangle: contains the object whatever its shape, and grows with the angle.
    #[default]
    Corners,
    /// The inscribed ellipse: tighter after a rotation, and right for what is round.
    Ellipse,
}

/// What happens to a given box that reaches beyond the image.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
pub enum OutsideBoxes {
    /// The image fails, and the message names the box.
    #[default]
    Refuse,
    /// The box is cut at the border first; one that lies outside altogether is dropped and counted.
    Clip,
}

/// What happens to a keypoint that leaves the frame.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
pub enum OutsidePoints {
    /// It is dropped and counted.
    #[default]
    Drop,
    /// It stays in its place in the list, with its place outside of the frame, and is flagged invisible.
    Flag,
}

/// From where keypoints are measured.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Default)]
#[serde(rename_all = "kebab-case")]
pub enum PointOrigin {
    /// (0, 0) is the centre of the top left pixel, as in OpenCV and Albumentations.
    #[default]
    Centres,
    /// (0, 0) is the outer corner of the top left pixel, as for boxes.
    Edges,
}

/// The rules for boxes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxRules {
    /// How the four numbers are meant.
    pub format: BoxFormat,
    /// The outline that is moved.
    pub outline: Outline,
    /// What happens to a given box that reaches beyond the image.
    pub outside: OutsideBoxes,
    /// Least share of the outline's area that is left in the end, 0–1.
    pub min_visibility: f64,
    /// Least width of the bound in the end, px.
    pub min_width_px: f64,
    /// Least height of the bound in the end, px.
    pub min_height_px: f64,
}

impl Default for BoxRules {
    fn default() -> Self {
        Self {
            format: BoxFormat::Coco,
            outline: Outline::Corners,
            outside: OutsideBoxes::Refuse,
            min_visibility: 0.0,
            min_width_px: 0.0,
            min_height_px: 0.0,
        }
    }
}

/// The rules for keypoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PointRules {
    /// From where they are measured.
    pub origin: PointOrigin,
    /// What happens to one that leaves the frame.
    pub outside: OutsidePoints,
}
