//! "Recall fell between these two runs: what changed in the data?" Asked of real runs that differ in one thing or in
//! several, and of rows that steps over whole manifests kept, repeated and left out.

mod common;
#[path = "common/deal.rs"]
mod deal;
#[path = "common/table.rs"]
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use microtome::dataset::Root;
use microtome::digest::Digest;
use microtome::engine::{self, Knobs, Plan, Silent};
use microtome::lineage::{self, Difference, Subject};
use microtome::manifest::Item;
use microtome::record::Record;
use microtome::step::{AnyStep, Crew};
use microtome::steps;
use serde_json::{Value, json};

fn step(name: &str, params: Value) -> Box<dyn AnyStep> {
    if name == "deal" { &deal::DEAL } else { steps::find(name).unwrap() }.make(params).unwrap()
}

fn open(folder: &Path) -> Root {
    Root::open(folder.to_str().unwrap()).unwrap()
}

fn run(input: &Path, steps: Vec<Box<dyn AnyStep>>, out: &Path) -> Root {
    let plan = Plan { input: input.to_str().unwrap().into(), steps, out: open(out) };
    let knobs = Knobs { threads: 2, ..Knobs::default() };
    engine::run(&plan, &knobs, &Crew::new(2).unwrap(), &Silent).unwrap();
    plan.out
}

/// The drawn table of 617 patches as a dataset, and runs of `deal` over it.
struct Tables {
    folder: tempfile::TempDir,
}

impl Tables {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let csv = std::fs::read(common::fixture("tables/patches.csv")).unwrap();
        let root = open(&folder.path().join("patches"));
        root.replace("manifest.parquet", &table::of_csv(&csv)).unwrap();
        Self { folder }
    }

    fn deal(&self, name: &str, params: Value) -> Root {
        let out = self.folder.path().join(name);
        run(&self.folder.path().join("patches"), vec![step("deal", params)], &out)
    }
}

fn differ(left: &Root, right: &Root) -> Difference {
    lineage::differ(left, right, &Crew::new(2).unwrap()).unwrap()
}

fn items(root: &Root) -> Vec<Item> {
    root.manifest().unwrap().read_all().unwrap()
}

/// Rows of each (split, label), counted here.
fn cells(items: &[Item]) -> BTreeMap<(String, String), u64> {
    let mut cells = BTreeMap::new();
    for item in items {
        let cell = (item.split.clone().unwrap(), item.label.clone().unwrap_or_default());
        *cells.entry(cell).or_default() += 1;
    }
    cells
}

