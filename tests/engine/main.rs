//! The engine's guarantees, on datasets on disk and in object stores.

#[path = "../common/mod.rs"]
mod common;
mod groups;
mod guarantees;
mod kills;
mod members;
mod packs;
mod servers;
mod shards;
mod stores;
mod tree;
