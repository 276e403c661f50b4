//! What is done to photos, tried on tiny arrays and against other programs.

#[path = "../common/mod.rs"]
mod common;

mod augment;
mod random;
