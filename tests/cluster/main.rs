//! Compiled pipelines run for real: each step in its own container, by Kubeflow's own runner, and what they leave is what
//! `microtome run` leaves.

#[path = "../common/mod.rs"]
mod common;

#[path = "../common/left.rs"]
mod left;

mod local;
mod pipelines;
