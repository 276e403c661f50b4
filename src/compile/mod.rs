//! From one pipeline file to a cluster: the same steps with the same params, each in its own container, each a
//! leg ([`crate::engine::Leg`]) of one chain in one dataset. What comes out has the bytes of `microtome run`.
//!
//! [`plan()`] is what all targets share: it checks the pipeline file and the cluster file as a whole before anything is
//! written, and says what each leg is. A target writes that down in its own words.

mod check;
pub mod cluster;
pub mod plan;
mod shape;
mod syntax;

pub use cluster::{Claim, Cluster, Node, Secret, Toleration};
pub use plan::{Pins, Plan, PlannedLeg, plan};
