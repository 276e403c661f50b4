//! What is done to pixels: the parts of which `normalize`, `filter-background` and `augment` are made.
//!
//! # Conventions
//! - Images are 8-bit with 1 (grey) or 3 (RGB) channels unless a function says more; one that a function
//!   cannot take is [`crate::Error::Unsupported`].
//! - The centre of the pixel in column x, row y is the point (x, y), as in OpenCV: the left edge of an
//!   image lies at −0.5.
//! - Results are the same bits on every machine: integers or fixed point where it can be, floats with
//!   `+ − × ÷ sqrt` in a fixed order, `libm` for the rest. Wide paths are the compiler's, of the same
//!   lines (`multiversion`), and so equal by construction.
//! - Randomness comes in as a [`crate::random::Stream`]; nothing here has a state.

pub mod blur;
pub mod colour;
pub mod degrade;
pub mod dropout;
pub mod geometry;
pub mod histogram;
pub mod noise;
pub mod numbers;
pub mod resize;
pub mod table;
pub mod warp;
pub mod weather;
