//! What `filter-background` says of an image.

use schemars::JsonSchema;
use serde::Serialize;

/// Whether there is something to see.
#[derive(Serialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing.
    Empty,
    /// An animal, or whatever else moves.
    AnimalLikely,
    /// Tissue.
    TissueLikely,
    /// It cannot be known.
    Uncertain,
}

/// What a verdict rests on.
#[derive(Serialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// The boxes of a detector.
    Detector,
    /// The background of the series.
    Background,
    /// The image alone.
    Image,
}

/// What `filter-background` says of an image.
#[derive(Serialize, JsonSchema, Clone, Debug, PartialEq)]
pub struct Facts {
    /// empty, animal-likely, tissue-likely or uncertain.
    pub verdict: Verdict,
    /// What the verdict rests on: detector, background or image.
    pub basis: Basis,
    /// Marks, sorted, with spaces between: blank, blurred, changed, corrupt, duplicate, glass,
    /// near-duplicate, over-exposed, pen, person, under-exposed, vehicle; null where there are none.
    pub marks: Option<String>,
    /// Whether the image could not be decoded.
    pub corrupt: bool,
    /// Why it could not.
    pub corrupt_reason: Option<String>,
    /// Photos it was compared with, itself included; 1 when there was no other.
    pub frames: u64,
    /// Visits among them.
    pub visits: u64,
    /// Whether it was taken by infrared light, or has no colour for another reason.
    pub infrared: Option<bool>,
    /// Part of the picture that is not background, shadow included, 0–1.
    pub foreground_fraction: Option<f64>,
    /// Part of the picture that the largest piece takes, without shadow, 0–1.
    pub largest_blob_fraction: Option<f64>,
    /// Part of the picture that the largest piece takes, shadow included, 0–1.
    pub shadowed_blob_fraction: Option<f64>,
    /// Part of the picture that is too restless to be compared: a pixel would have to differ from the
    /// background by more than 40 levels, 0–1.
    pub blind_fraction: Option<f64>,
    /// Part of the picture that differs from the photos before and after, 0–1.
    pub motion_score: Option<f64>,
    /// Left edge of the box of the largest piece (or of the detector's most confident animal), in pixels
    /// of the upright image.
    pub box_x_px: Option<u64>,
    /// Its upper edge.
    pub box_y_px: Option<u64>,
    /// Its width.
    pub box_w_px: Option<u64>,
    /// Its height.
    pub box_h_px: Option<u64>,
    /// Highest confidence of the detector, of any category; 0 where it found nothing.
    pub detector_confidence: Option<f64>,
    /// Light compared with the background's: gain (of green, or of grey).
    pub gain: Option<f64>,
    /// Light compared with the background's: offset in levels (of green, or of grey).
    pub offset: Option<f64>,
    /// Part of the picture that is nearly black (levels up to 12), 0–1.
    pub under_fraction: Option<f64>,
    /// Part of the picture that is nearly white (levels from 245), 0–1.
    pub over_fraction: Option<f64>,
    /// Variance of the Laplacian of the working copy's luminance.
    pub sharpness: Option<f64>,
    /// Perceptual hash: 16 hex digits.
    pub phash: Option<String>,
    /// Digest of an earlier photo of the series with the same bytes: the item's own digest.
    pub duplicate_of: Option<String>,
    /// Digest of an earlier photo of the series that looks the same.
    pub near_duplicate_of: Option<String>,
    /// Part of a patch that is tissue, 0–1, with `scene: slide`.
    pub tissue_fraction: Option<f64>,
    /// Part of a patch that is ink, 0–1, with `scene: slide`.
    pub pen_fraction: Option<f64>,
}
