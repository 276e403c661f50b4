//! Patches that lie in packs go on in packs: one unit a pack, and the same pixels.

use std::collections::BTreeMap;
use std::fs;

use microtome::digest::Digest;
use microtome::engine::{Knobs, Layout, Shard, Summary, merge};
use microtome::manifest::{Item, ManifestWriter};
use microtome::step::AnyStep;
use serde_json::json;
use tempfile::{TempDir, tempdir};

use crate::common::fixture;
use crate::tree::{assert_same, root, run, step, tile_params, tree};

fn knobs(layout: Layout) -> Knobs {
    Knobs { threads: 2, layout, ..Knobs::default() }
}

const PACKS: Layout = Layout::Packs { bytes: 400_000 };

fn normalize() -> Box<dyn AnyStep> {
    step("stain-normalize", json!({"source": "fixed"}))
}

fn slides() -> String {
    fixture("slides").to_str().unwrap().to_string()
}

fn chained(knobs: &Knobs) -> (TempDir, Summary) {
    let out = tempdir().unwrap();
    let steps = vec![step("scan", json!({})), step("tile", tile_params()), normalize()];
    let summary = run(&slides(), steps, &root(out.path()), knobs).unwrap();
    (out, summary)
}

fn items(out: &TempDir) -> Vec<Item> {
    root(out.path()).manifest().unwrap().read_all().unwrap()
}

fn records(out: &TempDir) -> usize {
    fs::read_dir(out.path().join("records")).unwrap().count()
}

#[test]
fn packs_and_loose_files_hold_the_same_items_and_a_pack_has_one_record() {
    let (loose, one) = chained(&knobs(Layout::Loose));
    let (packed, other) = chained(&knobs(PACKS));
    let told = |out| -> BTreeMap<String, Digest> {
        items(out).into_iter().map(|item| (item.id, item.digest)).collect()
    };
    assert_eq!(told(&loose), told(&packed));
    assert_eq!(one.steps[2].items, other.steps[2].items);
    assert_eq!(
        (one.steps[2].units, one.steps[2].made),
        (other.steps[2].units, other.steps[2].made)
    );
    let patches = one.steps[2].items as usize;
    assert!(patches > 50 && records(&loose) > patches, "{patches} patches");
    let packs = fs::read_dir(packed.path().join("packs")).unwrap().count();
    assert!(records(&packed) <= packs + 5, "{} records, {packs} packs", records(&packed));
    for item in items(&packed) {
        let bytes = root(packed.path()).item_bytes(&item).unwrap();
        assert_eq!(Digest::of(&bytes), item.digest);
    }
}

#[test]
fn threads_and_runs_do_not_matter() {
    let (first, _) = chained(&knobs(PACKS));
    let before = tree(first.path());
    for threads in [1, 7] {
        let (other, _) = chained(&Knobs { threads, ..knobs(PACKS) });
        assert_same(&before, &tree(other.path()), &format!("{threads} threads"));
    }
    let steps = vec![step("scan", json!({})), step("tile", tile_params()), normalize()];
    let again = run(&slides(), steps, &root(first.path()), &knobs(PACKS)).unwrap();
    assert_eq!((again.steps[2].made, again.steps[2].hits), (0, again.steps[2].units));
    assert_same(&before, &tree(first.path()), "again");
}

#[test]
fn shards_of_packs_merge_to_one_run() {
    let tiled = tempdir().unwrap();
    let steps = vec![step("scan", json!({})), step("tile", tile_params())];
    run(&slides(), steps, &root(tiled.path()), &knobs(PACKS)).unwrap();
    let uri = tiled.path().to_str().unwrap();
    let whole = tempdir().unwrap();
    let one = run(uri, vec![normalize()], &root(whole.path()), &knobs(PACKS)).unwrap();
    for count in [2, 3] {
        let out = tempdir().unwrap();
        for index in 0..count {
            let knobs = Knobs { shard: Some(Shard { index, count }), ..knobs(PACKS) };
            run(uri, vec![normalize()], &root(out.path()), &knobs).unwrap();
        }
        let merged = merge(&[root(out.path())], &root(out.path())).unwrap();
        assert_eq!(merged.units, one.units);
        let manifest = |of: &TempDir| fs::read(of.path().join("manifest.parquet")).unwrap();
        assert_eq!(manifest(&whole), manifest(&out), "{count} shards");
    }
}

#[test]
fn an_image_that_fails_is_listed_and_the_others_of_its_pack_are_made() {
    let tiled = tempdir().unwrap();
    let steps = vec![step("scan", json!({})), step("tile", tile_params())];
    run(&slides(), steps, &root(tiled.path()), &knobs(PACKS)).unwrap();
    // Rows that point at the tar's own header in front of the image: sound digests, no images.
    let reader = root(tiled.path()).manifest().unwrap();
    let schema = reader.schema().clone();
    let mut rows = reader.read_all().unwrap();
    for row in &mut rows[3..5] {
        row.offset = row.offset.map(|offset| offset - 512);
        row.length = 512;
        row.digest = Digest::of(&root(tiled.path()).item_bytes(row).unwrap());
    }
    let bad: Vec<String> = rows[3..5].iter().map(|row| row.id.clone()).collect();
    let mut bytes = Vec::new();
    let mut writer = ManifestWriter::new(&mut bytes, schema).unwrap();
    let all = rows.len();
    rows.into_iter().for_each(|row| writer.push(row).unwrap());
    writer.finish().unwrap();
    fs::write(tiled.path().join("manifest.parquet"), bytes).unwrap();

    let out = tempdir().unwrap();
    let uri = tiled.path().to_str().unwrap();
    for _ in 0..2 {
        let summary = run(uri, vec![normalize()], &root(out.path()), &knobs(PACKS)).unwrap();
        assert_eq!((summary.failures, summary.steps[0].items as usize), (2, all - 2));
        assert_eq!(summary.units as usize, all);
        let failures = fs::read_to_string(out.path().join("failures.jsonl")).unwrap();
        assert!(bad.iter().all(|id| failures.contains(id.as_str())), "{failures}");
        let there = items(&out);
        assert_eq!(there.len(), all - 2);
        assert!(there.iter().all(|item| !bad.iter().any(|id| item.id.starts_with(id.as_str()))));
        for item in there {
            let bytes = root(out.path()).item_bytes(&item).unwrap();
            assert_eq!(Digest::of(&bytes), item.digest);
        }
    }
}
