//! Shards joined to what one run would have made.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use serde::{Deserialize, Serialize};

use super::files::Files;
use super::rows::{ORDER, RowsOut};
use super::{Failure, Summary, parts};
use crate::dataset::{Root, Stored};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{BATCH_ROWS, Field, Item, ManifestReader, Schema};

/// What a merge did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MergeSummary {
    /// Shards that were joined.
    pub shards: u32,
    /// Items in the manifest.
    pub items: u64,
    /// Failures of all shards.
    pub failures: u64,
    /// Units of all shards.
    pub units: u64,
    /// Files that were brought over from other roots.
    pub files_brought: u64,
    /// Digest of the manifest file.
    pub manifest: Digest,
}

/// A failure with its place in the whole.
#[derive(Serialize, Deserialize)]
struct Ordered {
    order: u64,
    #[serde(flatten)]
    failure: Failure,
}

/// `failures.jsonl` of a whole run.
pub(super) fn plain_failures(failures: &[(u64, Failure)]) -> Result<Vec<u8>> {
    lines(failures.iter().map(|(_, failure)| failure))
}

/// Failures of a shard: as the whole's, with the order that a merge needs.
pub(super) fn ordered_failures(failures: &[(u64, Failure)]) -> Result<Vec<u8>> {
    lines(
        failures.iter().map(|(order, failure)| Ordered { order: *order, failure: failure.clone() }),
    )
}

fn lines<T: Serialize>(values: impl Iterator<Item = T>) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for value in values {
        let line = serde_json::to_vec(&value).map_err(|e| Error::Bug { message: e.to_string() })?;
        text.extend(line);
        text.push(b'\n');
    }
    Ok(text)
}

/// Joins the shards that lie in `parts` (one root or several) into `out`: files are brought over
/// where they lie elsewhere, failures and summaries are joined, the manifest comes last and has the
/// bytes of one run over everything.
///
/// # Errors
/// [`Error::Params`] when a shard is missing, is there twice, or comes from other steps;
/// [`Error::Store`]; [`Error::Format`].
pub fn merge(from: &[Root], out: &Root) -> Result<MergeSummary> {
    let _staging = out.begin()?;
    let manifests = collect(from, "manifest", ".parquet", None)?;
    let files_brought = bring(from, out)?;
    let runs = collect(from, "runs", ".json", None)?;
    let mut summary = join_summaries(&runs, summaries(&runs)?)?;
    let whole = Files { leg: None, shard: None };
    for stem in earlier_manifests(from)? {
        let parts = collect(from, &stem, ".parquet", None)?;
        let (sealed, _) = join(&parts, out)?;
        for (index, step) in summary.steps.iter_mut().enumerate() {
            if whole.between(index, &step.step) == format!("{stem}.parquet") {
                step.manifest = sealed.digest;
            }
        }
        out.put(&format!("{stem}.parquet"), sealed)?;
    }
    let failures = join_failures(&collect(from, "failures", ".jsonl", None)?, &summary)?;
    let (sealed, items) = join(&manifests, out)?;
    if let Some(last) = summary.steps.last_mut() {
        last.manifest = sealed.digest;
    }
    let merged = MergeSummary {
        shards: manifests.len() as u32,
        items,
        failures: failures.len() as u64,
        units: summary.units,
        files_brought,
        manifest: sealed.digest,
    };
    super::finish(out, &summary, &failures, super::Rows::New(sealed))?;
    Ok(merged)
}

/// The parts of the manifest that shards left in these roots, by index: all of them, each once.
///
/// # Errors
/// [`Error::Params`] when one is missing or there twice; [`Error::Store`].
pub fn manifest_parts(from: &[Root]) -> Result<Vec<(Root, String)>> {
    collect(from, "manifest", ".parquet", None)
}

