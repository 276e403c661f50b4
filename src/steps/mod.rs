//! The steps, one file or folder each, and the list of them.

pub mod arrays;
pub mod augment;
mod codes;
pub mod encode;
pub mod filter_background;
pub mod fit_normalize;
pub mod fit_stain;
pub mod normalize;
pub mod photo;
pub mod sample;
pub mod scan;
pub mod split;
mod stain;
pub mod stain_normalize;
pub mod targets;
pub mod tile;

use crate::step::Entry;

/// Every step, in the order in which data meets them. All that is generated, checked or offered on
/// the command line walks this slice: to add a step, write it and add its line.
pub static STEPS: &[Entry] = &[
    Entry::of::<scan::Scan>(),
    Entry::of::<fit_normalize::FitNormalize>(),
    Entry::of::<normalize::Normalize>(),
    Entry::of::<filter_background::FilterBackground>(),
    Entry::of::<tile::Tile>(),
    Entry::of::<fit_stain::FitStain>(),
    Entry::of::<stain_normalize::StainNormalize>(),
    Entry::of::<split::Split>(),
    Entry::of::<sample::Sample>(),
    Entry::of::<augment::Augment>(),
];

/// The entry of a step by its name.
pub fn find(name: &str) -> Option<&'static Entry> {
    STEPS.iter().find(|entry| entry.name == name)
}
