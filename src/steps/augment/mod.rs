//! `augment`: seeded, reproducible copies of images.

pub mod albumentations;
pub mod motion;
pub mod policy;
pub mod targets;
