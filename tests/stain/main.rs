//! Stains.

#[path = "../common/mod.rs"]
mod common;

mod apply;
