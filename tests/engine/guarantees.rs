//! What a run promises when nothing goes wrong, and when files do.

use std::fs;
use std::path::PathBuf;

use microtome::Error;
use microtome::engine::{Failure, Knobs, Layout, MaxFailures, Shard};
use microtome::manifest::{Item, ManifestWriter, Schema};
use microtome::record::Record;
use serde_json::json;
use tempfile::tempdir;

use crate::common::{fixture, python_or_skip};
use crate::tree::{assert_same, root, run, scan_and_tile, step, tile_params, tree};

fn knobs(threads: usize, layout: Layout) -> Knobs {
    Knobs { threads, layout, ..Knobs::default() }
}

fn slides() -> String {
    fixture("slides").to_str().unwrap().to_string()
}

/// Copies of some fixtures, to be renamed, changed and broken.
fn copies(names: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempdir().unwrap();
    for (from, to) in names {
        let to = folder.path().join(to);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(fixture(from), to).unwrap();
    }
    folder
}

#[test]
fn any_number_of_threads_gives_the_same_dataset() {
    for layout in [Layout::Loose, Layout::Packs { bytes: 300_000 }] {
        let mut first = None;
        for threads in [1, 2, 7] {
            let out = tempdir().unwrap();
            let summary =
                run(&slides(), scan_and_tile(), &root(out.path()), &knobs(threads, layout))
                    .unwrap();
            assert_eq!(summary.failures, 1, "no-mpp.tif alone has no resolution");
            assert!(summary.steps[1].items > 50, "{summary:?}");
            let files = tree(out.path());
            assert!(!files.keys().any(|path| path.contains(".staging")), "{files:?}");
            match &first {
                None => first = Some(files),
                Some(first) => {
                    assert_same(first, &files, &format!("{threads} threads, {layout:?}"))
                }
            }
        }
    }
}

#[test]
fn a_second_run_makes_nothing_and_changes_nothing() {
    let out = tempdir().unwrap();
    let root = root(out.path());
    let first = run(&slides(), scan_and_tile(), &root, &Knobs::default()).unwrap();
    let before = tree(out.path());
    let second = run(&slides(), scan_and_tile(), &root, &Knobs::default()).unwrap();
    assert_same(&before, &tree(out.path()), "second run");
    assert_eq!(second.steps[1].made, 0);
    assert_eq!(second.steps[1].hits, first.steps[1].made);
    assert_eq!(second.steps[1].bytes_written, 0);
    assert_eq!(second.steps[1].manifest, first.steps[1].manifest);
}

#[test]
fn a_renamed_file_is_a_hit_and_a_new_one_alone_is_made() {
    let input = copies(&[("slides/he-pyramid.tif", "a/one.tif")]);
    let out = tempdir().unwrap();
    let root = root(out.path());
    let uri = input.path().to_str().unwrap();
    let first = run(uri, scan_and_tile(), &root, &Knobs::default()).unwrap();
    assert_eq!((first.steps[1].made, first.steps[1].hits), (1, 0));
    fs::create_dir(input.path().join("b")).unwrap();
    fs::rename(input.path().join("a/one.tif"), input.path().join("b/another name.tif")).unwrap();
    fs::copy(fixture("slides/he-svs.svs"), input.path().join("b/new.svs")).unwrap();
    let second = run(uri, scan_and_tile(), &root, &Knobs::default()).unwrap();
    assert_eq!((second.steps[1].made, second.steps[1].hits), (1, 1));
    let items = root.manifest().unwrap().read_all().unwrap();
    assert!(items.iter().all(|item| item.id.starts_with("b/")), "{:?}", items[0].id);
}

#[test]
fn two_names_for_the_same_bytes_are_one_unit_and_two_sets_of_rows() {
    let input = copies(&[("slides/he-svs.svs", "a.svs"), ("slides/he-svs.svs", "b.svs")]);
    let out = tempdir().unwrap();
    let root = root(out.path());
    let summary =
        run(input.path().to_str().unwrap(), scan_and_tile(), &root, &Knobs::default()).unwrap();
    assert_eq!((summary.steps[1].made, summary.steps[1].hits), (1, 1));
    let items = root.manifest().unwrap().read_all().unwrap();
    let half = items.len() / 2;
    let files = |items: &[Item]| items.iter().map(|i| i.path.clone()).collect::<Vec<_>>();
    assert_eq!(files(&items[..half]), files(&items[half..]));
    assert!(items[0].id.starts_with("a.svs/") && items[half].id.starts_with("b.svs/"));
}

