//! What a run leaves behind for people: `run.json` and `failures.jsonl`.
//!
//! The engine writes them; the report and the lineage read them, and know nothing else of a run.

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::distribution::Balance;
use crate::error::Error;

/// A line of `failures.jsonl`: what could not be done, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The item (or file) that failed.
    pub id: String,
    /// The step that was at work.
    pub step: String,
    /// [`Error::kind`].
    pub kind: String,
    /// What was found.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Failure {
    /// A failure of this step on this item.
    pub fn new(id: &str, step: &str, error: &Error) -> Self {
        Self {
            id: id.into(),
            step: step.into(),
            kind: error.kind().into(),
            message: error.to_string(),
            remedy: error.remedy(),
        }
    }

    /// Whether the outside world is to blame, so that doing it again may help.
    pub fn is_of_store(&self) -> bool {
        self.kind == "store"
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// What one step of a run did. The part of `run.json` that does not depend on the host comes first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepSummary {
    /// The step.
    pub step: String,
    /// Its version.
    pub version: String,
    /// All params, defaults filled in.
    pub params: serde_json::Value,
    /// Units in this run (this shard).
    pub units: u64,
    /// Units that a record answered.
    pub hits: u64,
    /// Units that were worked on and done.
    pub made: u64,
    /// Units (files, for `scan`) that failed.
    pub failures: u64,
    /// Items that the step was given and said to leave out: their facts stand in the records.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// Items in the step's manifest.
    pub items: u64,
    /// Bytes of the units' inputs.
    pub bytes_in: u64,
    /// Bytes of all outputs that the manifest names.
    pub bytes_out: u64,
    /// How rows were shared out among classes, splits and groups before and after: of a step over a whole
    /// manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Balance>,
    /// What such a step says of the whole, by its own names.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub findings: serde_json::Map<String, serde_json::Value>,
    /// What such a step says that a person should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Digest of the manifest file.
    pub manifest: Digest,
    /// Digest of what the manifest's rows follow from: rows before, keys, columns. A run that finds
    /// it unchanged, and every unit done, has nothing to do.
    pub follows_from: Digest,
    /// The slowest units of this run: (id, seconds), slowest first, at most 20.
    pub slowest: Vec<(String, f64)>,
    /// Bytes written by this run.
    pub bytes_written: u64,
    /// Wall-clock seconds of this run.
    pub seconds: f64,
}

/// What a run did: `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of the microtome crate.
    pub microtome: String,
    /// Where the items came from.
    pub input: String,
    /// `I/N`, for a shard.
    pub shard: Option<String>,
    /// Step by step.
    pub steps: Vec<StepSummary>,
    /// Failures of all steps.
    pub failures: u64,
    /// Those of them that storage is to blame for: doing it again may help.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub store_failures: u64,
    /// `K:STEP,STEP,…`, of a leg of a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leg: Option<String>,
    /// Digest of the manifest that the run was given: of a leg of a chain, that of the leg before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<Digest>,
    /// Units of all steps.
    pub units: u64,
    /// Seconds of the whole run.
    pub seconds: f64,
    /// Threads it had.
    pub threads: usize,
}

impl Summary {
    /// Inputs of the run: the files, slides or patches that came in. Units of later steps are the same
    /// ones again, but for those that failed before.
    pub fn inputs(&self) -> u64 {
        let mut failed = 0;
        let units = self.steps.iter().map(|step| {
            let units = step.units + failed;
            failed += step.failures;
            units
        });
        units.max().unwrap_or(0)
    }
}
