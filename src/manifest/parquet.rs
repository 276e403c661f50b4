//! Manifests as Parquet, through polars, a batch of rows at a time.
//!
//! The bytes are a function of the rows alone: fixed batch size, fixed compression, one thread per
//! column order, no time stamp. That is what lets a merge of shards equal one run byte for byte.

use std::io::Write;
use std::sync::PoisonError;

use polars::frame::DataFrame;
use polars::io::mmap::MmapBytesReader;
use polars::io::parquet::write::BatchedWriter;
use polars::prelude::{
    AnyValue, Column as PolarsColumn, DataType, NamedFrom, ParquetCompression, ParquetWriter,
    Schema as PolarsSchema, Series,
};
use serde_json::Value;

use super::{BASE, Batch, Item, Kind, Schema, Table};
use crate::error::{Error, Result};

/// Lengths and offsets stay below 2^53 (8 PiB), which JSON and floats still carry exactly.
const MOST: u64 = 1 << 53;

/// Rows of a batch, and of a Parquet row group.
pub const BATCH_ROWS: usize = 65_536;

pub(super) fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Bool => DataType::Boolean,
        Kind::Int => DataType::Int64,
        Kind::Float => DataType::Float64,
        Kind::Text => DataType::String,
    }
}

pub(super) fn broken(e: impl std::fmt::Display) -> Error {
    Error::format("manifest", e.to_string())
}

/// Writes a manifest: row by row, or batch by batch.
pub struct ManifestWriter<W: Write> {
    schema: Schema,
    writer: BatchedWriter<W>,
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
        let writer = ParquetWriter::new(sink)
            .with_compression(ParquetCompression::Zstd(None))
            .with_row_group_size(Some(BATCH_ROWS))
            .set_parallel(false)
            .batched(&columns)
            .map_err(|e| Error::store("manifest", e))?;
        let (batch, held) = (Vec::new(), Vec::new());
        Ok(Self { schema, writer, batch, held, held_rows: 0, rows: 0 })
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
            self.write(&rest)?;
        }
        // No Arrow schema beside the Parquet one: polars would put `string_view` there, with which
        // pyarrow and pandas can neither filter nor sort.
        let writer = self.writer.get_writer();
        let ended = writer.lock().unwrap_or_else(PoisonError::into_inner).end(Some(Vec::new()));
        ended.map_err(|e| Error::store("manifest", e))?;
        Ok(self.rows)
    }

    /// Makes columns of the rows that came one by one.
    fn gather(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let frame = frame(&self.schema, &self.batch)?;
        self.batch.clear();
        self.hold(frame)
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
            self.write(&group)?;
        }
        self.held_rows = all.height() - whole;
        if self.held_rows > 0 {
            self.held.push(all.slice(whole as i64, self.held_rows));
        }
        Ok(())
    }

    fn write(&mut self, group: &DataFrame) -> Result<()> {
        self.rows += group.height() as u64;
        self.writer.write_batch(group).map_err(|e| Error::store("manifest", e))
    }
}

/// Frames of the same columns as one, in one piece.
fn together(frames: Vec<DataFrame>) -> Result<DataFrame> {
    let mut frames = frames.into_iter();
    let Some(mut all) = frames.next() else { return Ok(DataFrame::empty()) };
    for frame in frames {
        all.vstack_mut_owned(frame).map_err(|e| Error::Bug { message: e.to_string() })?;
    }
    all.rechunk_mut();
    Ok(all)
}

