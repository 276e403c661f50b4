//! Steps over whole manifests, as the engine runs them.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};

use microtome::Error;
use microtome::digest::{Digest, Hasher, canonical_json};
use microtome::engine::{Knobs, Shard};
use microtome::manifest::{Column, Item};
use microtome::record::Record;
use microtome::step::{Entry, Manifest, Out, Rows, Step};
use serde_json::json;
use tempfile::tempdir;

use crate::made::{self, Params, ROWS, item, root, run, thin, times};

fn knobs(threads: usize) -> Knobs {
    Knobs { threads, ..Knobs::default() }
}

/// BLAKE3 of the cause, put together by hand from what `src/engine/whole.rs` says of it.
fn key_of(items: &[Item], params: &Params) -> Digest {
    let mut input = Hasher::new();
    let mut labels = String::new();
    for item in items {
        input.update(item.digest.as_bytes());
        labels += &canonical_json(&item.label).unwrap();
        labels.push('\n');
    }
    let cause = json!({
        "cause": 1,
        "steps": [{ "step": "thin", "version": "1.2.3", "params": params }],
        "input": input.finish(),
        "columns": { "label": Digest::of(labels.as_bytes()) },
    });
    Digest::of(canonical_json(&cause).unwrap().as_bytes())
}

#[test]
fn rows_become_what_the_step_says() {
    let folder = tempdir().unwrap();
    let (input, out) = (folder.path().join("in"), root(&folder.path().join("out")));
    made::write(&input, (0..ROWS).map(item));
    let params = Params { drop: 3, repeat_above: 250 };
    let summary = run(&input, &out, vec![thin(json!(params))], &knobs(3)).unwrap();

    let all: Vec<Item> = (0..ROWS).map(item).collect();
    let key = key_of(&all, &params).to_string();
    let mut expected = Vec::new();
    for item in &all {
        let byte = item.digest.as_bytes()[0];
        for copy in 1..=times(&params, byte) {
            let mut item = item.clone();
            if copy > 1 {
                item.id =
                    format!("{}~{}-{copy}", item.id, item.trail.split_whitespace().count() + 1);
            }
            item.path = fs::canonicalize(&input).unwrap().join(&item.path).display().to_string();
            item.split = Some(if byte >= 128 { "test" } else { "train" }.into());
            item.trail = format!("{} {key}", item.trail).trim_start().to_string();
            item.facts.push(byte.into());
            expected.push(item);
        }
    }
    let found = out.manifest().unwrap();
    assert_eq!(found.schema().facts.last().unwrap().name, "thin.byte");
    assert!(found.read_all().unwrap() == expected, "other rows");

    let step = &summary.steps[0];
    assert_eq!((step.items, step.made, step.hits), (expected.len() as u64, 1, 0));
    let dropped = all.iter().filter(|i| i.digest.as_bytes()[0].is_multiple_of(3)).count();
    assert_eq!(step.dropped, dropped as u64);
    let balance = step.balance.as_ref().unwrap();
    assert_eq!((balance.before.rows, balance.after.rows), (ROWS as u64, step.items));
    let tumor = expected.iter().filter(|i| i.label.as_deref() == Some("tumor")).count();
    assert_eq!(balance.after.labels["tumor"], tumor as u64);
    assert_eq!(step.findings["rows"], ROWS);
    let record = out.record(&key.parse().unwrap()).unwrap().expect("a record under the key");
    assert_eq!(record.outputs[0].length, step.items);
}

#[test]
fn bytes_are_the_same_for_any_number_of_threads() {
    let folder = tempdir().unwrap();
    let input = folder.path().join("in");
    made::write(&input, (0..ROWS).map(item));
    let mut digests = Vec::new();
    for threads in [1, 2, 7] {
        let out = root(&folder.path().join(format!("out-{threads}")));
        let steps = vec![thin(json!({"drop": 2, "repeat_above": 100}))];
        run(&input, &out, steps, &knobs(threads)).unwrap();
        digests.push(out.digest("manifest.parquet").unwrap().unwrap());
    }
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}

