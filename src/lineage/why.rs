//! Why an item, a file or a record exists.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::ancestry::{Ancestry, shown};
use super::dropped::{Dropped, dropped};
use super::links::{Chain, Link, Origin, StepWords, chain, value_at};
use super::params::params_by_interest;
use super::whole::{CopyOf, copies, left_out, whole_output};
use crate::dataset::{Root, is_url};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{BASE, Table};

/// Fewest hex digits by which a record can be named.
const FEWEST_DIGITS: usize = 8;
/// Most ids that are given as examples.
const EXAMPLES: usize = 5;

/// The answer to "why is this here?".
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// What was asked for.
    pub query: String,
    /// What it turned out to be.
    pub subject: Subject,
    /// The rows that it repeats, where a step drew them more than once: the newest copy first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub copies: Vec<CopyOf>,
    /// The records that led to it, newest first.
    pub links: Vec<Link>,
    /// Steps of the dataset's own run that left the item out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<Dropped>,
    /// The file that it all began with, where a manifest still names it.
    pub source: Option<Origin>,
    /// The step that listed that file, where a run still says so.
    pub listed_by: Option<StepWords>,
}

impl Explanation {
    /// Whether the newest record is about all rows of a manifest at once.
    pub(super) fn is_whole(&self) -> bool {
        self.links.first().is_some_and(|link| link.whole.is_some())
    }
}

/// What a query turned out to be.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Subject {
    /// A row of a manifest.
    Item {
        /// The manifest that holds it.
        manifest: String,
        /// All its columns that are not null, by name.
        columns: Map<String, Value>,
    },
    /// A record.
    Record {
        /// Its key.
        key: Digest,
        /// How many rows of the newest manifest it is the last cause of.
        items: u64,
        /// The first of them.
        examples: Vec<String>,
    },
}

/// Explains an item (by id, digest or path of its file) or a record (by the first eight or more hex
/// digits of its key, or the path of its file, pack or preview).
///
/// # Errors
/// [`Error::Params`] when nothing answers to the query, or more than one record does;
/// [`Error::Format`] when a record or manifest on the way is broken; [`Error::Store`].
pub fn why(root: &Root, query: &str) -> Result<Explanation> {
    explain(&Ancestry::of(root)?, query)
}

/// As [`why`], for a dataset that is open.
pub(super) fn explain(ancestry: &Ancestry, query: &str) -> Result<Explanation> {
    let path = below(ancestry.root(), query);
    // A record's own name first: it costs one listing. An id could look like one, so ids that are
    // equal to the query win below.
    if let Some(mut found) = find_item(ancestry, query, &path)? {
        let (keys, digest) = (found.trail()?, found.digest()?);
        found.columns.remove("trail");
        let id = found.text("id").unwrap_or_default().to_string();
        let copies = copies(ancestry, &id, &keys)?;
        let row = copies.last().map_or(id.as_str(), |copy| copy.id.as_str());
        let Chain { links, source } = chain(ancestry, &keys, Some((row, digest)))?;
        let mut dropped = dropped(ancestry, &digest)?;
        let label = found.text("label").map(str::to_string);
        dropped.extend(left_out(ancestry, label.as_deref(), (&found.root, &found.path))?);
        let manifest = shown(ancestry, &found.root, &found.path);
        return Ok(Explanation {
            query: query.into(),
            subject: Subject::Item { manifest, columns: found.columns },
            copies,
            links,
            dropped,
            source,
            listed_by: listed_by(ancestry),
        });
    }
    let Some(key) = find_record(ancestry, query, &path)? else {
        return Err(Error::params(
            "query",
            format!(
                "{query:?} is no id, digest or file of an item in {}, and no record's key (at least {FEWEST_DIGITS} hex digits)",
                ancestry.root().uri()
            ),
        ));
    };
    let (items, examples, trail) = items_of(ancestry, &key)?;
    // What a step over a whole manifest was made from are all rows before it, not those of one trail.
    let whole = ancestry.record(&key)?.is_some_and(|record| whole_output(&record).is_some());
    let keys = if trail.is_empty() || whole { vec![key] } else { trail };
    let Chain { links, source } = chain(ancestry, &keys, None)?;
    Ok(Explanation {
        query: query.into(),
        subject: Subject::Record { key, items, examples },
        copies: Vec::new(),
        links,
        dropped: Vec::new(),
        source,
        listed_by: listed_by(ancestry),
    })
}

/// The listing that a chain begins with. Rows do not carry its key (a listing's record is about all
/// files at once), but the run says what it was asked for.
fn listed_by(ancestry: &Ancestry) -> Option<StepWords> {
    let steps = ancestry.steps();
    let first = steps.first()?;
    let listing = crate::steps::find(&first.step)?.grain == crate::step::Grain::Listing;
    listing.then(|| StepWords {
        step: first.step.clone(),
        version: first.version.clone(),
        params: params_by_interest(&first.step, &first.params),
    })
}

/// A query as a path below the root, if it is one; else the query.
fn below(root: &Root, query: &str) -> String {
    if is_url(query) {
        let uri = root.uri().trim_end_matches('/');
        return match query.strip_prefix(uri).and_then(|p| p.strip_prefix('/')) {
            Some(rest) => rest.to_string(),
            None => query.to_string(),
        };
    }
    let absolute = std::path::absolute(query).unwrap_or_else(|_| Path::new(query).to_path_buf());
    match root.local().and_then(|folder| absolute.strip_prefix(folder).ok()) {
        Some(rest) => rest.to_string_lossy().into_owned(),
        None => query.to_string(),
    }
}

/// A row that was found.
struct FoundRow {
    /// The dataset that has it.
    root: String,
    /// The path of the manifest there.
    path: String,
    /// All columns that are not null, the trail among them.
    columns: Map<String, Value>,
}

