//! The steps, one file or folder each, and the list of them.

pub mod tile;

use crate::step::Entry;

/// Every step, in the order in which data meets them. All that is generated, checked or offered on
/// the command line walks this slice.
pub static STEPS: &[Entry] = &[Entry::of::<tile::Tile>()];
