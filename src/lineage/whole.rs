//! Steps over whole manifests in the lineage of a row: what their records say, which rows they left out, and copies.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ancestry::{Ancestry, Made, shown};
use super::dropped::Dropped;
use crate::digest::Digest;
use crate::distribution::Skew;
use crate::error::Result;
use crate::manifest::Table;
use crate::record::{Output, Record, WHOLE};

/// What a step over a whole manifest did, in a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WholeWords {
    /// Rows that came in.
    pub rows_in: u64,
    /// Rows that went on.
    pub rows_out: u64,
    /// How skewed classes were and are, where a run still says so: labels need not be among what the record speaks of.
    pub skew: Option<[Skew; 2]>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// What such a record's facts are.
#[derive(Deserialize)]
struct Facts {
    rows_in: u64,
    rows_out: u64,
    #[serde(default)]
    notes: Vec<String>,
}

/// The one output of a record of a step over a whole manifest.
pub(super) fn whole_output(record: &Record) -> Option<&Output> {
    match record.outputs.as_slice() {
        [output] if output.name == WHOLE && output.path.is_none() => Some(output),
        _ => None,
    }
}

/// What a record says of a whole manifest; `None` for records of other steps.
pub(super) fn whole_words(record: &Record) -> Option<WholeWords> {
    let output = whole_output(record)?;
    let facts: Facts = serde_json::from_value(Value::Object(output.facts.clone())).ok()?;
    Some(WholeWords {
        rows_in: facts.rows_in,
        rows_out: facts.rows_out,
        skew: None,
        notes: facts.notes,
    })
}

/// How skewed classes were before and after the step of this record, where the run that wrote a manifest with it is there.
pub(super) fn skew(ancestry: &Ancestry, key: &Digest) -> Result<Option<[Skew; 2]>> {
    for made in ancestry.made()? {
        let Some(balance) = &made.step.balance else { continue };
        if last_key(made.root.manifest_at(&made.path)?.table())? == Some(*key) {
            return Ok(Some([balance.before.skew, balance.after.skew]));
        }
    }
    Ok(None)
}

/// A copy of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyOf {
    /// The id of the row that it repeats.
    pub id: String,
    /// Which one it is: 2 for the first copy beside the row itself.
    pub number: u32,
    /// The step that drew the row so often.
    pub step: String,
    /// Its record.
    pub key: Digest,
}

/// Parts an id `<id>~<records of the trail>-<number>`.
fn parted(id: &str) -> Option<(&str, usize, u32)> {
    let (row, copy) = id.rsplit_once('~')?;
    let (records, number) = copy.split_once('-')?;
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let number = Some(number).filter(|n| plain(n))?.parse().ok().filter(|n| *n > 1)?;
    let records = Some(records).filter(|n| plain(n))?.parse().ok().filter(|n| *n > 0)?;
    Some((row, records, number))
}

/// An id without the ends that copies have, where one of these records made them: the last copy first. What was made
/// of a copy (`slide~ab12-2/patch.png`) is not looked into.
pub(super) fn copies(ancestry: &Ancestry, id: &str, keys: &[Digest]) -> Result<Vec<CopyOf>> {
    let mut copies = Vec::new();
    let mut id = id;
    for (before, key) in keys.iter().enumerate().rev() {
        let Some((row, records, number)) = parted(id) else { break };
        if records != before + 1 {
            continue;
        }
        let Some(record) = ancestry.record(key)?.filter(|r| whole_output(r).is_some()) else {
            continue;
        };
        let step = record.cause.steps.last().map(|s| s.step.clone()).unwrap_or_default();
        copies.push(CopyOf { id: row.into(), number, step, key: *key });
        id = row;
    }
    Ok(copies)
}

/// The step over a whole manifest that left out the row of this id, where there is one: the row stands in the manifest
/// before it and not in its own. `found_in` is the newest manifest that has it: its dataset and path.
pub(super) fn left_out(
    ancestry: &Ancestry,
    label: Option<&str>,
    found_in: (&str, &str),
) -> Result<Option<Dropped>> {
    let made = ancestry.made()?;
    let is_it = |m: &Made<'_>| (m.root.uri(), m.path.as_str()) == found_in;
    let Some(at) = made.iter().position(is_it) else { return Ok(None) };
    // Steps that make new items of a row name them anew: only a step over a whole manifest keeps its id.
    let Some(next) = made.get(at + 1) else { return Ok(None) };
    let Some(balance) = &next.step.balance else { return Ok(None) };
    let of_class = |labels: &std::collections::BTreeMap<String, u64>| {
        label.map(|label| labels.get(label).copied().unwrap_or(0))
    };
    let before = made.get(at).map(|m| m.path.clone()).unwrap_or_default();
    let mut facts = Map::new();
    facts.insert("stands_in".into(), shown(ancestry, found_in.0, &before).into());
    facts.insert("and_not_in".into(), shown(ancestry, next.root.uri(), &next.path).into());
    facts.insert("rows_in".into(), balance.before.rows.into());
    facts.insert("rows_out".into(), next.step.items.into());
    if let (Some(label), Some(a), Some(b)) =
        (label, of_class(&balance.before.labels), of_class(&balance.after.labels))
    {
        facts.insert("class".into(), label.into());
        facts.insert("class_rows_in".into(), a.into());
        facts.insert("class_rows_out".into(), b.into());
    }
    let key = last_key(next.root.manifest_at(&next.path)?.table())?;
    Ok(Some(Dropped {
        step: next.step.step.clone(),
        version: next.step.version.clone(),
        key,
        facts,
    }))
}

/// The record that the first row of a manifest came by last: that of a step over a whole manifest is the same for all.
pub(super) fn last_key(table: &Table) -> Result<Option<Digest>> {
    if table.batches() == 0 {
        return Ok(None);
    }
    let batch = table.batch(0, &["trail"])?;
    let trail = batch.text("trail")?.get(0).unwrap_or_default();
    Ok(trail.rsplit(' ').next().and_then(|key| key.parse().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_copies_are_told_from_names_with_a_tilde() {
        assert_eq!(parted("a/b.png~3-2"), Some(("a/b.png", 3, 2)));
        assert_eq!(parted("a~3-2~5-12"), Some(("a~3-2", 5, 12)));
        for id in ["a.png", "a~b", "~", "a~3-1", "a~3-x", "a~0-2", "a~+3-2", "a~3-2/x", "a~3"] {
            assert_eq!(parted(id), None, "{id}");
        }
    }
}
