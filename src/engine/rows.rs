//! A step's manifest on its way to the dataset.

use crate::dataset::{Root, Scratch, Sealed};
use crate::error::Result;
use crate::manifest::{Batch, Field, Item, Kind, ManifestWriter, Schema};

/// The column that a shard's part carries beside the step's own: where its rows stand in the whole.
/// A merge sorts by it and drops it.
pub(super) const ORDER: &str = "merge.order";

/// Writes a manifest to a scratch file; [`RowsOut::finish`] gives it away, to be put in place last.
pub(super) struct RowsOut {
    writer: ManifestWriter<Scratch>,
    file: Scratch,
    schema: Schema,
    ordered: bool,
}

impl RowsOut {
    /// `ordered`: for a shard, whose rows carry [`ORDER`].
    pub fn new(root: &Root, schema: Schema, ordered: bool) -> Result<Self> {
        let file = root.scratch()?;
        let mut written = schema.clone();
        if ordered {
            written.facts.push(Field { name: ORDER.into(), kind: Kind::Int });
        }
        let writer = ManifestWriter::new(file.clone(), written)?;
        Ok(Self { writer, file, schema, ordered })
    }

    /// Encodes on this many threads; the bytes stay the same.
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.writer = self.writer.with_threads(threads);
        self
    }

    /// The columns, without [`ORDER`].
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Adds a row.
    pub fn push(&mut self, mut item: Item, order: u64) -> Result<()> {
        if self.ordered {
            item.facts.push(order.into());
        }
        self.writer.push(item)
    }

    /// Adds rows as columns.
    pub fn push_batch(&mut self, batch: Batch) -> Result<()> {
        self.writer.push_batch(batch)
    }

    /// Ends the manifest.
    pub fn finish(self) -> Result<Sealed> {
        self.writer.finish()?;
        self.file.seal()
    }
}
