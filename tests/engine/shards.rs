//! Shards merge to the bytes of one run.

use microtome::engine::{Knobs, Layout, Shard, merge};
use microtome::{Error, Result};
use serde_json::json;
use tempfile::tempdir;

use crate::common::fixture;
use crate::tree::{assert_same, root, run, scan_and_tile, step, tile_params, tree};

fn shard_knobs(index: u32, count: u32, layout: Layout) -> Knobs {
    Knobs { threads: 2, shard: Some(Shard { index, count }), layout, ..Knobs::default() }
}

/// The parts that a merge leaves beside the whole.
fn without_parts(
    tree: std::collections::BTreeMap<String, String>,
) -> std::collections::BTreeMap<String, String> {
    tree.into_iter()
        .filter(|(path, _)| !path.contains("/part-"))
        // Each shard lists for itself: its listing record is its own.
        .filter(|(path, _)| !path.starts_with("records/"))
        .collect()
}

#[test]
fn shards_in_one_root_merge_to_one_run() {
    let input = fixture("").to_str().unwrap().to_string();
    for layout in [Layout::Loose, Layout::Packs { bytes: 500_000 }] {
        let whole = tempdir().unwrap();
        let knobs = Knobs { threads: 2, layout, ..Knobs::default() };
        let one = run(&input, scan_and_tile(), &root(whole.path()), &knobs).unwrap();
        for count in [1, 2, 5] {
            let out = tempdir().unwrap();
            for index in (0..count).rev() {
                run(&input, scan_and_tile(), &root(out.path()), &shard_knobs(index, count, layout))
                    .unwrap();
            }
            let merged = merge(&[root(out.path())], &root(out.path())).unwrap();
            assert_eq!(
                (merged.items, merged.failures, merged.units),
                (one.steps[1].items, one.failures, one.units)
            );
            assert_same(
                &without_parts(tree(whole.path())),
                &without_parts(tree(out.path())),
                &format!("{count} shards, {layout:?}"),
            );
        }
    }
}

#[test]
fn shards_of_a_dataset_in_roots_of_their_own_merge_to_one_run() {
    let input = fixture("slides").to_str().unwrap().to_string();
    let (scanned, whole, merged) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    run(&input, vec![step("scan", json!({}))], &root(scanned.path()), &Knobs::default()).unwrap();
    let scanned_uri = scanned.path().to_str().unwrap();
    let tile = || vec![step("tile", tile_params())];
    run(scanned_uri, tile(), &root(whole.path()), &Knobs::default()).unwrap();
    let parts: Vec<_> = (0..3).map(|_| tempdir().unwrap()).collect();
    for (index, part) in (0..).zip(&parts) {
        run(scanned_uri, tile(), &root(part.path()), &shard_knobs(index, 3, Layout::Loose))
            .unwrap();
    }
    let roots: Vec<_> = parts.iter().map(|p| root(p.path())).collect();
    merge(&roots, &root(merged.path())).unwrap();
    assert_same(&tree(whole.path()), &tree(merged.path()), "three roots");
}

#[test]
fn a_merge_refuses_what_is_missing_double_or_foreign() {
    let input = fixture("slides").to_str().unwrap().to_string();
    let (a, b, out) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let knobs = |index| shard_knobs(index, 2, Layout::Loose);
    run(&input, scan_and_tile(), &root(a.path()), &knobs(0)).unwrap();
    let refused = |result: Result<_>, word: &str| match result {
        Err(Error::Params { message, .. }) => assert!(message.contains(word), "{message}"),
        other => panic!("{other:?}"),
    };
    refused(merge(&[root(a.path())], &root(out.path())).map(|_| ()), "missing shards: 1/2");
    run(&input, scan_and_tile(), &root(b.path()), &knobs(0)).unwrap();
    refused(merge(&[root(a.path()), root(b.path())], &root(out.path())).map(|_| ()), "part 0");
    let (c, other) =
        (tempdir().unwrap(), vec![step("scan", json!({})), step("tile", json!({"tile_px": 300}))]);
    run(&input, other, &root(c.path()), &knobs(1)).unwrap();
    refused(merge(&[root(a.path()), root(c.path())], &root(out.path())).map(|_| ()), "other steps");
    refused(merge(&[root(out.path())], &root(out.path())).map(|_| ()), "no manifest/part-");
}
