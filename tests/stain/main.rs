//! Stains, compared with what other programs find, and on images where these fail.

#[path = "../common/mod.rs"]
mod common;

mod apply;
mod blank;
mod macenko;
mod reference;
mod vahadane;
