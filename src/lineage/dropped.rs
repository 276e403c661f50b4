//! Why an item went no further.

use serde::Serialize;
use serde_json::{Map, Value};

use super::ancestry::Ancestry;
use crate::digest::Digest;
use crate::error::Result;
use crate::record::{DROPPED_MEMBER, Record};

/// A step that left an item out, and what it said of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Dropped {
    /// The step.
    pub step: String,
    /// Its version.
    pub version: String,
    /// Key of the record that says so; `None` behind a step over a whole manifest that left no row at all.
    pub key: Option<Digest>,
    /// What it said, by the short names of its facts; null ones are left out. Of a step over a whole manifest: the manifest
    /// in which the row still stands and the one in which it does not, and how many rows went in and out.
    pub facts: Map<String, Value>,
}

/// Who left out an item of this digest. Records are looked through only where a run says that it dropped
/// something.
pub(super) fn dropped(ancestry: &Ancestry, digest: &Digest) -> Result<Vec<Dropped>> {
    let steps = ancestry.own_steps();
    // A step over a whole manifest says nothing of single rows in its record: see `super::whole`.
    if steps.iter().all(|step| step.dropped == 0 || step.balance.is_some()) {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for stored in ancestry.root().list("records")? {
        let name = stored.path.rsplit('/').next().and_then(|name| name.strip_suffix(".json"));
        let Some(key) = name.and_then(|name| name.parse::<Digest>().ok()) else { continue };
        // One that cannot be read is for `check` to tell.
        if let Ok(Some(record)) = ancestry.root().record(&key) {
            found.extend(of(&record, &key, digest));
        }
    }
    Ok(found)
}

fn of(record: &Record, key: &Digest, digest: &Digest) -> Option<Dropped> {
    let is_it = |name: &str| name.split_once('_').is_some_and(|(_, name)| name == DROPPED_MEMBER);
    let output = record.outputs.iter().find(|o| o.digest == *digest && is_it(&o.name))?;
    let step = record.cause.steps.last()?;
    let facts = output.facts.clone().into_iter().filter(|(_, value)| !value.is_null());
    Some(Dropped {
        step: step.step.clone(),
        version: step.version.clone(),
        key: Some(*key),
        facts: facts.collect(),
    })
}
