//! Noise of sensors.
//!
//! # Conventions
//! - 8-bit images of 1 or 3 channels; strengths are in grey levels (0–255) unless a name says more.
//! - All randomness is a stream's words, in the order of rows, columns, channels: the same stream gives the
//!   same noise. How many words a function takes is stated with it.
//! - Normal draws are 16 bits long: 2¹⁶ quantiles of the normal distribution, the middles of as many
//!   equal shares, in 4096ths of σ, stretched to a variance of 1. The largest is 4.33 σ.

mod colour;
mod normal;
mod shot;

pub use colour::{Iso, iso};
pub use normal::gaussian;
pub use shot::shot;

use crate::error::{Error, Result};

/// # Errors
/// [`Error::Params`] when `value` is not in the range.
fn check(field: &str, value: f64, low: f64, high: f64) -> Result<()> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Error::params(field, format!("{value} is not a number of {low} to {high}")))
}