#[test]
fn one_bad_file_never_stops_the_others_and_each_is_listed() {
    let input = copies(&[
        ("slides/he-svs.svs", "good.svs"),
        ("bad/truncated.tif", "truncated.tif"),
        ("bad/tile-lost.tif", "tile-lost.tif"),
        ("bad/not-an-image.svs", "not-an-image.svs"),
    ]);
    let out = tempdir().unwrap();
    let summary = run(
        input.path().to_str().unwrap(),
        vec![step("scan", json!({})), step("tile", json!({"mask": "none"}))],
        &root(out.path()),
        &Knobs::default(),
    )
    .unwrap();
    assert!(summary.steps[1].items > 0);
    assert_eq!(summary.failures, 3);
    let lines = fs::read_to_string(out.path().join("failures.jsonl")).unwrap();
    let failures: Vec<Failure> = lines.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let ids: Vec<_> = failures.iter().map(|f| (f.id.as_str(), f.step.as_str())).collect();
    assert_eq!(
        ids,
        [("not-an-image.svs", "scan"), ("truncated.tif", "scan"), ("tile-lost.tif", "tile")]
    );
    assert!(failures.iter().all(|f| !f.message.is_empty() && !f.remedy.is_empty()));
    assert!(!MaxFailures::Count(2).tolerates(summary.failures, summary.units));
    assert!(MaxFailures::Count(3).tolerates(summary.failures, summary.units));
}

