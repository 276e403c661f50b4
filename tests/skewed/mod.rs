//! A finished dataset whose classes are out of balance: patches of several classes, splits and groups, and a
//! run that says so as a step over the whole manifest does.

use microtome::digest::Digest;
use microtome::distribution::{Balance, Counter, Distribution};
use microtome::manifest::Item;
use serde_json::{Value, json};

use super::tiny::{self, Tiny, USUAL, tiny};

/// Rows of a class, split and group.
pub type Cell<'a> = (&'a str, &'a str, &'a str, usize);

/// Before: tumor is rare. After: all are alike in `train`, the others as they were.
pub const CELLS: &[(Cell<'_>, usize)] = &[
    (("normal", "train", "patient-1", 420), 60),
    (("normal", "train", "patient-2", 180), 30),
    (("tumor", "train", "patient-1", 8), 70),
    (("tumor", "train", "patient-3", 12), 20),
    (("necrosis", "train", "patient-2", 95), 90),
    (("normal", "val", "patient-4", 90), 90),
    (("tumor", "val", "patient-4", 3), 3),
    (("normal", "test", "patient-5", 70), 70),
    (("necrosis", "test", "patient-5", 11), 11),
    (("tumor", "test", "patient-6", 2), 2),
];

/// Says what of the tiny dataset is not looked at here.
const _: () = {
    let _ = |tiny: &Tiny| (tiny.folder.path().is_dir(), tiny.keys.len());
};

/// What a counter makes of cells.
pub fn distribution<'a>(cells: impl Iterator<Item = (Cell<'a>, u64)>) -> Distribution {
    let mut counter = Counter::default();
    let some = |word: &'a str| Some(word).filter(|w| !w.is_empty());
    for ((label, split, group, rows), times) in cells {
        (0..rows).for_each(|_| counter.add((some(label), some(split), some(group)), times, None));
    }
    counter.finish()
}

/// A dataset with these rows in its last manifest, made by `scan` and `tile` alone.
pub fn plain(cells: &[Cell<'_>]) -> Tiny {
    let mut tiny = tiny(USUAL, 256);
    let files = tiny.items.clone();
    let mut items = Vec::new();
    for (label, split, group, rows) in cells {
        for n in 0..*rows {
            let file = &files[(items.len() * 7 + n) % files.len()];
            let some = |word: &str| Some(word.to_string()).filter(|w| !w.is_empty());
            items.push(Item {
                id: format!("row-{}", items.len()),
                digest: Digest::of(format!("{label} {split} {group} {n}").as_bytes()),
                label: some(label),
                split: some(split),
                group: some(group),
                ..file.clone()
            });
        }
    }
    let bytes = tiny::manifest(&tiny::tile_schema(), &items);
    tiny.root.replace("manifest.parquet", &bytes).unwrap();
    if let Some(last) = tiny.summary.steps.last_mut() {
        (last.items, last.manifest) = (items.len() as u64, Digest::of(&bytes));
    }
    tiny.items = items;
    save(&tiny);
    tiny
}

/// Writes the summary down, as a run does.
pub fn save(tiny: &Tiny) {
    tiny.root.replace("run.json", &serde_json::to_vec_pretty(&tiny.summary).unwrap()).unwrap();
}

/// What [`CELLS`] are before and after.
pub fn balance() -> Balance {
    let before = CELLS.iter().map(|(cell, _)| (*cell, 1));
    let after = CELLS.iter().map(|(cell, after)| ((cell.0, cell.1, cell.2, *after), 1));
    Balance { before: distribution(before), after: distribution(after) }
}

/// The dataset of [`CELLS`], as a step `sample` would leave it.
pub fn sampled() -> Tiny {
    let after: Vec<Cell<'_>> = CELLS.iter().map(|(c, after)| (c.0, c.1, c.2, *after)).collect();
    let mut tiny = plain(&after);
    let mut step = tiny.summary.steps.last().unwrap().clone();
    step.step = "sample".into();
    step.params = json!({"target": "equal", "seed": 7});
    step.balance = Some(balance());
    step.findings = json!({
        "drawn": 446,
        "classes": {"tumor": {"wanted": 200, "rows": 90, "reason": "its <cap> was met"}},
        "caps": [{"group": "patient-1", "dropped": 298}, {"group": "patient-2", "dropped": 155}],
        "is_exact": false,
        "share": 0.123456789,
    })
    .as_object()
    .unwrap()
    .clone();
    step.notes = vec!["the class `tumor` has 90 rows where 200 were <wanted>".into()];
    tiny.summary.steps[1].items = 891;
    tiny.summary.steps.push(step);
    save(&tiny);
    tiny
}

/// The value at a path of names and places.
pub fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    value.pointer(path).unwrap_or_else(|| panic!("{path} is missing"))
}