fn microtome(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_microtome"));
    command.args(args).env_remove("RUST_LOG").output().unwrap()
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// `1234` as `1,234`.
fn n(count: u64) -> String {
    match count {
        0..1000 => count.to_string(),
        _ => format!("{},{:03}", count / 1000, count % 1000),
    }
}

#[test]
fn the_one_param_that_differs_is_named_first_and_then_the_classes() {
    let tables = Tables::new();
    let left = tables.deal("left", json!({}));
    let right = tables.deal("right", json!({"keep_one_in": 5}));
    let found = differ(&left, &right);
    let [first, rest @ ..] = &found.summary[..] else { panic!("{found}") };
    assert_eq!((first.kind, first.cause, first.step.as_deref()), ("param", true, Some("deal")));
    assert!(first.words.starts_with("`deal.keep_one_in` 1 → 5"), "{}", first.words);
    assert!(rest.iter().all(|h| !h.cause), "{found}");

    let (a, b) = (cells(&items(&left)), cells(&items(&right)));
    let cell = ("train".to_string(), "normal".to_string());
    let (before, after) = (a[&cell], b[&cell]);
    assert!(after * 3 < before, "the drawn table is too small: {before} → {after}");
    let expected =
        format!("class `normal` in train fell from {} to {} rows (", n(before), n(after));
    let class = rest.iter().find(|h| h.kind == "class").unwrap();
    assert!(class.words.starts_with(&expected), "{} is not {expected}", class.words);
    assert!(class.words.ends_with(", because of `deal.keep_one_in` 1 → 5"), "{}", class.words);

    // Every cell that differs stands there with the numbers that were counted here, and no other.
    let told = found.shares.classes.iter().filter_map(|c| {
        let cell = (c.split.clone()?, c.class.clone().unwrap_or_default());
        Some((cell, (c.left.unwrap(), c.right.unwrap())))
    });
    let all: BTreeSet<_> =
        a.keys().chain(b.keys()).filter(|(_, label)| !label.is_empty()).collect();
    let count = |of: &BTreeMap<_, u64>, cell| of.get(cell).copied().unwrap_or(0);
    let expected = all.into_iter().map(|cell| (cell.clone(), (count(&a, cell), count(&b, cell))));
    let expected: BTreeMap<_, _> = expected.filter(|(_, (x, y))| x != y).collect();
    assert_eq!(told.collect::<BTreeMap<_, _>>(), expected);

    // The same in words and as JSON by the command, which does not know the step.
    let args = ["why", left.uri(), right.uri()];
    let words = out(&microtome(&args));
    let lines: Vec<&str> = words.lines().collect();
    assert_eq!(lines[2], "What most likely matters");
    assert!(lines[3].starts_with("  1. `deal.keep_one_in` 1 → 5"), "{words}");
    let json: Value =
        serde_json::from_str(&out(&microtome(&[&args[..], &["--json"]].concat()))).unwrap();
    assert_eq!(json["summary"][0]["step"], "deal");
    assert_eq!(json["rows"]["dropped"], found.rows.dropped);
    assert_eq!(json["shares"]["right"]["rows"], items(&right).len());
}

#[test]
fn where_two_things_differ_none_is_blamed() {
    let tables = Tables::new();
    let left = tables.deal("left", json!({}));
    let right = tables.deal("right", json!({"keep_one_in": 5, "repeat": 2}));
    let found = differ(&left, &right);
    let causes: BTreeSet<&str> =
        found.summary.iter().filter(|h| h.cause).map(|h| h.words.as_str()).collect();
    assert_eq!(causes, BTreeSet::from(["`deal.keep_one_in` 1 → 5", "`deal.repeat` 1 → 2"]));
    assert!(!found.to_string().contains("because"), "{found}");
    // What the runs' own counts show is said: at which step the counts part.
    let class = found.summary.iter().find(|h| h.kind == "class").unwrap();
    assert!(class.words.contains("of it before `deal`"), "{}", class.words);
    // Copies are rows that only the right one has.
    assert_eq!(
        found.rows.added,
        items(&right).iter().filter(|i| i.id.contains('~')).count() as u64
    );
}

#[test]
fn groups_that_moved_between_splits_are_counted() {
    let tables = Tables::new();
    let left = tables.deal("left", json!({}));
    let right = tables.deal("right", json!({"test_percent": 60}));
    let found = differ(&left, &right);
    let splits = |root: &Root| -> BTreeMap<String, (Option<String>, String)> {
        let of = |i: Item| (i.id, (i.group, i.split.unwrap()));
        items(root).into_iter().map(of).collect()
    };
    let (a, b) = (splits(&left), splits(&right));
    let moved: Vec<_> = a.iter().filter(|(id, row)| b[*id].1 != row.1).collect();
    let groups: BTreeSet<_> = moved.iter().filter_map(|(_, (group, _))| group.clone()).collect();
    assert!(groups.len() > 1);
    assert_eq!(found.shares.moved.groups, groups.len() as u64);
    let split = found.rows.column("split").unwrap();
    assert_eq!(split.rows, moved.len() as u64);
    let [only] = &split.transitions[..] else { panic!("{split:?}") };
    assert_eq!((&only.from, &only.to, only.rows), (&json!("train"), &json!("test"), split.rows));
    assert_eq!((found.rows.revalued, found.rows.added, found.rows.dropped), (split.rows, 0, 0));
    let headline = found.summary.iter().find(|h| h.kind == "split").unwrap();
    let expected = format!(
        "{} rows lie in another split, mostly `train` → `test` ({}); {} groups with them",
        n(split.rows),
        n(split.rows),
        groups.len()
    );
    assert_eq!(headline.words, expected);
}

#[test]
fn equal_datasets_are_said_to_be_equal() {
    let tables = Tables::new();
    let (left, right) = (tables.deal("left", json!({})), tables.deal("right", json!({})));
    let output = microtome(&["why", left.uri(), right.uri()]);
    assert_eq!(output.status.code(), Some(0));
    let words = out(&output);
    assert!(
        words.contains("no difference: the same steps, params and source files, and 617"),
        "{words}"
    );
    assert!(differ(&left, &right).is_empty());
    let json = out(&microtome(&["why", left.uri(), right.uri(), "--json"]));
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["equal"], true);
}

