//! Manifests as Parquet, through polars, a row group at a time.
//!
//! The bytes are a function of the rows alone: fixed size of row groups, fixed compression, no time stamp. That is what lets a
//! merge of shards equal one run byte for byte.

use std::io::Write;

use polars::frame::DataFrame;
use polars::prelude::{
    Column as PolarsColumn, NamedFrom, Schema as PolarsSchema, Series, StringChunked,
};
use serde_json::Value;

use super::encode::Groups;
use super::read::data_type;
use super::{BASE, BATCH_ROWS, Batch, Item, Kind, Schema};
use crate::error::{Error, Result};

/// Writes a manifest: row by row, or batch by batch.
pub struct ManifestWriter<W: Write> {
    schema: Schema,
    groups: Groups<W>,
    batch: Vec<Item>,
    /// Rows that came as columns and wait for a row group to be full.
    held: Vec<DataFrame>,
    held_rows: usize,
    rows: u64,
}

impl<W: Write> ManifestWriter<W> {
    /// Begins a manifest with these columns.
    ///
    /// # Errors
    /// [`Error::Store`] when the sink refuses.
    pub fn new(sink: W, schema: Schema) -> Result<Self> {
        let fields = BASE.iter().map(|c| (c.name.into(), data_type(c.kind)));
        let facts = schema.facts.iter().map(|f| (f.name.as_str().into(), data_type(f.kind)));
        let columns: PolarsSchema = fields.chain(facts).collect();
        let groups = Groups::new(sink, &columns)?;
        let (batch, held) = (Vec::new(), Vec::new());
        Ok(Self { schema, groups, batch, held, held_rows: 0, rows: 0 })
    }

    /// Encodes on this many threads (on one: on the caller's own), with a row group for each in memory. The bytes stay the
    /// same.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.groups.set_threads(threads);
        self
    }

    /// The columns.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Adds a row. Facts must be in the schema's order and types.
    ///
    /// # Errors
    /// [`Error::Bug`] when they are not; [`Error::Store`] when the sink refuses.
    pub fn push(&mut self, item: Item) -> Result<()> {
        let fits = item.facts.len() == self.schema.facts.len()
            && item.facts.iter().zip(&self.schema.facts).all(|(v, f)| f.kind.admits(v));
        if !fits {
            return Err(Error::Bug {
                message: format!("the facts of {:?} do not fit the manifest's columns", item.id),
            });
        }
        self.batch.push(item);
        if self.batch.len() == BATCH_ROWS { self.gather() } else { Ok(()) }
    }

    /// Adds rows as columns: all of the schema's, in its order ([`Batch::changed`]). The bytes are those that
    /// the same rows give one by one.
    ///
    /// # Errors
    /// [`Error::Store`] when the sink refuses; [`Error::Bug`] for other columns.
    pub fn push_batch(&mut self, batch: Batch) -> Result<()> {
        self.gather()?;
        self.hold(batch.into_frame())
    }

    /// Writes what is left and the footer; gives the number of rows.
    ///
    /// # Errors
    /// [`Error::Store`] when the sink refuses.
    pub fn finish(mut self) -> Result<u64> {
        self.gather()?;
        // An empty manifest still needs its (empty) columns.
        if self.held_rows > 0 || self.rows == 0 {
            let rest = match self.held.is_empty() {
                true => frame(&self.schema, &[])?,
                false => together(std::mem::take(&mut self.held))?,
            };
            self.write(rest)?;
        }
        self.groups.finish()?;
        Ok(self.rows)
    }

    /// Makes columns of the rows that came one by one.
    fn gather(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let items = std::mem::take(&mut self.batch);
        if self.held_rows > 0 || items.len() < BATCH_ROWS {
            return self.hold(frame(&self.schema, &items)?);
        }
        // A whole row group: its columns are made where they are encoded.
        self.rows += items.len() as u64;
        let schema = self.schema.clone();
        self.groups.write_made(items.len(), Box::new(move || frame(&schema, &items)))
    }

    fn hold(&mut self, frame: DataFrame) -> Result<()> {
        self.held_rows += frame.height();
        self.held.push(frame);
        if self.held_rows < BATCH_ROWS {
            return Ok(());
        }
        let all = together(std::mem::take(&mut self.held))?;
        let whole = all.height() - all.height() % BATCH_ROWS;
        for first in (0..whole).step_by(BATCH_ROWS) {
            let mut group = all.slice(first as i64, BATCH_ROWS);
            group.rechunk_mut();
            self.write(group)?;
        }
        self.held_rows = all.height() - whole;
        if self.held_rows > 0 {
            self.held.push(all.slice(whole as i64, self.held_rows));
        }
        Ok(())
    }

    fn write(&mut self, group: DataFrame) -> Result<()> {
        self.rows += group.height() as u64;
        self.groups.write(group)
    }
}

/// Frames of the same columns as one, in one piece.
pub(super) fn together(frames: Vec<DataFrame>) -> Result<DataFrame> {
    let mut frames = frames.into_iter();
    let Some(mut all) = frames.next() else { return Ok(DataFrame::empty()) };
    for frame in frames {
        all.vstack_mut_owned(frame).map_err(|e| Error::Bug { message: e.to_string() })?;
    }
    all.rechunk_mut();
    Ok(all)
}

/// These rows as columns.
fn frame(schema: &Schema, items: &[Item]) -> Result<DataFrame> {
    let mut columns: Vec<PolarsColumn> = Vec::with_capacity(BASE.len() + schema.facts.len());
    let mut add = |series: Series| columns.push(series.into());
    let text = |name: &str, value: fn(&Item) -> Option<&str>| texts(name, items.iter().map(value));
    let int = |name: &str, value: fn(&Item) -> Option<u64>| {
        let values = items.iter().map(|i| value(i).map(|v| v as i64));
        Series::new(name.into(), values.collect::<Vec<_>>())
    };
    add(text("id", |i| Some(&i.id)));
    add(text("path", |i| Some(&i.path)));
    add(int("offset", |i| i.offset));
    add(int("length", |i| Some(i.length)));
    let digests: StringChunked = items.iter().map(|i| Some(i.digest.to_string())).collect();
    add(Series::from(digests.with_name("digest".into())));
    add(text("media_type", |i| Some(&i.media_type)));
    add(int("width_px", |i| i.width_px.map(u64::from)));
    add(int("height_px", |i| i.height_px.map(u64::from)));
    add(text("label", |i| i.label.as_deref()));
    add(text("group", |i| i.group.as_deref()));
    add(text("split", |i| i.split.as_deref()));
    add(Series::new("weight".into(), items.iter().map(|i| i.weight).collect::<Vec<_>>()));
    add(text("trail", |i| Some(&i.trail)));
    for (index, field) in schema.facts.iter().enumerate() {
        let name = field.name.as_str();
        let values = items.iter().map(|i| &i.facts[index]);
        add(match field.kind {
            Kind::Bool => Series::new(name.into(), values.map(Value::as_bool).collect::<Vec<_>>()),
            Kind::Int => Series::new(name.into(), values.map(Value::as_i64).collect::<Vec<_>>()),
            Kind::Float => Series::new(name.into(), values.map(Value::as_f64).collect::<Vec<_>>()),
            Kind::Text => texts(name, values.map(Value::as_str)),
        });
    }
    DataFrame::new(items.len(), columns).map_err(|e| Error::Bug { message: e.to_string() })
}

fn texts<'a>(name: &str, values: impl Iterator<Item = Option<&'a str>>) -> Series {
    let made: StringChunked = values.collect();
    Series::from(made.with_name(name.into()))
}