#[test]
fn what_is_done_is_not_done_again_and_what_has_changed_is() {
    let folder = tempdir().unwrap();
    let (input, out) = (folder.path().join("in"), root(&folder.path().join("out")));
    made::write(&input, (0..3000).map(item));
    let steps = || vec![thin(json!({"drop": 2}))];
    let first = run(&input, &out, steps(), &knobs(2)).unwrap();
    let written = fs::metadata(folder.path().join("out/manifest.parquet")).unwrap().modified();
    let again = run(&input, &out, steps(), &knobs(2)).unwrap();
    assert_eq!((again.steps[0].hits, again.steps[0].made), (1, 0));
    assert_eq!(again.steps[0].balance, first.steps[0].balance);
    let now = fs::metadata(folder.path().join("out/manifest.parquet")).unwrap().modified();
    assert_eq!(now.unwrap(), written.unwrap(), "the manifest was written again");

    // Killed before the manifest was in its place: the record is there, and holds.
    out.remove("manifest.parquet").unwrap();
    out.remove("run.json").unwrap();
    let healed = run(&input, &out, steps(), &knobs(2)).unwrap();
    assert_eq!((healed.steps[0].hits, healed.steps[0].made), (1, 0));
    assert_eq!(healed.steps[0].manifest, first.steps[0].manifest);

    // A column that the step does not look at: another manifest under the same key.
    let grouped = |n| Item { group: Some("g".into()), ..item(n) };
    made::write(&input, (0..3000).map(grouped));
    let grouped = run(&input, &out, steps(), &knobs(2)).unwrap();
    assert_eq!((grouped.steps[0].hits, grouped.steps[0].made), (1, 0));
    assert_ne!(grouped.steps[0].manifest, first.steps[0].manifest);
    // One that it does look at.
    made::write(&input, (0..3000).map(|n| Item { label: Some("x".into()), ..item(n) }));
    let relabelled = run(&input, &out, steps(), &knobs(2)).unwrap();
    assert_eq!((relabelled.steps[0].hits, relabelled.steps[0].made), (0, 1));
}

#[test]
fn steps_in_a_chain_leave_their_manifests_behind() {
    let folder = tempdir().unwrap();
    let (input, out) = (folder.path().join("in"), root(&folder.path().join("out")));
    made::write(&input, (0..3000).map(item));
    let steps = vec![thin(json!({"drop": 2})), thin(json!({"drop": 3}))];
    let summary = run(&input, &out, steps, &knobs(2)).unwrap();
    let first = out.manifest_at("manifests/1-thin.parquet").unwrap().read_all().unwrap();
    let last = out.manifest().unwrap().read_all().unwrap();
    assert_eq!(
        (first.len() as u64, last.len() as u64),
        (summary.steps[0].items, summary.steps[1].items)
    );
    assert!(last.iter().all(|item| !item.digest.as_bytes()[0].is_multiple_of(3)));
    for item in &last {
        let before = first.iter().find(|i| i.id == item.id).unwrap();
        assert_eq!((&before.path, before.digest), (&item.path, item.digest));
        assert!(item.trail.starts_with(&before.trail));
        let keys = item.trail_keys().unwrap();
        let ours = &keys[keys.len() - 2..];
        assert!(ours.iter().all(|key| out.length(&Record::path(key)).unwrap().is_some()));
    }
}

#[test]
fn a_shard_is_refused() {
    let folder = tempdir().unwrap();
    let (input, out) = (folder.path().join("in"), root(&folder.path().join("out")));
    made::write(&input, (0..10).map(item));
    let sharded = Knobs { shard: Some(Shard { index: 0, count: 2 }), ..knobs(1) };
    let error = run(&input, &out, vec![thin(json!({}))], &sharded).unwrap_err();
    assert!(matches!(error, Error::Params { .. }), "{error}");
}

#[test]
fn ids_that_two_rows_have_are_refused() {
    let folder = tempdir().unwrap();
    let (input, out) = (folder.path().join("in"), root(&folder.path().join("out")));
    made::write(&input, (0..ROWS).map(|n| Item { id: item(n % (ROWS - 1)).id, ..item(n) }));
    let error = run(&input, &out, vec![thin(json!({}))], &knobs(2)).unwrap_err();
    let told = format!("rows 0 and {} have one id, {:?}", ROWS - 1, item(0).id);
    assert!(error.to_string().contains(&told), "{error}");
    assert!(out.length("manifest.parquet").unwrap().is_none());
    assert!(out.list("records").unwrap().is_empty());
}

/// Says something else each time it is asked.
struct Fickle;

static ASKED: AtomicU32 = AtomicU32::new(0);

impl Step for Fickle {
    const NAME: &'static str = "fickle";
    const VERSION: &'static str = "1.0.0";
    type Params = Params;
    type Input = Manifest;
    type Facts = made::Facts;
    const READS: &'static [Column] = &[];

    fn new(_: Params) -> microtome::Result<Self> {
        Ok(Self)
    }

    fn run(&self, input: Manifest, out: &mut Out<'_, made::Facts>) -> microtome::Result<()> {
        let mut times = vec![1; input.rows()];
        times[0] = ASKED.fetch_add(1, Ordering::Relaxed);
        out.rows(Rows { times: Some(times), ..Rows::default() })
    }
}

static FICKLE: Entry = Entry::of::<Fickle>();

#[test]
fn a_step_that_says_otherwise_than_its_record_is_found_out() {
    let folder = tempdir().unwrap();
    let (input, out) = (folder.path().join("in"), root(&folder.path().join("out")));
    made::write(&input, (0..10).map(item));
    let fickle = || vec![FICKLE.make(json!({})).unwrap()];
    run(&input, &out, fickle(), &knobs(1)).unwrap();
    out.remove("run.json").unwrap();
    let error = run(&input, &out, fickle(), &knobs(1)).unwrap_err();
    assert!(matches!(error, Error::NotDeterministic { .. }), "{error}");
    assert_eq!(out.manifest().unwrap().rows(), 9, "the first one stands");
}