#[test]
fn the_answer_is_the_same_for_any_number_of_threads() {
    let tables = Tables::new();
    let left = tables.deal("left", json!({}));
    let right = tables.deal("right", json!({"keep_one_in": 3, "test_percent": 60, "repeat": 2}));
    let answer = |threads| lineage::differ(&left, &right, &Crew::new(threads).unwrap()).unwrap();
    let one = answer(1);
    assert_eq!(one.to_string(), answer(4).to_string());
    assert_eq!(serde_json::to_value(&one).unwrap(), serde_json::to_value(answer(4)).unwrap());
    // Seen from the other side, what was added was dropped.
    let back = differ(&right, &left);
    assert_eq!((back.rows.added, back.rows.dropped), (one.rows.dropped, one.rows.added));
    assert_eq!(back.rows.columns.len(), one.rows.columns.len());
}

/// Patches of both small slides, by a listing with these labels.
fn slides(folder: &Path, name: &str, labels: Value, more: Vec<Box<dyn AnyStep>>) -> Root {
    let mut chain = vec![
        step("scan", json!({"labels": labels, "include": ["he-*"]})),
        step("tile", json!({"mpp": 1.0, "tile_px": 64, "min_tissue": 0.5})),
    ];
    chain.extend(more);
    run(&folder.join("slides"), chain, &folder.join(name))
}

fn copied_slides() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("slides")).unwrap();
    for name in ["he-pyramid.tif", "he-svs.svs"] {
        let to = folder.path().join("slides").join(name);
        std::fs::copy(common::fixture("slides").join(name), to).unwrap();
    }
    folder
}

fn labels(pyramid: &str, svs: &str) -> Value {
    let row =
        |id: &str, label: &str| json!({"id": id, "label": label, "group": format!("of {id}")});
    json!([row("he-pyramid.tif", pyramid), row("he-svs.svs", svs)])
}

#[test]
fn a_label_that_changed_and_a_slide_that_is_gone_are_told_as_such() {
    let folder = copied_slides();
    let left = slides(folder.path(), "left", labels("tumor", "normal"), Vec::new());
    std::fs::remove_file(folder.path().join("slides/he-svs.svs")).unwrap();
    let only = json!([{"id": "he-pyramid.tif", "label": "normal", "group": "of he-pyramid.tif"}]);
    let right = slides(folder.path(), "right", only, Vec::new());
    let found = differ(&left, &right);
    assert_eq!((found.inputs.dropped, found.inputs.revalued, found.inputs.changed), (1, 1, 0));
    let (a, b) = (items(&left), items(&right));
    let (gone, kept): (Vec<_>, Vec<_>) = a.iter().partition(|i| i.id.starts_with("he-svs.svs/"));
    assert!(!gone.is_empty() && !kept.is_empty());
    assert_eq!(found.rows.dropped, gone.len() as u64);
    assert_eq!((found.rows.revalued, b.len()), (kept.len() as u64, kept.len()));
    let label = found.rows.column("label").unwrap();
    assert_eq!((label.rows, label.of_changed), (kept.len() as u64, 0));
    assert_eq!(label.transitions[0].to, json!("normal"));
    let causes: Vec<&str> = found.summary.iter().filter(|h| h.cause).map(|h| h.kind).collect();
    assert_eq!(BTreeSet::from_iter(causes), BTreeSet::from(["param", "source-files"]));
    let words = found.to_string();
    for part in [
        "source files: 1 dropped (he-svs.svs), 1 with other values (`label` in 1)",
        &format!("`label` differs in {} rows, mostly `tumor` → `normal`", kept.len()),
    ] {
        assert!(words.contains(part), "{part:?} is missing in\n{words}");
    }
    assert!(!words.contains("because"), "{words}");
}