/// The one record of step `tile` in a dataset.
fn tile_record(out: &std::path::Path) -> PathBuf {
    let mut found = fs::read_dir(out.join("records"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| fs::read_to_string(p).unwrap().contains("\"step\":\"tile\""));
    let record = found.next().unwrap();
    assert!(found.next().is_none());
    record
}

#[test]
fn lost_and_short_outputs_are_mended() {
    let input = copies(&[("slides/he-svs.svs", "one.svs")]);
    let uri = input.path().to_str().unwrap();
    for layout in [Layout::Loose, Layout::Packs { bytes: 200_000 }] {
        let out = tempdir().unwrap();
        let root = root(out.path());
        run(uri, scan_and_tile(), &root, &knobs(2, layout)).unwrap();
        let whole = tree(out.path());
        let data: Vec<_> =
            whole.keys().filter(|p| p.starts_with("items/") || p.starts_with("packs/")).collect();
        fs::remove_file(out.path().join(data[0])).unwrap();
        fs::write(out.path().join(data[data.len() - 1]), b"short").unwrap();
        let again = run(uri, scan_and_tile(), &root, &knobs(2, layout)).unwrap();
        let failures = fs::read_to_string(out.path().join("failures.jsonl")).unwrap();
        assert_eq!(again.steps[1].made, 1, "{layout:?} {failures}");
        assert_same(&whole, &tree(out.path()), &format!("{layout:?}"));
    }
}

#[test]
fn a_unit_is_mended_in_whatever_layout_is_asked_for() {
    let input = copies(&[("slides/he-svs.svs", "one.svs")]);
    let uri = input.path().to_str().unwrap();
    let out = tempdir().unwrap();
    let root = root(out.path());
    let mut layouts = vec![Layout::Packs { bytes: 100_000 }, Layout::Packs { bytes: 250_000 }];
    layouts.extend([Layout::Loose, Layout::Packs { bytes: 90_000 }]);
    for layout in layouts {
        let summary = run(uri, scan_and_tile(), &root, &knobs(2, layout)).unwrap();
        assert_eq!((summary.steps[1].made, summary.failures), (1, 0), "{layout:?}");
        let items = root.manifest().unwrap().read_all().unwrap();
        for item in &items {
            let bytes = root.item_bytes(item).unwrap();
            assert_eq!(
                microtome::digest::Digest::of(&bytes),
                item.digest,
                "{layout:?} {}",
                item.path
            );
        }
        // Nothing is left to do, and then something is lost again.
        let again = run(uri, scan_and_tile(), &root, &knobs(2, layout)).unwrap();
        assert_eq!(again.steps[1].hits, 1, "{layout:?}");
        fs::remove_file(out.path().join(&items[0].path)).unwrap();
    }
}

#[test]
fn what_a_run_says_of_itself_is_mended_and_kept_true() {
    let input = copies(&[("slides/he-svs.svs", "one.svs")]);
    let moved = tempdir().unwrap();
    let (old, new) = (input.path().to_str().unwrap(), moved.path().join("elsewhere"));
    let out = tempdir().unwrap();
    let root = root(out.path());
    run(old, scan_and_tile(), &root, &Knobs::default()).unwrap();
    for lost in ["report.html", "report.json", "failures.jsonl", "run.json"] {
        fs::remove_file(out.path().join(lost)).unwrap();
        run(old, scan_and_tile(), &root, &Knobs::default()).unwrap();
        assert!(out.path().join(lost).exists(), "{lost}");
    }
    // The same files under another folder: the scan's manifest has other paths.
    fs::rename(input.path(), &new).unwrap();
    let summary = run(new.to_str().unwrap(), scan_and_tile(), &root, &Knobs::default()).unwrap();
    assert_eq!(summary.steps[1].hits, 1);
    let told: serde_json::Value =
        serde_json::from_slice(&fs::read(out.path().join("run.json")).unwrap()).unwrap();
    let scanned = tree(out.path())["manifests/1-scan.parquet"].clone();
    assert_eq!(told["steps"][0]["manifest"], scanned);
    fs::create_dir(input.path()).unwrap();
}

#[test]
fn other_bytes_for_the_same_key_are_an_error_never_newest_wins() {
    let input = copies(&[("slides/he-svs.svs", "one.svs")]);
    let out = tempdir().unwrap();
    let uri = input.path().to_str().unwrap();
    run(uri, scan_and_tile(), &root(out.path()), &Knobs::default()).unwrap();
    // As if an earlier run of the same version had made another patch.
    let record = tile_record(out.path());
    let key = record.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let mut other = Record::from_bytes(&key, &fs::read(&record).unwrap()).unwrap();
    other.outputs[0].digest = other.outputs[1].digest;
    fs::write(&record, other.to_bytes().unwrap()).unwrap();
    let patch = other.outputs[0].path.as_ref().unwrap();
    let bytes = fs::read(out.path().join(patch)).unwrap();
    fs::remove_file(out.path().join(patch)).unwrap();
    let summary = run(uri, scan_and_tile(), &root(out.path()), &Knobs::default()).unwrap();
    assert_eq!(summary.failures, 1);
    let failures = fs::read_to_string(out.path().join("failures.jsonl")).unwrap();
    assert!(failures.contains("not-deterministic"), "{failures}");
    assert!(!out.path().join(patch).exists(), "nothing was put over: {} bytes", bytes.len());
}

#[test]
fn a_changed_or_empty_record_is_made_anew_not_believed() {
    let input = copies(&[("slides/he-svs.svs", "one.svs")]);
    let out = tempdir().unwrap();
    let uri = input.path().to_str().unwrap();
    run(uri, scan_and_tile(), &root(out.path()), &Knobs::default()).unwrap();
    let whole = tree(out.path());
    let record = tile_record(out.path());
    let text = fs::read_to_string(&record).unwrap();
    let changes = [
        text.replacen("\"tile_px\":256", "\"tile_px\":255", 1),
        text.replacen("\"luminance_mean\":1", "\"luminance_mean\":2", 1),
        text[..text.len() / 2].to_string(),
        String::new(),
    ];
    for changed in changes {
        assert_ne!(changed, text);
        fs::write(&record, &changed).unwrap();
        // Without the manifest of before, so that its rows are made from the records.
        fs::remove_file(out.path().join("manifest.parquet")).unwrap();
        let summary = run(uri, scan_and_tile(), &root(out.path()), &Knobs::default()).unwrap();
        assert_eq!((summary.failures, summary.steps[1].made), (0, 1));
        assert_same(&whole, &tree(out.path()), &changed.chars().take(40).collect::<String>());
    }
    for record in fs::read_dir(out.path().join("records")).unwrap() {
        fs::write(record.unwrap().path(), "").unwrap();
    }
    fs::remove_file(out.path().join("manifest.parquet")).unwrap();
    run(uri, scan_and_tile(), &root(out.path()), &Knobs::default()).unwrap();
    assert_same(&whole, &tree(out.path()), "all records empty");
}

#[test]
fn somebody_elses_manifest_is_not_overwritten() {
    let out = tempdir().unwrap();
    fs::write(out.path().join("manifest.parquet"), b"mine").unwrap();
    let error = run(&slides(), scan_and_tile(), &root(out.path()), &Knobs::default()).unwrap_err();
    assert!(error.to_string().contains("did not write"), "{error}");
    assert_eq!(fs::read(out.path().join("manifest.parquet")).unwrap(), b"mine");
}

#[test]
fn a_file_that_changed_since_the_scan_is_refused() {
    let input = copies(&[("slides/he-svs.svs", "one.svs")]);
    let (scanned, out) = (tempdir().unwrap(), tempdir().unwrap());
    let uri = input.path().to_str().unwrap();
    run(uri, vec![step("scan", json!({}))], &root(scanned.path()), &Knobs::default()).unwrap();
    fs::copy(fixture("slides/he-pyramid.tif"), input.path().join("one.svs")).unwrap();
    let tile = vec![step("tile", tile_params())];
    let summary =
        run(scanned.path().to_str().unwrap(), tile, &root(out.path()), &Knobs::default()).unwrap();
    assert_eq!(summary.failures, 1);
    let failures = fs::read_to_string(out.path().join("failures.jsonl")).unwrap();
    assert!(failures.contains("scan again"), "{failures}");
}

#[test]
fn a_chain_equals_its_steps_one_by_one() {
    let (chained, scanned, tiled) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let knobs = Knobs::default();
    run(&slides(), scan_and_tile(), &root(chained.path()), &knobs).unwrap();
    run(&slides(), vec![step("scan", json!({}))], &root(scanned.path()), &knobs).unwrap();
    let tile = vec![step("tile", tile_params())];
    run(scanned.path().to_str().unwrap(), tile, &root(tiled.path()), &knobs).unwrap();
    let (a, b) = (tree(chained.path()), tree(tiled.path()));
    assert_eq!(a["manifest.parquet"], b["manifest.parquet"]);
    assert_eq!(a["manifests/1-scan.parquet"], tree(scanned.path())["manifest.parquet"]);
}

#[test]
fn a_manifest_that_lacks_a_column_is_refused_before_any_work() {
    let (scanned, lacking, out) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    run(&slides(), vec![step("scan", json!({}))], &root(scanned.path()), &Knobs::default())
        .unwrap();
    let items = root(scanned.path()).manifest().unwrap().read_all().unwrap();
    let mut bytes = Vec::new();
    let mut writer = ManifestWriter::new(&mut bytes, Schema::default()).unwrap();
    for item in items {
        writer.push(Item { facts: Vec::new(), ..item }).unwrap();
    }
    writer.finish().unwrap();
    fs::write(lacking.path().join("manifest.parquet"), bytes).unwrap();
    let tile = vec![step("tile", tile_params())];
    let error = run(lacking.path().to_str().unwrap(), tile, &root(out.path()), &Knobs::default())
        .unwrap_err();
    assert!(matches!(&error, Error::Schema { column, .. } if column == "slide.mpp_x"), "{error}");
    assert!(error.to_string().contains("`scan`"), "{error}");
    assert!(fs::read_dir(out.path()).unwrap().next().is_none(), "nothing was written");
}

#[test]
fn the_output_may_lie_in_the_input_but_not_be_it() {
    let input = copies(&[("slides/he-svs.svs", "one.svs")]);
    let uri = input.path().to_str().unwrap();
    let inside = root(&input.path().join("out"));
    for _ in 0..2 {
        let summary = run(uri, scan_and_tile(), &inside, &Knobs::default()).unwrap();
        assert_eq!((summary.steps[0].units, summary.failures), (1, 0));
    }
    let link = tempdir().unwrap();
    std::os::unix::fs::symlink(input.path(), link.path().join("link")).unwrap();
    let itself = [
        input.path().to_path_buf(),
        input.path().join(""),
        input.path().join("nowhere/.."),
        input.path().join("out/.."),
        link.path().join("link"),
    ];
    for itself in itself {
        let error = run(uri, scan_and_tile(), &root(&itself), &Knobs::default()).unwrap_err();
        assert!(matches!(error, Error::Params { .. }), "{}: {error}", itself.display());
    }
    assert!(!input.path().join("manifest.parquet").exists());
}

#[test]
fn shards_and_failure_limits_are_read_strictly() {
    assert_eq!("3/4".parse::<Shard>().unwrap(), Shard { index: 3, count: 4 });
    for wrong in ["4/4", "1", "-1/2", "a/b", "0/0", "1/2/3", ""] {
        assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
    }
    assert_eq!("2.5%".parse::<MaxFailures>().unwrap(), MaxFailures::Percent(2.5));
    for wrong in ["101%", "-1", "x", "NaN%", "%"] {
        assert!(wrong.parse::<MaxFailures>().is_err(), "{wrong}");
    }
}

#[test]
fn pyarrow_filters_and_sorts_the_manifest() {
    let test = "pyarrow_filters_and_sorts_the_manifest";
    let Some(python) = python_or_skip(test, &["pyarrow.parquet"]) else { return };
    let out = tempdir().unwrap();
    run(&slides(), scan_and_tile(), &root(out.path()), &Knobs::default()).unwrap();
    let script = r#"
import sys, pyarrow.parquet as pq
path = sys.argv[1]
whole = pq.read_table(path)
some = pq.read_table(path, filters=[("tile.source_id", "==", "he-svs.svs")])
assert 0 < some.num_rows < whole.num_rows
assert str(some.schema.field("id").type) == "string"
ids = whole.sort_by([("id", "descending")]).column("id").to_pylist()
assert ids == sorted(ids, reverse=True) and len(set(ids)) == len(ids)
"#;
    let manifest = out.path().join("manifest.parquet");
    let output =
        std::process::Command::new(python).args(["-c", script]).arg(manifest).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
