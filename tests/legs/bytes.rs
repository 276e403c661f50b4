//! The same bytes, however the chain is cut up.

use std::collections::BTreeMap;

use microtome::digest::Digest;

use crate::left::left;
use crate::relay::{Relay, told};

/// Each shard lists for itself, so that the record of a listing is its own.
fn but_for_listings(files: BTreeMap<String, Digest>) -> BTreeMap<String, Digest> {
    files.into_iter().filter(|(name, _)| !name.starts_with("records/")).collect()
}

fn same(pipeline: &str, input: &str, shards: &[u32]) {
    let relay = Relay::new(pipeline, input);
    let whole = tempfile::tempdir().unwrap();
    relay.run_whole(whole.path());
    for &count in shards {
        let out = tempfile::tempdir().unwrap();
        relay.run_legs(out.path(), count);
        let (mut one, mut legs) = (left(whole.path()), left(out.path()));
        assert!(one.len() > 5, "{pipeline}: a run that left next to nothing proves nothing");
        if count > 1 {
            (one, legs) = (but_for_listings(one), but_for_listings(legs));
        }
        let differ: Vec<_> = one
            .keys()
            .chain(legs.keys())
            .filter(|name| one.get(*name) != legs.get(*name))
            .collect();
        assert!(differ.is_empty(), "{pipeline}, {count} shards: these differ: {differ:?}");
        assert_eq!(told(whole.path()), told(out.path()), "{pipeline}, {count} shards");
        // Again, with nothing to do: the same files.
        let before = left(out.path());
        relay.run_legs(out.path(), count);
        assert_eq!(before, left(out.path()), "{pipeline}, {count} shards, again");
    }
}

#[test]
fn slides_to_patches() {
    same("tile", "slides", &[1, 2, 5]);
}

#[test]
fn slides_to_stain_normalized_patches() {
    same("histology", "slides", &[1, 3]);
}

#[test]
fn a_cohort_to_a_balanced_split() {
    same("balanced", "cohort", &[1, 2, 7]);
}

#[test]
fn camera_traps_to_copies() {
    same("camera-trap", "traps", &[1, 2]);
}
