//! From a pipeline file to a cluster's own files, and what those do.

mod clusters;
#[path = "../common/mod.rs"]
mod common;
mod kubeflow;
mod kubernetes;
mod outputs;
mod plans;
