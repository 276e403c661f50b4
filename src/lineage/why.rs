//! Why an item, a file or a record exists.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};

use super::ancestry::Ancestry;
use super::dropped::{Dropped, dropped};
use super::params::{Param, params_by_interest};
use crate::dataset::{Root, is_url};
use crate::digest::Digest;
use crate::error::{Error, Result};
use crate::manifest::{BASE, Item, Schema};
use crate::record::{Output, Record};

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

/// One record of the chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Link {
    /// Its key.
    pub key: Digest,
    /// Whether a dataset that we can reach still has it; if not, the rest is empty.
    pub found: bool,
    /// The steps that ran fused; mostly one.
    pub steps: Vec<StepWords>,
    /// Values of the columns that they read.
    pub columns: BTreeMap<String, Value>,
    /// Digest of what they worked on.
    pub input: Option<Digest>,
    /// What that was, where a manifest still names it.
    pub input_item: Option<Origin>,
    /// Outputs of the record.
    pub outputs: usize,
    /// The output that the subject is (or comes from).
    pub output: Option<Output>,
    /// Version of the microtome that wrote it.
    pub made_by: String,
}

/// A step as it ran.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepWords {
    /// Its name.
    pub step: String,
    /// Its version.
    pub version: String,
    /// Its params, those that differ from their defaults first.
    pub params: Vec<Param>,
}

