//! Manifests against records, and source files against manifests.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use super::{CheckReport, digest};
use crate::dataset::{Root, is_url};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::lineage::Ancestry;
use crate::lineage::whole::{last_key, whole_output};
use crate::manifest::{Item, ManifestReader};
use crate::record::Record;
use crate::step::Crew;

/// Records whose outputs are held at once. Rows of a unit stand together, so a few are enough.
const MOST_HELD: usize = 8;

fn is_outside(path: &str) -> bool {
    is_url(path) || Path::new(path).is_absolute()
}

/// Holds each manifest of the dataset itself to its digest in `run.json`, and its rows to records.
pub(super) fn check(
    ancestry: &Ancestry,
    known: &BTreeSet<Digest>,
    report: &mut CheckReport,
) -> Result<()> {
    let root = ancestry.root();
    let own = ancestry.manifests()?.into_iter().filter(|(r, _)| r.uri() == root.uri());
    for (_, path) in own {
        let name = path.rsplit('/').next().unwrap_or(&path);
        let last = ancestry.own_steps();
        let expected = match name.trim_end_matches(".parquet").split_once('-') {
            _ if path == crate::dataset::MANIFEST => last.last(),
            Some((n, _)) if path.starts_with("manifests/") => {
                n.parse::<usize>().ok().and_then(|n| last.get(n.checked_sub(1)?))
            }
            // A part of a shard: whoever merges it holds it to its run.
            _ => None,
        };
        match root.source(&path).and_then(|s| digest(&*s, &|| Ok(()))) {
            Ok(found) => {
                if let Some(step) = expected.filter(|s| s.manifest != found) {
                    report.problem(
                        "manifest",
                        &path,
                        format!("its bytes hash to {found}, run.json says {}", step.manifest),
                    );
                }
            }
            Err(e) => report.problem("store", &path, e.to_string()),
        }
        match root.manifest_at(&path) {
            Ok(reader) => rows(ancestry, known, &path, reader, report)?,
            Err(e) => report.problem("manifest", &path, e.to_string()),
        }
    }
    Ok(())
}

fn rows(
    ancestry: &Ancestry,
    known: &BTreeSet<Digest>,
    path: &str,
    mut reader: ManifestReader,
    report: &mut CheckReport,
) -> Result<()> {
    // A step over a whole manifest ends the trail of each row with the one key.
    let whole = whole(ancestry, path, &reader, report);
    let mut held = Outputs::default();
    let mut unknown: BTreeSet<Digest> = BTreeSet::new();
    let mut elsewhere: BTreeSet<Digest> = BTreeSet::new();
    loop {
        let batch = match reader.next_batch() {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(()),
            Err(e) => {
                report.problem("manifest", path, e.to_string());
                return Ok(());
            }
        };
        for item in batch {
            report.rows += 1;
            let keys = match item.trail_keys() {
                Ok(keys) => keys,
                Err(e) => {
                    report.problem("trail", &item.id, e.to_string());
                    continue;
                }
            };
            if let Some(key) = whole.filter(|key| keys.last() != Some(key)) {
                let message =
                    format!("its trail does not end with {key}, as those of the others do");
                report.problem("trail", &item.id, message);
            }
            for key in &keys {
                if known.contains(key) || elsewhere.contains(key) || unknown.contains(key) {
                    continue;
                }
                // Earlier steps' records lie in the dataset that this one was made from.
                match ancestry.record(key) {
                    Ok(Some(_)) => drop(elsewhere.insert(*key)),
                    _ => {
                        unknown.insert(*key);
                        report.problem("trail", &item.id, format!("no record {key} within reach"));
                    }
                }
            }
            if !is_outside(&item.path) {
                held.hold(ancestry.root(), &keys, &item, report);
            }
        }
    }
}

/// The record of the step over a whole manifest that made this one, if such a step did; holds the manifest to the
/// number of rows that it left.
fn whole(
    ancestry: &Ancestry,
    path: &str,
    reader: &ManifestReader,
    report: &mut CheckReport,
) -> Option<Digest> {
    // What cannot be read is reported where rows are.
    let key = last_key(reader.table()).ok().flatten()?;
    let record = ancestry.record(&key).ok().flatten()?;
    let output = whole_output(&record)?;
    let rows = reader.rows() as u64;
    if output.length != rows {
        let message = format!("{rows} rows, its record {} says {}", key.short(), output.length);
        report.problem("manifest", path, message);
    }
    Some(key)
}

/// Outputs of a record: (file, offset) to (length, digest).
type Named = HashMap<(String, Option<u64>), (u64, Digest)>;

/// Outputs of the records that were met last.
#[derive(Default)]
struct Outputs {
    recent: Vec<(Digest, Named)>,
}

impl Outputs {
    fn hold(&mut self, root: &Root, keys: &[Digest], item: &Item, report: &mut CheckReport) {
        let place = (item.path.clone(), item.offset);
        // The bytes of an item are mostly those of its last record; steps that only add facts hand
        // on those of an earlier one.
        for key in keys.iter().rev() {
            if !self.recent.iter().any(|(held, _)| held == key) {
                // A broken record was reported when records were checked.
                let Ok(Some(record)) = root.record(key) else { continue };
                if self.recent.len() == MOST_HELD {
                    self.recent.remove(0);
                }
                self.recent.push((*key, outputs(record)));
            }
            let found = self.recent.iter().find(|(held, _)| held == key);
            match found.and_then(|(_, outputs)| outputs.get(&place)) {
                Some((length, digest)) if *length == item.length && *digest == item.digest => {
                    return;
                }
                Some((_, digest)) => {
                    let message =
                        format!("it says digest {}, its record says {digest}", item.digest);
                    return report.problem("row", &item.id, message);
                }
                None => {}
            }
        }
        report.problem("row", &item.id, format!("no record of its trail names {}", item.path));
    }
}

fn outputs(record: Record) -> Named {
    let one = |o: crate::record::Output| Some(((o.path?, o.offset), (o.length, o.digest)));
    record.outputs.into_iter().filter_map(one).collect()
}

/// Hashes what the dataset rests on and does not hold: the source files that the oldest manifest names,
/// and items of its own manifest that lie in another dataset.
pub(super) fn check_sources(
    ancestry: &Ancestry,
    crew: &Crew,
    report: &mut CheckReport,
) -> Result<()> {
    let root = ancestry.root();
    outside(root, ancestry.sources()?, crew, report)?;
    let manifests = ancestry.manifests()?;
    if let [(newest, path), .., _] = manifests.as_slice()
        && newest.is(root)
    {
        outside(root, root.manifest_at(path)?, crew, report)?;
    }
    Ok(())
}

fn outside(
    root: &Root,
    mut reader: ManifestReader,
    crew: &Crew,
    report: &mut CheckReport,
) -> Result<()> {
    while let Some(batch) = reader.next_batch()? {
        let outside: Vec<&Item> = batch.iter().filter(|i| is_outside(&i.path)).collect();
        let hash = |index: usize| -> Result<std::result::Result<(), Error>> {
            crew.check()?;
            Ok(root.verified(outside[index], &|_| {}).map(drop))
        };
        crew.ordered(outside.len(), hash, |index, hashed| {
            let item = outside[index];
            report.sources += 1;
            match hashed {
                Ok(()) => report.bytes += item.length,
                Err(e) => report.problem("source", &item.path, e.to_string()),
            }
            Ok(())
        })?;
    }
    Ok(())
}
