//! Slides and photos that we did not make, compared with what OpenSlide, tifffile and Pillow read.

#[path = "../common/mod.rs"]
mod common;

mod aperio;
mod bad;
mod bench;
mod codec;
mod data;
mod exif;
mod wsi;