/// The parts of one file, by index: all of them, each once. `wanted`: only parts of so many, whatever else an
/// earlier run with another number of shards left.
pub(super) fn collect(
    from: &[Root],
    stem: &str,
    ending: &str,
    wanted: Option<u32>,
) -> Result<Vec<(Root, String)>> {
    let mut found: BTreeMap<u32, (Root, String)> = BTreeMap::new();
    let mut count = wanted;
    for root in from {
        for Stored { path, .. } in root.list(stem)? {
            let own = path.rsplit_once('/').is_some_and(|(folder, _)| folder == stem);
            let Some((index, of)) =
                parts::parse_part(&path).filter(|_| own && path.ends_with(ending))
            else {
                continue;
            };
            if wanted.is_some_and(|wanted| wanted != of) {
                continue;
            }
            if *count.get_or_insert(of) != of {
                return Err(Error::params(
                    "PART",
                    format!(
                        "{}/{path} is one of {of}, others are of {}",
                        root.uri(),
                        count.unwrap_or(0)
                    ),
                ));
            }
            if let Some((other, _)) = found.insert(index, (root.clone(), path.clone())) {
                return Err(Error::params(
                    "PART",
                    format!("part {index} is in {} and in {}", other.uri(), root.uri()),
                ));
            }
        }
    }
    let count = count.filter(|_| !found.is_empty()).ok_or_else(|| {
        let places: Vec<_> = from.iter().map(Root::uri).collect();
        Error::params("PART", format!("no {stem}/part-*{ending} in {}", places.join(", ")))
    })?;
    let missing: Vec<String> =
        (0..count).filter(|i| !found.contains_key(i)).map(|i| format!("{i}/{count}")).collect();
    if !missing.is_empty() {
        return Err(Error::params("PART", format!("missing shards: {}", missing.join(", "))));
    }
    Ok(found.into_values().collect())
}

/// `manifests/<n>-<step>` of the earlier steps of a chain.
fn earlier_manifests(from: &[Root]) -> Result<Vec<String>> {
    let mut stems = std::collections::BTreeSet::new();
    for root in from {
        for Stored { path, .. } in root.list("manifests")? {
            if let Some((stem, _)) =
                path.rsplit_once('/').filter(|_| parts::parse_part(&path).is_some())
            {
                stems.insert(stem.to_string());
            }
        }
    }
    Ok(stems.into_iter().collect())
}

/// Brings items, packs, previews and records of other roots over.
fn bring(from: &[Root], out: &Root) -> Result<u64> {
    let mut brought = 0;
    for root in from.iter().filter(|root| root.uri() != out.uri()) {
        for folder in ["items", "packs", "previews", "records"] {
            for Stored { path, length } in root.list(folder)? {
                if out.length(&path)? != Some(length) {
                    out.bring(root, &path)?;
                    brought += 1;
                }
            }
        }
    }
    Ok(brought)
}

struct Part {
    reader: ManifestReader,
    order_at: usize,
    batch: std::vec::IntoIter<Item>,
}

