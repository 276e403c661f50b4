//! What is done to photos, held to other programs and to what can be worked out by hand.

#[path = "../common/mod.rs"]
mod common;

mod albumentations;
mod arrays;
mod augment;
mod background;
mod bitten;
mod blur;
mod camtrap;
mod colour;
mod decode;
mod exchange;
mod forms;
mod geometry;
mod histogram;
mod noise;
mod normalize;
mod numbers;
mod peer;
mod png;
mod random;
mod resize;
mod table;
mod targets;
mod warp;
