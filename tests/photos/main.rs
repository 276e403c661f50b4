//! What is done to photos, tried on tiny arrays and against other programs.

#[path = "../common/mod.rs"]
mod common;

mod arrays;
mod colour;
mod decode;
mod histogram;
mod normalize;
mod numbers;
mod peer;
mod png;
mod random;
mod table;
