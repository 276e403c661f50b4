//! The steps, and the list of them.

pub mod scan;
pub mod tile;

use crate::step::Entry;

/// Every step. A plain slice: to add a step, write it and add its line.
pub const STEPS: &[Entry] = &[Entry::of::<scan::Scan>(), Entry::of::<tile::Tile>()];

/// The entry of a step by its name.
pub fn find(name: &str) -> Option<&'static Entry> {
    STEPS.iter().find(|entry| entry.name == name)
}
