//! Fog, rain, shadow and sun flare.
//!
//! Each is drawn in two parts: a struct of plain numbers that says what is there (to be recorded, and drawn
//! again), and a pure function that puts it on an image. Structs that hold many small things have a
//! `draw` that takes them from a stream. Places are in pixels, (0, 0) the centre of the upper left
//! pixel. Formulas are this crate's own; each says how it differs from Albumentations'.

mod flare;
mod fog;
mod rain;
mod shadow;

pub use flare::{Disc, SunFlare, sun_flare};
pub use fog::{Fog, fog};
pub use rain::{Rain, rain};
pub use shadow::{Shadow, shadow};

use crate::error::{Error, Result};

/// # Errors
/// [`Error::Params`] when `value` is not in the range.
fn check(field: &str, value: f64, low: f64, high: f64) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Error::params(field, format!("{value} is not a number of {low} to {high}")))
}

/// `level` and `colour` blended, `share` of the latter in 65,536ths; rounded to the nearest.
#[inline(always)]
fn towards(level: u8, colour: u8, share: u32) -> u8 {
    let kept = 65_536_u32.wrapping_sub(share).wrapping_mul(level.into());
    let sum = kept.wrapping_add(share.wrapping_mul(colour.into())).wrapping_add(32_768);
    (sum >> 16) as u8
}
