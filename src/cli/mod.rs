//! The command line.
pub mod flags;
pub mod knobs;
pub mod print;
pub mod signals;
