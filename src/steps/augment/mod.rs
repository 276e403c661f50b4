//! `augment`: seeded, reproducible copies of images.

pub mod motion;
pub mod policy;