fn frame(schema: &Schema, items: &[Item]) -> Result<DataFrame> {
    let mut columns: Vec<PolarsColumn> = Vec::with_capacity(BASE.len() + schema.facts.len());
    let mut add = |series: Series| columns.push(series.into());
    let text = |name: &str, value: fn(&Item) -> Option<&str>| {
        Series::new(name.into(), items.iter().map(value).collect::<Vec<_>>())
    };
    let int = |name: &str, value: fn(&Item) -> Option<u64>| {
        Series::new(
            name.into(),
            items.iter().map(|i| value(i).map(|v| v as i64)).collect::<Vec<_>>(),
        )
    };
    add(text("id", |i| Some(&i.id)));
    add(text("path", |i| Some(&i.path)));
    add(int("offset", |i| i.offset));
    add(int("length", |i| Some(i.length)));
    let digests: Vec<String> = items.iter().map(|i| i.digest.to_string()).collect();
    add(Series::new("digest".into(), digests));
    add(text("media_type", |i| Some(&i.media_type)));
    add(int("width_px", |i| i.width_px.map(u64::from)));
    add(int("height_px", |i| i.height_px.map(u64::from)));
    add(text("label", |i| i.label.as_deref()));
    add(text("group", |i| i.group.as_deref()));
    add(text("split", |i| i.split.as_deref()));
    add(Series::new("weight".into(), items.iter().map(|i| i.weight).collect::<Vec<_>>()));
    add(text("trail", |i| Some(&i.trail)));
    for (index, field) in schema.facts.iter().enumerate() {
        let name = field.name.as_str().into();
        let values = items.iter().map(|i| &i.facts[index]);
        add(match field.kind {
            Kind::Bool => Series::new(name, values.map(Value::as_bool).collect::<Vec<_>>()),
            Kind::Int => Series::new(name, values.map(Value::as_i64).collect::<Vec<_>>()),
            Kind::Float => Series::new(name, values.map(Value::as_f64).collect::<Vec<_>>()),
            Kind::Text => Series::new(name, values.map(Value::as_str).collect::<Vec<_>>()),
        });
    }
    DataFrame::new(items.len(), columns).map_err(|e| Error::Bug { message: e.to_string() })
}

/// Reads a manifest batch by batch.
pub struct ManifestReader {
    table: Table,
    next: usize,
    batch_rows: usize,
}

impl ManifestReader {
    /// Opens a manifest; `open` gives its bytes anew for each batch.
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn new(
        open: impl Fn() -> Result<Box<dyn MmapBytesReader>> + Send + Sync + 'static,
    ) -> Result<Self> {
        Ok(Self { table: Table::new(open)?, next: 0, batch_rows: BATCH_ROWS })
    }

    /// The same manifest, by columns.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Reads smaller batches than [`BATCH_ROWS`]: for those who hold one of many manifests each.
    #[must_use]
    pub fn with_batch_rows(mut self, rows: usize) -> Self {
        self.batch_rows = rows.clamp(1, BATCH_ROWS);
        self
    }

    /// The columns.
    pub fn schema(&self) -> &Schema {
        self.table.schema()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.table.rows()
    }

    /// The next batch of at most [`BATCH_ROWS`] rows; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Format`] when a row lacks an id, a path or a digest, or a value cannot be read.
    pub fn next_batch(&mut self) -> Result<Option<Vec<Item>>> {
        let rows = self.table.rows();
        if self.next >= rows {
            return Ok(None);
        }
        let count = self.batch_rows.min(rows - self.next);
        let batch = self.table.slice(self.next, count, None)?;
        let items = items(self.table.schema(), batch.frame(), self.next)?;
        self.next += count;
        Ok(Some(items))
    }

    /// All rows at once: for small manifests and for tests.
    ///
    /// # Errors
    /// As [`Self::next_batch`].
    pub fn read_all(mut self) -> Result<Vec<Item>> {
        let mut all = Vec::new();
        while let Some(mut batch) = self.next_batch()? {
            all.append(&mut batch);
        }
        Ok(all)
    }
}

