//! microtome turns raw images into training data in small, named, versioned steps.
#![warn(missing_docs)]

pub mod cli;
pub mod dataset;
pub mod describe;
pub mod digest;
pub mod engine;
pub mod error;
pub mod image;
pub mod lineage;
pub mod manifest;
pub mod pipeline;
pub mod record;
pub mod report;
pub mod slide;
pub mod step;
pub mod steps;
pub mod summary;

pub use error::{Error, Result};
