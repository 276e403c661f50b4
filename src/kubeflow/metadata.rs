//! What an output artifact says of itself in Kubeflow's metadata store.
//!
//! Flat: numbers and texts, no null, no bool, no list (a null fails the task, the others are bent). Digests are text, as a double
//! cannot hold 64 bits. From the dataset's metadata alone one finds out which augmentation and which sample a model was trained
//! on: `chain` names every step with its version, in order, and `chain.<k>.<step>.…` its params and its manifest by their digests.
//!
//! A shard says little of itself: what many shards say is handed to the merge on one command line, where there is room for about
//! 128 KiB.

use serde_json::{Map, Value};

use super::pointer::Pointer;
use crate::digest::{Digest, canonical_json};
use crate::distribution::Distribution;
use crate::engine::{Knobs, Summary};
use crate::error::Result;
use crate::summary::StepSummary;

/// Classes that are named: the commonest. What is rarer is counted together.
pub const MOST_CLASSES: usize = 50;
/// Splits that are named.
const MOST_SPLITS: usize = 16;
/// Longest params that stand there whole, in bytes of canonical JSON.
const MOST_PARAMS: usize = 2000;
/// Longest label in a name: a name of more than 255 bytes has no room in the store.
const MOST_LABEL: usize = 160;
/// Where the chain stands, one link a step.
const CHAIN: &str = "chain";

/// Names and values.
pub type Metadata = Map<String, Value>;

/// A finished run, as the metadata tell of it.
pub struct Told<'a> {
    /// What it did.
    pub summary: &'a Summary,
    /// How it ran.
    pub knobs: &'a Knobs,
    /// Where its dataset is.
    pub pointer: &'a Pointer,
    /// How its rows are shared out; `None` for a shard.
    pub rows: Option<&'a Distribution>,
    /// The steps before it.
    pub before: &'a Before,
}

/// The steps that came before a run.
#[derive(Debug, Default)]
pub enum Before {
    /// None that are known.
    #[default]
    Nothing,
    /// Told by the metadata of the artifact that was read.
    Told(Metadata),
    /// Told by the summaries of earlier runs.
    Ran(Vec<StepSummary>),
}

impl Before {
    /// What an artifact's metadata say of the chain.
    pub fn of(metadata: &Metadata) -> Option<Self> {
        metadata.get(CHAIN)?.as_str()?;
        let is_chain = |name: &str| name == CHAIN || name.starts_with("chain.");
        let kept = metadata.iter().filter(|(name, value)| is_chain(name) && value.is_string());
        Some(Self::Told(kept.map(|(name, value)| (name.clone(), value.clone())).collect()))
    }
}

/// Of the dataset.
///
/// # Errors
/// As [`Digest::of_json`].
pub fn dataset(told: &Told) -> Result<Metadata> {
    let mut all = Metadata::new();
    let mut put = |name: &str, value: Value| drop(all.insert(name.into(), value));
    put("microtome", told.summary.microtome.as_str().into());
    put("root", told.pointer.root.as_str().into());
    put("manifest", told.pointer.manifest.as_str().into());
    if let Some(digest) = told.pointer.digest {
        put("manifest_digest", digest.to_string().into());
    }
    if let Some(leg) = &told.knobs.leg {
        put("leg", leg.to_string().into());
    }
    if let Some(shard) = &told.summary.shard {
        put("shard", shard.as_str().into());
    }
    put("failures", told.summary.failures.into());
    let Some(last) = told.summary.steps.last() else { return Ok(all) };
    put("step", last.step.as_str().into());
    put("version", last.version.as_str().into());
    put("items", last.items.into());
    if told.summary.shard.is_some() {
        return Ok(all);
    }
    put("params_digest", Digest::of_json(&last.params)?.to_string().into());
    let params = canonical_json(&last.params)?;
    if params.len() <= MOST_PARAMS {
        put("params", params.into());
    }
    chain(told, &mut all)?;
    if let Some(rows) = told.rows {
        classes(rows, &mut all);
    }
    Ok(all)
}

