//! Components under Kubeflow Pipelines: the binary with an executor input, as the launcher calls it.

#[path = "../common/mod.rs"]
mod common;

mod answers;
mod chain;
mod endings;
mod mutations;
mod scene;
mod shards;
