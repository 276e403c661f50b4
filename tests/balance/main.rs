//! Steps over whole manifests: how rows are shared out, held to laws and compared with what other
//! programs give.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/table.rs"]
mod table;

mod sample;
mod split;
mod split_peers;