impl Part {
    fn next(&mut self) -> Result<Option<(u64, Item)>> {
        loop {
            if let Some(mut item) = self.batch.next() {
                let order = item.facts.remove(self.order_at).as_u64().ok_or_else(|| {
                    Error::format("manifest", format!("row {:?} has no `{ORDER}`", item.id))
                })?;
                return Ok(Some((order, item)));
            }
            match self.reader.next_batch()? {
                Some(batch) => self.batch = batch.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

/// Merges sorted parts; holds one (smaller) batch of each.
pub(super) fn join(parts: &[(Root, String)], out: &Root) -> Result<(crate::dataset::Sealed, u64)> {
    let batch_rows = (BATCH_ROWS / parts.len().max(1)).max(256);
    let mut schema: Option<Schema> = None;
    let mut open = Vec::new();
    for (root, path) in parts {
        let reader = root.manifest_at(path)?.with_batch_rows(batch_rows);
        let order_at = reader.schema().fact(ORDER).ok_or_else(|| {
            Error::format(format!("{}/{path}", root.uri()), "is no part of a shard")
        })?;
        let facts: Vec<Field> =
            reader.schema().facts.iter().filter(|f| f.name != ORDER).cloned().collect();
        let plain = Schema { facts };
        if *schema.get_or_insert_with(|| plain.clone()) != plain {
            return Err(Error::params(
                "PART",
                format!(
                    "{}/{path} has other columns: all shards must come from the same steps",
                    root.uri()
                ),
            ));
        }
        open.push(Part { reader, order_at, batch: Vec::new().into_iter() });
    }
    let mut rows = RowsOut::new(out, schema.unwrap_or_default(), false)?;
    let mut heads: Vec<Option<Item>> = Vec::new();
    let mut queue = BinaryHeap::new();
    for (index, part) in open.iter_mut().enumerate() {
        let next = part.next()?;
        if let Some((order, _)) = &next {
            queue.push(Reverse((*order, index)));
        }
        heads.push(next.map(|(_, item)| item));
    }
    let mut items = 0;
    while let Some(Reverse((order, index))) = queue.pop() {
        let next = open[index].next()?;
        if let Some((following, _)) = &next {
            if *following < order {
                return Err(Error::format("manifest", "a shard's rows are not in order"));
            }
            queue.push(Reverse((*following, index)));
        }
        if let Some(item) = std::mem::replace(&mut heads[index], next.map(|(_, item)| item)) {
            rows.push(item, order)?;
            items += 1;
        }
    }
    Ok((rows.finish()?, items))
}

/// The failures in a file of ours, with their orders.
pub(super) fn read_failures(root: &Root, path: &str) -> Result<Vec<(u64, Failure)>> {
    let bytes = root.read(path)?.unwrap_or_default();
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    let read = lines.map(|line| {
        let ordered: Ordered = serde_json::from_slice(line)
            .map_err(|e| Error::format(format!("{}/{path}", root.uri()), e.to_string()))?;
        Ok((ordered.order, ordered.failure))
    });
    read.collect()
}

pub(super) fn join_failures(
    parts: &[(Root, String)],
    summary: &Summary,
) -> Result<Vec<(u64, Failure)>> {
    let mut all = Vec::new();
    for (root, path) in parts {
        all.append(&mut read_failures(root, path)?);
    }
    if all.len() as u64 != summary.failures {
        return Err(Error::format(
            "failures",
            format!(
                "the lists of the shards hold {} failures, and their runs tell of {}",
                all.len(),
                summary.failures
            ),
        ));
    }
    // Steps follow each other in a whole run, and orders within a step.
    let position = |failure: &Failure| summary.steps.iter().position(|s| s.step == failure.step);
    all.sort_by_key(|(order, failure): &(u64, Failure)| (position(failure), *order));
    Ok(all)
}

/// What each shard says that it did.
pub(super) fn summaries(parts: &[(Root, String)]) -> Result<Vec<Summary>> {
    let read = parts.iter().map(|(root, path)| {
        let bytes = root.read(path)?.unwrap_or_default();
        serde_json::from_slice(&bytes)
            .map_err(|e| Error::format(format!("{}/{path}", root.uri()), e.to_string()))
    });
    read.collect()
}

/// The summaries of shards, which lie at `parts`, as one.
pub(super) fn join_summaries(parts: &[(Root, String)], summaries: Vec<Summary>) -> Result<Summary> {
    let mut joined: Option<Summary> = None;
    for ((root, path), one) in parts.iter().zip(summaries) {
        let Some(all) = &mut joined else {
            joined = Some(Summary { shard: None, ..one });
            continue;
        };
        let same =
            all.steps.len() == one.steps.len()
                && all.steps.iter().zip(&one.steps).all(|(a, b)| {
                    (&a.step, &a.version, &a.params) == (&b.step, &b.version, &b.params)
                });
        if !same {
            return Err(Error::params(
                "PART",
                format!(
                    "{}/{path} ran other steps, versions or params than the first part",
                    root.uri()
                ),
            ));
        }
        all.failures += one.failures;
        all.store_failures += one.store_failures;
        all.units += one.units;
        all.seconds = all.seconds.max(one.seconds);
        for (a, b) in all.steps.iter_mut().zip(one.steps) {
            // Each part follows from its own rows; the whole of them is nobody's to look for.
            a.follows_from = Digest::of_digests([&a.follows_from, &b.follows_from]);
            a.units += b.units;
            a.hits += b.hits;
            a.made += b.made;
            a.failures += b.failures;
            a.items += b.items;
            a.dropped += b.dropped;
            a.bytes_in += b.bytes_in;
            a.bytes_out += b.bytes_out;
            a.bytes_written += b.bytes_written;
            a.seconds = a.seconds.max(b.seconds);
            a.slowest.extend(b.slowest);
            a.slowest.sort_by(|x, y| y.1.total_cmp(&x.1));
            a.slowest.truncate(20);
        }
    }
    joined.ok_or_else(|| Error::params("PART", "there is none"))
}