fn items(schema: &Schema, frame: &DataFrame, first_row: usize) -> Result<Vec<Item>> {
    let column = |name: &str| frame.column(name).map_err(broken);
    let base = BASE.iter().map(|c| column(c.name)).collect::<Result<Vec<_>>>()?;
    let facts =
        schema.facts.iter().map(|f| Ok((f.kind, column(&f.name)?))).collect::<Result<Vec<_>>>()?;
    (0..frame.height())
        .map(|row| {
            let get = |c: usize| base[c].get(row).map_err(broken);
            let at = |c: usize, e: &str| {
                Error::format(
                    "manifest",
                    format!("row {}: `{}` {e}", first_row + row, BASE[c].name),
                )
            };
            let text =
                |c: usize| -> Result<Option<String>> { Ok(get(c)?.get_str().map(str::to_string)) };
            let needed = |c: usize| text(c)?.ok_or_else(|| at(c, "is null"));
            let int = |c: usize| -> Result<Option<u64>> {
                match get(c)? {
                    AnyValue::Null => Ok(None),
                    v => match v.extract::<u64>() {
                        Some(v) if v < MOST => Ok(Some(v)),
                        _ => Err(at(c, "is negative or too large")),
                    },
                }
            };
            let side = |c: usize| -> Result<Option<u32>> {
                int(c)?.map(|v| u32::try_from(v).map_err(|_| at(c, "is too large"))).transpose()
            };
            Ok(Item {
                id: needed(0)?,
                path: needed(1)?,
                offset: int(2)?,
                length: int(3)?.ok_or_else(|| at(3, "is null"))?,
                digest: needed(4)?.parse().map_err(|e: Error| at(4, &e.to_string()))?,
                media_type: needed(5)?,
                width_px: side(6)?,
                height_px: side(7)?,
                label: text(8)?,
                group: text(9)?,
                split: text(10)?,
                weight: get(11)?.extract::<f64>(),
                trail: text(12)?.unwrap_or_default(),
                facts: facts
                    .iter()
                    .map(|(kind, c)| Ok(value(*kind, &c.get(row).map_err(broken)?)))
                    .collect::<Result<_>>()?,
            })
        })
        .collect()
}

fn value(kind: Kind, value: &AnyValue<'_>) -> Value {
    if value.is_null() {
        return Value::Null;
    }
    match kind {
        Kind::Bool => matches!(value, AnyValue::Boolean(true)).into(),
        Kind::Int => value.extract::<i64>().into(),
        Kind::Float => value.extract::<f64>().into(),
        Kind::Text => value.get_str().map(str::to_string).into(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::digest::Digest;
    use crate::manifest::Field;

    fn item(n: usize) -> Item {
        Item {
            id: format!("slide-{n}"),
            path: format!("/data/slide-{n}.svs"),
            offset: (!n.is_multiple_of(2)).then_some(512),
            length: n as u64,
            digest: Digest::of(&n.to_le_bytes()),
            media_type: "image/tiff".into(),
            width_px: Some(40_000),
            height_px: None,
            label: (n.is_multiple_of(3)).then(|| "tumor".into()),
            group: None,
            split: None,
            weight: (n == 1).then_some(0.1),
            trail: String::new(),
            facts: vec![(n as f64 * 0.25).into(), Value::Null, n.is_multiple_of(2).into()],
        }
    }

    fn schema() -> Schema {
        let field = |name: &str, kind| Field { name: name.into(), kind };
        Schema {
            facts: vec![
                field("slide.mpp_x", Kind::Float),
                field("scan.make", Kind::Text),
                field("scan.duplicate", Kind::Bool),
            ],
        }
    }

    fn write(items: &[Item]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = ManifestWriter::new(&mut bytes, schema()).unwrap();
        for item in items {
            writer.push(item.clone()).unwrap();
        }
        assert_eq!(writer.finish().unwrap(), items.len() as u64);
        bytes
    }

    fn read(bytes: Vec<u8>) -> ManifestReader {
        ManifestReader::new(move || Ok(Box::new(Cursor::new(bytes.clone())))).unwrap()
    }

    #[test]
    fn rows_come_back_as_they_went_in_and_bytes_repeat() {
        for count in [0, 1, 5] {
            let items: Vec<Item> = (0..count).map(item).collect();
            let bytes = write(&items);
            assert_eq!(bytes, write(&items));
            let reader = read(bytes);
            assert_eq!(reader.schema(), &schema());
            assert_eq!(reader.read_all().unwrap(), items);
        }
    }

    #[test]
    fn batches_follow_each_other_without_gaps() {
        let items: Vec<Item> = (0..BATCH_ROWS + 3).map(item).collect();
        let mut reader = read(write(&items));
        assert_eq!(reader.next_batch().unwrap().unwrap().len(), BATCH_ROWS);
        assert_eq!(reader.next_batch().unwrap().unwrap(), items[BATCH_ROWS..]);
        assert!(reader.next_batch().unwrap().is_none());
    }

    #[test]
    fn a_file_that_is_no_parquet_is_refused() {
        let bytes = b"PAR1 but not really PAR1".to_vec();
        assert!(ManifestReader::new(move || Ok(Box::new(Cursor::new(bytes.clone())))).is_err());
    }
}
