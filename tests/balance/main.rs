//! What is done to whole manifests, held to other programs and to laws.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/table.rs"]
mod table;

mod split;
mod split_peers;

// What the other users of this module take of it.
const _: () = {
    let _ = (table::said, table::went_on);
};
