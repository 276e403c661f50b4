//! What is done to whole manifests, held to other programs and to laws.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/table.rs"]
mod table;

mod split;
mod split_peers;
