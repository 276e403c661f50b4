//! The records that led to a row, newest first: what each did, which of its outputs the row is or came through, and what
//! it was made from.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::ancestry::{Ancestry, shown};
use super::params::{Param, params_by_interest};
use super::whole::{WholeWords, skew, whole_output, whole_words};
use crate::digest::Digest;
use crate::error::Result;
use crate::manifest::{Batch, Kind, Schema, Table};
use crate::record::{KEPT, KEPT_JOINED, KEPT_MEMBER, Output, Record};

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
    /// What the step did with all rows, where it looks at a whole manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whole: Option<WholeWords>,
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

/// The records of a trail and where they lead to.
pub(super) struct Chain {
    /// Newest first.
    pub links: Vec<Link>,
    /// The file that it all began with.
    pub source: Option<Origin>,
}

/// Follows a trail back. `row` is the id (without the ends of copies) and digest of the row that it is of; without one, the
/// source is what the oldest record worked on.
pub(super) fn chain(
    ancestry: &Ancestry,
    keys: &[Digest],
    row: Option<(&str, Digest)>,
) -> Result<Chain> {
    let mut links = Vec::new();
    let mut lead = match row {
        Some((_, digest)) => Lead::At(digest),
        None => Lead::Unknown,
    };
    for key in keys.iter().rev() {
        let record = ancestry.record(key)?;
        let mut link = link(*key, record.as_ref());
        if let Some(whole) = &mut link.whole {
            whole.skew = skew(ancestry, key)?;
        }
        lead = match &record {
            Some(record) => lead.through(record, row.map(|(id, _)| id), &mut link),
            None => Lead::Unknown,
        };
        links.push(link);
    }
    let source = name_inputs(ancestry, &mut links, row.map(|(id, _)| id), lead)?;
    let source = source.or_else(|| match (row, lead) {
        (None, _) | (_, Lead::Unknown) => links.last().and_then(|l| l.input_item.clone()),
        _ => None,
    });
    Ok(Chain { links, source })
}

/// What a row's bytes were before the records that were followed so far.
#[derive(Debug, Clone, Copy)]
enum Lead {
    /// Bytes of this digest.
    At(Digest),
    /// A record on the way is missing.
    Unknown,
}

impl Lead {
    /// Goes back through a record, and notes which of its outputs the row is or came through.
    fn through(self, record: &Record, id: Option<&str>, link: &mut Link) -> Self {
        let outputs = &record.outputs;
        // Rows go on as they are: what went in has the bytes of what came out.
        if whole_output(record).is_some() {
            return self;
        }
        if let Some(kept) = outputs.iter().find(|o| [KEPT, KEPT_JOINED].contains(&o.name.as_str()))
        {
            link.output = Some(kept.clone());
            return self;
        }
        // No row has the digest of several images that were worked on together: the id is what is left then.
        let before = Self::At(record.cause.input);
        let Self::At(wanted) = self else { return before };
        let own = |output: &Output| match output.name.split_once('_') {
            Some((place, name)) if place.bytes().all(|b| b.is_ascii_digit()) => name.to_string(),
            _ => output.name.clone(),
        };
        let matching = |o: &&Output| o.digest == wanted;
        let named = |o: &&Output| {
            matching(o) && id.is_some_and(|id| id.ends_with(&o.name) || id.ends_with(&own(o)))
        };
        let output = outputs.iter().find(named).or(outputs.iter().find(matching));
        link.output = output.cloned();
        match output {
            Some(output) if own(output) == KEPT_MEMBER => self,
            _ => before,
        }
    }
}

fn link(key: Digest, record: Option<&Record>) -> Link {
    let steps = record.map(|r| r.cause.steps.as_slice()).unwrap_or_default();
    Link {
        key,
        found: record.is_some(),
        steps: steps
            .iter()
            .map(|s| StepWords {
                step: s.step.clone(),
                version: s.version.clone(),
                params: params_by_interest(&s.step, &s.params),
            })
            .collect(),
        columns: record.map(|r| r.cause.columns.clone()).unwrap_or_default(),
        input: record.map(|r| r.cause.input),
        input_item: None,
        outputs: record.map_or(0, |r| r.outputs.len()),
        whole: record.and_then(whole_words),
        output: None,
        made_by: record.map(|r| r.made_by.microtome.clone()).unwrap_or_default(),
    }
}