/// A file or item that something was made from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Origin {
    /// Its id.
    pub id: String,
    /// Where it lies (or lay).
    pub path: String,
    /// Its bytes.
    pub length: u64,
    /// Their digest.
    pub digest: Digest,
    /// The manifest that names it.
    pub manifest: String,
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
    if let Some((subject, item)) = find_item(ancestry, query, &path)? {
        let keys = item.trail_keys()?;
        let mut links = links(ancestry, &keys, Some(&item))?;
        let source = match (links.last(), keys.is_empty()) {
            // A source file is its own origin.
            (_, true) => origin_of(&subject, &item),
            (Some(oldest), _) => oldest.input_item.clone(),
            (None, _) => None,
        };
        mark_outputs(ancestry, &mut links, &item)?;
        let listed_by = listed_by(ancestry);
        let dropped = dropped(ancestry, &item.digest)?;
        return Ok(Explanation { query: query.into(), subject, links, dropped, source, listed_by });
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
    let keys = if trail.is_empty() { vec![key] } else { trail };
    let links = links(ancestry, &keys, None)?;
    let source = links.last().and_then(|l| l.input_item.clone());
    Ok(Explanation {
        query: query.into(),
        subject: Subject::Record { key, items, examples },
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

fn find_item(ancestry: &Ancestry, query: &str, path: &str) -> Result<Option<(Subject, Item)>> {
    let digest: Option<Digest> = query.parse().ok();
    let absolute = match is_url(query) {
        true => query.to_string(),
        false => std::path::absolute(query)
            .map_or(query.to_string(), |p| p.to_string_lossy().into_owned()),
    };
    let mut second_best = None;
    for (root, manifest) in ancestry.manifests()? {
        let name = shown(ancestry, root, &manifest);
        let mut reader = root.manifest_at(&manifest)?;
        let schema = reader.schema().clone();
        while let Some(batch) = reader.next_batch()? {
            for item in batch {
                let whole = item.offset.is_none();
                let by_id = item.id == query;
                let by_file =
                    whole && (item.path == path || item.path == query || item.path == absolute);
                if by_id || by_file || digest == Some(item.digest) {
                    let columns = columns(&schema, &item);
                    let found = (Subject::Item { manifest: name.clone(), columns }, item);
                    if by_id {
                        return Ok(Some(found));
                    }
                    second_best.get_or_insert(found);
                }
            }
        }
        if second_best.is_some() {
            break;
        }
    }
    Ok(second_best)
}

fn shown(ancestry: &Ancestry, root: &Root, manifest: &str) -> String {
    if root.uri() == ancestry.root().uri() {
        manifest.to_string()
    } else {
        format!("{}/{manifest}", root.uri().trim_end_matches('/'))
    }
}

fn columns(schema: &Schema, item: &Item) -> Map<String, Value> {
    let names = BASE.iter().map(|c| c.name).chain(schema.facts.iter().map(|f| f.name.as_str()));
    names
        .map(|name| (name.to_string(), item.value(schema, name)))
        .filter(|(name, value)| !value.is_null() && name != "trail")
        .collect()
}

fn origin_of(subject: &Subject, item: &Item) -> Option<Origin> {
    match subject {
        Subject::Item { manifest, .. } => Some(origin(item, manifest)),
        Subject::Record { .. } => None,
    }
}

fn origin(item: &Item, manifest: &str) -> Origin {
    Origin {
        id: item.id.clone(),
        path: item.path.clone(),
        length: item.length,
        digest: item.digest,
        manifest: manifest.to_string(),
    }
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
        let mut reader = root.manifest_at(&manifest)?;
        while let Some(batch) = reader.next_batch()? {
            for item in batch {
                let Some(at) = item.trail.split(' ').position(|k| k == text) else { continue };
                if trail.is_empty() {
                    trail = item.trail_keys()?.into_iter().take(at + 1).collect();
                }
                count += 1;
                if examples.len() < EXAMPLES {
                    examples.push(item.id);
                }
            }
        }
        if count > 0 {
            break;
        }
    }
    Ok((count, examples, trail))
}

/// The records of a trail, newest first, with what each worked on.
fn links(ancestry: &Ancestry, keys: &[Digest], item: Option<&Item>) -> Result<Vec<Link>> {
    let mut links = Vec::new();
    for key in keys.iter().rev() {
        links.push(match ancestry.record(key)? {
            Some(record) => link(*key, &record),
            None => Link {
                key: *key,
                found: false,
                steps: Vec::new(),
                columns: BTreeMap::new(),
                input: None,
                input_item: None,
                outputs: 0,
                output: None,
                made_by: String::new(),
            },
        });
    }
    name_inputs(ancestry, &mut links, item)?;
    Ok(links)
}

fn link(key: Digest, record: &Record) -> Link {
    let steps = &record.cause.steps;
    Link {
        key,
        found: true,
        steps: steps
            .iter()
            .map(|s| StepWords {
                step: s.step.clone(),
                version: s.version.clone(),
                params: params_by_interest(&s.step, &s.params),
            })
            .collect(),
        columns: record.cause.columns.clone(),
        input: Some(record.cause.input),
        input_item: None,
        outputs: record.outputs.len(),
        output: None,
        made_by: record.made_by.microtome.clone(),
    }
}

/// Finds the rows whose bytes the links worked on. Equal bytes may stand under several ids: the one
/// that the item's own id begins with is the one it came from.
fn name_inputs(ancestry: &Ancestry, links: &mut [Link], item: Option<&Item>) -> Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    for (root, manifest) in ancestry.manifests()? {
        let name = shown(ancestry, root, &manifest);
        let mut reader = root.manifest_at(&manifest)?;
        while let Some(batch) = reader.next_batch()? {
            for row in &batch {
                for link in links.iter_mut().filter(|l| l.input == Some(row.digest)) {
                    let parent = |id: &str| {
                        item.is_some_and(|i| {
                            i.id.strip_prefix(id).is_some_and(|rest| rest.starts_with('/'))
                        })
                    };
                    let better = match &link.input_item {
                        None => true,
                        Some(held) => parent(&row.id) && !parent(&held.id),
                    };
                    if better {
                        link.input_item = Some(origin(row, &name));
                    }
                }
            }
        }
    }
    Ok(())
}

/// Notes which output of each record the item is, or came through.
fn mark_outputs(ancestry: &Ancestry, links: &mut [Link], item: &Item) -> Result<()> {
    let mut wanted = item.digest;
    for link in links {
        if let Some(record) = ancestry.record(&link.key)? {
            let matching = |o: &&Output| o.digest == wanted;
            let named = |o: &&Output| matching(o) && item.id.ends_with(&o.name);
            let outputs = &record.outputs;
            link.output = outputs.iter().find(named).or(outputs.iter().find(matching)).cloned();
        }
        match link.input {
            Some(input) => wanted = input,
            None => break,
        }
    }
    Ok(())
}
