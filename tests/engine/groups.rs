//! What a run promises of group steps: `fit-stain` over slides, shards, names and cohorts.

use std::fs;

use microtome::dataset::Root;
use microtome::engine::{Knobs, Shard, Summary, merge};
use microtome::manifest::Item;
use microtome::step::AnyStep;
use microtome::{Error, Result};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::common::fixture;
use crate::tree::{assert_same, root, run, step, tree};

/// Patches of two laboratories, and flat colours, each folder a group.
fn patches() -> TempDir {
    let folder = tempdir().unwrap();
    for lab in ["lab-a", "lab-b", "nothing"] {
        let to = folder.path().join(lab);
        fs::create_dir(&to).unwrap();
        for file in fs::read_dir(fixture("stains").join(lab)).unwrap() {
            let file = file.unwrap();
            fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
    }
    folder
}

fn chain(params: Value) -> Vec<Box<dyn AnyStep>> {
    vec![step("scan", json!({"group_folder": 1})), step("fit-stain", params)]
}

fn fitted(input: &TempDir, params: Value, threads: usize) -> (TempDir, Summary) {
    let out = tempdir().unwrap();
    let knobs = Knobs { threads, ..Knobs::default() };
    let summary = run(uri(input), chain(params), &root(out.path()), &knobs).unwrap();
    (out, summary)
}

fn uri(folder: &TempDir) -> &str {
    folder.path().to_str().unwrap()
}

/// The items, and a way to a fact of one by its id.
fn rows(root: &Root) -> Vec<(Item, Vec<(String, Value)>)> {
    let reader = root.manifest().unwrap();
    let schema = reader.schema().clone();
    let named = |item: &Item| {
        let names = schema.facts.iter().map(|f| f.name.clone());
        names.zip(item.facts.iter().cloned()).collect()
    };
    reader.read_all().unwrap().into_iter().map(|item| (item.clone(), named(&item))).collect()
}

fn fact(row: &(Item, Vec<(String, Value)>), name: &str) -> Value {
    row.1.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap()
}

#[test]
fn any_number_of_threads_gives_the_same_profiles_and_items_stay() {
    let input = patches();
    for params in [json!({}), json!({"per": "cohort"}), json!({"cohort_fallback": true})] {
        let (one, summary) = fitted(&input, params.clone(), 1);
        assert_eq!((summary.failures, summary.steps[1].units), (0, 3));
        let items = rows(&root(one.path()));
        assert_eq!(items.len(), 7);
        for (item, _) in &items {
            assert!(std::path::Path::new(&item.path).is_file(), "{}", item.path);
            assert!(!item.id.contains("fit-stain"));
        }
        for threads in [2, 7] {
            let (other, _) = fitted(&input, params.clone(), threads);
            assert_same(&tree(one.path()), &tree(other.path()), &format!("{threads} threads"));
        }
    }
}

#[test]
fn a_slide_is_fitted_on_its_own_and_flat_colours_have_no_profile() {
    let (out, _) = fitted(&patches(), json!({}), 2);
    for row in rows(&root(out.path())) {
        let status = fact(&row, "fit-stain.status");
        let profile = fact(&row, "fit-stain.profile");
        if row.0.id.starts_with("nothing/") {
            assert_ne!(status, "ok");
            assert_eq!(profile, Value::Null);
        } else {
            assert_eq!(status, "ok", "{}", row.0.id);
            assert!(profile.as_str().unwrap().contains("\"matrix\""));
        }
        assert_eq!(fact(&row, "fit-stain.cohort"), Value::Null);
    }
}

#[test]
fn the_cohort_stands_in_where_it_is_asked_for_and_only_there() {
    let (out, _) = fitted(&patches(), json!({"cohort_fallback": true}), 2);
    let (cohort, _) = fitted(&patches(), json!({"per": "cohort"}), 2);
    let of_all = fact(&rows(&root(cohort.path()))[0], "fit-stain.profile");
    assert!(of_all.is_string());
    for row in rows(&root(out.path())) {
        let degenerate = row.0.id.starts_with("nothing/");
        let expected = if degenerate { of_all.clone() } else { Value::Null };
        assert_eq!(fact(&row, "fit-stain.cohort"), expected, "{}", row.0.id);
        // The record of the cohort is a cause of these rows alone.
        assert_eq!(row.0.trail.split(' ').count(), if degenerate { 2 } else { 1 }, "{}", row.0.id);
    }
}

#[test]
fn a_new_slide_alone_is_counted_and_names_do_not_matter() {
    let input = patches();
    let out = tempdir().unwrap();
    let root = root(out.path());
    let go = |params: Value| run(uri(&input), chain(params), &root, &Knobs::default()).unwrap();
    let hidden = input.path().join("lab-b");
    let aside = tempdir().unwrap();
    fs::rename(&hidden, aside.path().join("lab-b")).unwrap();
    assert_eq!(go(json!({"per": "cohort"})).steps[1].made, 2);
    fs::rename(aside.path().join("lab-b"), input.path().join("another name")).unwrap();
    fs::rename(input.path().join("lab-a/one.png"), input.path().join("lab-a/zz.png")).unwrap();
    let again = go(json!({"per": "cohort"}));
    assert_eq!((again.steps[1].made, again.steps[1].hits), (1, 2));
    let third = go(json!({"per": "cohort"}));
    assert_eq!((third.steps[1].made, third.steps[1].hits), (0, 3));
}

#[test]
fn shards_of_a_dataset_merge_to_one_run_and_no_shard_has_a_cohort() {
    let input = patches();
    let scanned = tempdir().unwrap();
    let scan = || vec![step("scan", json!({"group_folder": 1}))];
    run(uri(&input), scan(), &root(scanned.path()), &Knobs::default()).unwrap();
    let fit = |out: &TempDir, params: Value, shard: Option<Shard>| -> Result<Summary> {
        let knobs = Knobs { shard, threads: 2, ..Knobs::default() };
        run(uri(&scanned), vec![step("fit-stain", params)], &root(out.path()), &knobs)
    };
    let whole = tempdir().unwrap();
    fit(&whole, json!({}), None).unwrap();
    for count in [2, 3] {
        let out = tempdir().unwrap();
        for index in 0..count {
            fit(&out, json!({}), Some(Shard { index, count })).unwrap();
        }
        merge(&[root(out.path())], &root(out.path())).unwrap();
        let manifest = |of: &TempDir| fs::read(of.path().join("manifest.parquet")).unwrap();
        assert_eq!(manifest(&whole), manifest(&out), "{count} shards");
    }
    let out = tempdir().unwrap();
    let refused = |result: Result<Summary>| match result {
        Err(Error::Params { field, message }) => {
            assert_eq!(field, "--shard");
            assert!(message.contains("merge"), "{message}");
        }
        other => panic!("{other:?}"),
    };
    refused(fit(&out, json!({"per": "cohort"}), Some(Shard { index: 0, count: 2 })));
    // Files are dealt one by one: a group may lie in two shards.
    let knobs = Knobs { shard: Some(Shard { index: 0, count: 2 }), ..Knobs::default() };
    refused(run(uri(&input), chain(json!({})), &root(out.path()), &knobs));
    assert!(tree(out.path()).is_empty(), "nothing is done before it is refused");
}

#[test]
fn a_file_that_is_no_image_stays_and_one_that_changed_is_left_out() {
    let input = patches();
    // A JPEG that ends too early is listed by its header, and cannot be decoded.
    let photo = fs::read(fixture("photos/deer/IMG_0001.JPG")).unwrap();
    fs::write(input.path().join("lab-a/torn.jpg"), &photo[..photo.len() / 2]).unwrap();
    let scanned = tempdir().unwrap();
    let scan = vec![step("scan", json!({"group_folder": 1}))];
    run(uri(&input), scan, &root(scanned.path()), &Knobs::default()).unwrap();
    let fit = |out: &TempDir| {
        let steps = vec![step("fit-stain", json!({}))];
        run(uri(&scanned), steps, &root(out.path()), &Knobs::default()).unwrap()
    };
    let out = tempdir().unwrap();
    assert_eq!(fit(&out).failures, 0);
    let items = rows(&root(out.path()));
    assert_eq!(items.len(), 8);
    let torn = items.iter().find(|row| row.0.id == "lab-a/torn.jpg").unwrap();
    assert_eq!(fact(torn, "fit-stain.unreadable"), 1);
    assert_eq!(fact(torn, "fit-stain.status"), "ok");

    fs::write(input.path().join("lab-b/one.png"), b"something else").unwrap();
    let out = tempdir().unwrap();
    let summary = fit(&out);
    assert_eq!(summary.failures, 1);
    let items = rows(&root(out.path()));
    assert!(items.iter().all(|row| row.0.id != "lab-b/one.png") && items.len() == 7);
    let other = items.iter().find(|row| row.0.id == "lab-b/two.png").unwrap();
    assert_eq!(fact(other, "fit-stain.images"), 1);
    let failures = fs::read_to_string(out.path().join("failures.jsonl")).unwrap();
    assert!(failures.contains("\"id\":\"lab-b/one.png\""), "{failures}");

    // When nothing of a group is left, or nothing that is an image, the group fails.
    fs::remove_file(input.path().join("lab-b/two.png")).unwrap();
    for file in ["one.png", "two.png", "glass.png"] {
        fs::remove_file(input.path().join("lab-a").join(file)).unwrap();
    }
    let out = tempdir().unwrap();
    let summary = fit(&out);
    let failures = fs::read_to_string(out.path().join("failures.jsonl")).unwrap();
    assert_eq!(summary.failures, 2, "{failures}");
    for group in ["lab-a", "lab-b"] {
        assert!(failures.contains(&format!("\"id\":\"{group}\"")), "{failures}");
    }
    assert_eq!(rows(&root(out.path())).len(), 2);
}

#[test]
fn a_damaged_pool_or_record_is_made_anew() {
    let input = patches();
    let out = tempdir().unwrap();
    let root = root(out.path());
    let go =
        || run(uri(&input), chain(json!({"per": "cohort"})), &root, &Knobs::default()).unwrap();
    go();
    let before = tree(out.path());
    let left: Vec<_> = before.keys().filter(|path| path.contains("left-pool.bin")).collect();
    assert_eq!(left.len(), 3);
    fs::remove_file(out.path().join(left[0])).unwrap();
    assert_eq!(go().steps[1].made, 1);
    assert_same(&before, &tree(out.path()), "a pool was lost");
    let record = before.keys().find(|path| path.starts_with("records/")).unwrap();
    fs::write(out.path().join(record), b"torn").unwrap();
    go();
    assert_same(&before, &tree(out.path()), "a record was torn");
}
