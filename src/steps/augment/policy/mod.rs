//! Policies: what may be done to an image, as data.
//!
//! A policy is a tree of [`Node`]s. What a range says is drawn ([`draw`]); what was drawn is again a list of
//! nodes, with fixed numbers and `p: 1`: a policy that does exactly that.

pub mod blur;
mod check;
pub mod draw;
mod drawn;
pub mod field;
pub mod frame;
mod load;
mod node;
pub mod noise;
pub mod op;
pub mod place;
pub mod range;
pub mod stain;
pub mod tone;

use schemars::JsonSchema;
use serde::Serialize;

pub use check::{DEPTH_MAX, OPS_MAX};
pub use node::{Branch, Node, Part, ROUNDS_MAX, SomeOf};

/// What may be done to an image.
#[derive(Serialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Version of `augment` that it was written for (`1.0` or `1.0.0`): with another MAJOR.MINOR it is
    /// refused. Null: any.
    pub augment: Option<String>,
    /// What is done, in order.
    pub ops: Vec<Node>,
}
