//! Every digest of a dataset again.

mod manifests;
mod unit;

use std::collections::BTreeSet;

use serde::Serialize;

use super::ancestry::Ancestry;
use super::why::key_of;
use crate::dataset::Root;
use crate::digest::{Digest, Hasher};
use crate::error::{Error, Result};
use crate::slide::ReadAt;
use crate::step::Crew;

/// Most problems, and most orphans, that are listed one by one.
const MOST_LISTED: usize = 1000;
/// Bytes that are read at once.
const CHUNK_BYTES: usize = 1 << 20;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// Records that were read.
    pub records: u64,
    /// Outputs and previews whose bytes were hashed.
    pub outputs: u64,
    /// Packs that were hashed whole.
    pub packs: u64,
    /// Manifest rows that were held against records.
    pub rows: u64,
    /// Source files, and items that lie in other datasets, that were hashed.
    pub sources: u64,
    /// Bytes that were hashed.
    pub bytes: u64,
    /// Problems in all.
    pub problem_count: u64,
    /// The first 1,000 of them, sorted.
    pub problems: Vec<Problem>,
    /// Files that no record names, in all. They cost room and do no harm.
    pub orphan_count: u64,
    /// The first 1,000 of them, sorted.
    pub orphans: Vec<String>,
}

impl CheckReport {
    /// Whether the dataset is what its records say.
    pub fn is_sound(&self) -> bool {
        self.problem_count == 0
    }

    fn problem(&mut self, kind: &'static str, path: impl Into<String>, message: impl Into<String>) {
        self.problem_count += 1;
        if self.problems.len() < MOST_LISTED {
            let (path, message) = (path.into(), message.into());
            self.problems.push(Problem { kind, path, message });
        }
    }

    fn orphan(&mut self, path: String) {
        self.orphan_count += 1;
        if self.orphans.len() < MOST_LISTED {
            self.orphans.push(path);
        }
    }

    fn add(&mut self, part: Self) {
        self.records += part.records;
        self.outputs += part.outputs;
        self.packs += part.packs;
        self.rows += part.rows;
        self.sources += part.sources;
        self.bytes += part.bytes;
        self.problem_count += part.problem_count;
        self.orphan_count += part.orphan_count;
        let room = MOST_LISTED.saturating_sub(self.problems.len());
        self.problems.extend(part.problems.into_iter().take(room));
        let room = MOST_LISTED.saturating_sub(self.orphans.len());
        self.orphans.extend(part.orphans.into_iter().take(room));
    }
}

/// Something that is not as a record or manifest says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    /// `record`, `missing`, `length`, `digest`, `place`, `manifest`, `row`, `trail`, `source`,
    /// `store`.
    pub kind: &'static str,
    /// The file or item concerned.
    pub path: String,
    /// What was found.
    pub message: String,
}

/// How far a check is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Records that are done.
    pub records: u64,
    /// Records in all.
    pub of_records: u64,
    /// Bytes hashed so far.
    pub bytes: u64,
}

/// Hashes everything that a dataset's records name, holds manifests against records, and lists
/// files that no record names.
///
/// With `sources`, what it rests on is hashed too, wherever it lies: source files, and items that a step
/// handed on from another dataset. Work is spread over the
/// crew; `progress` is called after each record, on the caller's thread. Files are streamed; what is
/// held is the names of one folder, one record at a time per thread, and the record keys.
///
/// # Errors
/// [`Error::Params`] when `root` is no dataset; [`Error::Stopped`]; [`Error::Store`] when nothing
/// can be listed. What is wrong with a single file is a problem in the report, not an error.
pub fn check(
    root: &Root,
    crew: &Crew,
    sources: bool,
    progress: &mut dyn FnMut(Progress),
) -> Result<CheckReport> {
    let ancestry = Ancestry::of(root)?;
    let mut report = CheckReport::default();
    let mut keys = Vec::new();
    for stored in root.list("records")? {
        match key_of(&stored.path) {
            Some(key) => keys.push(key),
            None => report.problem("record", stored.path, "its name is no key"),
        }
    }
    let of_records = keys.len() as u64;
    let mut places = BTreeSet::new();
    crew.ordered(
        keys.len(),
        |index| unit::check(root, &keys[index]),
        |_, (place, part)| {
            report.add(part);
            places.extend(place);
            progress(Progress { records: report.records, of_records, bytes: report.bytes });
            Ok(())
        },
    )?;
    for kind in ["items", "packs", "previews"] {
        for stored in root.list(kind)? {
            if place_of(&stored.path).is_none_or(|place| !places.contains(place)) {
                report.orphan(stored.path);
            }
        }
    }
    let known: BTreeSet<Digest> = keys.into_iter().collect();
    manifests::check(&ancestry, &known, &mut report)?;
    if sources {
        manifests::check_sources(&ancestry, crew, &mut report)?;
    }
    report.problems.sort();
    report.orphans.sort();
    Ok(report)
}

/// `<unit>@<key12>` in `items/<place>/…`, `packs/<place>.tar`, `packs/<place>.part-00001.tar`.
fn place_of(path: &str) -> Option<&str> {
    let mut parts = path.split('/');
    let (kind, name) = (parts.next()?, parts.next()?);
    Some(if kind == "packs" { name.split('.').next()? } else { name })
}

/// Digest of a whole file, read piece by piece; `go_on` is asked before each.
fn digest(source: &dyn ReadAt, go_on: &dyn Fn() -> Result<()>) -> Result<Digest> {
    let mut hasher = Hasher::new();
    let size = source.size();
    let mut buffer = vec![0; CHUNK_BYTES.min(usize::try_from(size).unwrap_or(CHUNK_BYTES))];
    let mut position = 0;
    while position < size {
        go_on()?;
        let length = (size - position).min(buffer.len() as u64) as usize;
        source.read_at(position, &mut buffer[..length])?;
        hasher.update(&buffer[..length]);
        position += length as u64;
    }
    Ok(hasher.finish())
}

/// The report's word for an error on the way.
fn kind_of(error: &Error) -> &'static str {
    match error {
        Error::Store { .. } => "store",
        _ => "record",
    }
}
