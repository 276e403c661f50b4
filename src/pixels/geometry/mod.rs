//! Flips, quarter turns, crops and frames: pixels move, none is computed.
//!
//! Images of every depth and of 1–4 channels are taken. What a function gives is a new image: the
//! source stays as it is.

mod border;
mod frame;
mod sample;
mod turn;
#[cfg(target_arch = "x86_64")]
mod wide;

pub use border::Border;
pub use frame::{Sides, crop, pad};
pub(in crate::pixels) use sample::{Sample, kept};
pub use turn::{flip_horizontal, flip_vertical, orient, rotate_quarter, transpose};
