//! Datasets as trees of digests, and runs through the library.

use std::collections::BTreeMap;
use std::path::Path;

use microtome::dataset::Root;
use microtome::digest::Digest;
use microtome::engine::{self, Knobs, Plan, Silent, Summary};
use microtome::step::{AnyStep, Crew};
use microtome::{Result, steps};
use serde_json::{Value, json};

/// What tells when, and on which host, a run happened: the only files that two runs may differ in.
const OF_THE_RUN: [&str; 3] = ["run.json", "report.html", "report.json"];

/// All files of a dataset by path, with their digests, but for those that tell of the run itself.
pub fn tree(root: &Path) -> BTreeMap<String, String> {
    fn walk(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, files);
            } else {
                let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
                if !OF_THE_RUN.contains(&name.as_str()) {
                    files.insert(name, Digest::of(&std::fs::read(&path).unwrap()).to_string());
                }
            }
        }
    }
    let mut files = BTreeMap::new();
    walk(root, root, &mut files);
    files
}

/// Fails with the paths that differ, not with two walls of text.
pub fn assert_same(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>, what: &str) {
    let differ: Vec<_> =
        one.keys().chain(other.keys()).filter(|path| one.get(*path) != other.get(*path)).collect();
    assert!(differ.is_empty(), "{what}: these files differ: {differ:?}");
}

/// A step with params.
pub fn step(name: &str, params: Value) -> Box<dyn AnyStep> {
    steps::find(name).unwrap().make(params).unwrap()
}

/// Params of `tile` that give a few dozen patches of a fixture in little time.
pub fn tile_params() -> Value {
    json!({"level": 0, "tile_px": 256, "min_tissue": 0.3, "format": "jpeg", "quality": 80})
}

/// `scan`, then `tile`.
pub fn scan_and_tile() -> Vec<Box<dyn AnyStep>> {
    vec![step("scan", json!({})), step("tile", tile_params())]
}

/// Runs a chain, silently.
pub fn run(
    input: &str,
    steps: Vec<Box<dyn AnyStep>>,
    out: &Root,
    knobs: &Knobs,
) -> Result<Summary> {
    let plan = Plan { input: input.into(), steps, out: out.clone() };
    engine::run(&plan, knobs, &Crew::new(knobs.threads)?, &Silent)
}

/// A local root.
pub fn root(path: &Path) -> Root {
    Root::open(path.to_str().unwrap()).unwrap()
}