#[test]
fn rows_go_back_through_a_whole_manifest_to_the_source() {
    let folder = copied_slides();
    let deal = json!({"keep_one_in": 2, "repeat": 3});
    let dataset =
        slides(folder.path(), "all", labels("tumor", "normal"), vec![step("deal", deal.clone())]);
    // The same in two runs, one dataset made of the other.
    let patches = slides(folder.path(), "patches", labels("tumor", "normal"), Vec::new());
    let after =
        run(&folder.path().join("patches"), vec![step("deal", deal)], &folder.path().join("after"));
    let before = items(&patches);
    for (root, stands_in) in [
        (&dataset, "manifests/2-tile.parquet".to_string()),
        (&after, format!("{}/manifest.parquet", patches.uri())),
    ] {
        let rows = items(root);
        let copy = rows.iter().find(|i| i.id.contains('~')).unwrap();
        let found = lineage::why(root, &copy.id).unwrap();
        let [whole, tile] = &found.links[..] else { panic!("{found}") };
        let said = whole.whole.as_ref().unwrap();
        assert_eq!((said.rows_in, said.rows_out), (before.len() as u64, rows.len() as u64));
        assert_eq!((whole.steps[0].step.as_str(), &whole.input_item), ("deal", &None));
        // The link behind it is not lost: the patch is that output of `tile`, made of that slide.
        let output = tile.output.as_ref().unwrap();
        assert!(copy.id.starts_with(&format!("he-pyramid.tif/{}~", output.name)), "{found}");
        assert_eq!(output.digest, copy.digest);
        let source = found.source.as_ref().unwrap();
        let bytes = std::fs::read(folder.path().join("slides/he-pyramid.tif")).unwrap();
        assert_eq!((source.id.as_str(), source.digest), ("he-pyramid.tif", Digest::of(&bytes)));
        let of = &found.copies[0];
        assert_eq!((of.id.as_str(), of.number), (copy.id.split('~').next().unwrap(), 2));
        assert_eq!((of.step.as_str(), of.key, found.copies.len()), ("deal", whole.key, 1));
        let words = found.to_string();
        for part in [
            format!("the manifest before ({} rows)", before.len()),
            format!("rows      {} → {}", before.len(), rows.len()),
            "keep_one_in=2".into(),
            format!("copy 2 of {}", of.id),
            "commonest class by rarest".into(),
        ] {
            assert!(words.contains(&part), "{part:?} is missing in\n{words}");
        }
        // The row that it repeats is no copy.
        assert!(lineage::why(root, &of.id).unwrap().copies.is_empty());

        let gone = before.iter().find(|i| !rows.iter().any(|row| row.id == i.id)).unwrap();
        let found = lineage::why(root, &gone.id).unwrap();
        let [dropped] = &found.dropped[..] else { panic!("{found}") };
        assert_eq!((dropped.step.as_str(), dropped.key), ("deal", Some(whole.key)));
        assert_eq!(dropped.facts["stands_in"], json!(stands_in));
        assert_eq!(dropped.facts["and_not_in"], json!("manifest.parquet"));
        let normal = |items: &[Item]| items.iter().filter(|i| i.label == gone.label).count();
        assert_eq!(dropped.facts["class_rows_in"], json!(normal(&before)));
        assert_eq!(dropped.facts["class_rows_out"], json!(normal(&rows)));
        assert_eq!(found.source.as_ref().unwrap().id, "he-svs.svs");
        // What stands in the manifest was left out by nobody, nor was a slide that became patches.
        for id in [&of.id, "he-pyramid.tif"] {
            assert!(lineage::why(root, id).unwrap().dropped.is_empty(), "{id}");
        }
        // The record itself is about all rows.
        let record = lineage::why(root, &whole.key.to_string()).unwrap();
        let Subject::Record { items, .. } = record.subject else { panic!("{record}") };
        assert_eq!((items, record.links.len()), (rows.len() as u64, 1));
    }
}

fn check(root: &Root) -> Vec<(&'static str, String)> {
    let report = lineage::check(root, &Crew::new(2).unwrap(), false, &mut |_| ()).unwrap();
    report.problems.into_iter().map(|p| (p.kind, p.message)).collect()
}