/// A row that may be what a link worked on, and how sure that is.
struct Best {
    origin: Origin,
    related: bool,
    manifest: usize,
}

/// Finds the rows whose bytes the links worked on, and the source file. Equal bytes may stand under several ids: the one
/// that the row's own id begins with is the one it came from. What a link worked on is named by the newest manifest that has
/// it, the source by the oldest.
fn name_inputs(
    ancestry: &Ancestry,
    links: &mut [Link],
    id: Option<&str>,
    lead: Lead,
) -> Result<Option<Origin>> {
    let related = |of: &str| {
        id.is_some_and(|id| {
            id.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let source = match lead {
        Lead::At(digest) => Some(digest.to_string()),
        Lead::Unknown => None,
    };
    let wanted: Vec<Option<String>> =
        links.iter().map(|l| l.input.map(|input| input.to_string())).collect();
    let mut of_links: Vec<Option<Best>> = links.iter().map(|_| None).collect();
    let mut of_source: Option<Best> = None;
    // Which row began it all, where only its id is left; behind a record that is missing, nothing is known.
    let mut by_id: Option<Origin> = None;
    let manifests = ancestry.manifests()?;
    for (number, (root, path)) in manifests.iter().enumerate() {
        let name = shown(ancestry, root.uri(), path);
        let reader = root.manifest_at(path)?;
        let (table, oldest) = (reader.table(), number + 1 == manifests.len());
        for index in 0..table.batches() {
            let batch = table.batch(index, &["id", "digest"])?;
            let ids = batch.text("id")?;
            for (row, digest) in batch.text("digest")?.iter().enumerate() {
                let Some(digest) = digest else { continue };
                let is_source = source.as_deref() == Some(digest);
                let may_begin = source.is_some()
                    && oldest
                    && by_id.is_none()
                    && related(ids.get(row).unwrap_or(""));
                if !is_source && !may_begin && wanted.iter().all(|w| w.as_deref() != Some(digest)) {
                    continue;
                }
                let related = related(ids.get(row).unwrap_or_default());
                let origin = || origin_at(table, index, row, &name);
                if may_begin {
                    by_id = Some(origin()?);
                }
                for (best, wanted) in of_links.iter_mut().zip(&wanted) {
                    let better = best.as_ref().is_none_or(|held| related && !held.related);
                    if better && wanted.as_deref() == Some(digest) {
                        *best = Some(Best { origin: origin()?, related, manifest: number });
                    }
                }
                let better = of_source.as_ref().is_none_or(|held| {
                    (related && !held.related)
                        || (related == held.related && number > held.manifest)
                });
                if is_source && better {
                    of_source = Some(Best { origin: origin()?, related, manifest: number });
                }
            }
        }
    }
    for (link, best) in links.iter_mut().zip(of_links) {
        link.input_item = best.map(|best| best.origin);
    }
    Ok(of_source.map(|best| best.origin).or(by_id))
}

fn origin_at(table: &Table, index: usize, row: usize, manifest: &str) -> Result<Origin> {
    let batch = table.batch(index, &["id", "path", "length", "digest"])?;
    let text = |name: &str| -> Result<String> {
        Ok(batch.text(name)?.get(row).unwrap_or_default().to_string())
    };
    let length = batch.ints("length")?.nth(row).flatten();
    Ok(Origin {
        id: text("id")?,
        path: text("path")?,
        length: length.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
        digest: text("digest")?.parse()?,
        manifest: manifest.to_string(),
    })
}

/// The value of one row.
pub(super) fn value_at(batch: &Batch, schema: &Schema, name: &str, row: usize) -> Result<Value> {
    Ok(match schema.kind(name) {
        Some(Kind::Text) => batch.text(name)?.get(row).into(),
        Some(Kind::Int) => batch.ints(name)?.nth(row).flatten().into(),
        Some(Kind::Float) => batch.floats(name)?.nth(row).flatten().into(),
        Some(Kind::Bool) => batch.bools(name)?.nth(row).flatten().into(),
        None => Value::Null,
    })
}