/// Every step in order, by name and version, and the digests of its params and of its manifest.
fn chain(told: &Told, all: &mut Metadata) -> Result<()> {
    let mut text = String::new();
    let mut earlier: &[StepSummary] = &[];
    match told.before {
        Before::Nothing => {}
        Before::Told(said) => {
            all.extend(said.clone());
            text = said.get(CHAIN).and_then(Value::as_str).unwrap_or_default().to_string();
        }
        Before::Ran(steps) => earlier = steps,
    }
    let mut number = text.split(',').filter(|link| !link.is_empty()).count();
    for step in earlier.iter().chain(&told.summary.steps) {
        number += 1;
        let comma = if text.is_empty() { "" } else { "," };
        text.push_str(&format!("{comma}{}@{}", step.step, step.version));
        let name = format!("{CHAIN}.{number}.{}", step.step);
        let params = Digest::of_json(&step.params)?.to_string();
        all.insert(format!("{name}.params_digest"), params.into());
        all.insert(format!("{name}.manifest_digest"), step.manifest.to_string().into());
    }
    all.insert(CHAIN.into(), text.into());
    Ok(())
}

/// The commonest classes with their rows; of equal ones the first by name.
fn commonest(rows: &Distribution) -> Vec<(&String, u64)> {
    let mut all: Vec<_> = rows.labels.iter().map(|(label, count)| (label, *count)).collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    all.truncate(MOST_CLASSES);
    all
}

fn classes(rows: &Distribution, all: &mut Metadata) {
    let named = commonest(rows);
    all.insert("classes".into(), rows.classes.into());
    all.insert("unlabelled".into(), rows.unlabelled.into());
    let labelled = rows.rows - rows.unlabelled;
    let others = labelled - named.iter().map(|(_, count)| count).sum::<u64>();
    if others > 0 {
        all.insert("other_classes".into(), others.into());
    }
    for (label, count) in &named {
        all.insert(format!("class.{}", short(label)), (*count).into());
    }
    if rows.splits.keys().all(String::is_empty) {
        return;
    }
    for (split, share) in rows.splits.iter().take(MOST_SPLITS) {
        let name = if split.is_empty() { "none".into() } else { short(split) };
        all.insert(format!("split.{name}"), share.rows.into());
        for (label, _) in &named {
            let count = share.labels.get(*label).copied().unwrap_or(0);
            all.insert(format!("class.{name}.{}", short(label)), count.into());
        }
    }
}

/// A label as part of a name; of a long one the beginning, and its digest so that no two meet.
fn short(label: &str) -> String {
    if label.len() <= MOST_LABEL {
        return label.into();
    }
    let mut end = MOST_LABEL - 16;
    while !label.is_char_boundary(end) {
        end -= 1;
    }
    let start = label.get(..end).unwrap_or_default();
    format!("{start}…{}", Digest::of(label.as_bytes()).short())
}

