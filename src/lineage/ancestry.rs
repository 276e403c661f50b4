//! A dataset and those that it was made from.

use std::collections::BTreeSet;

use crate::dataset::{MANIFEST, Root, WHOLE_FILE_BYTES};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::ManifestReader;
use crate::record::Record;
use crate::summary::{StepSummary, Summary};

/// Most datasets that are followed back.
const MOST_ROOTS: usize = 32;

/// A dataset, then the dataset that its run began from, and so on.
#[derive(Debug)]
pub struct Ancestry {
    /// Newest first; at least one.
    roots: Vec<(Root, Option<Summary>)>,
}

impl Ancestry {
    /// Follows the inputs of a dataset as far as they can be reached.
    ///
    /// # Errors
    /// [`Error::Params`] when `root` is no dataset; [`Error::Store`].
    pub fn of(root: &Root) -> Result<Self> {
        if !root.is_dataset()? {
            return Err(Error::params(
                "dataset",
                format!("{} holds no manifest: name the folder or URL of a dataset", root.uri()),
            ));
        }
        let mut roots = vec![(root.clone(), summary(root)?)];
        let mut seen = BTreeSet::from([root.uri().to_string()]);
        while let Some((_, Some(run))) = roots.last()
            && roots.len() < MOST_ROOTS
        {
            // An input that is gone, or was a folder of files, ends the walk; it does not spoil it.
            let Ok(before) = Root::open(&run.input) else { break };
            if !before.is_dataset().unwrap_or(false) || !seen.insert(before.uri().to_string()) {
                break;
            }
            let run = summary(&before).unwrap_or(None);
            roots.push((before, run));
        }
        Ok(Self { roots })
    }

    /// The dataset itself.
    pub fn root(&self) -> &Root {
        &self.roots[0].0
    }

    /// All datasets, newest first.
    pub fn roots(&self) -> impl Iterator<Item = &Root> {
        self.roots.iter().map(|(root, _)| root)
    }

    /// The steps that led here, oldest first, as the runs say.
    pub fn steps(&self) -> Vec<&StepSummary> {
        self.roots.iter().rev().filter_map(|(_, run)| run.as_ref()).flat_map(|r| &r.steps).collect()
    }

    /// The steps of the dataset's own run, oldest first.
    pub fn own_steps(&self) -> &[StepSummary] {
        self.roots.first().and_then(|(_, run)| run.as_ref()).map_or(&[], |run| &run.steps)
    }

    /// A record, from whichever dataset has it.
    ///
    /// # Errors
    /// As [`Root::record`].
    pub fn record(&self, key: &Digest) -> Result<Option<Record>> {
        for root in self.roots() {
            if let Some(record) = root.record(key)? {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// All manifests as (dataset, path), newest first: the final one of a dataset (or its parts),
    /// then those of its earlier steps, then those of the dataset before.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn manifests(&self) -> Result<Vec<(&Root, String)>> {
        let mut all = Vec::new();
        for root in self.roots() {
            if root.length(MANIFEST)?.is_some() {
                all.push((root, MANIFEST.to_string()));
            } else {
                let parts = root.list("manifest")?.into_iter().map(|s| s.path);
                all.extend(parts.filter(|p| p.ends_with(".parquet")).map(|p| (root, p)));
            }
            let mut earlier: Vec<String> =
                root.list("manifests")?.into_iter().map(|s| s.path).collect();
            earlier.retain(|p| p.ends_with(".parquet"));
            // Behind a merge, the parts of shards say nothing that the whole does not.
            let whole: BTreeSet<u64> =
                earlier.iter().filter(|p| !is_part(p)).map(|p| position(p)).collect();
            earlier.retain(|p| !is_part(p) || !whole.contains(&position(p)));
            earlier.sort_by(|a, b| position(b).cmp(&position(a)).then_with(|| a.cmp(b)));
            all.extend(earlier.into_iter().map(|path| (root, path)));
        }
        Ok(all)
    }

    /// Where the manifest of the oldest step lies: the source files.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn sources_at(&self) -> Result<(Root, String)> {
        let last = self.manifests()?.pop().map(|(root, path)| (root.clone(), path));
        Ok(last.unwrap_or_else(|| (self.root().clone(), MANIFEST.to_string())))
    }

    /// Opens the manifest of the oldest step: the source files.
    ///
    /// # Errors
    /// As [`Root::manifest_at`].
    pub fn sources(&self) -> Result<ManifestReader> {
        let (root, path) = self.sources_at()?;
        root.manifest_at(&path)
    }

    /// Manifests that a step of a run made whole, with that step: oldest first.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub fn made(&self) -> Result<Vec<Made<'_>>> {
        let mut all = Vec::new();
        for (root, path) in self.manifests()? {
            let run = self.roots.iter().find(|(held, _)| held.uri() == root.uri());
            let Some((root, Some(run))) = run else { continue };
            let step = match path.as_str() {
                MANIFEST => run.steps.last(),
                path if is_part(path) => None,
                path => usize::try_from(position(path))
                    .ok()
                    .and_then(|n| run.steps.get(n.checked_sub(1)?)),
            };
            all.extend(step.map(|step| Made { root, path, step }));
        }
        all.reverse();
        Ok(all)
    }
}

/// A manifest and the step that made it.
#[derive(Debug, Clone)]
pub struct Made<'a> {
    /// The dataset that holds it.
    pub root: &'a Root,
    /// Its path there.
    pub path: String,
    /// The step.
    pub step: &'a StepSummary,
}

/// The name of a manifest as people see it: below the dataset that was asked for, or with the dataset that has it.
pub(super) fn shown(ancestry: &Ancestry, uri: &str, path: &str) -> String {
    if uri == ancestry.root().uri() {
        path.to_string()
    } else {
        format!("{}/{path}", uri.trim_end_matches('/'))
    }
}

/// The number in `manifests/<n>-<step>.parquet` or `manifests/<n>-<step>/part-….parquet`.
fn position(path: &str) -> u64 {
    let name = path.split('/').nth(1).unwrap_or(path);
    name.split('-').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn is_part(path: &str) -> bool {
    path.split('/').count() > 2
}

/// `run.json`, where there is one.
fn summary(root: &Root) -> Result<Option<Summary>> {
    match root.length("run.json")? {
        Some(length) if length <= WHOLE_FILE_BYTES => {}
        _ => return Ok(None),
    }
    // One of a later version is as good as none: lineage rests on records, not on it.
    Ok(root.read("run.json")?.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}
