//! All rows of a manifest at once: what steps that split, draw and count look at.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::entry::AnyInput;
use super::input::{Grain, Input, sealed};
use crate::error::{Error, Result};
use crate::manifest::{Batch, Schema, Table, Values};

/// All rows of a manifest, by the columns that the step asked for ([`super::Step::columns`]).
///
/// Rows come in batches, from any thread and as often as the step wants: one pass to count, one to decide.
/// [`super::Out::ordered`] spreads batches over the crew and takes what came of them in their order. A step answers with
/// [`super::Out::rows`], batch by batch.
///
/// The order of rows is not part of what a dataset means: what becomes of a row may depend on its digest and on the values of the
/// columns, not on its place. `id` may be asked for to settle ties between equal images, and for nothing else.
pub struct Manifest {
    table: Table,
    columns: Vec<String>,
}

impl Manifest {
    /// A manifest of which these columns may be looked at; `digest` always may.
    pub fn new(table: Table, columns: Vec<String>) -> Self {
        Self { table, columns }
    }

    /// All columns that there are.
    pub fn schema(&self) -> &Schema {
        self.table.schema()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.table.rows()
    }

    /// Number of batches.
    pub fn batches(&self) -> usize {
        self.table.batches()
    }

    /// These columns of one batch.
    ///
    /// # Errors
    /// [`Error::Bug`] for a column that was not asked for; [`Error::Format`] when the file is damaged.
    pub fn batch(&self, index: usize, columns: &[&str]) -> Result<Batch> {
        let asked = |name: &&&str| **name != "digest" && !self.columns.iter().any(|c| c == **name);
        if let Some(name) = columns.iter().find(asked) {
            return Err(Error::Bug { message: format!("the step did not ask for `{name}`") });
        }
        self.table.batch(index, columns)
    }
}

impl sealed::Sealed for Manifest {}

impl Input for Manifest {
    const GRAIN: Grain = Grain::Manifest;

    fn from_any(input: AnyInput) -> Result<Self> {
        match input {
            AnyInput::Manifest(manifest) => Ok(manifest),
            _ => Err(Error::Bug { message: "a manifest step was given something else".into() }),
        }
    }
}

/// What becomes of the rows of one batch. Batches are answered in their order, each once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// How often each row goes on, 0 for those that are dropped; `None`: all of them, once.
    pub times: Option<Vec<u32>>,
    /// How often each row counts as drawn where it goes on once and a column says how often; `None`: once.
    pub draws: Option<Vec<u32>>,
    /// Values of facts (by their fields' names), and of `split` and `weight`; facts that are not here are null.
    pub columns: Vec<(&'static str, Values)>,
}

/// What a step says of the whole, by its own names.
pub type Findings = Map<String, Value>;

/// A manifest in memory, as Parquet: for tests and small tools.
///
/// # Errors
/// As [`Table::new`].
pub fn table_of(parquet: Vec<u8>) -> Result<Table> {
    let bytes: Arc<[u8]> = parquet.into();
    Table::new(move || Ok(Box::new(std::io::Cursor::new(bytes.clone()))))
}