/// Of the metrics: numbers only.
pub fn metrics(summary: &Summary, rows: Option<&Distribution>) -> Metadata {
    let mut all = Metadata::new();
    let sum = |of: fn(&StepSummary) -> u64| summary.steps.iter().map(of).sum::<u64>();
    let counts = [
        ("items", summary.steps.last().map_or(0, |step| step.items)),
        ("units", summary.units),
        ("hits", sum(|step| step.hits)),
        ("made", sum(|step| step.made)),
        ("failures", summary.failures),
        ("dropped", sum(|step| step.dropped)),
        ("bytes_in", sum(|step| step.bytes_in)),
        ("bytes_out", sum(|step| step.bytes_out)),
        ("bytes_written", sum(|step| step.bytes_written)),
    ];
    all.extend(counts.map(|(name, count)| (name.to_string(), count.into())));
    // A value that is no number has no JSON and is left out.
    let mut put = |name: String, value: f64| {
        if let Some(number) = serde_json::Number::from_f64(value) {
            all.insert(name, number.into());
        }
    };
    put("seconds".into(), summary.seconds);
    let Some(rows) = rows else { return all };
    let labelled = (rows.rows - rows.unlabelled) as f64;
    for (label, count) in commonest(rows) {
        put(format!("class_share.{}", short(label)), count as f64 / labelled);
    }
    if let Some(ratio) = rows.skew.imbalance_ratio {
        put("skew".into(), ratio);
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::distribution::Counter;

    fn summary(steps: &[(&str, Value)]) -> Summary {
        let step = |(name, params): &(&str, Value)| {
            let (digest, zero) = (Digest::of(name.as_bytes()), 0_u64);
            let value = json!({
                "step": name, "version": "1.2.3", "params": params, "units": 4, "hits": 1, "made": 2, "failures": 1, "items": 10,
                "bytes_in": 100, "bytes_out": 50, "manifest": digest, "follows_from": digest, "slowest": [], "bytes_written": zero, "seconds": 0.5,
            });
            serde_json::from_value(value).unwrap()
        };
        Summary {
            microtome: "0.1.0".into(),
            input: "/in".into(),
            shard: None,
            steps: steps.iter().map(step).collect(),
            failures: 1,
            store_failures: 0,
            leg: None,
            given: None,
            units: 4,
            seconds: 0.5,
            threads: 1,
        }
    }

    fn rows() -> Distribution {
        let mut counter = Counter::default();
        for (label, split, times) in
            [("tumor", "train", 3), ("normal", "train", 5), ("tumor", "val", 1)]
        {
            counter.add((Some(label), Some(split), None), times, None);
        }
        counter.add((None, Some("val"), None), 1, None);
        counter.finish()
    }

    #[test]
    fn metadata_are_flat_and_tell_the_whole_chain() {
        let run = summary(&[("augment", json!({"seed": 7})), ("sample", json!({"per_class": 20}))]);
        let (knobs, rows) = (Knobs::default(), rows());
        let mut pointer = Pointer::to("/data/out");
        pointer.digest = Some(Digest::of(b"m"));
        let scanned = summary(&[("scan", json!({}))]);
        let mut told = Told {
            summary: &scanned,
            knobs: &knobs,
            pointer: &pointer,
            rows: None,
            before: &Before::Nothing,
        };
        let first = dataset(&told).unwrap();
        let before = Before::of(&first).unwrap();
        (told.summary, told.rows, told.before) = (&run, Some(&rows), &before);
        let all = dataset(&told).unwrap();
        assert_eq!(all["chain"], "scan@1.2.3,augment@1.2.3,sample@1.2.3");
        let of_params = Digest::of(br#"{"seed":7}"#).to_string();
        assert_eq!(all["chain.2.augment.params_digest"], of_params);
        assert_eq!(all["chain.3.sample.manifest_digest"], Digest::of(b"sample").to_string());
        assert_eq!(
            (&all["params"], &all["step"]),
            (&json!(r#"{"per_class":20}"#), &json!("sample"))
        );
        assert_eq!((&all["class.tumor"], &all["class.normal"]), (&json!(4), &json!(5)));
        assert_eq!((&all["classes"], &all["unlabelled"]), (&json!(2), &json!(1)));
        assert_eq!((&all["split.val"], &all["class.val.normal"]), (&json!(2), &json!(0)));
        assert!(all.values().chain(first.values()).all(|v| v.is_string() || v.is_u64()), "{all:?}");
        // The same chain from the runs themselves.
        let before = Before::Ran(scanned.steps.clone());
        told.before = &before;
        assert_eq!(dataset(&told).unwrap(), all);
    }

    #[test]
    fn a_shard_says_little() {
        let mut run = summary(&[("tile", json!({"mpp": 0.5}))]);
        run.shard = Some("3/200".into());
        let (knobs, pointer) = (Knobs::default(), Pointer::to("s3://bucket/runs/2026-11/patches"));
        let told = Told {
            summary: &run,
            knobs: &knobs,
            pointer: &pointer,
            rows: None,
            before: &Before::Nothing,
        };
        let all = dataset(&told).unwrap();
        let length = Value::Object(all).to_string().len();
        // With the 557 bytes of the artifact itself, 128 KiB hold some 150 shards.
        assert!(length < 300, "{length} bytes");
    }

    #[test]
    fn metrics_are_numbers() {
        let run = summary(&[("tile", json!({}))]);
        let all = metrics(&run, Some(&rows()));
        assert!(all.values().all(|v| v.as_f64().is_some_and(f64::is_finite)), "{all:?}");
        assert_eq!(all["class_share.tumor"].as_f64(), Some(4.0 / 9.0));
        assert_eq!((all["skew"].as_f64(), all["hits"].as_u64()), (Some(1.25), Some(1)));
        assert!(metrics(&run, Some(&Distribution::default())).values().all(|v| v.is_number()));
    }

    #[test]
    fn labels_are_cut_and_stay_apart() {
        let (one, other) = (format!("{}a", "ä".repeat(300)), format!("{}b", "ä".repeat(300)));
        let mut counter = Counter::default();
        for label in [one.as_str(), other.as_str()] {
            counter.add((Some(label), None, None), 1, None);
        }
        for n in 0..80 {
            counter.add((Some(&format!("c{n:02}")), None, None), 2, None);
        }
        let mut all = Metadata::new();
        classes(&counter.finish(), &mut all);
        let named = all.keys().filter(|name| name.starts_with("class.")).count();
        assert_eq!((named, &all["other_classes"]), (MOST_CLASSES, &json!(82 * 2 - 2 - 100)));
        assert_ne!(short(&one), short(&other));
        assert!(short(&one).len() <= MOST_LABEL + 3);
    }
}
