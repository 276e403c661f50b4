//! Stains: estimated, separated and brought to others, against the programs that defined them.

#[path = "../common/mod.rs"]
mod common;
mod vahadane;