impl FoundRow {
    fn text(&self, name: &str) -> Option<&str> {
        self.columns.get(name).and_then(Value::as_str)
    }

    fn digest(&self) -> Result<Digest> {
        self.text("digest").unwrap_or_default().parse()
    }

    fn trail(&self) -> Result<Vec<Digest>> {
        self.text("trail").unwrap_or_default().split_whitespace().map(str::parse).collect()
    }
}

/// Looks for a row in the newest manifest that has it: by its id, else by its file or digest.
fn find_item(ancestry: &Ancestry, query: &str, path: &str) -> Result<Option<FoundRow>> {
    let absolute = match is_url(query) {
        true => query.to_string(),
        false => std::path::absolute(query)
            .map_or(query.to_string(), |p| p.to_string_lossy().into_owned()),
    };
    for (root, manifest) in ancestry.manifests()? {
        let reader = root.manifest_at(&manifest)?;
        let table = reader.table();
        let mut second_best = None;
        for index in 0..table.batches() {
            let batch = table.batch(index, &["id", "path", "offset", "digest"])?;
            let (ids, paths) = (batch.text("id")?, batch.text("path")?);
            let rows = ids.iter().zip(paths.iter()).zip(batch.text("digest")?.iter());
            for (row, (((id, file), digest), offset)) in rows.zip(batch.ints("offset")?).enumerate()
            {
                let by_id = id == Some(query);
                let by_file = offset.is_none()
                    && file.is_some_and(|f| f == path || f == query || f == absolute);
                if by_id || ((by_file || digest == Some(query)) && second_best.is_none()) {
                    let columns = row_of(table, index, row)?;
                    let (root, path) = (root.uri().to_string(), manifest.clone());
                    let found = FoundRow { root, path, columns };
                    if by_id {
                        return Ok(Some(found));
                    }
                    second_best = Some(found);
                }
            }
        }
        if second_best.is_some() {
            return Ok(second_best);
        }
    }
    Ok(None)
}

/// All columns of a row that are not null.
fn row_of(table: &Table, index: usize, row: usize) -> Result<Map<String, Value>> {
    let schema = table.schema();
    let names = BASE.iter().map(|c| c.name).chain(schema.facts.iter().map(|f| f.name.as_str()));
    let names: Vec<&str> = names.collect();
    let batch = table.batch(index, &names)?;
    let mut columns = Map::new();
    for name in names {
        let value = value_at(&batch, schema, name, row)?;
        if !value.is_null() {
            columns.insert(name.to_string(), value);
        }
    }
    Ok(columns)
}

/// A record by its key's first digits, or by the path of something that it made.
fn find_record(ancestry: &Ancestry, query: &str, path: &str) -> Result<Option<Digest>> {
    // `…@<key12>` in `items/…`, `packs/…`, `previews/…`; `records/<key>.json`.
    let in_path = path.split('/').find_map(|part| part.split_once('@')).map(|(_, key)| key);
    let name = in_path.or_else(|| path.strip_prefix("records/")).unwrap_or(query);
    let digits: String =
        name.chars().take_while(|c| c.is_ascii_digit() || ('a'..='f').contains(c)).collect();
    let rest = &name[digits.len()..];
    let plain = rest.is_empty() || rest.starts_with('.') || in_path.is_some();
    if digits.len() < FEWEST_DIGITS || digits.len() > 64 || !plain {
        return Ok(None);
    }
    let mut found: Vec<Digest> = Vec::new();
    for root in ancestry.roots() {
        let keys = root.list("records")?.into_iter().filter_map(|s| key_of(&s.path));
        found.extend(keys.filter(|key| key.to_string().starts_with(&digits)));
    }
    found.sort();
    found.dedup();
    match found.as_slice() {
        [] => Ok(None),
        [key] => Ok(Some(*key)),
        many => Err(Error::params(
            "query",
            format!(
                "{} records begin with {digits}: {}",
                many.len(),
                many.iter().take(EXAMPLES).map(Digest::to_string).collect::<Vec<_>>().join(", ")
            ),
        )),
    }
}

/// The key in `records/<key>.json`.
pub(super) fn key_of(path: &str) -> Option<Digest> {
    path.strip_prefix("records/")?.strip_suffix(".json")?.parse().ok()
}

/// How many rows a record is the last cause of, the first of them, and the trail up to the record.
fn items_of(ancestry: &Ancestry, key: &Digest) -> Result<(u64, Vec<String>, Vec<Digest>)> {
    let text = key.to_string();
    let (mut count, mut examples, mut trail) = (0, Vec::new(), Vec::new());
    for (root, manifest) in ancestry.manifests()? {
        let reader = root.manifest_at(&manifest)?;
        for index in 0..reader.table().batches() {
            let batch = reader.table().batch(index, &["id", "trail"])?;
            let ids = batch.text("id")?;
            // Rows of one unit follow each other.
            let mut before = (None, false);
            for (row, of_row) in batch.text("trail")?.iter().enumerate() {
                if before.0 != of_row {
                    let keys = of_row.unwrap_or_default();
                    before = (of_row, keys.split(' ').any(|held| held == text));
                }
                if !before.1 {
                    continue;
                }
                if trail.is_empty() {
                    let keys = of_row.unwrap_or_default().split_whitespace();
                    trail = keys.map(str::parse).collect::<Result<Vec<Digest>>>()?;
                    let at = trail.iter().position(|held| held == key).unwrap_or(0);
                    trail.truncate(at + 1);
                }
                count += 1;
                if examples.len() < EXAMPLES {
                    examples.push(ids.get(row).unwrap_or_default().to_string());
                }
            }
        }
        if count > 0 {
            break;
        }
    }
    Ok((count, examples, trail))
}
