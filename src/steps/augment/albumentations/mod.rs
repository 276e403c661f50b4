//! Coming from Albumentations.
//!
//! A policy that `A.to_dict(compose)` or `A.save(compose, path, data_format="json" | "yaml")` wrote with
//! Albumentations 2.0.8 can be given as it is. It is turned into nodes of a policy, with the meaning and
//! unit of each number. What has no equal here is refused, all of it in one message, each with its place
//! and the reason: nothing is left out in silence, and a field that nobody looked at is refused too.
//! Other releases than 2.0.x are refused by name, as ops change their meaning between releases; 2.0.8 was
//! tried. Their files hold no seed: the param `seed` counts, and a `seed` in the file is refused.
//!
//! What has an equal, what is done in another way than there, and what is not loaded stands in the user's
//! page, [`super::Params`].

mod fields;
mod geometry;
mod pixels;
mod targets;
mod walk;

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::steps::augment::policy::Policy;
use crate::steps::targets::{BoxRules, PointRules};

/// The releases that are read, and the one that was tried.
const RELEASES: &str = "2.0.";
const TRIED: &str = "2.0.8";

/// What one of their policies says.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// What is done to images.
    pub policy: Policy,
    /// The rules for boxes, where it has `bbox_params`.
    pub boxes: Option<BoxRules>,
    /// The rules for keypoints, where it has `keypoint_params`.
    pub points: Option<PointRules>,
}

impl Loaded {
    /// The policy, when the params of `augment` that the user gave say of boxes and keypoints what it
    /// says: `bbox_params` and `keypoint_params` are params here, and would else be lost in silence.
    ///
    /// # Errors
    /// [`Error::Params`] that names the params to give.
    pub fn settled(self, given: &Map<String, Value>) -> Result<Policy> {
        let boxes = self.boxes.iter().flat_map(targets::box_params);
        let points = self.points.iter().flat_map(targets::point_params);
        let lacking: Vec<String> = boxes
            .chain(points)
            .filter(|(name, value)| {
                !given.get(*name).is_some_and(|given| fields::same(given, value))
            })
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        if lacking.is_empty() {
            return Ok(self.policy);
        }
        let message = format!(
            "its `bbox_params` and `keypoint_params` are params here; give these as well: {}",
            lacking.join(", ")
        );
        Err(Error::params("policy", message))
    }
}

/// Whether a value is a policy of Albumentations: an object with `__version__` and `transform`, as
/// `A.to_dict` and `A.save` write it (JSON or YAML).
pub fn is_policy(value: &Value) -> bool {
    value.get("__version__").is_some() && value.get("transform").is_some()
}

/// Reads one of their policies.
///
/// # Errors
/// [`Error::Params`] for another release, and for what has no equal here: one message that names all of
/// it, each with its place and the reason.
pub fn load(value: &Value) -> Result<Loaded> {
    let version = value.get("__version__").and_then(Value::as_str).unwrap_or_default();
    if !version.starts_with(RELEASES) {
        let message = format!(
            "it was written by Albumentations {version:?}, and {RELEASES}x is read (tried with \
             {TRIED}): ops change their meaning between releases; load it there and save it again"
        );
        return Err(Error::params("policy.__version__", message));
    }
    let mut findings = fields::Findings::default();
    for name in value.as_object().into_iter().flat_map(|object| object.keys()) {
        if name != "__version__" && name != "transform" {
            findings.refused.push(format!("{name}: is a field that {TRIED} does not write"));
        }
    }
    let root = value.get("transform").unwrap_or(&Value::Null);
    // A single op is as good as a `Compose` of it.
    let node = walk::node(root, "transform", 0, &mut findings);
    let of = |name: &str| root.get(name).unwrap_or(&Value::Null);
    let boxes = targets::boxes(of("bbox_params"), &mut findings);
    let points = targets::points(of("keypoint_params"), &mut findings);
    match node {
        Some(node) if findings.refused.is_empty() => {
            let policy = Policy { augment: None, ops: vec![node] };
            Ok(Loaded { policy, boxes, points })
        }
        _ => {
            let count = findings.refused.len();
            let list = findings.refused.join("\n  ");
            let message =
                format!("of this Albumentations policy, {count} have no equal here:\n  {list}");
            Err(Error::params("policy", message))
        }
    }
}
