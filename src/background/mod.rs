//! What stands still in a series of photos, and what does not.
//!
//! Everything here works on frames of one size and one number of channels (8 bits, 1 or 3 channels,
//! interleaved, as [`crate::image::Image`] has them): a [`working`] copy of each photo, a few hundred
//! pixels wide. Integers, or floats with `+ − × ÷ sqrt` in a fixed order: the same on every machine.
//!
//! A background is a [`still::Still`], made by [`still`] (medians) or [`mixture`]; a frame brought to its
//! light by [`lighting`] is compared with it by [`foreground`], and what stands out is counted by
//! [`blobs`]. [`quality`], [`phash`] and [`patch`] look at single pictures.

pub mod banner;
pub mod blobs;
pub mod foreground;
pub mod lighting;
pub mod median;
pub mod mixture;
pub mod patch;
pub mod phash;
pub mod quality;
pub mod still;
pub mod working;
