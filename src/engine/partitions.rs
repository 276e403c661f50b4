//! The last manifest once more, Hive-style: `partitions/split=train/label=tumor/part-00000.parquet`.
//!
//! The rows are those of `manifest.parquet`, their `path` is meant from the dataset's root as there. All files
//! are staged, then put in place, and the manifest comes after them; what an earlier run left there and does not belong
//! any more is removed. Which files are ours, and of which manifest they are, is told by `partitions/_microtome.json`, which
//! readers of such tables pass over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::dataset::{PARTITIONS, Root, Sealed};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{BASE, Partitions, Table};
use crate::step::Crew;

/// Rows that wait in memory: about a gigabyte.
const MOST_ROWS: usize = 2 << 20;
/// What lies there.
const MARK: &str = "partitions/_microtome.json";

#[derive(Default, Serialize, Deserialize)]
struct Mark {
    /// The manifest whose rows they are; none while they are put in place.
    manifest: Option<Digest>,
    /// The columns.
    by: Vec<String>,
    /// Files below the root, and their bytes.
    files: BTreeMap<String, u64>,
}

impl Mark {
    fn of(out: &Root) -> Result<Self> {
        let bytes = out.read(MARK)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
    }

    fn put(&self, out: &Root) -> Result<()> {
        let bug = |e: serde_json::Error| Error::Bug { message: e.to_string() };
        out.replace(MARK, &serde_json::to_vec_pretty(self).map_err(bug)?)
    }

    /// Whether all is there.
    fn holds(&self, out: &Root, manifest: Digest, by: &[String]) -> Result<bool> {
        if self.manifest != Some(manifest) || self.by != by {
            return Ok(false);
        }
        for (path, length) in &self.files {
            if out.length(path)? != Some(*length) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Lays a manifest down by these columns, where it does not lie so already.
pub(super) fn write(
    out: &Root,
    (table, manifest): (&Table, Digest),
    by: &[String],
    crew: &Crew,
    threads: usize,
) -> Result<()> {
    let earlier = Mark::of(out)?;
    if earlier.holds(out, manifest, by)? {
        return Ok(());
    }
    let schema = table.schema();
    let mut partitions = Partitions::new(schema, by, MOST_ROWS)?;
    let names = BASE.iter().map(|c| c.name);
    let names: Vec<&str> = names.chain(schema.facts.iter().map(|f| f.name.as_str())).collect();
    let mut staged: BTreeMap<String, Sealed> = BTreeMap::new();
    let mut stage = |parts: Vec<crate::manifest::Part>| -> Result<()> {
        for part in parts {
            let path = format!("{PARTITIONS}{}", part.path);
            let scratch = out.scratch()?;
            part.write(scratch.clone(), threads)?;
            staged.insert(path, scratch.seal()?);
        }
        Ok(())
    };
    let read = |index: usize| table.batch(index, &names);
    crew.ordered(table.batches(), read, |_, batch| stage(partitions.push(batch)?))?;
    stage(partitions.finish())?;

    let files: BTreeMap<String, u64> =
        staged.iter().map(|(path, sealed)| (path.clone(), sealed.length)).collect();
    let mut ours = earlier.files.clone();
    ours.extend(files.clone());
    // Whoever comes after a kill in between still knows which files are ours.
    Mark { manifest: None, by: by.to_vec(), files: ours }.put(out)?;
    for (path, sealed) in staged {
        out.put(&path, sealed)?;
    }
    for path in earlier.files.keys().filter(|path| !files.contains_key(*path)) {
        remove(out, path)?;
    }
    Mark { manifest: Some(manifest), by: by.to_vec(), files }.put(out)
}

/// Removes what an earlier run laid down of another manifest.
pub(super) fn clear(out: &Root, manifest: Digest) -> Result<()> {
    let earlier = Mark::of(out)?;
    if earlier.files.is_empty() || earlier.manifest == Some(manifest) {
        return Ok(());
    }
    earlier.files.keys().try_for_each(|path| remove(out, path))?;
    out.remove(MARK)
}

/// A mark is somebody's file: it may not send us to remove other ones.
fn remove(out: &Root, path: &str) -> Result<()> {
    let ours = path.starts_with(PARTITIONS) && path.ends_with(".parquet");
    if ours && !path.split('/').any(|part| part == "..") { out.remove(path) } else { Ok(()) }
}
