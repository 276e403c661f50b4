//! From one pipeline file to a cluster: the same steps with the same params, each in its own container, each a
//! leg ([`crate::engine::Leg`]) of one chain in one dataset. What comes out has the bytes of `microtome run`.
//!
//! [`plan()`] is what all targets share: it checks the pipeline file and the cluster file as a whole before anything is
//! written, and says what each leg is. A target writes that down in its own words.

mod check;
pub mod cluster;
pub mod kubeflow;
pub mod kubernetes;
mod pinned;
pub mod plan;
mod shape;
mod syntax;

pub use check::{MOST_SHARDS, place, template};
pub use cluster::{Claim, Cluster, Node, Secret, Toleration};
pub use pinned::pinned;
pub use plan::{Pins, Plan, PlannedLeg, plan};

use crate::error::Result;

/// What a pipeline can be compiled to.
pub struct Target {
    /// What `--to` takes.
    pub name: &'static str,
    /// In a line.
    pub about: &'static str,
    /// Writes a plan down.
    pub compile: fn(&Plan) -> Result<String>,
}

/// Every target.
pub static TARGETS: &[Target] = &[
    Target {
        name: "kubeflow",
        about: "A pipeline of Kubeflow Pipelines (IR YAML, schema 2.1.0)",
        compile: kubeflow::compile,
    },
    Target {
        name: "kubernetes",
        about: "Plain Jobs of Kubernetes (YAML to read, edit and apply leg by leg)",
        compile: kubernetes::compile,
    },
];