#[test]
fn check_holds_a_whole_manifest_to_its_record() {
    let made = || {
        let folder = copied_slides();
        let deal = vec![step("deal", json!({"repeat": 2}))];
        let root = slides(folder.path(), "out", labels("tumor", "normal"), deal);
        (folder, root)
    };
    let (_folder, root) = made();
    assert_eq!(check(&root), []);
    let rows = items(&root);
    let schema = root.manifest().unwrap().schema().clone();
    let key: Digest = rows[0].trail.rsplit(' ').next().unwrap().parse().unwrap();

    // A row too few: `run.json` knows other bytes, the record another number.
    root.replace("manifest.parquet", &table::of_items(&schema, &rows[1..])).unwrap();
    let found = check(&root);
    assert_eq!(
        found.iter().map(|p| p.0).collect::<Vec<_>>(),
        ["manifest", "manifest"],
        "{found:?}"
    );
    let counts = format!("{} rows, its record {} says {}", rows.len() - 1, key.short(), rows.len());
    assert!(found.iter().any(|p| p.1 == counts), "{found:?}");

    // A row that did not come that way.
    let (_folder, root) = made();
    let mut other = rows.clone();
    other[3].trail = other[3].trail.split(' ').next().unwrap().into();
    root.replace("manifest.parquet", &table::of_items(&schema, &other)).unwrap();
    let kinds: Vec<_> = check(&root).into_iter().map(|p| p.0).collect();
    assert_eq!(kinds, ["manifest", "trail"]);

    // A record that is gone.
    let (_folder, root) = made();
    root.remove(&Record::path(&key)).unwrap();
    let found = check(&root);
    assert_eq!(found, [("trail", format!("no record {key} within reach"))]);
}

#[test]
fn what_cannot_be_compared_is_refused_in_words() {
    let tables = Tables::new();
    let left = tables.deal("left", json!({}));
    let folder = tables.folder.path().join("empty");
    std::fs::create_dir(&folder).unwrap();
    let broken = tables.deal("broken", json!({}));
    broken.replace("manifest.parquet", b"PAR1 no table PAR1").unwrap();
    let part = tables.folder.path().join("part");
    open(&part).replace("manifest/part-00000-of-00002.parquet", b"PAR1").unwrap();
    for (other, words) in [
        (folder.to_str().unwrap(), "is a folder without a manifest.parquet, so no dataset"),
        ("no-such-place", "is no dataset, and "),
        (broken.uri(), "manifest.parquet"),
        (part.to_str().unwrap(), "merge the shards first"),
    ] {
        for args in [["why", left.uri(), other], ["why", other, left.uri()]] {
            let output = microtome(&args);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let code = if other == broken.uri() { 3 } else { 2 };
            assert_eq!(output.status.code(), Some(code), "{said}");
            assert!(said.contains(words) && said.contains("remedy: "), "{words:?}: {said}");
        }
    }
    // Without a run.json rows are compared all the same; nothing is blamed.
    let right = tables.deal("right", json!({"keep_one_in": 5}));
    right.remove("run.json").unwrap();
    let found = differ(&left, &right);
    assert!(found.steps.is_empty() && found.rows.dropped > 0 && found.notes.len() == 2, "{found}");
    assert!(found.summary.iter().all(|h| !h.cause), "{found}");
    assert!(found.to_string().contains("has no run.json"), "{found}");
}

#[test]
fn the_readme_shows_what_the_command_prints() {
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("labels.csv");
    std::fs::write(&labels, "id,label\nhe-pyramid.tif,tumor\nhe-svs.svs,normal\n").unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    let slides = common::fixture("slides");
    let (scanned, labels) = (place("scanned"), labels.to_str().unwrap());
    let scan = ["scan", slides.to_str().unwrap(), "-o", &scanned, "--include", "he-*"];
    out(&microtome(&[&scan[..], &["--labels", labels, "-q"]].concat()));
    for (name, share) in [("monday", "0.5"), ("tuesday", "0.9")] {
        let (out_folder, tile) = (place(name), ["--mpp", "1", "--tile-px", "64", "-q"]);
        let args = ["tile", &scanned, "-o", &out_folder, "--min-tissue", share];
        out(&microtome(&[&args[..], &tile].concat()));
    }
    let words = out(&microtome(&["why", &place("monday"), &place("tuesday")]));
    let from = words.find("What most likely matters").unwrap();
    let shown = words[from..words.find("\nSource files").unwrap()].trim_end();
    let readme = std::fs::read_to_string(common::root().join("README.md")).unwrap();
    assert!(readme.contains(&format!("```text\n{shown}\n```")), "README.md should show\n{shown}");
}
