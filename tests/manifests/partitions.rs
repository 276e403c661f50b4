//! Manifests laid down Hive-style, and read back by those who ask for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use microtome::Error;
use microtome::dataset::Root;
use microtome::engine::{Knobs, Summary};
use microtome::lineage;
use microtome::manifest::Item;
use microtome::step::Crew;
use object_store::memory::InMemory;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::common::{python_or_skip, root as crate_root};
use crate::made::{self, ROWS, item, root, run, thin};

fn by(columns: &[&str]) -> Knobs {
    let partition_by = columns.iter().map(|name| name.to_string()).collect();
    Knobs { threads: 2, partition_by, ..Knobs::default() }
}

fn done(input: &Path, out: &Root, columns: &[&str]) -> microtome::Result<Summary> {
    run(input, out, vec![thin(json!({"drop": 5}))], &by(columns))
}

fn files(out: &Root) -> BTreeMap<String, Vec<u8>> {
    let listed = out.list("partitions").unwrap().into_iter();
    listed.map(|stored| (stored.path.clone(), out.read(&stored.path).unwrap().unwrap())).collect()
}

#[test]
fn pandas_pyarrow_and_duckdb_read_the_rows_of_the_manifest() {
    let test = "pandas_pyarrow_and_duckdb_read_the_rows_of_the_manifest";
    let Some(python) = python_or_skip(test, &["pandas", "pyarrow", "duckdb"]) else { return };
    let folder = tempdir().unwrap();
    let input = folder.path().join("in");
    let odd = |n: usize| Item {
        label: [Some("tumor"), None, Some("a b/c=%:\"'?#&+ü"), Some("")][n % 4].map(str::to_string),
        ..item(n)
    };
    made::write(&input, (0..ROWS).map(odd));
    for (place, columns) in
        [("a", &["split", "label"][..]), ("b", &["thin.byte"]), ("c", &["label"])]
    {
        let out = root(&folder.path().join(place));
        done(&input, &out, columns).unwrap();
        let read = Command::new(&python)
            .arg(crate_root().join("tests/manifests/partitions.py"))
            .arg(folder.path().join(place))
            .args(columns)
            .output()
            .unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        let told: Value = serde_json::from_slice(&read.stdout).unwrap();
        let rows = out.manifest().unwrap().rows();
        assert_eq!(told, json!({"pyarrow": rows, "pandas": rows, "duckdb": rows}));
        // They are no orphans, and nothing is wrong with them.
        let report = lineage::check(&out, &Crew::new(2).unwrap(), false, &mut |_| {}).unwrap();
        assert_eq!(report.orphan_count, 0, "{:?}", report.orphans);
    }
}

#[test]
fn they_follow_the_manifest_and_what_no_longer_belongs_goes() {
    let folder = tempdir().unwrap();
    let input = folder.path().join("in");
    made::write(&input, (0..3000).map(item));
    let memory = Root::over(Arc::new(InMemory::new()), "some/prefix").unwrap();
    for out in [root(&folder.path().join("out")), memory] {
        done(&input, &out, &[]).unwrap();
        assert!(files(&out).is_empty());
        // The manifest stands already; the partitions are made all the same.
        done(&input, &out, &["split", "label"]).unwrap();
        let first = files(&out);
        assert_eq!(first.len(), 2 * 4 + 1, "{:?}", first.keys());
        assert!(
            first.contains_key("partitions/split=test/label=a%20b%2Fc%3D%25/part-00000.parquet")
        );
        assert!(first.contains_key(
            "partitions/split=train/label=__HIVE_DEFAULT_PARTITION__/part-00000.parquet"
        ));
        // One that was lost comes back, the others stay as they are.
        let lost = "partitions/split=train/label=tumor/part-00000.parquet";
        out.remove(lost).unwrap();
        done(&input, &out, &["split", "label"]).unwrap();
        assert_eq!(files(&out), first);
        // By other columns.
        let theirs = "partitions/notes.txt";
        out.replace(theirs, b"somebody's").unwrap();
        done(&input, &out, &["label"]).unwrap();
        let other = files(&out);
        assert_eq!(other.len(), 4 + 2, "{:?}", other.keys());
        assert_eq!(other[theirs], b"somebody's");
        // Of another manifest, and none asked for: they would be wrong.
        let steps = vec![thin(json!({"drop": 3}))];
        run(&input, &out, steps, &by(&[])).unwrap();
        assert_eq!(files(&out).into_keys().collect::<Vec<_>>(), [theirs]);
    }
}

#[test]
fn bytes_are_the_same_for_any_number_of_threads() {
    let folder = tempdir().unwrap();
    let input = folder.path().join("in");
    made::write(&input, (0..ROWS).map(item));
    let mut all = Vec::new();
    for threads in [1, 3] {
        let out = root(&folder.path().join(format!("out-{threads}")));
        let steps = || vec![thin(json!({"drop": 5})), thin(json!({"drop": 3}))];
        run(&input, &out, steps(), &Knobs { threads, ..by(&["split", "group"]) }).unwrap();
        all.push(files(&out));
    }
    assert!(all[0] == all[1]);
    assert!(all[0].len() > 20);
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_left() {
    let folder = tempdir().unwrap();
    let input = folder.path().join("in");
    made::write(&input, (0..6000).map(item));
    let out = root(&folder.path().join("out"));
    for (columns, told) in [
        (&["nothing"][..], "no column \"nothing\""),
        (&[""], "no column \"\""),
        (&["split", "split"], "named twice"),
        (&["tile.mpp"], "fractions"),
    ] {
        let error = done(&input, &out, columns).unwrap_err();
        assert!(matches!(error, Error::Params { .. }), "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
    let error = done(&input, &out, &["tile.x_px"]).unwrap_err();
    assert!(matches!(error, Error::Limit { .. }), "{error}");
    assert!(error.to_string().contains("4096"), "{error}");
    let files: Vec<_> = out.list("").unwrap().into_iter().map(|stored| stored.path).collect();
    assert!(files.iter().all(|path| path.starts_with("records/")), "{files:?}");
    // A step that is no step over a whole manifest.
    let images = microtome::steps::STEPS.iter().find(|entry| entry.name == "scan").unwrap();
    let photos = crate_root().join("fixtures/photos");
    let error = run(&photos, &out, vec![images.make(json!({})).unwrap()], &by(&["label"]));
    assert!(matches!(error, Err(Error::Params { .. })), "{error:?}");
    assert!(fs::metadata(folder.path().join("out/manifest.parquet")).is_err());
}
